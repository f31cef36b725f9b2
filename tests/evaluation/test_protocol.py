"""A protocol brings all that shows it: registering it is enough."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dccad.evaluation.methods import METHODS
from dccad.evaluation.protocol import Column, Listing
from dccad.evaluation.registry import PROTOCOLS

RENDER = Path(__file__).parents[2] / "benchmarks" / "render_results.py"

OWN = """
from dccad.evaluation.protocol import Column, Listing, Protocol, Section
from dccad.evaluation.record import summarise

def gather(found, seeds):
    return {"quality": summarise([0.125 for _ in seeds]), "per_part": {"part": ["a"], "hit": [0.5]}}

def table(results):
    column = Column("quality", "quality of the page", "quality of the terminal")
    return [Section((column,), "table of the terminal", "table of the page")]

PROTOCOL = Protocol(
    None, None, None, gather, "quality", table,
    (Listing("per_part", "part", "hit", "list of the page", "parts"),),
    "footnote of the terminal",
)
"""

SHOW = """
import json, runpy, sys
from dccad.evaluation import names
names.PROTOCOLS["own"] = "own_protocol:PROTOCOL"
from dccad.cli.main import main
main(["benchmark", "--help"])
from dccad.cli.printing.benchmark import print_benchmark
from dccad.evaluation.registry import PROTOCOLS
record = json.load(open("record.json"))
record["results"] = {"dccad": PROTOCOLS["own"].gather([], record["seeds"])}
print_benchmark(record)
json.dump(record, open("record.json", "w"))
sys.argv = ["render_results.py", "record.json"]
runpy.run_path(RENDER, run_name="__main__")
"""


def test_a_registered_protocol_is_in_the_help_the_table_and_the_page_of_results(tmp_path):
    (tmp_path / "own_protocol.py").write_text(OWN)
    environment = {"date": "today", "cores": 2, "processes": 1, "versions": {"torch": "2"}}
    record = {"protocol": "own", "dataset": "mine", "seeds": [0], "environment": environment}
    (tmp_path / "record.json").write_text(json.dumps(record | {"warnings": {}}))
    code = SHOW.replace("RENDER", repr(str(RENDER)))
    command = [sys.executable, "-X", "utf8", "-c", code]
    shown = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, cwd=tmp_path)
    text, page = shown.stdout.split("# Results\n")
    assert "peeling or own." in " ".join(text.split())
    terminal = text.partition("own on mine")[2]
    assert re.search(r"table of the terminal *\nmethod quality of the terminal *\n", terminal)
    assert re.search(r"^dccad +12\.5 *$", terminal, re.M)
    assert re.search(r"parts *\nmethod +a *\ndccad +50\.0 *\n", terminal)
    assert "footnote of the terminal" in terminal
    assert "## `own`, mine\n" in page
    table = "**table of the page**\n\n| method | quality of the page |\n| --- | --- |\n"
    assert table + "| `dccad` | 12.5 |\n" in page
    assert "list of the page:\n\n| part | `dccad` |\n| --- | --- |\n| a | 50.0 |\n" in page


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_the_main_figure_stands_in_the_tables(name):
    """What methods are sorted by must be seen."""
    plan = PROTOCOLS[name]
    found = {plan.main.replace(r"(\d+)", "21"): {}, "missed_21": {}}
    figure = plan.main_figure({"dccad": found})
    shown = [column for section in plan.table({"dccad": found}) for column in section.columns]
    assert figure in {column.figure for column in shown if column.page}
    assert figure in {column.figure for column in shown if column.terminal}


def test_the_main_figure_is_that_of_most_faults_over_all_methods():
    plan = PROTOCOLS["tep-monitor"]
    results = {"one": {"fdr_9_at_far_1": {}}, "two": {"fdr_18_at_far_1": {}, "fdr_21_at_far_5": {}}}
    assert plan.main_figure(results) == "fdr_18_at_far_1"
    assert plan.main_figure({"one": {"acc": {}}}) is None
    assert plan.main_figure({}) is None


def test_delays_are_written_as_rows_and_shares_in_percent():
    scales = {name: Column(name).scale for name in ("delay_18_at_far_1", "add_calibrated", "acc")}
    assert scales == {"delay_18_at_far_1": 1, "add_calibrated": 1, "acc": 100}
    assert Listing("per_kind", "kind", "delay_seconds", form="{:.2f}").cell(1.005) == "1.00"


def test_what_a_method_cannot_do_keeps_it_out_of_a_table():
    regions, scores = METHODS["statistic-selection"], METHODS["pca-spe"]
    contrast = METHODS["contrast-mean"]
    assert PROTOCOLS["skab"].refuse(regions) == "it gives no scores"
    assert PROTOCOLS["tep-pairs"].refuse(scores) == "it gives no regions"
    assert PROTOCOLS["tep-adapt"].refuse(contrast) is None
    assert "unlabelled" in PROTOCOLS["tep-monitor"].refuse(contrast)
    assert PROTOCOLS["tep-many"].refuse(regions) is PROTOCOLS["tep-many"].refuse(scores) is None


def test_methods_that_train_long_and_ablations_are_shown_only_if_asked_for():
    plan = PROTOCOLS["tep-monitor"]
    usual, every = plan.methods(), plan.methods(slow=True)
    assert {name.partition("@")[0] for name in set(every) - set(usual)} == {
        "conv-autoencoder",
        "lstm-autoencoder",
        "pyod-autoencoder",
        "pyod-deepsvdd",
    }
    assert not any(METHODS[name.partition("@")[0]].ablation for name in every)
    assert replace(plan, variants=False).methods()[3] == "kmeans-windows"
