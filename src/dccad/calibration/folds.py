"""Which rows of a reference train a model, and which are held out of it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dccad.errors import CalibrationWarning, warn
from dccad.logs.source import Segment

N_FOLDS = 10
"""Fewer folds leave less to train on: with five, the size correction has twice as far to go."""

WHOLE_RUNS_FROM = 5
"""With at least this many runs, folds are whole runs and nothing is cut."""


class Fold(NamedTuple):
    """What one model trains on, and what it scores."""

    training: tuple[Segment, ...]
    held_out: tuple[Segment, ...]

    @property
    def n_training_rows(self) -> int:
        """Rows that the fold trains on."""
        return sum(len(block) for block in self.training)


def plan_folds(lengths: Sequence[int], window: int) -> list[Fold]:
    """Divide reference runs into folds; every row is held out once.

    There are at most ``N_FOLDS``: groups of whole runs where there are at least
    ``WHOLE_RUNS_FROM`` runs; else every run is cut in proportion to its length. A window of rows on
    either side of a held-out block is left out of training.


    Warns
    -----
    CalibrationWarning
        The reference is too short.


    Examples
    --------
    >>> folds = plan_folds([200], window=5)
    >>> folds[1].training
    (Segment(run=0, start=0, stop=15), Segment(run=0, start=45, stop=200))
    >>> folds[1].held_out
    (Segment(run=0, start=20, stop=40),)
    """
    if len(lengths) >= WHOLE_RUNS_FROM:
        groups = _group_runs(lengths)
    else:
        groups = [[block] for block in _cut_runs(lengths)]
    folds = [Fold(_rows_apart_from(group, lengths, window), tuple(group)) for group in groups]
    fewest = min((_n_windows(fold.training, window) for fold in folds), default=0)
    if len(folds) < 2 or fewest < window:
        warn(
            f"{sum(lengths)} normal rows in {len(lengths)} run(s) are too few for cross-fitting "
            f"with window={window}: a fold would train on {fewest} windows and needs {window}, so "
            "the threshold comes from rows the model has seen and will flag more new normal rows "
            f"than asked; pass about {6 * window} rows or more, or shorten the window",
            CalibrationWarning,
        )
        return []
    return folds


def _cut_runs(lengths: Sequence[int]) -> list[Segment]:
    total = sum(lengths)
    blocks = []
    for run, length in enumerate(lengths):
        parts = min(max(round(N_FOLDS * length / total), 1), max(length, 1)) if total else 0
        edges = [length * i // parts for i in range(parts + 1)]
        blocks += [Segment(run, a, b) for a, b in itertools.pairwise(edges) if b > a]
    return blocks


def _group_runs(lengths: Sequence[int]) -> list[list[Segment]]:
    """Whole runs, the longest first, each into the group with the fewest rows so far."""
    groups: list[list[Segment]] = [[] for _ in range(min(N_FOLDS, len(lengths)))]
    rows = [0] * len(groups)
    for run in sorted(range(len(lengths)), key=lambda run: -lengths[run]):
        smallest = rows.index(min(rows))
        groups[smallest].append(Segment(run, 0, lengths[run]))
        rows[smallest] += lengths[run]
    return [group for group in groups if group]


def _rows_apart_from(
    held_out: Sequence[Segment], lengths: Sequence[int], window: int
) -> tuple[Segment, ...]:
    """Stretches of at least a window that keep a window away from every held-out block."""
    blocks = []
    for run, length in enumerate(lengths):
        keep = np.ones(length + 2, dtype=bool)
        keep[[0, -1]] = False  # guards at both ends, so that every stretch has two edges
        for block in held_out:
            if block.run == run:
                keep[max(block.start - window, 0) + 1 : block.stop + window + 1] = False
        edges = np.flatnonzero(np.diff(keep.astype(np.int8))).tolist()
        stretches = zip(edges[::2], edges[1::2], strict=True)
        blocks += [Segment(run, a, b) for a, b in stretches if b - a >= window]
    return tuple(blocks)


def _n_windows(blocks: Sequence[Segment], window: int) -> int:
    return sum(block.n_windows(window) for block in blocks)


def plan_drift_folds(lengths: Sequence[int], window: int) -> list[Fold]:
    """Two folds that differ in one thing only: whether training ends before the scored rows.

    Both train on half the reference, less a gap of a window, and score half of it. The first
    trains on the earlier half and scores the later one; the second trains on both ends and scores
    the middle. Runs count as one after another in time.


    Examples
    --------
    >>> ahead, between = plan_drift_folds([100], window=10)
    >>> ahead
    Fold(training=(Segment(run=0, start=0, stop=40),),
         held_out=(Segment(run=0, start=50, stop=100),))
    >>> [(block.start, block.stop) for block in between.training], between.held_out
    ([(0, 20), (80, 100)], (Segment(run=0, start=30, stop=70),))
    """
    total = sum(lengths)
    quarter = total // 4 + window // 2
    spans = [(total // 2, total), (quarter, total - quarter)]
    folds = []
    for first, last in spans:
        held_out = []
        before = 0
        for run, length in enumerate(lengths):
            start, stop = max(first - before, 0), min(last - before, length)
            if start < stop:
                held_out.append(Segment(run, start, stop))
            before += length
        training = _rows_apart_from(held_out, lengths, window)
        folds.append(Fold(training, tuple(held_out)))
    ready = all(fold.held_out and _n_windows(fold.training, window) >= window for fold in folds)
    return folds if ready else []


def pair_folds(folds: Sequence[Fold], lengths: Sequence[int], window: int) -> list[Fold]:
    """Each fold together with one half the reference away; empty where too little remains."""
    half = len(folds) // 2
    partners = [(i, i + half) for i in range(half)]
    if len(folds) % 2:  # the last fold goes with the first, whose own scores stay as they are
        partners.append((len(folds) - 1, 0))
    pairs = []
    for own, other in partners:
        held_out = folds[own].held_out + folds[other].held_out
        training = _rows_apart_from(held_out, lengths, window)
        if _n_windows(training, window) < window:
            return []
        scored = folds[own].held_out if other == 0 else held_out
        pairs.append(Fold(training, scored))
    return pairs
