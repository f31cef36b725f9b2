"""Long exports of historians: recognised, cleaned with a count, and made wide without invention."""

import datetime as dt
import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dccad.errors import InputError, ParameterError
from dccad.tables.historian.pivot import LongColumns, find_long, pivot_long
from dccad.tables.options import TableOptions
from naive_timeline import naive_pivot

# no deadline: the first example pays for imports, and other work may slow the machine
patient = settings(deadline=None, max_examples=100)

COLUMNS = LongColumns("time", "tag", "value")
WITH_QUALITY = LongColumns("time", "tag", "value", "quality")
TEXT, REAL, WHOLE = pl.String(), pl.Float64(), pl.Int64()


def pivot(rows, columns=COLUMNS, choose=None, **options):
    frame = pl.LazyFrame(
        rows, schema=["time", "tag", "value", "quality"][: len(rows[0])], orient="row"
    )
    return pivot_long(frame, columns, TableOptions(**options), "FILE", choose)


def refusal(rows, columns=COLUMNS, error=InputError, **options):
    with pytest.raises(error) as caught:
        pivot(rows, columns, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


# Recognising --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["timestamp", "tag", "value"], LongColumns("timestamp", "tag", "value")),
        (["TagName", "TimeStamp", "Val"], LongColumns("TimeStamp", "TagName", "Val")),
        (
            ["Time", "Point Name", "Reading", "Status"],
            LongColumns("Time", "Point Name", "Reading", "Status"),
        ),
        (["ts", "sensor", "measurement", "q"], LongColumns("ts", "sensor", "measurement", "q")),
        (
            ["Date", "Variable", "Value", "OPC-Quality"],
            LongColumns("Date", "Variable", "Value", "OPC-Quality"),
        ),
        (["Zeitstempel", "Messstelle", "Wert"], LongColumns("Zeitstempel", "Messstelle", "Wert")),
        (
            ["time", "name", "value", "confidence"],
            LongColumns("time", "name", "value", "confidence"),
        ),
        (
            ["id", "tag", "description", "timestamp", "value", "UOM", "Questionable"],
            LongColumns(
                "timestamp", "tag", "value", None, "UOM", ("id", "description", "Questionable")
            ),
        ),
        (
            ["tag", "name", "time", "value"],
            LongColumns("time", "tag", "value", None, None, ("name",)),
        ),
    ],
)
def test_long_tables_are_recognised_by_their_names(names, expected):
    schema = dict.fromkeys(names, TEXT)
    assert find_long(schema, TableOptions()) == expected


def test_the_time_may_be_told_by_its_type():
    schema = {"recorded": pl.Datetime("us"), "tag": TEXT, "value": REAL}
    assert find_long(schema, TableOptions()) == LongColumns("recorded", "tag", "value")
    schema = {"time": TEXT, "timestamp": pl.Datetime("us"), "tag": TEXT, "value": REAL}
    assert find_long(schema, TableOptions(long=True)).time == "timestamp"


@pytest.mark.parametrize(
    "schema",
    [
        {"time": TEXT, "flow": REAL, "pressure": REAL},
        {"time": TEXT, "tag": TEXT, "value": REAL, "pressure": REAL},  # one more sensor
        {"time": TEXT, "signal": REAL, "value": REAL},  # a sensor called signal
        {"tag": TEXT, "value": REAL},
        {"time": TEXT, "value": REAL, "status": TEXT},
        {"time": TEXT, "tag": TEXT, "value": pl.List(REAL)},
        {},
    ],
)
def test_other_tables_are_wide(schema):
    assert find_long(schema, TableOptions()) is None


def test_run_and_label_columns_do_not_keep_a_table_from_being_long():
    schema = {"time": TEXT, "tag": TEXT, "value": REAL, "batch": TEXT, "anomaly": WHOLE}
    assert find_long(schema, TableOptions()) is None
    options = TableOptions(run="batch", label=("anomaly",))
    assert find_long(schema, options) == COLUMNS


def test_the_user_decides_where_names_do_not_tell():
    schema = {"when": TEXT, "what": WHOLE, "how much": REAL, "flag": TEXT, "time": TEXT}
    options = TableOptions(time="when", tag="what", value="how much", quality="flag")
    expected = LongColumns("when", "what", "how much", "flag", None, ("time",))
    assert find_long(schema, options) == expected
    schema = {"time": TEXT, "signal": REAL, "value": REAL}
    assert find_long(schema, TableOptions(long=True)) == LongColumns("time", "signal", "value")
    assert find_long(schema, TableOptions(tag="signal")) == LongColumns("time", "signal", "value")
    schema = {"time": TEXT, "tag": TEXT, "value": REAL}
    assert find_long(schema, TableOptions(long=False)) is None


def test_a_table_said_to_be_long_needs_its_columns():
    schema = {"time": TEXT, "what": TEXT, "amount": REAL}
    with pytest.raises(InputError) as caught:
        find_long(schema, TableOptions(long=True), "FILE")
    assert str(caught.value) == (
        "FILE: a long table needs a column of tag and one of value, and its names do not tell "
        "which: 'time', 'what', 'amount'; name it with --tag and --value"
    )
    with pytest.raises(InputError, match="FILE: no column 'tga' for --tag; it has 'time', 'what'"):
        find_long(schema, TableOptions(tag="tga"), "FILE")


def test_wide_and_columns_of_a_long_table_contradict_each_other():
    with pytest.raises(
        ParameterError, match="long=False says the table is wide, but tag and quality"
    ):
        find_long({}, TableOptions(long=False, tag="a", quality="q"))


# Pivoting, by hand --------------------------------------------------------------------------------


def test_values_are_held_on_the_given_grid():
    wide = pivot(
        [
            (0, "b", 1.0),
            (0, "a", 10.0),
            (7, "b", 2.0),
            (10, "b", 3.0),
            (25, "a", 20.0),
            (30, "b", 4.0),
        ],
        resample=10.0,
    )
    assert wide.tags == ("a", "b")
    assert wide.instants.tolist() == [0, 10, 20, 30]
    assert wide.values.tolist() == [[10, 1], [10, 3], [10, 3], [20, 4]]
    assert wide.notes == ("rows every 10 s, the last value held",)


def test_values_on_the_line_and_held_after_the_last_report():
    wide = pivot(
        [(0, "a", 0.0), (0, "b", 0.0), (20, "b", 2.0), (40, "a", 4.0)], resample=10, fill="linear"
    )
    assert wide.values.tolist() == [[0, 0], [1, 1], [2, 2], [3, 2], [4, 2]]


def test_means_since_the_row_before_and_held_where_nothing_came():
    wide = pivot(
        [
            (0, "a", 1.0),
            (4, "a", 2.0),
            (8, "a", 4.0),
            (10, "a", 6.0),
            (30, "a", 9.0),
            (0, "b", 5.0),
            (30, "b", 7.0),
        ],
        resample=10,
        fill="mean",
    )
    assert wide.instants.tolist() == [0, 10, 20, 30]
    assert wide.values.tolist() == [[1, 5], [4, 5], [6, 5], [9, 7]]


def test_the_grid_is_the_median_step_of_the_tags_rounded_to_what_was_meant():
    rng = np.random.default_rng(0)
    rows = []
    for tag, step in (("fast", 20.0), ("typical", 60.0), ("slow", 900.0)):
        times = np.arange(0.0, 7200.0, step) + rng.uniform(0, 0.8, int(7200 / step))
        rows += [(time, tag, 1.0) for time in times]
    wide = pivot(rows)
    assert set(np.diff(wide.instants)) == {60.0}
    assert "rows every 60 s, the median step of the tags, the last value held" in wide.notes


def test_tags_that_report_together_keep_their_instants():
    times = [3.5, 13.5, 23.5, 30.0, 43.5]
    rows = [(time, tag, time + i) for time in times for i, tag in enumerate("abc")]
    wide = pivot([*rows, (17.0, "c", -1.0), (3.5, "lab", 1.0), (25.0, "lab", 2.0)])
    assert wide.instants.tolist() == times
    assert (
        "the tags report at common times, which are the rows; else the last value held"
        in wide.notes
    )
    assert wide.tags == ("a", "b", "c", "lab")
    assert wide.values[:, 0].tolist() == times
    assert wide.values[:, 2].tolist() == [time + 2 for time in times]
    assert wide.values[:, 3].tolist() == [1, 1, 1, 2, 2]


def test_a_value_that_is_missing_among_common_instants_is_held():
    rows = [(t, tag, float(t)) for t in range(20) for tag in "abcd" if (t, tag) != (7, "b")]
    wide = pivot(rows)
    assert wide.values[7].tolist() == [7, 6, 7, 7]


def test_tags_come_in_natural_order_or_as_chosen():
    rows = [(t, tag, float(i)) for t in (0, 1) for i, tag in enumerate(["TI10", "TI2", "ti1"])]
    assert pivot(rows).tags == ("ti1", "TI2", "TI10")
    asked = []
    wide = pivot(rows, choose=lambda tags: asked.extend(tags) or ["TI10", "ti1", "TI10"])
    assert asked == ["ti1", "TI2", "TI10"]
    assert wide.tags == ("TI10", "ti1")
    assert wide.values.tolist() == [[0, 2], [0, 2]]
    with pytest.raises(InputError, match="FILE: no tag is left; keep at least one of 'ti1', 'TI2'"):
        pivot(rows, choose=lambda _: [])


def test_tags_may_be_numbers_and_have_blanks_around():
    wide = pivot([(t, tag, 1.0) for t in (0, 1) for tag in (101, 20)])
    assert wide.tags == ("20", "101")
    assert pivot([(0, " a", 1.0), (1, "a ", 2.0)]).tags == ("a",)


def test_rows_may_come_in_any_order():
    rows = [(10.0 * t, tag, float(t)) for t in range(12) for tag in "abc"]
    expected = pivot(rows, resample=10.0)
    by_tag = pivot(sorted(rows, key=lambda row: row[1]), resample=10.0)
    np.testing.assert_array_equal(by_tag.values, expected.values)
    assert by_tag.notes == expected.notes
    mixed = [rows[i] for i in np.random.default_rng(2).permutation(len(rows))]
    wide = pivot(mixed, resample=10.0)
    np.testing.assert_array_equal(wide.values, expected.values)
    assert "values are earlier than one of the same tag further up: all are sorted" in wide.notes[0]


def test_of_several_values_at_one_instant_the_last_in_the_file_counts():
    rows = [(0, "a", 1.0), (1, "a", 2.0), (1, "a", 3.0), (2, "a", 4.0), (0, "a", 9.0)]
    wide = pivot(rows)
    assert wide.values[:, 0].tolist() == [9, 3, 4]
    assert (
        "2 values have the tag and stamp of another: the last one in the file counts" in wide.notes
    )


def test_units_are_taken_from_their_column():
    columns = LongColumns("time", "tag", "value", None, "quality", ("comment",))
    rows = [
        (t, tag, 1.0, unit)
        for t in (0, 1)
        for tag, unit in (("a", " bar "), ("b", "°C"), ("c", None))
    ]
    wide = pivot([*rows, (2, "b", 1.0, "K")], columns)
    assert wide.units == {"a": "bar"}
    assert wide.notes[0] == "columns that are not read: 'comment'"
    assert wide.notes[1] == (
        "tags whose unit changes: 'b' (K and °C); their values are taken as they are"
    )


# Cuts and leading rows ----------------------------------------------------------------------------


def test_a_value_is_held_however_old_while_any_tag_reports():
    rows = [(float(t), "fast", float(t)) for t in range(1000)]
    wide = pivot([*rows, (0.0, "set", 5.0), (900.0, "set", 6.0)], resample=1.0)
    assert wide.values[899].tolist() == [899, 5]
    assert wide.values[900].tolist() == [900, 6]
    assert wide.notes[-1] == "the oldest value taken is of 'set', 899 s old"


def test_the_log_is_cut_where_no_tag_reports():
    rows = [(float(t), tag, float(t)) for t in [*range(5), *range(16, 20)] for tag in "ab"]
    wide = pivot(rows, resample=1.0)
    assert wide.instants.tolist() == [0, 1, 2, 3, 4, 16, 17, 18, 19]
    assert wide.notes[1] == "cut at 1 time where no tag reports for longer than 10 s"
    assert len(pivot(rows, resample=1.0, max_gap=12.0).instants) == 20


def test_no_value_is_taken_across_a_cut():
    rows = [(float(t), "a", float(t)) for t in [*range(5), *range(16, 20)]]
    rows += [(0.0, "b", 0.0), (2.0, "b", 2.0), (17.0, "b", 17.0), (18.0, "b", 18.0)]
    for fill in ("hold", "linear", "mean"):
        wide = pivot(rows, resample=1.0, fill=fill)
        assert wide.instants.tolist() == [0, 1, 2, 3, 4, 17, 18, 19]
        line = 1 if fill == "linear" else 0
        assert wide.values[:, 1].tolist() == [0, line, 2, 2, 2, 17, 18, 18]


def test_rows_before_every_tag_has_reported_are_left_out_at_the_start_and_after_a_cut():
    rows = [(float(t), "a", float(t)) for t in [*range(10), *range(50, 60)]]
    wide = pivot([*rows, (3.0, "b", 1.0), (5.0, "b", 2.0), (57.0, "b", 3.0)], resample=1.0)
    assert wide.instants.tolist() == [*range(3, 10), *range(57, 60)]
    assert wide.notes[2:] == (
        "the first 3 rows are left out: only then does 'b' report",
        "after interruptions 7 rows are left out until every tag has reported again, most (7) for "
        "'b'",
    )


def test_tags_that_hardly_report_are_left_out_by_name():
    rows = [(t, "a", 1.0) for t in range(5)]
    wide = pivot(
        [*rows, (0, "once", 1.0), (2, "twice at one time", 1.0), (2, "twice at one time", 2.0)]
    )
    assert wide.tags == ("a",)
    assert (
        "tags with fewer than 2 good values are left out: 'once', 'twice at one time'" in wide.notes
    )


def test_tags_that_never_report_together_are_refused():
    rows = [(float(t), "a", 1.0) for t in range(5)] + [
        (float(t), "b", 1.0) for t in range(100, 105)
    ]
    assert refusal(rows, resample=1.0) == (
        "FILE: there is no row in which every tag has a value ('b' reports from 100 on, 'a' until "
        "4, and the log is cut 1 times where no tag reports for longer than 10 s); leave tags out "
        "with --drop, raise --max-gap, or shorten --resample"
    )


def test_a_grid_that_would_not_fit_into_memory_is_refused():
    rows = [(t * 1e6, "a", 1.0) for t in range(100)]
    assert refusal(rows, resample=1e-3, max_gap=1e9) == (
        "FILE: a grid of 0.001 s has 99000000001 rows × 1 sensors, made from 100 values; choose a "
        "longer interval with --resample"
    )


@pytest.mark.parametrize("options", [{"fill": "zero"}, {"max_gap": 0.0}, {"resample": -1.0}])
def test_options_that_there_are_not_are_refused(options):
    refusal([(0, "a", 1.0), (1, "a", 1.0)], error=ParameterError, **options)


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
    """So many values of bad quality the notes say were dropped."""
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


# Time ---------------------------------------------------------------------------------------------


def test_stamps_are_read_as_those_of_any_table():
    rows = [(f"0{day}-Mar-20 10:00:00", tag, 1.0) for day in (7, 8, 9) for tag in "ab"]
    wide = pivot(rows)
    np.testing.assert_array_equal(
        wide.instants,
        np.array(["2020-03-07T10", "2020-03-08T10", "2020-03-09T10"], dtype="datetime64[ns]"),
    )
    np.testing.assert_array_equal(
        pivot(rows, timezone="Europe/Berlin").instants, wide.instants - np.timedelta64(1, "h")
    )


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
@pytest.mark.parametrize("by_tag", [False, True])
@pytest.mark.parametrize(("start", "minutes"), [("2020-10-24T20:00", 15), ("2020-03-28T20:00", 60)])
def test_changes_of_the_clock_make_no_gap(zone, by_tag, start, minutes):
    utc = np.datetime64(start, "us") + np.arange(60) * np.timedelta64(minutes, "m")
    local = pl.Series(utc).dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin")
    rows = [
        (stamp, tag, float(i))
        for i, stamp in enumerate(local.dt.replace_time_zone(None).to_list())
        for tag in "abc"
    ]
    rows = sorted(rows, key=lambda row: row[1]) if by_tag else rows
    wide = pivot(rows, timezone=zone)
    np.testing.assert_array_equal(np.diff(wide.instants), np.diff(utc))
    assert wide.values.tolist() == [[float(i)] * 3 for i in range(60)]
    assert not any("stamp of another" in note for note in wide.notes)
    if zone:
        np.testing.assert_array_equal(wide.instants, utc)


def test_blank_stamps_and_tags_are_refused():
    assert "time column 'time' is blank in row 1" in refusal(
        [("2020-01-01", "a", 1.0), (None, "a", 1.0)]
    )
    expected = (
        "FILE: tag column 'tag' is blank in row 1, counted from 0; name the tag or remove the row"
    )
    assert refusal([(0, "a", 1.0), (1, None, 1.0)]) == expected
    assert refusal([(0, "a", 1.0), (1, "  ", 1.0)]) == expected


def test_tables_without_rows_or_repeats_are_refused():
    empty = pl.LazyFrame(schema={"time": REAL, "tag": TEXT, "value": REAL})
    with pytest.raises(InputError, match="FILE: the table has no rows; pass one with values"):
        pivot_long(empty, COLUMNS, TableOptions(), "FILE")
    message = "FILE: no tag has 2 good values at different times; pass a longer export"
    assert refusal([(0, "a", 1.0), (0, "b", 1.0)]) == message


def test_a_frame_that_cannot_be_read_is_refused(tmp_path):
    path = tmp_path / "damaged.parquet"
    pl.DataFrame({"time": [0.0], "tag": ["a"], "value": [1.0]}).write_parquet(path)
    frame = pl.scan_parquet(path, schema={"time": REAL, "tag": TEXT, "value": REAL})
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(InputError, match="FILE: cannot be read "):
        pivot_long(frame, COLUMNS, TableOptions(), "FILE")


# Against the naive version ------------------------------------------------------------------------

reports = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 60), st.integers(200, 240)).map(lambda quarter: quarter / 4),
        st.sampled_from(["a", "b", "c"]),
        st.integers(-8, 8).map(float),
    ),
    min_size=1,
    max_size=50,
)


@patient
@given(
    reports=reports,
    interval=st.sampled_from([0.25, 0.5, 0.75, 1.0, 2.5]),
    fill=st.sampled_from(["hold", "linear", "mean"]),
    max_gap=st.sampled_from([None, 1.0, 5.0, 1000.0]),
    as_datetimes=st.booleans(),
)
def test_pivot_is_what_the_naive_version_gives(reports, interval, fill, max_gap, as_datetimes):
    limit = 10 * interval if max_gap is None else max_gap
    tags, expected, points = naive_pivot(reports, interval, fill, limit)
    rows = reports
    if as_datetimes:
        start = dt.datetime(1970, 1, 1)
        rows = [(start + dt.timedelta(seconds=t), tag, value) for t, tag, value in reports]
    try:
        wide = pivot(rows, resample=interval, fill=fill, max_gap=max_gap)
    except InputError:
        assert not points
        return
    found = wide.instants
    if as_datetimes:
        found = found.astype(np.int64) / 1e9
    assert (list(wide.tags), found.tolist()) == (tags, points)
    np.testing.assert_allclose(wide.values, expected, rtol=1e-12, atol=1e-12)


def pivot_or_refusal(rows):
    try:
        return pivot(rows)
    except InputError as error:
        return str(error)


@patient
@given(reports=reports, seed=st.integers(0, 2**32 - 1))
def test_the_order_of_the_rows_does_not_matter_where_none_repeats(reports, seed):
    unique = list({(stamp, tag): (stamp, tag, value) for stamp, tag, value in reports}.values())
    mixed = [unique[i] for i in np.random.default_rng(seed).permutation(len(unique))]
    wide, expected = pivot_or_refusal(mixed), pivot_or_refusal(unique)
    if isinstance(expected, str):
        assert wide == expected
        return
    np.testing.assert_array_equal(wide.values, expected.values)
    np.testing.assert_array_equal(wide.instants, expected.instants)
    assert wide.tags == expected.tags
