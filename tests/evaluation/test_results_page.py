"""The page of results shows what the records of every protocol hold."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from conftest import FAST
from dccad import Run
from dccad.datasets import Dataset
from dccad.datasets.machining.simulation import simulate_peeling
from dccad.evaluation.benchmark import run_benchmark
from dccad.evaluation.protocols import peeling
from dccad.evaluation.registry import PROTOCOLS

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "render_results.py"
SETTINGS = {name: FAST[name] for name in FAST if name not in ("false_alarm_rate", "random_state")}


def noise(n_rows, name, seed, shift=0.0, **extra):
    values = np.random.default_rng(seed).normal(size=(n_rows, 2)) + shift
    return Run(values, ("a", "b"), name, **extra)


def render(command):
    """The page that the command prints."""
    utf8 = {**os.environ, "PYTHONUTF8": "1"}
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", check=True, env=utf8
    ).stdout


@pytest.fixture(scope="module")
def records():
    tep = Dataset(
        "mini",
        (noise(60, "d00", 0, fault=0), noise(60, "d01", 1, 5.0, fault=1, onset=0)),
        (noise(60, "d00_te", 2, fault=0), noise(60, "d01_te", 3, 5.0, fault=1, onset=20)),
    )
    many = Dataset(
        "tep-many",
        (noise(60, "n", 5, fault=0),),
        tuple(noise(60, f"n{n}", n, fault=0) for n in (6, 7))
        + tuple(noise(60, f"f{n}", n, 5.0, fault=1, onset=0) for n in (8, 9)),
    )
    labels = np.repeat([0, 1], [420, 30])
    skab = Dataset("skab", (), (noise(450, "valve1/0", 4, row_labels=labels),))
    machine = peeling.prepare(simulate_peeling(20, sampling_rate=40.0, seed=3))
    sets = dict.fromkeys((name for name in PROTOCOLS if name.startswith("tep-")), tep)
    sets |= {"tep-many": many, "skab": skab, "peeling": machine}
    assert set(sets) == set(PROTOCOLS)
    return {
        name: run_benchmark(
            name, data, methods=["dccad", "kmeans-windows"], seeds=[0], settings=SETTINGS
        )
        for name, data in sets.items()
    }


@pytest.fixture(scope="module")
def page(records, tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    for name, record in records.items():
        (folder / name).write_text(json.dumps(record, allow_nan=False))
    command = [sys.executable, SCRIPT, *(folder / name for name in records)]
    return render(command)


def percent(figure):
    """Of one seed: a single value has no deviation."""
    return f"{100 * figure['mean']:.1f}"


def part_of(page, protocol):
    return next(part for part in page.split("\n## ") if part.startswith(f"`{protocol}`"))


def rows_of(text, first):
    """Cells of the table rows whose first cell is this."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    return [cells[1:] for cells in lines if cells[0] == first]


@pytest.mark.parametrize(
    ("protocol", "figures"),
    [
        ("tep-pooled", ("acc", "train_acc", "acc_k2", "oracle_map_acc")),
        ("tep-pairs", ("acc_1", "train_nmi_1", "top_map_acc_1")),
        ("tep-runs", ("acc_1", "nmi_1", "ari_1", "oracle_map_acc_1")),
        ("tep-monitor", ("fdr_1_at_far_1", "fdr_1_at_far_5", "far_calibrated_1", "roc_auc")),
        ("tep-adapt", ("fdr_1_at_far_1", "fdr_1_calibrated", "average_precision", "missed_1")),
        ("tep-many", ("tpr_calibrated", "far_calibrated_1", "average_precision", "acc_k2")),
        ("skab", ("roc_auc_per_file", "far_calibrated_1", "mar_calibrated_1", "f1")),
        ("peeling", ("acc", "balanced_acc", "region_far", "roc_auc", "fdr_calibrated_1")),
    ],
)
def test_the_page_shows_the_figures_of_each_method(page, records, protocol, figures):
    text = part_of(page, protocol)
    for method in ("dccad", "kmeans-windows"):
        cells = [cell for row in rows_of(text, f"`{method}`") for cell in row]
        for name in figures:
            figure = records[protocol]["results"][method].get(name)
            assert figure is None or percent(figure) in cells, name
    assert percent(records[protocol]["results"]["dccad"][figures[0]]) in text


def test_delays_are_rows_and_not_percent(page, records):
    text, found = part_of(page, "tep-many"), records["tep-many"]["results"]["kmeans-windows"]
    cells = [cell for row in rows_of(text, "`kmeans-windows`") for cell in row]
    for name in ("delay_calibrated", "add_at_fpr_0_14"):
        assert f"{found[name]['mean']:.1f}" in cells


def test_the_rules_that_read_no_sensor_stand_beside_the_methods(page, records):
    text = part_of(page, "skab")
    table, by_file = (rows[0] for rows in (rows_of(text, "`all-rows`"), rows_of(text, "valve1/0")))
    assert table[-1] == percent(records["skab"]["results"]["all-rows"]["f1"])
    assert len(by_file) == 2 + 3
    assert len(rows_of(text, "`all-rows`")) == 1  # they have no time


def test_kinds_are_listed_with_a_dash_where_there_is_no_figure(page, records):
    kinds = records["peeling"]["results"]["dccad"]["per_kind"]
    text = part_of(page, "peeling")
    assert "Synthetic data" in text
    place = rows_of(text, "kind")[0].index("`dccad`")  # the best method stands first
    for position, kind in enumerate(kinds["kind"]):
        tables = rows_of(text, kind)
        assert len(tables) == 5
        for cells, name in zip(
            tables, ("balanced_acc", "roc_auc", "fdr_calibrated_1", "events_detected"), strict=False
        ):
            value = kinds[name][position]
            assert cells[place] == ("–" if value is None else f"{100 * value:.1f}")
        delay = kinds["delay_seconds"][position]
        assert tables[4][place] == ("–" if delay is None else f"{delay:.2f}")


def test_a_baseline_is_shown_at_its_best_window_and_methods_by_falling_figure(tmp_path):
    def entry(mean, **notes):
        figure = {"mean": mean, "std": 0.01, "per_seed": [mean - 0.01, mean + 0.01]}
        names = ["fdr_1_at_far_1", "missed_1", "fit_seconds", "rows_per_second"]
        delays = ["delay_1_at_far_1", "delay_1_calibrated"]
        per_fault = {"per_fault": {"fault": [1], "fdr_at_far_1": [mean]}}
        return {**dict.fromkeys([*names, *delays], figure), **per_fault, **notes}

    results = {
        "dccad": entry(0.25),
        "lw-mean@1": entry(0.5, deterministic=True),
        "lw-mean@10": entry(0.75, deterministic=True, fit_on="reference"),
        "neighbours@30": entry(0.125),
    }
    record = {
        "protocol": "tep-adapt",
        "dataset": "mini",
        "seeds": [0, 1],
        "environment": {"date": "", "cores": 2, "processes": 1, "versions": {}},
        "results": results,
        "warnings": {},
    }
    (tmp_path / "record").write_text(json.dumps(record))
    command = [sys.executable, SCRIPT, tmp_path / "record"]
    page = render(command)
    table = page[page.index("**Mean of 1 and") :].splitlines()[4:7]
    assert [line.split("|")[1].strip() for line in table] == [
        "`lw-mean@10`",
        "`dccad`",
        "`neighbours@30`",
    ]
    assert [line.split("|")[2].strip() for line in table] == ["75.0", "25.0 ± 1.0", "12.5 ± 1.0"]
    assert "Reference only: `lw-mean@10`." in page
    assert rows_of(page, "`lw-mean`") == [["50.0", "75.0", "–"]]


def test_one_command_runs_the_protocols_and_writes_the_page(records, tmp_path, monkeypatch, capsys):
    """Protocols whose files are missing keep the section of their earlier record."""
    monkeypatch.syspath_prepend(SCRIPT.parent)
    results = importlib.import_module("results")

    (tmp_path / "earlier").mkdir()
    for name in ("tep-monitor", "peeling"):
        (tmp_path / "earlier" / f"{name}.json").write_text(json.dumps(records[name]))
    (tmp_path / "tep").mkdir()
    ran = []
    run = subprocess.run

    def keep(words, **options):
        if "benchmark" in words:
            return ran.append(words)
        return run(words, **options)

    monkeypatch.setattr(subprocess, "run", keep)
    page = tmp_path / "page.md"
    arguments = ["--data", tmp_path, "--records", tmp_path / "earlier", "--output", page]
    arguments += ["--only", "tep-monitor", "skab", "--seed", 3, 4]
    monkeypatch.setattr(sys, "argv", ["results.py", *map(str, arguments)])
    results.main()
    [words] = ran
    assert words[3:5] == ["benchmark", "tep-monitor"]
    assert words[words.index("--data") + 1] == str(tmp_path / "tep")
    assert words[-6:] == ["--seed", "3", "--seed", "4", "--method", "all"]
    assert f"skab: no folder {tmp_path / 'skab'}, left out" in capsys.readouterr().out
    headings = [line for line in page.read_text().splitlines() if line.startswith("## ")]
    assert headings == ["## `tep-monitor`, mini", "## `peeling`, peeling-simulated"]


def test_methods_run_in_parts_stand_in_one_table(tmp_path, records):
    whole = records["tep-pairs"]
    for name in whole["results"]:
        part = {**whole, "results": {name: whole["results"][name]}}
        (tmp_path / name).write_text(json.dumps(part, allow_nan=False))
    command = [sys.executable, SCRIPT, *(tmp_path / name for name in whole["results"])]
    page = render(command)
    assert page.count("## `tep-pairs`") == 1
    table = page[page.index("**Mean of 1 faults, K = 2, test rows**") :].split("\n\n")[1]
    for name, found in whole["results"].items():
        assert rows_of(table, f"`{name}`")[0][0] == percent(found["acc_1"])
    assert f"* `dccad`: {whole['environment']['date']}, seed 0;" in page


def test_methods_can_be_run_apart_and_the_newest_record_of_each_is_shown(
    records, tmp_path, monkeypatch
):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    results = importlib.import_module("results")
    old = records["peeling"]
    figures = {**old["results"]["dccad"], "acc": {"mean": 0.321, "std": 0.0, "per_seed": [0.321]}}
    (tmp_path / "peeling.json").write_text(json.dumps(old))
    os.utime(tmp_path / "peeling.json", (1, 1))
    run = subprocess.run

    def measure(words, **options):
        if "benchmark" not in words:
            return run(words, **options)
        assert words[-4:] == ["--method", "dccad", "--method", "dccad-published"]
        path = Path(words[words.index("-o") + 1])
        assert path == tmp_path / "peeling-dccad-dccad-published.json"
        return path.write_text(json.dumps(old | {"results": {"dccad": figures}}))

    monkeypatch.setattr(subprocess, "run", measure)
    page = tmp_path / "page.md"
    arguments = ["--data", tmp_path, "--records", tmp_path, "--output", page, "--only", "peeling"]
    arguments += ["--method", "dccad", "dccad-published"]
    monkeypatch.setattr(sys, "argv", ["results.py", *map(str, arguments)])
    results.main()
    text = page.read_text()
    assert text.count("## `peeling`") == 1
    partition = text[text.index("**Partition, test rows**") :]
    assert rows_of(partition, "`dccad`")[0][0] == "32.1"
    kmeans = old["results"]["kmeans-windows"]["acc"]
    assert rows_of(partition, "`kmeans-windows`")[0][0] == percent(kmeans)
