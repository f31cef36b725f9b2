"""Several statistics of a window, each a distance from normal, brought to one scale and added.

Each sees what the others miss: the mean distance of the window's rows any excursion, that of its
last third one that has just begun, the window's mean a small shift that lasts, log-variances an
oscillation or a stuck valve, the mean residual of the reconstruction a broken relation between
sensors. The mean of their standardised logarithms beats each of them alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import torch
from numpy.typing import NDArray
from torch import Tensor

from dccad.method.network.depthwise import DirectionalAutoencoder
from dccad.method.network.pooling import pool_maps
from dccad.method.regions.centres import squared_distances
from dccad.method.scoring.distances import Mahalanobis, Signatures
from dccad.support.tensors import to_array


class Feature(str, Enum):
    """What a window is judged by; the values are the names in model folders and tables."""

    ROW = "row"
    MEAN = "mean"
    LOG_VARIANCE = "log-variance"
    RESIDUAL = "residual"
    ENERGY = "energy"
    RECENT_ENERGY = "recent energy"

    def __str__(self) -> str:
        return str.__str__(self)


PERSISTENCE_WEIGHTS = {
    Feature.ROW: 10.0,
    Feature.MEAN: 10.0,
    Feature.LOG_VARIANCE: 0.0,
    Feature.RESIDUAL: 10.0,
}
"""Weight of the long-run covariance (:mod:`dccad.method.scoring.covariance`) in each metric."""

BANDWIDTH = 5 / 3
"""Bandwidth of the long-run covariance, in windows."""


SIGNATURE_RANGE, SIGNATURE_UNIT = 5000.0, 10.0
"""A log-likelihood ratio r counts as exp(r / unit), within ± range: linear in its logarithm."""


class Reading(Protocol):
    """What a network makes of several windows, however they were read."""

    @property
    def latents(self) -> Tensor:
        """Pooled maps, shape (n_windows, n_maps, map_length)."""

    def error(self) -> Tensor:
        """Root-mean-square error of the reconstruction of each window, shape (n_windows,)."""

    def newest(self) -> dict[Feature, Tensor]:
        """Features of each window, shape (n_windows, n_features); ``ROW`` is its last row."""

    def features(self, distance: Callable[[Tensor], Tensor]) -> dict[Feature, Tensor]:
        """Features of each window with the energies, the means of its rows' distances."""


class Statistics(Protocol):
    """What a fit leaves behind that scoring needs, and nothing of how it was learned."""

    @property
    def kind(self) -> str:
        """Name of the kind in a model folder."""

    @property
    def reads_runs(self) -> bool:
        """Whether :meth:`measure` takes readings of whole runs as well as of batches."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the statistics, in the order of their columns."""

    def measure(self, reading: Reading) -> Tensor:
        """Measure the windows of a reading, shape (n_windows, n_statistics), float64."""

    def to(self, device: torch.device) -> Statistics:
        """The same on another device."""

    def to_record(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays by dotted names, and plain numbers with the ``kind``, for a model folder."""


def window_features(
    network: DirectionalAutoencoder, windows: Tensor, maps: Tensor, reconstruction: Tensor
) -> dict[Feature, Tensor]:
    """What the statistics measure, per window.

    Parameters
    ----------
    network : DirectionalAutoencoder
    windows : Tensor of shape (n_windows, n_directions, window)
    maps, reconstruction : Tensor
        What the network makes of them.

    Returns
    -------
    dict of Feature to Tensor
        ``row``, of shape (n_windows, map_length, n_features): the level maps of the whitened
        directions (of the sensors where none are whitened), position by position. Of shape
        (n_windows, n_features): ``mean`` of these maps over the window, ``log-variance`` of the
        level maps of the sensors (else of the directions), and ``residual``, the mean residual of
        the sensors (else of the directions).
    """
    groups, first = network.levels(maps), network.settings.groups[0]
    return {
        Feature.ROW: groups[-1].transpose(1, 2),
        Feature.MEAN: groups[-1].mean(dim=2),
        Feature.LOG_VARIANCE: pool_maps(groups[0]).log_variance,
        Feature.RESIDUAL: (windows[:, first] - reconstruction[:, first]).mean(dim=2),
    }


@dataclass(frozen=True)
class WindowStatistics:
    """Distances of several features from the normal windows of the fit.

    Attributes
    ----------
    parts : dict of Feature to Mahalanobis
        By the names of :func:`window_features`.
    signatures : Signatures, optional
        Signatures of the regimes of an unlabelled log beside the reference.
    """

    parts: Mapping[Feature, Mahalanobis]
    signatures: Signatures | None = None

    kind = "statistics"
    reads_runs = True

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the statistics, in the order of their columns."""
        others = (name for name in self.parts if name != Feature.ROW)
        known = tuple(map(str, (Feature.ENERGY, Feature.RECENT_ENERGY, *others)))
        return known if self.signatures is None else (*known, "signature")

    def measure(self, reading: Reading) -> Tensor:
        """Distances of the windows of a reading, shape (n_windows, n_statistics), float64."""
        return self.judge(reading.features(self.row_distances))

    def row_distances(self, rows: Tensor) -> Tensor:
        """Squared distance of rows of shape (..., n_features), over the number of features."""
        flat = self.parts[Feature.ROW].squared(rows.reshape(-1, rows.shape[-1])) / rows.shape[-1]
        return flat.view(rows.shape[:-1])

    def judge(self, features: Mapping[Feature, Tensor]) -> Tensor:
        """Distances of windows from normal ones, by their features; the arithmetic of every score.

        Each is the squared Mahalanobis distance over the number of features; "signature" is the
        likelihood ratio of :class:`Signatures`, its logarithm scaled.

        Parameters
        ----------
        features : mapping of Feature to Tensor
            ``energy`` and ``recent energy``, the mean of :meth:`row_distances` over the window and
            over its last third, of shape (n_windows,); the others of :func:`window_features`.

        Returns
        -------
        Tensor of shape (n_windows, n_statistics), float64
        """
        columns = [features[Feature.ENERGY], features[Feature.RECENT_ENERGY]]
        for name, part in self.parts.items():
            if name != Feature.ROW:
                columns.append(part.squared(features[name]) / features[name].shape[1])
        if self.signatures is not None:
            ratio = self.signatures.log_ratio(features[Feature.MEAN])
            ratio = ratio.clamp(-SIGNATURE_RANGE, SIGNATURE_RANGE)
            columns.append((ratio / SIGNATURE_UNIT).exp())
        return torch.stack(columns, dim=1)

    def to(self, device: torch.device) -> WindowStatistics:
        """The same on another device."""
        parts = {name: part.to(device) for name, part in self.parts.items()}
        known = self.signatures
        return WindowStatistics(parts, None if known is None else known.to(device))

    def to_record(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays and plain numbers for a model folder."""
        arrays: dict[str, NDArray[Any]] = {}
        for name, part in self.parts.items():
            arrays |= part.to_arrays(f"statistics.{name!s}")
        if self.signatures is not None:
            arrays |= self.signatures.metric.to_arrays("signatures.metric")
            arrays["signatures.shifts"] = to_array(self.signatures.shifts)
        record = {
            "kind": self.kind,
            "parts": list(map(str, self.parts)),
            "signatures": self.signatures is not None,
            "names": list(self.names),
        }
        return arrays, record

    @classmethod
    def from_record(
        cls, arrays: Mapping[str, NDArray[Any]], record: Mapping[str, Any]
    ) -> WindowStatistics:
        """Undo :meth:`to_record`."""
        parts = {
            Feature(name): Mahalanobis.from_arrays(arrays, f"statistics.{name}")
            for name in record["parts"]
        }
        if not record["signatures"]:
            return cls(parts)
        metric = Mahalanobis.from_arrays(arrays, "signatures.metric")
        return cls(parts, Signatures(metric, torch.tensor(arrays["signatures.shifts"])))


@dataclass(frozen=True)
class CentreStatistics:
    """The statistics of the published method.

    Attributes
    ----------
    clustering_maps : Tensor of shape (n_clustering,), int64
    centres : Tensor of shape (n_clustering, map_length)
        Centres of the normal region.
    """

    clustering_maps: Tensor
    centres: Tensor

    kind = "centres"
    names = ("distance", "error")
    reads_runs = False

    def measure(self, reading: Reading) -> Tensor:
        """Root-mean-square distance to the centres, and reconstruction error, of each window."""
        clustering = reading.latents[:, self.clustering_maps]
        distance = squared_distances(clustering, self.centres).sqrt()
        return torch.stack((distance.double(), reading.error().double()), dim=1)

    def to(self, device: torch.device) -> CentreStatistics:
        """The same on another device."""
        return CentreStatistics(self.clustering_maps.to(device), self.centres.to(device))

    def to_record(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays and plain numbers for a model folder."""
        arrays = {
            "statistics.clustering_maps": to_array(self.clustering_maps),
            "statistics.centres": to_array(self.centres),
        }
        return arrays, {"kind": self.kind}

    @classmethod
    def from_record(
        cls, arrays: Mapping[str, NDArray[Any]], record: Mapping[str, Any]
    ) -> CentreStatistics:
        """Undo :meth:`to_record`."""
        return cls(
            torch.tensor(arrays["statistics.clustering_maps"]),
            torch.tensor(arrays["statistics.centres"]),
        )
