"""Which columns of a historian's export hold time, tag and value, and which tables are long."""

import polars as pl
import pytest

from dccad.errors import InputError, ParameterError
from dccad.tables.historian.pivot import LongColumns, find_long
from dccad.tables.options import TableOptions
from long_tables import COLUMNS, REAL, TEXT, WHOLE


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
