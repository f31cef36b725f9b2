"""Learning from rows what scoring needs: representation, network, maps and statistics.

The same steps make the final model and, on part of the reference, each model of the cross-fitting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dccad.fitting.recipe import Recipe
from dccad.logs.runs import Run
from dccad.logs.windows import WindowSet, window_starts, windows_to_rows
from dccad.method.network.depthwise import DirectionalAutoencoder
from dccad.method.network.published import Autoencoder
from dccad.method.representation.whitening import (
    Representation,
)
from dccad.method.scoring.batches import in_chunks, in_stretches, measure_windows
from dccad.method.scoring.statistics import (
    BANDWIDTH,
    PERSISTENCE_WEIGHTS,
    SMALLEST,
    WindowStatistics,
    fit_mahalanobis,
    fit_signatures,
    window_features,
)
from dccad.method.scoring.whole_runs import Reading, stretches

FOLD_WINDOWS = 500
"""A model of the cross-fitting trains on about this many unlabelled windows at most."""

SHORT_REFERENCE = 17
"""Window lengths of reference up to which slow directions are discounted by the full weight."""

FOLD_NORMAL_WINDOWS = 2000
"""And on about this many reference windows at most; its distances are fitted on all of them."""


def persistence_share(windows: WindowSet, stride: int) -> float:
    """How much of the weight of slow directions a reference still needs.

    A short reference shows only part of the range of a slow direction, a longer one more of it:
    1 up to ``SHORT_REFERENCE`` window lengths, then falling with the square of the length.

    Examples
    --------
    >>> rows = np.zeros((1049, 1), dtype=np.float32)
    >>> persistence_share(WindowSet.of_table(rows, [1049], 30), 1)
    0.25
    """
    lengths = len(windows) * stride / windows.length
    return float(min(1.0, SHORT_REFERENCE / lengths) ** 2)


def fit_statistics(
    network: Autoencoder,
    windows: WindowSet,
    stride: int,
    regimes: Sequence[WindowSet] = (),
    share: float | None = None,
) -> WindowStatistics:
    """Fit the distances on normal windows, and the signatures of other regimes.

    Parameters
    ----------
    network : DirectionalAutoencoder
    windows : WindowSet
        The normal ones.
    stride : int, in rows
        Between consecutive windows of a run.
    regimes : sequence of WindowSet
        Windows of each regime of the unlabelled log.
    share : float, optional
        Of the weight of slow directions; default: :func:`persistence_share` of these windows. A
        model of part of a reference takes that of the whole.
    """
    share = persistence_share(windows, stride) if share is None else share
    features = _extract_features(network, windows)
    cuts = np.flatnonzero(np.diff(windows.timeline.cpu().numpy()) != stride) + 1
    by_run = {name: np.split(values, cuts) for name, values in features.items()}
    bandwidth = max(1, round(BANDWIDTH * windows.length / stride))
    parts = {
        name: fit_mahalanobis(runs, share * PERSISTENCE_WEIGHTS[name], bandwidth)
        for name, runs in by_run.items()
    }
    if not regimes:
        return WindowStatistics(parts)
    means = [_extract_features(network, regime)["mean"] for regime in regimes]
    return WindowStatistics(parts, fit_signatures(by_run["mean"], means, bandwidth))


def _extract_features(network: Autoencoder, windows: WindowSet) -> dict[str, NDArray[np.float64]]:
    assert isinstance(network, DirectionalAutoencoder)
    found = stretches(windows)
    if found is None:
        return in_chunks(windows, network, lambda batch: _read_windows(network, batch))
    return in_stretches(windows, network, found, _read_newest)


def _read_windows(network: DirectionalAutoencoder, batch: Tensor) -> dict[str, Tensor]:
    features = window_features(network, batch, *network(batch))
    features["row"] = features["row"][:, -1]  # each row once, as the newest of its window
    return {name: values.double() for name, values in features.items()}


def _read_newest(reading: Reading) -> dict[str, Tensor]:
    features = {
        "row": reading.newest,
        "mean": reading.mean,
        "log-variance": reading.log_variance,
        "residual": reading.residual,
    }
    return {name: values.double() for name, values in features.items()}


def measure_rows(
    runs: Sequence[Run],
    representation: Representation,
    network: Autoencoder,
    statistics: WindowStatistics,
    window: int,
) -> list[NDArray[np.float64]]:
    """Statistics of each row of runs, shape (n_rows, n_statistics); NaN until a window is full."""
    windows = representation.windows(runs, window)
    if not len(windows):
        return [np.full((len(run), len(statistics.names)), np.nan) for run in runs]
    measured = measure_windows(windows, network, statistics)
    lengths = [len(run) for run in runs]
    starts = windows.starts.numpy()
    rows = windows_to_rows(measured, starts, window, lengths, np.nan)
    return np.split(rows, np.cumsum(lengths)[:-1])


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
        # persistence is counted on the reference's windows, at the stride that they now have
        thin = replace(recipe, training=replace(recipe.training, stride=thinned))
        network = thin.train(join_windows([shown, *regimes])).network
        statistics = fit_statistics(network, normal, recipe.stride, regimes, self.share)
        if self.advance is not None:
            self.advance()
        found = measure_rows(held_out, representation, network, statistics, recipe.window)
        if self.levels is None or max(thinned, self.thinned) == recipe.stride:
            return found
        ratio = self.levels / usual_levels(normal, network, statistics)
        return [part * ratio for part in found]


def usual_levels(
    windows: WindowSet, network: Autoencoder, statistics: WindowStatistics
) -> NDArray[np.float64]:
    """Geometric mean of each statistic over normal windows; 1 for the signature, a ratio."""
    measured = np.log(measure_windows(windows, network, statistics) + SMALLEST)
    levels: NDArray[np.float64] = np.exp(measured.mean(axis=0))
    return np.where(np.array(statistics.names) == "signature", 1.0, levels)


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
        window, stride = self.recipe.window, self.recipe.stride
        windows = self.representation.windows(training, window, stride)
        statistics = fit_statistics(self.network, windows, stride, share=self.share)
        return measure_rows(held_out, self.representation, self.network, statistics, window)


def join_windows(parts: Sequence[WindowSet]) -> WindowSet:
    """Lay sets of windows of one length under one another.

    Examples
    --------
    >>> one = WindowSet.of_table(np.zeros((3, 1), dtype=np.float32), [3], 2)
    >>> join_windows([one, one]).starts.tolist()
    [0, 1, 3, 4]
    """
    offsets = np.cumsum([0, *(len(part.rows) for part in parts)])[:-1].tolist()
    runs, n_runs = [], 0
    for part in parts:
        mine = torch.zeros_like(part.starts) if part.runs is None else part.runs
        runs.append(mine + n_runs)
        n_runs += int(mine.max()) + 1 if len(mine) else 0
    return WindowSet(
        torch.cat([part.rows for part in parts]),
        torch.cat([part.starts + offset for part, offset in zip(parts, offsets, strict=True)]),
        parts[0].length,
        torch.cat(runs),
    )


def normal_stretches(
    runs: Sequence[Run], starts: NDArray[np.int64], is_normal: NDArray[np.bool_], window: int
) -> list[Run]:
    """Rows of consecutive normal windows, as runs.

    Parameters
    ----------
    runs : sequence of Run
        What the windows were cut from, in order.
    starts : ndarray of shape (n_windows,)
        First row of each window in the table of all runs.
    is_normal : ndarray of shape (n_windows,), bool
    window : int, in rows

    Returns
    -------
    list of Run
        Every row of them is in a normal window.

    Examples
    --------
    >>> log = [Run(np.arange(8.0)[:, None], ("a",))]
    >>> starts, normal = np.arange(6), np.array([True, True, False, False, True, True])
    >>> [run.values.ravel().tolist() for run in normal_stretches(log, starts, normal, 3)]
    [[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0]]
    """
    offsets = np.cumsum([0, *(len(run) for run in runs)])
    windows = np.flatnonzero(is_normal)
    first = starts[windows]
    owner = np.searchsorted(offsets, first, side="right") - 1
    # windows that share a row are joined, and neighbours that only touch (stride = window)
    step = np.diff(first)
    joined = (step < window) | ((step == window) & (np.diff(windows) == 1))
    joined &= np.diff(owner) == 0
    parts = np.split(np.arange(len(windows)), np.flatnonzero(~joined) + 1)
    return [
        runs[owner[part[0]]].rows(
            int(first[part[0]] - offsets[owner[part[0]]]),
            int(first[part[-1]] - offsets[owner[part[0]]]) + window,
        )
        for part in parts
        if len(part)
    ]
