"""Run a protocol over methods and seeds, and gather the figures into one record."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from time import perf_counter
from types import MappingProxyType
from typing import Any, TypeAlias

from dccad.datasets import Dataset
from dccad.detector import DCCA
from dccad.errors import DccadWarning
from dccad.evaluation.methods import WINDOW, MakeMethod, find_method
from dccad.evaluation.protocol import Protocol
from dccad.evaluation.record import environment
from dccad.evaluation.registry import PROTOCOLS, check_protocol
from dccad.evaluation.tasks import Task

TIMINGS = ("fit_seconds", "judge_seconds", "rows_per_second")

Report = Callable[[int, str, int], None]

Job: TypeAlias = tuple[Task, str, int]
"""Task, name of the method, seed."""

Makers: TypeAlias = Mapping[str, MakeMethod]
"""How further methods are made, by their name in the table."""


def run_benchmark(
    protocol: str,
    dataset: Dataset,
    *,
    methods: Sequence[str] | None = None,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    settings: Mapping[str, Any] | None = None,
    n_processes: int = 1,
    makers: Makers = MappingProxyType({}),
    report: Report = lambda done, note, total: None,
) -> dict[str, Any]:
    """Run one protocol.

    Parameters
    ----------
    protocol : str
        A key of :data:`dccad.evaluation.registry.PROTOCOLS`.
    dataset : Dataset
        As the protocol's ``load`` gives it.
    methods : sequence of str
        Keys of :data:`dccad.evaluation.methods.METHODS`, also as NAME@WINDOW. Default: all that
        can stand in the protocol's table but those that train long.
    seeds : sequence of int
        Seeds of the methods; the data are the same for all of them. A method without randomness is
        fitted once, and its figures stand for every seed.
    settings : mapping, optional
        Keyword arguments of :class:`dccad.DCCA` that differ from its defaults.
    n_processes : int
        Fits that run side by side, each on one thread; the figures do not depend on it.
    makers : mapping of str to callable
        Further methods by their name in the table: (n_clusters, seed, settings) to a method.
    report : callable (done, note, total)
        Told after every fit.

    Returns
    -------
    dict
        ``protocol``, ``dataset``, ``seeds``, ``environment``, ``settings`` (every parameter of
        DCCA; methods, clusters and seeds replace theirs), ``results`` (of the methods, then of
        rules that read no sensor, where the protocol has them), ``warnings`` (kind to number of
        fits). Each figure is ``{"mean", "std", "per_seed"}``; rates are fractions;
        ``oracle_map_…`` are figures of the map that the labels choose, and no result of the
        method.

    Raises
    ------
    InputError
        An unknown protocol or method, or a data set that the protocol cannot use.
    ParameterError
        A setting that the protocol decides.
    """
    plan = check_protocol(protocol, methods or (), settings or {})
    methods = plan.methods() if methods is None else methods
    settings = {**plan.defaults, **(settings or {}), **plan.settings}
    tasks = plan.make_tasks(dataset)
    names = (*methods, *makers, *plan.floors)
    jobs = [
        (task, name, seed)
        for name in names
        for seed in (seeds[:1] if _is_deterministic(name, makers) else seeds)
        for task in tasks
        if plan.takes(None if name in makers else find_method(name), task)
    ]
    found: list[dict[str, Any]] = [{} for _ in jobs]
    results = _run_jobs(protocol, jobs, settings, n_processes, makers)
    for done, (index, result) in enumerate(results, start=1):
        found[index] = result
        task, name, seed = jobs[index]
        report(done, f"{name}, seed {seed}, {task.key}", len(jobs))
    gathered: dict[str, dict[str, Any]] = {}
    for name in names:
        results_of = [
            (task.key, seed, result)
            for (task, method, seed), result in zip(jobs, found, strict=True)
            if method == name
        ]
        if _is_deterministic(name, makers):
            results_of = [(key, seed, result) for seed in seeds for key, _, result in results_of]
        gathered[name] = plan.gather(results_of, seeds)
        gathered[name] |= _notes(name, plan, makers)
    for name in plan.floors:  # they take no time worth a figure
        for timing in TIMINGS:
            gathered[name].pop(timing, None)
    return {
        "protocol": protocol,
        "dataset": dataset.name,
        "seeds": list(seeds),
        "environment": environment(n_processes),
        "settings": DCCA(**{"window": WINDOW, **settings}).get_params(),
        "results": gathered,
        "warnings": dict(Counter(kind for result in found for kind in result["warnings"])),
    }


def _is_deterministic(name: str, makers: Makers) -> bool:
    spec = None if name in makers else find_method(name)
    return spec is not None and spec.deterministic


def _notes(name: str, plan: Protocol, makers: Makers) -> dict[str, Any]:
    """What a reader must know of an entry: one fit for all seeds, unlabelled rows left unread."""
    spec = None if name in makers else find_method(name)
    if spec is None or name in plan.floors:
        return {}
    notes: dict[str, Any] = {"deterministic": True} if spec.deterministic else {}
    if plan.unlabelled:
        notes["fit_on"] = "reference and unlabelled" if spec.uses_unlabelled else "reference"
    return notes


def run_task(
    protocol: str,
    task: Task,
    method_name: str,
    seed: int,
    settings: Mapping[str, Any],
    make: MakeMethod | None = None,
) -> dict[str, Any]:
    """Fit one method on one task and compute its figures."""
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


def _run_jobs(
    protocol: str,
    jobs: Sequence[Job],
    settings: Mapping[str, Any],
    n_processes: int,
    makers: Makers,
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
