import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from dccad.method.clustering import kmeans, starts
from dccad.method.clustering.kernel_split import count_clustering_kernels, split_kernels
from dccad.method.clustering.maps import assign_maps, cluster_maps
from dccad.method.clustering.ranking import centre_distances, rank_maps
from naive import naive_assign, naive_centre_distance, naive_lloyd, naive_ranks


def blobs(n_windows=60, n_maps=3, map_length=2, n_clusters=3, spread=0.3, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(scale=3, size=(n_maps, n_clusters, map_length))
    chosen = rng.integers(n_clusters, size=(n_windows, n_maps))
    points = centres[np.arange(n_maps), chosen] + spread * rng.normal(
        size=(n_windows, n_maps, map_length)
    )
    return torch.tensor(points)


@pytest.mark.parametrize("n_clusters", [2, 3, 5])
@pytest.mark.parametrize("map_length", [1, 4])
def test_all_maps_at_once_equal_lloyd_map_by_map(n_clusters, map_length):
    latents = blobs(map_length=map_length, spread=2.0)
    initial = latents[:n_clusters].permute(1, 0, 2).contiguous()
    found = cluster_maps(latents, n_clusters, initial=initial, max_iter=7, tol=0.0)
    for m in range(3):
        centres, assigned, inertia = naive_lloyd(latents[:, m].tolist(), initial[m].tolist(), 7)
        np.testing.assert_allclose(found.centres[m], centres, rtol=1e-9, atol=1e-9)
        assert found.assignments[:, m].tolist() == assigned
        assert float(found.inertia[m]) == pytest.approx(inertia)


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


def test_equal_windows_do_not_break_the_clustering():
    found = cluster_maps(torch.ones(6, 2, 3), 3, generator=torch.Generator().manual_seed(0))
    assert torch.isfinite(found.centres).all()
    assert float(found.inertia.abs().max()) == 0.0
    assert (found.assignments == 0).all()  # ties go to the lower cluster


@pytest.mark.parametrize("n_clusters", [2, 4, 8])
def test_inertia_is_as_low_as_scikit_learns(n_clusters):
    latents = blobs(n_windows=300, n_maps=6, map_length=3, n_clusters=n_clusters, spread=1.0)
    generator = torch.Generator().manual_seed(1)
    found = cluster_maps(latents.float(), n_clusters, n_init=20, generator=generator)
    for m in range(6):
        theirs = KMeans(n_clusters, n_init=10, random_state=0).fit(latents[:, m].numpy())
        assert float(found.inertia[m]) <= 1.001 * theirs.inertia_


def test_a_large_offset_costs_no_precision():
    latents = blobs(spread=0.1).float()
    initial = latents[:3].permute(1, 0, 2).contiguous()
    near = cluster_maps(latents, 3, initial=initial)
    far = cluster_maps(latents + 1000.0, 3, initial=initial + 1000.0)
    assert torch.equal(near.assignments, far.assignments)


def test_the_stored_assignments_are_those_to_the_stored_centres():
    latents = blobs(spread=2.0)
    found = cluster_maps(latents, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(assign_maps(latents, found.centres), found.assignments)


def test_new_windows_go_to_the_nearest_stored_centre():
    latents, centres = blobs(seed=3), torch.randn(3, 4, 2, dtype=torch.float64)
    assigned = assign_maps(latents, centres)
    for m in range(3):
        assert assigned[:, m].tolist() == naive_assign(latents[:, m].tolist(), centres[m].tolist())


def test_permuted_windows_keep_their_clusters():
    latents = blobs(spread=1.0)
    initial = latents[:3].permute(1, 0, 2).contiguous()
    order = torch.randperm(len(latents))
    straight = cluster_maps(latents, 3, initial=initial)
    shuffled = cluster_maps(latents[order], 3, initial=initial)
    assert torch.equal(shuffled.assignments, straight.assignments[order])


def test_the_same_generator_seed_gives_the_same_centres():
    def run():
        generator = torch.Generator().manual_seed(5)
        return cluster_maps(blobs(), 3, generator=generator).centres

    assert torch.equal(run(), run())


@pytest.mark.parametrize("n_clusters", [2, 3, 6])
def test_centre_distance_is_the_smallest_between_any_two(n_clusters):
    centres = torch.randn(5, n_clusters, 4, dtype=torch.float64)
    expected = [naive_centre_distance(map_centres.tolist()) for map_centres in centres]
    assert centre_distances(centres).tolist() == pytest.approx(expected)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=12))
def test_ranks_are_ranks_and_not_an_argsort(distances):
    ranks = rank_maps(torch.tensor(distances, dtype=torch.float32))
    assert ranks.tolist() == naive_ranks(distances)


def test_the_maps_with_the_largest_distance_become_clustering_kernels():
    distances = torch.tensor([0.3, 5.0, 0.2, 4.0, 1.0])
    assert split_kernels(rank_maps(distances), 2).tolist() == [False, True, False, True, False]


@pytest.mark.parametrize(("asked", "count"), [(0.5, 8), (1.0, 16), (3, 3), (0.01, 1), (1, 1)])
def test_a_share_or_a_number_of_clustering_kernels(asked, count):
    assert count_clustering_kernels(asked, 16) == count


@pytest.mark.parametrize("n_clusters", [2, 5])
def test_many_maps_of_many_windows_are_clustered_as_well_as_by_ten_restarts(n_clusters):
    """More windows than the restarts see: what they choose on a sample must hold for all."""
    latents = blobs(3000, 64, 5, n_clusters, spread=1.5, seed=2).float()
    generator = torch.Generator().manual_seed(0)
    found = cluster_maps(latents, n_clusters, n_init=10, generator=generator)
    best = [
        KMeans(n_clusters, n_init=10, random_state=0).fit(latents[:, m].numpy()).inertia_
        for m in range(64)
    ]
    assert (found.inertia.numpy() <= 1.001 * np.array(best)).all()


def test_cut_maps_have_the_lowest_inertia_of_all():
    latents = blobs(2000, 64, 1, 2, spread=1.5, seed=4).float()
    found = cluster_maps(latents, 2)
    for m in range(64):
        theirs = KMeans(2, n_init=10, random_state=0).fit(latents[:, m].numpy())
        assert float(found.inertia[m]) <= (1 + 1e-5) * theirs.inertia_


@pytest.mark.parametrize(("map_length", "n_clusters"), [(1, 2), (4, 2), (4, 3)])
def test_maps_in_small_blocks_get_the_same_clusters(map_length, n_clusters, monkeypatch):
    latents = blobs(80, 7, map_length, n_clusters)
    initial = latents[:n_clusters].permute(1, 0, 2).contiguous()
    at_once = cluster_maps(latents, n_clusters, initial=initial)
    monkeypatch.setattr(kmeans, "CELLS", 1)
    one_by_one = cluster_maps(latents, n_clusters, initial=initial)
    assert torch.equal(one_by_one.assignments, at_once.assignments)
    torch.testing.assert_close(one_by_one.centres, at_once.centres)


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


def test_seeds_are_windows_of_different_clusters():
    latents = blobs(300, 20, 3, 6, spread=1e-3, seed=1)
    columns = kmeans.make_columns(kmeans.put_maps_first(latents), latents.mean(dim=0))
    generator = torch.Generator().manual_seed(0)
    chosen = torch.randint(300, (20, 5), generator=generator)
    reaches = torch.rand(5, 20, 5, 3, generator=generator, dtype=torch.float64)
    seeds = starts.plus_plus(columns, chosen, reaches)
    apart = centre_distances(seeds.flatten(0, 1))
    assert float((apart > 0.02).double().mean()) > 0.95
    windows = columns[:, :-1].transpose(1, 2)[:, None, None]
    assert bool((seeds[..., None, :] == windows).all(dim=-1).any(dim=-1).all())


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


def test_rivals_on_a_small_sample_are_told_apart_on_all_windows(monkeypatch):
    """More clusters than centres: several ends are nearly as good, and few windows mistake them."""
    latents = blobs(3000, 48, 3, 5, spread=0.5, seed=6).float()
    monkeypatch.setattr(starts, "ROUNDS", (starts.Round(200, 6), starts.Round(400, 4)))
    generator = torch.Generator().manual_seed(0)
    found = cluster_maps(latents, 2, n_init=10, generator=generator)
    best = [
        KMeans(2, n_init=20, random_state=0).fit(latents[:, m].numpy()).inertia_ for m in range(48)
    ]
    assert (found.inertia.numpy() <= 1.001 * np.array(best)).all()


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
