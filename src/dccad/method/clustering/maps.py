"""k-means on every activation map at once, the ranking of the maps, and the kernel split.

Each of the M maps has its own K centres in its own T-dimensional space. All
maps share one batched computation; ``tests/reference.py`` holds the map-by-map version.
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
        than in :data:`dccad.method.clustering.starts.SAMPLES`, four times as many run on samples.
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
    """Tell whether maps (n_windows, n_maps, map_length) are single values, to be cut in two.

    Examples
    --------
    >>> has_exact_cut(torch.zeros(9, 4, 1), 2), has_exact_cut(torch.zeros(9, 4, 5), 2)
    (True, False)
    """
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
        # which side of the middle: the sign of one product, for some windows at a time
        middle, step = centres.mean(dim=1)[:, 0], (centres[:, 1] - centres[:, 0])[:, 0]
        found = torch.empty(latents.shape[:2], dtype=torch.int64, device=latents.device)
        for part, into in zip(latents[..., 0].split(128), found.split(128), strict=True):
            torch.gt((part - middle).mul_(step), 0, out=into)
        return found
    (assignments,) = on_blocks(
        lambda maps: (assign_block(latents[:, maps], centres[maps]),), latents
    )
    return assignments.T.contiguous().long()


def centre_distances(centres: Tensor) -> Tensor:
    """Euclidean distance between the centres of each map; the smallest pairwise one for K > 2.

    Parameters
    ----------
    centres : Tensor of shape (n_maps, n_clusters, map_length)

    Returns
    -------
    Tensor of shape (n_maps,)
        In units of the latents. Batch normalisation gives every map the same scale before this,
        so distances of different maps compare; without it a map of larger scale ranks higher.

    Examples
    --------
    >>> centres = torch.tensor([[[0.0, 0.0], [3.0, 4.0], [9.0, 12.0]]])
    >>> centre_distances(centres).tolist()
    [5.0]
    """
    n_clusters = centres.shape[1]
    first, second = torch.triu_indices(n_clusters, n_clusters, offset=1, device=centres.device)
    between: Tensor = (centres[:, first] - centres[:, second]).square().sum(dim=2).sqrt()
    return between.amin(dim=1)


def rank_maps(qualities: Tensor) -> Tensor:
    """Rank the maps by their quality: 1 is the largest; ties go to the lower map.

    Parameters
    ----------
    qualities : Tensor of shape (n_maps,)
        Separation, persistence or centre distance; larger is better.

    Returns
    -------
    Tensor of shape (n_maps,), int64
        ``ranks[m]`` is the rank of map m (not the map at rank m, which ``argsort`` gives).

    Examples
    --------
    >>> rank_maps(torch.tensor([0.5, 2.0, 0.1, 1.0])).tolist()
    [3, 1, 4, 2]
    """
    order = torch.argsort(qualities, descending=True, stable=True)
    ranks = torch.empty_like(order)
    ranks[order] = torch.arange(1, len(order) + 1, device=order.device)
    return ranks


def split_kernels(ranks: Tensor, n_clustering_kernels: int) -> Tensor:
    """Divide the kernels: True for the clustering kernels, False for the reconstruction kernels.

    Parameters
    ----------
    ranks : Tensor of shape (n_kernels,)
        Of each kernel's best map, as :func:`rank_maps` gives them.
    n_clustering_kernels : int
        How many of the kernels with the best maps become clustering kernels.

    Returns
    -------
    Tensor of shape (n_kernels,), bool

    Examples
    --------
    >>> split_kernels(torch.tensor([3, 1, 4, 2]), 2).tolist()
    [False, True, False, True]
    """
    return ranks <= n_clustering_kernels


def count_clustering_kernels(n_clustering_kernels: float, n_maps: int) -> int:
    """Turn a share (float) or a count (int) of clustering kernels into a count.

    Examples
    --------
    >>> count_clustering_kernels(0.5, 64), count_clustering_kernels(3, 64)
    (32, 3)
    """
    if isinstance(n_clustering_kernels, int):
        return min(n_clustering_kernels, n_maps)
    return max(1, round(n_clustering_kernels * n_maps))


def _cut_maps(latents: Tensor) -> MapClusters:
    values = latents[..., 0]
    split = split_values(values)
    centres = split.means.to(latents.dtype)[..., None]
    return MapClusters(centres, assign_maps(latents, centres), split.within.to(latents.dtype))


def cluster_means(latents: Tensor, assignments: Tensor, n_clusters: int) -> tuple[Tensor, Tensor]:
    """Mean of each cluster of each map, and how many windows it has.

    Parameters
    ----------
    latents : Tensor of shape (n_windows, n_maps, map_length)
    assignments : Tensor of shape (n_windows, n_maps), int64

    Returns
    -------
    means : Tensor of shape (n_maps, n_clusters, map_length)
        0 for an empty cluster.
    counts : Tensor of shape (n_maps, n_clusters)

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


def switched_share(before: Tensor, after: Tensor) -> float:
    """Share of (window, map) pairs whose cluster changed between two updates.

    Examples
    --------
    >>> switched_share(torch.tensor([[0, 1], [1, 1]]), torch.tensor([[0, 0], [1, 1]]))
    0.25
    """
    pairs = zip(before.split(256), after.split(256), strict=True)  # which stay in the cache
    return int(torch.stack([(one != two).sum() for one, two in pairs]).sum()) / before.numel()
