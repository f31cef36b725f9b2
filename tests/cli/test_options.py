"""How a log is read: options of tables, and what a model remembers of them."""

import datetime as dt
import json
import os
import re
import sqlite3
import warnings
from dataclasses import fields
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import typer
import xlsxwriter

from command_line import CHEAP, NAMES, SCORE, said, scores_of, widest
from conftest import FAST
from dccad import DCCA
from dccad.cli.main import app
from dccad.cli.options import (
    check_output,
    count_processes,
    load_scorer,
    parse_settings,
    read_settings,
    remembered_options,
    scoring_options,
)
from dccad.errors import InputError, MissingExtraError, ParameterError
from dccad.saving.folder import read_record
from dccad.tables.options import TableOptions


def test_a_time_column_in_seconds_and_one_left_out_are_no_sensors(call, log):
    seconds = log.drop("time").with_columns(t=60.0 * pl.int_range(pl.len()))
    seconds.with_columns(note=pl.lit("ok")).write_csv("seconds.csv")
    options = ["--run", "unit", "--time", "t", "--drop", "note"]
    assert call("fit", "seconds.csv", "-o", "new", *options, *CHEAP)[0] == 0
    assert read_record("new")["columns"] == NAMES
    assert call("score", "new", "seconds.csv", "-o", "s.csv", *options)[0] == 0
    assert pl.read_csv("s.csv")["time"].to_list() == [60.0 * i for i in range(200)]


@pytest.fixture(scope="module")
def historian(wide):
    """Lines of a long export in German; each tag every third minute, the last row of each bad."""
    stamps, values = wide["time"].to_list(), wide.select(NAMES).to_numpy()
    lines = ["Zeitpunkt;Messpunkt;Zahl;Zustand"]
    held = {}
    for i, stamp in enumerate(stamps):
        for k, name in enumerate(NAMES):
            if i == 0 or (i + k) % 3 == 0:
                bad = i >= 195
                number = f"{values[i, k]:.4f}"
                held |= {} if bad else {(i, k): float(number)}
                number = number.replace(".", ",")
                lines.append(f"{stamp:%d.%m.%Y %H:%M};{name};{number};{'Ausfall' if bad else 'ok'}")
    return "\n".join(lines) + "\n", held


def test_a_historian_export_is_scored_as_it_was_fitted_without_saying_how_again(
    call, wide, historian
):
    text, held = historian
    Path("plant.csv").write_text(text)
    how = ["--time", "Zeitpunkt", "--time-format", "%d.%m.%Y %H:%M", "--tag", "Messpunkt"]
    how += ["--value", "Zahl", "--quality", "Zustand", "--good", "ok", "--good", "gut"]
    how += ["--timezone", "Europe/Berlin", "--resample", "120", "--max-gap", "3600"]
    rate = ["--false-alarm-rate", "0.1"]  # few windows of 98 rows of noise are in region 0
    code, out, err = call("fit", "plant.csv", "-o", "new", *how, *CHEAP, *rate)
    assert (code, err) == (0, "")
    for words in (
        "plant.csv: CSV, 1 run, 98 rows, 3 sensors, a row every 2 min",
        "decimal comma",
        "time stamps are taken in Europe/Berlin: brought to UTC",
        "dropped 5 of 202 values of bad quality (Ausfall 5): most in ",
        "rows every 120 s, the last value held",
        "resample 120.0",
    ):
        assert words in said(out)
    assert widest(out) <= 80
    record = read_record("new")
    assert record["reading"] == {
        "time": "Zeitpunkt",
        "time_format": "%d.%m.%Y %H:%M",
        "timezone": "Europe/Berlin",
        "tag": "Messpunkt",
        "value": "Zahl",
        "quality": "Zustand",
        "good": ["ok", "gut"],
        "resample": 120.0,
        "max_gap": 3600.0,
    }

    # by hand: the last good value of each tag, every second minute until the last report
    rows = []
    last = [None] * 3
    for i in range(195):
        last = [held.get((i, k), last[k]) for k in range(3)]
        rows.append(list(last))
    grid = pl.DataFrame(rows[::2], schema=NAMES, orient="row").select(sorted(NAMES))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = DCCA(**FAST).fit(grid)
    assert record["threshold"] == expected.threshold_
    code, out, err = call("score", "new", "plant.csv", "-o", "s.csv")
    assert (code, err) == (0, "")
    np.testing.assert_array_equal(scores_of("s.csv"), expected.decision_scores_)
    assert pl.read_csv("s.csv")["time"].to_list()[:2] == [
        "2023-12-31T23:00:00",
        "2023-12-31T23:02:00",
    ]

    # what is said anew counts; another table that has the sensors will do
    assert call("score", "new", "plant.csv", "-o", "t.csv", "--resample", "240")[0] == 0
    assert len(scores_of("t.csv")) == 49
    code, out, err = call("score", "new", "log.csv", "-o", "t.csv")
    assert (code, out) == (2, "")
    assert err.startswith("dccad: error: log.csv: no column 'Zeitpunkt' for --time; it has 'time'")


@pytest.fixture
def week(wide):
    """A folder of three days and a note in the working directory."""
    Path("week").mkdir()
    for name, part in (("2.csv", wide[:80]), ("10.csv", wide[80:150]), ("11.csv", wide[150:])):
        part.write_csv(f"week/{name}")
    Path("week/shift book.md").write_text("# nothing happened\n")


def test_a_folder_and_a_pattern_are_a_run_of_each_file_in_natural_order(call, week, wide):
    code, out, _ = call("fit", "week", "-o", "new", *CHEAP)
    assert code == 0
    assert out.index("week/2.csv: CSV, 1 run, 80 rows") < out.index("week/10.csv: CSV, 1 run, 70")
    assert "folder week: 3 of 4 entries are read, left out: shift book.md" in said(out)
    days = {"2": wide[:80], "10": wide[80:150], "11": wide[150:]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = DCCA(**FAST).fit(days)
    assert read_record("new")["threshold"] == expected.threshold_
    assert call("score", "new", "week/*.csv", "-o", "s.csv")[0] == 0
    assert pl.read_csv("s.csv")["run"].unique(maintain_order=True).to_list() == [2, 10, 11]
    np.testing.assert_array_equal(scores_of("s.csv"), expected.decision_scores_)


def test_joined_files_are_one_log_without_an_interruption(call, week, wide):
    wide.write_csv("whole.csv")
    assert call("score", "model", "whole.csv", "-o", "whole_scores.csv")[0] == 0
    code, out, _ = call("score", "model", "week", "--join", "-o", "s.csv")
    assert code == 0
    assert re.search("^  3 (tables|runs) joined to one", out, re.M)
    assert pl.read_csv("s.csv")["run"].unique().to_list() == ["2 … 11"]
    np.testing.assert_array_equal(scores_of("s.csv"), scores_of("whole_scores.csv"))
    assert np.isnan(scores_of("s.csv")).sum() == 7


def test_sensors_are_chosen_by_name_range_and_pattern_and_labels_kept_apart(call, wide):
    heat = wide["flow"] + 3.0
    more = wide.with_columns(
        heat=heat, heat_2=-heat, note=pl.lit("ok"), bad=(pl.int_range(pl.len()) > 160).cast(int)
    )
    more.write_csv("more.csv")
    choice = ["--columns", "heat*", "--columns", "flow:level", "--drop", "pressure"]
    code, out, _ = call("fit", "more.csv", "-o", "new", *choice, "--label", "bad", *CHEAP, "--json")
    assert code == 0
    record = json.loads(out)
    [table] = record["tables"]
    assert record["columns"] == table["sensors"] == ["heat", "heat_2", "flow", "level"]
    assert table["labels"] == ["bad"]
    assert table["notes"][1:] == [
        "time is column 'time'",
        "columns not chosen: 'note'",
        "left out: 'pressure'",
    ]

    # the model's sensors are found by name: in any order, whatever else is there
    assert call("score", "new", "more.csv", "-o", "s.csv")[0] == 0
    other = ["note", "level", "heat_2", "time", "flow", "heat"]
    more.select(other).with_columns(spare=pl.lit(1.5)).write_parquet("other.parquet")
    code, out, _ = call("score", "new", "other.parquet", "-o", "t.csv", "--json")
    assert code == 0
    np.testing.assert_array_equal(scores_of("t.csv"), scores_of("s.csv"))
    [table] = json.loads(out)["tables"]
    assert table["format"] == "Parquet"
    assert table["sensors"] == ["heat", "heat_2", "flow", "level"]
    assert table["notes"] == ["time is column 'time'", "columns not chosen: 'note', 'spare'"]
    more.rename({"heat_2": "heat 2"}).write_csv("renamed.csv")
    code, out, err = call("score", "new", "renamed.csv", "-o", "t.csv")
    assert (code, out) == (2, "")
    assert err == "dccad: error: renamed.csv: no sensor 'heat_2'; did you mean 'heat 2'?\n"


def test_a_database_is_read_by_a_query(call, log):
    with sqlite3.connect("plant.db") as database:
        database.execute("CREATE TABLE log (stamp TEXT, unit TEXT, flow, pressure, level)")
        rows = log.with_columns(pl.col("time").dt.to_string("%Y-%m-%d %H:%M:%S")).rows()
        database.executemany("INSERT INTO log VALUES (?, ?, ?, ?, ?)", rows)
    database.close()
    query = "SELECT * FROM log ORDER BY unit, stamp"
    arguments = ["sqlite:///plant.db", "--query", query, "--run", "unit"]
    code, out, _ = call("fit", *arguments, "-o", "new", *CHEAP)
    assert code == 0
    assert out.startswith("sqlite:///plant.db: SQLite, 2 runs, 200 rows, 3 sensors, a row every ")
    assert "\n  rows in the order of the query\n" in out
    assert read_record("new")["threshold"] == read_record("model")["threshold"]
    query = "SELECT * FROM log WHERE unit = 'b' ORDER BY stamp"
    assert (
        call("score", "new", "plant.db", "--query", query, "-o", "s.csv", "--drop", "unit")[0] == 0
    )
    assert call(*SCORE)[0] == 0
    np.testing.assert_array_equal(scores_of("s.csv"), scores_of("scores.csv")[110:])
    query = "SELECT * FROM log WHERE unit = 'c'"
    code, out, err = call("score", "new", "plant.db", "--query", query, "-o", "s.csv")
    assert (code, out) == (2, "")
    assert err == "dccad: error: plant.db: the query gives no rows; it holds 'log'\n"


def test_a_workbook_is_read_with_its_units(call, wide):
    with xlsxwriter.Workbook("pump.xlsx") as book:
        book.add_worksheet("Notes").write(0, 0, "export of line 3")
        sheet, stamp = (
            book.add_worksheet("Log"),
            book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
        )
        sheet.write_row(0, 0, ["Time", *NAMES])
        sheet.write_row(1, 0, ["", "m³/h", "bar", "%"])
        for row, (time, *cells) in enumerate(wide.rows(), start=2):
            sheet.write_datetime(row, 0, time, stamp)
            sheet.write_row(row, 1, cells)
    code, out, _ = call("fit", "pump.xlsx", "--sheet", "Log", "-o", "new", *CHEAP, "--json")
    assert code == 0
    [table] = json.loads(out)["tables"]
    assert table["units"] == {"flow": "m³/h", "pressure": "bar", "level": "%"}
    assert (table["format"], table["rows"], table["interval"]) == ("Excel workbook", 200, 60.0)
    assert "units in line 2" in table["notes"]
    wide.write_csv("pump.csv")
    assert call("score", "new", "pump.xlsx", "--sheet", "2", "-o", "s.csv")[0] == 0
    assert call("score", "new", "pump.csv", "-o", "t.csv")[0] == 0
    np.testing.assert_allclose(scores_of("s.csv"), scores_of("t.csv"), rtol=1e-9)  # 15 digits
    code, out, _ = call("data", "check", "pump.xlsx", "--sheet", "Log")
    assert code == 0
    assert re.search(r"^pressure  bar +-?\d", out, re.M)


def test_the_night_when_clocks_go_back_is_neither_gap_nor_repetition(call, wide):
    before = [dt.datetime(2024, 10, 27) + dt.timedelta(minutes=i) for i in range(180)]
    after = [dt.datetime(2024, 10, 27, 2) + dt.timedelta(minutes=i) for i in range(20)]
    stamps = pl.Series(before + after).dt.to_string("%d.%m.%Y %H:%M")
    wide.with_columns(time=stamps).write_csv("night.csv")
    code, out, _ = call("fit", "night.csv", "-o", "new", "--timezone", "Europe/Berlin", *CHEAP)
    assert code == 0
    assert (
        "the hour from 2024-10-27 02:00:00 occurs twice: by their order 60 rows are summer, 20 "
        "winter time in Europe/Berlin"
    ) in said(out)
    code, out, _ = call("score", "new", "night.csv", "-o", "s.parquet")
    assert code == 0
    assert "200 rows, 193 with a score, " in out
    times = pl.read_parquet("s.parquet")["time"].to_numpy().astype("datetime64[s]")
    assert str(times[0]) == "2024-10-26T22:00:00"
    assert set(np.diff(times) / np.timedelta64(1, "m")) == {1.0}


# -- options in groups ----------------------------------------------------------------------------


def test_a_group_becomes_its_options_in_its_place():
    command = typer.main.get_command(app).commands["fit"]
    names = [parameter.name for parameter in command.params]
    assert names[:4] == ["log", "output", "normal", "window"]
    tables = [field.name for field in fields(TableOptions)]
    assert [name for name in names if name in tables] == tables
    assert "model" not in names
    assert "tables" not in names


def test_every_option_of_tables_reaches_the_reader(call, monkeypatch):
    asked = []

    def arrive(inputs, options):
        asked.append((inputs, options))
        raise KeyboardInterrupt

    monkeypatch.setattr("dccad.tables.read_tables", arrive)
    texts = ("time", "time_format", "timezone", "run", "separator", "decimal", "encoding", "sheet")
    texts += ("query", "tag", "value", "quality")
    given = {name: name.upper() for name in texts}
    arguments = [part for name in texts for part in (f"--{name.replace('_', '-')}", name.upper())]
    for name in ("columns", "drop", "label", "good"):
        arguments += [f"--{name}", "first", f"--{name}", "second"]
        given[name] = ("first", "second")
    arguments += ["--header", "0", "--long", "--resample", "60", "--fill", "mean"]
    arguments += ["--max-gap", "7.5", "--join"]
    given |= {"header": 0, "long": True, "resample": 60.0, "fill": "mean"}
    given |= {"max_gap": 7.5, "join": True}
    assert call("data", "check", "a.csv", "b.csv", *arguments)[0] == 130
    assert call("data", "check", "a.csv", "--wide")[0] == 130
    assert call("data", "check", "a.csv")[0] == 130
    assert set(given) == {field.name for field in fields(TableOptions)}
    assert asked == [
        (["a.csv", "b.csv"], TableOptions(**given)),
        (["a.csv"], TableOptions(long=False)),
        (["a.csv"], TableOptions()),
    ]


# -- what a model remembers -----------------------------------------------------------------------


def test_a_model_remembers_what_its_rows_mean_and_not_where_they_were():
    options = TableOptions(time="t", run="unit", columns=("flow",), good=("ok",), join=True)
    assert remembered_options(options) == {"time": "t", "good": ("ok",)}
    assert remembered_options(TableOptions()) == {}


def test_what_is_given_anew_counts_more_than_what_is_remembered():
    remembered = {"time": "t", "good": ["ok", "gut"], "resample": 60.0, "renamed": 1}
    given = TableOptions(resample=30.0)
    found = scoring_options(given, remembered, ["level", "flow"])
    assert found == TableOptions(
        time="t", good=("ok", "gut"), resample=30.0, columns=("level", "flow")
    )
    assert scoring_options(TableOptions(columns=("a*",)), None, ["b"]).columns == ("a*",)
    assert scoring_options(given, None, None) == given


# -- values that are refused before any work ------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("false", False),
        ("False", False),
        ("null", None),
        ("None", None),
        ('["a", 2]', ["a", 2]),
        ("a=b", "a=b"),
        ("", ""),
        ("inf.", "inf."),
    ],
)
def test_a_setting_is_read_as_json_or_else_as_text(text, value):
    assert parse_settings([f" name ={text}"]) == {"name": value}


def test_a_parameter_that_something_else_sets_is_refused():
    assert read_settings(["alpha=0.5", "n_init=3"]) == {"alpha": 0.5, "n_init": 3}
    assert read_settings(None) == {}
    with pytest.raises(ParameterError, match="--set random_state: here --seed sets it; leave"):
        read_settings(["random_state=1"], fixed={"random_state": "--seed"})


def test_no_number_of_processes_is_one_per_core(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 12)
    assert (count_processes(0), count_processes(3)) == (12, 3)
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert count_processes(0) == 1


def test_a_folder_that_is_not_writable_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda folder, mode: mode != os.W_OK)
    with pytest.raises(InputError, match="is not writable; name another one"):
        check_output(tmp_path / "scores.csv", (".csv",))


def test_a_suffix_counts_in_capitals_too(tmp_path):
    check_output(tmp_path / "SCORES.CSV", (".csv",))
    with pytest.raises(InputError, match=r"the suffix '\.txt' says no format"):
        check_output(tmp_path / "scores.txt", (".csv",))


def test_a_model_folder_without_torch_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="needs torch, which is not installed: pass a file"):
        load_scorer(tmp_path)
