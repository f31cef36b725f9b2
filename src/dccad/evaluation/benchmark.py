"""Run a protocol over methods and seeds, and gather the figures into one record."""

from __future__ import annotations

import os
import platform
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from dccad.datasets import Dataset
from dccad.detector import DCCA
from dccad.evaluation.methods import METHODS, WINDOW
from dccad.evaluation.protocols import HARDLY_VISIBLE, make_jobs, run_jobs
from dccad.persistence import versions

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
    methods : sequence of str
        Keys of :data:`dccad.evaluation.methods.METHODS`.
    seeds : sequence of int
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
        DCCA; methods, clusters and seeds replace theirs), ``results``,
        ``warnings`` (kind to number of fits). Each figure is ``{"mean", "std", "per_seed"}``;
        rates are fractions; ``oracle_map_…`` are figures of the map that the labels choose, and
        no result of the method.

    Raises
    ------
    InputError
        An unknown protocol or method.
    """
    settings = dict(settings or {})
    jobs = make_jobs(protocol, dataset, methods, seeds)
    found: list[dict[str, Any]] = [{} for _ in jobs]
    for done, (index, result) in enumerate(run_jobs(jobs, settings, n_processes), start=1):
        found[index] = result
        task, method, seed = jobs[index]
        report(done, f"{method}, seed {seed}, {task.key}", len(jobs))
    results = {}
    for method in methods:
        mine = [
            (task.key, seed, result)
            for (task, name, seed), result in zip(jobs, found, strict=True)
            if name == method
        ]
        gather = _gather_pairs if protocol == "tep-pairs" else _gather_pooled
        results[method] = gather(mine, seeds)
    return {
        "protocol": protocol,
        "dataset": dataset.name,
        "seeds": list(seeds),
        "environment": environment(n_processes),
        "settings": DCCA(**{"window": WINDOW, **settings}).get_params(),
        "results": results,
        "warnings": dict(Counter(kind for result in found for kind in result["warnings"])),
    }


def summarise(per_seed: Sequence[float]) -> dict[str, Any]:
    """Mean, standard deviation (over seeds, ddof = 0) and the values themselves.

    Examples
    --------
    >>> summarise([0.5, 0.7])
    {'mean': 0.6, 'std': 0.1, 'per_seed': [0.5, 0.7]}
    """
    values = [round(float(value), 6) for value in per_seed]
    return {
        "mean": round(float(np.mean(values)), 6),
        "std": round(float(np.std(values)), 6),
        "per_seed": values,
    }


def environment(n_processes: int) -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "date": date.today().isoformat(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "processes": n_processes,
        "versions": versions(),
    }


def _gather_pooled(
    found: Sequence[tuple[str, int, dict[str, Any]]], seeds: Sequence[int]
) -> dict[str, Any]:
    """Figures of K = 2 by their plain names, of K = classes with the suffix ``_k22``."""
    figures: dict[str, list[float]] = defaultdict(list)
    per_map: list[dict[str, Any]] = []
    for key, seed, result in found:
        suffix = key.removeprefix("pooled").replace("-", "_")
        for name, value in result["figures"].items():
            figures[name + suffix].append(value)
        if result["per_map"] is not None:
            per_map.append({"seed": seed, "task": key, **_rounded(result["per_map"])})
    gathered: dict[str, Any] = {name: summarise(values) for name, values in figures.items()}
    return gathered | ({"per_map": per_map} if per_map else {})


def _gather_pairs(
    found: Sequence[tuple[str, int, dict[str, Any]]], seeds: Sequence[int]
) -> dict[str, Any]:
    """Averages over all faults and over those that are not hardly visible; lists per fault."""
    by_fault: dict[int, dict[int, dict[str, float]]] = defaultdict(dict)
    per_map: list[dict[str, Any]] = []
    for key, seed, result in found:
        fault = int(key.removeprefix("fault-"))
        by_fault[fault][seed] = result["figures"]
        if result["per_map"] is not None:
            per_map.append({"seed": seed, "fault": fault, **_rounded(result["per_map"])})
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


def _rounded(columns: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    return {
        name: [round(value, 4) if isinstance(value, float) else value for value in values]
        for name, values in columns.items()
    }
