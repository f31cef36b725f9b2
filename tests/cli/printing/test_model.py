"""What ``info`` and ``fit`` show of a model, within 80 columns."""

import json
from pathlib import Path

from command_line import CHEAP, FIT, said, widest
from dccad import load
from dccad.cli.printing.model import print_model
from dccad.saving.folder import read_record


def test_info_shows_what_fit_showed(call):
    code, shown, err = call("info", "model")
    assert (code, err) == (0, "")
    record = read_record("model")
    for words in (
        "3: flow, pressure, level",
        "8 rows; the first 7 rows of a run have no score",
        "2 epochs, L_R ",
        f"{record['threshold']:.3f}, for a false-alarm rate of 0.05, from ",
        record["data_digest"][:16],
        "dccad ",
    ):
        assert words in shown
    network = "depthwise, 2 kernels on each of 6 directions (sensors+whitened), 42 pooled maps"
    assert network in " ".join(shown.split())
    assert "energy, recent energy, mean, log-variance, residual" in " ".join(shown.split())
    assert widest(shown) <= 80
    code, fitted, err = call(*FIT[:5], "again", *CHEAP)
    assert (code, err) == (0, "")
    read, mark, model = fitted.partition("model ")
    assert read == (
        "log.csv: CSV, 2 runs, 200 rows, 3 sensors, a row every 1 min\n"
        "  separator ',' (from the first 200 lines)\n"
        "  time is column 'time'\n"
    )
    assert (mark + model).split() == shown.replace(" model ", " again ", 1).split()


def test_info_gives_the_reason_for_each_state_and_the_rate(alarm_call, capsys):
    code, out, _ = alarm_call("info", "model")
    record = json.loads(alarm_call("info", "model", "--json")[1])
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    states = record["regions_of_fit"]["states"]
    assert states == load("model").states_
    for state in states:
        shown = f"{state['name']} {state['share']:.1%} of the rows, {state['n_episodes']} episode"
        assert shown in said(out)
        assert state["reason"] in said(out)
    assert "1% of new normal rows on average; of 1000 in a row, " in said(out)
    out = alarm_call("info", "conformal")[1]
    assert "as if rows were independent of one another" in said(out)


def test_long_names_and_many_states_stay_within_the_terminal(alarm_workplace, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    record = read_record(alarm_workplace / "model")
    state = record["regions_of_fit"]["states"][0]
    many = [state | {"name": f"anomalous {i}", "reason": "x" * 100} for i in range(12)]
    record["regions_of_fit"]["states"] = many
    print_model(record, Path("model"))
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert out.count("anomalous ") == 12
