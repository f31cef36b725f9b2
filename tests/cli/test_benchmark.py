"""``dccad benchmark`` prints and writes the figures of a protocol."""

import json
import re
from pathlib import Path

import pytest

from command_line import CHEAP, widest


@pytest.fixture
def tiny_benchmark(monkeypatch):
    """Both protocols on the first 60 rows of three runs."""
    from dccad.datasets import Dataset, load_tep_simulated

    whole = load_tep_simulated()
    train = tuple(whole.train_run(fault).rows(0, 60) for fault in (0, 1, 2))
    test = tuple(whole.test_run(fault).rows(140, 200) for fault in (0, 1, 2))
    monkeypatch.setattr(
        "dccad.datasets.load_tep_simulated", lambda: Dataset("tep-simulated", train, test)
    )


def test_a_benchmark_prints_and_writes_its_figures(call, tiny_benchmark, monkeypatch):
    arguments = ["benchmark", "tep-pairs", "--seed", "3", "--jobs", "1", *CHEAP[4:]]
    arguments += ["--set", "window=8", "--method", "dccad", "--method", "kmeans-windows"]
    code, shown, _ = call(*arguments, "-o", "figures.json")
    assert code == 0
    record = json.loads(Path("figures.json").read_text())
    assert set(record) == {
        "protocol",
        "dataset",
        "seeds",
        "environment",
        "settings",
        "results",
        "warnings",
    }
    assert record["seeds"] == [3]
    assert record["settings"]["window"] == 8
    assert set(record["results"]) == {"dccad", "kmeans-windows"}
    assert "tep-pairs on tep-simulated: in percent, seed 3\n" in shown
    assert re.search(r"^method +ACC +NMI +ARI +maps +maps +top map +oracle\*", shown, re.M)
    accuracy = record["results"]["dccad"]["acc_2"]["mean"]
    assert re.search(rf"^dccad +{100 * accuracy:.1f} ", shown, re.M)
    assert widest(shown) <= 80
    monkeypatch.setattr("dccad.evaluation.benchmark.run_benchmark", lambda *_, **__: record)
    code, out, _ = call(*arguments, "--json")
    assert (code, json.loads(out)) == (0, record)


def test_baselines_are_shown_at_their_best_window(call, tiny_benchmark, monkeypatch):
    monkeypatch.setattr(
        "dccad.evaluation.protocol.Protocol.methods",
        lambda plan, slow: ["lw-mean@5", "lw-mean@20", *(["pca-spe@5"] if slow else [])],
    )
    arguments = ["benchmark", "tep-adapt", "--seed", "0", "--jobs", "1", "-o", "figures.json"]
    code, shown, _ = call(*arguments)
    assert code == 0
    found = json.loads(Path("figures.json").read_text())["results"]
    assert list(found) == ["lw-mean@5", "lw-mean@20"]
    rates = {name: entry["fdr_2_at_far_1"]["mean"] for name, entry in found.items()}
    best = max(rates, key=rates.get)
    [row] = re.findall(r"^lw-mean@.*$", shown, re.M)
    delay = found[best]["delay_2_at_far_1"]["mean"]
    assert row.split()[:2] == [best, f"{100 * rates[best]:.1f}"]
    assert row.split()[-1] == f"{delay:.1f}"
    assert "the best fdr_2_at_far_1 here" in shown
    assert "no use of the unlabelled rows: lw-mean@" in shown
    assert widest(shown) <= 80
    call(*arguments, "--method", "all")
    assert list(json.loads(Path("figures.json").read_text())["results"])[-1] == "pca-spe@5"


def test_the_help_of_the_benchmark_names_every_protocol_and_method(call):
    from dccad.evaluation.methods import METHODS
    from dccad.evaluation.registry import PROTOCOLS

    _, shown, _ = call("benchmark", "--help")
    words = set(re.findall(r"[\w-]+", re.sub(r"-\n\s+", "-", shown)))
    assert set(METHODS) | set(PROTOCOLS) <= words
