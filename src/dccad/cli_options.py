"""What several commands share: reading their logs, and refusing bad options before any work.

Heavy imports stay inside the functions, as in :mod:`dccad.cli`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any


def read_logs(
    paths: list[Path], time: str | None, run: str | None, drop: list[str] | None
) -> dict[str, Any]:
    """Runs of all files by name; two of one name are told apart by a number."""
    from dccad.datasets.tables import read_table

    runs: dict[str, Any] = {}
    for path in paths:
        for found in read_table(path, time=time, run=run, drop=drop or ()):
            name, count = found.name, 2
            while name in runs:
                name, count = f"{found.name} ({count})", count + 1
            runs[name] = found
    return runs


def read_settings(
    pairs: list[str] | None, fixed: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Any]:
    """What ``--set`` gives; ``fixed`` parameters have another place, which the message names."""
    from dccad.detector import DCCA
    from dccad.errors import ParameterError
    from dccad.parameters import parse_settings, refuse_unknown_settings

    given = parse_settings(pairs or [])
    refuse_unknown_settings(given, DCCA().get_params())
    for name, place in fixed.items():
        if name in given:
            raise ParameterError(f"--set {name}: here {place} sets it; leave this --set out")
    return given


def count_processes(jobs: int) -> int:
    """Processes to run side by side: what was asked for, or one per core for 0."""
    from dccad.errors import ParameterError

    if jobs < 0:
        raise ParameterError(f"--jobs {jobs}: needed is a number of processes, or 0: one per core")
    return jobs or os.cpu_count() or 1


def check_choice(what: str, name: str, known: Iterable[str]) -> None:
    """Refuse a name that is not among the known ones, and list these."""
    from dccad.errors import ParameterError

    if name not in known:
        near = get_close_matches(name, known, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise ParameterError(f"unknown {what} {name!r}; choose from {', '.join(known)}{hint}")


def check_output(path: Path, suffixes: Sequence[str] = (), inputs: Sequence[Path] = ()) -> None:
    """Refuse a file that cannot be written, or must not be, before the work and not after it."""
    from dccad.errors import InputError

    folder = path.resolve().parent
    if suffixes and path.suffix.lower() not in suffixes:
        raise InputError(
            f"{path}: the suffix {path.suffix!r} says no format; write to {' or '.join(suffixes)}"
        )
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file to write")
    if not folder.is_dir():
        raise InputError(f"{path}: folder {path.parent} does not exist; create it first")
    if not os.access(folder, os.W_OK):
        raise InputError(f"{path}: folder {path.parent} is not writable; name another one")
    if any(path.resolve() == source.resolve() for source in inputs):
        raise InputError(f"{path} is the log itself and would be overwritten; name another file")
