"""Partitions of the Tennessee Eastman process: ``tep-pooled``, ``tep-pairs`` and ``tep-runs``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dccad.datasets import Dataset
from dccad.evaluation.methods import PartitionMethod
from dccad.evaluation.partition import judge, map_columns, region_columns, suffixes_of
from dccad.evaluation.protocol import SECONDS, Column, Listing, Protocol, Section
from dccad.evaluation.record import Found, rounded, summarise
from dccad.evaluation.tasks import Judged, Task, by_own_labels
from dccad.logs.runs import Run

HARDLY_VISIBLE = (3, 9, 15)
"""Faults of the Tennessee Eastman process that are left out of the second average."""


def load(folder: Path | None) -> Dataset:
    """Read the classic files of a folder, or the embedded set where none is given."""
    from dccad.datasets import load_tep, load_tep_simulated

    return load_tep_simulated() if folder is None else load_tep(folder)


def pooled_tasks(dataset: Dataset) -> list[Task]:
    """``tep-pooled``: fit on all training runs, judge all test runs; K = 2 and K = classes."""

    def all_classes(run: Run) -> NDArray[np.int64]:
        return run.labels.astype(np.int64) * (run.fault or 0)

    n_classes = len(dataset.faults) + 1
    return [
        Task(
            "pooled",
            2,
            tuple(by_own_labels(run) for run in dataset.train),
            tuple(by_own_labels(run) for run in dataset.test),
        ),
        Task(
            f"pooled-k{n_classes}",
            n_classes,
            tuple(Judged(run, all_classes(run)) for run in dataset.train),
            tuple(Judged(run, all_classes(run)) for run in dataset.test),
        ),
    ]


def pairs_tasks(dataset: Dataset) -> list[Task]:
    """``tep-pairs``: per fault, fit on its training run and the fault-free one, K = 2.

    Judged are the fault-free test run and the faulty test run from its onset on.
    """
    normal, normal_test = by_own_labels(dataset.train_run(0)), by_own_labels(dataset.test_run(0))
    tasks = []
    for fault in dataset.faults:
        train, test = dataset.train_run(fault), dataset.test_run(fault)
        faulty_test = by_own_labels(test, first=test.onset or 0)
        tasks.append(
            Task(f"fault-{fault}", 2, (normal, by_own_labels(train)), (normal_test, faulty_test))
        )
    return tasks


def runs_tasks(dataset: Dataset) -> list[Task]:
    """``tep-runs``: per fault, fit on its test run alone, and judge the same rows, K = 2."""
    tasks = []
    for fault in dataset.faults:
        same = (by_own_labels(dataset.test_run(fault)),)
        tasks.append(Task(f"fault-{fault}", 2, same, same))
    return tasks


def judge_regions(method: PartitionMethod, task: Task) -> dict[str, Any]:
    """Figures of the regions, and of every activation map where the method has some."""
    figures, per_map = judge(method, task)
    return {"figures": figures, "per_map": per_map}


def gather_pooled(found: Found, seeds: Sequence[int]) -> dict[str, Any]:
    """Figures of K = 2 by their plain names, of K = classes with the suffix ``_k22``."""
    figures: dict[str, list[float]] = defaultdict(list)
    per_map: list[dict[str, Any]] = []
    for key, seed, result in found:
        suffix = key.removeprefix("pooled").replace("-", "_")
        for name, value in result["figures"].items():
            figures[name + suffix].append(value)
        if result["per_map"] is not None:
            per_map.append({"seed": seed, "task": key, **rounded(result["per_map"])})
    gathered: dict[str, Any] = {name: summarise(values) for name, values in figures.items()}
    return gathered | ({"per_map": per_map} if per_map else {})


def gather_pairs(found: Found, seeds: Sequence[int]) -> dict[str, Any]:
    """Averages over all faults and over those that are not hardly visible; lists per fault."""
    by_fault: dict[int, dict[int, dict[str, float]]] = defaultdict(dict)
    per_map: list[dict[str, Any]] = []
    for key, seed, result in found:
        fault = int(key.removeprefix("fault-"))
        by_fault[fault][seed] = result["figures"]
        if result["per_map"] is not None:
            per_map.append({"seed": seed, "fault": fault, **rounded(result["per_map"])})
    faults = sorted(by_fault)
    visible = [fault for fault in faults if fault not in HARDLY_VISIBLE]
    names = by_fault[faults[0]][seeds[0]].keys()
    gathered: dict[str, Any] = {}
    for name in names:
        for chosen in (faults, visible):
            values = [float(np.mean([by_fault[f][seed][name] for f in chosen])) for seed in seeds]
            timing = name.endswith("_seconds")
            gathered[name if timing else f"{name}_{len(chosen)}"] = summarise(values)
            if timing:
                break
    gathered["per_fault"] = {
        "fault": faults,
        **{
            name: [
                round(float(np.mean([by_fault[f][seed][name] for seed in seeds])), 6)
                for f in faults
            ]
            for name in names
        },
    }
    return gathered | ({"per_map": per_map} if per_map else {})


def table(results: Mapping[str, Any]) -> list[Section]:
    """Regions and activation maps, for each choice of K or of faults; training rows on the page."""
    sections = []
    for suffix in suffixes_of(results):
        columns = region_columns(suffix=suffix) + map_columns(suffix=suffix)
        title, terminal = title_of(suffix)
        sections.append(Section(columns, terminal, f"{title}, test rows"))
        train = "train_acc" + suffix
        if any(train in found for found in results.values()):  # else they are the rows judged
            columns = region_columns("train_", suffix) + map_columns("train_", suffix)
            columns = tuple(replace(column, terminal="") for column in columns)
            sections.append(Section(columns, page=f"{title}, training rows"))
    judging = Column("judge_seconds", "seconds to judge it", form="{:.1f}")
    return [*sections, Section((SECONDS, judging))]


def title_of(suffix: str) -> tuple[str, str]:
    """Titles of a table of regions on the results page and on the terminal.

    Examples
    --------
    >>> title_of("_21")[0], title_of("_k22")[0]
    ('Mean of 21 faults, K = 2', 'K = 22: one class per fault, 0 before the onset')
    """
    if suffix.startswith("_k"):
        k = suffix[2:]
        return (
            f"K = {k}: one class per fault, 0 before the onset",
            f"\nK = {k}, one class per fault",
        )
    if suffix:
        return f"Mean of {suffix[1:]} faults, K = 2", f"\nmean of {suffix[1:]} faults, K = 2"
    return "K = 2: faulty or not", "\nK = 2, faulty or not"


POOLED = Protocol(
    load,
    pooled_tasks,
    judge_regions,
    gather_pooled,
    "acc",
    table,
    footnote="clust./recon. maps: mean ACC of single maps; top map: largest centre distance.\n"
    "* best map by the test labels: no label-free choice of a map can do better.",
    # regions are judged and no threshold, so none is calibrated by cross-fitting
    defaults={"calibration": "held-out"},
    partition=True,
    variants=False,
)
PAIRS = replace(
    POOLED,
    make_tasks=pairs_tasks,
    gather=gather_pairs,
    main=r"acc_(\d+)",
    listings=(Listing("per_fault", "fault", "acc", "ACC of the regions per fault, test rows"),),
    variants=True,
)
RUNS = replace(PAIRS, make_tasks=runs_tasks)
