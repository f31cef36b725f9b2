"""Run a protocol over methods and seeds, and gather the figures into one record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dccad.datasets import Dataset
from dccad.detector import DCCA
from dccad.evaluation.jobs import run_jobs
from dccad.evaluation.methods import METHODS, WINDOW
from dccad.evaluation.protocols import check_protocol
from dccad.evaluation.record import environment

TIMINGS = ("fit_seconds", "judge_seconds", "rows_per_second")

Report = Callable[[int, str, int], None]


def run_benchmark(
    protocol: str,
    dataset: Dataset,
    *,
    methods: Sequence[str] = tuple(METHODS),
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    settings: Mapping[str, Any] | None = None,
    n_processes: int = 1,
    report: Report = lambda done, note, total: None,
) -> dict[str, Any]:
    """Run one protocol.

    Parameters
    ----------
    protocol : str
        A key of :data:`dccad.evaluation.protocols.PROTOCOLS`.
    dataset : Dataset
        As the protocol's ``load`` gives it.
    methods : sequence of str
        Keys of :data:`dccad.evaluation.methods.METHODS`.
    seeds : sequence of int
        Of the methods; the data are the same for all of them.
    settings : mapping, optional
        Keyword arguments of :class:`dccad.DCCA` that differ from its defaults.
    n_processes : int
        Fits that run side by side, each on one thread; the figures do not depend on it.
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
    plan = check_protocol(protocol, methods, settings or {})
    settings = {**plan.defaults, **(settings or {}), **plan.settings}
    tasks = plan.make_tasks(dataset)
    names = (*methods, *plan.floors)
    jobs = [(task, name, seed) for name in names for seed in seeds for task in tasks]
    found: list[dict[str, Any]] = [{} for _ in jobs]
    results = run_jobs(protocol, jobs, settings, n_processes)
    for done, (index, result) in enumerate(results, start=1):
        found[index] = result
        task, name, seed = jobs[index]
        report(done, f"{name}, seed {seed}, {task.key}", len(jobs))
    gathered = {
        name: plan.gather(
            [
                (task.key, seed, result)
                for (task, method, seed), result in zip(jobs, found, strict=True)
                if method == name
            ],
            seeds,
        )
        for name in names
    }
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
