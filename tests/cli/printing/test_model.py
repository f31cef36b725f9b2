"""What ``info`` and ``fit`` show of a model, within 80 columns."""

import json
from pathlib import Path

import pytest

from command_line import CHEAP, FIT, said, widest
from dccad import load
from dccad.cli.printing.model import print_export, print_model
from dccad.errors import ModelFileError
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


# -- parts of a model that not every model has -----------------------------------------------------


@pytest.fixture
def shown(workplace, capsys, monkeypatch):
    """The rows that a record with some changes shows, by name, without line breaks."""
    monkeypatch.setenv("COLUMNS", "80")

    def show(**changes):
        print_model(read_record(workplace / "model") | changes, Path("model"))
        rows, name = {}, ""
        for line in capsys.readouterr().out.splitlines():
            name = line[:13].strip() or name
            rows[name] = f"{rows.get(name, '')} {line[13:].strip()}".strip()
        return rows

    return show


def test_what_was_done_to_a_log_is_shown_where_anything_was(shown, workplace):
    assert not {"read with", "prepared by", "left out", "filled", "drawn"} & set(shown())
    parameters = read_record(workplace / "model")["parameters"]
    rows = shown(
        reading={"time": "Zeit", "good": ["ok", "gut"]},
        parameters=parameters | {"prepare": ["average:2", "idle:flow"], "on_missing": "hold"},
        left_out_share=0.0125,
        filled_share={"flow": 0.01, "level": 0.25},
        sample={"drawn": 300, "windows": 4472, "rows": 4500},
    )
    assert rows["read with"] == "time Zeit, good ok, gut"
    assert rows["prepared by"] == "average:2, idle:flow"
    assert rows["left out"] == "1.25% of the rows"
    assert rows["filled"] == "hold: cells of 2 of 3 sensors, most in level (25.00%)"
    assert rows["drawn"] == "300 of 4472 windows; scaling: all 4500 rows"


def test_a_dense_network_and_a_model_without_training_are_described(shown):
    rows = shown(network={"kind": "dense", "n_maps": 8, "map_length": 4}, history=[])
    assert rows["network"] == "dense, 8 activation maps, each of 4 positions"
    assert rows["training"] == "none"
    history = [{"reconstruction_loss": 0.25, "clustering_loss": None}]
    assert shown(history=history)["training"] == "1 epoch, L_R 0.25"


def test_only_the_first_of_many_sensors_are_named(shown):
    assert shown(columns=list("abcdef"))["sensors"] == "6: a, b, c, d, …"


def test_a_record_that_lacks_a_part_is_no_model(workplace):
    record = read_record(workplace / "model")
    del record["score_scale"]
    with pytest.raises(ModelFileError, match=r"not a complete dccad model .*'score_scale'"):
        print_model(record, Path("model"))


def test_an_exported_file_is_shown_with_its_inputs_and_outputs(capsys):
    print_export(
        {"file": "m.onnx", "bytes": 23_456, "n_sensors": 5, "window": 8, "threshold": 1.23456}
    )
    assert capsys.readouterr().out.splitlines() == [
        "m.onnx: 23 kB",
        "  in:  rows (batch, n_rows, 5), float64, in plant units",
        "  out: score, flag, region (batch, n_rows - 7)",
        "  threshold 1.235",
    ]
