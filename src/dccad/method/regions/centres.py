"""Regions by the nearest centre over all clustering maps, as published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dccad.method.clustering.maps import assign_maps, cluster_maps
from dccad.method.regions.normal import RegionReport, find_normal_region
from dccad.support.tensors import to_array


@dataclass(frozen=True)
class CentrePartition:
    """Regions as the published method reads them: the nearest centre over all clustering maps.

    Attributes
    ----------
    centres : Tensor of shape (n_maps, n_clusters, map_length)
        Centres of every single map.
    clustering_maps : Tensor of shape (n_clustering,), int64
        Indices of the clustering maps, the best first.
    region_centres : Tensor of shape (n_clusters, n_clustering, map_length)
        Centres of all clustering maps together; region 0 is the normal one.
    """

    centres: Tensor
    clustering_maps: Tensor
    region_centres: Tensor

    kind = "centres"

    @property
    def n_regions(self) -> int:
        """Number of regions that windows may fall into."""
        return len(self.region_centres)

    def assign(self, latents: Tensor) -> Tensor:
        """Region of each window from latents of shape (n_windows, n_maps, map_length)."""
        return assign_regions(latents[:, self.clustering_maps], self.region_centres)

    def clusters(self, latents: Tensor) -> Tensor:
        """Cluster of each single map, shape (n_windows, n_maps), int64."""
        return assign_maps(latents, self.centres)

    def maps_read(self) -> Tensor:
        """Which of the maps :meth:`assign` reads, shape (n_maps,), bool."""
        read = torch.zeros(len(self.centres), dtype=torch.bool)
        read[self.clustering_maps.cpu()] = True
        return read

    def to(self, device: torch.device) -> CentrePartition:
        """The same partition with its tensors on another device."""
        return CentrePartition(
            self.centres.to(device), self.clustering_maps.to(device), self.region_centres.to(device)
        )

    def to_record(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays and plain numbers for a model folder."""
        arrays = {f"partition.{name}": to_array(value) for name, value in vars(self).items()}
        return arrays, {"kind": self.kind}

    @classmethod
    def from_record(
        cls, arrays: Mapping[str, NDArray[Any]], record: Mapping[str, Any]
    ) -> CentrePartition:
        """Undo :meth:`to_record`."""
        names = ("centres", "clustering_maps", "region_centres")
        return cls(*(torch.tensor(arrays[f"partition.{name}"]) for name in names))


def assign_regions(latents: Tensor, region_centres: Tensor) -> Tensor:
    """Nearest stored region centre of each window over all clustering maps together.

    Examples
    --------
    >>> centres = torch.tensor([[[0.0], [0.0]], [[4.0], [4.0]]])
    >>> assign_regions(torch.tensor([[[1.0], [2.0]], [[3.0], [2.0]]]), centres).tolist()
    [0, 1]
    """
    together = latents.flatten(start_dim=1)[:, None]
    return assign_maps(together, region_centres.flatten(start_dim=1)[None])[:, 0]


def squared_distances(latents: Tensor, centres: Tensor) -> Tensor:
    """Mean over the clustering maps of ‖z_m − c_m‖², per window.

    Parameters
    ----------
    latents : Tensor of shape (n_windows, n_clustering, map_length)
    centres : Tensor of shape (n_clustering, map_length), or one such entry per window

    Returns
    -------
    Tensor of shape (n_windows,)

    Examples
    --------
    >>> squared_distances(torch.tensor([[[3.0, 4.0], [0.0, 1.0]]]), torch.zeros(2, 2)).tolist()
    [13.0]
    """
    return (latents - centres).square().sum(dim=2).mean(dim=1)


def find_centre_partition(
    centres: Tensor,
    latents: Tensor,
    clustering_maps: Tensor,
    *,
    reference: NDArray[np.bool_] | None = None,
    n_init: int = 10,
    generator: torch.Generator | None = None,
) -> tuple[CentrePartition, RegionReport, NDArray[np.int64]]:
    """Find the consensus regions of the fit windows and name the normal one."""
    n_clusters = centres.shape[1]
    clustering = latents[:, clustering_maps]
    together = cluster_maps(
        clustering.flatten(start_dim=1)[:, None], n_clusters, n_init=n_init, generator=generator
    )
    found = together.assignments[:, 0]
    region_centres = together.centres[0].unflatten(1, clustering.shape[1:])
    spread = to_array(squared_distances(clustering, region_centres[found]))
    order, report = find_normal_region(to_array(found), spread, n_clusters, reference)
    renumbered = np.argsort(order)[to_array(found)]
    partition = CentrePartition(
        centres, clustering_maps, region_centres[torch.from_numpy(order).to(centres.device)]
    )
    return partition, report, renumbered
