"""Named states: which regions are normal modes, by hand and by loops."""

import numpy as np
import pytest

from dccad import DCCA, load
from dccad.method.regions.normal import RegionReport
from dccad.method.regions.states import count_stays, name_states
from window_sets import windows_at


def stays_by_a_loop(inside, window):
    """A stay goes on while fewer than ``window - 1`` windows in a row are elsewhere."""
    count, length, away = 0, 0, 0
    for here in [*inside, *[False] * window]:
        if here:
            length, away = length + 1, 0
        else:
            away += 1
        if away == window - 1 or (here and window == 1):
            count += length >= window
            length = 0
    return count


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("window", [2, 5, 12])
def test_stays_equal_those_that_a_loop_counts(seed, window):
    rng = np.random.default_rng(seed)
    inside = np.repeat(rng.random(40) < 0.5, rng.integers(1, 20, size=40))
    found = count_stays(inside, np.arange(len(inside)), window)
    assert found == stays_by_a_loop(inside.tolist(), window)
    assert found > 1


def test_a_stay_ends_with_its_run_and_counts_rows_not_windows():
    two_runs = np.concatenate([np.arange(10), 14 + np.arange(10)])  # of 14 rows, window 5
    inside = np.zeros(20, dtype=bool)
    inside[5:15] = True
    assert count_stays(inside, two_runs, window=5) == 2
    assert count_stays(inside, np.arange(20), window=5) == 1
    assert count_stays(inside, 3 * np.arange(20), window=30, stride=3) == 1
    assert count_stays(inside, 3 * np.arange(20), window=31, stride=3) == 0


MODES = np.repeat([0, 1, 0, 1, 2], [30, 20, 20, 20, 10])


def judge(spread=(1.0, 1.2, 6.0), regions=MODES, **options):
    share = tuple((np.bincount(regions, minlength=len(spread)) / len(regions)).tolist())
    report = RegionReport("densest", share, spread, options.pop("reference_share", None))
    found = name_states(report, regions, windows_at(np.arange(len(regions)), 5), **options)
    return [(state["name"], state["reason"]) for state in found.states], found


def test_a_mode_that_the_plant_comes_back_to_is_normal():
    named, report = judge()
    assert [name for name, _ in named] == ["normal", "normal 2", "anomalous 1"]
    assert report.normal_regions == [0, 1]
    assert named[1][1] == "1.2 times the normal spread, 40% of the windows, 2 stays"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"spread": (1.0, 1.51, 6.0)}, "less dense than normal (1.5 times its spread)"),
        ({"regions": np.repeat([0, 1, 2], [50, 40, 10])}, "visited once"),
        ({"regions": np.repeat([0, 1, 0, 1, 2], [70, 4, 12, 4, 10])}, "rare (8.0% of the windows)"),
        ({"further": False}, "the other region (1.2 times the normal spread)"),
        ({"spread": (1.0, None, 6.0)}, "no window of the fit"),
    ],
)
def test_a_region_that_lacks_one_condition_is_anomalous(change, reason):
    named, report = judge(**change)
    assert named[1][0] == "anomalous 1"
    assert reason in named[1][1]
    assert report.normal_regions == [0]


def test_with_a_reference_its_windows_decide_alone():
    named, report = judge(spread=(1.0, 9.0, 1.0), reference_share=(0.85, 0.1, 0.05))
    assert [name for name, _ in named] == ["normal", "normal 2", "anomalous 1"]
    assert report.normal_regions == [0, 1]
    assert named[2][1] == "holds 5% of the reference-normal windows; a normal mode has 10%"


# -- the detector -----------------------------------------------------------------------------


def plant(parts, seed=0):
    """Autocorrelated rows; each part has its length, level and spread."""
    rng = np.random.default_rng(seed)
    rows = []
    for length, level, spread in parts:
        noise = rng.normal(size=(length, 4))
        for t in range(1, length):
            noise[t] += 0.7 * noise[t - 1]
        rows.append(spread * noise + level)
    return np.concatenate(rows)


A, B, FAULT = np.zeros(4), np.array([4.0, -3, 0, 2]), np.array([0.0, 6, 6, 0])
QUICK = {"window": 20, "pretrain_epochs": 4, "joint_epochs": 6, "random_state": 0}


@pytest.fixture(scope="module")
def modes():
    """Fitted without a reference on two modes in turn and a fault at the end."""
    log = plant([(400, A, 1), (300, B, 1.1), (400, A, 1), (300, B, 1.1), (120, FAULT, 3)])
    return DCCA(n_clusters="auto", **QUICK).fit(log)


def test_auto_finds_both_modes_and_the_fault(modes):
    assert [state["name"] for state in modes.states_] == ["normal", "normal 2", "anomalous 1"]
    level = [modes.regions_[start:stop] for start, stop in ((50, 390), (450, 690), (1430, 1520))]
    assert [np.bincount(part).argmax() for part in level] == [0, 1, 2]
    assert min(np.mean(part == np.bincount(part).argmax()) for part in level) > 0.98
    assert sum(state["share"] for state in modes.states_) == pytest.approx(1)
    fault = modes.states_[2]["episodes"][-1]
    assert (fault["run"], fault["last_row"]) == ("log", 1519)
    assert 1400 <= fault["first_row"] <= 1420


def test_both_modes_score_as_normal(modes):
    new = plant([(300, A, 1), (300, B, 1), (60, FAULT, 3)], seed=1)
    flags = modes.predict(new)
    assert flags[:600].mean() < 0.05
    assert flags[620:].mean() > 0.95
    p = modes.p_value(new)
    np.testing.assert_array_equal(np.isnan(p), np.arange(len(new)) < 19)
    known = p[19:]
    np.testing.assert_array_equal(known < modes.false_alarm_rate, flags[19:] == 1)
    assert known[:581].mean() == pytest.approx(0.5, abs=0.25)


def test_states_of_a_new_log(modes):
    new = plant([(300, A, 1), (300, B, 1), (60, FAULT, 3)], seed=1)
    names = modes.predict_state(new)
    assert set(names[:19]) == {""}
    assert np.mean(names[50:295] == "normal") > 0.98
    assert np.mean(names[350:595] == "normal 2") > 0.98
    found = {state["name"]: state for state in modes.find_states(new)}
    for name, state in found.items():
        rows = np.flatnonzero(names == name)
        assert state["rows"] == len(rows)
        assert state["share"] == pytest.approx(len(rows) / (len(new) - 19))
        covered = [np.arange(e["first_row"], e["last_row"] + 1) for e in state["episodes"]]
        assert np.concatenate(covered).tolist() == rows.tolist()


def test_two_regions_without_a_reference_are_normal_and_anomalous():
    log = plant([(300, A, 1), (250, B, 1), (300, A, 1), (250, B, 1)])
    two = DCCA(calibration="held-out", **QUICK).fit(log)
    assert [state["name"] for state in two.states_] == ["normal", "anomalous 1"]
    assert two.states_[1]["reason"].startswith("the other region")


def test_the_reference_of_a_monitor_lies_in_normal_modes():
    """Two modes of normal rows are two normal states, and rows of one mode a single one."""
    settings = {"calibration": "held-out", **QUICK}
    single = DCCA(**settings).fit(None, normal=plant([(500, A, 1)]))
    assert [state["name"] for state in single.states_] == ["normal"]
    monitor = DCCA(**settings).fit(None, normal=plant([(300, A, 1), (600, B, 1)]))
    assert [state["name"] for state in monitor.states_] == ["normal", "normal 2"]
    assert all("of the reference-normal windows" in state["reason"] for state in monitor.states_)


def test_states_survive_saving(modes, tmp_path):
    modes.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.states_ == modes.states_
    assert again.region_report_.normal_regions == [0, 1]
    new = plant([(100, B, 1)], seed=3)
    np.testing.assert_array_equal(again.predict_state(new), modes.predict_state(new))
    np.testing.assert_allclose(again.p_value(new), modes.p_value(new), rtol=1e-12)
