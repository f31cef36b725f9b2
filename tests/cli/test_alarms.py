"""States, p-values, promised rates and alarms on the command line."""

import datetime as dt
import json
import os
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from conftest import caller
from dccad import load
from dccad.cli.main import main
from dccad.cli.printing.model import print_model
from dccad.cli.printing.scores import print_alarms
from dccad.saving.folder import read_record

NAMES = ["flow", "pressure", "level"]
CHEAP = ["--window", "8", "--set=pretrain_epochs=1", "--set=joint_epochs=1", "--set=n_init=1"]


def write_log(path, values, stamps=True):
    columns = dict(zip(NAMES, values.T, strict=True))
    if stamps:
        begin = dt.datetime(2024, 1, 1)
        columns = {"time": [begin + dt.timedelta(minutes=i) for i in range(len(values))]} | columns
    pl.DataFrame(columns).write_csv(path)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """Models with either calibration, and logs with and without stamps: 30 rows are far off."""
    folder = tmp_path_factory.mktemp("alarms")
    rng = np.random.default_rng(3)
    new = rng.normal(size=(300, 3))
    new[200:230] += 8.0
    before = Path.cwd()
    os.chdir(folder)
    try:
        write_log("normal.csv", rng.normal(size=(400, 3)))
        write_log("today.csv", new)
        write_log("bare.csv", new, stamps=False)
        fit = ["fit", "--normal", "normal.csv", *CHEAP]
        assert main([*fit, "-o", "model"]) == 0
        assert main([*fit, "-o", "conformal", "--set=calibration=held-out"]) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def call(workplace, tmp_path, monkeypatch, capsys):
    """Call ``dccad`` in a folder of its own that has the logs and models; (code, out, err)."""
    for path in workplace.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return caller(capsys)


SCORE = ["score", "model", "today.csv", "-o", "scores.csv"]


def joined(text):
    """Text without the line breaks of the terminal."""
    return " ".join(text.split())


def test_the_file_has_p_values_and_states(call):
    assert call(*SCORE)[0] == 0
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


def test_score_says_the_promised_rate_and_its_interval(call):
    code, out, _ = call(*SCORE)
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    text = r"false alarms: 1% of new normal rows on average; of 293 in a row, "
    found = re.search(text + r"([\d.]+)% to ([\d.]+)% in 90 of 100 cases", joined(out))
    lower, upper = load("model").calibration_.rate_interval(0.01, 293, 0.9)
    assert [float(part) for part in found.groups()] == pytest.approx(
        [100 * lower, 100 * upper], abs=0.051
    )
    promise = json.loads(call(*SCORE, "--json")[1])["promise"]
    assert promise == {
        "rate": 0.01,
        "rows": 293,
        "lower": pytest.approx(lower),
        "upper": pytest.approx(upper),
        "level": 0.9,
    }


def test_score_shows_each_state_with_its_share_and_longest_episode(call):
    out = call(*SCORE)[1]
    states = json.loads(call(*SCORE, "--json")[1])["states"]
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


def test_info_gives_the_reason_for_each_state_and_the_rate(call, capsys):
    code, out, _ = call("info", "model")
    record = json.loads(call("info", "model", "--json")[1])
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    states = record["regions_of_fit"]["states"]
    assert states == load("model").states_
    for state in states:
        shown = f"{state['name']} {state['share']:.1%} of the rows, {state['n_episodes']} episode"
        assert shown in joined(out)
        assert state["reason"] in joined(out)
    assert "1% of new normal rows on average; of 1000 in a row, " in joined(out)
    out = call("info", "conformal")[1]
    assert "as if rows were independent of one another" in joined(out)


def test_alarms_are_printed_with_the_rate_to_expect(call):
    rule = ["--alarm", "3 of 5, off 5", "--alarms-per-day", "2"]
    code, out, err = call(*SCORE, *rule)
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    report = json.loads(call(*SCORE, *rule, "--json")[1])["alarms"]
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
    assert "today " + " ".join(map(str, cells)) in joined(out)


def test_without_options_there_is_no_talk_of_alarms(call):
    assert "to expect" not in call(*SCORE)[1]
    assert json.loads(call(*SCORE, "--json")[1])["alarms"] is None


def test_a_log_without_stamps_has_alarms_per_1000_rows(call):
    bare = ["score", "model", "bare.csv", "-o", "scores.csv"]
    code, out, _ = call(*bare, "--alarms-per-1000", "1.5")
    assert code == 0
    assert re.search(r"false alarms to expect: 1\.\d per 1000 rows \(", out)
    assert "(every row, above " in out
    code, out, err = call(*bare, "--alarms-per-day", "1.5")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "need time stamps, and this log has none" in err


def test_a_held_out_calibration_says_what_it_cannot(call):
    score = ["score", "conformal", "today.csv", "-o", "scores.csv"]
    code, out, _ = call(*score, "--alarm", "5")
    assert code == 0
    assert "not known without calibration='cross-fitted'" in joined(out)
    code, out, err = call(*score, "--alarms-per-day", "1")
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
def test_wrong_alarm_options_are_refused_before_anything_is_read(call, options, message):
    code, out, err = call("score", "nowhere", "nothing.csv", "-o", "scores.csv", *options)
    assert (code, out) == (2, "")
    assert err.startswith("dccad: error: ")
    assert err.count("\n") == 1
    assert message in err
    assert not Path("scores.csv").exists()


@pytest.mark.parametrize("given", [["--clusters", "auto"], ["--set", "n_clusters=auto"]])
def test_an_automatic_number_of_regions(call, given):
    fit = ["fit", "today.csv", *CHEAP, "--set=calibration=held-out", "-o", "new", *given, "--json"]
    code, out, _ = call(*fit)
    assert code == 0
    record = json.loads(out)
    assert record["parameters"]["n_clusters"] == "auto"
    assert [state["region"] for state in record["regions_of_fit"]["states"]] == list(
        range(len(record["regions_of_fit"]["share"]))
    )


@pytest.mark.parametrize("number", ["few", "1", "2.5", "-3", ""])
def test_a_number_of_regions_that_is_none_is_refused(call, number):
    code, out, err = call("fit", "today.csv", "-o", "new", f"--clusters={number}")
    assert (code, out) == (2, "")
    assert "needed is a whole number of at least 2 or 'auto'" in err
    assert err.count("\n") == 1


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


def test_long_names_and_many_states_stay_within_the_terminal(workplace, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    record = read_record(workplace / "model")
    state = record["regions_of_fit"]["states"][0]
    many = [state | {"name": f"anomalous {i}", "reason": "x" * 100} for i in range(12)]
    record["regions_of_fit"]["states"] = many
    print_model(record, Path("model"))
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert out.count("anomalous ") == 12
