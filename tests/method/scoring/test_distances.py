"""Distances of windows from normal: by solving, by likelihoods, and by hand."""

import math
import warnings

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.covariance import ledoit_wolf

from dccad.method.scoring.distances import (
    SIGNATURE_PERSISTENCE,
    Mahalanobis,
    fit_mahalanobis,
    fit_signatures,
)
from naive import naive_long_run_covariance, naive_mahalanobis


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
