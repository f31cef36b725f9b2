"""Text columns, arrays that are no table of numbers, and arrays of every kind that are one."""

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse

import dccad
from command_line import CHEAP
from conftest import FAST
from dccad import DCCA, Run
from dccad.cli.main import main
from dccad.errors import InputError
from refusals import as_frame, raised, says, write

pytestmark = pytest.mark.filterwarnings("ignore::dccad.errors.DccadWarning")


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
