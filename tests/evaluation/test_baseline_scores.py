"""The arithmetic of every baseline, against a naive computation on small data."""

import itertools
import sys

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.covariance import ledoit_wolf
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError

from dccad import Run
from dccad.errors import InputError, MissingExtraError
from dccad.evaluation.baselines import (
    ContrastMonitor,
    ConvAutoencoderMonitor,
    GaussianMixtureWindows,
    IsolationForestMonitor,
    KMeansWindows,
    LedoitWolfMonitor,
    LSTMAutoencoderMonitor,
    NeighboursMonitor,
    PCAMonitor,
    PyODAutoEncoder,
    PyODDeepSVDD,
    StatisticSelection,
)
from dccad.evaluation.baselines.networks import ConvolutionalNetwork
from dccad.evaluation.baselines.selection import best_split, persistence

SENSORS = ("a", "b", "c")
MIX = np.array([[1.0, 0.9, 0.0], [0.0, 0.3, 0.0], [0.0, 0.2, 1.0]])


def make_run(n_rows, seed, name="log"):
    return Run(np.random.default_rng(seed).normal(size=(n_rows, 3)) @ MIX, SENSORS, name)


NORMAL, NEW = make_run(160, 0), make_run(40, 1)


def standardised(rows, by=NORMAL.values):
    return (rows - by.mean(axis=0)) / by.std(axis=0)


def windows_of(rows, length):
    """Windows as loops: sensor after sensor, and within each the rows of the window."""
    return [rows[start : start + length] for start in range(len(rows) - length + 1)]


def flat(rows, length):
    return np.array([window.T.ravel() for window in windows_of(rows, length)])


def fitted(kind, **parameters):
    return kind(false_alarm_rate=0.1, **parameters).fit(None, normal=[NORMAL])


def scores_of(monitor):
    return monitor.decision_function([NEW])[0]


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


def test_averaged_scores_are_means_of_the_last_rows_within_each_run():
    time = np.arange(40.0)
    time[25:] += 100.0  # an interruption before row 25
    gap = Run(NEW.values, SENSORS, time=time)
    single = fitted(LedoitWolfMonitor, window=1, features="flat")
    monitor = fitted(LedoitWolfMonitor, window=1, features="flat", score_mean=6)
    rows, [scores] = single.decision_function([gap])[0], monitor.decision_function([gap])
    assert not np.isnan(rows).any()
    for row in range(40):
        first = 25 if row >= 25 else 0
        if row - first < 5:
            assert np.isnan(scores[row])
        else:
            assert scores[row] == pytest.approx(rows[row - 5 : row + 1].mean())
    short = monitor.decision_function([NEW.rows(0, 5)])[0]
    assert np.isnan(short).all()
    assert len(short) == 5


def test_no_score_looks_ahead():
    monitors = [
        fitted(PCAMonitor, window=4),
        fitted(LedoitWolfMonitor, window=1, features="flat", score_mean=4),
        fitted(NeighboursMonitor, window=4),
        fitted(ConvAutoencoderMonitor, window=4, epochs=1),
    ]
    changed = NEW.values.copy()
    changed[30:] = 99.0
    for monitor in monitors:
        scores = monitor.decision_function([Run(changed, SENSORS)])[0]
        np.testing.assert_allclose(scores[:30], scores_of(monitor)[:30], rtol=1e-6)
        assert scores[30] > 2 * scores_of(monitor)[30]


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


def test_baselines_that_need_no_unlabelled_rows_do_not_read_them():
    far = Run(NEW.values + 50.0, SENSORS)
    monitor = PCAMonitor(window=2, false_alarm_rate=0.1).fit([far], normal=[NORMAL])
    np.testing.assert_array_equal(scores_of(monitor), scores_of(fitted(PCAMonitor, window=2)))


def test_the_best_split_is_that_of_an_exhaustive_search():
    rng = np.random.default_rng(5)
    values = np.column_stack([rng.normal(size=30), rng.integers(4, size=30), np.full(30, 2.0)])
    separation, thresholds = best_split(values)
    for column in range(2):
        found = values[:, column]
        total = ((found - found.mean()) ** 2).sum()
        explained = {}
        for cut in np.unique(found)[:-1]:
            low, high = found[found <= cut], found[found > cut]
            within = ((low - low.mean()) ** 2).sum() + ((high - high.mean()) ** 2).sum()
            explained[cut] = 1 - within / total
        best = max(explained, key=explained.get)
        assert separation[column] == pytest.approx(explained[best])
        assert ((found > thresholds[column]) == (found > best)).all()
    assert separation[2] == 0.0  # a constant has nothing to explain


def test_persistence_counts_switches_within_runs_only():
    sides = [np.array([[0], [0], [1], [1], [1]], bool), np.array([[1], [0], [0]], bool)]
    pairs = [(a, a + 2) for a in range(3)]
    switched = [bool(sides[0][i, 0] != sides[0][j, 0]) for i, j in pairs] + [True]
    share = 4 / 8
    expected = 1 - np.mean(switched) / (2 * share * (1 - share))
    assert persistence(sides, 2)[0] == pytest.approx(expected)


def naive_statistics(rows, length):
    """Mean, log-variance, log mean squared difference of sensors and whitened directions."""
    rows = standardised(rows, rows)
    values, vectors = np.linalg.eigh(rows.T @ rows / len(rows))
    channels = np.hstack([rows, rows @ vectors / np.sqrt(values + 0.02)])
    columns = []
    for statistic, channel in itertools.product(range(3), channels.T):
        windows = windows_of(channel, length)
        if statistic == 0:
            columns.append([w.mean() for w in windows])
        elif statistic == 1:
            columns.append([np.log(w.var() + 1e-3) for w in windows])
        else:
            columns.append([np.log((np.diff(w) ** 2).mean() + 1e-3) for w in windows])
    return np.array(columns).T


def test_the_selection_is_that_of_every_candidate_by_hand():
    rng = np.random.default_rng(8)
    rows = rng.normal(size=(120, 3))
    rows[80:, 2] = 3.0 * rows[80:, 2]  # only the spread of one sensor changes
    method = StatisticSelection(window=8).fit([Run(rows, SENSORS)])
    statistics = naive_statistics(rows, 8)
    quality = []
    for column in statistics.T:
        total = ((column - column.mean()) ** 2).sum()
        best = (-1.0, None)
        for cut in np.sort(column)[:-1]:
            low, high = column[column <= cut], column[column > cut]
            between = len(low) * len(high) / len(column) * (low.mean() - high.mean()) ** 2
            best = max(best, (between / total, cut))
        side = column > best[1]
        chance = 2 * side.mean() * (1 - side.mean())
        quality.append(best[0] * (1 - (side[8:] != side[:-8]).mean() / chance))
    np.testing.assert_allclose(method.quality_, quality, rtol=1e-3, atol=1e-5)
    assert method.statistic_ == int(np.argmax(quality))
    assert method.statistic_ >= 6  # no mean
    [regions] = method.predict_region([Run(rows, SENSORS)])
    assert (regions[:7] == -1).all()
    assert (regions[10:80] == 0).mean() > 0.95
    assert (regions[90:] == 1).mean() > 0.95


def test_statistics_of_quiet_sensors_count_more_after_standardising():
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(400, 6))
    rows[200:, 0] *= 30.0
    raw, scaled = (
        KMeansWindows(10, features="mean-logvar", n_components=None, standardise=flag).fit(rows)
        for flag in (False, True)
    )
    vectors = scaled._reduce(scaled._windows(Run(rows, tuple("abcdef"))))
    np.testing.assert_allclose(vectors.mean(axis=0), 0.0, atol=1e-9)
    np.testing.assert_allclose(vectors.std(axis=0), 1.0)
    regions = raw.predict_region(rows)
    assert len(set(regions[20:190])) == len(set(regions[220:])) == 1


def test_the_mixture_scores_by_the_likelihood_and_divides_what_is_far_apart():
    rows = np.random.default_rng(0).normal(size=(300, 2))
    rows[200:] += 20
    method = GaussianMixtureWindows(5).fit(rows)
    regions = method.predict_region(rows)
    assert (regions[10:190] == 0).all()
    assert (regions[210:] == 1).all()
    reduced = method._reduce(method._windows(Run(rows, ("a", "b"))))
    total = 0.0
    for weight, mean, covariance in zip(
        method.clusters_.weights_,
        method.clusters_.means_,
        method.clusters_.covariances_,
        strict=True,
    ):
        offset = reduced[100] - mean
        exponent = -0.5 * offset @ np.linalg.inv(covariance) @ offset
        total += weight * np.exp(exponent) / np.sqrt(np.linalg.det(2 * np.pi * covariance))
    assert method.decision_function(rows)[104] == pytest.approx(-np.log(total), rel=1e-6)


def test_forest_and_neighbours_are_those_of_the_flattened_windows():
    train, new = (flat(standardised(run.values), 3).astype(np.float32) for run in (NORMAL, NEW))
    forest = IsolationForest(random_state=4).fit(train)
    scores = scores_of(fitted(IsolationForestMonitor, window=3, random_state=4))
    np.testing.assert_allclose(scores[2:], -forest.score_samples(new), rtol=0.02)
    expected = [sorted(np.linalg.norm(train - row, axis=1))[4] for row in new]
    np.testing.assert_allclose(scores_of(fitted(NeighboursMonitor, window=3))[2:], expected, 1e-5)


@pytest.mark.parametrize("kind", [ConvAutoencoderMonitor, LSTMAutoencoderMonitor])
def test_autoencoders_learn_what_is_normal_from_their_seed_alone(kind):
    rows = np.sin(np.arange(200) / 3)[:, None] * [1.0, -1.0] + 0.01
    new = rows[:60].copy()
    new[30:, 1] *= -1.0
    before = torch.get_rng_state()
    one, two, other, short = (
        kind(6, random_state=seed, epochs=epochs, false_alarm_rate=0.1).fit(None, normal=rows)
        for seed, epochs in ((0, 15), (0, 15), (1, 15), (0, 1))
    )
    assert torch.equal(torch.get_rng_state(), before)
    scores = one.decision_function(new)
    np.testing.assert_array_equal(scores, two.decision_function(new))
    assert (scores[5:] != other.decision_function(new)[5:]).all()
    assert scores[36:].mean() > 3 * scores[5:30].mean()
    assert scores[5:30].mean() < 0.8 * short.decision_function(new)[5:30].mean()
    windows = one._windows(Run(new, ("a", "b")))
    data = torch.from_numpy(np.ascontiguousarray(windows))
    with torch.no_grad():
        residual = (one.network_(data) - data).numpy()
    np.testing.assert_allclose(scores[5:], (residual**2).reshape(55, -1).mean(axis=1), rtol=1e-5)


@pytest.mark.parametrize("window", [*range(1, 18), 30])
def test_the_convolutions_give_back_windows_of_any_length(window):
    assert ConvolutionalNetwork(3, window)(torch.zeros(2, 3, window)).shape == (2, 3, window)


@pytest.mark.parametrize("kind", [PyODAutoEncoder, PyODDeepSVDD])
def test_pyod_is_named_where_it_is_missing(kind, monkeypatch):
    for module in ("pyod.models.auto_encoder", "pyod.models.deep_svdd"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"needs pyod, .* pip install 'dccad\[baselines\]'"):
        fitted(kind, window=1)


@pytest.mark.parametrize(
    ("kind", "module", "name"),
    [
        (PyODAutoEncoder, "auto_encoder", "AutoEncoder"),
        (PyODDeepSVDD, "deep_svdd", "DeepSVDD"),
    ],
)
def test_pyod_detectors_see_the_flattened_windows(kind, module, name):
    models = pytest.importorskip(f"pyod.models.{module}")
    monitor = fitted(kind, window=2, epochs=2)
    assert isinstance(monitor.detector_, getattr(models, name))
    new = flat(standardised(NEW.values), 2).astype(np.float32)
    expected = monitor.detector_.decision_function(new)
    np.testing.assert_allclose(scores_of(monitor)[1:], expected, rtol=1e-3, atol=1e-5)


def test_what_was_not_fitted_says_what_it_needs():
    with pytest.raises(NotFittedError, match="PCAMonitor instance is not fitted yet"):
        PCAMonitor().decision_function(NORMAL)
    method = KMeansWindows(5).fit([NORMAL])
    with pytest.raises(NotFittedError, match=r"has no threshold: .* \(normal=...\) first"):
        method.predict(NORMAL)


def test_baselines_are_estimators_and_take_what_the_detector_takes():
    monitor = PCAMonitor(window=2, statistic="t2", false_alarm_rate=0.1)
    copy = clone(monitor)
    assert copy.get_params() == monitor.get_params()
    assert copy.get_params()["statistic"] == "t2"
    rows, named = NORMAL.values, {"one": NORMAL, "two": NEW}
    single = copy.fit(None, normal=rows).decision_function(NEW.values)
    found = copy.decision_function(named)
    assert list(found) == ["one", "two"]
    np.testing.assert_array_equal(single, found["two"])
    broken = rows.copy()
    broken[7, 1] = np.nan
    with pytest.raises(InputError, match="missing"):
        copy.decision_function(broken)
