"""Numbers and labels of a table, read exactly or refused with the first cell that is none."""

import numpy as np
import polars as pl
import pytest

from dccad.tables import values as table_values
from tables_in_folder import read, refusal, write

# Labels -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["0", "1", "2"], "holds '2' in row 2"),
        (["0", "0.5", "1"], "holds '0.5' in row 1"),
        (["0", "1", "faulty"], "holds 'faulty' in row 2"),
        (["-1", "1", "0"], "holds '-1' in row 0"),
        (["0", "", "1"], "is blank in row 1"),
        (["2024-01-01", "2024-01-02", "2024-01-03"], "holds '2024-01-01' in row 0"),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_labels_other_than_0_and_1_are_refused_with_the_first(folder, cells, said, suffix):
    frame = pl.DataFrame({"flow": [1.0, 2.0, 3.0], "state": [cell or None for cell in cells]})
    name = f"line.{suffix}"
    frame.write_csv(name) if suffix == "csv" else frame.write_parquet(name)
    assert refusal(name, label=("state",)) == (
        f"{name}: label column 'state' {said}, counted from 0; labels are 0 (normal) and 1 "
        "(anomalous): correct it, or leave the column out with --drop"
    )


@pytest.mark.parametrize(
    "cells",
    [[0, 1, 1], [0.0, 1.0, 1.0], [False, True, True], ["0", " 1", "1.0"]],
    ids=["whole numbers", "numbers", "truth", "text"],
)
def test_labels_of_any_type_are_0_and_1(folder, cells):
    pl.DataFrame({"flow": [1.0, 2.0, 3.0], "state": cells}).write_parquet("line.parquet")
    runs, _ = read("line.parquet", label=("state",))
    assert runs["line"].columns == ("flow",)
    assert runs["line"].row_labels.tolist() == [0, 1, 1]


def test_one_column_of_double_precision_keeps_its_digits(folder):
    single, double = np.float32(0.1), 1 / 3
    frame = pl.DataFrame({"a": [single], "b": [double]}, schema={"a": pl.Float32, "b": pl.Float64})
    frame.write_parquet("line.parquet")
    runs, _ = read("line.parquet")
    assert runs["line"].values.tolist() == [[float(single), double]]


def test_a_table_that_would_fill_the_memory_is_kept_in_single_precision_and_says_so(
    folder, monkeypatch
):
    lines = [f"{i / 3!r},{-i / 7!r}" for i in range(6)]
    path = write("line.csv", "a,b", *lines)
    monkeypatch.setattr(table_values, "SINGLE_FROM", 12)
    runs, summary = read(path)
    assert runs["line"].values.dtype == np.float64
    monkeypatch.setattr(table_values, "SINGLE_FROM", 11)
    single, told = read(path)
    assert single["line"].values.dtype == np.float32
    np.testing.assert_array_equal(single["line"].values, runs["line"].values.astype(np.float32))
    assert [note for note in told.notes if note not in summary.notes] == [
        "kept in single precision (7 digits): 0.0 GiB in double"
    ]


@pytest.mark.parametrize("cells", [1, 7, 12])
def test_a_table_read_in_slices_is_the_table(folder, monkeypatch, cells):
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "whole": rng.integers(0, 9, 11),
            "real": [None if i in (3, 10) else float(i) for i in range(11)],
            "switch": rng.random(11) > 0.5,
            "label": rng.integers(0, 2, 11),
        }
    )
    frame.write_parquet("line.parquet", row_group_size=4)
    expected, _ = read("line.parquet")
    assert np.isnan(expected["line"].values[:, 1]).tolist() == [i in (3, 10) for i in range(11)]
    monkeypatch.setattr(table_values, "SLICE_CELLS", cells)
    runs, _ = read("line.parquet")
    np.testing.assert_array_equal(runs["line"].values, expected["line"].values)
    np.testing.assert_array_equal(runs["line"].row_labels, frame["label"].to_numpy())


# Text ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "remedy"),
    [("csv", "say --decimal , or write a decimal point"), ("parquet", "write a decimal point")],
)
def test_decimal_commas_that_are_not_read_come_with_a_remedy_that_works(folder, suffix, remedy):
    frame = pl.DataFrame({"flow": ["1,5", "2,5"], "level": ["1", "2"]})
    name = f"line.{suffix}"
    frame.write_csv(name, separator=";") if suffix == "csv" else frame.write_parquet(name)
    given = {"decimal": "."} if suffix == "csv" else {}
    assert refusal(name, **given) == (
        f"{name}: columns that hold no numbers: 'flow' ('1,5' in row 0, counted from 0); {remedy}"
    )
