"""Scores of reference rows by models that have not seen them.

A score of a row that trained its own model is too low. Here the reference is divided into blocks;
each block is scored by a model fitted on the others, with a gap of a window between the two, so
that every reference row serves the calibration as well as the training. A fold trains on fewer
rows than the final model does and its scores come out higher; fits on still fewer rows measure by
how much, and :meth:`OutOfFold.at_full_size` takes it off. Held-out blocks lie between rows of
training, new rows after them: two more fits tell whether that makes a difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dccad.calibration.folds import Fold, pair_folds, plan_drift_folds, plan_folds
from dccad.logs.runs import Run

Scores: TypeAlias = NDArray[np.float64]
"""Shape (n_rows,) for one statistic, (n_rows, n_statistics) for several."""

FitAndScore: TypeAlias = Callable[[list[Run], list[Run]], Sequence[Scores]]


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
    pairs = pair_folds(folds, lengths, window)
    smaller, smaller_sizes = _score_folds(runs, pairs, fit_and_score, window)
    drift_folds = plan_drift_folds(lengths, window)
    drift_scores = [_score_folds(runs, [fold], fit_and_score, window)[0] for fold in drift_folds]
    ahead, between = drift_scores or ([], [])
    return OutOfFold(scores, sizes, smaller, smaller_sizes, sum(lengths), ahead, between)


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
