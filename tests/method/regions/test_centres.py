"""Regions by the nearest centre: k-means on the maps together, by scikit-learn and by loops."""

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans

from dccad.method.regions.centres import assign_regions, find_centre_partition, squared_distances
from naive import naive_assign, squared_distance


def latents_of_two_regimes(n_windows=200, n_maps=5, map_length=3, seed=0):
    """Maps 0 and 2 separate two regimes, the others are noise; regime 1 is wider and smaller."""
    rng = np.random.default_rng(seed)
    regime = np.arange(n_windows) >= 0.7 * n_windows
    latents = 0.3 * rng.normal(size=(n_windows, n_maps, map_length))
    latents[regime] *= 3
    latents[regime, 0] += 4.0
    latents[regime, 2] -= 4.0
    return torch.tensor(latents), regime.astype(int)


def partition_of(latents, maps=(0, 2, 4), reference=None):
    centres = torch.zeros(latents.shape[1], 2, latents.shape[2], dtype=latents.dtype)
    generator = torch.Generator().manual_seed(0)
    return find_centre_partition(
        centres, latents, torch.tensor(maps), reference=reference, generator=generator
    )


def test_the_consensus_is_k_means_on_all_clustering_maps_together():
    latents, regime = latents_of_two_regimes()
    partition, report, regions = partition_of(latents)
    flat = latents[:, [0, 2, 4]].reshape(200, -1).numpy()
    theirs = KMeans(2, n_init=10, random_state=0).fit(flat)
    ours = partition.region_centres.reshape(2, -1)
    inertia = sum(squared_distance(p, ours[r]) for p, r in zip(flat, regions, strict=True))
    assert inertia == pytest.approx(theirs.inertia_, rel=1e-6)
    np.testing.assert_array_equal(regions, regime)
    assert report.share == pytest.approx((0.7, 0.3))


def test_the_normal_region_is_number_0_whatever_k_means_called_it():
    latents, regime = latents_of_two_regimes()
    for seed in range(4):
        order = torch.randperm(200, generator=torch.Generator().manual_seed(seed))
        _, _, regions = partition_of(latents[order])
        np.testing.assert_array_equal(regions, regime[order])


def test_the_fit_windows_keep_their_region_when_they_are_scored_again():
    latents, _ = latents_of_two_regimes()
    partition, _, regions = partition_of(latents)
    again = assign_regions(latents[:, partition.clustering_maps], partition.region_centres)
    np.testing.assert_array_equal(again, regions)


def test_new_windows_go_to_the_nearest_region_centre():
    latents, centres = torch.randn(30, 3, 2), torch.randn(4, 3, 2)
    expected = naive_assign(latents.reshape(30, 6).tolist(), centres.reshape(4, 6).tolist())
    assert assign_regions(latents, centres).tolist() == expected


def test_distances_are_means_over_the_clustering_maps():
    latents, centres = torch.randn(4, 3, 2, dtype=torch.float64), torch.randn(3, 2).double()
    for window, found in zip(latents, squared_distances(latents, centres), strict=True):
        expected = sum(squared_distance(z, c) for z, c in zip(window, centres, strict=True)) / 3
        assert float(found) == pytest.approx(expected)
