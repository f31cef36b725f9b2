"""What was read and what a log holds, within 80 columns."""

import json
import re
from pathlib import Path

import polars as pl
import pytest

from command_line import CHEAP, said, widest
from dccad.cli.printing.tables import print_check


def test_many_tables_do_not_flood_the_terminal(call, wide):
    Path("days").mkdir()
    for day in range(12):
        wide[10 * day : 10 * day + 10].write_csv(f"days/{day}.csv")
    code, out, _ = call("score", "model", "days", "-o", "s.csv")
    assert code == 0
    assert len(re.findall(r"^days/\d+\.csv: CSV, 1 run, 10 rows", out, re.M)) == 8
    assert "\nand 4 more tables\n" in out
    assert (
        len(json.loads(call("score", "model", "days", "-o", "s.csv", "--json")[1])["tables"]) == 12
    )


def test_what_was_decided_about_a_table_fits_the_terminal(call, wide):
    name = "temperature of the bearing on the drive end, channel "
    many = wide.select("time", *(pl.col("flow").alias(f"{name}{i:02d}") for i in range(12)))
    many = many.with_columns(remark=pl.lit("nothing to report, all quiet"))
    folder = Path("export of the historian on the second server", "line 3")
    folder.mkdir(parents=True)
    log = folder / "all the channels of the week before the revision.csv"
    many.sample(fraction=1.0, shuffle=True, seed=1).write_csv(log)
    choice = ["--columns", f"{name}0*", "--drop", "remark"]
    code, fitted, _ = call("fit", log, "-o", "new", *choice, *CHEAP)
    assert code == 0
    assert "rows are earlier than a row above them (first: row " in said(fitted)
    assert "and 2 more" not in said(fitted)
    assert f"columns not chosen: '{name}10', '{name}11'" in said(fitted)
    code, checked, _ = call("data", "check", log, "--drop", "remark")
    assert code == 0
    code, scored, _ = call("score", "new", log, "-o", "s.csv")
    assert code == 0
    for shown in (fitted, checked, scored.partition("written to")[0]):
        assert str(log) in said(shown)
        assert widest(shown) <= 80


# -- a page about a log ----------------------------------------------------------------------------

SENSOR = {"unit": "", "min": 1.0, "mean": 2.0, "max": 3.5, "missing": 0.0}
SENSOR |= {"nearly_empty": False, "stuck": False, "infinite": 0}
RUN = {"name": "a", "rows": 90, "start": None, "end": None}
REPORT = {
    "tables": [{"source": "a.csv", "format": "CSV", "rows": 90, "notes": ["separator ','"]}],
    "runs": [RUN],
    "rows": 90,
    "interval": None,
    "gaps": [],
    "labels": [],
    "stuck": [],
    "nearly_empty": [],
    "suggested_window": None,
    "sensors": [SENSOR | {"name": "flow"}],
}


@pytest.fixture
def page(capsys, monkeypatch):
    """The lines of the page about a report with some changes, blanks taken together."""
    monkeypatch.setenv("COLUMNS", "80")

    def show(**changes):
        print_check(REPORT | changes)
        out = capsys.readouterr().out
        assert widest(out) <= 80
        return [" ".join(line.split()) for line in out.splitlines()]

    return show


def test_a_log_without_stamps_says_so(page):
    assert page() == [
        "a.csv: CSV, 90 rows",
        "separator ','",
        "rows 90",
        "runs 1: a (90)",
        "interval no time stamps",
        "gaps none",
        "window too few rows for a window",
        "sensor min mean max missing remark",
        "flow 1 2 3.5 –",
    ]


def test_gaps_runs_labels_and_useless_sensors_are_told(page):
    hours = [{"seconds": s, "start": f"{s}", "end": f"{s + 1}", "run": "b"} for s in (60, 5400)]
    lines = page(
        runs=[
            RUN | {"name": n, "start": f"2024-0{i}", "end": f"2024-1{i}"}
            for i, n in enumerate("abcde", 1)
        ],
        interval=0.5,
        gaps=hours,
        labels=["fault", "shift"],
        stuck=list("abcdefg"),
        nearly_empty=["h"],
        suggested_window=30,
    )
    for line in (
        "runs 5: a (90), b (90), c (90), d (90) …",
        "time 2024-01 to 2024-15",
        "interval 0.5 s",
        "gaps 2 gaps, the longest of 1.5 h from 5400 to 5401 (run b)",
        "labels fault, shift",
        "stuck 7: a, b, c, d, e, f …",
        "nearly empty 1: h",
        "window 30 rows to start with",
    ):
        assert line in lines


def test_stamps_of_several_kinds_are_not_compared(page):
    lines = page(runs=[RUN | {"start": "2024", "end": "2025"}, RUN | {"start": 0.0, "end": 9.0}])
    assert "time of several kinds" in lines


def test_each_remark_about_a_sensor_is_told(page):
    sensors = [
        SENSOR | {"name": "empty", "min": None, "mean": None, "max": None, "nearly_empty": True},
        SENSOR | {"name": "rare", "nearly_empty": True, "missing": 0.96, "unit": "bar"},
        SENSOR | {"name": "odd", "stuck": True, "infinite": 2},
    ]
    lines = page(sensors=sensors)
    assert "sensor unit min mean max missing remark" in lines
    assert "empty – – – – empty" in lines
    assert "rare bar 1 2 3.5 96.00% nearly empty" in lines
    assert "odd 1 2 3.5 – stuck, infinite" in lines


def test_of_many_sensors_those_with_a_remark_are_shown(page):
    sensors = [SENSOR | {"name": f"s{i}", "stuck": i == 99} for i in range(100)]
    lines = page(sensors=sensors)
    start = lines.index("sensor min mean max missing remark")
    assert lines[start + 1].startswith("s99 ")
    assert lines[-2].startswith("s58 ")
    assert lines[-1] == "and 40 more sensors without a remark (--json has all)"
