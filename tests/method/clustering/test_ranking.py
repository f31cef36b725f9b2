"""Quality of maps: explained variance, persistence pair by pair, and what has no scale."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conftest import windows_of
from dccad.logs.windows import join_windows, window_starts
from dccad.method.clustering.maps import MapClusters, cluster_maps
from dccad.method.clustering.ranking import (
    LAGS,
    centre_distances,
    map_qualities,
    persistence,
    rank_maps,
    separation,
)
from naive import naive_centre_distance, naive_persistence, naive_ranks, naive_separation
from window_sets import windows_at


def clustered(latents, n_clusters):
    return cluster_maps(latents, n_clusters, generator=torch.Generator().manual_seed(0))


def divided(latents, assignments, n_clusters):
    """MapClusters of given assignments, with their means."""
    maps = range(latents.shape[1])
    centres = torch.stack(
        [
            torch.stack([latents[assignments[:, m] == k, m].mean(0) for k in range(n_clusters)])
            for m in maps
        ]
    )
    errors = torch.stack([latents[:, m] - centres[m, assignments[:, m]] for m in maps], dim=1)
    return MapClusters(centres, assignments, errors.square().sum(dim=(0, 2)))


@pytest.mark.parametrize(("n_clusters", "map_length"), [(2, 1), (3, 1), (2, 4)])
def test_separation_is_the_variance_between_the_clusters_over_all(n_clusters, map_length):
    latents = torch.randn(60, 5, map_length, dtype=torch.float64)
    latents[40:, 2] += 6
    clusters = clustered(latents, n_clusters)
    expected = [
        naive_separation(latents[:, m].tolist(), clusters.assignments[:, m].tolist())
        for m in range(5)
    ]
    assert separation(latents, clusters).tolist() == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, -123.456])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n_clusters", [2, 3])
def test_a_map_that_does_not_vary_is_not_taken_for_a_clean_cut(value, dtype, n_clusters):
    """Rounding leaves a variance of 1e-34 and an inertia of 0: that is not separation 1."""
    latents = torch.full((11, 2, 1), value, dtype=dtype)
    latents[:, 1, 0] = torch.arange(11)
    found = separation(latents, clustered(latents, n_clusters))
    assert float(found[0]) == pytest.approx(0.0, abs=1e-9)
    assert float(found[1]) > 0.7


LAYOUTS = [
    ([60], 1, 1, LAGS),
    ([80, 50, 70], 5, 1, LAGS),
    ([80, 53, 70], 6, 4, LAGS),
    ([90, 90], 10, 3, {1: 1.0, 2: 0.3, 3: 1.0}),
    ([90, 14, 25], 5, 2, {1: 1.0, 5: 0.7}),  # the longest lag fits into one run only
]


def naive_runs(assigned, lengths, window, stride):
    counts = [len(window_starts([length], window, stride)) for length in lengths]
    return [part.tolist() for part in np.split(assigned, np.cumsum(counts)[:-1])]


@pytest.mark.parametrize(("lengths", "window", "stride", "lags"), LAYOUTS)
@pytest.mark.parametrize("n_clusters", [2, 3])
def test_persistence_counts_every_pair_within_a_run(lengths, window, stride, lags, n_clusters):
    starts = window_starts(lengths, window, stride)
    rng = np.random.default_rng(0)
    slow = np.repeat(rng.integers(n_clusters, size=1 + len(starts) // 9), 9)[: len(starts)]
    noise = rng.integers(n_clusters, size=len(starts))
    late = np.full(len(starts), n_clusters - 1)
    late[: len(starts) // 3] = 0
    assigned = np.column_stack([slow, noise, late])
    found = persistence(torch.from_numpy(assigned), windows_at(starts, window, stride), lags)
    expected = [
        naive_persistence(naive_runs(assigned[:, m], lengths, window, stride), window, stride, lags)
        for m in range(3)
    ]
    assert found.tolist() == pytest.approx(expected, abs=1e-12)
    assert expected[2] > 0.05


def test_persistence_by_hand():
    """Lag 1 of 0 0 1 1: one pair of three switches, by chance half do: 1 − (1/3) / (1/2)."""
    assigned = torch.tensor([[0], [0], [1], [1]])
    windows = windows_at(torch.arange(4), 1)
    found = persistence(assigned, windows, lags={1: 1.0})
    assert float(found) == pytest.approx(1 / 3)
    assert float(persistence(assigned.bool(), windows, {1: 1.0})) == float(found)


def test_all_windows_in_one_cluster_are_no_regime():
    assigned = torch.zeros(30, 2, dtype=torch.int64)
    assigned[15:, 1] = 1
    windows = windows_at(torch.arange(30), 2)
    found = persistence(assigned, windows)
    assert float(found[0]) == 0.0
    assert float(found[1]) > 0.1
    assert float(persistence(assigned + 1, windows)[0]) == 0.0  # nor in cluster 1


def test_a_lag_longer_than_every_run_says_nothing():
    windows = windows_at(window_starts([20, 20], 5, 1), 5)
    assigned = (torch.arange(len(windows)) >= len(windows) // 2).long()[:, None]
    assert float(persistence(assigned, windows, {2: 1.0, 50: 0.5})) == float(
        persistence(assigned, windows, {2: 1.0})
    )
    assert float(persistence(assigned, windows, {50: 1.0})) == 1.0


@pytest.mark.parametrize(("window", "stride"), [(5, 1), (5, 4), (4, 3), (5, 5), (4, 6)])
def test_regimes_that_change_between_runs_do_not_count_as_switches(window, stride):
    """Each run is one regime: nothing switches within a run."""
    lengths = [60, 40, 55, 35]  # with stride = window, runs follow one another at that distance
    counts = [len(window_starts([length], window, stride)) for length in lengths]
    assigned = torch.from_numpy(np.repeat([0, 1, 0, 1], counts))[:, None]
    segments = [np.zeros((length, 1)) for length in lengths]
    windows = windows_of(segments, window, stride)
    assert float(persistence(assigned, windows, LAGS)) == 1.0
    in_one_run = windows_at(torch.arange(len(windows)) * stride, window, stride)
    assert float(persistence(assigned, in_one_run)) < 1.0


def test_windows_of_another_stride_are_left_out_of_the_persistence():
    """Lag 1 of 0 0 1 1 as above; the windows that alternate at another stride are no neighbours."""
    parts = [windows_of([np.zeros((n, 1))], 1, stride) for n, stride in ((4, 1), (8, 2))]
    assigned = torch.tensor([0, 0, 1, 1, 0, 1, 0, 1])[:, None]
    assert float(persistence(assigned, join_windows(parts), {1: 1.0})) == pytest.approx(1 / 3)


def regimes_and_noise(n=120, dtype=torch.float32):
    latents = torch.randn(n, 4, 1, dtype=dtype)
    latents[n // 2 :, 0] += 5  # a regime
    flicker = torch.rand(n, generator=torch.Generator().manual_seed(1)) > 0.5
    latents[flicker, 1] += 5  # clean, but it flickers
    latents[n // 2 :, 2] += 2
    return latents


@pytest.mark.parametrize(
    ("ranking", "parts"),
    [
        ("separation-persistence", ("separation", "persistence")),
        ("separation", ("separation",)),
        ("persistence", ("persistence",)),
        ("distance", ("distance",)),
    ],
)
def test_each_ranking_is_the_product_of_what_its_name_says(ranking, parts):
    latents = regimes_and_noise(dtype=torch.float64)
    clusters, windows = clustered(latents, 2), windows_at(torch.arange(len(latents)), 3)
    expected = torch.ones(4, dtype=torch.float64)
    for m in range(4):
        assigned = clusters.assignments[:, m].tolist()
        if "separation" in parts:
            expected[m] *= naive_separation(latents[:, m].tolist(), assigned)
        if "persistence" in parts:
            expected[m] *= naive_persistence([assigned], 3, 1, {2: 1.0, 4: 0.5, 8: 0.5})
        if "distance" in parts:
            expected[m] *= naive_centre_distance(clusters.centres[m].tolist())
    found = map_qualities(ranking, latents, clusters, windows)
    assert found.tolist() == pytest.approx(expected.tolist(), rel=1e-6, abs=1e-9)


def test_a_regime_ranks_above_a_flicker_and_a_clean_flicker_above_noise():
    latents = regimes_and_noise()
    clusters, windows = clustered(latents, 2), windows_at(torch.arange(len(latents)), 3)
    both = map_qualities("separation-persistence", latents, clusters, windows)
    assert both.argmax() == 0
    assert float(both[1]) < 0.05
    alone = map_qualities("separation", latents, clusters, windows)
    assert float(alone[1]) > float(alone[3]) + 0.1


def test_a_transient_ranks_below_what_lasts_and_is_not_lost():
    """Both change twice at most; one holds half the log, one is over after six windows."""
    starts = torch.arange(60)
    assigned = torch.stack((starts >= 20, (starts >= 20) & (starts < 26)), dim=1)
    lasting, transient = persistence(assigned, windows_at(starts, 1)).tolist()
    assert lasting > 2 * transient > 0.2


@pytest.mark.parametrize("ranking", ["separation-persistence", "separation", "persistence"])
def test_the_unit_of_a_map_decides_nothing_but_the_published_distance(ranking):
    latents = regimes_and_noise()
    scaled = latents * torch.tensor([1000.0, 1e-3, 1.0, 30.0])[:, None]
    windows = windows_at(torch.arange(len(latents)), 3)
    before, after = clustered(latents, 2), clustered(scaled, 2)
    found = map_qualities(ranking, scaled, after, windows)
    assert found.tolist() == pytest.approx(
        map_qualities(ranking, latents, before, windows).tolist(), rel=1e-5, abs=1e-6
    )
    distances = map_qualities("distance", scaled, after, windows)
    assert float(distances[0]) == pytest.approx(
        1000 * float(centre_distances(before.centres)[0]), rel=1e-5
    )


def test_renumbering_the_clusters_changes_no_quality():
    latents = regimes_and_noise(dtype=torch.float64)
    assigned = torch.randint(3, (len(latents), 4))
    new = torch.tensor([2, 0, 1])
    one, other = (divided(latents, a, 3) for a in (assigned, new[assigned]))
    windows = windows_at(torch.arange(len(latents)), 2)
    for ranking in ("separation-persistence", "separation", "persistence", "distance"):
        assert map_qualities(ranking, latents, one, windows).tolist() == pytest.approx(
            map_qualities(ranking, latents, other, windows).tolist(), abs=1e-12
        )


@pytest.mark.parametrize("n_clusters", [2, 3, 6])
def test_centre_distance_is_the_smallest_between_any_two(n_clusters):
    centres = torch.randn(5, n_clusters, 4, dtype=torch.float64)
    expected = [naive_centre_distance(map_centres.tolist()) for map_centres in centres]
    assert centre_distances(centres).tolist() == pytest.approx(expected)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=12))
def test_ranks_are_ranks_and_not_an_argsort(distances):
    ranks = rank_maps(torch.tensor(distances, dtype=torch.float32))
    assert ranks.tolist() == naive_ranks(distances)
