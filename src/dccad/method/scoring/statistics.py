"""Several statistics of a window, each a distance from normal, brought to one scale and added.

Each sees what the others miss: the mean distance of the window's rows any excursion, that of its
last third one that has just begun, the window's mean a small shift that lasts, log-variances an
oscillation or a stuck valve, the mean residual of the reconstruction a broken relation between
sensors. The mean of their standardised logarithms beats each of them alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor

from dccad.method.network.base import Autoencoder
from dccad.method.network.depthwise import DirectionalAutoencoder
from dccad.method.network.pooling import pool_maps, recent_positions
from dccad.method.regions.centres import squared_distances
from dccad.method.scoring.distances import Mahalanobis, Signatures

PERSISTENCE_WEIGHTS = {"row": 10.0, "mean": 10.0, "log-variance": 0.0, "residual": 10.0}
"""Weight of the long-run covariance (:mod:`dccad.method.scoring.covariance`) in each metric."""

BANDWIDTH = 5 / 3
"""Of the long-run covariance, in windows."""


SIGNATURE_RANGE, SIGNATURE_UNIT = 5000.0, 10.0
"""A log-likelihood ratio r counts as exp(r / unit), within ± range: linear in its logarithm."""


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
class CentreStatistics:
    """The statistics of the published method.

    Attributes
    ----------
    clustering_maps : Tensor of shape (n_clustering,), int64
    centres : Tensor of shape (n_clustering, map_length)
        Of the normal region.
    """

    clustering_maps: Tensor
    centres: Tensor

    names = ("distance", "error")

    def measure(
        self, network: Autoencoder, windows: Tensor, maps: Tensor, reconstruction: Tensor
    ) -> Tensor:
        """Root-mean-square distance to the centres, and reconstruction error, of each window."""
        clustering = network.pool(maps)[:, self.clustering_maps]
        distance = squared_distances(clustering, self.centres).sqrt()
        error = (reconstruction - windows).square().mean(dim=(1, 2)).sqrt()
        return torch.stack((distance.double(), error.double()), dim=1)

    def to(self, device: torch.device) -> CentreStatistics:
        """The same on another device."""
        return CentreStatistics(self.clustering_maps.to(device), self.centres.to(device))


Statistics: TypeAlias = CentreStatistics | WindowStatistics
