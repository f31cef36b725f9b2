"""The demonstration on the peeling machine: simulate, write workbooks, read, fit, judge, draw.

Everything goes the way that a company's own files would: the simulated log is written as workbooks
and nothing but these workbooks is read. The simulator's record of what went wrong is looked at
when the results are judged, and at no time before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from dccad import plots
from dccad.datasets.machining.plan import KINDS
from dccad.datasets.machining.preparation import load_peeling
from dccad.datasets.machining.simulation import PeelingLog, simulate_peeling
from dccad.datasets.machining.workbooks import write_peeling_workbooks
from dccad.datasets.score_files import write_scores
from dccad.detector import DCCA
from dccad.extras import require
from dccad.files import replace_files
from dccad.persistence import check_target, versions
from dccad.plots.machining import plot_detection_rates, plot_kind_details, plot_torque_scores
from dccad.progress import progress_bar
from dccad.results import score_table
from dccad.runs import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOWNSAMPLE = 2
"""Rows of the logger in one row of the runs: 200 Hz become 100 Hz."""

N_FILES = 4

SETTINGS: dict[str, Any] = {
    "window": 16,  # 0.16 s, 1.6 revolutions; an inclusion lasts 0.2 to 0.6 s
    "stride": 7,  # no factor in common with the 10 rows of a revolution: every angle is trained on
    "pretrain_epochs": 4,
    "joint_epochs": 8,
    "update_interval": 4,
    "batch_size": 128,
    "false_alarm_rate": 0.05,  # both ends of every bar, 3 % of the time, look unlike its middle
    "max_gap": 3600.0,  # s; stretches go on across idle time, as published
}
"""Parameters of both detectors; chosen on logs of the seeds 101 and 102, which no demo shows."""

NOTES = (
    "The log is synthetic; its figures say nothing about a real machine.",
    "Labels decide where runs begin and end, as in the published preparation; no model sees them.",
    "The partition is fitted on all runs of the training part, unlabelled.",
    "The monitor is fitted on the normal runs of the training part.",
    "The first window - 1 rows of each run have no score and are not judged.",
)


def run_machining_demo(
    folder: Path,
    seed: int = 0,
    settings: dict[str, Any] | None = None,
    *,
    n_bars: int = 40,
    sampling_rate: float = 200.0,
) -> dict[str, Any]:
    """Use the detector in its two ways on a simulated peeling machine and judge each anomaly kind.

    Writes ``workbooks/``, ``model/`` (partition), ``monitor/``, ``scores.parquet`` (the test part),
    ``metrics.json`` and the figures as PNG.

    Parameters
    ----------
    folder : Path
        Made if it does not exist; files of an earlier demo are replaced.
    seed : int
        Of the simulated log and of both detectors.
    settings : dict, optional
        Parameters of :class:`dccad.DCCA` that differ from ``SETTINGS``.
    n_bars : int
    sampling_rate : float, in Hz
        Of the simulated log.

    Returns
    -------
    dict
        The contents of ``metrics.json``.
    """
    require("matplotlib", extra="plots")
    require("xlsxwriter", extra="spreadsheets")
    for name in ("model", "monitor"):
        check_target(folder / name)
    log = simulate_peeling(n_bars, sampling_rate=sampling_rate, seed=seed)
    write_peeling_workbooks(log, folder / "workbooks", n_files=N_FILES)
    dataset = load_peeling(
        folder / "workbooks", label="Label", downsample=DOWNSAMPLE, sampling_rate=sampling_rate
    )
    chosen = {**SETTINGS, **(settings or {})}
    partition, partition_seconds = _fit(seed, chosen, X=list(dataset.train))
    normal = [run for run in dataset.train if run.fault == 0]
    monitor, monitor_seconds = _fit(seed, chosen, X=None, normal=normal)
    partition.save(folder / "model")
    monitor.save(folder / "monitor")

    table = _judged_table(log, dataset.test, partition, monitor)
    write_scores(folder / "scores.parquet", table)
    parts = {
        "log": {
            "bars": n_bars,
            "seconds": round(len(log) / sampling_rate, 1),
            "sampling_rate": sampling_rate,
            "rows": len(log),
            "cutting_rows": int(log.cutting.sum()),
            "workbooks": N_FILES,
            "downsample": DOWNSAMPLE,
        },
        "runs": {
            name: {
                "normal": sum(run.fault == 0 for run in runs),
                "anomalous": sum(run.fault == 1 for run in runs),
                "rows": sum(map(len, runs)),
            }
            for name, runs in (("train", dataset.train), ("test", dataset.test))
        },
    }
    metrics = {
        "dataset": "peeling-simulated",
        "seed": seed,
        "versions": versions(),
        "notes": list(NOTES),
        **parts,
        "partition": _judge_all(partition, partition_seconds, table, ""),
        "monitor": _judge_all(monitor, monitor_seconds, table, "monitor_"),
        "per_kind": [
            {
                "kind": kind,
                "rows": int((table["kind"] == kind).sum()),
                "scored_rows": int(((table["kind"] == kind) & _scored(table)).sum()),
                "partition": _judge_kind(kind, table, ""),
                "monitor": _judge_kind(kind, table, "monitor_"),
            }
            for kind in KINDS
        ],
    }
    replace_files({folder / "metrics.json": (json.dumps(metrics, indent=1) + "\n").encode()})
    _draw(folder, partition, monitor, table, metrics)
    return metrics


def _fit(seed: int, settings: dict[str, Any], **data: Any) -> tuple[DCCA, float]:
    started = perf_counter()
    detector = DCCA(random_state=seed, verbose=True, **settings).fit(**data)
    return detector, perf_counter() - started


def _judged_table(
    log: PeelingLog, runs: Sequence[Run], partition: DCCA, monitor: DCCA
) -> dict[str, NDArray[Any]]:
    """Scores of both detectors, one row per row of the runs, with what happened in it."""
    named = {run.name: run for run in runs}
    table = score_table(partition, named)
    monitored = score_table(monitor, named)
    kinds = log.kinds_at(table["time"])
    return {
        **table,
        **{
            f"monitor_{name}": monitored[name]
            for name in ("score", "p_value", "flag", "region", "state")
        },
        "torque": np.concatenate([run.values[:, 0] for run in runs]),
        "label": np.concatenate([run.labels for run in runs]),
        "kind": np.array(KINDS)[kinds],
    }


def _scored(table: dict[str, NDArray[Any]]) -> NDArray[np.bool_]:
    scored: NDArray[np.bool_] = ~np.isnan(table["score"])
    return scored


def _judge_all(
    detector: DCCA, seconds: float, table: dict[str, NDArray[Any]], prefix: str
) -> dict[str, Any]:
    """Figures of one detector over all scored rows of the test part."""
    scored = _scored(table)
    labels, flags = table["label"][scored], table[prefix + "flag"][scored]
    return {
        "fit_seconds": round(seconds, 1),
        "threshold": detector.threshold_,
        "roc_auc": _auc(labels, table[prefix + "score"][scored]),
        "false_alarm_rate": detector.false_alarm_rate,
        "realised_false_alarm_rate": _mean(flags[labels == 0]),
        "detection_rate": _mean(flags[labels == 1]),
        "region_rule": detector.region_report_.rule,
        "states": [
            {name: state[name] for name in ("name", "normal", "share", "reason")}
            for state in detector.states_
        ],
    }


def _judge_kind(kind: str, table: dict[str, NDArray[Any]], prefix: str) -> dict[str, Any]:
    """Figures of one kind of stretches; None where there are no rows to judge.

    ``flagged``: share of its rows; ``anomalous_region``: share in an anomalous state;
    ``stretches`` with a score, and how many of them have a flagged row; ``roc_auc`` against all
    normal rows.
    """
    scored = _scored(table)
    mine = scored & (table["kind"] == kind)
    flags, names = table[prefix + "flag"], table["run"]
    both = scored & ((table["kind"] == kind) | (table["label"] == 0))
    return {
        "roc_auc": _auc(table["kind"][both] == kind, table[prefix + "score"][both]),
        "flagged": _mean(flags[mine]),
        "anomalous_region": _mean(np.char.startswith(table[prefix + "state"][mine], "anomalous")),
        "stretches": len(np.unique(names[mine])),
        "stretches_flagged": len(np.unique(names[mine & (flags == 1)])),
    }


def _mean(values: NDArray[Any]) -> float | None:
    return float(values.mean()) if len(values) else None


def _auc(labels: NDArray[Any], scores: NDArray[np.float64]) -> float | None:
    return float(roc_auc_score(labels, scores)) if len(np.unique(labels)) == 2 else None


def _draw(
    folder: Path,
    partition: DCCA,
    monitor: DCCA,
    table: dict[str, NDArray[Any]],
    metrics: dict[str, Any],
) -> None:
    """Write every figure; the progress bar counts them."""
    kinds = np.array([KINDS.index(kind) for kind in table["kind"].tolist()])

    def course(
        plot: Callable[..., Figure], detector: DCCA, prefix: str, title: str, **options: Any
    ) -> Figure:
        return plot(
            table["time"],
            table["torque"],
            table[prefix + "score"],
            detector.threshold_,
            kinds,
            KINDS,
            title=title,
            **options,
        )

    def rates() -> Figure:
        return plot_detection_rates(
            KINDS,
            {
                name: [row[name]["flagged"] for row in metrics["per_kind"]]
                for name in ("partition", "monitor")
            },
            false_alarm_rate=monitor.false_alarm_rate,
            title="Rows flagged in the test part of a simulated log",
        )

    rate = {"false_alarm_rate": monitor.false_alarm_rate}
    whole = "Test part of a simulated log: "
    figures: dict[str, Callable[[], Figure]] = {
        "losses": lambda: plots.plot_losses(partition.history_),
        "partition_scores": lambda: course(
            plot_torque_scores, partition, "", whole + "partition", **rate
        ),
        "monitor_scores": lambda: course(
            plot_torque_scores, monitor, "monitor_", whole + "monitor", **rate
        ),
        "monitor_kinds": lambda: course(
            plot_kind_details, monitor, "monitor_", "First of each kind in the test part: monitor"
        ),
        "detection_rates": rates,
    }
    with progress_bar("figures", len(figures)) as advance:
        for done, (name, draw) in enumerate(figures.items(), start=1):
            draw().savefig(folder / f"{name}.png", dpi=150)
            advance(done, name)
