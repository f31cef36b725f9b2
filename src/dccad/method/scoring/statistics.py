"""Several statistics of a window, each a distance from normal, brought to one scale and added.

Each sees what the others miss: the mean distance of the window's rows any excursion, that of its
last third one that has just begun, the window's mean a small shift that lasts, log-variances an
oscillation or a stuck valve, the mean residual of the reconstruction a broken relation between
sensors. The mean of their standardised logarithms beats each of them alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dccad.method.network.depthwise import DirectionalAutoencoder
from dccad.method.network.pooling import pool_maps, recent_positions
from dccad.method.scoring.covariance import persistence_aware_covariance

PERSISTENCE_WEIGHTS = {"row": 10.0, "mean": 10.0, "log-variance": 0.0, "residual": 10.0}
"""Weight of the long-run covariance (:mod:`dccad.method.scoring.covariance`) in each metric."""

BANDWIDTH = 5 / 3
"""Of the long-run covariance, in windows."""

SIGNATURE_PERSISTENCE = 0.2
"""Weight of the long-run covariance in the metric of the signatures."""

SIGNATURE_RANGE, SIGNATURE_UNIT = 5000.0, 10.0
"""A log-likelihood ratio r counts as exp(r / unit), within ± range: linear in its logarithm."""

SMALLEST = 1e-300
"""A distance of 0 has a logarithm."""

FLOOR = 0.03
"""Share of its usual value that is added to a distance before its logarithm, so that an unusually
small one outweighs nothing."""


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
        return self.whiten(features).square_().sum(dim=1)

    def whiten(self, features: Tensor) -> Tensor:
        """Features in which normal windows have unit variance, of the same shape, float64."""
        # the difference is double precision because the mean is
        return (features - self.mean.double()) @ self.whitening.double()

    def to(self, device: torch.device) -> Mahalanobis:
        """The same on another device."""
        return Mahalanobis(self.mean.to(device), self.whitening.to(device))


def fit_mahalanobis(
    runs: list[NDArray[Any]],
    persistence: float = 0.0,
    bandwidth: int = 1,
) -> Mahalanobis:
    """Fit mean and covariance on features of normal windows.

    Parameters
    ----------
    runs : list of ndarray of shape (n_windows, n_features)
        Features of consecutive windows, run by run.
    persistence : float
        Weight of the long-run covariance: directions that move slowly count less, because a short
        reference shows only part of their range.
    bandwidth : int, in windows
        Of the long-run covariance.

    Examples
    --------
    >>> normal = np.random.default_rng(0).normal(size=(4000, 2)) * [1.0, 10.0]
    >>> distance = fit_mahalanobis([normal]).squared(torch.tensor([[0.0, 30.0]]))
    >>> 8.0 < float(distance) < 10.0
    True
    """
    features = np.concatenate(runs).astype(np.float64)
    mean, scale = features.mean(axis=0), features.std(axis=0)
    constant = scale < 1e-6
    scale[constant] = 1.0
    standard = [(run - mean) / scale for run in runs]
    covariance = persistence_aware_covariance(standard, bandwidth, persistence)
    # a feature that never varied in normal windows keeps its own scale; shrinkage gives it less
    covariance[constant, constant] = 1.0
    values, vectors = np.linalg.eigh(covariance)
    values[values < 1e-10] = 1.0
    whitening = vectors / np.sqrt(values) / scale[:, None]
    return Mahalanobis(torch.from_numpy(mean), torch.from_numpy(whitening))


@dataclass(frozen=True)
class Signatures:
    """How much more likely a window is under a regime of the unlabelled log than under normal.

    Attributes
    ----------
    metric : Mahalanobis
        Of normal windows.
    shifts : Tensor of shape (n_regimes, n_features), float64
        Mean of each regime's windows, in the metric.
    """

    metric: Mahalanobis
    shifts: Tensor

    def log_ratio(self, features: Tensor) -> Tensor:
        """Largest log-likelihood ratio over regimes, shape (n_windows,), float64.

        Normal and regime are normal distributions of one covariance, so that of regime r is
        z · δ_r − ‖δ_r‖² / 2 with the whitened window z (the matched filter for a known shift).

        Examples
        --------
        >>> metric = Mahalanobis(torch.zeros(2), torch.eye(2))
        >>> seen = Signatures(metric, torch.tensor([[2.0, 0.0], [0.0, 4.0]]))
        >>> seen.log_ratio(torch.tensor([[2.0, 0.0], [0.0, 0.0]])).tolist()
        [2.0, -2.0]
        """
        z, shifts = self.metric.whiten(features), self.shifts.double()
        return (z @ shifts.T - shifts.square().sum(dim=1) / 2).amax(dim=1)

    def to(self, device: torch.device) -> Signatures:
        """The same on another device."""
        return Signatures(self.metric.to(device), self.shifts.to(device))


def fit_signatures(
    normal: list[NDArray[Any]], regimes: list[NDArray[Any]], bandwidth: int
) -> Signatures:
    """Fit the metric on normal windows and the shift of each regime.

    Parameters
    ----------
    normal : list of ndarray of shape (n_windows, n_features)
        Mean maps of normal windows, run by run.
    regimes : list of ndarray of shape (n_windows, n_features)
        Mean maps of the windows of each regime.
    bandwidth : int, in windows
    """
    metric = fit_mahalanobis(normal, SIGNATURE_PERSISTENCE, bandwidth)
    shifts = [metric.whiten(torch.from_numpy(np.asarray(part))).mean(dim=0) for part in regimes]
    return Signatures(metric, torch.stack(shifts))


def window_features(
    network: DirectionalAutoencoder, windows: Tensor, maps: Tensor, reconstruction: Tensor
) -> dict[str, Tensor]:
    """What the statistics measure, per window.

    Parameters
    ----------
    network : DirectionalAutoencoder
    windows : Tensor of shape (n_windows, n_directions, window)
    maps, reconstruction : Tensor
        What the network makes of them.

    Returns
    -------
    dict of str to Tensor
        ``row``, of shape (n_windows, map_length, n_features): the level maps of the whitened
        directions (of the sensors where none are whitened), position by position. Of shape
        (n_windows, n_features): ``mean`` of these maps over the window, ``log-variance`` of the
        level maps of the sensors (else of the directions), and ``residual``, the mean residual of
        the sensors (else of the directions).
    """
    groups, first = network.levels(maps), network.settings.groups[0]
    return {
        "row": groups[-1].transpose(1, 2),
        "mean": groups[-1].mean(dim=2),
        "log-variance": pool_maps(groups[0]).log_variance,
        "residual": (windows[:, first] - reconstruction[:, first]).mean(dim=2),
    }


@dataclass(frozen=True)
class WindowStatistics:
    """Distances of several features from the normal windows of the fit.

    Attributes
    ----------
    parts : dict of str to Mahalanobis
        By the names of :func:`window_features`.
    signatures : Signatures, optional
        Of the regimes of an unlabelled log beside the reference.
    """

    parts: Mapping[str, Mahalanobis]
    signatures: Signatures | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Of the statistics, in the order of their columns."""
        others = (name for name in self.parts if name != "row")
        known = ("energy", "recent energy", *others)
        return known if self.signatures is None else (*known, "signature")

    def measure(
        self, network: Any, windows: Tensor, maps: Tensor, reconstruction: Tensor
    ) -> Tensor:
        """Distances of a batch of windows, shape (n_windows, n_statistics), float64."""
        features = window_features(network, windows, maps, reconstruction)
        distances = self.row_distances(features.pop("row"))
        recent = recent_positions(distances.shape[1])
        features["energy"] = distances.mean(dim=1)
        features["recent energy"] = distances[:, -recent:].mean(dim=1)
        return self.judge(features)

    def row_distances(self, rows: Tensor) -> Tensor:
        """Squared distance of rows of shape (..., n_features), over the number of features."""
        flat = self.parts["row"].squared(rows.reshape(-1, rows.shape[-1])) / rows.shape[-1]
        return flat.view(rows.shape[:-1])

    def judge(self, features: Mapping[str, Tensor]) -> Tensor:
        """Distances of windows from normal ones, by their features; the arithmetic of every score.

        Each is the squared Mahalanobis distance over the number of features; "signature" is the
        likelihood ratio of :class:`Signatures`, its logarithm scaled.

        Parameters
        ----------
        features : mapping of str to Tensor
            ``energy`` and ``recent energy``, the mean of :meth:`row_distances` over the window and
            over its last third, of shape (n_windows,); the others of :func:`window_features`.

        Returns
        -------
        Tensor of shape (n_windows, n_statistics), float64
        """
        columns = [features["energy"], features["recent energy"]]
        for name, part in self.parts.items():
            if name != "row":
                columns.append(part.squared(features[name]) / features[name].shape[1])
        if self.signatures is not None:
            ratio = self.signatures.log_ratio(features["mean"])
            ratio = ratio.clamp(-SIGNATURE_RANGE, SIGNATURE_RANGE)
            columns.append((ratio / SIGNATURE_UNIT).exp())
        return torch.stack(columns, dim=1)

    def to(self, device: torch.device) -> WindowStatistics:
        """The same on another device."""
        parts = {name: part.to(device) for name, part in self.parts.items()}
        known = self.signatures
        return WindowStatistics(parts, None if known is None else known.to(device))


@dataclass(frozen=True)
class ScoreScale:
    """Mean and standard deviation of each statistic over normal windows, and how they add up.

    Attributes
    ----------
    names : tuple of str
    mean, std : tuple of float
        Of each statistic, or of its logarithm.
    floor : tuple of float or None
        Added to each statistic before its logarithm; None: no logarithm is taken.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    floor: tuple[float, ...] | None

    def combine(self, statistics: NDArray[np.float64]) -> NDArray[np.float64]:
        """One score per window: 0 is typical of normal windows, 1 is one standard deviation.

        Parameters
        ----------
        statistics : ndarray of shape (n_windows, n_statistics)

        Examples
        --------
        >>> scale = ScoreScale(("distance", "error"), (1.0, 2.0), (0.5, 1.0), None)
        >>> scale.combine(np.array([[1.0, 2.0], [2.0, 3.0]])).tolist()
        [0.0, 1.5]
        """
        values = _logarithms(statistics, self.floor)
        standard = (values - np.array(self.mean)) / np.array(self.std)
        return np.asarray(standard.mean(axis=1), dtype=np.float64)


def fit_score_scale(
    names: tuple[str, ...], statistics: NDArray[np.float64], logarithmic: bool
) -> ScoreScale:
    """Fit the scale on statistics of normal windows, of shape (n_windows, n_statistics).

    Examples
    --------
    >>> fit_score_scale(("a",), np.array([[1.0], [3.0]]), logarithmic=False)
    ScoreScale(names=('a',), mean=(2.0,), std=(1.0,), floor=None)
    """
    floor = tuple(float(FLOOR * m) for m in np.median(statistics, axis=0)) if logarithmic else None
    values = _logarithms(statistics, floor)
    # a statistic that does not vary (one window, constant data) must not be divided by its rounding
    varies = np.ptp(statistics, axis=0) > 1e-9 * np.abs(statistics).max(axis=0)
    std = np.where(varies, values.std(axis=0), 1.0)
    mean = values.mean(axis=0)
    return ScoreScale(names, tuple(map(float, mean)), tuple(map(float, std)), floor)


def _logarithms(
    statistics: NDArray[np.float64], floor: tuple[float, ...] | None
) -> NDArray[np.float64]:
    if floor is None:
        return statistics
    logarithms: NDArray[np.float64] = np.log(statistics + np.array(floor) + SMALLEST)
    return logarithms
