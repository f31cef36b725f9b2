"""What was read and what a log holds, within 80 columns."""

import json
import re
from pathlib import Path

import polars as pl

from command_line import CHEAP, said, widest


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
