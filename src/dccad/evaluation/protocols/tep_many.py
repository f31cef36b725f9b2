"""The protocol ``tep-many``: a monitor and K = 21 regions, on many Tennessee Eastman runs.

docs/datasets.md says what each figure counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve

from dccad.datasets import Dataset
from dccad.errors import InputError
from dccad.evaluation.metrics import (
    NEVER,
    cluster_figures,
    detection_row,
    ranking_figures,
    share_of,
    threshold_at_rate,
)
from dccad.evaluation.monitoring import MONITOR_SETTINGS, flag_rows
from dccad.evaluation.partition import region_columns, suffixes_of
from dccad.evaluation.protocol import RATE, SECONDS, Column, Listing, Protocol, Section
from dccad.evaluation.protocols.tep import title_of
from dccad.evaluation.record import Found, mean_of, summarise
from dccad.evaluation.tasks import Judged, Task, by_own_labels
from dccad.logs.runs import Run

FALSE_POSITIVE_RATE = 0.0014
"""That of SensorSCAN on the data of Rieth et al."""

FITTED_SHARE = 0.6
"""Share of the test runs of each condition that belong to the fit of the regions."""

REGIONS_DEFAULTS = {"stride": 5, "calibration": "held-out"}
"""Settings of a fit on 83 runs, whose 68,000 windows differ by one row of 30 from the next."""

MONITOR = "monitor"


def load(folder: Path | None) -> Dataset:
    """Read the simulated set of a folder, or of the data folder where none is given."""
    from dccad.datasets.tep.many import load_tep_many

    return load_tep_many(folder)


def make_tasks(dataset: Dataset) -> list[Task]:
    """The monitor of all test runs, and the regions with K = number of conditions.

    Raises
    ------
    InputError
        There is no fault-free training run, or a condition has no 2 test runs.
    """
    normal = tuple(run for run in dataset.train if run.fault == 0)
    if not normal:
        raise InputError(f"data set {dataset.name!r} has no fault-free training run")
    fitted = [_by_fault(run) for run in normal]
    judged = []
    conditions = (0, *dataset.faults)
    for fault in conditions:
        runs = [_by_fault(run) for run in dataset.test if run.fault == fault]
        if len(runs) < 2:
            raise InputError(
                f"data set {dataset.name!r} has {len(runs)} test runs of fault {fault}, and at "
                "least 2 are needed: some for the fit of the regions, others for its judgement"
            )
        n_fitted = round(FITTED_SHARE * len(runs))
        fitted += runs[:n_fitted]
        judged += runs[n_fitted:]
    test = tuple(by_own_labels(run) for run in dataset.test)
    n_classes = len(conditions)
    return [
        Task(MONITOR, 2, (), test, normal),
        Task(
            f"regions-k{n_classes}",
            n_classes,
            tuple(fitted),
            tuple(judged),
            defaults=REGIONS_DEFAULTS,
        ),
    ]


def judge(method: Any, task: Task) -> dict[str, Any]:
    """Figures of a fitted method: of its scores and flags, or of its regions."""
    return judge_scores(method, task) if task.key == MONITOR else judge_regions(method, task)


def judge_regions(method: Any, task: Task) -> dict[str, Any]:
    """ACC, NMI and ARI of the regions of all judged rows together."""
    labels, regions = [], []
    for part in task.test:  # one by one: all windows at once need gigabytes
        [found] = method.predict_region([part.run])
        full = found >= 0
        labels.append(part.labels[full])
        regions.append(found[full])
    return {"figures": cluster_figures(np.concatenate(labels), np.concatenate(regions))}


@dataclass(frozen=True)
class ScoredRun:
    """What a method said of one test run.

    Attributes
    ----------
    fault : int
    labels : ndarray of shape (n_rows,), 0 / 1
    scores : ndarray of shape (n_rows,)
        NaN where no window is full.
    flags : dict of str to ndarray of shape (n_rows,), bool
        By the threshold that they belong to.
    """

    fault: int
    labels: NDArray[np.int64]
    scores: NDArray[np.float64]
    flags: dict[str, NDArray[np.bool_]] = field(default_factory=dict)

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Rows that have a score."""
        return ~np.isnan(self.scores)


def judge_scores(method: Any, task: Task) -> dict[str, Any]:
    """Figures of scores and flags, pooled and per fault."""
    started = perf_counter()
    runs = [_score(method, part) for part in task.test]
    seconds = perf_counter() - started
    for run, part in zip(runs, task.test, strict=True):
        if hasattr(method, "predict") or getattr(method, "threshold_", None) is not None:
            [run.flags["calibrated"]] = flag_rows(method, [part.run], [run.scores])
    labels, scores = _pooled(runs)
    threshold = threshold_at_rate(scores[labels == 0], FALSE_POSITIVE_RATE)
    for run in runs:
        run.flags["at_fpr_0_14"] = run.scores > threshold
    n_anomalous = int(labels.sum())
    figures = {
        **ranking_figures(labels, scores),
        "best_f1_oracle_threshold": best_f1(labels, scores),
        "f1_flagging_all": 2 * n_anomalous / (n_anomalous + len(labels)),
        "share_anomalous": n_anomalous / len(labels),
        **alarm_figures_of(runs),
        "rows_per_second": sum(len(run.scores) for run in runs) / seconds,
    }
    # asked for were 1 %, and the name says so
    if "far_calibrated" in figures:
        figures["far_calibrated_1"] = figures.pop("far_calibrated")
    return {
        "figures": figures,
        "per_fault": _per_fault(runs),
        "rows_judged": len(labels),
        "rows_without_score": sum(len(run.scores) for run in runs) - len(labels),
    }


def alarm_figures_of(runs: Sequence[ScoredRun]) -> dict[str, float | None]:
    """``tpr``, ``far``, ``delay``, ``add`` and ``missed`` at each threshold of the runs' flags.

    Rows without a score count in neither share. None where there is no row, or no run, to count.

    Examples
    --------
    >>> flags = {"at_5": np.array([False, True, False, True, True, True])}
    >>> run = ScoredRun(4, np.array([0, 0, 1, 1, 1, 1]), np.zeros(6), flags)
    >>> found = alarm_figures_of([run])
    >>> found["tpr_at_5"], found["far_at_5"], found["delay_at_5"], found["missed_at_5"]
    (0.75, 0.5, 1.0, 0.0)
    """
    figures: dict[str, float | None] = {}
    labels, _ = _pooled(runs)
    for point in runs[0].flags:
        flags = np.concatenate([run.flags[point][run.scored] for run in runs])
        after = [run.flags[point][run.labels.argmax() :] for run in runs if run.labels.any()]
        detections = [detection_row(found) for found in after]
        first = [int(found.argmax()) if found.any() else None for found in after]
        figures[f"tpr_{point}"] = share_of(flags[labels == 1])
        figures[f"far_{point}"] = share_of(flags[labels == 0])
        figures[f"delay_{point}"] = mean_of([NEVER if row is None else row for row in detections])
        figures[f"add_{point}"] = mean_of(first)
        figures[f"missed_{point}"] = share_of(np.array([row is None for row in first]))
    return figures


def best_f1(labels: NDArray[Any], scores: NDArray[np.float64]) -> float | None:
    """Highest F1 of the anomalous rows over all thresholds; None if no row is anomalous.

    Examples
    --------
    >>> best_f1(np.array([0, 1, 0, 1]), np.array([0.1, 0.3, 0.2, 0.4]))
    1.0
    >>> best_f1(np.array([0, 0, 1]), np.array([3.0, 1.0, 2.0]))
    0.666...
    """
    if not labels.any():
        return None
    precision, recall, _ = precision_recall_curve(labels, scores)
    # where both are 0 nothing is right, and F1 is 0
    return float(np.max(2 * precision * recall / np.maximum(precision + recall, 1e-12)))


def gather(found: Found, seeds: Sequence[int]) -> dict[str, Any]:
    """Figures of the monitor by their plain names, of the regions with the suffix ``_k21``."""
    figures: dict[str, list[float | None]] = defaultdict(list)
    monitors = []
    for key, _, result in found:
        suffix = "" if key == MONITOR else "_" + key.partition("-")[2]
        for name, value in result["figures"].items():
            figures[name + suffix].append(value)
        if key == MONITOR:
            monitors.append(result)
    gathered: dict[str, Any] = {name: summarise(values) for name, values in figures.items()}
    if not monitors:  # a method that gives regions alone
        return gathered
    first = monitors[0]
    gathered["per_fault"] = {
        "fault": first["per_fault"]["fault"],
        **{
            name: [
                mean_of(values)
                for values in zip(*(found["per_fault"][name] for found in monitors), strict=True)
            ]
            for name in first["per_fault"]
            if name != "fault"
        },
    }
    return gathered | {name: first[name] for name in ("rows_judged", "rows_without_score")}


def _score(method: Any, part: Judged) -> ScoredRun:
    # run by run: the windows of all runs at once need gigabytes
    [scores] = method.decision_function([part.run])
    return ScoredRun(part.run.fault or 0, part.labels, np.asarray(scores, dtype=np.float64))


def _pooled(runs: Sequence[ScoredRun]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Labels and scores of all rows that have a score."""
    return (
        np.concatenate([run.labels[run.scored] for run in runs]),
        np.concatenate([run.scores[run.scored] for run in runs]),
    )


def _per_fault(runs: Sequence[ScoredRun]) -> dict[str, list[Any]]:
    labels, scores = _pooled(runs)
    normal = scores[labels == 0]
    faults = sorted({run.fault for run in runs} - {0})
    columns: dict[str, list[Any]] = defaultdict(list, fault=faults)
    for fault in faults:
        own = [run for run in runs if run.fault == fault]
        labels, scores = _pooled(own)
        anomalous = scores[labels == 1]
        truth = np.repeat([0, 1], [len(normal), len(anomalous)])
        ranking = ranking_figures(truth, np.concatenate([normal, anomalous]))
        columns["roc_auc"].append(ranking["roc_auc"])
        for name, value in alarm_figures_of(own).items():
            if not name.startswith("far_"):
                columns[name].append(value)
    return dict(columns)


def _by_fault(run: Run) -> Judged:
    return Judged(run, run.labels.astype(np.int64) * (run.fault or 0))


def table(results: Mapping[str, Any]) -> list[Section]:
    """Figures of the monitor, its delays, and the regions."""
    monitor = (
        Column("average_precision", "average precision", "AP"),
        Column("roc_auc", "ROC-AUC", "AUC"),
        Column("best_f1_oracle_threshold", "*best F1, oracle threshold*", "F1\noracle*"),
        Column("tpr_calibrated", "TPR", "TPR"),
        Column("far_calibrated_1", "FAR", "FAR"),
        Column("tpr_at_fpr_0_14", "TPR at 0.14 %", "TPR at\n0.14 %"),
    )
    delays = (
        Column("delay_calibrated", "delay", "delay"),
        Column("add_calibrated", "ADD", "ADD"),
        Column("missed_calibrated", "missed, in %", "missed"),
        Column("delay_at_fpr_0_14", "delay at 0.14 %", "delay at\n0.14 %"),
        Column("add_at_fpr_0_14", "ADD at 0.14 %", "ADD at\n0.14 %"),
        Column("missed_at_fpr_0_14", "missed at 0.14 %, in %", "missed at\n0.14 %"),
    )
    sections = [
        Section(monitor, "monitor", "Monitor"),
        Section(delays, "rows to detection, share of runs missed", "Rows to detection"),
        Section((replace(SECONDS, page="seconds of a monitor fit"), RATE)),
    ]
    for suffix in suffixes_of(results):
        page = f"{title_of(suffix)[0]}; fitted without labels on other runs"
        terminal = f"regions, K = {suffix.removeprefix('_k')}"
        seconds = replace(SECONDS, figure="fit_seconds" + suffix)
        sections.append(Section(region_columns(suffix=suffix), terminal, page))
        sections.append(Section((seconds,)))
    return sections


PROTOCOL = Protocol(
    load,
    make_tasks,
    judge,
    gather,
    "average_precision",
    table,
    (Listing("per_fault", "fault", "tpr_at_fpr_0_14", "TPR per fault at 0.14 %"),),
    "TPR, FAR: flagged share of anomalous, of normal rows, threshold for 1 %.\n"
    "At 0.14 %: threshold that flags this share of the normal test rows.\n"
    "delay: rows to 3 flagged in a row, 800 if never; ADD: to the first flagged row,\n"
    "without missed runs.\n"
    "* threshold chosen with the test labels; flagging every row gives 90 as well.",
    settings=MONITOR_SETTINGS,
    either=True,
)
