"""The protocols ``tep-monitor`` and ``tep-adapt``: faults of a process that is known when normal.

A method is fitted on the fault-free training run, in ``tep-adapt`` beside the faulty ones without
their labels, and judged on the fault-free test run (false alarms) and on every faulty one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dccad.datasets import Dataset
from dccad.evaluation.methods import MonitorMethod
from dccad.evaluation.metrics import (
    NEVER,
    detection_row,
    ranking_figures,
    share_of,
    threshold_at_rate,
)
from dccad.evaluation.monitoring import MONITOR_SETTINGS, flag_rows
from dccad.evaluation.protocol import RATE, SECONDS, Column, Listing, Protocol, Section
from dccad.evaluation.protocols.tep import HARDLY_VISIBLE, load
from dccad.evaluation.record import Found, mean_of, summarise
from dccad.evaluation.tasks import Task, by_own_labels
from dccad.logs.runs import Run

RATES = {"far_1": 0.01, "far_5": 0.05}
"""False-alarm rates on the fault-free test run at which methods are compared."""


def monitor_tasks(dataset: Dataset) -> list[Task]:
    """``tep-monitor``: fit on the fault-free training run alone."""
    return [_task("monitor", dataset, ())]


def adapt_tasks(dataset: Dataset) -> list[Task]:
    """``tep-adapt``: fit on the fault-free training run, and on the faulty ones without labels."""
    return [_task("adapt", dataset, tuple(dataset.train_run(fault) for fault in dataset.faults))]


def _task(key: str, dataset: Dataset, unlabelled: Sequence[Run]) -> Task:
    test = [dataset.test_run(fault) for fault in (0, *dataset.faults)]
    return Task(
        key,
        2,
        tuple(by_own_labels(run) for run in unlabelled),
        tuple(by_own_labels(run) for run in test),
        (dataset.train_run(0),),
    )


def judge_faults(method: MonitorMethod, task: Task) -> dict[str, Any]:
    """Figures of a fitted monitor; the first test run is fault-free, the others have a fault each.

    Rows without a score are not judged, with one exception: the ranking figures are of the same
    rows for every method, those of the faulty runs before and after the onset, and rows before the
    first score of a run get that score. The fault-free run sets the thresholds and is not among
    them.
    """
    runs = [part.run for part in task.test]
    started = perf_counter()
    scores = method.decision_function(runs)
    seconds = perf_counter() - started
    flags = flag_rows(method, runs, scores)
    normal = ~np.isnan(scores[0])
    limits = {name: threshold_at_rate(scores[0][normal], rate) for name, rate in RATES.items()}
    columns: dict[str, list[Any]] = defaultdict(list)
    for part, found, flagged in list(zip(task.test, scores, flags, strict=True))[1:]:
        onset = int(part.labels.argmax())
        faulty = (part.labels == 1) & ~np.isnan(found)
        columns["fault"].append(part.run.fault)
        for name, limit in limits.items():
            columns[f"fdr_at_{name}"].append(share_of(found[faulty] > limit))
        columns["fdr_calibrated"].append(share_of(flagged[faulty]))
        delay = detection_row(found[onset:] > limits["far_1"])
        columns["delay_at_far_1"].append(NEVER if delay is None else delay)
        columns["missed"].append(int(delay is None))
        delay = detection_row(flagged[onset:])
        columns["delay_calibrated"].append(NEVER if delay is None else delay)
    labels = np.concatenate([part.labels for part in task.test[1:]])
    pooled = np.concatenate([_carry_back(found) for found in scores[1:]])
    return {
        "figures": {
            **ranking_figures(labels, pooled),
            "far_calibrated_1": share_of(flags[0][normal]),
        },
        "per_fault": dict(columns),
        "rows_scored": sum(map(len, runs)),
        "score_seconds": seconds,
    }


def gather(found: Found, seeds: Sequence[int]) -> dict[str, Any]:
    """Means over all faults and over those that are not hardly visible; lists per fault."""
    results = [result for _, _, result in found]
    faults = results[0]["per_fault"]["fault"]
    visible = [fault not in HARDLY_VISIBLE for fault in faults]
    gathered: dict[str, Any] = {}
    for name, rest in (
        ("fdr", "_at_far_1"),
        ("fdr", "_at_far_5"),
        ("fdr", "_calibrated"),
        ("delay", "_at_far_1"),
        ("delay", "_calibrated"),
        ("missed", ""),
    ):
        for chosen in ([True] * len(faults), visible):
            values = [
                mean_of(
                    v for v, kept in zip(r["per_fault"][name + rest], chosen, strict=True) if kept
                )
                for r in results
            ]
            gathered[f"{name}_{sum(chosen)}{rest}"] = summarise(values)
    for name in ("far_calibrated_1", "roc_auc", "average_precision", "fit_seconds"):
        gathered[name] = summarise([result["figures"][name] for result in results])
    rates = [result["rows_scored"] / result["score_seconds"] for result in results]
    gathered["rows_per_second"] = summarise(rates)
    gathered["per_fault"] = {
        "fault": faults,
        **{
            name: [
                mean_of(r["per_fault"][name][place] for r in results)
                for place in range(len(faults))
            ]
            for name in results[0]["per_fault"]
            if name != "fault"
        },
    }
    return gathered


def _carry_back(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the rows before the first score that score.

    Examples
    --------
    >>> _carry_back(np.array([np.nan, np.nan, 3.0, 1.0])).tolist()
    [3.0, 3.0, 3.0, 1.0]
    """
    first = int(np.argmin(np.isnan(scores)))
    return np.concatenate([np.full(first, scores[first]), scores[first:]])


def table(results: Mapping[str, Any]) -> list[Section]:
    """Figures over all faults and over those that are not hardly visible, however many they are."""
    names = {name for found in results.values() for name in found if name.startswith("missed_")}
    numbers = sorted(int(name.split("_")[1]) for name in names) or [0]
    many, few = numbers[-1], numbers[0]
    columns = (
        Column(f"fdr_{many}_at_far_1", f"FDR {many} at 1 %", f"FDR{many}\n@1%"),
        Column(f"fdr_{few}_at_far_1", f"FDR {few} at 1 %", f"FDR{few}\n@1%"),
        Column(f"fdr_{many}_at_far_5", f"FDR {many} at 5 %", f"FDR{many}\n@5%"),
        Column(f"fdr_{few}_at_far_5", f"FDR {few} at 5 %", f"FDR{few}\n@5%"),
        Column("far_calibrated_1", "FAR calibrated", "FAR"),
        Column(f"fdr_{many}_calibrated", f"FDR {many} calibrated"),
        Column("roc_auc", "ROC-AUC", "AUC"),
        Column("average_precision", "average precision"),
        Column(f"missed_{many}", f"missed {many}"),
        Column(f"delay_{few}_at_far_1", terminal="delay"),
    )
    delays = (
        Column(f"delay_{few}_at_far_1", f"delay {few} at 1 %", form="{:.1f}"),
        Column(f"delay_{many}_at_far_1", f"delay {many} at 1 %", form="{:.1f}"),
        Column(f"delay_{few}_calibrated", f"delay {few} calibrated", form="{:.1f}"),
    )
    unique = dict.fromkeys  # of a set without hardly visible faults, many and few are one number
    return [
        Section(tuple(unique(columns)), "monitor", f"Mean of {many} and of {few} faults"),
        Section((*unique(delays), SECONDS, RATE)),
    ]


MONITOR = Protocol(
    load,
    monitor_tasks,
    judge_faults,
    gather,
    r"fdr_(\d+)_at_far_1",
    table,
    (Listing("per_fault", "fault", "fdr_at_far_1", "FDR per fault at 1 %"),),
    "FDRn: flagged share of faulty rows, mean of n faults, where 1 or 5 % of the\n"
    "fault-free test rows are flagged; FAR: share of these, threshold of the fit for\n"
    "1 %; delay: rows to the first of 3 flagged in a row at 1 %, 800 if never.",
    settings=MONITOR_SETTINGS,
    monitor=True,
)
ADAPT = replace(MONITOR, make_tasks=adapt_tasks, unlabelled=True)
