"""What every baseline shares: windows, scaling, averaged scores, the held-out threshold."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError

from baseline_logs import NEW, NORMAL, SENSORS, fitted, scores_of
from dccad import Run
from dccad.errors import CalibrationWarning, InputError
from dccad.evaluation.baselines import (
    ConvAutoencoderMonitor,
    KMeansWindows,
    LedoitWolfMonitor,
    NeighboursMonitor,
    PCAMonitor,
)


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


def test_baselines_that_need_no_unlabelled_rows_do_not_read_them():
    far = Run(NEW.values + 50.0, SENSORS)
    monitor = PCAMonitor(window=2, false_alarm_rate=0.1).fit([far], normal=[NORMAL])
    np.testing.assert_array_equal(scores_of(monitor), scores_of(fitted(PCAMonitor, window=2)))


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


COLUMNS = ("a", "b")


def make_run(n_rows, seed, **extra):
    return Run(np.random.default_rng(seed).normal(size=(n_rows, 2)), COLUMNS, **extra)


def flat_windows(rows, window):
    """Sensors first, as loops: window after window, sensor after sensor."""
    return np.array(
        [
            [rows[start + i, sensor] for sensor in range(rows.shape[1]) for i in range(window)]
            for start in range(len(rows) - window + 1)
        ],
        dtype=np.float32,
    )


def test_the_monitor_scores_by_the_nearest_centre_and_calibrates_on_the_held_out_part():
    normal, new = make_run(200, 0), make_run(60, 1)
    monitor = KMeansWindows(5, 3, n_components=4, random_state=7, false_alarm_rate=0.1)
    monitor.fit(None, normal=[normal])

    def distances(train, rows):
        mean, deviation = train.mean(axis=0), train.std(axis=0)
        windows, flat = (flat_windows((part - mean) / deviation, 5) for part in (train, rows))
        pca = PCA(4, random_state=7).fit(windows)
        centres = KMeans(3, n_init=10, random_state=7).fit(pca.transform(windows)).cluster_centers_
        points = pca.transform(flat)
        return [min(np.linalg.norm(point - centre) for centre in centres) for point in points]

    [scores] = monitor.decision_function([new])
    assert np.isnan(scores[:4]).all()
    np.testing.assert_allclose(scores[4:], distances(normal.values, new.values), rtol=1e-4)
    # the flags come from a fit on the first 70 %, and from the rows that are 30 rows away from it
    first, last = normal.values[:140], normal.values[140:]
    kept = distances(first, last)[30 - 4 :]
    assert monitor.threshold_ == pytest.approx(np.quantile(kept, 0.9), rel=1e-4)
    flags = np.array([False] * 4 + [d > monitor.threshold_ for d in distances(first, new.values)])
    assert monitor.predict([new])[0].tolist() == flags.astype(int).tolist()
    assert 0 < flags.sum() < 30


def test_held_out_rows_change_the_threshold_and_not_the_copy_that_it_belongs_to():
    normal = make_run(200, 0)
    louder = normal.values.copy()
    louder[140:] *= 3
    new = make_run(60, 1)
    one = KMeansWindows(5, false_alarm_rate=0.1).fit(None, normal=[normal])
    two = KMeansWindows(5, false_alarm_rate=0.1).fit(None, normal=[Run(louder, COLUMNS)])
    copies = [monitor.calibrated_ for monitor in (one, two)]
    np.testing.assert_array_equal(*(copy.decision_function([new])[0] for copy in copies))
    assert (one.decision_function([new])[0][4:] != two.decision_function([new])[0][4:]).any()
    assert two.threshold_ > 2 * one.threshold_


def test_unlabelled_rows_beside_normal_ones_are_trained_on_but_do_not_scale():
    normal, far = make_run(200, 0), Run(make_run(100, 1).values + 50, COLUMNS)
    alone = KMeansWindows(5, false_alarm_rate=0.1).fit(None, normal=[normal])
    both = KMeansWindows(5, false_alarm_rate=0.1).fit([far], normal=[normal])
    np.testing.assert_array_equal(both.scaling_.shift, alone.scaling_.shift)
    # with the far rows among its training windows one centre stands there
    assert both.decision_function([far])[0][50] < 0.1 * alone.decision_function([far])[0][50]


def test_a_reference_too_short_to_hold_a_part_out_is_calibrated_on_itself():
    monitor = KMeansWindows(5, false_alarm_rate=0.1)
    monitor.fit(None, normal=[make_run(18, 0)])  # 30 % are 5 rows: no room for 2 windows
    seen = monitor.decision_function([make_run(18, 0)])[0][4:]
    assert monitor.threshold_ == np.quantile(seen, 0.9)
    assert monitor.calibrated_ is monitor


def test_too_few_windows_for_the_rate_are_told():
    with pytest.warns(CalibrationWarning, match="needs at least 99 normal windows"):
        KMeansWindows(5).fit(None, normal=[make_run(200, 0)])


def test_runs_that_are_shorter_than_the_window_are_refused():
    with pytest.raises(InputError, match="run 'log' has 18 rows but window=20 needs at least 20"):
        KMeansWindows(20).fit(None, normal=[make_run(18, 0)])
    method = KMeansWindows(5).fit([make_run(18, 0)])
    with pytest.raises(InputError, match="run 'log' has 4 rows but window=5 needs at least 5"):
        method.decision_function([make_run(4, 0)])


def test_no_window_spans_an_interruption():
    time = np.arange(40.0)
    time[20:] += 100
    run = make_run(40, 0, time=time)
    method = KMeansWindows(5).fit([run])
    assert np.flatnonzero(np.isnan(method.decision_function([run])[0])).tolist() == [
        *range(4),
        *range(20, 24),
    ]
    assert (method.predict_region([run])[0] == -1).sum() == 8
    whole = KMeansWindows(5, max_gap=200.0).fit([run])
    assert np.isnan(whole.decision_function([run])[0]).sum() == 4


def test_region_0_is_the_larger_cluster_of_the_fit():
    rows = np.random.default_rng(0).normal(size=(300, 2))
    rows[200:] += 20
    for seed in range(4):  # the numbers that k-means gives depend on it
        method = KMeansWindows(5, random_state=seed).fit([Run(rows, COLUMNS)])
        [regions] = method.predict_region([Run(rows, COLUMNS)])
        assert regions[100] == 0
        assert regions[250] == 1
