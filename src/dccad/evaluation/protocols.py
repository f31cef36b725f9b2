"""The evaluation protocols: what a method is fitted on, which rows are judged, by which labels.

No method sees a label or a test row during its fit. Windows are labelled by their last row.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dccad.datasets import Dataset
from dccad.detector import DCCA
from dccad.errors import DccadWarning, InputError
from dccad.evaluation.methods import METHODS, PartitionMethod
from dccad.evaluation.metrics import cluster_figures
from dccad.runs import Run

HARDLY_VISIBLE = (3, 9, 15)
"""Faults of the Tennessee Eastman process that are left out of the second average."""


@dataclass(frozen=True)
class Judged:
    """A run, the rows of it that are judged, and their labels.

    Attributes
    ----------
    run : Run
    labels : ndarray of shape (n_rows,), int
        Class of each row.
    first : int
        Rows before this one are not judged (they still fill the first windows).
    """

    run: Run
    labels: NDArray[np.int64]
    first: int = 0


@dataclass(frozen=True)
class Task:
    """One fit and what is judged after it.

    Attributes
    ----------
    key : str
        Where its figures go: "pooled", "pooled-k22", or "fault-7".
    n_clusters : int
    train, test : tuple of Judged
        Training labels serve the figures "on train" only.
    """

    key: str
    n_clusters: int
    train: tuple[Judged, ...]
    test: tuple[Judged, ...]


MakeTasks: TypeAlias = Callable[[Dataset], list[Task]]


def pooled_tasks(dataset: Dataset) -> list[Task]:
    """``tep-pooled``: fit on all training runs, judge all test runs; K = 2 and K = classes."""

    def two_classes(run: Run) -> NDArray[np.int64]:
        return run.labels.astype(np.int64)

    def all_classes(run: Run) -> NDArray[np.int64]:
        return run.labels.astype(np.int64) * (run.fault or 0)

    n_classes = len(dataset.faults) + 1
    return [
        Task(
            key,
            n_clusters,
            tuple(Judged(run, labels(run)) for run in dataset.train),
            tuple(Judged(run, labels(run)) for run in dataset.test),
        )
        for key, n_clusters, labels in (
            ("pooled", 2, two_classes),
            (f"pooled-k{n_classes}", n_classes, all_classes),
        )
    ]


def pairs_tasks(dataset: Dataset) -> list[Task]:
    """``tep-pairs``: per fault, fit on its training run and the fault-free one, K = 2.

    Judged are the fault-free test run and the faulty test run from its onset on.
    """
    normal, normal_test = dataset.train_run(0), dataset.test_run(0)
    tasks = []
    for fault in dataset.faults:
        faulty, faulty_test = dataset.train_run(fault), dataset.test_run(fault)
        runs = (normal, faulty, normal_test, faulty_test)
        judged = [Judged(run, run.labels.astype(np.int64)) for run in runs]
        judged[3] = Judged(faulty_test, judged[3].labels, first=faulty_test.onset or 0)
        tasks.append(Task(f"fault-{fault}", 2, (judged[0], judged[1]), (judged[2], judged[3])))
    return tasks


PROTOCOLS: dict[str, MakeTasks] = {"tep-pooled": pooled_tasks, "tep-pairs": pairs_tasks}


def run_task(
    task: Task, method_name: str, seed: int, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Fit one method on one task and compute its figures.

    Parameters
    ----------
    task : Task
    method_name : str
        A key of :data:`METHODS`.
    seed : int
    settings : mapping
        Keyword arguments of :class:`dccad.DCCA` that differ from its defaults.

    Returns
    -------
    dict
        ``figures`` (name to number), ``per_map`` (columns, for methods with activation maps, else
        None), ``warnings`` (their kinds).
    """
    import torch

    torch.set_num_threads(1)  # the same figures whatever the number of jobs
    method = METHODS[method_name](task.n_clusters, seed, settings)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", DccadWarning)
        started = perf_counter()
        method.fit([judged.run for judged in task.train])
        fitted = perf_counter()
        figures, per_map = judge(method, task)
    figures["fit_seconds"] = fitted - started
    figures["judge_seconds"] = perf_counter() - fitted
    kinds = sorted({warning.category.__name__ for warning in caught})
    return {"figures": figures, "per_map": per_map, "warnings": kinds}


def judge(
    method: PartitionMethod, task: Task
) -> tuple[dict[str, float], dict[str, list[Any]] | None]:
    """Figures of a fitted method on the judged rows of a task."""
    if isinstance(method, DCCA):
        return _judge_maps(method, task)
    figures: dict[str, float] = {}
    for prefix, parts in (("", task.test), ("train_", task.train)):
        regions = method.predict_region([judged.run for judged in parts])
        clusters = np.concatenate([rows[method.window - 1 :] for rows in regions])
        truth, kept = _judged_windows(parts, method.window)
        figures |= _prefixed(prefix, cluster_figures(truth[kept], clusters[kept]))
    return figures, None


def _judge_maps(detector: DCCA, task: Task) -> tuple[dict[str, float], dict[str, list[Any]]]:
    """Figures of the consensus regions, of every activation map, and of groups of maps."""
    figures: dict[str, float] = {}
    n_maps = len(detector.map_ranks_)
    is_clustering = np.isin(np.arange(n_maps), detector.clustering_kernels_)
    per_map: dict[str, list[Any]] = {
        "map": list(range(n_maps)),
        "centre_distance": detector.map_distances_.tolist(),
        "rank": detector.map_ranks_.tolist(),
        "group": ["clustering" if flag else "reconstruction" for flag in is_clustering],
    }
    for prefix, parts in (("", task.test), ("train_", task.train)):
        truth, kept = _judged_windows(parts, detector.window)
        results = detector.score_windows([judged.run for judged in parts])
        figures |= _prefixed(prefix, cluster_figures(truth[kept], results.regions[kept]))
        maps = [cluster_figures(truth[kept], column[kept]) for column in results.assignments.T]
        for name in ("acc", "nmi", "ari"):
            values = np.array([found[name] for found in maps])
            per_map[prefix + name] = values.tolist()
            groups = {
                "mean_clustering_maps": values[is_clustering].mean(),
                "top_map": values[detector.map_ranks_ == 1][0],
                "oracle_map": values.max(),  # chosen with the labels: never the method's figure
            }
            if not is_clustering.all():
                groups["mean_reconstruction_maps"] = values[~is_clustering].mean()
            figures |= {f"{prefix}{group}_{name}": float(v) for group, v in groups.items()}
    return figures, per_map


def _judged_windows(
    parts: Sequence[Judged], window: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Label of each window by its last row, and which windows are judged."""
    truth = [judged.labels[window - 1 :] for judged in parts]
    kept = [np.arange(len(judged.run))[window - 1 :] >= judged.first for judged in parts]
    return np.concatenate(truth), np.concatenate(kept)


def _prefixed(prefix: str, figures: Mapping[str, float]) -> dict[str, float]:
    return {prefix + name: value for name, value in figures.items()}


def make_jobs(
    protocol: str, dataset: Dataset, methods: Sequence[str], seeds: Sequence[int]
) -> list[tuple[Task, str, int]]:
    """Every (task, method, seed) of a protocol.

    Raises
    ------
    InputError
        The protocol or a method is unknown.
    """
    unknown = [method for method in methods if method not in METHODS]
    if unknown:
        raise InputError(f"unknown method {unknown[0]!r}; choose from {', '.join(METHODS)}")
    if protocol not in PROTOCOLS:
        raise InputError(f"unknown protocol {protocol!r}; choose from {', '.join(PROTOCOLS)}")
    tasks = PROTOCOLS[protocol](dataset)
    return [(task, method, seed) for method in methods for seed in seeds for task in tasks]


def run_jobs(
    jobs: Sequence[tuple[Task, str, int]], settings: Mapping[str, Any], n_processes: int
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Run jobs in several processes; yield (index of the job, its result) as they finish."""
    from joblib import Parallel, delayed

    parallel = Parallel(n_jobs=n_processes, return_as="generator_unordered")
    yield from parallel(
        delayed(_numbered_task)(index, *job, dict(settings)) for index, job in enumerate(jobs)
    )


def _numbered_task(index: int, *arguments: Any) -> tuple[int, dict[str, Any]]:
    return index, run_task(*arguments)
