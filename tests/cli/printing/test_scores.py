"""Counts, states, flagged stretches and alarms as a terminal shows them."""

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from command_line import SCORE, SCORE_TODAY, said, widest
from dccad import load
from dccad.cli.printing.scores import print_alarms, print_scores


def test_score_shows_counts_and_flagged_stretches(call):
    code, shown, err = call(*SCORE)
    assert (code, err) == (0, "")
    table = pl.read_csv("scores.csv")
    flagged = table["flag"].sum()
    assert shown.startswith("log.csv: CSV, 2 runs, 200 rows, 3 sensors, a row every 1 min\n  sep")
    assert f"\n200 rows, 186 with a score, {flagged} flagged ({flagged / 186:.2%}) above " in shown
    assert "\nwritten to scores.csv\n" in shown
    assert widest(shown) <= 80
    summary = json.loads(call(*SCORE, "--json")[1])
    assert sum(episode["rows"] for episode in summary["episodes"]) == flagged
    longest = max(summary["episodes"], key=lambda episode: episode["rows"])
    first = table.row(
        by_predicate=(pl.col("run") == longest["run"]) & (pl.col("row") == longest["first_row"]),
        named=True,
    )
    assert first["time"].startswith(longest["start"])
    assert re.search(rf"^{longest['run']} +{longest['rows']} +{longest['first_row']} ", shown, re.M)


def test_many_flagged_stretches_are_shortened_and_a_long_path_is_not(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    episodes = [
        {"run": "a", "first_row": 9 * i, "last_row": 9 * i + i, "rows": i + 1, "peak": 2.0}
        for i in range(12)
    ]
    summary = {"rows": 200, "scored": 193, "flagged": 78, "share_flagged": 78 / 193}
    path = Path("a" * 50) / ("b" * 60 + ".csv")
    print_scores(summary | {"threshold": 1.5, "episodes": episodes}, path)
    shown = capsys.readouterr().out
    assert f"\nwritten to {path}\n" in shown
    assert "10 longest of 12 flagged stretches" in shown
    lengths = [int(line.split()[1]) for line in shown.splitlines() if line.startswith("a ")]
    assert lengths == [12, 11, 10, 9, 8, 7, 6, 5, 4, 3]
    print_scores(summary | {"threshold": 1.5, "episodes": []}, path)
    assert "stretch" not in capsys.readouterr().out


def test_score_shows_each_state_with_its_share_and_longest_episode(alarm_call):
    out = alarm_call(*SCORE_TODAY)[1]
    states = json.loads(alarm_call(*SCORE_TODAY, "--json")[1])["states"]
    table = pl.read_csv("scores.csv")
    assert [state["name"] for state in states] == ["normal"]  # white noise has one mode
    for state in states:
        rows = int((table["state"] == state["name"]).sum())
        assert state["rows"] == rows == sum(e["rows"] for e in state["episodes"])
        line = next(line for line in out.splitlines() if line.startswith(f"{state['name']}  "))
        longest = max(state["episodes"], key=lambda e: e["rows"])
        words = [f"{rows / 293:.1%}", str(state["n_episodes"]), f"{longest['rows']} rows"]
        assert re.search(r" +".join(map(re.escape, words)), line)
        assert line.rstrip().endswith(longest["start"])


def test_alarms_are_printed_with_the_rate_to_expect(alarm_call):
    rule = ["--alarm", "3 of 5, off 5", "--alarms-per-day", "2"]
    code, out, err = alarm_call(*SCORE_TODAY, *rule)
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    report = json.loads(alarm_call(*SCORE_TODAY, *rule, "--json")[1])["alarms"]
    scores = pl.read_csv("scores.csv")["score"].to_numpy()
    python = load("model").find_alarms(
        {"today": pl.read_csv("today.csv", try_parse_dates=True)}, "3 of 5, off 5", per_day=2
    )
    assert [a["first_row"] for a in report["alarms"]] == [a["first_row"] for a in python.alarms]
    rate, limit = report["false_alarms"], report["rule"]["limit"]
    assert rate["unit"] == "per day"
    assert rate["expected"] <= 2.0
    count = len(report["alarms"])
    assert f"{count} alarm{'s' * (count != 1)} (3 of 5 rows, off after 5 rows, above " in out
    assert f"above {limit:.3f})" in out
    assert f"false alarms to expect: {rate['expected']:.2g} per day (" in out
    fault = next(a for a in report["alarms"] if a["first_row"] <= 205 <= a["last_row"])
    assert fault["first_row"] >= 200
    assert fault["peak"] == pytest.approx(
        np.nanmax(scores[fault["first_row"] : fault["last_row"] + 1])
    )
    assert fault["start"] == f"2024-01-01T03:{fault['first_row'] - 180:02d}:00"
    cells = [fault[name] for name in ("rows", "first_row", "last_row")]
    cells += [f"{fault['peak']:.2f}", fault["start"], fault["end"]]
    assert "today " + " ".join(map(str, cells)) in said(out)


def test_many_alarms_are_shortened(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    alarm = {"run": "a", "rows": 1, "peak": 3.0}
    alarms = [alarm | {"first_row": 9 * i, "last_row": 9 * i} for i in range(12)]
    report = {"pattern": "every row", "rule": {"limit": 2.0}, "alarms": alarms}
    print_alarms(report | {"false_alarms": None, "false_alarms_expected": None})
    shown = capsys.readouterr().out
    assert "12 alarms (every row, above 2.000)" in shown
    assert "the first 10" in shown
    rows = [int(line.split()[2]) for line in shown.splitlines() if line.startswith("a ")]
    assert rows == [9 * i for i in range(10)]
