"""Distances of windows from normal ones, and from regimes of the unlabelled log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dccad.method.scoring.covariance import persistence_aware_covariance
from dccad.support.tensors import to_array

SIGNATURE_PERSISTENCE = 0.2
"""Weight of the long-run covariance in the metric of the signatures."""


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

    def to_arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Arrays for a model folder, by names under a prefix."""
        return {f"{prefix}.{name}": to_array(value) for name, value in vars(self).items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], prefix: str) -> Mahalanobis:
        """Undo :meth:`to_arrays`."""
        return cls(*(torch.tensor(arrays[f"{prefix}.{name}"]) for name in ("mean", "whitening")))


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
        Bandwidth of the long-run covariance.

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
        Distance from normal windows.
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
    """Fit the metric on normal windows and the shift of each regime."""
    metric = fit_mahalanobis(normal, SIGNATURE_PERSISTENCE, bandwidth)
    shifts = [metric.whiten(torch.from_numpy(np.asarray(part))).mean(dim=0) for part in regimes]
    return Signatures(metric, torch.stack(shifts))
