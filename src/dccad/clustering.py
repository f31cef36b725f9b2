"""k-means on every activation map at once, the ranking of the maps, and the kernel split.

Each of the M maps has its own K centres in its own T-dimensional space. All
maps share one batched computation; ``tests/reference.py`` holds the map-by-map version.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dccad.splitting import split_values


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
        k-means++ restarts; each map keeps its best. Unused with ``initial``.
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
    if n_clusters == 2 and latents.shape[2] == 1:
        return _cut_maps(latents)
    # maps first and centred: the squared distances below lose no digits to a large offset
    offset = latents.mean(dim=0)
    points = (latents - offset).permute(1, 0, 2).contiguous()
    threshold = tol * points.var(dim=(1, 2), unbiased=False)
    best: MapClusters | None = None
    for _ in range(1 if initial is not None else n_init):
        if initial is not None:
            centres = initial - offset[:, None]
        else:
            centres = _plus_plus(points, n_clusters, generator)
        found = _lloyd(points, centres, max_iter, threshold)
        best = found if best is None else _better(best, found)
    assert best is not None
    return MapClusters(best.centres + offset[:, None], best.assignments, best.inertia)


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
    offset = centres.mean(dim=1)
    return _assign((latents - offset).permute(1, 0, 2), centres - offset[:, None])


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


def rank_maps(distances: Tensor) -> Tensor:
    """Rank the maps by centre distance: 1 is the largest; ties go to the lower map.

    Parameters
    ----------
    distances : Tensor of shape (n_maps,)

    Returns
    -------
    Tensor of shape (n_maps,), int64
        ``ranks[m]`` is the rank of map m (not the map at rank m, which ``argsort`` gives).

    Examples
    --------
    >>> rank_maps(torch.tensor([0.5, 2.0, 0.1, 1.0])).tolist()
    [3, 1, 4, 2]
    """
    order = torch.argsort(distances, descending=True, stable=True)
    ranks = torch.empty_like(order)
    ranks[order] = torch.arange(1, len(order) + 1, device=order.device)
    return ranks


def split_kernels(ranks: Tensor, n_clustering_kernels: int) -> Tensor:
    """Divide the kernels: True for the clustering kernels, False for the reconstruction kernels.

    Parameters
    ----------
    ranks : Tensor of shape (n_maps,)
        As :func:`rank_maps` gives them.
    n_clustering_kernels : int
        How many of the maps with the largest centre distance become clustering kernels.

    Returns
    -------
    Tensor of shape (n_maps,), bool

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


def _lloyd(points: Tensor, centres: Tensor, max_iter: int, threshold: Tensor) -> MapClusters:
    """Lloyd's iterations on (n_maps, n_windows, map_length) points from given centres."""
    centres = centres.clone()
    active, current = torch.arange(len(points), device=points.device), points
    for _ in range(max_iter):
        assignments = _assign(current, centres[active])
        moved = _means(current, assignments, centres[active])
        going = (moved - centres[active]).square().sum(dim=(1, 2)) > threshold[active]
        centres[active] = moved
        if not bool(going.any()):
            break
        if int(going.sum()) <= len(active) // 2:  # most maps settle long before the last one
            active = active[going]
            current = points[active]
    assignments = _assign(points, centres)
    inertia = _squared_distances(points, centres, assignments).sum(dim=0)
    return MapClusters(centres, assignments, inertia)


def _assign(points: Tensor, centres: Tensor) -> Tensor:
    # ‖x‖² is the same for every centre of a map, so the nearest one needs only this part
    partial = centres.square().sum(dim=2)[:, None, :] - 2 * points @ centres.transpose(1, 2)
    return partial.argmin(dim=2).T.contiguous()


def _squared_distances(points: Tensor, centres: Tensor, assignments: Tensor) -> Tensor:
    """Squared distance of each window to its centre, shape (n_windows, n_maps)."""
    maps = torch.arange(len(points), device=points.device)
    return (points.transpose(0, 1) - centres[maps, assignments]).square().sum(dim=2)


def cluster_means(points: Tensor, assignments: Tensor, n_clusters: int) -> tuple[Tensor, Tensor]:
    """Mean of each cluster of each map, and how many windows it has.

    Parameters
    ----------
    points : Tensor of shape (n_maps, n_windows, map_length)
    assignments : Tensor of shape (n_windows, n_maps), int64
    n_clusters : int

    Returns
    -------
    means : Tensor of shape (n_maps, n_clusters, map_length)
        0 for an empty cluster.
    counts : Tensor of shape (n_maps, n_clusters), int64

    Examples
    --------
    >>> points = torch.tensor([[[1.0], [3.0], [8.0]]])
    >>> means, counts = cluster_means(points, torch.tensor([[0], [0], [1]]), 2)
    >>> means.flatten().tolist(), counts.tolist()
    ([2.0, 8.0], [[2, 1]])
    """
    n_maps, _, map_length = points.shape
    first = n_clusters * torch.arange(n_maps, device=points.device)
    places = (assignments.T + first[:, None]).flatten()  # each cluster of each map has its place
    counts = torch.bincount(places, minlength=n_maps * n_clusters).view(n_maps, n_clusters)
    sums = points.new_zeros(n_maps * n_clusters, map_length)
    sums.index_add_(0, places, points.reshape(-1, map_length))
    means = sums.view(n_maps, n_clusters, map_length) / counts.clamp(min=1)[..., None]
    return means, counts


def _means(points: Tensor, assignments: Tensor, centres: Tensor) -> Tensor:
    """Mean of each cluster; an empty cluster moves to the window farthest from its centre."""
    means, counts = cluster_means(points, assignments, centres.shape[1])
    empty = counts == 0
    if bool(empty.any()):
        distances = _squared_distances(points, centres, assignments)
        for which in empty.any(dim=1).nonzero().flatten().tolist():
            clusters = empty[which].nonzero().flatten()
            farthest = distances[:, which].topk(len(clusters)).indices
            means[which, clusters] = points[which, farthest]
    return means


def _plus_plus(points: Tensor, n_clusters: int, generator: torch.Generator | None) -> Tensor:
    """Seed every map by greedy k-means++ (Arthur and Vassilvitskii 2007, section 2.2).

    Each step draws a few windows with probability proportional to their squared distance from the
    centres so far, and keeps the one that brings the windows closest.
    """
    n_maps, n_windows, _ = points.shape
    n_trials = 2 + int(math.log(n_clusters))
    maps = torch.arange(n_maps, device=points.device)
    chosen = torch.randint(n_windows, (n_maps,), generator=generator).to(points.device)
    centres = [points[maps, chosen]]
    nearest = (points - centres[0][:, None]).square().sum(dim=2)
    for _ in range(1, n_clusters):
        # double precision: a float32 running sum over many windows would skip the small ones
        reach = nearest.double().cumsum(dim=1)
        draws = torch.rand(n_maps, n_trials, generator=generator, dtype=torch.float64)
        trials = torch.searchsorted(reach, draws.to(points.device) * reach[:, -1:], right=True)
        trials = trials.clamp(max=n_windows - 1)
        best = torch.full((n_maps,), torch.inf, device=points.device, dtype=points.dtype)
        kept, kept_nearest = torch.empty_like(centres[0]), nearest
        for candidates in trials.T:
            candidate = points[maps, candidates]
            closer = torch.minimum(nearest, (points - candidate[:, None]).square().sum(dim=2))
            potential = closer.sum(dim=1)
            better = potential < best
            best = torch.where(better, potential, best)
            kept = torch.where(better[:, None], candidate, kept)
            kept_nearest = torch.where(better[:, None], closer, kept_nearest)
        centres.append(kept)
        nearest = kept_nearest
    return torch.stack(centres, dim=1)


def _better(one: MapClusters, two: MapClusters) -> MapClusters:
    """The restart with the smaller inertia, map by map."""
    second = two.inertia < one.inertia
    return MapClusters(
        torch.where(second[:, None, None], two.centres, one.centres),
        torch.where(second, two.assignments, one.assignments),
        torch.where(second, two.inertia, one.inertia),
    )


def switched_share(before: Tensor, after: Tensor) -> float:
    """Share of (window, map) pairs whose cluster changed between two updates.

    Examples
    --------
    >>> switched_share(torch.tensor([[0, 1], [1, 1]]), torch.tensor([[0, 0], [1, 1]]))
    0.25
    """
    return float((before != after).double().mean())


def to_array(tensor: Tensor) -> NDArray[Any]:
    """A tensor of any device as a numpy array of its own."""
    return np.array(tensor.detach().cpu().numpy())
