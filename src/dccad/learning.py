"""Learning from rows what scoring needs: representation, network, maps and statistics.

The same steps make the final model and, on part of the reference, each model of the cross-fitting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dccad.directional import DirectionalAutoencoder, DirectionalSettings
from dccad.network import Autoencoder, NetworkSettings
from dccad.representation import (
    UNLABELLED_FLOOR,
    Representation,
    RepresentationKind,
    fit_representation,
)
from dccad.runs import Run
from dccad.scaling import ScalingKind
from dccad.statistics import WindowStatistics, fit_mahalanobis, window_features
from dccad.training import OnEpoch, TrainingResult, TrainingSettings, fit_jointly
from dccad.windows import WindowSet, window_starts, windows_to_rows

CHUNK = 1024
"""Windows that pass the network at a time."""

FOLD_WINDOWS = 3000
"""A model of the cross-fitting trains on about this many unlabelled windows at most."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what is learned from given rows.

    Attributes
    ----------
    window, stride : int, in rows
    scaling : {"standard", "minmax"}
    representation : str
        As :func:`dccad.representation.fit_representation` has it.
    taming : float or None
    network : NetworkSettings or DirectionalSettings
    training : TrainingSettings
    device : torch.device
    """

    window: int
    stride: int
    scaling: ScalingKind
    representation: RepresentationKind
    taming: float | None
    network: NetworkSettings | DirectionalSettings
    training: TrainingSettings
    device: torch.device

    def represent(self, normal: Sequence[Run], others: Sequence[Run]) -> Representation:
        """Fit the representation on the normal rows, where there are some."""
        return fit_representation(
            normal or others,
            self.scaling,
            self.representation,
            self.taming,
            0.0 if normal else UNLABELLED_FLOOR,
        )

    def train(self, windows: WindowSet, on_epoch: OnEpoch | None = None) -> TrainingResult:
        """Train network and centres on windows of that representation."""
        return fit_jointly(windows, self.network, self.training, self.device, on_epoch)


def extract_features(network: Autoencoder, windows: WindowSet) -> dict[str, NDArray[np.float64]]:
    """Features behind the statistics of each window.

    Parameters
    ----------
    network : DirectionalAutoencoder
    windows : WindowSet

    Returns
    -------
    dict of str to ndarray of shape (n_windows, n_features)
        As :func:`dccad.statistics.window_features` names them.
    """
    assert isinstance(network, DirectionalAutoencoder)
    network.eval()
    device = next(network.parameters()).device
    kept: dict[str, list[NDArray[Any]]] = {}
    with torch.inference_mode():
        for indices in torch.arange(len(windows)).split(CHUNK):
            batch = windows[indices].to(device)
            for name, values in window_features(network, batch, *network(batch)).items():
                kept.setdefault(name, []).append(values.double().cpu().numpy())
    return {name: np.concatenate(parts) for name, parts in kept.items()}


def fit_statistics(features: dict[str, NDArray[np.float64]]) -> WindowStatistics:
    """Distances from the windows that the features are of: the normal ones."""
    return WindowStatistics({name: fit_mahalanobis(part) for name, part in features.items()})


def measure_rows(
    runs: Sequence[Run],
    representation: Representation,
    network: Autoencoder,
    statistics: WindowStatistics,
    window: int,
) -> list[NDArray[np.float64]]:
    """Statistics of each row of runs, shape (n_rows, n_statistics); NaN until a window is full."""
    windows = representation.windows(runs, window)
    features = extract_features(network, windows)
    columns = [
        part.squared(torch.from_numpy(features[name])).numpy()
        for name, part in statistics.parts.items()
    ]
    lengths = [len(run) for run in runs]
    rows = windows_to_rows(
        np.stack(columns, axis=1), windows.starts.numpy(), window, lengths, np.nan
    )
    return np.split(rows, np.cumsum(lengths)[:-1])


class FoldScorer:
    """Fits on part of a reference and scores the rest: what :func:`dccad.cross_fitting` calls.

    Parameters
    ----------
    recipe : Recipe
    others : sequence of Run
        Unlabelled rows that every model trains on beside its part of the reference. They are
        thinned: a model of the cross-fitting need not be as good as the final one.
    advance : callable, optional
        Called after each fit, for progress.
    """

    def __init__(self, recipe: Recipe, others: Sequence[Run] = (), advance: Any = None) -> None:
        n_windows = len(window_starts([len(run) for run in others], recipe.window, recipe.stride))
        thinned = recipe.stride * max(1, -(-n_windows // FOLD_WINDOWS))
        self.recipe, self.others, self.thinned = recipe, list(others), thinned
        self.advance = advance

    def __call__(
        self, training: list[Run], held_out: list[Run]
    ) -> Sequence[NDArray[np.float64]]:
        """Statistics of the held-out rows by a model of the training rows."""
        recipe = self.recipe
        representation = recipe.represent(training, ())
        normal = representation.windows(training, recipe.window, recipe.stride)
        windows = normal
        if self.others:
            windows = join_windows(
                normal, representation.windows(self.others, recipe.window, self.thinned)
            )
        network = recipe.train(windows).network
        statistics = fit_statistics(extract_features(network, normal))
        if self.advance is not None:
            self.advance()
        return measure_rows(held_out, representation, network, statistics, recipe.window)


class StretchScorer:
    """Fits the statistics alone on part of the normal stretches of a log, for an unlabelled fit.

    Representation and network are those of the whole log, of which one stretch is a small part.
    """

    def __init__(
        self, recipe: Recipe, representation: Representation, network: Autoencoder
    ) -> None:
        self.recipe, self.representation, self.network = recipe, representation, network

    def __call__(
        self, training: list[Run], held_out: list[Run]
    ) -> Sequence[NDArray[np.float64]]:
        """Statistics of the held-out rows by distances from the training rows."""
        window = self.recipe.window
        windows = self.representation.windows(training, window, self.recipe.stride)
        statistics = fit_statistics(extract_features(self.network, windows))
        return measure_rows(held_out, self.representation, self.network, statistics, window)


def join_windows(first: WindowSet, second: WindowSet) -> WindowSet:
    """Lay two sets of windows of one length under one another.

    Examples
    --------
    >>> one = WindowSet.from_segments([np.zeros((3, 1), dtype=np.float32)], 2)
    >>> join_windows(one, one).starts.tolist()
    [0, 1, 3, 4]
    """
    return WindowSet(
        torch.cat((first.rows, second.rows)),
        torch.cat((first.starts, second.starts + len(first.rows))),
        first.length,
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
    covered = np.zeros(sum(len(run) for run in runs) + 1, dtype=np.int64)
    np.add.at(covered, starts[is_normal], 1)
    np.add.at(covered, starts[is_normal] + window, -1)
    inside = np.cumsum(covered)[:-1] > 0
    stretches, first = [], 0
    begins = np.isin(np.arange(len(inside)), starts[is_normal])
    for run in runs:
        mine = inside[first : first + len(run)]
        cuts = np.flatnonzero(np.diff(np.concatenate(([0], mine.astype(np.int8), [0]))))
        for a, b in zip(cuts[::2], cuts[1::2], strict=True):
            # windows may touch without being neighbours: cut where no window spans
            stretches += _split_where_none_spans(run, a, b, begins[first + a : first + b], window)
        first += len(run)
    return stretches


def _split_where_none_spans(
    run: Run, start: int, stop: int, begins: NDArray[np.bool_], window: int
) -> list[Run]:
    firsts = np.flatnonzero(begins) + start
    cuts = np.flatnonzero(np.diff(firsts) >= window)
    parts = np.split(firsts, cuts + 1)
    return [run.rows(int(part[0]), min(int(part[-1]) + window, stop)) for part in parts]


