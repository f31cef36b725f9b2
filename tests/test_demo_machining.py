import json

import numpy as np
import polars as pl
import pytest

import dccad
from dccad.datasets.machining.plan import KINDS
from dccad.datasets.machining.preparation import load_peeling
from dccad.datasets.machining.simulation import simulate_peeling
from dccad.demo_machining import SETTINGS, run_machining_demo
from dccad.inputs import check_log

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


def test_the_scores_are_those_of_the_saved_models_on_the_written_workbooks(folder, table):
    dataset = load_peeling(folder / "workbooks", sampling_rate=RATE)
    assert table["run"].unique(maintain_order=True).to_list() == [run.name for run in dataset.test]
    torque = np.concatenate([run.values[:, 0] for run in dataset.test])
    np.testing.assert_array_equal(table["torque"].to_numpy(), torque)
    for name, column in (("model", "score"), ("monitor", "monitor_score")):
        found = np.concatenate(dccad.load(folder / name).decision_function(list(dataset.test)))
        np.testing.assert_allclose(table[column].to_numpy(), found, rtol=1e-4, atol=1e-4)


def test_each_row_is_judged_by_what_happened_in_it(table):
    log = simulate_peeling(BARS, sampling_rate=RATE, seed=1)
    rows = np.rint(table["time"].to_numpy() * RATE).astype(int)
    kinds = np.array(KINDS)[log.kinds[rows]]
    assert table["kind"].to_list() == kinds.tolist()
    np.testing.assert_array_equal(table["label"].to_numpy() == 1, kinds != "normal")
    # the torque of a row is the mean of the two rows of the log that end there
    together = (np.diff(log.bars)[rows - 1] == 0) & log.cutting[rows - 1]
    means = (log.torque[rows] + log.torque[rows - 1]) / 2
    np.testing.assert_allclose(table["torque"].to_numpy()[together], means[together])
    assert together.mean() > 0.98


def test_the_metrics_can_be_recomputed_from_the_scores(metrics, table):
    scored = table.filter(pl.col("score").is_not_nan())
    assert [row["kind"] for row in metrics["per_kind"]] == list(KINDS)
    for row in metrics["per_kind"]:
        mine = scored.filter(pl.col("kind") == row["kind"])
        assert row["rows"] == table.filter(pl.col("kind") == row["kind"]).height
        assert row["scored_rows"] == mine.height
        for name, prefix in (("partition", ""), ("monitor", "monitor_")):
            flags = mine[prefix + "flag"]
            assert row[name]["flagged"] == pytest.approx(flags.mean())
            assert row[name]["stretches"] == mine["run"].n_unique()
            hit = mine.filter(flags == 1)["run"].n_unique()
            assert row[name]["stretches_flagged"] == hit
            if row["kind"] == "normal":
                assert row[name]["roc_auc"] is None
                assert metrics[name]["realised_false_alarm_rate"] == row[name]["flagged"]
            else:
                normal = scored.filter(pl.col("label") == 0)[prefix + "score"].to_numpy()
                higher = mine[prefix + "score"].to_numpy()[:, None] > normal
                assert row[name]["roc_auc"] == pytest.approx(higher.mean(), abs=1e-3)


def test_the_metrics_say_how_they_came_about(metrics):
    assert metrics["seed"] == 1
    assert metrics["log"]["bars"] == BARS
    assert "synthetic" in metrics["notes"][0]
    assert "no model sees" in metrics["notes"][1]
    assert metrics["monitor"]["region_rule"].startswith("holds")
    assert "reference" not in metrics["partition"]["region_rule"]
    runs = metrics["runs"]
    assert runs["train"]["rows"] / (runs["train"]["rows"] + runs["test"]["rows"]) == pytest.approx(
        0.7, abs=0.01
    )


def test_the_partition_sees_all_training_runs_and_the_monitor_the_normal_ones(folder):
    train = load_peeling(folder / "workbooks", sampling_rate=RATE).train
    normal = [run for run in train if run.fault == 0]
    assert 0 < len(normal) < len(train)
    digests = [check_log(list(runs), max_gap=3600.0).digest() for runs in (train, normal)]
    partition, monitor = (dccad.load(folder / name) for name in ("model", "monitor"))
    assert (partition.data_digest_, partition.reference_digest_) == (digests[0], None)
    assert (monitor.data_digest_, monitor.reference_digest_) == (digests[1], digests[1])
    rows = np.concatenate([run.values for run in train])
    assert partition.model_.representation.scaling.shift == pytest.approx(rows.mean())


def test_the_demo_can_be_run_again_in_its_folder(folder, metrics):
    again = run_machining_demo(folder, seed=1, settings=TINY, n_bars=BARS, sampling_rate=RATE)
    for name in ("partition", "monitor"):
        again[name].pop("fit_seconds")
        metrics[name].pop("fit_seconds")
    assert again == metrics


def test_the_settings_are_parameters_of_the_detector():
    assert set(SETTINGS) <= set(dccad.DCCA().get_params())
