"""What every protocol is made of: one fit, and the rows that are judged after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dccad.logs.runs import Run


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
    kind : str
        What is wrong in the rows of label 1, where the data set knows it; else empty.
    """

    run: Run
    labels: NDArray[np.int64]
    first: int = 0
    kind: str = ""


@dataclass(frozen=True)
class Task:
    """One fit and what is judged after it: a partition, or a monitor where ``normal`` is given.

    Attributes
    ----------
    key : str
        Where its figures go: "pooled", "pooled-k22", "fault-7", or "valve1/3".
    n_clusters : int
    train : tuple of Judged
        Unlabelled runs of the fit; their labels serve the figures "on train" only.
    test : tuple of Judged
    normal : tuple of Run
        Reference-normal runs of the fit.
    defaults : mapping
        Settings of DCCA for this fit unless the user gives them.
    """

    key: str
    n_clusters: int
    train: tuple[Judged, ...]
    test: tuple[Judged, ...]
    normal: tuple[Run, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)


class Rows(NamedTuple):
    """All rows of several runs, one after another.

    Attributes
    ----------
    labels : ndarray of shape (n_rows,), int
    judged : ndarray of shape (n_rows,), bool
    kinds : ndarray of shape (n_rows,), str
        Kind of the anomaly; empty for normal rows and where no kind is known.
    """

    labels: NDArray[np.int64]
    judged: NDArray[np.bool_]
    kinds: NDArray[np.str_]


def by_own_labels(run: Run, first: int = 0, kind: str = "") -> Judged:
    """Judge a run by its own labels, 0 / 1 per row."""
    return Judged(run, run.labels.astype(np.int64), first, kind)


def join_rows(parts: Sequence[Judged]) -> Rows:
    """Lay the rows of several judged runs under one another.

    Examples
    --------
    >>> run = Run(np.zeros((3, 1)), ("a",), onset=1)
    >>> rows = join_rows([by_own_labels(run), by_own_labels(run, first=2, kind="chatter")])
    >>> rows.labels.tolist(), rows.judged.tolist()
    ([0, 1, 1, 0, 1, 1], [True, True, True, False, False, True])
    >>> rows.kinds.tolist()
    ['', '', '', '', 'chatter', 'chatter']
    """
    return Rows(
        np.concatenate([part.labels for part in parts]),
        np.concatenate([np.arange(len(part.run)) >= part.first for part in parts]),
        np.concatenate([np.where(part.labels != 0, part.kind, "") for part in parts]),
    )


def known_kinds(parts: Sequence[Judged]) -> list[str]:
    """Kinds of anomaly among judged runs, in alphabetical order; none where none is known."""
    return sorted({part.kind for part in parts} - {""})
