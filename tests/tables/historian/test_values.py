"""Values of historians: good ones are kept, others counted, and words refused by their tag."""

import re

import numpy as np
import polars as pl
import pytest

from dccad.tables.historian.pivot import LongColumns
from long_tables import pivot, refusal

WITH_QUALITY = LongColumns("time", "tag", "value", "quality")


# Quality ------------------------------------------------------------------------------------------


def of_quality(words, values=None):
    values = range(len(words)) if values is None else values
    return [
        (float(t), "a", value, word)
        for t, (value, word) in enumerate(zip(values, words, strict=True))
    ]


def test_bad_values_are_dropped_counted_and_named():
    rows = [(float(t), tag, float(t), "Good") for t in range(50) for tag in ("FIC101", "TI7")]
    for row, word in ((4, "Bad"), (6, "Bad"), (8, "Uncertain"), (9, "Bad")):
        rows[row] = (*rows[row][:2], -999.0, word)
    wide = pivot(rows, WITH_QUALITY)
    assert wide.notes[0] == (
        "dropped 4 of 100 values of bad quality (Bad 3, Uncertain 1): most in 'FIC101' (3)"
    )
    assert wide.values[:6].tolist() == [[0, 0], [1, 1], [1, 2], [1, 3], [1, 3], [5, 5]]
    assert wide.values.min() == 0


def n_dropped(wide):
    """Number of values of bad quality that the notes say were dropped."""
    notes = " ".join(wide.notes)
    found = re.search(r"dropped (\d+) of \d+ values of bad quality", notes)
    return 0 if found is None else int(found[1])


@pytest.mark.parametrize(
    ("words", "n_bad"),
    [
        (["Good", "GOOD", " good ", "Good, Non-Specific", "Good_Clamped", "OK", "Valid"], 0),
        (["good", "goodness", "Uncertain", "", None, "not ok", "good"], 5),
        (["192", "216", "219", "0", "64", "220", "191"], 4),
        ([192, 216, 219, 0, 64, 220, None], 4),
        ([192.0, 192.0, 0.0], 1),
    ],
)
def test_good_values_are_known(words, n_bad):
    assert n_dropped(pivot(of_quality(words), WITH_QUALITY)) == n_bad


def test_the_user_says_which_values_are_good():
    rows = of_quality(["A", "b", "A", "a ", "C", "B"])
    assert n_dropped(pivot(rows, WITH_QUALITY, good=("a",))) == 3
    assert n_dropped(pivot(rows, WITH_QUALITY, good=("A", "B"))) == 1
    assert n_dropped(pivot(of_quality([0, 1, 0, 0]), WITH_QUALITY, good=("0",))) == 1
    assert n_dropped(pivot(of_quality(["0.0", "1", "0"]), WITH_QUALITY, good=("0",))) == 1


def test_a_quality_column_without_good_values_is_refused_with_what_it_holds():
    assert refusal(of_quality(["A", "B", "A", None]), WITH_QUALITY) == (
        "FILE: quality column 'quality' holds none of the good values (good, ok, valid, 192 to "
        "219) but 'A' (2 rows), 'B' (1 rows); say which values are good with --good"
    )
    message = refusal(of_quality(list("ABCDEFG")), WITH_QUALITY, good=("x",))
    assert "none of the good values ('x') but 'A' (1 rows), 'B' (1 rows), " in message
    assert " and 2 more; say" in message


def test_a_blank_quality_column_is_noted_and_not_applied():
    wide = pivot(of_quality([None, "", None]), WITH_QUALITY)
    assert wide.values[:, 0].tolist() == [0, 1, 2]
    assert wide.notes[0] == "quality column 'quality' is blank: all values are taken"


def test_text_of_bad_quality_is_no_hindrance():
    wide = pivot(of_quality(["Good", "Bad", "Good"], ["1", "sensor fell off", "2"]), WITH_QUALITY)
    assert wide.values[:, 0].tolist() == [1, 1, 2]


# Values -------------------------------------------------------------------------------------------


def of_values(*values):
    column = pl.Series(
        values, strict=False, dtype=pl.String if any(isinstance(v, str) for v in values) else None
    )
    return list(
        zip(
            np.arange(float(len(values))).tolist(),
            ["a"] * len(values),
            column.to_list(),
            strict=True,
        )
    )


@pytest.mark.parametrize(
    "mark",
    [
        *("Bad", "No Data", "I/O Timeout", "[-11059] No Good Data", "Pt Created", "Shutdown"),
        *("bad input", "#N/A", "NaN", "null", "-", "", None, "Comm Fail", "[-245] anything"),
    ],
)
def test_marks_of_no_value_are_dropped_and_counted(mark):
    wide = pivot(of_values("1", mark, " 3 "))
    assert wide.values[:, 0].tolist() == [1, 1, 3]
    word = mark or "blank"
    assert wide.notes[0] == f"dropped 1 of 3 values that are none ({word} 1): most in 'a' (1)"


def test_missing_numbers_are_dropped_and_counted():
    wide = pivot([(0.0, "a", 1.0), (1.0, "a", None), (2.0, "a", float("nan")), (3.0, "a", 4.0)])
    assert wide.values[:, 0].tolist() == [1, 1, 1, 4]
    assert wide.notes[0] == "dropped 2 of 4 values that are none (NaN 1, blank 1): most in 'a' (2)"


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1,5", "-2,25", "3"], [1.5, -2.25, 3]),
        (["+1.5", ".25", "3e2"], [1.5, 0.25, 300]),
        (["1,5e3", ",5", "0"], [1500, 0.5, 0]),
    ],
)
def test_numbers_as_text(cells, expected):
    wide = pivot(of_values(*cells))
    assert wide.values[:, 0].tolist() == expected
    assert ("values have a decimal comma" in wide.notes) == ("," in "".join(cells))


def test_a_comma_that_may_stand_between_thousands_is_refused():
    assert refusal(of_values("1,234", "2.5", "3")) == (
        "FILE: value column 'value' holds '1,234' beside '2.5': a comma between thousands, or a "
        "decimal comma; write all numbers with a decimal point"
    )
    assert "beside --decimal ." in refusal(of_values("1,234", "2"), decimal=".")
    assert pivot(of_values("1,5", "2"), decimal=",").notes == pivot(of_values("1", "2")).notes


def test_whole_numbers_and_switches_are_values():
    assert pivot([(0, "a", 1), (1, "a", 2)]).values[:, 0].tolist() == [1, 2]
    assert pivot([(0, "a", True), (1, "a", False)]).values[:, 0].tolist() == [1, 0]


def test_tags_of_text_are_refused_by_name():
    rows = [(0.0, "FI1", "1"), (0.0, "PUMP", "ON"), (1.0, "FI1", "2"), (1.0, "PUMP", "OFF")]
    assert refusal(rows) == (
        "FILE: tags that hold text instead of numbers: 'PUMP' ('ON' in row 1, counted from 0); "
        "leave it out with --drop"
    )
    wide = pivot(rows, choose=lambda tags: [tag for tag in tags if tag != "PUMP"])
    assert wide.values[:, 0].tolist() == [1, 2]


def test_a_slip_among_numbers_is_refused_with_its_row():
    rows = [(0.0, "V", "OPEN"), (0.0, "a", "1"), (1.0, "a", "2..5"), (2.0, "a", "3")]
    assert refusal(rows) == (
        "FILE: tags that hold text instead of numbers: 'a' ('2..5' in row 2, counted from 0, among "
        "numbers), 'V' ('OPEN' in row 0, counted from 0); leave them out with --drop"
    )


def test_values_that_are_no_cells_are_refused():
    message = refusal([(0.0, "a", [1.0]), (1.0, "a", [2.0])])
    assert message == (
        "FILE: value column 'value' is of type List(Float64), which is no number; name another "
        "with --value"
    )
