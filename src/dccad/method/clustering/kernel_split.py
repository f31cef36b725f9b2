"""The division of the kernels at one update, what changed since the last, and its collapse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dccad.errors import LatentCollapseWarning, warn
from dccad.method.clustering.maps import MapClusters
from dccad.method.clustering.ranking import centre_distances, rank_maps, total_squares
from dccad.support.tensors import to_array

COLLAPSED = 0.01
"""A distance or spread below this share of its value before joint optimisation has collapsed."""


@dataclass(frozen=True)
class KernelSplit:
    """Centres, assignments and the division of the kernels at one update.

    Attributes
    ----------
    clusters : MapClusters
    distances : Tensor of shape (n_maps,)
        Centre distance of each map.
    qualities : Tensor of shape (n_maps,)
        What the maps are ranked by (:func:`dccad.method.clustering.ranking.map_qualities`).
    ranks : Tensor of shape (n_maps,), int64
        1 is the map of the highest quality.
    kernels : Tensor of shape (n_kernels,), bool
        True for the clustering kernels.
    clustering : Tensor of shape (n_maps,), bool
        True for the clustering maps: the best map of each clustering kernel.
    spread : Tensor of shape (n_maps,)
        Standard deviation of each map over windows and positions.
    """

    clusters: MapClusters
    distances: Tensor
    qualities: Tensor
    ranks: Tensor
    kernels: Tensor
    clustering: Tensor
    spread: Tensor

    @property
    def clustering_maps(self) -> Tensor:
        """Indices of the clustering maps, the best first."""
        order = self.ranks.argsort()
        return order[self.clustering[order]]


def make_split(
    latents: Tensor,
    clusters: MapClusters,
    qualities: Tensor,
    kernel_of_map: Tensor,
    n_clustering_kernels: float,
) -> KernelSplit:
    """Rank the maps, and divide the kernels by the quality of their best map.

    Examples
    --------
    >>> from dccad.method.clustering.maps import cluster_maps
    >>> latents = torch.tensor([[[0.0], [1.0]], [[4.0], [1.0]]])
    >>> split = make_split(
    ...     latents, cluster_maps(latents, 2), torch.tensor([0.9, 0.0]), torch.tensor([0, 1]), 1
    ... )
    >>> split.distances.tolist(), split.kernels.tolist(), split.spread.tolist()
    ([4.0, 0.0], [True, False], [2.0, 0.0])
    """
    n_kernels = int(kernel_of_map.max()) + 1
    maps = torch.arange(len(qualities), device=qualities.device)
    maps_of = [maps[kernel_of_map == kernel] for kernel in range(n_kernels)]
    best = torch.stack([mine[qualities[mine].argmax()] for mine in maps_of])
    n_chosen = count_clustering_kernels(n_clustering_kernels, n_kernels)
    kernels = rank_maps(qualities[best]) <= n_chosen
    clustering = torch.zeros_like(qualities, dtype=torch.bool)
    clustering[best[kernels]] = True
    values = latents.transpose(1, 2).flatten(0, 1)[..., None]
    spread = (total_squares(values) / len(values)).sqrt().to(latents.dtype)
    distances, ranks = centre_distances(clusters.centres), rank_maps(qualities)
    return KernelSplit(clusters, distances, qualities, ranks, kernels, clustering, spread)


def order_kernels(
    split: KernelSplit, kernel_of_map: Tensor
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Clustering and reconstruction kernels, each by the rank of its best map."""
    best_first = to_array(kernel_of_map)[np.argsort(to_array(split.ranks))]
    best_first = best_first[best_first >= 0]
    by_rank = best_first[np.sort(np.unique(best_first, return_index=True)[1])]
    clustering = to_array(split.kernels)[by_rank]
    return by_rank[clustering], by_rank[~clustering]


def changes(previous: KernelSplit | None, split: KernelSplit) -> dict[str, Any]:
    """What an update changed; None at the first update, which has none before it."""
    if previous is None:
        return {"switched": None, "map_changes": None}
    return {
        "switched": switched_share(previous.clusters.assignments, split.clusters.assignments),
        "map_changes": int((previous.kernels != split.kernels).sum()),
    }


def warn_of_collapse(first: KernelSplit, last: KernelSplit, alpha: float) -> None:
    """Warn where the clustering maps lost their spread or their centres fell together."""
    maps = last.clustering
    measures = {
        "the distance between their centres": (first.distances, last.distances),
        "their spread over the windows": (first.spread, last.spread),
    }
    for what, (before, after) in measures.items():
        start, end = float(before[maps].mean()), float(after[maps].mean())
        if end <= COLLAPSED * start or end < 1e-6:
            warn(
                f"the clustering maps have collapsed: {what} fell from {start:.3g} to {end:.3g}, "
                f"so regions mean little; lower alpha (now {alpha:g}), train fewer joint epochs, "
                "or keep more reconstruction kernels",
                LatentCollapseWarning,
            )
            return


def count_clustering_kernels(n_clustering_kernels: float, n_maps: int) -> int:
    """Turn a share (float) or a count (int) of clustering kernels into a count."""
    if isinstance(n_clustering_kernels, int):
        return min(n_clustering_kernels, n_maps)
    return max(1, round(n_clustering_kernels * n_maps))


def switched_share(before: Tensor, after: Tensor) -> float:
    """Share of (window, map) pairs whose cluster changed between two updates."""
    pairs = zip(before.split(256), after.split(256), strict=True)  # small enough for the cache
    return int(torch.stack([(one != two).sum() for one, two in pairs]).sum()) / before.numel()
