"""``dccad score``: every row of every log, p-values, promised rates and alarms."""

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from command_line import NAMES, SCORE_TODAY, said
from dccad import load


def test_several_files_are_several_runs(call, log):
    Path("spare").mkdir()
    for name, part in (("monday", log[:110]), ("tuesday", log[110:]), ("spare/monday", log[:110])):
        part.drop("unit").write_csv(f"{name}.csv")
    Path("main").symlink_to(".")
    files = ["main/monday.csv", "tuesday.csv", "spare/monday.csv"]
    code, out, _ = call("score", "model", *files, "-o", "s.csv", "--json")
    assert (code, json.loads(out)["rows"]) == (0, 310)
    table = pl.read_csv("s.csv")
    names = ["main/monday", "tuesday", "spare/monday"]
    assert table["run"].unique(maintain_order=True).to_list() == names
    first, again = (table.filter(run=name)["score"] for name in (names[0], names[2]))
    np.testing.assert_array_equal(first.to_numpy(), again.to_numpy())


def test_json_of_score_tells_what_was_decided_about_each_table(call, wide):
    wide[:60].reverse().write_csv("late.csv")
    gap = wide[60:].with_columns(
        time=pl.col("time") + pl.duration(hours=(pl.int_range(pl.len()) > 99).cast(int) * 2)
    )
    gap.write_csv("gap.csv")
    code, out, _ = call("score", "model", "late.csv", "gap.csv", "-o", "s.csv", "--json")
    assert code == 0
    late, gap = json.loads(out)["tables"]
    assert "the newest row comes first: all rows are sorted by time" in late["notes"]
    assert (late["start"], late["end"]) == ("2024-01-01T00:00:00", "2024-01-01T00:59:00")
    assert gap["gaps"] == [
        {
            "run": "gap",
            "row": 100,
            "start": "2024-01-01T02:39:00",
            "end": "2024-01-01T04:40:00",
            "seconds": 7260.0,
        }
    ]
    assert late["sensors"] == gap["sensors"] == NAMES
    shown = said(call("score", "model", "gap.csv", "-o", "s.csv")[1].partition("written to")[0])
    assert shown.count("2024-01-01 02:39:00 to 2024-01-01 04:40:00") == 1
    assert "2024-01-01T02:39:00" not in shown  # nobody reads of one gap twice


def test_the_file_has_p_values_and_states(alarm_call):
    assert alarm_call(*SCORE_TODAY)[0] == 0
    table = pl.read_csv("scores.csv")
    expected = ["run", "row", "time", "score", "p_value", "flag", "region", "state"]
    assert table.columns == expected
    detector = load("model")
    p = table["p_value"].to_numpy()
    found = detector.calibration_.p_value(table["score"].to_numpy())
    np.testing.assert_allclose(p, found, rtol=1e-9)
    assert np.isnan(p[:7]).all()
    assert not np.isnan(p[7:]).any()
    flagged = table["flag"].to_numpy() == 1
    np.testing.assert_array_equal(flagged[7:], p[7:] < detector.false_alarm_rate)
    names = [state["name"] for state in detector.states_]
    regions = table["region"].to_list()
    assert table["state"].to_list() == ["" if r < 0 else names[r] for r in regions]


def test_score_says_the_promised_rate_and_its_interval(alarm_call):
    code, out, _ = alarm_call(*SCORE_TODAY)
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    text = r"false alarms: 1% of new normal rows on average; of 293 in a row, "
    found = re.search(text + r"([\d.]+)% to ([\d.]+)% in 90 of 100 cases", said(out))
    lower, upper = load("model").calibration_.rate_interval(0.01, 293, 0.9)
    assert [float(part) for part in found.groups()] == pytest.approx(
        [100 * lower, 100 * upper], abs=0.051
    )
    promise = json.loads(alarm_call(*SCORE_TODAY, "--json")[1])["promise"]
    assert promise == {
        "rate": 0.01,
        "rows": 293,
        "lower": pytest.approx(lower),
        "upper": pytest.approx(upper),
        "level": 0.9,
    }


def test_without_options_there_is_no_talk_of_alarms(alarm_call):
    assert "to expect" not in alarm_call(*SCORE_TODAY)[1]
    assert json.loads(alarm_call(*SCORE_TODAY, "--json")[1])["alarms"] is None


def test_a_log_without_stamps_has_alarms_per_1000_rows(alarm_call):
    bare = ["score", "model", "bare.csv", "-o", "scores.csv"]
    code, out, _ = alarm_call(*bare, "--alarms-per-1000", "1.5")
    assert code == 0
    assert re.search(r"false alarms to expect: 1\.\d per 1000 rows \(", out)
    assert "(every row, above " in out
    code, out, err = alarm_call(*bare, "--alarms-per-day", "1.5")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "need time stamps, and this log has none" in err


def test_a_held_out_calibration_says_what_it_cannot(alarm_call):
    score = ["score", "conformal", "today.csv", "-o", "scores.csv"]
    code, out, _ = alarm_call(*score, "--alarm", "5")
    assert code == 0
    assert "not known without calibration='cross-fitted'" in said(out)
    code, out, err = alarm_call(*score, "--alarms-per-day", "1")
    assert (code, out) == (2, "")
    assert "fit with calibration='cross-fitted'" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--alarm", "often"], "alarm rule 'often': write the rows"),
        (["--alarm", "5 of 3"], "k=5 of n=3 rows"),
        (["--alarms-per-day", "0"], "0 false alarms per day: a number above 0 is needed"),
        (["--alarms-per-1000", "-1"], "-1 false alarms per 1000 rows"),
        (["--alarms-per-day", "1", "--alarms-per-1000", "1"], "not both"),
        (["--alarms-per-day", "few"], "--alarms-per-day 'few': needed is a number"),
    ],
)
def test_wrong_alarm_options_are_refused_before_anything_is_read(alarm_call, options, message):
    code, out, err = alarm_call("score", "nowhere", "nothing.csv", "-o", "scores.csv", *options)
    assert (code, out) == (2, "")
    assert err.startswith("dccad: error: ")
    assert err.count("\n") == 1
    assert message in err
    assert not Path("scores.csv").exists()
