"""Models of parts of the reference, and their scores of the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dccad.fitting.recipe import Recipe
from dccad.fitting.statistics import fit_statistics, measure_rows, usual_levels
from dccad.logs.runs import Run
from dccad.logs.windows import WindowSet, join_windows, window_starts
from dccad.method.network.base import Autoencoder
from dccad.method.representation.whitening import Representation
from dccad.method.training.algorithm import TrainingSettings

FOLD_WINDOWS = 500
"""A model of the cross-fitting trains on about this many unlabelled windows at most."""

FOLD_NORMAL_WINDOWS = 2000
"""It trains on at most about this many reference windows; its distances are fitted on all."""

FOLD_HASTE = 5
"""The network of a fold trains for this many times fewer epochs, in steps as many times larger."""

FOLD_LEARNING_RATE = 0.005
"""The larger steps stop at this learning rate, above which they do not settle."""


def hastened(training: TrainingSettings) -> TrainingSettings:
    """Settings by which the network of a fold goes as far as the final one, in fewer steps.

    A fold cannot start from the final network: that has seen the rows that the fold must not see,
    and its weights belong to whitened directions that are not those of the fold.
    """
    pretrain = -(-training.pretrain_epochs // FOLD_HASTE)
    joint = -(-training.joint_epochs // FOLD_HASTE)
    fewer = (training.pretrain_epochs + training.joint_epochs) / max(pretrain + joint, 1)
    rate = training.learning_rate
    return replace(
        training,
        pretrain_epochs=pretrain,
        joint_epochs=joint,
        learning_rate=max(rate, min(fewer * rate, FOLD_LEARNING_RATE)),
    )


class FoldScorer:
    """Fits on part of a reference and scores the rest: what the cross-fitting calls.

    Parameters
    ----------
    recipe : Recipe
    regimes : sequence of lists of Run
        Unlabelled rows that every model learns from beside its part of the reference, regime by
        regime. They are thinned: a model of the cross-fitting need not be as good as the final one.
    advance : callable, optional
        Called after each fit, for progress.
    levels : ndarray of shape (n_statistics,), optional
        Usual statistics of the final model's own normal windows (:func:`usual_levels`). A network
        that has trained on thinned windows has taken fewer steps, and its statistics another
        level: they are brought to this one.
    share : float, optional
        As in :func:`fit_statistics`.
    """

    def __init__(
        self,
        recipe: Recipe,
        regimes: Sequence[list[Run]] = (),
        advance: Callable[[], None] | None = None,
        levels: NDArray[np.float64] | None = None,
        share: float | None = None,
    ) -> None:
        lengths = [len(run) for regime in regimes for run in regime]
        n_windows = len(window_starts(lengths, recipe.window, recipe.stride))
        self.thinned = recipe.stride * max(1, -(-n_windows // FOLD_WINDOWS))
        self.recipe, self.regimes, self.advance = recipe, list(regimes), advance
        self.levels, self.share = levels, share

    def __call__(self, training: list[Run], held_out: list[Run]) -> Sequence[NDArray[np.float64]]:
        """Statistics of the held-out rows by a model of the training rows."""
        recipe = self.recipe
        representation = recipe.represent(training, ())
        normal = representation.windows(training, recipe.window, recipe.stride)
        regimes = regime_windows(self.regimes, representation, recipe.window, self.thinned)
        thinned = recipe.stride * max(1, -(-len(normal) // FOLD_NORMAL_WINDOWS))
        shown = representation.windows(training, recipe.window, thinned)
        hasty = replace(recipe, training=hastened(recipe.training))
        network = hasty.train(join_windows([shown, *regimes])).network
        statistics = fit_statistics(network, normal, regimes, self.share)
        if self.advance is not None:
            self.advance()
        found = measure_rows(held_out, representation, network, statistics, recipe.window)
        if self.levels is None or max(thinned, self.thinned) == recipe.stride:
            return found
        ratio = self.levels / usual_levels(normal, network, statistics)
        return [part * ratio for part in found]


def regime_windows(
    regimes: Sequence[list[Run]], representation: Representation, window: int, stride: int
) -> list[WindowSet]:
    """Windows of each regime; regimes without a full window are left out."""
    found = [representation.windows(runs, window, stride) for runs in regimes]
    return [windows for windows in found if len(windows)]


class StretchScorer:
    """Fits the statistics alone on part of the normal stretches of a log, for an unlabelled fit.

    Representation and network are those of the whole log, of which one stretch is a small part.
    """

    def __init__(
        self,
        recipe: Recipe,
        representation: Representation,
        network: Autoencoder,
        share: float | None = None,
    ) -> None:
        self.recipe, self.representation, self.network = recipe, representation, network
        self.share = share

    def __call__(self, training: list[Run], held_out: list[Run]) -> Sequence[NDArray[np.float64]]:
        """Statistics of the held-out rows by distances from the training rows."""
        window = self.recipe.window
        windows = self.representation.windows(training, window, self.recipe.stride)
        statistics = fit_statistics(self.network, windows, share=self.share)
        return measure_rows(held_out, self.representation, self.network, statistics, window)
