"""The demonstration: fit on the embedded Tennessee Eastman set, judge, and draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dccad import plots
from dccad.datasets import Dataset, load_tep_simulated
from dccad.datasets.tep.classic import SAMPLE_SECONDS
from dccad.datasets.tep.simulator import REVISED_FAULTS
from dccad.demo.common import begin, finish, fit, score
from dccad.detector import DCCA
from dccad.evaluation.metrics import cluster_figures, ranking_figures, share_of
from dccad.evaluation.partition import judge
from dccad.evaluation.protocols.tep import pooled_tasks
from dccad.logs.runs import Run
from dccad.support.tensors import to_array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN_FAULT = 1
"""Fault whose test run is drawn; fixed beforehand, not chosen by the result."""

SHOWN_MAPS = 6
"""Activation maps of each group that the heat map shows, one of each kernel."""


def run_demo(folder: Path, seed: int = 0, settings: dict[str, Any] | None = None) -> dict[str, Any]:
    """Use the detector in its two ways and judge both on the 21 test runs.

    Partition: fit on the 21 training runs together, no label, no reference, in as many states as
    are clear. Monitor: fit on the fault-free training run alone. Writes ``model/`` (partition),
    ``monitor/``, ``scores.parquet``, ``metrics.json`` and the figures as PNG.
    """
    begin(folder, matplotlib="plots", openTSNE="plots")
    dataset = load_tep_simulated()
    test = {run.name: run for run in dataset.test}

    settings = settings or {}
    several = {"n_clusters": "auto", **settings}
    partition, divided = fit(folder / "model", seed, several, X=list(dataset.train))
    monitor, watched = fit(folder / "monitor", seed, settings, X=None, normal=dataset.train_run(0))
    table, monitored = score(folder, partition, monitor, test)
    labels = np.concatenate([run.labels for run in dataset.test])
    figures, per_map = judge(partition, pooled_tasks(dataset)[0])
    assert per_map is not None
    known = table["region"] >= 0
    anomalous = ~np.isin(table["region"], partition.region_report_.normal_regions)
    figures |= cluster_figures(labels[known], anomalous[known].astype(np.int64))
    normal_rows = (labels == 0) & ~np.isnan(monitored["score"])
    metrics = {
        "dataset": dataset.name,
        "seed": seed,
        "partition": {
            **divided,
            "figures": figures,
            "roc_auc": _auc(labels, table["score"]),
            "per_map": per_map,
        },
        "monitor": {
            **watched,
            "roc_auc": _auc(labels, monitored["score"]),
            "realised_false_alarm_rate": float(monitored["flag"][normal_rows].mean()),
        },
        "per_fault": [
            {
                "fault": run.fault,
                "description": REVISED_FAULTS.get(run.fault or 0, "none").split(":")[0],
                "partition": _judge_run(run, table, partition),
                "monitor": _judge_run(run, monitored, monitor),
            }
            for run in dataset.test
        ],
    }
    return finish(folder, metrics, _figures(partition, monitor, dataset, per_map))


def _judge_run(run: Run, table: dict[str, NDArray[Any]], detector: DCCA) -> dict[str, float | None]:
    """Figures of one test run; None where it has no rows to judge."""
    mine = table["run"] == run.name
    score, flag, region = (table[name][mine] for name in ("score", "flag", "region"))
    scored = ~np.isnan(score)
    before, after = scored & (run.labels == 0), scored & (run.labels == 1)
    return {
        "flagged_before": share_of(flag[before]),
        "flagged_after": share_of(flag[after]),
        "anomalous_region_after": share_of(
            ~np.isin(region[after], detector.region_report_.normal_regions)
        ),
        "roc_auc": _auc(run.labels, score),
    }


def _auc(labels: NDArray[np.int8], scores: NDArray[np.float64]) -> float | None:
    known = ~np.isnan(scores)
    return ranking_figures(labels[known], scores[known])["roc_auc"]


def _figures(
    partition: DCCA, monitor: DCCA, dataset: Dataset, per_map: dict[str, list[Any]]
) -> dict[str, Callable[[], Figure]]:
    """How to draw each figure."""
    faulty, normal = dataset.test_run(SHOWN_FAULT), dataset.test_run(0)
    return {
        "losses": lambda: plots.plot_losses(partition.history_),
        "maps": lambda: plots.plot_map_figures(per_map),
        "distance_accuracy": lambda: plots.plot_distance_accuracy(per_map, by="quality"),
        "tsne": lambda: _draw_tsne(partition, [normal, faulty]),
        "activation_maps": lambda: _draw_maps(partition, faulty),
        "partition_scores": lambda: _draw_scores(partition, faulty),
        "monitor_scores": lambda: _draw_scores(monitor, faulty),
        "monitor_scores_normal": lambda: _draw_scores(monitor, normal),
    }


def _hours(n_rows: int) -> NDArray[np.float64]:
    return np.arange(n_rows) * SAMPLE_SECONDS / 3600


def _draw_scores(detector: DCCA, run: Run) -> Figure:
    fault = f"fault {run.fault}: {REVISED_FAULTS[run.fault]}" if run.fault else "fault-free run"
    return plots.plot_scores(
        detector.decision_function(run),
        detector.threshold_,
        onset=run.onset,
        hours=_hours(len(run)),
        title=fault,
        false_alarm_rate=detector.false_alarm_rate,
    )


def _draw_maps(detector: DCCA, run: Run) -> Figure:
    latents = detector.score_windows([run], keep_latents=True).latents
    assert latents is not None
    first = detector.window - 1
    return plots.plot_activation_maps(
        latents,
        [
            *detector.clustering_maps_[:SHOWN_MAPS].tolist(),
            *_reconstruction_maps(detector)[:SHOWN_MAPS],
        ],
        onset=None if run.onset is None else run.onset - first,
        clustering=detector.clustering_maps_,
        hours=_hours(len(run))[first:],
    )


def _reconstruction_maps(detector: DCCA) -> list[int]:
    """The best map of each reconstruction kernel, the best first."""
    best_first = np.argsort(detector.map_ranks_)
    kernels = to_array(detector.model_.network.kernel_of_map)[best_first]
    return [
        int(best_first[kernels == kernel][0])
        for kernel in detector.reconstruction_kernels_.tolist()
    ]


def _draw_tsne(detector: DCCA, runs: Sequence[Run]) -> Figure:
    results = detector.score_windows(runs, keep_latents=True)
    assert results.latents is not None
    labels = np.concatenate([run.labels[detector.window - 1 :] for run in runs])
    embedding, chosen = plots.embed_latents(results.latents[:, detector.clustering_maps_])
    return plots.plot_tsne(
        embedding,
        1 - np.isin(results.regions[chosen], detector.region_report_.normal_regions),
        labels[chosen],
        normal_region=0,
        title=f"Clustering maps, fault-free run and fault {SHOWN_FAULT}",
    )
