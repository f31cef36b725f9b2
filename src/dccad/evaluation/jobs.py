"""Every fit of a benchmark, one after another or side by side."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from time import perf_counter
from types import MappingProxyType
from typing import Any, TypeAlias

from dccad.errors import DccadWarning
from dccad.evaluation.methods import MakeMethod, find_method
from dccad.evaluation.registry import PROTOCOLS
from dccad.evaluation.tasks import Task

Job: TypeAlias = tuple[Task, str, int]
"""Task, name of the method, seed."""

Makers: TypeAlias = Mapping[str, MakeMethod]
"""How methods are made that are none of the known ones, by their name in the table."""


def run_task(
    protocol: str,
    task: Task,
    method_name: str,
    seed: int,
    settings: Mapping[str, Any],
    make: MakeMethod | None = None,
) -> dict[str, Any]:
    """Fit one method on one task and compute its figures.

    Parameters
    ----------
    protocol : str
        A key of :data:`dccad.evaluation.registry.PROTOCOLS`; its ``judge`` is used.
    task : Task
    method_name : str
        As :func:`dccad.evaluation.methods.find_method` takes it.
    seed : int
    settings : mapping
        Keyword arguments of :class:`dccad.DCCA` that differ from its defaults.
    make : callable, optional
        Makes the method, where it is none of the known ones.

    Returns
    -------
    dict
        What the judge found, with ``fit_seconds`` and ``judge_seconds`` among its ``figures``,
        and ``warnings`` (their kinds).
    """
    import torch

    torch.set_num_threads(1)  # the same figures whatever the number of jobs
    if make is None:
        spec = find_method(method_name)
        assert spec is not None
        make = spec.make
    method = make(task.n_clusters, seed, {**task.defaults, **settings})
    unlabelled = [judged.run for judged in task.train]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", DccadWarning)
        started = perf_counter()
        method.fit(unlabelled or None, normal=list(task.normal) or None)
        fitted = perf_counter()
        found = PROTOCOLS[protocol].judge(method, task)
    found["figures"]["fit_seconds"] = fitted - started
    found["figures"]["judge_seconds"] = perf_counter() - fitted
    kinds = sorted({warning.category.__name__ for warning in caught})
    return {**found, "warnings": kinds}


def run_jobs(
    protocol: str,
    jobs: Sequence[Job],
    settings: Mapping[str, Any],
    n_processes: int,
    makers: Makers = MappingProxyType({}),
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Run jobs in several processes; yield (index of the job, its result) as they finish."""
    from joblib import Parallel, delayed

    parallel = Parallel(n_jobs=n_processes, return_as="generator_unordered")
    yield from parallel(
        delayed(_numbered_task)(index, protocol, *job, dict(settings), makers.get(job[1]))
        for index, job in enumerate(jobs)
    )


def _numbered_task(index: int, *arguments: Any) -> tuple[int, dict[str, Any]]:
    return index, run_task(*arguments)
