"""Scores of reference rows by models that have not seen them.

A score of a row that trained its own model is too low. Here the reference is divided into blocks;
each block is scored by a model fitted on the others, with a gap of a window between the two, so
that every reference row serves the calibration as well as the training. A fold trains on fewer
rows than the final model does and its scores come out higher; fits on still fewer rows measure by
how much, and :meth:`OutOfFold.at_full_size` takes it off. Held-out blocks lie between rows of
training, new rows after them: two more fits tell whether that makes a difference.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dccad.errors import CalibrationWarning, warn
from dccad.logs.runs import Run

Scores: TypeAlias = NDArray[np.float64]
"""Shape (n_rows,) for one statistic, (n_rows, n_statistics) for several."""

FitAndScore: TypeAlias = Callable[[list[Run], list[Run]], Sequence[Scores]]

N_FOLDS = 10
"""Fewer folds leave less to train on: with five, the size correction has twice as far to go."""

WHOLE_RUNS_FROM = 5
"""With at least this many runs, folds are whole runs and nothing is cut."""


class Block(NamedTuple):
    """Rows ``start`` (included) to ``stop`` (excluded) of run number ``run``."""

    run: int
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


class Fold(NamedTuple):
    """What one model trains on, and what it scores."""

    training: tuple[Block, ...]
    held_out: tuple[Block, ...]

    @property
    def n_training_rows(self) -> int:
        """Rows that the fold trains on."""
        return sum(block.stop - block.start for block in self.training)


def plan_folds(lengths: Sequence[int], window: int) -> list[Fold]:
    """Divide reference runs into folds; every row is held out once.

    There are at most ``N_FOLDS``: groups of whole runs where there are at least
    ``WHOLE_RUNS_FROM`` runs; else every run is cut in proportion to its length. A window of rows on
    either side of a held-out block is left out of training.

    Parameters
    ----------
    lengths : sequence of int
        Rows of each run.
    window : int, in rows

    Returns
    -------
    list of Fold
        Empty where a fold would train on fewer than ``window`` windows.

    Warns
    -----
    CalibrationWarning
        The reference is too short.

    Examples
    --------
    >>> folds = plan_folds([200], window=5)
    >>> folds[1].training
    (Block(run=0, start=0, stop=15), Block(run=0, start=45, stop=200))
    >>> folds[1].held_out
    (Block(run=0, start=20, stop=40),)
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


def _cut_runs(lengths: Sequence[int]) -> list[Block]:
    total = sum(lengths)
    blocks = []
    for run, length in enumerate(lengths):
        parts = min(max(round(N_FOLDS * length / total), 1), max(length, 1)) if total else 0
        edges = [length * i // parts for i in range(parts + 1)]
        blocks += [Block(run, a, b) for a, b in itertools.pairwise(edges) if b > a]
    return blocks


def _group_runs(lengths: Sequence[int]) -> list[list[Block]]:
    """Whole runs, the longest first, each into the group with the fewest rows so far."""
    groups: list[list[Block]] = [[] for _ in range(min(N_FOLDS, len(lengths)))]
    rows = [0] * len(groups)
    for run in sorted(range(len(lengths)), key=lambda run: -lengths[run]):
        smallest = rows.index(min(rows))
        groups[smallest].append(Block(run, 0, lengths[run]))
        rows[smallest] += lengths[run]
    return [group for group in groups if group]


def _rows_apart_from(
    held_out: Sequence[Block], lengths: Sequence[int], window: int
) -> tuple[Block, ...]:
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
        blocks += [Block(run, a, b) for a, b in stretches if b - a >= window]
    return tuple(blocks)


def _n_windows(blocks: Sequence[Block], window: int) -> int:
    return sum(max(block.stop - block.start - window + 1, 0) for block in blocks)


@dataclass(frozen=True)
class OutOfFold:
    """Scores of the reference rows by models that have not seen them.

    Attributes
    ----------
    scores : list of ndarray of shape (n_rows,) or (n_rows, n_statistics)
        One entry per run; NaN for the first ``window - 1`` rows of a run.
    training_rows : list of ndarray of shape (n_rows,)
        Rows that the model behind each score was trained on.
    smaller_scores, smaller_training_rows : as above, or empty lists
        The same rows scored by models that another fold was taken from as well.
    n_rows : int
        Rows of the whole reference: what the final model is trained on.
    ahead, between : list of ndarray, in the form of ``scores``, or empty lists
        Later rows scored by a model of the earlier half, and rows in the middle scored by a model
        of as many rows on both sides. Without drift both are alike.
    """

    scores: list[Scores]
    training_rows: list[NDArray[np.float64]]
    smaller_scores: list[Scores]
    smaller_training_rows: list[NDArray[np.float64]]
    n_rows: int
    ahead: list[Scores] = field(default_factory=list)
    between: list[Scores] = field(default_factory=list)

    def at_full_size(self) -> list[Scores]:
        """Out-of-fold scores as a model trained on the whole reference would give them.

        The expected log-score of new rows falls with the training size n as a + b / n (the first
        term of the expansion of a prediction error in 1/n). b is the slope between the scores of
        the folds and those of the smaller fits, on the same rows; the spread of the log-scores is
        extrapolated in the same way. Without smaller fits the scores are returned as they are,
        which is on the safe side.

        Returns
        -------
        list of ndarray
            In the form of ``scores``, which must be positive where they are not NaN.

        Examples
        --------
        The scores double when 50 of 100 training rows are taken away:

        >>> size = np.full(3, 100.0)
        >>> seen = OutOfFold([np.array([4.0, 4.0, 4.0])], [size], [np.full(3, 8.0)], [size / 2],
        ...                  n_rows=200)
        >>> ratio = 4 / seen.at_full_size()[0][0]                   # half the step in 1/n
        >>> round(float(ratio), 6)                                  # half the doubling: sqrt(2)
        1.414214
        """
        if not self.smaller_scores:
            return self.scores
        with np.errstate(divide="ignore"):  # a score of 0 stays 0
            log, smaller = (
                np.log(np.concatenate(part)) for part in (self.scores, self.smaller_scores)
            )
        inverse = 1 / np.concatenate(self.training_rows)
        step = 1 / np.concatenate(self.smaller_training_rows) - inverse
        missing = inverse - 1 / self.n_rows
        columns = [
            _extrapolate(*pair, step, missing)
            for pair in zip(_columns(log), _columns(smaller), strict=True)
        ]
        full = np.exp(np.stack(columns, axis=1).reshape(log.shape))
        return np.split(full, np.cumsum([len(s) for s in self.scores])[:-1])


def _columns(scores: Scores) -> list[Scores]:
    return list(scores.reshape(len(scores), -1).T)


def _extrapolate(log: Scores, smaller: Scores, step: Scores, missing: Scores) -> Scores:
    """One statistic's log-scores, from training size of the folds to the full size."""
    known = np.isfinite(log) & np.isfinite(smaller)
    if not step[known].any():  # nothing scored, or the other fold had no window of its own
        return log
    rise = (smaller - log)[known]
    slope = max(float(rise @ step[known] / (step[known] @ step[known])), 0.0)
    level = log - slope * missing
    ratio = np.std(smaller[known]) / max(float(np.std(log[known])), 1e-12)
    way = missing[known].mean() / step[known].mean()
    shrink = np.clip(1 - max(ratio - 1, 0) * way, 0.5, 1)
    centre = np.mean(level[known])
    shrunk: Scores = centre + (level - centre) * shrink
    return shrunk


def cross_fit(runs: Sequence[Run], fit_and_score: FitAndScore, window: int) -> OutOfFold | None:
    """Score every reference row by a model that saw neither it nor its neighbours.

    Besides the folds of :func:`plan_folds`, models are fitted without pairs of folds that lie half
    the reference apart (half as many fits again), for :meth:`OutOfFold.at_full_size`, and without
    the two of :func:`plan_drift_folds`, for ``ahead`` and ``between``.

    Parameters
    ----------
    runs : sequence of Run
        Reference-normal rows.
    fit_and_score : callable (training, held_out) -> scores
        Fits on ``training`` (list of Run) and scores each run of ``held_out``: one array per run,
        one row of it per row of the run, positive, NaN where no window is full yet.
    window : int, in rows

    Returns
    -------
    OutOfFold or None
        None where the reference is too short.

    Warns
    -----
    CalibrationWarning
        The reference is too short.

    Examples
    --------
    >>> def distance_from_mean(training, held_out):
    ...     centre = np.concatenate([run.values for run in training]).mean()
    ...     return [np.abs(run.values[:, 0] - centre) for run in held_out]
    >>> log = Run(np.arange(40.0)[:, None], ("a",))
    >>> seen = cross_fit([log], distance_from_mean, window=1)
    >>> float(seen.scores[0][0])                 # rows 5–39 made this model
    22.0

    References
    ----------
    V. Vovk, A. Gammerman, G. Shafer: Algorithmic Learning in a Random World. Springer, 2005
    (conformal prediction); R. F. Barber et al.: Predictive inference with the jackknife+. Annals
    of Statistics 49, 2021, doi:10.1214/20-AOS1965 (every row serves); J. Racine: Consistent
    cross-validatory model-selection for dependent data. Journal of Econometrics 99, 2000,
    doi:10.1016/S0304-4076(00)00030-0 (blocks with a gap).
    """
    lengths = [len(run) for run in runs]
    folds = plan_folds(lengths, window)
    if not folds:
        return None
    scores, sizes = _score_folds(runs, folds, fit_and_score, window)
    pairs = _pair_folds(folds, lengths, window)
    smaller, smaller_sizes = _score_folds(runs, pairs, fit_and_score, window)
    drift_folds = plan_drift_folds(lengths, window)
    drift_scores = [_score_folds(runs, [fold], fit_and_score, window)[0] for fold in drift_folds]
    ahead, between = drift_scores or ([], [])
    return OutOfFold(scores, sizes, smaller, smaller_sizes, sum(lengths), ahead, between)


def plan_drift_folds(lengths: Sequence[int], window: int) -> list[Fold]:
    """Two folds that differ in one thing only: whether training ends before the scored rows.

    Both train on half the reference, less a gap of a window, and score half of it. The first
    trains on the earlier half and scores the later one; the second trains on both ends and scores
    the middle. Runs count as one after another in time.

    Parameters
    ----------
    lengths : sequence of int
    window : int, in rows

    Returns
    -------
    list of Fold
        (ahead, between), or empty where one would train on fewer than ``window`` windows.

    Examples
    --------
    >>> ahead, between = plan_drift_folds([100], window=10)
    >>> ahead
    Fold(training=(Block(run=0, start=0, stop=40),), held_out=(Block(run=0, start=50, stop=100),))
    >>> [(block.start, block.stop) for block in between.training]
    [(0, 20), (80, 100)]
    >>> between.held_out
    (Block(run=0, start=30, stop=70),)
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
                held_out.append(Block(run, start, stop))
            before += length
        training = _rows_apart_from(held_out, lengths, window)
        folds.append(Fold(training, tuple(held_out)))
    ready = all(fold.held_out and _n_windows(fold.training, window) >= window for fold in folds)
    return folds if ready else []


def _pair_folds(folds: Sequence[Fold], lengths: Sequence[int], window: int) -> list[Fold]:
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


def _score_folds(
    runs: Sequence[Run], folds: Sequence[Fold], fit_and_score: FitAndScore, window: int
) -> tuple[list[Scores], list[NDArray[np.float64]]]:
    """Scores and training sizes of all rows, by run; empty lists without folds."""
    scores: list[Scores] = []
    sizes = [np.full(len(run), np.nan) for run in runs]
    for fold in folds:
        training = [runs[block.run].rows(block.start, block.stop) for block in fold.training]
        # windows of the first held-out rows reach back into the gap, never into training
        starts = [max(block.start - window + 1, 0) for block in fold.held_out]
        scored = [
            (block, start)
            for block, start in zip(fold.held_out, starts, strict=True)
            if block.stop - start >= window
        ]
        held_out = [runs[block.run].rows(start, block.stop) for block, start in scored]
        found = fit_and_score(training, held_out) if held_out else []
        for (block, start), values in zip(scored, found, strict=True):
            if not scores:
                scores = [np.full((len(run), *np.shape(values)[1:]), np.nan) for run in runs]
            scores[block.run][block.start : block.stop] = values[block.start - start :]
            sizes[block.run][block.start : block.stop] = fold.n_training_rows
    return scores, sizes if folds else []
