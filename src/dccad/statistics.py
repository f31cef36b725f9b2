"""Several statistics of a window, each a distance from normal, brought to one scale and added.

Each sees what the others miss: the window's mean a shift, its last third a change that has just
begun, log-variances an oscillation or a stuck valve, the mean residual of the reconstruction a
broken relation between sensors. Their standardised sum beats each of them alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf
from torch import Tensor

from dccad.directional import DirectionalAutoencoder
from dccad.pooling import pool_maps


@dataclass(frozen=True)
class Mahalanobis:
    """Squared distance from the mean of normal windows, in a shrunk covariance.

    Attributes
    ----------
    mean : Tensor of shape (n_features,), float64
    whitening : Tensor of shape (n_features, n_features), float64
        W with W Wᵀ = Σ⁻¹.
    """

    mean: Tensor
    whitening: Tensor

    def squared(self, features: Tensor) -> Tensor:
        """Squared distance of features of shape (n_windows, n_features), float64.

        Examples
        --------
        >>> Mahalanobis(torch.zeros(2), torch.eye(2)).squared(torch.tensor([[3.0, 4.0]])).tolist()
        [25.0]
        """
        whitened = (features.double() - self.mean) @ self.whitening.double()
        return whitened.square().sum(dim=1)

    def to(self, device: torch.device) -> Mahalanobis:
        """The same on another device."""
        return Mahalanobis(self.mean.to(device), self.whitening.to(device))


def fit_mahalanobis(features: NDArray[Any], drift: NDArray[Any] | None = None) -> Mahalanobis:
    """Fit mean and Ledoit-Wolf covariance on normal windows.

    Parameters
    ----------
    features : ndarray of shape (n_windows, n_features)
    drift : ndarray of shape (n_features, n_features), optional
        Covariance to add for movement that the windows are too few to show.

    Examples
    --------
    >>> normal = np.random.default_rng(0).normal(size=(4000, 2)) * [1.0, 10.0]
    >>> distance = fit_mahalanobis(normal).squared(torch.tensor([[0.0, 30.0]]))
    >>> 8.0 < float(distance) < 10.0
    True
    """
    features = np.asarray(features, dtype=np.float64)
    mean = features.mean(axis=0)
    covariance = ledoit_wolf(features)[0] if len(features) > 1 else np.eye(features.shape[1])
    if drift is not None:
        covariance = covariance + drift
    values, vectors = np.linalg.eigh(covariance)
    # a feature that never varied in normal windows tells nothing by itself: unit scale
    values[values < 1e-10] = 1.0
    return Mahalanobis(torch.from_numpy(mean), torch.from_numpy(vectors / np.sqrt(values)))


def window_features(
    network: DirectionalAutoencoder, windows: Tensor, maps: Tensor, reconstruction: Tensor
) -> dict[str, Tensor]:
    """What each statistic measures, per window.

    Parameters
    ----------
    network : DirectionalAutoencoder
    windows : Tensor of shape (n_windows, n_directions, window)
    maps, reconstruction : Tensor
        What the network makes of them.

    Returns
    -------
    dict of str to Tensor of shape (n_windows, n_features)
        ``mean``, ``recent mean`` and ``log-variance`` of the level maps of the whitened directions
        (of the sensors where none are whitened), ``sensor log-variance`` (where both kinds are
        there), and ``residual``: the mean residual of the sensors (else of the directions).
    """
    groups = network.levels(maps)
    pooled = pool_maps(groups[-1])
    features = {
        "mean": pooled.mean,
        "recent mean": pooled.recent,
        "log-variance": pooled.log_variance,
    }
    if len(groups) > 1:
        features["sensor log-variance"] = pool_maps(groups[0]).log_variance
    first = network.settings.groups[0]
    features["residual"] = (windows[:, first] - reconstruction[:, first]).mean(dim=2)
    return features


@dataclass(frozen=True)
class WindowStatistics:
    """Distances of several features from the normal windows of the fit.

    Attributes
    ----------
    parts : dict of str to Mahalanobis
        By the names of :func:`window_features`.
    """

    parts: Mapping[str, Mahalanobis]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the statistics, in the order of their columns."""
        return tuple(self.parts)

    def measure(
        self, network: Any, windows: Tensor, maps: Tensor, reconstruction: Tensor
    ) -> Tensor:
        """Squared distances, shape (n_windows, n_statistics), float64."""
        features = window_features(network, windows, maps, reconstruction)
        columns = [part.squared(features[name]) for name, part in self.parts.items()]
        return torch.stack(columns, dim=1)

    def to(self, device: torch.device) -> WindowStatistics:
        """The same on another device."""
        return WindowStatistics({name: part.to(device) for name, part in self.parts.items()})


@dataclass(frozen=True)
class ScoreScale:
    """Mean and standard deviation of each statistic over normal windows, and how they add up.

    Attributes
    ----------
    names : tuple of str
    mean, std : tuple of float
        Of each statistic.
    tamed : bool
        Whether a standardised statistic z enters as 2 arcsinh(z / 2), so that none outweighs all
        others however large it grows.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    tamed: bool

    def combine(self, statistics: NDArray[np.float64]) -> NDArray[np.float64]:
        """One score per window: 0 is typical of normal windows, 1 is one standard deviation.

        Parameters
        ----------
        statistics : ndarray of shape (n_windows, n_statistics)

        Examples
        --------
        >>> scale = ScoreScale(("distance", "error"), (1.0, 2.0), (0.5, 1.0), tamed=False)
        >>> scale.combine(np.array([[1.0, 2.0], [2.0, 3.0]])).tolist()
        [0.0, 1.5]
        """
        standard = (statistics - np.array(self.mean)) / np.array(self.std)
        if self.tamed:
            standard = 2 * np.arcsinh(standard / 2)
        return np.asarray(standard.mean(axis=1), dtype=np.float64)


def fit_score_scale(
    names: tuple[str, ...], statistics: NDArray[np.float64], tamed: bool
) -> ScoreScale:
    """Fit the scale on statistics of normal windows, of shape (n_windows, n_statistics).

    Examples
    --------
    >>> fit_score_scale(("a",), np.array([[1.0], [3.0]]), tamed=True)
    ScoreScale(names=('a',), mean=(2.0,), std=(1.0,), tamed=True)
    """
    # a statistic that does not vary (one window, constant data) must not be divided by zero
    std = tuple(float(value) or 1.0 for value in statistics.std(axis=0))
    return ScoreScale(names, tuple(map(float, statistics.mean(axis=0))), std, tamed)
