"""What wrong input leads to: one line that says what came, what is needed and what to do.

Through Python such input raises; through the command line it ends with exit code 2 and one line on
standard error, prints nothing else, and leaves every file and folder as it was. Missing values come
with a table of where they are, above that line.
"""

import datetime as dt
import errno
import io
import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse

import dccad
from conftest import FAST
from dccad import DCCA, Run
from dccad.cli.main import main
from dccad.errors import (
    ConstantSensorWarning,
    DccadError,
    InputError,
    MissingValuesError,
    ModelFileError,
    ParameterError,
)
from dccad.saving.folder import FORMAT, record_digest

pytestmark = pytest.mark.filterwarnings("ignore::dccad.errors.DccadWarning")

NAMES = ["flow", "pressure", "level"]
START = dt.datetime(2024, 1, 1)
CHEAP = ["--window", "8", "--false-alarm-rate", "0.05"]
CHEAP += [f"--set={name}=1" for name in ("pretrain_epochs", "joint_epochs", "n_init")]
CHEAP += ["--set=calibration=held-out"]
CHEAP += ["--set=n_kernels=2"]


@pytest.fixture(scope="module")
def log():
    rng = np.random.default_rng(7)
    values = rng.normal(size=(120, 3))
    values[80:] += [4.0, 0.0, -4.0]
    return values


@pytest.fixture(scope="module")
def trained_folder(log, tmp_path_factory):
    """A model folder fitted on the log as a data frame; tests must not change it."""
    folder = tmp_path_factory.mktemp("bad-input") / "model"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        DCCA(**FAST).fit(as_frame(log)).save(folder)
    return folder


@pytest.fixture(scope="module")
def detector(trained_folder):
    return dccad.load(trained_folder)


@pytest.fixture
def model(trained_folder, tmp_path):
    """A copy of the trained model in the working directory, to be damaged."""
    return Path(shutil.copytree(trained_folder, tmp_path / "model"))


@pytest.fixture
def refused(capsys, tmp_path, monkeypatch):
    """Call ``dccad`` in an own folder, see it refuse, and return what it said."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, table=None):
        """``table``: what stands above the line, as rows of text."""
        before = contents(tmp_path)
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert (code, out) == (2, ""), err
        assert contents(tmp_path) == before
        *above, last = err.splitlines()
        assert [line.split() for line in above] == [row.split() for row in table or ()], err
        assert not above or max(map(len, above)) <= 80
        return one_line(last)

    return call


def as_frame(values, **more):
    return pl.DataFrame({name: values[:, i] for i, name in enumerate(NAMES)} | more)


def write(values, name="log.csv", **more):
    frame = values if isinstance(values, pl.DataFrame) else as_frame(values, **more)
    frame.write_csv(name) if name.endswith(".csv") else frame.write_parquet(name)
    return name


def stamps(count, step=60, first=0):
    return [START + dt.timedelta(seconds=step * i) for i in range(first, first + count)]


def contents(folder):
    """Every file and folder below, hidden ones too, and the bytes of each file."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def one_line(err):
    lines = err.splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("dccad: error: ")
    return lines[0].removeprefix("dccad: error: ")


def raised(kind, function, *arguments, **keywords):
    with pytest.raises(kind) as caught:
        function(*arguments, **keywords)
    assert isinstance(caught.value, DccadError | OSError)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def says(text, *words):
    for word in words:
        assert str(word) in text


# -- too few rows ---------------------------------------------------------------------------------


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


# -- NaN and infinite values ----------------------------------------------------------------------

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


def tabulate(values):
    """What is told of missing values that stand in one stretch: the sensors with most first."""
    missing = np.isnan(values)
    rows = [
        f"{flags.sum()} {flags.mean():.2%} {np.argmax(flags)} {flags.sum()} {name}"
        for name, flags in zip(NAMES, missing.T, strict=True)
        if flags.any()
    ]
    rows.sort(key=lambda row: -int(row.split()[0]))
    return ["missing share first row longest sensor", *rows]


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


# -- a constant column ----------------------------------------------------------------------------


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


# -- text, and other things that are no numbers ---------------------------------------------------


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        (["on", "off"] * 60, "'on' in row 0"),
        ([None, *["1.5"] * 60, "n.n.", *["2"] * 58], "'n.n.' in row 61"),
        (["1,5", "2,5"] * 60, "decimal commas and decimal points are mixed: '1,5' in column "),
    ],
    ids=["words", "one word", "decimal commas"],
)
def test_a_text_column_is_named(log, detector, trained_folder, refused, column, cell):
    frame = as_frame(log, state=column)
    words = ("no numbers", "'state'")
    for table in (frame, frame.to_pandas()):
        says(raised(InputError, DCCA(**FAST).fit, table), *words, "drop them or encode")
        says(raised(InputError, detector.decision_function, table), *words)
    says(refused("fit", write(frame), "-o", "new", *CHEAP), "log.csv: ", "'state'", cell)
    text = refused("fit", write(frame, "log.parquet"), "-o", "new", *CHEAP)
    says(text, "log.parquet: columns that hold no numbers: 'state' (", "in row ")
    # to score, only the model's sensors are read
    sensor = frame.drop("flow").rename({"state": "flow"})
    says(
        refused("score", trained_folder, write(sensor), "-o", "s.csv"), "log.csv: ", "'flow'", cell
    )


def test_a_text_column_can_be_left_out(log, trained_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    name = write(log, state=["on"] * 120)
    assert main(["fit", name, "-o", "new", "--drop", "state", *CHEAP]) == 0
    assert dccad.load("new").threshold_ == dccad.load(trained_folder).threshold_
    assert "left out: 'state'" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda x: x + 1j, ["Complex data not supported", "real numbers"]),
        (lambda x: x[:, 0], ["shape (120,)", "X.reshape(-1, 1)"]),
        (lambda x: x[None], ["shape (1, 120, 3)", "several runs are a list"]),
        (lambda x: 5.0, ["shape ()", "rows (time steps)"]),
        (lambda x: "log.csv", ["'log.csv'", "read the file"]),
        (lambda x: Path("log.csv"), ["'log.csv'", "read the file"]),
        (scipy.sparse.csr_matrix, ["sparse matrix", ".toarray()"]),
        (scipy.sparse.dok_matrix, ["sparse matrix", ".toarray()"]),
        (lambda x: x.astype("datetime64[s]"), ["holds times", "datetime64[s]"]),
        (lambda x: x.astype("timedelta64[s]"), ["holds times", "timedelta64[s]"]),
        (lambda x: np.where(x > 9, x, "hot"), ["text at row 0, column 0: np.str_('hot')"]),
        (lambda x: [x, "pump"], ["list of unlike items", "equal length"]),
        (lambda x: [[1.0, 2.0], [3.0]], ["list of unlike items", "equal length"]),
        (lambda x: [], ["shape (0,)"]),
        (lambda x: {}, ["holds no run", "at least one run"]),
        (lambda x: x[:0], ["is empty: 0 rows"]),
        (lambda x: x[:, :0], ["0 feature(s) (shape=(120, 0))", "at least one sensor column"]),
        (lambda x: [x, x[:0]], ["'run 1' is empty: 0 rows"]),
        (lambda x: pl.DataFrame(), ["no sensor column"]),
        (lambda x: as_frame(x).lazy(), ["LazyFrame", "eager data frame"]),
        (lambda x: {"a": x, "b": x[:, :2]}, ["'b'", "other columns", "'a'", "sensor_2"]),
        (
            lambda x: {"a": as_frame(x), "b": as_frame(x).rename({"flow": "heat"})},
            ["run 'b' has other columns than run 'a'", "missing: 'flow'", "not expected: 'heat'"],
        ),
        (lambda x: pd.DataFrame(x, columns=["a", "b", "a"]), ["more than once: 'a'", "own name"]),
        (lambda x: Run(x, ("a", "b")), ["names 2 columns", "rows have 3"]),
        (lambda x: Run(x, tuple("abc"), time=np.arange(7)), ["(7,)", "120 rows"]),
        (lambda x: Run(x, tuple("abc"), time=np.array(["mon"] * 120)), ["<U3", "datetime64"]),
    ],
)
@pytest.mark.filterwarnings("ignore:Determining the column names")
def test_what_is_no_table_of_numbers_is_refused(log, detector, make, words):
    says(raised(InputError, DCCA(**FAST).fit, make(log)), *words)
    assert raised(InputError, detector.decision_function, make(log))


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("pump", ["row 3, column 1", "'pump'", "encode it as numbers"]),
        (1j, ["row 3, column 1", "1j"]),
        ([1, 2], ["row 3, column 1", "[1, 2]"]),
        (None, ["NaN", "first at row 3"]),
    ],
)
def test_an_object_array_is_read_cell_by_cell(log, cell, words):
    objects = log.astype(object)
    objects[3, 1] = cell
    says(raised(InputError, DCCA(**FAST).fit, objects), *words)


def test_masked_cells_are_missing_values_and_not_data(log):
    masked = np.ma.array(log, mask=np.arange(360).reshape(120, 3) == 16)
    text = raised(InputError, DCCA(**FAST).fit, masked)
    says(text, "NaN", "1 in 1 of 3 columns, first at row 5, column 'sensor_1'")


# -- columns at scoring time ----------------------------------------------------------------------

WRONG_COLUMNS = {
    "missing": (["flow", "level"], ["missing: 'pressure'"]),
    "extra": ([*NAMES, "heat"], ["not expected: 'heat'"]),
    "renamed": (["flow", "Pressure", "level"], ["missing: 'pressure'", "not expected: 'Pressure'"]),
    "other order": (["level", "flow", "pressure"], ["order differs", "'level'", "'flow'"]),
}


@pytest.mark.parametrize("case", WRONG_COLUMNS)
def test_data_frames_with_other_columns_than_those_of_the_fit_are_refused(log, detector, case):
    names, words = WRONG_COLUMNS[case]
    frame = as_frame(log, heat=log[:, 0], Pressure=log[:, 1]).select(names)
    for table in (frame, frame.to_pandas(), frame.to_arrow()):
        says(raised(InputError, detector.decision_function, table), *words, "pass the 3 columns")


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        (["flow", "level"], "it has 'flow', 'level'"),
        (["flow", "Pressure", "level"], "did you mean 'Pressure'?"),
    ],
)
@pytest.mark.parametrize("name", ["log.csv", "log.parquet"])
def test_a_file_that_lacks_a_sensor_of_the_model_is_refused(
    log, trained_folder, refused, names, hint, name
):
    write(as_frame(log, Pressure=log[:, 1]).select(names), name)
    text = refused("score", trained_folder, name, "-o", "scores.csv")
    assert text == f"{name}: no sensor 'pressure'; {hint}"


@pytest.mark.parametrize("n_sensors", [1, 2, 4])
def test_arrays_with_another_number_of_sensors_are_refused(log, n_sensors):
    detector = DCCA(**FAST).fit(log)
    text = raised(InputError, detector.decision_function, np.tile(log, 2)[:, :n_sensors])
    says(text, f"X has {n_sensors} features", "expecting 3 features")


def test_logs_with_different_columns_are_not_fitted_together(log, refused):
    write(as_frame(log), "a.csv")
    write(as_frame(log).rename({"flow": "heat"}), "b.csv")
    text = refused("fit", "a.csv", "b.csv", "-o", "new", *CHEAP)
    says(text, "run 'b' has other columns than run 'a'", "'flow'", "'heat'")
    text = refused("fit", "a.csv", "--normal", "b.csv", "-o", "new", *CHEAP)
    says(text, "missing: 'flow'", "not expected: 'heat'")


@pytest.mark.parametrize("columns", [None, ["a", 1, "b"], [("x", "a"), ("x", "b"), ("y", "a")]])
def test_pandas_columns_that_are_not_text_are_sensors_like_others(log, columns):
    frame = pd.DataFrame(log, columns=columns)
    scores = DCCA(**FAST).fit(frame).decision_function(frame)
    np.testing.assert_array_equal(scores, DCCA(**FAST).fit(log).decision_scores_)


# -- empty and unreadable files -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("log.csv", b"", ["0 bytes", "pass a file with sensor rows"]),
        ("log.parquet", b"", ["0 bytes", "pass a file with sensor rows"]),
        ("log.csv", b"flow,pressure,level\n", ["no rows below the column names"]),
        ("log.csv", b"\n\n", ["nothing but blank lines", "pass a file with sensor rows"]),
        ("log.csv", b"\0" * 5000, ["nothing but NUL bytes", "export it again"]),
        ("log.csv", b"a,b\n1,2\n1,2,3\n", ["line 3 has 3 fields", "2 columns"]),
        ("log.csv", b"a,a\n1,2\n", ["more than once: 'a'"]),
        ("log.csv", b"<html><body><table>", ["is an HTML page named .csv", "save it as .xlsx or"]),
        ("log.csv", b'[{"flow": 1.5}]', ["is a JSON file", "export"]),
        ("log.csv", b"\x1f\x8b\x08" + bytes(range(200)), ["is compressed (gzip)", "unpack"]),
        ("log.parquet", b"PAR1\0\1\2" + bytes(200), ["the end of this Parquet file is missing"]),
        ("log.xlsx", b"PK\x03\x04" + bytes(200), ["a damaged workbook or ZIP archive"]),
        ("log.xlsx", b"<html><body><table>", ["is an HTML page named .xlsx", "save it as .xlsx"]),
        ("log", b"a,b\n", ["no rows below the column names"]),
    ],
)
def test_a_file_without_a_table_is_refused(trained_folder, refused, name, content, words):
    Path(name).write_bytes(content)
    says(refused("fit", name, "-o", "new", *CHEAP), name, *words)
    says(refused("score", trained_folder, name, "-o", "scores.csv"), name, *words)


def test_a_parquet_file_without_rows_is_refused(log, refused):
    name = write(log[:0], "log.parquet")
    says(refused("fit", name, "-o", "new"), name, "no rows below the column names")


def test_a_log_that_is_not_there_is_refused(trained_folder, refused):
    says(refused("fit", "nope.csv", "-o", "new"), "nope.csv: no such file")
    says(refused("fit", ".", "-o", "new"), ".: no table file in this folder, it is empty")
    says(refused("fit", "no/log.csv", "-o", "new"), "no/log.csv: folder no does not exist")
    says(
        refused("fit", "logs/*.csv", "-o", "new"), "logs/*.csv: nothing matches; check the pattern"
    )
    says(refused("score", trained_folder, "nope.csv", "-o", "s.csv"), "nope.csv: no such file")
    Path("notes.md").write_text("# shift book")
    says(
        refused("score", trained_folder, ".", "-o", "s.csv"), "it holds notes.md; needed are files"
    )
    Path("logs.csv").write_text("flow\n1\n")
    text = refused("score", trained_folder, "log.csv", "-o", "s.csv")
    says(text, "log.csv: no such file; did you mean logs.csv?")
    text = refused("score", trained_folder, "logs.csv", "logs.csv", "-o", "s.csv")
    says(text, "logs.csv is named twice; name every log once")


class Terminal(io.StringIO):
    """Standard input on which a person would have to type."""

    buffer = io.BytesIO()

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        (Terminal(), ["standard input is a terminal", "pipe a table into it"]),
        (io.TextIOWrapper(io.BytesIO(b"")), ["standard input is empty (0 bytes)"]),
        (
            io.TextIOWrapper(io.BytesIO(b"a,b\n")),
            ["standard input: no rows below the column names"],
        ),
    ],
    ids=["terminal", "empty", "only names"],
)
def test_a_pipe_without_a_table_is_refused(refused, monkeypatch, stream, words):
    monkeypatch.setattr(sys, "stdin", stream)
    says(refused("data", "check", "-"), *words)


@pytest.mark.parametrize("output", ["logs/monday.csv", "logs/../logs/monday.csv"])
@pytest.mark.parametrize("inputs", [["logs"], ["logs/*.csv"], ["logs/tuesday.csv", "logs"]])
def test_scores_never_overwrite_a_log_of_a_folder_or_pattern(
    log, trained_folder, refused, output, inputs
):
    Path("logs").mkdir()
    for name in ("logs/monday.csv", "logs/tuesday.csv"):
        write(log, name)
    inputs = inputs[1:] if len(inputs) > 1 else inputs
    text = refused("score", trained_folder, *inputs, "-o", output)
    says(text, f"{Path(output)} is the log itself and would be overwritten", "another file")


def test_a_line_break_in_a_column_name_stays_in_one_line(log, refused):
    Path("log.csv").write_text('flow,"the\nstate"\n1,on\n')
    text = refused("fit", "log.csv", "-o", "new")
    says(text, "columns that hold no numbers: 'the state' ('on' in row 0")


# -- time stamps ----------------------------------------------------------------------------------


def swap(time):
    time[5], time[6] = time[6], time[5]


def repeat(time):
    time[6] = time[5]


DAMAGED_TIME = {
    "newest first": (
        list.reverse,
        ["row 1 is not later", "sort the rows"],
        "the newest row comes first: all rows are sorted by time",
    ),
    "two rows swapped": (
        swap,
        ["row 6 is not later", "sort the rows by time"],
        "1 row is earlier than a row above it (first: row 6): all rows are sorted by time",
    ),
    "a stamp repeated": (
        repeat,
        ["row 6 is not later", "remove duplicates"],
        "1 row repeats the stamp of another: the last one in the file counts",
    ),
}


@pytest.mark.parametrize("case", DAMAGED_TIME)
def test_time_stamps_of_data_frames_that_do_not_increase_are_refused(log, detector, case):
    damage, words, _ = DAMAGED_TIME[case]
    time = stamps(120)
    damage(time)
    frame = as_frame(log, time=time)
    pandas = frame.to_pandas()
    for table in (frame, pandas, pandas.set_index("time")):
        says(raised(InputError, DCCA(**FAST).fit, table), "run 'log'", *words)
        says(raised(InputError, detector.decision_function, table), *words)


@pytest.mark.parametrize("name", ["log.csv", "log.parquet"])
@pytest.mark.parametrize("case", DAMAGED_TIME)
def test_rows_of_a_file_that_are_out_of_order_are_sorted_and_the_user_is_told(
    log, detector, trained_folder, tmp_path, monkeypatch, capsys, case, name
):
    damage, _, note = DAMAGED_TIME[case]
    monkeypatch.chdir(tmp_path)
    time = stamps(120)
    damage(time)
    write(log, name, time=time)
    assert main(["score", str(trained_folder), name, "-o", "s.parquet"]) == 0
    assert note in " ".join(capsys.readouterr().out.split())
    rows = {stamp: row for row, stamp in enumerate(time)}  # the last one counts
    order = [rows[stamp] for stamp in sorted(rows)]
    table = pl.read_parquet("s.parquet")
    assert table["time"].to_list() == sorted(rows)
    expected = detector.decision_function(as_frame(log[order]))
    np.testing.assert_array_equal(table["score"].to_numpy(), expected)


def test_rows_without_a_time_stamp_are_refused(log, detector, trained_folder, refused):
    time = stamps(120)
    time[6] = None
    frame = as_frame(log, time=time)
    pandas = frame.to_pandas()
    for table in (frame, pandas, pandas.set_index("time")):
        words = ("run 'log' has rows without a time stamp", "remove those rows")
        says(raised(InputError, DCCA(**FAST).fit, table), *words)
        says(raised(InputError, detector.decision_function, table), *words)
    for name in ("log.csv", "log.parquet"):
        write(frame, name)
        words = (
            f"{name}: time column 'time' is blank in row 6, counted from 0",
            "fill in the time",
        )
        says(refused("fit", name, "-o", "new", *CHEAP), *words)
        says(refused("score", trained_folder, name, "-o", "scores.csv"), *words)


def test_several_time_columns_are_refused_until_one_is_chosen(log, refused, capsys):
    frame = as_frame(log, time=stamps(120), logged=stamps(120, first=7))
    words = ("'time', 'logged'", "several")
    says(raised(InputError, DCCA(**FAST).fit, frame), *words, "keep one")
    says(raised(InputError, DCCA(**FAST).fit, frame.to_pandas()), *words)
    name = write(frame)
    says(refused("fit", name, "-o", "new", *CHEAP), *words, "--time", "--drop")
    chosen = ["--time", "time", "--drop", "logged"]
    assert main(["fit", name, "-o", "new", *chosen, *CHEAP]) == 0


def test_no_window_spans_a_gap_in_time(log, trained_folder, detector, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = as_frame(log, time=[*stamps(50), *stamps(70, first=90)])
    empty = [*range(7), *range(50, 57)]
    for table in (frame, frame.to_pandas(), frame.to_pandas().set_index("time")):
        scores = detector.decision_function(table)
        assert np.flatnonzero(np.isnan(scores)).tolist() == empty
    assert main(["score", str(trained_folder), write(frame), "-o", "s.parquet"]) == 0
    table = pl.read_parquet("s.parquet")
    assert np.flatnonzero(np.isnan(table["score"].to_numpy())).tolist() == empty
    assert table["region"].to_numpy()[empty].tolist() == [-1] * 14


def test_a_clock_change_is_no_gap_and_no_repetition(log, detector):
    index = pd.date_range("2024-10-27 00:00", periods=120, freq="5min", tz="Europe/Berlin")
    frame = as_frame(log).to_pandas().set_index(index)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = detector.decision_function(frame)
        in_a_column = detector.decision_function(frame.reset_index(names="time"))
    assert np.isnan(scores).sum() == 7
    np.testing.assert_array_equal(scores, in_a_column)


# -- arrays of every kind -------------------------------------------------------------------------


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


KINDS = {
    "read-only": read_only,
    "column-major": np.asfortranarray,
    "every other row of a larger array": lambda x: np.repeat(x, 2, axis=0)[::2],
    "backwards view": lambda x: x[::-1].copy()[::-1],
    "big-endian": lambda x: x.astype(">f8"),
    "float32": lambda x: x.astype(np.float32),
    "int16": lambda x: x.astype(np.int16),
    "uint8": lambda x: (x - x.min()).astype(np.uint8),
    "bool": lambda x: x > 0,
    "object": lambda x: x.astype(object),
    "list": lambda x: x.tolist(),
    "pandas with mixed types": lambda x: pd.DataFrame(x).astype({0: "float32", 1: "Float64"}),
    "pandas with objects": lambda x: pd.DataFrame(x).astype(object),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_array_scores_as_its_plain_copy_and_stays_as_it_is(log, kind):
    whole = np.round(10 * log)  # what float32 and integers can hold
    given = KINDS[kind](whole)
    plain = np.array(given, dtype=np.float64)
    expected = DCCA(**FAST).fit(plain).decision_scores_
    detector = DCCA(**FAST).fit(given)
    np.testing.assert_array_equal(detector.decision_scores_, expected)
    np.testing.assert_array_equal(detector.decision_function(given), expected)
    np.testing.assert_array_equal(np.array(given, dtype=np.float64), plain)
    assert np.isfinite(expected[7:]).all()


# -- a model folder that is none ------------------------------------------------------------------


def flip_a_byte(folder):
    path = folder / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


def truncate(name, keep):
    def damage(folder):
        path = folder / name
        path.write_bytes(path.read_bytes()[:keep])

    return damage


def rewrite(text):
    return lambda folder: (folder / "model.json").write_text(text)


def edit(**changes):
    def damage(folder):
        record = json.loads((folder / "model.json").read_text())
        record |= changes
        record = {name: value for name, value in record.items() if value is not None}
        record["record_sha256"] = record_digest(record)  # as if another program had written it
        (folder / "model.json").write_text(json.dumps(record))

    return damage


def change_one_digit(folder):
    text = (folder / "model.json").read_text()
    threshold = json.loads(text)["threshold"]
    changed = text.replace(f'"threshold": {threshold}', f'"threshold": {threshold - 1}')
    assert changed != text
    (folder / "model.json").write_text(changed)


BROKEN = "model.json is damaged or truncated"
DAMAGE = {
    "a flipped byte": (flip_a_byte, ["weights.safetensors is damaged", "checksum", "backup"]),
    "half the weights": (
        truncate("weights.safetensors", 500),
        ["weights.safetensors is damaged or truncated (500 bytes", "backup"],
    ),
    "no byte of the weights": (truncate("weights.safetensors", 0), ["(0 bytes", "backup"]),
    "no weights": (lambda f: (f / "weights.safetensors").unlink(), ["weights.safetensors is miss"]),
    "half the record": (truncate("model.json", 300), [BROKEN, "backup"]),
    "no byte of the record": (truncate("model.json", 0), [BROKEN, "backup"]),
    "no record": (lambda f: (f / "model.json").unlink(), ["holds no model.json", "not a dccad"]),
    "a binary record": (lambda f: (f / "model.json").write_bytes(b"\xff\x00"), [BROKEN]),
    "a list for a record": (rewrite("[1, 2]"), [BROKEN]),
    "null for a record": (rewrite("null"), [BROKEN]),
    "a text for a record": (rewrite('"model"'), [BROKEN]),
    "a changed digit": (change_one_digit, ["model.json is damaged or was edited", "backup"]),
    "no format": (edit(format=None), [BROKEN]),
    "a format of another type": (edit(format=[1]), [BROKEN]),
    "an infinite format": (edit(format=float("inf")), [BROKEN]),
    "a later format": (
        edit(format=FORMAT + 1, versions={"dccad": "9.8.7"}),
        [f"model format {FORMAT + 1}", "dccad 9.8.7", f"up to format {FORMAT}", "upgrade dccad"],
    ),
    "a later format of other shape": (
        edit(format=FORMAT + 7, versions="later"),
        [f"model format {FORMAT + 7}", "upgrade dccad"],
    ),
    "no parameters": (edit(parameters=None), ["not a complete dccad model", "'parameters'"]),
    "parameters of another type": (edit(parameters=[8, 2]), ["not a complete dccad model"]),
    "regions of another type": (edit(regions_of_fit=3), ["not a complete dccad model", "backup"]),
    "no shape": (edit(network=None), ["not a complete dccad model", "'network'"]),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_model_is_refused(log, model, refused, case):
    damage, words = DAMAGE[case]
    name = write(log)
    assert main(["score", "model", name, "-o", "scores.csv"]) == 0  # the model is sound until here
    Path("scores.csv").unlink()
    damage(model)
    says(raised(ModelFileError, dccad.load, model), "model", *words)
    says(refused("score", "model", name, "-o", "scores.csv"), "model", *words)
    says(refused("info", "model"), "model", *words)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nope", ["no model folder at nope", "that fit -o wrote"]),
        ("log.csv", ["no model folder at log.csv", "that fit -o wrote"]),
        ("other", ["other holds no model.json", "not a dccad model"]),
    ],
)
def test_what_is_no_model_folder_is_refused(log, refused, name, words):
    write(log)
    Path("other").mkdir()
    Path("other/notes.txt").write_text("mine")
    says(raised(ModelFileError, dccad.load, name), *words)
    says(refused("score", name, "log.csv", "-o", "scores.csv"), *words)
    says(refused("info", name), *words)
    says(refused("info", name, "--json"), *words)


def test_an_unknown_device_is_not_blamed_on_the_model(trained_folder):
    text = raised(ParameterError, dccad.load, trained_folder, device="cuda:77")
    says(text, "device='cuda:77' cannot be used here", "'cpu'")


# -- outputs --------------------------------------------------------------------------------------


@pytest.fixture
def no_work(monkeypatch):
    """Fail if anything is trained, scored or benchmarked."""

    def never(*_, **__):
        raise AssertionError("the work began before the output was checked")

    monkeypatch.setattr("dccad.detector.DCCA.fit", never)
    monkeypatch.setattr("dccad.detector.DCCA.score_rows", never)
    monkeypatch.setattr("dccad.evaluation.benchmark.run_benchmark", never)
    monkeypatch.setattr("dccad.demo.tep.fit", never)


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("mine", ["mine exists and is not a dccad model", "name another folder"]),
        (".", ["exists and is not a dccad model"]),
        ("log.csv", ["log.csv exists and is not a dccad model"]),
        ("log.csv/model", ["cannot be made", "log.csv is a file"]),
        ("model", ["holds other files than the model ('scores.csv')", "name another folder"]),
    ],
)
def test_a_folder_with_other_files_is_not_replaced_by_a_model(
    log, model, detector, refused, no_work, output, words
):
    write(log)
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("ten years of work")
    Path("model/scores.csv").write_text("row,score\n")
    says(refused("fit", "log.csv", "-o", output), *words)
    before = contents(Path())
    says(raised(ModelFileError, detector.save, output), *words)
    assert contents(Path()) == before


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("log.csv", ["log itself", "overwritten", "another file"]),
        ("nope/scores.csv", ["folder nope does not exist", "create it"]),
        ("log.csv/scores.csv", ["folder log.csv does not exist"]),
        ("scores.txt", ["suffix '.txt'", ".csv or .parquet"]),
        ("scores", ["suffix ''", ".csv or .parquet"]),
        ("-", ["suffix ''", ".csv or .parquet"]),
        ("folder.csv", ["folder.csv is a folder", "name a file"]),
    ],
)
def test_scores_that_could_not_be_written_are_refused_before_scoring(
    log, trained_folder, refused, no_work, output, words
):
    write(log)
    Path("folder.csv").mkdir()
    says(refused("score", trained_folder, "log.csv", "-o", output), *words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tep-pair"], ["unknown protocol 'tep-pair'", "tep-pooled", "did you mean 'tep-pairs'"]),
        (["tep-pairs", "--method", "dcad"], ["unknown method 'dcad'", "did you mean 'dccad'"]),
        (["tep-pairs", "--method", "lw-maen@10"], ["'lw-maen'", "did you mean 'lw-mean'"]),
        (["tep-pairs", "--method", "lw-mean"], ["'lw-mean' cannot stand", "gives no regions"]),
        (["tep-monitor", "--method", "dccad@0"], ["unknown method 'dccad@0'"]),
        (["tep-monitor", "--set", "false_alarm_rate=0.1"], ["the protocol sets it"]),
        (["tep-pairs", "--data", "nope"], ["folder 'nope' does not exist", "d00.dat"]),
        (["tep-pairs", "--data", "empty"], ["lacks 44 of the 44", "d00.dat"]),
        (["tep-pairs", "-o", "nope/x.json"], ["folder nope does not exist", "create it"]),
        (["tep-pairs", "-o", "empty"], ["empty is a folder", "name a file"]),
        (["tep-pairs", "--seed", "-1"], ["random_state=-1", "from 0 to"]),
        (["tep-pairs", "--jobs", "-1"], ["--jobs -1", "0: one per core"]),
        (["tep-pairs", "--set", "alpha=3"], ["alpha=3", "0 ≤ alpha < 1"]),
        (["tep-pairs", "--set", "alhpa=0.5"], ["'alhpa'", "did you mean 'alpha'"]),
        (["tep-pairs", "--set", "n_clusters=3"], ["n_clusters", "the protocol sets it"]),
        (["tep-pairs", "--set", "random_state=3"], ["random_state", "--seed sets it"]),
        (["skab"], ["SKAB files are not part of dccad", "pass their folder 'data' with --data"]),
        (["skab", "--data", "empty"], ["folder 'empty' has no CSV file in valve1, valve2, other"]),
        (["skab", "--set", "false_alarm_rate=0.1"], ["false_alarm_rate", "the protocol sets it"]),
        (["peeling", "--data", "empty"], ["empty: the folder holds no workbook (.xlsx, "]),
    ],
)
def test_a_benchmark_that_cannot_run_is_refused_before_it_begins(
    refused, no_work, arguments, words
):
    Path("empty").mkdir()
    says(refused("benchmark", *arguments), *words)


def test_a_demo_leaves_other_files_alone(refused, no_work):
    Path("mine").mkdir()
    Path("mine/model").write_text("not a folder")
    says(refused("demo", "-o", "mine"), "mine/model exists and is not a dccad model")


# -- a full disk ----------------------------------------------------------------------------------

RECORD = {
    "protocol": "tep-pairs",
    "dataset": "tiny",
    "seeds": [0],
    "results": {"dccad": {"acc_20": {"mean": 0.5, "std": 0.0}, "note": "long " * 2000}},
    "warnings": {},
}
COMMANDS = {
    "fit": ["fit", "log.csv", "-o", "model", *CHEAP],
    "a new fit": ["fit", "log.csv", "-o", "some/new/model", *CHEAP],
    "score": ["score", "model", "log.csv", "-o", "scores.csv"],
    "a new score": ["score", "model", "log.csv", "-o", "new.parquet"],
    "benchmark": ["benchmark", "tep-pairs", "-o", "figures.json"],
}


@pytest.fixture
def earlier_results(log, model, monkeypatch, tmp_path):
    """A working directory with a model, scores and figures of an earlier day."""
    monkeypatch.chdir(tmp_path)
    write(log)
    Path("scores.csv").write_text("earlier scores\n")
    Path("figures.json").write_text("earlier figures\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk_leaves_the_earlier_results(earlier_results, refused, monkeypatch, command):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    def half(path, content, *_, **__):
        with path.open("wb") as stream:
            stream.write(content[: len(content) // 2])
        full()

    monkeypatch.setattr("os.fsync", full)
    monkeypatch.setattr(Path, "write_bytes", half)
    monkeypatch.setattr("dccad.evaluation.benchmark.run_benchmark", lambda *_, **__: RECORD)
    text = refused(*COMMANDS[command])
    says(text, "cannot write", "No space left on device", "free space or write elsewhere")


def test_a_file_that_outgrows_its_limit_leaves_the_earlier_results(
    earlier_results, detector, tmp_path
):
    script = f"""
import json, resource, sys, warnings
import dccad, dccad.evaluation.benchmark as benchmark
from dccad.cli.main import main
benchmark.run_benchmark = lambda *_, **__: json.loads({json.dumps(RECORD)!r})
detector = dccad.load("model")
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
for command in json.loads(sys.argv[1]):
    print(main(command))
try:
    detector.save("from_python")
except OSError as error:
    print(error.errno)
"""
    before = contents(tmp_path)
    arguments = [sys.executable, "-B", "-c", script, json.dumps(list(COMMANDS.values()))]
    variables = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, env=variables)
    assert done.stdout.split() == ["2"] * len(COMMANDS) + [str(errno.EFBIG)]
    lines = [line for line in done.stderr.splitlines() if not line.startswith("dccad: warning: ")]
    assert len(lines) == len(COMMANDS)
    for line in lines:
        assert line == (
            "dccad: error: cannot write the result: File too large; free space or write elsewhere"
        )
    assert contents(tmp_path) == before


def test_an_interrupted_save_leaves_the_earlier_model(earlier_results, detector, monkeypatch):
    before = contents(Path())

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_text", interrupt)
    for target in ("model", "some/new/model"):
        with pytest.raises(KeyboardInterrupt):
            detector.save(target)
    assert contents(Path()) == before


def test_a_model_behind_a_link_is_replaced_and_the_link_stays(model, detector):
    link = model.with_name("latest")
    link.symlink_to(model)
    (model / "model.json").write_text("{}")
    detector.save(link)
    assert link.is_symlink()
    assert dccad.load(model).threshold_ == detector.threshold_


def test_the_working_directory_can_become_the_model(log, detector, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    detector.save(".")
    assert dccad.load(".").threshold_ == detector.threshold_
    assert sorted(contents(tmp_path)) == ["model.json", "weights.safetensors"]


# -- the same in a process of its own -------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["data", "check", "page.csv"], ["page.csv is an HTML page named .csv"]),
        (["info", "nope"], ["no model folder at nope"]),
        (["score", "model"], ["missing argument 'LOG'", "dccad score --help"]),
    ],
)
def test_a_process_ends_with_code_2_and_one_line(tmp_path, arguments, words):
    (tmp_path / "page.csv").write_text("<html><body><table>")
    before = contents(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "dccad", *arguments], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    says(one_line(done.stderr), *words)
    assert contents(tmp_path) == before
