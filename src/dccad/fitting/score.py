"""From the normal windows of a fit to its score: distances, their scale, and what is normal.

Scores of rows that a model was fitted on are too low. What counts as a typical score is therefore
taken from rows that the model behind the score has not seen.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from dccad.calibration.cross_fitting import FitAndScore, OutOfFold, cross_fit
from dccad.errors import ConstantSensorWarning, LatentCollapseWarning
from dccad.fitting.data import FitData
from dccad.fitting.folds import FoldScorer, StretchScorer, regime_windows
from dccad.fitting.recipe import Recipe
from dccad.fitting.statistics import fit_statistics, measure_rows, persistence_share, usual_levels
from dccad.logs.runs import Run
from dccad.logs.windows import WindowSet, normal_stretches
from dccad.method.network.base import Autoencoder
from dccad.method.regions.centres import CentrePartition
from dccad.method.representation.whitening import Representation
from dccad.method.scoring.batches import score_window_set
from dccad.method.scoring.scale import ScoreScale, fit_score_scale
from dccad.method.scoring.statistics import CentreStatistics, Statistics


@dataclass(frozen=True)
class FittedScore:
    """What turns windows into scores, and scores of normal rows to judge them by.

    Attributes
    ----------
    statistics : CentreStatistics or WindowStatistics
    scale : ScoreScale
    normal_scores : list of ndarray of shape (n_rows,)
        One per run, NaN where a row has no score.
    unseen : bool
        Whether the models behind ``normal_scores`` had not seen those rows.
    ahead, between : list of ndarray
        As :class:`dccad.calibration.cross_fitting.OutOfFold` has them; empty without cross-fitting.
    """

    statistics: Statistics
    scale: ScoreScale
    normal_scores: list[NDArray[np.float64]]
    unseen: bool
    ahead: list[NDArray[np.float64]] = field(default_factory=list)
    between: list[NDArray[np.float64]] = field(default_factory=list)


@dataclass(frozen=True)
class Learned:
    """Result of the training that the score builds on.

    Attributes
    ----------
    recipe : Recipe
    representation : Representation
    network : Autoencoder
    windows : WindowSet
        The windows of the training rows.
    is_normal : ndarray of shape (n_windows,), bool
        Reference-normal windows, or those of the normal region.
    """

    recipe: Recipe
    representation: Representation
    network: Autoencoder
    windows: WindowSet
    is_normal: NDArray[np.bool_]

    @property
    def normal_windows(self) -> WindowSet:
        """The normal windows alone."""
        return self.windows.select(torch.from_numpy(np.flatnonzero(self.is_normal)))

    def normal_runs(self, training: Sequence[Run]) -> list[Run]:
        """The rows of the normal windows, as stretches of the training runs."""
        starts = self.windows.starts.numpy()
        return normal_stretches(training, starts, self.is_normal, self.windows.length)


def fit_statistics_score(
    learned: Learned,
    data: FitData,
    regimes: Sequence[list[Run]],
    cross_fitted: bool,
    advance: Callable[[], None] | None = None,
) -> FittedScore:
    """Distances of several statistics from normal windows, and their scale.

    Warns
    -----
    CalibrationWarning
        There are too few normal rows for cross-fitting; scores of seen rows are used instead.
    """
    recipe, window = learned.recipe, learned.recipe.window
    known = regime_windows(regimes, learned.representation, window, recipe.stride)
    share = persistence_share(learned.normal_windows)
    statistics = fit_statistics(learned.network, learned.normal_windows, known, share)
    seen: OutOfFold | None = None
    if cross_fitted:
        scorer: FoldScorer | StretchScorer
        if data.normal:
            levels = usual_levels(learned.normal_windows, learned.network, statistics)
            scorer = FoldScorer(recipe, regimes, advance, levels, share)
        else:
            scorer = StretchScorer(recipe, learned.representation, learned.network, share)
        seen = _cross_fit_quietly(data.normal or learned.normal_runs(data.training), scorer, window)
    if seen is None:
        runs = data.held_out or learned.normal_runs(data.training)
        parts = (learned.representation, learned.network, statistics, window)
        measured = measure_rows(runs, *parts)
    else:
        measured = seen.at_full_size()
    rows = np.concatenate(measured)
    rows = rows[np.isfinite(rows).all(axis=1)]
    scale = fit_score_scale(statistics.names, rows, logarithmic=True)

    def combine(parts: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
        return [scale.combine(part) for part in parts]

    if seen is None:
        return FittedScore(statistics, scale, combine(measured), bool(data.held_out))
    return FittedScore(
        statistics, scale, combine(measured), True, combine(seen.ahead), combine(seen.between)
    )


def _cross_fit_quietly(runs: Sequence[Run], scorer: FitAndScore, window: int) -> OutOfFold | None:
    """Cross-fit without the warnings of each fold, which the fit of the whole log has given."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantSensorWarning)
        warnings.simplefilter("ignore", LatentCollapseWarning)
        return cross_fit(runs, scorer, window) if runs else None


def fit_centre_score(
    learned: Learned, partition: CentrePartition, held_out: Sequence[Run]
) -> FittedScore:
    """Distance to the normal centres and reconstruction error, as published."""
    statistics = CentreStatistics(partition.clustering_maps, partition.region_centres[0])
    results = score_window_set(learned.windows, learned.network, partition, statistics)
    normal = results.statistics[learned.is_normal]
    scale = fit_score_scale(statistics.names, normal, logarithmic=False)
    if held_out:
        windows = learned.representation.windows(held_out, learned.recipe.window)
        normal = score_window_set(windows, learned.network, partition, statistics).statistics
    return FittedScore(statistics, scale, [scale.combine(normal)], bool(held_out))
