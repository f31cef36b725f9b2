"""``dccad data``: look at a log, and list, fetch, show and simulate data sets."""

import json
import re
from pathlib import Path

import polars as pl
import pytest

from command_line import said, widest


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("lgo.csv", None, "lgo.csv: no such file; did you mean log.csv?"),
        ("empty.csv", b"", "empty.csv: the file is empty (0 bytes); pass a file with sensor rows"),
        (
            "page.xlsx",
            b"<html><body><table><tr><td>1</td></tr></table></body></html>",
            "page.xlsx is an HTML page named .xlsx; open it in a spreadsheet programme and save it "
            "as .xlsx or CSV",
        ),
        (
            "words.csv",
            b"flow,state\n1,on\n2,off\n",
            "words.csv: columns that hold no numbers: 'state' ('on' in row 0, counted from 0); "
            "leave them out with --drop",
        ),
        (
            "ragged.csv",
            b"a,b\n1,2\n1,2,3\n",
            "ragged.csv: line 3 has 3 fields, but line 1 names 2 columns; correct the line or "
            "export the file again",
        ),
    ],
)
def test_a_log_that_cannot_be_used_is_refused_by_looking_at_it(call, name, content, message):
    if content is not None:
        Path(name).write_bytes(content)
    for more in ([], ["--json"]):
        code, out, err = call("data", "check", name, *more)
        assert (code, out) == (2, "")
        assert err == f"dccad: error: {message}\n"


def test_looking_at_a_log_tells_how_to_read_it(call, log):
    code, out, err = call("data", "check", "log.csv", "--run", "unit")
    assert (code, err) == (0, "")
    for line in (
        r"log\.csv: CSV, 200 rows",
        r"  time is column 'time'",
        r"rows +200",
        r"runs +2: a \(110\), b \(90\)",
        r"time +2024-01-01T00:00:00 to 2024-01-01T03:19:00",
        r"interval +1 min",
        r"gaps +none",
        r"window +8 rows to start with",
    ):
        assert re.search(f"^{line} *$", out, re.M), line
    low, mean, high = (getattr(log["level"], kind)() for kind in ("min", "mean", "max"))
    assert re.search(rf"^level +{low:.5g} +{mean:.5g} +{high:.5g} +–", out, re.M)
    assert widest(out) <= 80
    document = json.loads(call("data", "check", "log.csv", "--run", "unit", "--json")[1])
    assert document["suggested_window"] == 8
    assert [run["name"] for run in document["runs"]] == ["a", "b"]
    code, out, err = call("data", "check", "log.csv")
    assert (code, out) == (2, "")
    assert "log.csv: columns that hold no numbers: 'unit' ('a' in row 0, counted from 0)" in err


def test_data_list_says_what_there_is_and_how_to_come_by_it(call, monkeypatch, tmp_path):
    monkeypatch.setenv("DCCAD_DATA", str(tmp_path / "data"))
    code, shown, err = call("data", "list")
    assert (code, err) == (0, "")
    entries = json.loads(call("data", "list", "--json")[1])
    assert [entry["name"] for entry in entries if entry["available"]] == ["tep-simulated"]
    assert {"tep", "tep-rieth", "skab", "peeling"} < {entry["name"] for entry in entries}
    for entry in entries:
        assert re.search(rf"^{entry['name']}\b", shown, re.M)
        assert entry["description"] in said(shown)
        if not entry["available"]:
            assert entry["obtain"] in said(shown)
    assert widest(shown) <= 80


def test_data_get_says_where_the_files_are_and_how_to_use_them(call, monkeypatch, tmp_path):
    asked = []

    def download(name, folder, *, progress, jobs):
        asked.append((name, folder, progress, jobs))
        return tmp_path / ("a long folder name " * 6)

    monkeypatch.setattr("dccad.datasets.registry.get_dataset", download)
    code, shown, err = call("data", "get", "tep", "-o", "tep", "--jobs", "3")
    folder = tmp_path / ("a long folder name " * 6)
    assert (code, err, asked) == (0, "", [("tep", Path("tep"), True, 3)])
    assert f"dccad benchmark tep-pairs --data {folder}" in shown  # a path stays whole
    assert "dccad benchmark tep-many --data" in call("data", "get", "tep-many")[1]
    code, out, _ = call("data", "get", "tep", "--json")
    assert (code, json.loads(out)) == (0, {"name": "tep", "folder": str(folder)})
    assert asked[2][1] is None


def test_data_show_lists_every_run(call):
    code, shown, err = call("data", "show")
    assert (code, err) == (0, "")
    assert re.search(r"^d06 +train +6 +\d+ +52 +20 *$", shown, re.M)
    assert re.search(r"^d00_te +test +0 +960 +52 +– *$", shown, re.M)
    document = json.loads(call("data", "show", "--json")[1])
    assert len(document["runs"]) == 42
    assert document["runs"][0] == {
        "run": "d00",
        "split": "train",
        "fault": 0,
        "rows": 500,
        "sensors": 52,
        "onset": None,
    }


def test_data_show_lists_the_classic_files(call, classic_folder):
    classic = json.loads(call("data", "show", "--data", classic_folder, "--json")[1])
    assert len(classic["runs"]) == 44
    assert classic["runs"][1]["onset"] == 0


def test_data_simulate_writes_a_set_and_says_what_it_holds(call):
    hours = ["--train-hours", "0.5", "--train-onset", "0.1", "--test-hours", "0.4"]
    hours += ["--test-onset", "0.2", "--warm-up", "0.5", "--jobs", "1"]
    code, shown, err = call("data", "simulate", "set", "--fault", "0", "--fault", "6", *hours)
    assert (code, err) == (0, "")
    assert re.search(r"^d06_te +test +6 +8 +4 +\d+ +– *$", shown, re.M)
    assert shown.endswith("written to set.parquet and set.json\n")
    assert widest(shown) <= 80
    records = json.loads(Path("set.json").read_text())["runs"]
    assert [record["warm_up_hours"] for record in records] == [0.5] * 4
    assert pl.read_parquet("set.parquet").height == 10 + 10 + 8 + 8
