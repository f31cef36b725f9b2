import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import dccad
from dccad.cli.printing.demo import print_demo
from dccad.datasets import load_tep_simulated
from dccad.demo import tep as demo
from dccad.demo.tep import run_demo

TINY = {"pretrain_epochs": 1, "joint_epochs": 2, "stride": 10, "calibration": "held-out"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    with pytest.warns(UserWarning, match="2 of 52 sensors never change"):
        run_demo(folder, settings=TINY)
    return folder


def test_the_demo_writes_models_scores_metrics_and_figures(folder):
    names = {path.name for path in folder.iterdir()}
    figures = {
        "losses.png",
        "maps.png",
        "distance_accuracy.png",
        "tsne.png",
        "activation_maps.png",
        "partition_scores.png",
        "monitor_scores.png",
        "monitor_scores_normal.png",
    }
    assert names == {"model", "monitor", "scores.parquet", "metrics.json", *figures}
    for name in figures:
        assert (folder / name).read_bytes().startswith(b"\x89PNG")


def test_the_models_and_scores_of_the_demo_belong_together(folder):
    run = load_tep_simulated().test_run(2)
    table = pl.read_parquet(folder / "scores.parquet").filter(pl.col("run") == run.name)
    for name, column in (("model", "score"), ("monitor", "monitor_score")):
        found = dccad.load(folder / name).decision_function(run)
        np.testing.assert_allclose(table[column].to_numpy(), found, rtol=1e-4, atol=1e-4)


def test_the_metrics_of_the_demo_can_be_recomputed_from_its_files(folder):
    metrics = json.loads((folder / "metrics.json").read_text())
    runs = load_tep_simulated().test
    table = pl.read_parquet(folder / "scores.parquet")
    labels = np.concatenate([run.labels for run in runs])
    flags, scores = table["monitor_flag"].to_numpy(), table["monitor_score"].to_numpy()
    normal = (labels == 0) & ~np.isnan(scores)
    found = metrics["monitor"]["realised_false_alarm_rate"]
    assert found == pytest.approx(flags[normal].mean())
    assert [row["fault"] for row in metrics["per_fault"]] == [run.fault for run in runs]
    first = metrics["per_fault"][1]["monitor"]
    mine = (table["run"] == runs[1].name).to_numpy()
    assert first["flagged_after"] == pytest.approx(flags[mine][160:].mean())
    assert metrics["per_fault"][0]["partition"]["roc_auc"] is None  # one class only


@pytest.fixture
def drawn(folder, monkeypatch):
    """The partition of the demo, and what its two figures of maps hand to the plots."""
    detector, run = dccad.load(folder / "model"), load_tep_simulated().test_run(1)
    given = {}

    def keep(name):
        def plot(*arguments, **options):
            given[name] = (arguments, options)
            return np.zeros((len(run) - 29, 2)), np.arange(len(run) - 29)  # an embedding, in order

        return plot

    for name in ("embed_latents", "plot_activation_maps", "plot_tsne"):
        monkeypatch.setattr(demo.plots, name, keep(name))
    demo._draw_maps(detector, run)
    demo._draw_tsne(detector, [run])
    return detector, run, given


def test_the_heat_map_shows_the_best_maps_of_each_kind_under_their_own_names(drawn):
    detector, run, given = drawn
    (latents, maps), options = given["plot_activation_maps"]
    network, qualities = detector.model_.network, detector.map_qualities_
    kernel_of_map = network.kernel_of_map.numpy()
    best = {k: np.flatnonzero(kernel_of_map == k) for k in range(kernel_of_map.max() + 1)}
    best = [mine[qualities[mine].argmax()] for mine in best.values()]  # one map for each kernel
    by_quality = sorted(best, key=lambda index: -qualities[index])
    half = len(best) // 2
    assert maps == [*by_quality[:6], *by_quality[half : half + 6]]
    assert sorted(options["clustering"]) == sorted(by_quality[:half])
    assert max(maps) >= len(best)  # kernel numbers would have been below
    np.testing.assert_array_equal(latents[:, maps], detector.transform(run)[29:, maps, None])


def test_the_embedding_is_that_of_the_maps_that_the_detector_clusters_by(drawn):
    detector, run, given = drawn
    (latents,), _ = given["embed_latents"]
    expected = detector.transform(run)[29:][:, detector.clustering_maps_]
    np.testing.assert_array_equal(latents[..., 0], expected)


def test_what_was_found_is_printed_within_80_columns(folder, capsys):
    metrics = json.loads((folder / "metrics.json").read_text())
    print_demo(metrics, Path("there"))
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    found = metrics["per_fault"][1]
    expected = [
        f"{found['partition']['roc_auc']:.3f}",
        f"{found['partition']['anomalous_region_after']:.0%}",
        f"{found['monitor']['roc_auc']:.3f}",
        f"{found['monitor']['flagged_before']:.0%}",
        f"{found['monitor']['flagged_after']:.0%}",
    ]
    [line] = [line.split() for line in shown.splitlines() if line.startswith("1 ")]
    assert line[-5:] == expected
    assert f"NMI {metrics['partition']['figures']['nmi']:.3f}" in " ".join(shown.split())
