"""The demonstration on the peeling machine: simulate, write workbooks, read, fit, judge, draw.

Everything goes the way that a company's own files would: the simulated log is written as workbooks
and nothing but these workbooks is read. The simulator's record of what went wrong is looked at
when the results are judged, and at no time before.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dccad import plots
from dccad.datasets.machining.plan import KINDS
from dccad.datasets.machining.preparation import load_peeling
from dccad.datasets.machining.simulation import simulate_peeling
from dccad.datasets.machining.workbooks import write_peeling_workbooks
from dccad.demo.common import begin, finish, fit, score
from dccad.evaluation.monitoring import judge_monitor
from dccad.evaluation.partition import judge_kinds
from dccad.evaluation.protocols.peeling import make_tasks, name_kinds
from dccad.logs.runs import Run
from dccad.plots.machining import plot_detection_rates, plot_kind_details, plot_torque_scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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

    Parameters are those of :func:`dccad.demo.tep.run_demo`, with ``SETTINGS`` for defaults, and
    ``n_bars`` and ``sampling_rate`` (Hz) of the simulated log; two of its rows become one.
    """
    begin(folder, matplotlib="plots", xlsxwriter="spreadsheets")
    log = simulate_peeling(n_bars, sampling_rate=sampling_rate, seed=seed)
    write_peeling_workbooks(log, folder / "workbooks", n_files=N_FILES)
    dataset = load_peeling(
        folder / "workbooks", label="Label", downsample=2, sampling_rate=sampling_rate
    )
    to_divide, to_watch = make_tasks(name_kinds(dataset, log))
    chosen = {**SETTINGS, **(settings or {})}
    train = [part.run for part in to_divide.train]
    partition, divided = fit(folder / "model", seed, chosen, X=train)
    monitor, watched = fit(folder / "monitor", seed, chosen, X=None, normal=list(to_watch.normal))
    table, monitored = score(folder, partition, monitor, {run.name: run for run in dataset.test})
    figures = judge_monitor(partition, to_watch), judge_monitor(monitor, to_watch)
    metrics: dict[str, Any] = {
        "dataset": "peeling-simulated",
        "seed": seed,
        "notes": list(NOTES),
        "log": {"bars": n_bars, "sampling_rate": sampling_rate, "rows": len(log)},
        "runs": {"train": _count(dataset.train), "test": _count(dataset.test)},
        "partition": divided | _overall(figures[0]),
        "monitor": watched | _overall(figures[1]),
        "per_kind": _per_kind(*figures, judge_kinds(partition, to_watch)),
    }
    columns: dict[str, Any] = {
        "time": table["time"],
        "torque": np.concatenate([run.values[:, 0] for run in dataset.test]),
        "kinds": log.kinds_at(table["time"]),
        "kind_names": KINDS,
    }
    of_partition = {**columns, "scores": table["score"], "threshold": partition.threshold_}
    of_monitor = {**columns, "scores": monitored["score"], "threshold": monitor.threshold_}
    rate: dict[str, Any] = {"false_alarm_rate": monitor.false_alarm_rate}
    whole = "Test part of a simulated log: "
    kinds = "First of each kind in the test part: monitor"
    return finish(
        folder,
        metrics,
        {
            "losses": lambda: plots.plot_losses(partition.history_),
            "partition_scores": lambda: plot_torque_scores(
                **of_partition, title=whole + "partition", **rate
            ),
            "monitor_scores": lambda: plot_torque_scores(
                **of_monitor, title=whole + "monitor", **rate
            ),
            "monitor_kinds": lambda: plot_kind_details(**of_monitor, title=kinds),
            "detection_rates": lambda: _draw_rates(metrics["per_kind"], **rate),
        },
    )


def _count(runs: Sequence[Run]) -> dict[str, int]:
    anomalous = sum(run.fault == 1 for run in runs)
    rows = sum(map(len, runs))
    return {"normal": len(runs) - anomalous, "anomalous": anomalous, "rows": rows}


def _overall(found: dict[str, Any]) -> dict[str, Any]:
    names = {"roc_auc": "roc_auc", "realised_false_alarm_rate": "far", "detection_rate": "fdr"}
    return {name: found["figures"][given] for name, given in names.items()}


def _per_kind(
    divided: dict[str, Any], watched: dict[str, Any], regions: dict[str, Any]
) -> list[dict[str, Any]]:
    """One record per kind of rows: ROC-AUC against normal rows, shares flagged and anomalous."""

    def column(found: dict[str, Any], name: str, of_normal: Any) -> dict[str, Any]:
        per_kind = found["per_kind"]
        return {"normal": of_normal, **dict(zip(per_kind["kind"], per_kind[name], strict=True))}

    counts = divided["counts"]
    rows = column(divided, "rows", counts["false_alarms"] + counts["quiet"])
    outside = column(regions, "region_fdr", regions["figures"]["region_far"])
    (auc, flagged), (monitor_auc, monitor_flagged) = (
        (column(found, "roc_auc", None), column(found, "fdr", found["figures"]["far"]))
        for found in (divided, watched)
    )
    return [
        {
            "kind": kind,
            "rows": rows[kind],
            "partition": {
                "roc_auc": auc[kind],
                "flagged": flagged[kind],
                "anomalous_region": outside[kind],
            },
            "monitor": {"roc_auc": monitor_auc[kind], "flagged": monitor_flagged[kind]},
        }
        for kind in KINDS
        if kind in rows
    ]


def _draw_rates(per_kind: list[dict[str, Any]], false_alarm_rate: float) -> Figure:
    return plot_detection_rates(
        [row["kind"] for row in per_kind],
        {name: [row[name]["flagged"] for row in per_kind] for name in ("partition", "monitor")},
        false_alarm_rate=false_alarm_rate,
        title="Rows flagged in the test part of a simulated log",
    )
