"""Lloyd's iterations: empty clusters, several starts at once, blocks, threads and digits."""

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans

from dccad.method.clustering import kmeans
from dccad.method.clustering.maps import cluster_maps
from map_blobs import blobs
from naive import naive_lloyd


def test_an_empty_cluster_moves_to_the_farthest_window():
    latents = torch.tensor([0.0, 0.1, 0.2, 9.0], dtype=torch.float64).reshape(4, 1, 1)
    initial = torch.tensor([[[0.1], [500.0]]], dtype=torch.float64)
    found = cluster_maps(latents, 2, initial=initial)
    assert sorted(found.centres.flatten().tolist()) == pytest.approx([0.1, 9.0])
    naive = naive_lloyd(latents[:, 0].tolist(), initial[0].tolist(), 5)
    np.testing.assert_allclose(found.centres[0], naive[0])


def test_several_empty_clusters_move_to_different_windows():
    latents = torch.tensor([0.0, 0.0, 5.0, 9.0], dtype=torch.float64).reshape(4, 1, 1)
    initial = torch.tensor([[[0.0], [500.0], [600.0]]], dtype=torch.float64)
    found = cluster_maps(latents, 3, initial=initial)
    assert sorted(found.centres.flatten().tolist()) == [0.0, 5.0, 9.0]


@pytest.mark.parametrize("empty", [0, 1])
def test_either_of_two_clusters_may_be_empty(empty):
    latents = torch.tensor([0.0, 0.1, 0.2, 9.0], dtype=torch.float64).repeat(2, 1).T[..., None]
    latents = torch.cat((latents, latents), dim=2)  # of one value, maps would be cut exactly
    initial = torch.full((2, 2, 2), 0.1, dtype=torch.float64)
    initial[0, empty], initial[1, 1] = 500.0, 8.0
    found = cluster_maps(latents, 2, initial=initial)
    for m in range(2):
        centres, assigned, _ = naive_lloyd(latents[:, m].tolist(), initial[m].tolist(), 5)
        np.testing.assert_allclose(found.centres[m], centres)
        assert found.assignments[:, m].tolist() == assigned


@pytest.mark.parametrize("n_clusters", [2, 3])
def test_starts_taken_together_end_where_each_ends_alone(n_clusters):
    """Starts settle at different times, and are packed anew; here none stops before the last."""
    latents = blobs(200, 5, 3, n_clusters, spread=2.0)
    generator = torch.Generator().manual_seed(0)
    chosen = torch.randint(200, (5, 4, n_clusters), generator=generator)
    starts = latents[chosen, torch.arange(5)[:, None, None]]
    columns = kmeans.make_columns(kmeans.put_maps_first(latents), torch.zeros(5, 3))
    going = torch.ones(5, 4, dtype=torch.bool)
    going[1], going[3, 1:] = False, False
    together = kmeans.lloyd(columns, starts, going, 500, 0.0)
    for m, start in going.nonzero().tolist():
        centres, _, _ = naive_lloyd(latents[:, m].tolist(), starts[m, start].tolist(), 60)
        np.testing.assert_allclose(together[m, start], centres, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("map_length", "n_clusters"), [(1, 2), (4, 2), (4, 3)])
def test_maps_in_small_blocks_get_the_same_clusters(map_length, n_clusters, monkeypatch):
    latents = blobs(80, 7, map_length, n_clusters)
    initial = latents[:n_clusters].permute(1, 0, 2).contiguous()
    at_once = cluster_maps(latents, n_clusters, initial=initial)
    monkeypatch.setattr(kmeans, "CELLS", 1)
    one_by_one = cluster_maps(latents, n_clusters, initial=initial)
    assert torch.equal(one_by_one.assignments, at_once.assignments)
    torch.testing.assert_close(one_by_one.centres, at_once.centres)


def test_tight_clusters_far_apart_keep_their_digits():
    """Squares of distances are 1e7 times those within a cluster."""
    rng = np.random.default_rng(0)
    groups = np.array([[0.0, 0.0], [0.01, 0.0], [10.0, 5.0]])
    points = groups[rng.integers(3, size=(3000, 4))] + 1e-3 * rng.normal(size=(3000, 4, 2))
    latents = torch.tensor(points).float()
    found = cluster_maps(latents, 3, generator=torch.Generator().manual_seed(0))
    for m in range(4):
        theirs = KMeans(3, n_init=10, random_state=0).fit(points[:, m])
        assert float(found.inertia[m]) <= 1.001 * theirs.inertia_


@pytest.mark.parametrize("n_clusters", [2, 3])
@pytest.mark.parametrize("n_maps", [1, 13])
def test_the_number_of_threads_changes_nothing(n_clusters, n_maps):
    """Several blocks, samples, rivals; some products are large enough to be shared by threads."""
    latents = blobs(20_000, n_maps, 6, n_clusters, spread=3.0).float()
    before, found = torch.get_num_threads(), []
    for n_threads in (1, 2, 4):
        torch.set_num_threads(n_threads)
        try:
            generator = torch.Generator().manual_seed(0)
            found.append(cluster_maps(latents, n_clusters, generator=generator))
        finally:
            torch.set_num_threads(before)
    for other in found[1:]:
        assert torch.equal(other.centres, found[0].centres)
        assert torch.equal(other.assignments, found[0].assignments)
        assert torch.equal(other.inertia, found[0].inertia)
