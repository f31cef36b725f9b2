"""Too few rows, missing and infinite values, stuck sensors, text: refused or treated as asked for.

Through Python what is wrong raises; through the command line it ends with exit code 2 and one line
that says what came, what is needed and what to do, prints nothing else, and leaves every file and
folder as it was. Missing values come with a table of where they are, above that line.
"""

import datetime as dt
import warnings

import numpy as np
import polars as pl
import pytest

import dccad
from command_line import CHEAP, NAMES
from conftest import FAST
from dccad import DCCA
from dccad.cli.main import main
from dccad.errors import ConstantSensorWarning, InputError, MissingValuesError
from refusals import START, as_frame, raised, says, stamps, tabulate, write

pytestmark = pytest.mark.filterwarnings("ignore::dccad.errors.DccadWarning")


@pytest.mark.parametrize("n_rows", [1, 7])
def test_rows_for_less_than_one_window_are_refused(log, detector, trained_folder, refused, n_rows):
    words = (f"has {n_rows} rows", "window=8 needs at least 8", "pass more rows")
    says(raised(InputError, DCCA(**FAST).fit, log[:n_rows]), *words)
    says(raised(InputError, detector.decision_function, as_frame(log[:n_rows])), *words)
    name = write(log[:n_rows])
    says(refused("fit", name, "-o", "new", *CHEAP), "run 'log'", *words)
    says(refused("score", trained_folder, name, "-o", "scores.csv"), "run 'log'", *words)


def test_a_window_longer_than_every_run_is_refused(log, refused):
    runs = {"a": log[:5], "b": log[5:12], "c": log[12:14]}
    words = ("longest of 3 uninterrupted runs has 7 rows", "window=8", "shorten the window")
    says(raised(InputError, DCCA(**FAST).fit, runs), *words)
    name = write(log[:14], unit=["a"] * 5 + ["b"] * 7 + ["c"] * 2)
    says(refused("fit", name, "--run", "unit", "-o", "new", *CHEAP), *words)


def test_gaps_in_time_that_leave_no_window_are_refused(log, refused):
    time = [START + dt.timedelta(days=i // 6, seconds=i % 6) for i in range(24)]
    words = ("longest of 4 uninterrupted runs has 6 rows", "window=8")
    says(raised(InputError, DCCA(**FAST).fit, as_frame(log[:24], time=time)), *words)
    says(refused("fit", write(log[:24], time=time), "-o", "new", *CHEAP), *words)


@pytest.mark.parametrize(("n_rows", "n_clusters", "n_windows"), [(8, 2, 1), (11, 5, 4)])
def test_more_clusters_than_windows_are_refused(log, refused, n_rows, n_clusters, n_windows):
    words = (f"gives {n_windows} windows of 8 rows", f"n_clusters={n_clusters}", "fewer clusters")
    detector = DCCA(**FAST, n_clusters=n_clusters)
    says(raised(InputError, detector.fit, log[:n_rows]), *words)
    name = write(log[:n_rows])
    says(refused("fit", name, "-o", "new", "--clusters", n_clusters, *CHEAP), *words)


PLACES = {
    "first": (slice(0, 1), slice(0, 1)),
    "last": (slice(-1, None), slice(-1, None)),
    "middle": (slice(60, 61), slice(1, 2)),
    "a run of rows": (slice(40, 47), slice(1, 3)),
    "a whole column": (slice(None), slice(2, 3)),
    "everywhere": (slice(None), slice(None)),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_a_cell_that_is_no_finite_number_is_counted_and_located(
    log, detector, trained_folder, refused, place, value
):
    bad = log.copy()
    bad[PLACES[place]] = value
    found = np.argwhere(bad != log)
    row, column = found[0]
    where = f"{len(found)} in {len(set(found[:, 1]))} of 3 columns, first at row {row}, column "
    needed = "(command line: --on-missing)" if np.isnan(value) else "remove or replace"
    kind = {np.nan: "missing values, NaN", 1e300: "beyond single precision"}
    kind = kind.get(value, "infinite values")
    words = (kind, where + repr(NAMES[column]), needed)
    table = tabulate(bad) if np.isnan(value) else None

    array_words = (kind, f"{where}'sensor_{column}'", needed)
    says(raised(InputError, DCCA(**FAST).fit, bad), *array_words)
    says(raised(InputError, DCCA(**FAST).fit, log, normal=bad), *array_words)
    says(raised(InputError, detector.decision_function, as_frame(bad)), *words)
    name = write(bad)
    says(refused("fit", name, "-o", "new", *CHEAP, table=table), "run 'log'", *words)
    score = ("score", trained_folder, name, "-o", "scores.csv")
    says(refused(*score, table=table), "run 'log'", *words)


def test_where_values_are_missing_is_told_for_the_worst_sensors_and_the_worst_stretch(refused):
    names = [f"temperature of bearing {i:02d}, drive end, line 3" for i in range(20)]
    frame = pl.DataFrame(
        {
            name: [None if row % 10 < i % 10 else 1.0 for row in range(40)]
            for i, name in enumerate(names)
        }
    )
    shown = [9, 19, 8, 18, 7, 17, 6, 16, 5, 15, 4, 14, 3, 13, 2]
    table = ["missing share first row longest sensor"]
    table += [f"{4 * (i % 10)} {(i % 10) / 10:.2%} 0 {i % 10} {names[i][:39]}…" for i in shown]
    text = refused("fit", write(frame), "-o", "new", *CHEAP, table=[*table, "and 3 more sensors"])
    says(text, "360 in 18 of 20 columns, first at row 0, column 'temperature of bearing 01, drive")


def test_a_sensor_without_any_value_is_to_be_left_out(log, refused):
    name = write(log, spare=[None] * 120)
    table = ["missing share first row longest sensor", "120 100.00% 0 120 spare"]
    text = refused("fit", name, "-o", "new", *CHEAP, "--on-missing", "hold", table=table)
    says(text, "'spare' has no value at all: leave it out (command line: --drop)")


def test_a_blank_cell_of_a_file_is_a_missing_value(log, refused):
    frame = as_frame(log).with_columns(
        pl.when(pl.int_range(pl.len()) == 3).then(None).otherwise(pl.col("level")).alias("level")
    )
    table = ["missing share first row longest sensor", "1 0.83% 3 1 level"]
    for name in ("log.csv", "log.parquet"):
        text = refused("fit", write(frame, name), "-o", "new", *CHEAP, table=table)
        says(text, "NaN", "1 in 1 of 3 columns, first at row 3, column 'level'")


def gappy(log, start=50, rows=3):
    bad = log.copy()
    bad[start : start + rows, 1] = np.nan
    return bad


def test_a_short_gap_is_filled_linearly_in_the_fit(log):
    filled = log.copy()
    filled[50:53, 1] = np.linspace(log[49, 1], log[53, 1], 5)[1:4]
    bad = gappy(log)
    a = DCCA(**FAST, on_missing="interpolate").fit(bad)
    b = DCCA(**FAST).fit(filled)
    np.testing.assert_allclose(a.decision_scores_, b.decision_scores_, rtol=1e-6)
    assert np.isfinite(a.decision_scores_[7:]).all()
    assert np.isnan(bad).sum() == 3  # the caller's array keeps its gaps


def test_a_short_gap_is_filled_with_the_last_value_in_scoring(log):
    detector = DCCA(**FAST, on_missing="interpolate").fit(log)
    held, line = log.copy(), log.copy()
    held[50:53, 1] = log[49, 1]
    line[50:53, 1] = np.linspace(log[49, 1], log[53, 1], 5)[1:4]
    scores = detector.decision_function(gappy(log))
    np.testing.assert_array_equal(scores, detector.decision_function(held))
    assert not np.array_equal(scores, detector.decision_function(line), equal_nan=True)


def test_a_gap_at_the_start_of_a_log_to_score_is_refused(log):
    detector = DCCA(**FAST, on_missing="interpolate").fit(log)
    text = raised(InputError, detector.decision_function, gappy(log, start=0))
    says(text, "3 in 1 of 3 columns, first at row 0", "starts the run")


def test_nothing_is_filled_across_an_interruption(log):
    time = [*stamps(60), *stamps(60, first=10_000)]
    frame = as_frame(log, time=time)
    detector = DCCA(**FAST, on_missing="interpolate").fit(frame)
    bad = as_frame(gappy(log, start=60, rows=2), time=time)
    text = raised(InputError, detector.decision_function, bad)
    says(text, "2 in 1 of 3 columns, first at row 60, column 'pressure'", "starts the run")


@pytest.mark.parametrize(("rule", "limit"), [("interpolate", 1), ("interpolate", 4), ("hold", 4)])
def test_a_gap_longer_than_the_limit_is_refused(log, refused, rule, limit):
    bad = gappy(log, rows=limit + 1)
    detector = DCCA(**FAST, on_missing=rule, fill_limit=limit)
    words = (
        f"{limit + 1} in 1 of 3 columns, first at row 50",
        "longer than fill_limit or starts the run: raise the limit (command line: --fill-limit), "
        "or leave the rows out with on_missing='drop'",
    )
    says(raised(MissingValuesError, detector.fit, bad), *words)
    filling = ("--on-missing", rule, "--fill-limit", limit)
    says(refused("fit", write(bad), "-o", "new", *filling, *CHEAP, table=tabulate(bad)), *words)


def test_infinite_values_are_never_filled(log, refused):
    bad = log.copy()
    bad[50, 1] = np.inf
    words = ("infinite values", "first at row 50", "remove or replace")
    says(raised(InputError, DCCA(**FAST, on_missing="interpolate").fit, bad), *words)
    text = refused("fit", write(bad), "-o", "new", "--on-missing", "interpolate", *CHEAP)
    says(text, *words)


@pytest.mark.parametrize("rule", ["interpolate", "hold", "drop"])
def test_the_command_line_treats_short_gaps_as_python_does(
    log, tmp_path, monkeypatch, capsys, rule
):
    monkeypatch.chdir(tmp_path)
    name = write(gappy(log))
    assert main(["fit", name, "-o", "new", "--on-missing", rule, *CHEAP]) == 0
    detector = DCCA(**FAST, on_missing=rule).fit(as_frame(gappy(log)))
    assert dccad.load("new").threshold_ == detector.threshold_
    assert main(["score", "new", name, "-o", "s.csv"]) == 0  # the rule is the model's
    scores = pl.read_csv("s.csv")["score"].to_numpy()
    np.testing.assert_array_equal(scores, detector.decision_function(as_frame(gappy(log))))
    no_window = [*range(7), *(range(50, 60) if rule == "drop" else ())]
    assert np.flatnonzero(np.isnan(scores)).tolist() == no_window


@pytest.mark.parametrize("scaling", ["standard", "minmax"])
def test_a_constant_column_is_reported_and_moves_the_score_when_it_moves(log, scaling):
    stuck = np.column_stack([log, np.full(120, 3000.0)])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        detector = DCCA(**FAST, scaling=scaling).fit(stuck)
        before = detector.decision_function(stuck)
    assert [w.category for w in caught if w.category is not UserWarning] == [ConstantSensorWarning]
    says(str(caught[0].message), "1 of 4 sensors never change", "sensor_3", "drop them")
    assert np.isfinite(before[7:]).all()
    moved = stuck.copy()
    moved[100:, 3] += 50.0
    after = detector.decision_function(moved)
    np.testing.assert_array_equal(after[:100], before[:100])
    assert np.isfinite(after[7:]).all()
    assert after[100:].min() > max(detector.threshold_, np.nanmax(before))


def test_only_constant_columns_still_give_finite_scores(log):
    detector = DCCA(**FAST).fit(np.ones((120, 2)))
    assert np.isfinite(detector.decision_scores_[7:]).all()
