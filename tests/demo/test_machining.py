import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import dccad
from dccad.cli.printing.demo import print_machining_demo
from dccad.datasets.machining.plan import KINDS
from dccad.datasets.machining.preparation import load_peeling
from dccad.datasets.machining.simulation import simulate_peeling
from dccad.demo.machining import run_machining_demo
from dccad.logs.inputs import check_log
from dccad.logs.runs import Reading

TINY = {
    "window": 8,
    "n_kernels": 2,
    "pretrain_epochs": 1,
    "joint_epochs": 1,
    "n_init": 1,
    "calibration": "held-out",
    "stride": 20,
}
BARS, RATE = 20, 40.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "machining"
    run_machining_demo(folder, seed=1, settings=TINY, n_bars=BARS, sampling_rate=RATE)
    return folder


@pytest.fixture(scope="module")
def metrics(folder):
    return json.loads((folder / "metrics.json").read_text())


@pytest.fixture(scope="module")
def table(folder):
    return pl.read_parquet(folder / "scores.parquet")


def test_the_demo_writes_workbooks_models_scores_metrics_and_figures(folder):
    figures = {
        "losses.png",
        "partition_scores.png",
        "monitor_scores.png",
        "monitor_kinds.png",
        "detection_rates.png",
    }
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "workbooks",
        "model",
        "monitor",
        "scores.parquet",
        "metrics.json",
        *figures,
    }
    for name in figures:
        assert (folder / name).read_bytes().startswith(b"\x89PNG")
    assert len(list((folder / "workbooks").iterdir())) == 4


def test_the_models_saw_their_rows_of_the_workbooks_and_gave_the_scores(folder, table):
    dataset = load_peeling(folder / "workbooks", sampling_rate=RATE)
    assert table["run"].unique(maintain_order=True).to_list() == [run.name for run in dataset.test]
    normal = [run for run in dataset.train if run.fault == 0]
    assert 0 < len(normal) < len(dataset.train)
    for name, column, runs in (
        ("model", "score", dataset.train),
        ("monitor", "monitor_score", normal),
    ):
        detector = dccad.load(folder / name)
        assert detector.data_digest_ == check_log(list(runs), Reading(max_gap=3600.0)).digest()
        assert (detector.reference_digest_ is None) == (name == "model")
        found = np.concatenate(detector.decision_function(list(dataset.test)))
        np.testing.assert_allclose(table[column].to_numpy(), found, rtol=1e-4, atol=1e-4)


def test_the_metrics_can_be_recomputed_from_the_scores(metrics, table):
    rows = np.rint(table["time"].to_numpy() * RATE).astype(int)
    kinds = np.array(KINDS)[simulate_peeling(BARS, sampling_rate=RATE, seed=1).kinds[rows]]
    scored = table.with_columns(kind=kinds).filter(pl.col("score").is_not_nan())
    normal = scored.filter(pl.col("kind") == "normal")
    assert [row["kind"] for row in metrics["per_kind"]] == list(KINDS)
    for row in metrics["per_kind"]:
        mine = scored.filter(pl.col("kind") == row["kind"])
        assert row["rows"] == mine.height > 0
        anomalous = mine["state"].str.starts_with("anomalous").mean()
        assert row["partition"]["anomalous_region"] == pytest.approx(anomalous)
        for name, prefix in (("partition", ""), ("monitor", "monitor_")):
            assert row[name]["flagged"] == pytest.approx(mine[prefix + "flag"].mean())
            if row["kind"] == "normal":
                assert row[name]["roc_auc"] is None
                assert metrics[name]["realised_false_alarm_rate"] == row[name]["flagged"]
            else:
                score = prefix + "score"
                higher = mine[score].to_numpy()[:, None] > normal[score].to_numpy()
                assert row[name]["roc_auc"] == pytest.approx(higher.mean(), abs=1e-3)


def test_the_metrics_say_how_they_came_about(metrics):
    assert metrics["seed"] == 1
    assert metrics["log"]["bars"] == BARS
    assert "synthetic" in metrics["notes"][0]
    assert metrics["monitor"]["states"][0]["reason"].startswith("holds")
    rows = {part: metrics["runs"][part]["rows"] for part in ("train", "test")}
    assert rows["train"] / sum(rows.values()) == pytest.approx(0.7, abs=0.01)


def test_what_was_found_is_printed_within_80_columns(metrics, capsys):
    print_machining_demo(metrics, Path("there"))
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    worn = metrics["per_kind"][-1]
    figures = [f"{worn[name]['roc_auc']:.3f}" for name in ("partition", "monitor")]
    shares = [worn["partition"]["anomalous_region"], worn["monitor"]["flagged"]]
    expected = [figures[0], f"{shares[0]:.0%}", figures[1], f"{shares[1]:.0%}"]
    [line] = [line.split() for line in shown.splitlines() if line.startswith("worn tool")]
    assert line[2:] == [str(worn["rows"]), *expected]
    assert f"got {metrics['monitor']['realised_false_alarm_rate']:.1%}" in " ".join(shown.split())


def test_the_demo_can_be_run_again_in_its_folder(folder, metrics):
    again = run_machining_demo(folder, seed=1, settings=TINY, n_bars=BARS, sampling_rate=RATE)
    for name in ("partition", "monitor"):
        again[name].pop("fit_seconds")
        metrics[name].pop("fit_seconds")
    assert again == metrics
