"""The demonstration: fit on the embedded Tennessee Eastman set, judge, and draw."""

from __future__ import annotations

import json
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from dccad import plots
from dccad.datasets import Dataset, load_tep_simulated
from dccad.datasets.files import replace_files
from dccad.datasets.tables import write_scores
from dccad.datasets.tep import FAULTS, SAMPLE_SECONDS
from dccad.detector import DCCA
from dccad.evaluation.protocols import judge, pooled_tasks
from dccad.extras import require
from dccad.persistence import check_target, versions
from dccad.progress import progress_bar
from dccad.results import score_table
from dccad.runs import Run

SHOWN_FAULT = 1
"""Fault whose test run is drawn; fixed beforehand, not chosen by the result."""

SHOWN_MAPS = 6
"""Activation maps of each group that the heat map shows."""


def run_demo(folder: Path, seed: int = 0, settings: dict[str, Any] | None = None) -> dict[str, Any]:
    """Fit without labels on the 21 training runs; score and judge the 21 test runs.

    Writes ``model/``, ``scores.parquet``, ``metrics.json`` and the figures as PNG.

    Parameters
    ----------
    folder : Path
        Made if it does not exist; files of an earlier demo are replaced.
    seed : int
    settings : dict, optional
        Parameters of :class:`dccad.DCCA` that differ from its defaults.

    Returns
    -------
    dict
        The contents of ``metrics.json``.
    """
    require("matplotlib", extra="plots")
    require("openTSNE", extra="plots")
    check_target(folder / "model")
    folder.mkdir(parents=True, exist_ok=True)
    dataset = load_tep_simulated()
    detector = DCCA(random_state=seed, verbose=True, **(settings or {}))
    started = perf_counter()
    detector.fit(list(dataset.train))
    fit_seconds = perf_counter() - started
    detector.save(folder / "model")

    table = score_table(detector, {run.name: run for run in dataset.test})
    write_scores(folder / "scores.parquet", table)
    figures, per_map = judge(detector, pooled_tasks(dataset)[0])
    assert per_map is not None
    metrics = {
        "dataset": dataset.name,
        "seed": seed,
        "versions": versions(),
        "fit_seconds": round(fit_seconds, 1),
        "threshold": detector.threshold_,
        "figures": figures,
        "roc_auc": _auc(np.concatenate([run.labels for run in dataset.test]), table["score"]),
        "per_fault": [_judge_run(run, table) for run in dataset.test],
        "per_map": per_map,
    }
    replace_files({folder / "metrics.json": (json.dumps(metrics, indent=1) + "\n").encode()})
    _draw(folder, detector, dataset, table, per_map)
    return metrics


def _judge_run(run: Run, table: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Flagged shares before and after the onset of one test run, and the ROC-AUC within it."""
    mine = table["run"] == run.name
    scored = mine & ~np.isnan(table["score"])
    labels = np.zeros(len(mine), dtype=np.int8)
    labels[mine] = run.labels
    flags = table["flag"]
    after = scored & (labels == 1)
    return {
        "fault": run.fault,
        "description": FAULTS.get(run.fault or 0, "none").split(":")[0],
        "flagged_before": float(flags[scored & (labels == 0)].mean()),
        "flagged_after": float(flags[after].mean()) if after.any() else None,
        "roc_auc": _auc(labels[mine], table["score"][mine]),
    }


def _auc(labels: NDArray[np.int8], scores: NDArray[np.float64]) -> float | None:
    known = ~np.isnan(scores)
    if len(np.unique(labels[known])) < 2:
        return None
    return float(roc_auc_score(labels[known], scores[known]))


def _draw(
    folder: Path,
    detector: DCCA,
    dataset: Dataset,
    table: dict[str, NDArray[Any]],
    per_map: dict[str, list[Any]],
) -> None:
    """Write every figure."""
    names = ("losses", "maps", "distance_accuracy", "tsne", "activation_maps", "scores", "normal")
    with progress_bar("figures", len(names)) as advance:
        for done, name in enumerate(names):
            advance(done, name)
            if name == "losses":
                figure = plots.plot_losses(detector.history_)
            elif name == "maps":
                figure = plots.plot_map_figures(per_map)
            elif name == "distance_accuracy":
                figure = plots.plot_distance_accuracy(per_map)
            elif name == "tsne":
                figure = _draw_tsne(detector, dataset)
            elif name == "activation_maps":
                figure = _draw_maps(detector, dataset.test_run(SHOWN_FAULT))
            else:
                run = dataset.test_run(SHOWN_FAULT if name == "scores" else 0)
                figure = _draw_scores(detector, run, table)
            figure.savefig(folder / f"{name}.png", dpi=150)
        advance(len(names), "done")


def _hours(n_rows: int) -> NDArray[np.float64]:
    return np.arange(n_rows) * SAMPLE_SECONDS / 3600


def _draw_scores(detector: DCCA, run: Run, table: dict[str, NDArray[Any]]) -> Any:
    fault = f"fault {run.fault}: {FAULTS[run.fault]}" if run.fault else "fault-free run"
    return plots.plot_scores(
        table["score"][table["run"] == run.name],
        detector.threshold_,
        onset=run.onset,
        hours=_hours(len(run)),
        title=fault,
        false_alarm_rate=detector.false_alarm_rate,
    )


def _draw_maps(detector: DCCA, run: Run) -> Any:
    latents = detector.score_windows([run], keep_latents=True).latents
    first = detector.window - 1
    maps = [
        *detector.clustering_kernels_[:SHOWN_MAPS],
        *detector.reconstruction_kernels_[:SHOWN_MAPS],
    ]
    return plots.plot_activation_maps(
        latents,
        [int(m) for m in maps],
        onset=None if run.onset is None else run.onset - first,
        clustering=[int(m) for m in detector.clustering_kernels_],
        hours=_hours(len(run))[first:],
    )


def _draw_tsne(detector: DCCA, dataset: Dataset) -> Any:
    runs = [dataset.test_run(0), dataset.test_run(SHOWN_FAULT)]
    results = detector.score_windows(runs, keep_latents=True)
    assert results.latents is not None
    labels = np.concatenate([run.labels[detector.window - 1 :] for run in runs])
    maps = detector.clustering_kernels_
    embedding, chosen = plots.embed_latents(results.latents[:, maps])
    return plots.plot_tsne(
        embedding,
        results.regions[chosen],
        labels[chosen],
        normal_region=0,
        title=f"Clustering maps, fault-free run and fault {SHOWN_FAULT}",
    )
