"""k-means on every activation map at once.

Each of the M maps has its own K centres in its own T-dimensional space. All maps share one batched
computation; ``tests/naive.py`` holds the map-by-map version.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dccad.method.clustering.cuts import split_values
from dccad.method.clustering.kmeans import (
    assign_block,
    centre_columns,
    descend,
    on_blocks,
    put_maps_first,
    sum_clusters,
)
from dccad.method.clustering.starts import seek


@dataclass(frozen=True)
class MapClusters:
    """Centres of every activation map and the cluster of every window in every map.

    Attributes
    ----------
    centres : Tensor of shape (n_maps, n_clusters, map_length)
    assignments : Tensor of shape (n_windows, n_maps), int64
        ``assignments[i, m]`` is the cluster of window ``i`` (by window index) in map ``m``.
    inertia : Tensor of shape (n_maps,)
        Sum of squared distances of the windows to their centres.
    """

    centres: Tensor
    assignments: Tensor
    inertia: Tensor


def cluster_maps(
    latents: Tensor,
    n_clusters: int,
    *,
    n_init: int = 4,
    max_iter: int = 100,
    tol: float = 1e-4,
    generator: torch.Generator | None = None,
    initial: Tensor | None = None,
) -> MapClusters:
    """Run k-means on every activation map, all maps in one batch.

    Parameters
    ----------
    latents : Tensor of shape (n_windows, n_maps, map_length)
    n_clusters : int
        At most the number of windows.
    n_init : int
        k-means++ restarts; each map keeps its best. Unused with ``initial``. With more windows
        than in a round of :data:`dccad.method.clustering.starts.ROUNDS`, four times as many run on
        samples.
    max_iter : int
        Most Lloyd iterations of one restart.
    tol : float
        A restart ends when no map's centres move by more than this share of the map's variance.
    generator : torch.Generator, optional
        Source of the k-means++ draws, on the CPU.
    initial : Tensor of shape (n_maps, n_clusters, map_length), optional
        Start from these centres; cluster numbers keep their meaning.

    Returns
    -------
    MapClusters
        The assignments are those to the returned centres; ties go to the lower cluster. Maps of
        one value and two clusters are cut exactly, cluster 0 below: the settings have no effect.

    Examples
    --------
    >>> latents = torch.tensor([0.0, 0.2, 5.0, 5.2]).reshape(4, 1, 1)
    >>> clusters = cluster_maps(latents, 2, generator=torch.Generator().manual_seed(0))
    >>> sorted(round(float(centre), 3) for centre in clusters.centres.flatten())
    [0.1, 5.1]
    >>> round(float(clusters.inertia), 3)
    0.04
    """
    if has_exact_cut(latents, n_clusters):
        return _cut_maps(latents)
    starts = initial
    if starts is None:
        starts = seek(latents, n_clusters, n_init, max_iter, tol, generator)
    centres, assignments, inertia = on_blocks(
        lambda maps: descend(latents[:, maps], starts[maps], max_iter, tol), latents
    )
    return MapClusters(centres, assignments.T.contiguous().long(), inertia)


def has_exact_cut(latents: Tensor, n_clusters: int) -> bool:
    """Tell whether maps (n_windows, n_maps, map_length) are single values, to be cut in two."""
    return n_clusters == 2 and latents.shape[2] == 1


def assign_maps(latents: Tensor, centres: Tensor) -> Tensor:
    """Nearest stored centre of every map for new windows; nothing is fitted.

    Parameters
    ----------
    latents : Tensor of shape (n_windows, n_maps, map_length)
    centres : Tensor of shape (n_maps, n_clusters, map_length)

    Returns
    -------
    Tensor of shape (n_windows, n_maps), int64
        Ties go to the lower cluster.

    Examples
    --------
    >>> centres = torch.tensor([[[0.0], [5.0]]])
    >>> assign_maps(torch.tensor([[[1.0]], [[4.0]], [[2.5]]]), centres).flatten().tolist()
    [0, 1, 0]
    """
    if has_exact_cut(latents, centres.shape[1]):
        # the sign of one product tells the side of the middle; for some windows at a time
        middle, step = centres.mean(dim=1)[:, 0], (centres[:, 1] - centres[:, 0])[:, 0]
        found = torch.empty(latents.shape[:2], dtype=torch.int64, device=latents.device)
        for part, into in zip(latents[..., 0].split(128), found.split(128), strict=True):
            torch.gt((part - middle).mul_(step), 0, out=into)
        return found
    (assignments,) = on_blocks(
        lambda maps: (assign_block(latents[:, maps], centres[maps]),), latents
    )
    return assignments.T.contiguous().long()


def _cut_maps(latents: Tensor) -> MapClusters:
    values = latents[..., 0]
    split = split_values(values)
    centres = split.means.to(latents.dtype)[..., None]
    return MapClusters(centres, assign_maps(latents, centres), split.within.to(latents.dtype))


def cluster_means(latents: Tensor, assignments: Tensor, n_clusters: int) -> tuple[Tensor, Tensor]:
    """Mean of each cluster of each map, and how many windows it has.

    Examples
    --------
    >>> latents = torch.tensor([1.0, 3.0, 8.0]).reshape(3, 1, 1)
    >>> means, counts = cluster_means(latents, torch.tensor([[0], [0], [1]]), 2)
    >>> means.flatten().tolist(), counts.tolist()
    ([2.0, 8.0], [[2.0, 1.0]])
    """
    numbers = assignments.to(torch.int16).T.contiguous()

    def sum_block(maps: slice) -> tuple[Tensor, Tensor]:
        columns, offset = centre_columns(put_maps_first(latents[:, maps]))
        total, clusters = columns.sum(dim=2)[:, None, None], numbers[maps, None].to(latents.dtype)
        return sum_clusters(columns, total, clusters, n_clusters)[:, 0], offset

    sums, offset = on_blocks(sum_block, latents)
    counts = sums[..., -1]
    means = sums[..., :-1] / counts.clamp(min=1)[..., None] + offset[:, None]
    return means.masked_fill((counts == 0)[..., None], 0.0), counts
