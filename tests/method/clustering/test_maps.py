"""k-means of every map at once: against Lloyd's iterations map by map and scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans

from dccad.method.clustering.maps import assign_maps, cluster_maps
from map_blobs import blobs
from naive import naive_assign, naive_lloyd


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


def test_cut_maps_have_the_lowest_inertia_of_all():
    latents = blobs(2000, 64, 1, 2, spread=1.5, seed=4).float()
    found = cluster_maps(latents, 2)
    for m in range(64):
        theirs = KMeans(2, n_init=10, random_state=0).fit(latents[:, m].numpy())
        assert float(found.inertia[m]) <= (1 + 1e-5) * theirs.inertia_
