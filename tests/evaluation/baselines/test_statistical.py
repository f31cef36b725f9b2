"""T², SPE, Mahalanobis distance and contrast against a naive computation on small data."""

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf

from baseline_logs import NEW, NORMAL, fitted, flat, scores_of, standardised, windows_of
from dccad.evaluation.baselines import (
    ContrastMonitor,
    LedoitWolfMonitor,
    PCAMonitor,
)


@pytest.mark.parametrize("window", [1, 4])
@pytest.mark.parametrize("statistic", ["t2", "spe"])
def test_t2_and_spe_are_those_of_the_eigenvectors(window, statistic):
    train, new = (flat(standardised(run.values), window) for run in (NORMAL, NEW))
    mean = train.mean(axis=0)
    eigenvalues, vectors = np.linalg.eigh(np.cov(train.T))
    eigenvalues, vectors = eigenvalues[::-1], vectors[:, ::-1]
    kept = int(np.argmax(np.cumsum(eigenvalues) / eigenvalues.sum() > 0.9)) + 1
    assert 1 < kept < len(mean)
    expected = []
    for row in new - mean:
        along = [row @ vectors[:, i] for i in range(len(mean))]
        expected.append(
            sum(along[i] ** 2 / eigenvalues[i] for i in range(kept))
            if statistic == "t2"
            else sum(along[i] ** 2 for i in range(kept, len(mean)))
        )
    scores = scores_of(fitted(PCAMonitor, window=window, statistic=statistic))
    assert np.isnan(scores[: window - 1]).all()
    np.testing.assert_allclose(scores[window - 1 :], expected, rtol=2e-4)


def naive_vector(window, features):
    means = [sum(column) / len(column) for column in window.T]
    if features == "mean":
        return means
    variances = [
        sum((v - m) ** 2 for v in column) / len(column)
        for column, m in zip(window.T, means, strict=True)
    ]
    return means + [np.log(variance + 1e-3) for variance in variances]


@pytest.mark.parametrize("features", ["mean", "mean-logvar"])
def test_the_mahalanobis_distance_of_window_statistics_is_under_the_shrunk_covariance(features):
    train, new = (
        np.array([naive_vector(w, features) for w in windows_of(standardised(run.values), 5)])
        for run in (NORMAL, NEW)
    )
    covariance, shrinkage = ledoit_wolf(train)
    assert shrinkage > 0.001
    inverse, mean = np.linalg.inv(covariance), train.mean(axis=0)
    expected = [(row - mean) @ inverse @ (row - mean) for row in new]
    scores = scores_of(fitted(LedoitWolfMonitor, window=5, features=features))
    np.testing.assert_allclose(scores[4:], expected, rtol=2e-4)


def test_the_contrast_is_the_distance_along_the_directions_of_the_unlabelled_rows():
    rng = np.random.default_rng(3)
    normal, log = rng.normal(size=(400, 3)), rng.normal(size=(400, 3))
    log[:, 1] *= 8.0
    monitor = ContrastMonitor(window=1, features="flat", n_directions=1, false_alarm_rate=0.1)
    monitor.fit(log, normal=normal)
    [direction] = monitor.directions_.T
    assert abs(direction[1]) > 20 * np.abs(direction[[0, 2]]).max()
    along = monitor.decision_function(np.array([[0.0, 3.0, 0.0], [3.0, 0.0, 3.0]]))
    assert along[0] == pytest.approx(9.0, rel=0.15)  # in units of the reference's deviation
    assert along[1] < 0.5
    alone = ContrastMonitor(window=1, n_directions=1, false_alarm_rate=0.1)
    alone.fit(None, normal=normal)
    whole = LedoitWolfMonitor(window=1, false_alarm_rate=0.1).fit(None, normal=normal)
    np.testing.assert_allclose(
        alone.decision_function(log), whole.decision_function(log), rtol=1e-6
    )
