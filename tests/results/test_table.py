"""The table of scores: one row of results per row of the log, its episodes and its summary."""

import numpy as np
import pytest

from dccad.calibration.conformal import ConformalCalibration
from dccad.calibration.predictive import Calibration
from dccad.logs.runs import Run
from dccad.results.table import find_episodes, promised_rate, score_table, summarise_scores

STATES = [{"name": "normal", "region": 0}, {"name": "anomalous 1", "region": 1}]


class Stub:
    """Scores a row by its first sensor; rows above 2 are flagged and lie in region 1."""

    states_ = STATES

    def score_rows(self, X):
        scores = {name: run.values[:, 0] for name, run in X.items()}
        flags = {name: (s > 2).astype(int) for name, s in scores.items()}
        return {
            "score": scores,
            "p_value": {name: 1 / (1 + s) for name, s in scores.items()},
            "flag": flags,
            "region": {name: np.where(np.isnan(scores[name]), -1, f) for name, f in flags.items()},
        }


def run_of(values, name, start=None):
    time = None
    if start is not None:
        time = np.datetime64(start, "s") + np.arange(len(values))
    return Run(np.array(values, dtype=float)[:, None], ("a",), name, time)


def test_each_row_has_its_own_results_whichever_run_it_is_of():
    runs = {"b": run_of([np.nan, 1, 3], "b"), "a": run_of([5, 0], "a")}
    table = score_table(Stub(), runs)
    assert list(table) == ["run", "row", "score", "p_value", "flag", "region", "state"]
    assert table["run"].tolist() == ["b", "b", "b", "a", "a"]  # in the order they were given
    assert table["row"].tolist() == [0, 1, 2, 0, 1]
    np.testing.assert_array_equal(table["score"], [np.nan, 1, 3, 5, 0])
    assert table["flag"].tolist() == [0, 0, 1, 1, 0]
    assert table["region"].tolist() == [-1, 0, 1, 1, 0]
    assert table["state"].tolist() == ["", "normal", "anomalous 1", "anomalous 1", "normal"]


def test_a_column_of_times_needs_the_stamps_of_every_run():
    stamped = run_of([1, 2], "a", "2024-01-01T00:00:00")
    table = score_table(Stub(), {"a": stamped})
    assert table["time"].tolist() == stamped.time.tolist()
    assert "time" not in score_table(Stub(), {"a": stamped, "b": run_of([1], "b")})


def test_episodes_end_with_their_run_and_tell_rows_peak_and_times():
    runs = {
        "a": run_of([0, 3, 7, 0, 4], "a", "2024-01-01T00:00:00"),
        "b": run_of([5, 1], "b", "2024-02-01T00:00:00"),
    }
    found = find_episodes(score_table(Stub(), runs))
    assert [(e["run"], e["first_row"], e["last_row"], e["rows"], e["peak"]) for e in found] == [
        ("a", 1, 2, 2, 7.0),
        ("a", 4, 4, 1, 4.0),
        ("b", 0, 0, 1, 5.0),  # not one episode with the row before, which is of another run
    ]
    assert [(e["start"][-2:], e["end"][-2:]) for e in found] == [
        ("01", "02"),
        ("04", "04"),
        ("00", "00"),
    ]


def test_shares_are_of_the_rows_with_a_score():
    runs = {"a": run_of([np.nan, np.nan, 0, 1, 3, 9], "a")}
    found = summarise_scores(score_table(Stub(), runs), 2.0, STATES)
    assert (found["rows"], found["scored"], found["flagged"]) == (6, 4, 2)
    assert (found["share_flagged"], found["threshold"]) == (0.5, 2.0)
    assert found["region_share"] == {"0": 0.5, "1": 0.5}
    assert [state["rows"] for state in found["states"]] == [2, 2]
    assert found["episodes"] == find_episodes(score_table(Stub(), runs))


def test_a_promise_is_an_interval_around_the_rate_where_the_calibration_knows_one():
    known = Calibration(0.0, 1.0, 1e6, 1.0, 10**6)
    found = promised_rate(known, 0.05, 400)
    assert (found["rate"], found["rows"], found["level"]) == (0.05, 400, 0.9)
    # independent rows: binomial, with a standard deviation of sqrt(0.05 · 0.95 / 400) = 0.011
    assert found["lower"] == pytest.approx(0.05 - 1.645 * 0.0109, abs=0.005)
    assert found["upper"] == pytest.approx(0.05 + 1.645 * 0.0109, abs=0.005)
    for calibration, n_rows in ((known, 0), (ConformalCalibration((1.0,)), 400)):
        nothing = promised_rate(calibration, 0.05, n_rows)
        assert (nothing["lower"], nothing["upper"]) == (None, None)
