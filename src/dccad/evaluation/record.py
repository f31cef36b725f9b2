"""Figures over seeds, and what they were measured on: the parts of a benchmark record."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, TypeAlias

import numpy as np

from dccad.support.versions import versions

Found: TypeAlias = Sequence[tuple[str, int, dict[str, Any]]]
"""Results of one method: (key of the task, seed, what its judge found), seed by seed."""


def summarise(per_seed: Sequence[float | None]) -> dict[str, Any]:
    """Mean, standard deviation (over seeds, ddof = 0) and the values themselves.

    A seed without the figure (None) counts in neither; without any seed they are None too.

    Examples
    --------
    >>> summarise([0.5, 0.7])
    {'mean': 0.6, 'std': 0.1, 'per_seed': [0.5, 0.7]}
    >>> summarise([None, 0.7])
    {'mean': 0.7, 'std': 0.0, 'per_seed': [None, 0.7]}
    """
    values = [None if value is None else round(float(value), 6) for value in per_seed]
    known = [value for value in values if value is not None]
    return {
        "mean": round(float(np.mean(known)), 6) if known else None,
        "std": round(float(np.std(known)), 6) if known else None,
        "per_seed": values,
    }


def mean_of(values: Iterable[float | None]) -> float | None:
    """Mean of the values that are known; None where none is.

    Examples
    --------
    >>> mean_of([0.25, None, 0.75]), mean_of([None])
    (0.5, None)
    """
    known = [value for value in values if value is not None]
    return round(float(np.mean(known)), 6) if known else None


def rounded(columns: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """Columns with 4 decimals, which is all that a figure of one map can bear."""
    return {
        name: [round(value, 4) if isinstance(value, float) else value for value in values]
        for name, values in columns.items()
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


def ranked(results: Mapping[str, Any], figure: str | None) -> dict[str, Any]:
    """Methods by falling mean of a figure; rules that were never fitted come last.

    Examples
    --------
    >>> fitted = {name: {"acc": {"mean": m}, "fit_seconds": 1} for name, m in (("a", 0), ("b", 1))}
    >>> list(ranked({"rule": {"acc": {"mean": 2}}, **fitted}, "acc"))
    ['b', 'a', 'rule']
    """

    def place(name: str) -> tuple[bool, float]:
        mean = (results[name].get(figure) or {}).get("mean")
        return "fit_seconds" not in results[name], 1.0 if mean is None else -mean

    return {name: results[name] for name in sorted(results, key=place)}


def at_best_window(results: Mapping[str, Any], figure: str | None) -> dict[str, Any]:
    """Each method that stands at several windows (``NAME@WINDOW``) at its best one only.

    The best is that with the highest mean of the figure on the rows judged, which is a choice in
    the baselines' favour.

    Examples
    --------
    >>> results = {f"lw@{w}": {"acc": {"mean": m}} for w, m in ((1, 0.2), (10, 0.9), (30, 0.4))}
    >>> list(at_best_window({"dccad": {}, **results}, "acc"))
    ['dccad', 'lw@10']
    """
    best: dict[str, tuple[float, str]] = {}
    for name, found in results.items():
        family, at, _ = name.partition("@")
        mean = (found.get(figure) or {}).get("mean")
        value = -1.0 if mean is None else mean
        key = family + at
        if key not in best or value > best[key][0]:
            best[key] = (value, name)
    kept = {name for _, name in best.values()}
    return {name: found for name, found in results.items() if name in kept}
