"""Distances of windows from normal: by solving, by loops, by likelihoods, and by hand."""

import math
import warnings

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.covariance import ledoit_wolf

from dccad.method.network.depthwise import DirectionalAutoencoder, DirectionalSettings
from dccad.method.scoring.batches import BatchReading, read_batch
from dccad.method.scoring.distances import (
    SIGNATURE_PERSISTENCE,
    Mahalanobis,
    Signatures,
    fit_mahalanobis,
    fit_signatures,
)
from dccad.method.scoring.scale import FLOOR, ScoreScale, fit_score_scale
from dccad.method.scoring.statistics import (
    PERSISTENCE_WEIGHTS,
    SIGNATURE_RANGE,
    SIGNATURE_UNIT,
    WindowStatistics,
    window_features,
)
from naive import (
    naive_depthwise_maps,
    naive_long_run_covariance,
    naive_mahalanobis,
    naive_pool,
)


def covariance_of(runs, persistence, bandwidth):
    """Metric in plant units, from the definition: standardise, shrink, add the long-run part."""
    rows = np.concatenate(runs)
    mean, std = rows.mean(axis=0), rows.std(axis=0)
    standard = [(run - mean) / std for run in runs]
    shrunk = ledoit_wolf(np.concatenate(standard))[0]
    slow = naive_long_run_covariance([run.tolist() for run in standard], bandwidth)
    return mean, (shrunk + persistence * np.array(slow)) * np.outer(std, std)


@pytest.mark.parametrize(("persistence", "bandwidth"), [(0.0, 1), (10.0, 1), (10.0, 5), (0.2, 3)])
def test_distance_is_that_of_the_solved_linear_system(persistence, bandwidth):
    rng = np.random.default_rng(0)
    mixing = np.array([[1.0, 0.9, 0.0], [0.0, 0.2, 40.0], [0.0, 0.0, 300.0]])
    runs = [rng.normal(size=(n, 3)) @ mixing + [5, -900, 1] for n in (30, 17)]
    runs[0][:, 0] += np.arange(30) / 5
    mean, covariance = covariance_of(runs, persistence, bandwidth)
    points = rng.normal(size=(6, 3)) * [3, 3, 900]
    found = fit_mahalanobis(runs, persistence, bandwidth).squared(torch.from_numpy(points))
    expected = [naive_mahalanobis(point, mean, covariance) for point in points]
    assert found.tolist() == pytest.approx(expected, rel=1e-8)


def test_distance_by_hand():
    """Mean 1, standard deviation 2: 7 lies three of them away."""
    metric = Mahalanobis(torch.tensor([1.0, 0.0]), torch.diag(torch.tensor([0.5, 1.0])))
    assert metric.squared(torch.tensor([[7.0, 4.0]])).tolist() == [25.0]


def test_the_unit_of_a_feature_does_not_matter():
    rng = np.random.default_rng(1)
    run, points = rng.normal(size=(40, 3)).cumsum(axis=0), rng.normal(size=(5, 3))
    unit = np.array([1e-3, 1.0, 5e4])
    one = fit_mahalanobis([run], 10.0, 4).squared(torch.from_numpy(points))
    other = fit_mahalanobis([run * unit], 10.0, 4).squared(torch.from_numpy(points * unit))
    assert other.tolist() == pytest.approx(one.tolist(), rel=1e-6)


def test_runs_are_not_taken_for_one_long_run():
    """The step from one run to the next is no slow movement."""
    rng = np.random.default_rng(2)
    low, high = rng.normal(size=(50, 1)) - 3, rng.normal(size=(50, 1)) + 3
    point = torch.tensor([[9.0]])
    short = [*np.split(low, 25), *np.split(high, 25)]  # runs of two windows: little is slow there
    apart = fit_mahalanobis(short, 10.0, 10).squared(point)
    together = fit_mahalanobis([low, high], 10.0, 10).squared(point)
    assert float(together) < 0.5 * float(apart)


@pytest.mark.parametrize("n_windows", [3, 30, 3000])
def test_a_feature_that_never_varied_keeps_its_own_scale(n_windows):
    features = np.random.default_rng(0).normal(size=(n_windows, 3)) * 1e3
    features[:, 1] = -6.9
    metric = fit_mahalanobis([features])
    away = metric.mean + torch.tensor([0.0, 2.0, 0.0])
    assert float(metric.squared(away[None])) == pytest.approx(4.0)


@pytest.mark.parametrize(
    "features",
    [
        np.full((20, 3), 0.1),  # constant
        np.random.default_rng(0).normal(size=(5, 60)),  # fewer windows than features
        np.random.default_rng(0).normal(size=(1, 4)),  # one window
        np.random.default_rng(0).normal(size=(30, 1)) * np.ones(8),  # all features the same
    ],
)
@pytest.mark.parametrize("persistence", [0.0, 10.0])
def test_degenerate_features_give_finite_distances_that_still_grow(features, persistence):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        metric = fit_mahalanobis([features], persistence, 3)
    step = torch.zeros(features.shape[1], dtype=torch.float64)
    step[0] = 1.0
    near, far = (float(metric.squared((metric.mean + k * step)[None])) for k in (1, 10))
    assert math.isfinite(near)
    assert far == pytest.approx(100 * near)
    assert near > 0


# -- signatures ----------------------------------------------------------------------------------


def test_log_ratio_is_that_of_two_normal_densities():
    rng = np.random.default_rng(0)
    normal = [rng.normal(size=(80, 3)) @ np.array([[1, 0.5, 0], [0, 2, 0], [0, 0.3, 5]])]
    regimes = [normal[0][:30] + np.array([3, 0, 0]), normal[0][30:50] * 2 - np.array([0, 4, 9])]
    found = fit_signatures(normal, regimes, bandwidth=4)
    mean, covariance = covariance_of(normal, SIGNATURE_PERSISTENCE, 4)
    points = rng.normal(size=(10, 3)) * 4
    at_home = multivariate_normal(mean, covariance).logpdf(points)
    ratios = [multivariate_normal(r.mean(axis=0), covariance).logpdf(points) for r in regimes]
    expected = np.max(ratios, axis=0) - at_home
    assert found.log_ratio(torch.from_numpy(points)).tolist() == pytest.approx(expected.tolist())
    assert found.shifts.shape == (2, 3)


def test_a_window_of_a_known_regime_is_likelier_there_than_under_normal():
    normal = np.random.default_rng(0).normal(size=(200, 4))
    seen = fit_signatures([normal], [normal + np.array([0, 3, 0, 0])], bandwidth=5)
    windows = torch.tensor([[0.0, 3.0, 0, 0], [0, 0, 0, 0], [0, -3.0, 0, 0], [0, 0, 3.0, 0]])
    found = seen.log_ratio(windows).tolist()
    assert found[0] > 1 > 0 > found[1] > found[2]
    assert abs(found[3] - found[1]) < 0.3 * (found[0] - found[1])  # another fault is not this one


# -- statistics of windows -----------------------------------------------------------------------

SHAPES = {
    "sensors+whitened": DirectionalSettings(5, 2, 11, 2, 3, 3),
    "whitened": DirectionalSettings(3, 0, 9, 2, 3, 2),
    "sensors": DirectionalSettings(3, 3, 9, 1, 2, 2),
}


def build(kind):
    torch.manual_seed(4)
    network = DirectionalAutoencoder(SHAPES[kind]).double().eval()
    with torch.no_grad():
        network.kernels.add_(torch.randn_like(network.kernels), alpha=0.1)
        windows = torch.randn(40, SHAPES[kind].n_directions, SHAPES[kind].window).double()
        maps, reconstruction = network(windows)
    return network, windows, maps, reconstruction


def naive_features(network, window, reconstruction):
    """The features of one window from the words of the docstring."""
    settings = network.settings
    maps = naive_depthwise_maps(
        window.tolist(), network.kernels.tolist(), settings.kernels_per_direction
    )
    level = maps[:: settings.kernels_per_direction]
    sensors, directions = (
        level[: settings.n_sensor_directions],
        level[settings.n_sensor_directions :],
    )
    first, last = (sensors or directions), (directions or sensors)
    residual = (window - reconstruction)[: len(first)]
    return {
        "row": [[values[t] for values in last] for t in range(len(last[0]))],
        "mean": [sum(values) / len(values) for values in last],
        "log-variance": [naive_pool(values, 1e-3)[2] for values in first],
        "residual": [sum(values) / len(values) for values in residual.tolist()],
    }


@pytest.mark.parametrize("kind", SHAPES)
def test_features_are_those_of_the_named_directions(kind):
    network, windows, maps, reconstruction = build(kind)
    found = window_features(network, windows, maps, reconstruction)
    for i in (0, 7):
        expected = naive_features(network, windows[i], reconstruction[i])
        assert set(found) == set(expected) == set(PERSISTENCE_WEIGHTS)
        for name, values in expected.items():
            assert np.allclose(found[name][i].detach(), values, rtol=1e-9, atol=1e-12), name


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("with_signatures", [True, False])
def test_each_statistic_is_what_a_loop_over_rows_and_features_gives(kind, with_signatures):
    network, windows, maps, reconstruction = build(kind)
    features = window_features(network, windows, maps, reconstruction)
    rng = np.random.default_rng(0)
    parts, metrics = {}, {}
    for name, values in features.items():
        size = values.shape[-1]
        root = rng.normal(size=(size, size))
        metrics[name] = (rng.normal(size=size), root @ root.T + np.eye(size))
        whitening = np.linalg.cholesky(np.linalg.inv(metrics[name][1]))
        parts[name] = Mahalanobis(torch.from_numpy(metrics[name][0]), torch.from_numpy(whitening))
    shifts = rng.normal(size=(2, features["mean"].shape[1]))
    signatures = Signatures(parts["mean"], torch.from_numpy(shifts)) if with_signatures else None
    statistics = WindowStatistics(parts, signatures)
    found = statistics.measure(BatchReading(network, windows, maps, reconstruction))
    names = ("energy", "recent energy", "mean", "log-variance", "residual")
    assert statistics.names == (*names, "signature") if with_signatures else names
    assert found.shape == (40, 6 if with_signatures else 5)
    for i in (0, 11, 39):
        mine = naive_features(network, windows[i], reconstruction[i])
        rows = [naive_mahalanobis(row, *metrics["row"]) / len(row) for row in mine["row"]]
        recent = rows[-max(1, round(len(rows) / 3)) :]
        expected = [sum(rows) / len(rows), sum(recent) / len(recent)]
        expected += [
            naive_mahalanobis(mine[name], *metrics[name]) / len(mine[name]) for name in names[2:]
        ]
        if with_signatures:
            z = (np.array(mine["mean"]) - metrics["mean"][0]) @ parts["mean"].whitening.numpy()
            ratio = max(float(z @ shift - shift @ shift / 2) for shift in shifts)
            expected.append(math.exp(ratio / SIGNATURE_UNIT))
        assert found[i].tolist() == pytest.approx(expected, rel=1e-8)


def test_an_absurd_window_overflows_no_statistic():
    network, windows, maps, reconstruction = build("whitened")
    features = window_features(network, windows, maps, reconstruction)
    parts = {
        name: Mahalanobis(torch.zeros(values.shape[-1]), torch.eye(values.shape[-1]))
        for name, values in features.items()
    }
    statistics = WindowStatistics(parts, Signatures(parts["mean"], torch.ones(1, 3)))
    for size in (1e15, -1e15):
        absurd = torch.full_like(windows, size)
        with torch.no_grad():
            found = statistics.measure(read_batch(network, absurd))
        assert bool(found.isfinite().all())
        assert bool((found > 0).all())
        signed = math.copysign(SIGNATURE_RANGE / SIGNATURE_UNIT, size)
        assert found[:, -1].log().tolist() == pytest.approx([signed] * 40)


def test_only_the_end_of_a_window_moves_its_recent_energy():
    settings = SHAPES["whitened"]
    network = DirectionalAutoencoder(settings).eval()
    windows = torch.zeros(2, 3, settings.window)
    windows[0, 1, 2] = 5.0  # early, row 2 is the newest of position 0
    windows[1, 1, -1] = 5.0
    with torch.no_grad():
        maps, reconstruction = network(windows)
    eye = Mahalanobis(torch.zeros(3), torch.eye(3))
    names = ("row", "mean", "log-variance", "residual")
    found = WindowStatistics(dict.fromkeys(names, eye)).measure(
        BatchReading(network, windows, maps, reconstruction)
    )
    energy, recent = found[:, 0].tolist(), found[:, 1].tolist()
    assert energy == pytest.approx([25 / 3 / 7] * 2)  # 3 directions, 7 positions
    assert recent == pytest.approx([0.0, 25 / 3 / 2])


# -- one score -----------------------------------------------------------------------------------


def test_scores_by_hand():
    """Logarithms 0 and 2 over means 0 and 1, standard deviations 1 and 2."""
    scale = ScoreScale(("a", "b"), (0.0, 1.0), (1.0, 2.0), floor=(0.0, 0.5))
    found = scale.combine(np.array([[1.0, math.exp(2) - 0.5], [math.exp(3), math.exp(1) - 0.5]]))
    assert found.tolist() == pytest.approx([0.25, 1.5])
    plain = ScoreScale(("a", "b"), (0.0, 1.0), (1.0, 2.0), floor=None)
    assert plain.combine(np.array([[1.0, 7.0], [np.nan, 1.0]]))[0] == 2.0
    assert math.isnan(plain.combine(np.array([[1.0, np.nan]]))[0])  # no window yet: no score


@pytest.mark.parametrize("logarithmic", [True, False])
def test_normal_windows_score_zero_on_average_and_each_statistic_weighs_the_same(logarithmic):
    statistics = np.random.default_rng(0).gamma(2.0, [1.0, 50.0, 1e-4], size=(500, 3))
    scale = fit_score_scale(("a", "b", "c"), statistics, logarithmic)
    assert scale.combine(statistics).mean() == pytest.approx(0, abs=1e-12)
    for m in range(3):
        values = statistics[:, m]
        if logarithmic:
            values = np.log(values + FLOOR * np.median(values))
        floor = None if scale.floor is None else scale.floor[m : m + 1]
        alone = ScoreScale(("x",), (scale.mean[m],), (scale.std[m],), floor)
        assert alone.combine(statistics[:, [m]]).std() == pytest.approx(1)
        assert scale.mean[m] == pytest.approx(values.mean())
    twice = statistics * [1.0, 2.0, 3.0]
    again = fit_score_scale(("a", "b", "c"), twice, logarithmic)
    assert again.combine(twice) == pytest.approx(scale.combine(statistics), abs=1e-9)


@pytest.mark.parametrize("value", [0.1, 1 / 3, 7.0, 1e-5])
@pytest.mark.parametrize("n_windows", [1, 3, 10, 1000])
@pytest.mark.parametrize("logarithmic", [True, False])
def test_a_statistic_that_never_varied_is_not_blown_up_by_rounding(value, n_windows, logarithmic):
    """The standard deviation of ten times 0.1 is 1e-17, not 0."""
    scale = fit_score_scale(("a",), np.full((n_windows, 1), value), logarithmic)
    assert scale.std == (1.0,)
    assert scale.combine(np.array([[value]])) == pytest.approx(0, abs=1e-12)


def test_an_unusually_small_statistic_outweighs_nothing():
    """A distance of 0 is about one usual value low, not minus infinity."""
    statistics = np.random.default_rng(0).gamma(4.0, size=(1000, 2))
    scale = fit_score_scale(("a", "b"), statistics, logarithmic=True)
    usual = np.median(statistics, axis=0)
    low, high = scale.combine(np.array([[0.0, usual[1]], [50 * usual[0], usual[1]]]))
    assert math.isfinite(low)
    assert -5 < low < 0 < high


@pytest.mark.parametrize("logarithmic", [True, False])
def test_distances_that_were_always_zero_give_finite_scores(logarithmic):
    scale = fit_score_scale(("a",), np.zeros((5, 1)), logarithmic)
    found = scale.combine(np.array([[0.0], [1.0], [4.0]]))
    assert found[0] == 0.0
    assert math.isfinite(found[2])
    assert found[2] > found[1] > 0


def test_a_statistic_that_varies_little_keeps_its_spread():
    values = np.array([[1e-9], [3e-9], [1e-9], [3e-9]])
    scale = fit_score_scale(("a",), values, logarithmic=False)
    assert scale.std == pytest.approx((1e-9,))
