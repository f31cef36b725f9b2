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

from dccad.calibration.cross_fitting import OutOfFold, cross_fit
from dccad.errors import ConstantSensorWarning, LatentCollapseWarning
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
        Of the training rows.
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
        """The normal ones alone."""
        return self.windows.select(torch.from_numpy(np.flatnonzero(self.is_normal)))


def fit_statistics_score(
    learned: Learned,
    training: Sequence[Run],
    n_reference: int,
    regimes: Sequence[list[Run]],
    held_out: Sequence[Run],
    cross_fitted: bool,
    advance: Callable[[], None] | None = None,
) -> FittedScore:
    """Distances of several statistics from normal windows, and their scale.

    Parameters
    ----------
    learned : Learned
    training : sequence of Run
        Rows of the training, the reference first.
    n_reference : int
        How many of those runs are reference-normal; 0 for an unlabelled fit.
    regimes : sequence of lists of Run
        The unlabelled rows beside a reference, regime by regime.
    held_out : sequence of Run
        Reference rows that training has not seen; none with ``cross_fitted``.
    cross_fitted : bool
        Score the reference (without one: the stretches of the normal region) by models that have
        not seen it.
    advance : callable, optional
        Called after each fit of the cross-fitting.

    Warns
    -----
    CalibrationWarning
        There are too few normal rows for cross-fitting; scores of seen rows take their place.
    """
    recipe, window = learned.recipe, learned.recipe.window
    known = regime_windows(regimes, learned.representation, window, recipe.stride)
    share = persistence_share(learned.normal_windows, recipe.stride)
    statistics = fit_statistics(
        learned.network, learned.normal_windows, recipe.stride, known, share
    )
    parts = (learned.representation, learned.network, statistics, window)
    measured: list[NDArray[np.float64]] | None = None
    seen: OutOfFold | None = None
    if cross_fitted:
        scorer: FoldScorer | StretchScorer
        if n_reference:
            runs = list(training[:n_reference])
            levels = usual_levels(learned.normal_windows, learned.network, statistics)
            scorer = FoldScorer(recipe, regimes, advance, levels, share)
        else:
            starts = learned.windows.starts.numpy()
            runs = normal_stretches(training, starts, learned.is_normal, window)
            scorer = StretchScorer(recipe, learned.representation, learned.network, share)
        with warnings.catch_warnings():  # of parts of a log; those of the whole have been given
            warnings.simplefilter("ignore", ConstantSensorWarning)
            warnings.simplefilter("ignore", LatentCollapseWarning)
            seen = cross_fit(runs, scorer, window) if runs else None
        measured = None if seen is None else seen.at_full_size()
    elif held_out:
        measured = measure_rows(held_out, *parts)
    if measured is None:
        starts = learned.windows.starts.numpy()
        runs = normal_stretches(training, starts, learned.is_normal, window)
        measured = measure_rows(runs, *parts)
    rows = np.concatenate(measured)
    rows = rows[np.isfinite(rows).all(axis=1)]
    scale = fit_score_scale(statistics.names, rows, logarithmic=True)

    def combine(parts: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
        return [scale.combine(part) for part in parts]

    if seen is None:
        return FittedScore(statistics, scale, combine(measured), bool(held_out))
    return FittedScore(
        statistics, scale, combine(measured), True, combine(seen.ahead), combine(seen.between)
    )


def fit_centre_score(
    learned: Learned, partition: CentrePartition, held_out: Sequence[Run]
) -> FittedScore:
    """Distance to the normal centres and reconstruction error, as published.

    Parameters
    ----------
    learned : Learned
    partition : CentrePartition
    held_out : sequence of Run
        Reference rows that training has not seen; without them the normal windows of the fit
        decide the threshold.
    """
    statistics = CentreStatistics(partition.clustering_maps, partition.region_centres[0])
    results = score_window_set(learned.windows, learned.network, partition, statistics)
    normal = results.statistics[learned.is_normal]
    scale = fit_score_scale(statistics.names, normal, logarithmic=False)
    if held_out:
        windows = learned.representation.windows(held_out, learned.recipe.window)
        normal = score_window_set(windows, learned.network, partition, statistics).statistics
    return FittedScore(statistics, scale, [scale.combine(normal)], bool(held_out))
