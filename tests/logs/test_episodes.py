"""Episodes of a state: where each one was, by hand and by loops."""

import numpy as np
import pytest

from dccad.logs.episodes import RowTable, describe_states, find_stretches, insert_peak, state_names
from dccad.logs.inputs import check_log
from dccad.logs.preparation.pipeline import Preparation, parse_steps
from dccad.logs.runs import Run


@pytest.mark.parametrize("seed", range(4))
def test_stretches_equal_those_of_a_loop(seed):
    rng = np.random.default_rng(seed)
    values, run = rng.integers(-1, 2, size=60), np.sort(rng.integers(0, 4, size=60))
    expected, begin = [], None
    for row in range(61):
        same = row < 60 and values[row] == 1
        if begin is not None and (not same or run[row] != run[row - 1]):
            expected.append((begin, row - 1))
            begin = None
        if same and begin is None:
            begin = row
    assert find_stretches(values, run, 1) == expected


def test_episodes_have_the_rows_and_stamps_of_the_callers_runs():
    stamps = np.datetime64("2024-01-01T00:00") + np.arange(6) * np.timedelta64(1, "m")
    runs = [Run(np.zeros((6, 1)), ("a",), name, stamps) for name in ("pump", "fan")]
    rows = RowTable.of(check_log(runs))
    regions = np.array([-1, 0, 0, 1, 1, 1, -1, 1, 0, 0, 0, 1])
    states = [{"name": "normal", "region": 0}, {"name": "anomalous 1", "region": 1}]
    normal, anomalous = describe_states(states, regions, rows)
    assert (normal["rows"], normal["share"], normal["n_episodes"]) == (5, 0.5, 2)
    first = {"run": "pump", "first_row": 3, "last_row": 5, "rows": 3}
    assert anomalous["episodes"][0] == first | {
        "start": "2024-01-01T00:03",
        "end": "2024-01-01T00:05",
    }
    places = [(e["run"], e["first_row"], e["last_row"]) for e in anomalous["episodes"]]
    assert places == [("pump", 3, 5), ("fan", 1, 1), ("fan", 5, 5)]
    longest = describe_states(states, regions, rows, most=1)[1]
    assert longest["n_episodes"] == 3
    assert longest["episodes"] == [anomalous["episodes"][0]]


def test_rows_of_a_prepared_log_are_the_callers():
    values = np.array([0.0, 2, 2, 0, 2, 2, 2, 2])[:, None]
    time = np.arange(8.0) * 10
    log = check_log(
        {
            "a": Run(values[:4], ("load",), "a", time[:4]),
            "b": Run(values[4:], ("load",), "b", time[4:]),
        }
    )
    prepared = Preparation(parse_steps(["mode:load>1"])).apply(log)
    rows = RowTable.of(prepared)
    assert rows.names == ["a", "b"]
    assert rows.describe(1, 2) == {
        "run": "a",
        "first_row": 1,
        "last_row": 2,
        "rows": 2,
        "start": "10.0",
        "end": "20.0",
    }
    assert rows.describe(4, 7)["start"] == "40.0"


def test_rows_without_a_region_have_no_state():
    states = [{"name": "normal"}, {"name": "anomalous 1"}]
    assert state_names(states, np.array([-1, 1, 0])).tolist() == ["", "anomalous 1", "normal"]


def test_a_state_that_no_row_is_in_has_no_share_and_no_episode():
    rows = RowTable(np.zeros(3, dtype=int), np.arange(3), ["pump"])
    for regions in ([0, 0, -1], [-1, -1, -1]):
        [state] = describe_states([{"region": 1}], np.array(regions), rows)
        assert (state["rows"], state["share"], state["n_episodes"]) == (0, 0.0, 0)
        assert state["episodes"] == []


def test_a_run_whose_rows_are_all_left_out_keeps_the_others_in_their_place():
    values = np.array([0.0, 0, 3, 3, 3])[:, None]
    log = check_log({"idle": Run(values[:2], ("a",), "idle"), "on": Run(values[2:], ("a",), "on")})
    rows = RowTable.of(Preparation(parse_steps(["idle:a"])).apply(log))
    assert rows.names == ["", "on"]
    assert rows.run.tolist() == [0, 0, 1, 1, 1]
    assert rows.describe(3, 4) == {"run": "on", "first_row": 1, "last_row": 2, "rows": 2}


def test_the_peak_of_a_stretch_is_its_highest_known_score_and_stands_before_the_stamps():
    stretch = {"run": "a", "rows": 3, "start": "0.0", "end": "2.0"}
    found = insert_peak(stretch, np.array([np.nan, 2.5, 1.0]))
    assert list(found.items()) == [
        ("run", "a"),
        ("rows", 3),
        ("peak", 2.5),
        ("start", "0.0"),
        ("end", "2.0"),
    ]
    assert "peak" not in stretch
