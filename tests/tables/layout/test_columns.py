"""Which columns a user gets as sensors, time, run and labels, and what is refused or noted."""

import datetime as dt

import polars as pl
import pytest

from dccad.errors import InputError
from dccad.tables.layout.columns import Columns, choose_columns, divide_columns
from dccad.tables.opened import OpenedTable
from dccad.tables.options import TableOptions

DAYS = [dt.datetime(2024, 1, day) for day in (1, 2, 3)]


def divide(table, /, **options):
    """Divide the columns of a table of three rows."""
    opened = OpenedTable(pl.DataFrame(table, strict=False).lazy(), "log.csv", "log", "CSV")
    return divide_columns(opened, TableOptions(**options))


def refusal(function, *arguments, **options):
    with pytest.raises(InputError) as caught:
        function(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def numbers(*names):
    """Columns that are sensors whatever they are called."""
    return {name: [3.0, 1.0, 2.0] for name in names}


# Choosing -----------------------------------------------------------------------------------------

NAMES = ["t", "x1", "x2", "x3", "a:b", "flow*", "flow 1", "flow [l/s]", "x2:x3", "X9"]


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ([], []),
        (["x3", "x1"], ["x3", "x1"]),
        (["x1:x3"], ["x1", "x2", "x3"]),
        (["x2:x2"], ["x2"]),
        (["x?"], ["x1", "x2", "x3"]),
        (["x[13]"], ["x1", "x3"]),
        (["*1"], ["x1", "flow 1"]),
        (["x2", "x1:x3"], ["x2", "x1", "x3"]),
        (["x1:x3", "x*", "x1"], ["x1", "x2", "x3", "x2:x3"]),
        # what is a name of the table is that column, whatever signs it holds
        (["a:b"], ["a:b"]),
        (["flow*"], ["flow*"]),
        (["flow [l/s]"], ["flow [l/s]"]),
        (["x2:x3"], ["x2:x3"]),
        (["flow ?"], ["flow 1"]),
        (["flow[*]"], ["flow*"]),
    ],
)
def test_names_ranges_and_patterns_choose_the_columns_that_were_meant(wanted, chosen):
    assert choose_columns(NAMES, wanted, "log.csv", "columns") == chosen


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("flwo 1", "log.csv: no sensor 'flwo 1'; did you mean 'flow 1'?"),
        ("heat", "log.csv: no sensor 'heat'; it has 't', 'x1', 'x2', 'x3', 'a:b', 'flow*', "),
        ("heat*", "log.csv: no sensor 'heat*'; it has 't', 'x1', "),
        ("x3:x1", "log.csv: no sensor 'x3:x1'; "),
        ("x1:zz", "log.csv: no sensor 'x1:zz'; "),
        ("", "log.csv: no sensor ''; it has 't', 'x1', "),
    ],
)
def test_a_choice_that_chooses_nothing_is_refused_with_what_there_is(wanted, message):
    assert refusal(choose_columns, NAMES, ["x1", wanted], "log.csv", "columns").startswith(message)


def test_a_column_that_is_left_out_or_a_label_is_asked_for_by_its_option():
    for option in ("drop", "label"):
        assert refusal(choose_columns, NAMES, ["flw*"], "log.csv", option).startswith(
            f"log.csv: no column 'flw*' for --{option}; "
        )


def test_chosen_sensors_come_in_the_order_of_the_choice_and_the_rest_is_told():
    found = divide(numbers("a", "b", "c", "d"), columns=("d", "a:b"))
    assert found == Columns(("d", "a", "b"), notes=("columns not chosen: 'c'",))


def test_what_is_left_out_is_told_and_in_no_range():
    found = divide(numbers("a", "b", "c", "note"), columns=("a:c",), drop=("b", "n*"))
    assert found == Columns(("a", "c"), notes=("left out: 'b', 'note'",))


def test_a_range_may_take_in_the_time_the_run_and_the_labels():
    columns = {"stamp": DAYS, "unit": ["a", "a", "b"], **numbers("flow"), "label": [0, 1, 0]}
    for choice in ("stamp:label", "*"):
        found = divide(columns, columns=(choice,), run="unit")
        assert (found.sensors, found.time, found.run) == (("flow",), ("stamp",), "unit")
        assert found.labels == ("label",)


@pytest.mark.parametrize(
    "options",
    [{"drop": ("*",)}, {"columns": ("stamp",), "time": "stamp"}, {"drop": ("flow",)}],
    ids=["everything left out", "nothing but the time chosen", "the only sensor left out"],
)
def test_a_table_without_a_sensor_is_refused(options):
    message = refusal(divide, {"stamp": DAYS, **numbers("flow")}, **options)
    assert message == "log.csv: no sensor column is left; keep at least one column of numbers"


# Time ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stamps",
    [DAYS, [day.date() for day in DAYS], [f"{day:%d.%m.%Y %H:%M}" for day in DAYS]],
    ids=["datetimes", "dates", "text"],
)
def test_the_only_column_of_dates_is_the_time_whatever_it_is_called(stamps):
    found = divide({"flow": [1.0, 2.0, 3.0], "when": stamps, "level": [1, 2, 3]})
    assert found == Columns(("flow", "level"), ("when",), notes=("time is column 'when'",))


@pytest.mark.parametrize(
    ("name", "values", "is_time"),
    [
        ("time", [0.0, 0.5, 7.0], True),
        (" Time ", [0, 1, 2], True),
        ("Time [s]", [0, 1, 2], True),
        ("time_stamp", [0, 1, 2], True),
        ("time", [0.0, 1.0, 1.0], False),
        ("time", [2.0, 1.0, 0.0], False),
        ("time", [0.0, None, 1.0], False),
        ("time", [0.0, 1.0, float("nan")], False),
        ("dwell time", [0, 1, 2], False),
        ("t", [0, 1, 2], False),
    ],
)
def test_numbers_are_the_time_only_by_name_and_only_if_they_rise(name, values, is_time):
    found = divide({name: values, **numbers("flow")})
    assert found.time == ((name,) if is_time else ())
    assert found.sensors == (("flow",) if is_time else (name, "flow"))
    if is_time:
        assert found.notes == (f"time is column {name!r}",)


def test_a_column_that_is_only_called_time_does_not_become_a_sensor_unnoticed():
    found = divide({"time": [0.0, 1.0, 1.0], **numbers("flow")})
    assert found.notes == (
        "'time': called like a time, but the numbers do not rise: taken as a sensor (--time makes "
        "it the time)",
    )
    assert divide({"time": [0.0, 1.0, 1.0], **numbers("flow")}, time="time").time == ("time",)


def test_a_time_that_starts_again_with_each_run_is_still_the_time():
    columns = {"batch": ["a", "a", "b"], "time": [0.0, 5.0, 0.0], **numbers("flow")}
    assert divide(columns, run="batch").time == ("time",)
    assert divide(columns, drop=("batch",)).time == ()


def test_a_numeric_time_that_is_asked_for_as_a_sensor_is_one():
    found = divide({"time": [0, 1, 2], **numbers("flow")}, columns=("flow", "time"))
    assert (found.sensors, found.time) == (("flow", "time"), ())


@pytest.mark.parametrize(
    ("date", "time"),
    [
        (["9.3.2020", "9.3.2020", "10.3.2020"], ["23:58", "23:59", "0:00"]),
        ([day.date() for day in DAYS], [dt.time(10, minute) for minute in (1, 2, 3)]),
        ([day.date() for day in DAYS], ["10:01:00", "10:02:00", "10:03:00"]),
    ],
    ids=["text", "dates and clock", "dates and text"],
)
def test_a_column_of_dates_and_one_of_clock_times_are_the_time_together(date, time):
    found = divide({"Date": date, "Time": time, **numbers("flow")})
    notes = ("time is column 'Date' and 'Time'",)
    assert found == Columns(("flow",), ("Date", "Time"), notes=notes)
    renamed = {"Tag": date, "Uhr": time, **numbers("flow")}
    assert divide(renamed, time="Tag + Uhr") == Columns(("flow",), ("Tag", "Uhr"))


def test_numbers_beside_a_date_are_no_clock():
    found = divide({"Date": DAYS, "Time": [5.0, 3.0, 4.0], **numbers("flow")})
    assert (found.time, found.sensors) == (("Date",), ("Time", "flow"))


def test_a_plus_in_the_name_of_the_time_does_not_divide_it():
    columns = {"date+time": DAYS, **numbers("flow")}
    assert divide(columns, time="date+time").time == ("date+time",)
    message = refusal(divide, columns, time="date+tme")
    assert message == "log.csv: no column 'date' for --time; did you mean 'date+time'?"


def test_several_columns_of_dates_are_refused_until_one_is_named_or_left():
    columns = {"start": DAYS, "end": DAYS, **numbers("flow")}
    assert refusal(divide, columns) == (
        "log.csv: several columns hold times: 'start', 'end'; name the one that counts with --time "
        "and leave the others out with --drop"
    )
    assert divide(columns, drop=("end",)).time == ("start",)
    assert divide(columns, time="end", drop=("start",)).time == ("end",)


# Labels -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["label", " Anomaly ", "CHANGEPOINT", "target"])
@pytest.mark.parametrize("values", [[0, 1, 1], [0.0, 0.0, 1.0], [True, False, False]])
def test_truth_under_a_name_of_labels_is_never_shown_to_a_model(name, values):
    found = divide({"flow": [1.0, 2.0, 4.0], name: values})
    assert (found.sensors, found.labels) == (("flow",), (name,))
    assert found.notes == (
        f"kept apart as labels: {name!r} (0 and 1 under such a name; --columns makes them sensors)",
    )


@pytest.mark.parametrize(
    ("name", "values"), [("label", [0, 1, 2]), ("label", [-1, 1, 1]), ("target", [0.0, 0.5, 1.0])]
)
def test_other_numbers_under_a_name_of_labels_do_not_become_a_sensor_unnoticed(name, values):
    found = divide({"flow": [1.0, 2.0, 4.0], name: values})
    assert (found.sensors, found.labels) == (("flow", name), ())
    assert found.notes == (
        f"{name!r}: called like labels, but not of 0 and 1: taken as a sensor (--drop leaves it "
        "out)",
    )
    assert divide({"flow": [1.0, 2.0, 4.0], name: values}, columns=("flow", name)).notes == ()


def test_switches_under_other_names_are_sensors():
    found = divide({"valve": [0, 1, 0], "pump": [True, False, True]})
    assert found == Columns(("valve", "pump"))


def test_several_columns_of_labels_are_all_kept_apart():
    found = divide({"anomaly": [0, 1, 0], "flow": [1.0, 2.0, 4.0], "changepoint": [0, 1, 0]})
    assert (found.sensors, found.labels) == (("flow",), ("anomaly", "changepoint"))


def test_labels_that_are_named_are_the_only_ones():
    columns = {"label": [0, 1, 0], "fault a": [0, 0, 1], "fault b": [1, 0, 0], **numbers("flow")}
    found = divide(columns, label=("fault*",))
    assert (found.sensors, found.labels) == (("label", "flow"), ("fault a", "fault b"))


def test_labels_that_are_asked_for_as_sensors_are_sensors():
    found = divide({"flow": [1.0, 2.0, 4.0], "label": [0, 1, 0]}, columns=("label", "flow"))
    assert found == Columns(("label", "flow"))


# Roles --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "first", "second"),
    [
        ({"time": "a", "run": "a"}, "time", "run"),
        ({"time": "a", "label": ("a",)}, "time", "label"),
        ({"run": "a", "label": ("b", "a")}, "run", "label"),
        ({"time": "a + b", "run": "b"}, "time", "run"),
    ],
)
def test_one_column_for_two_roles_is_refused(options, first, second):
    name = "b" if "+" in options.get("time", "") else "a"
    assert refusal(divide, numbers("a", "b", "c"), **options) == (
        f"log.csv: column {name!r} is named for both --{first} and --{second}; it can be one of "
        "them"
    )


@pytest.mark.parametrize("option", ["time", "run", "label", "columns"])
def test_a_column_that_is_left_out_cannot_be_used(option):
    value = "b" if option in ("time", "run") else ("b",)
    what = "sensor 'b'" if option == "columns" else f"column 'b' for --{option}"
    message = refusal(divide, numbers("a", "b", "c"), drop=("b",), **{option: value})
    assert message == f"log.csv: no {what}; it has 'a', 'c'"


def test_the_run_column_is_no_sensor_and_no_time():
    found = divide({"day": DAYS, "stamp": DAYS, **numbers("flow")}, run="day")
    assert (found.sensors, found.time, found.run) == (("flow",), ("stamp",), "day")
