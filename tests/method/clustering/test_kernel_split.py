"""The division of the kernels, what an update changes, and the warning of a collapse."""

import warnings
from dataclasses import replace

import pytest
import torch

from dccad.errors import LatentCollapseWarning
from dccad.method.clustering.kernel_split import (
    changes,
    count_clustering_kernels,
    make_split,
    order_kernels,
    warn_of_collapse,
)
from dccad.method.clustering.maps import cluster_maps


def test_the_maps_with_the_largest_distance_become_clustering_kernels():
    split = make([0.3, 5.0, 0.2, 4.0, 1.0], [0, 1, 2, 3, 4], 2)
    assert split.kernels.tolist() == [False, True, False, True, False]


@pytest.mark.parametrize(("asked", "count"), [(0.5, 8), (1.0, 16), (3, 3), (0.01, 1), (1, 1)])
def test_a_share_or_a_number_of_clustering_kernels(asked, count):
    assert count_clustering_kernels(asked, 16) == count


def make(qualities, kernel_of_map, n_clustering, latents=None):
    qualities = torch.tensor(qualities)
    if latents is None:
        latents = torch.randn(20, len(qualities), 1, dtype=torch.float64)
    clusters = cluster_maps(latents, 2)
    return make_split(latents, clusters, qualities, torch.tensor(kernel_of_map), n_clustering)


def test_a_kernel_is_judged_by_its_best_map_which_alone_becomes_a_clustering_map():
    # kernel 0: maps 0 and 3; kernel 1: maps 1 and 4; kernel 2: map 2; map 5 is of several kernels
    split = make([0.1, 0.5, 0.2, 0.8, 0.4, 0.9], [0, 1, 2, 0, 1, -1], 2)
    assert split.kernels.tolist() == [True, True, False]
    assert split.clustering.tolist() == [False, True, False, True, False, False]
    assert split.clustering_maps.tolist() == [3, 1]  # the best first
    assert split.ranks.tolist() == [6, 3, 5, 2, 4, 1]


def test_kernels_are_listed_by_the_rank_of_their_best_map():
    split = make([0.1, 0.5, 0.2, 0.8, 0.4, 0.9], [0, 1, 2, 0, 1, -1], 2)
    clustering, reconstruction = order_kernels(split, torch.tensor([0, 1, 2, 0, 1, -1]))
    assert (clustering.tolist(), reconstruction.tolist()) == ([0, 1], [2])


def test_the_spread_of_a_map_is_its_standard_deviation_over_windows_and_positions():
    latents = torch.randn(30, 3, 4, dtype=torch.float64) * torch.tensor([1.0, 50.0, 0.0])[:, None]
    split = make([0.3, 0.2, 0.1], [0, 1, 2], 1, latents)
    expected = [latents[:, m].numpy().std() for m in range(3)]
    assert split.spread.tolist() == pytest.approx(expected)


def test_an_update_tells_how_many_assignments_and_kernels_changed():
    before = make([0.9, 0.5, 0.1, 0.2], [0, 1, 2, 3], 2)
    assert changes(None, before) == {"switched": None, "map_changes": None}
    assigned = before.clusters.assignments.clone()
    assigned[:5, 2] = 1 - assigned[:5, 2]
    after = replace(
        before,
        clusters=replace(before.clusters, assignments=assigned),
        kernels=torch.tensor([True, False, True, False]),
    )
    assert changes(before, after) == {"switched": 5 / (20 * 4), "map_changes": 2}


@pytest.mark.parametrize(("what", "field"), [("distance", "distances"), ("spread", "spread")])
def test_a_collapse_is_reported_for_the_clustering_maps_alone(what, field):
    first = make([0.9, 0.5, 0.1, 0.2], [0, 1, 2, 3], 2)
    others = torch.where(first.clustering, getattr(first, field), 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_collapse(first, replace(first, **{field: others}), 0.5)
    fallen = torch.where(first.clustering, 0.001 * getattr(first, field), 1.0)
    with pytest.warns(LatentCollapseWarning, match=f"{what} .* lower alpha \\(now 0.5\\)"):
        warn_of_collapse(first, replace(first, **{field: fallen}), 0.5)
