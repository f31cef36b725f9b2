"""From clusters of single maps to one region per window, and which region is normal.

With ``consensus="vote"``, the default, the maps that agree vote (:mod:`dccad.method.regions.vote`).
With ``consensus="centres"``, as published, the nearest centre over all clustering maps decides:
that of k-means on these maps together, their latents side by side, so that a map with clear
clusters weighs more than one whose clusters are noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dccad.method.clustering.maps import assign_maps, cluster_maps
from dccad.method.clustering.ranking import Ranking
from dccad.method.regions.vote import Consensus, find_consensus
from dccad.support.tensors import to_array

LEAST_QUALITY = 0.3
"""Quality (separation × persistence) that a further region needs with ``n_clusters="auto"``."""

TIE = 0.01
"""Spreads closer than this (relative) count as equal, and the larger region is normal."""


LEAST_SHARE = 0.1
"""Without a reference, a region of the vote with a smaller share of the windows is not normal."""


@dataclass(frozen=True)
class CentrePartition:
    """Regions as the published method reads them: the nearest centre over all clustering maps.

    Attributes
    ----------
    centres : Tensor of shape (n_maps, n_clusters, map_length)
        Of every single map.
    clustering_maps : Tensor of shape (n_clustering,), int64
        Indices of the clustering maps, the best first.
    region_centres : Tensor of shape (n_clusters, n_clustering, map_length)
        Of all clustering maps together; region 0 is the normal one.
    """

    centres: Tensor
    clustering_maps: Tensor
    region_centres: Tensor

    @property
    def n_regions(self) -> int:
        """Regions that windows may fall into."""
        return len(self.region_centres)

    def assign(self, latents: Tensor) -> Tensor:
        """Region of each window from latents of shape (n_windows, n_maps, map_length)."""
        return assign_regions(latents[:, self.clustering_maps], self.region_centres)

    def maps_read(self, n_maps: int) -> Tensor:
        """Which of the maps :meth:`assign` reads, shape (n_maps,), bool."""
        read = torch.zeros(n_maps, dtype=torch.bool)
        read[self.clustering_maps.cpu()] = True
        return read

    def to(self, device: torch.device) -> CentrePartition:
        """The same partition with its tensors on another device."""
        return CentrePartition(
            self.centres.to(device), self.clustering_maps.to(device), self.region_centres.to(device)
        )


@dataclass(frozen=True)
class ConsensusPartition:
    """Regions by the vote of the maps that agree.

    Attributes
    ----------
    centres : Tensor of shape (n_maps, n_clusters, 1)
        Of every single pooled map.
    consensus : Consensus
    """

    centres: Tensor
    consensus: Consensus

    @property
    def n_regions(self) -> int:
        """Regions that windows may fall into."""
        return self.consensus.n_regions

    def assign(self, latents: Tensor) -> Tensor:
        """Region of each window from pooled maps of shape (n_windows, n_maps, 1)."""
        return self.consensus.assign(latents)

    def maps_read(self, n_maps: int) -> Tensor:
        """Which of the pooled maps :meth:`assign` reads, shape (n_maps,), bool."""
        read = torch.zeros(n_maps, dtype=torch.bool)
        for cut in self.consensus.cuts:
            read[torch.from_numpy(cut.maps)] = True
        return read

    def to(self, device: torch.device) -> ConsensusPartition:
        """The same partition with its tensors on another device."""
        return ConsensusPartition(self.centres.to(device), self.consensus)


@dataclass(frozen=True)
class RegionReport:
    """How the fit windows divide into regions, and why region 0 is called normal.

    Attributes
    ----------
    rule : str
        What decided it, for people to read.
    share : tuple of float
        Share of the fit windows in each region; the normal one first, the others by size.
    spread : tuple of float or None
        Mean squared distance of a region's windows to its centre, per clustering map; None for an
        empty region.
    reference_share : tuple of float or None
        Share of the reference-normal windows in each region, if there were any.
    states : tuple of dict
        A record for each region, with its name and whether it is normal; see
        :mod:`dccad.method.regions.states`.
    """

    rule: str
    share: tuple[float, ...]
    spread: tuple[float | None, ...]
    reference_share: tuple[float, ...] | None = None
    states: tuple[dict[str, Any], ...] = ()

    @property
    def normal_regions(self) -> list[int]:
        """Regions that are normal modes, region 0 first."""
        return [state["region"] for state in self.states if state["normal"]] or [0]


def assign_regions(latents: Tensor, region_centres: Tensor) -> Tensor:
    """Nearest stored region centre of each window over all clustering maps together.

    Parameters
    ----------
    latents : Tensor of shape (n_windows, n_clustering, map_length)
        Of the clustering maps.
    region_centres : Tensor of shape (n_clusters, n_clustering, map_length)

    Returns
    -------
    Tensor of shape (n_windows,), int64
        Ties go to the lower region.

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


def find_normal_region(
    regions: NDArray[np.int64],
    spread: NDArray[np.floating[Any]],
    n_regions: int,
    reference: NDArray[np.bool_] | None = None,
    least_share: float = 0.0,
) -> tuple[NDArray[np.int64], RegionReport]:
    """Decide which region is normal, never by a label, and number the regions anew.

    With reference-normal windows: the region that holds most of them. Otherwise the densest region
    (smallest spread per window) and, on a tie, the largest one.

    Parameters
    ----------
    regions : ndarray of shape (n_windows,), int
        Region of each fit window, in arbitrary numbers.
    spread : ndarray of shape (n_windows,)
        Mean squared distance of each window to its region's centres, per clustering map.
    n_regions : int
    reference : ndarray of shape (n_windows,), bool, optional
        Which windows are reference-normal.
    least_share : float
        Without a reference, regions with a smaller share of the windows do not compete: a fragment
        is always dense. (Unless all are smaller.)

    Returns
    -------
    order : ndarray of shape (n_regions,), int64
        Old numbers in their new order: the normal region, then the others by size.
    report : RegionReport
        In the new order.

    Examples
    --------
    >>> regions = np.array([1, 1, 1, 0, 0])
    >>> order, report = find_normal_region(regions, np.array([1.0, 1.2, 1.1, 4.0, 6.0]), 2)
    >>> order.tolist(), report.share
    ([1, 0], (0.6, 0.4))
    >>> reference = np.array([False, False, True, True, True])
    >>> find_normal_region(regions, np.ones(5), 2, reference)[0].tolist()
    [0, 1]
    >>> find_normal_region(regions, np.array([9, 9, 9, 1.0, 1.0]), 2, least_share=0.5)[0].tolist()
    [1, 0]
    """
    counts = np.bincount(regions, minlength=n_regions)
    sums = np.bincount(regions, weights=spread, minlength=n_regions)
    means = np.full(n_regions, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    held = None
    if reference is not None:
        held = np.bincount(regions[reference], minlength=n_regions) / reference.sum()
        normal = int(held.argmax())
        rule = f"holds {held[normal]:.0%} of the reference-normal windows"
    else:
        few = counts < least_share * len(regions)
        rivals = means if few.all() else np.where(few, np.nan, means)
        tied = np.flatnonzero(rivals <= np.nanmin(rivals) * (1 + TIE))
        normal = int(tied[counts[tied].argmax()])
        rule = f"densest of {n_regions} regions (spread {means[normal]:.3g} per window)"
        if len(tied) > 1:
            rule = f"largest of {len(tied)} equally dense regions"
    others = [region for region in np.argsort(-counts, kind="stable") if region != normal]
    order = np.array([normal, *others], dtype=np.int64)
    report = RegionReport(
        rule,
        tuple(float(value) for value in counts[order] / len(regions)),
        tuple(None if np.isnan(value) else float(value) for value in means[order]),
        None if held is None else tuple(float(value) for value in held[order]),
    )
    return order, report


def find_centre_partition(
    centres: Tensor,
    latents: Tensor,
    clustering_maps: Tensor,
    *,
    reference: NDArray[np.bool_] | None = None,
    n_init: int = 10,
    generator: torch.Generator | None = None,
) -> tuple[CentrePartition, RegionReport, NDArray[np.int64]]:
    """Find the consensus regions of the fit windows and name the normal one.

    Parameters
    ----------
    centres : Tensor of shape (n_maps, n_clusters, map_length)
        Of every single map, from the final update.
    latents : Tensor of shape (n_windows, n_maps, map_length)
        Of the fit windows.
    clustering_maps : Tensor of shape (n_clustering,), int64
    reference : ndarray of shape (n_windows,), bool, optional
        Which windows are reference-normal.
    n_init : int
        k-means++ restarts.
    generator : torch.Generator, optional

    Returns
    -------
    partition : CentrePartition
    report : RegionReport
    regions : ndarray of shape (n_windows,), int64
        0 is normal.
    """
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


def find_consensus_partition(
    centres: Tensor,
    latents: Tensor,
    candidates: Tensor,
    starts: Tensor,
    window: int,
    stride: int,
    n_regions: int | None,
    ranking: Ranking,
    reference: NDArray[np.bool_] | None = None,
) -> tuple[ConsensusPartition, RegionReport, NDArray[np.int64]]:
    """Find the regions of the fit windows by the maps' consensus, and name the normal one.

    Parameters
    ----------
    centres : Tensor of shape (n_maps, n_clusters, 1)
    latents, candidates, starts, window, stride, n_regions, ranking
        As in :func:`dccad.method.regions.vote.find_consensus`.
    reference : ndarray of shape (n_windows,), bool, optional
        Which windows are reference-normal.

    Returns
    -------
    partition : ConsensusPartition
    report : RegionReport
        A region's spread is the mean over maps of its share of the map's variance.
    regions : ndarray of shape (n_windows,), int64
        0 is normal.
    """
    cuts, found = find_consensus(
        latents,
        candidates,
        starts,
        window,
        stride,
        n_regions,
        ranking,
        LEAST_QUALITY,
    )
    values = latents[..., 0]
    standard = (values - values.mean(dim=0)) / values.std(dim=0).clamp(min=1e-6)
    spread = torch.zeros(len(values), device=values.device)
    for region in range(len(cuts) + 1):
        mine = torch.from_numpy(found == region).to(values.device)
        inside = standard[mine]
        spread[mine] = (inside - inside.mean(dim=0)).square().mean(dim=1)
    order, report = find_normal_region(
        found, to_array(spread), len(cuts) + 1, reference, LEAST_SHARE
    )
    partition = ConsensusPartition(centres, Consensus(cuts, order))
    return partition, report, np.argsort(order)[found]
