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

SAMPLE = 1024
"""Windows, drawn at random, on which restarts are run where there are more: twice as many of them,
for a tenth of the work is soon done."""

RIVAL = 1.2
"""A restart that ends elsewhere, with at most so many times the inertia of the best one on the
sample, may be the better one on all windows, and is tried there."""

CELLS = 1 << 18
"""Numbers of several maps that are clustered together: so few stay in a processor's cache from one
iteration to the next."""


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
        k-means++ restarts; each map keeps its best. Unused with ``initial``. With more
        windows than :data:`SAMPLE` they run on a sample, and its best is brought to the end on all.
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
    # centred: the squared distances below lose no digits to a large offset
    offset = latents.mean(dim=0)
    maps_first = _maps_first(latents)
    if initial is None:
        starts = _seek(latents, offset, n_clusters, n_init, max_iter, tol, generator)
    else:
        starts = [
            (torch.arange(latents.shape[1], device=latents.device), initial - offset[:, None])
        ]
    best = torch.full((latents.shape[1],), torch.inf, dtype=latents.dtype, device=latents.device)
    centres = latents.new_zeros(latents.shape[1], n_clusters, latents.shape[2])
    for maps, start in starts:
        found, inertia = _descend(maps_first[maps], offset[maps], start, max_iter, tol)
        better = inertia < best[maps]
        best[maps[better]], centres[maps[better]] = inertia[better], found[better]
    centres += offset[:, None]
    return MapClusters(centres, _assign(maps_first, centres), best)


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
        # which side of the middle: the sign of one product
        step = (centres[:, 1] - centres[:, 0])[:, 0]
        return ((latents - centres.mean(dim=1))[..., 0] * step > 0).long()
    return _assign(_maps_first(latents), centres)


def _assign(maps_first: Tensor, centres: Tensor) -> Tensor:
    offset = centres.mean(dim=1)
    parts = [
        _nearest(
            _columns(maps_first[maps], offset[maps]), centres[maps] - offset[maps, None]
        ).long()
        for maps in _blocks(maps_first)
    ]
    return torch.cat(parts).T.contiguous()


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


def _maps_first(latents: Tensor) -> Tensor:
    """Latents as (n_maps, map_length, n_windows), contiguous."""
    # transposing a matrix is many times as fast as permuting three axes
    return latents.flatten(1).T.contiguous().view(*latents.shape[1:], len(latents))


def _blocks(maps_first: Tensor) -> list[slice]:
    """Maps that are clustered together; a device other than the processor takes many at once."""
    cells = CELLS if maps_first.device.type == "cpu" else 1024 * CELLS
    n_maps, map_length, n_windows = maps_first.shape
    step = max(1, cells // (n_windows * (map_length + 1)))
    return [slice(first, first + step) for first in range(0, n_maps, step)]


def _columns(maps_first: Tensor, offset: Tensor) -> Tensor:
    """Centred windows of some maps as columns, (n_maps, map_length + 1, n_windows).

    Below them stands a row of ones: products of matrices then count, and take constants along.
    """
    n_maps, map_length, n_windows = maps_first.shape
    columns = maps_first.new_ones(n_maps, map_length + 1, n_windows)
    torch.sub(maps_first, offset[..., None], out=columns[:, :-1])
    return columns


def _threshold(columns: Tensor, tol: float) -> Tensor:
    """How far the centres of each map may move at the end: a share of its variance."""
    return tol * columns[:, :-1].square().mean(dim=(1, 2))


def _descend(
    maps_first: Tensor, offset: Tensor, start: Tensor, max_iter: int, tol: float
) -> tuple[Tensor, Tensor]:
    """Centres, less the offset, that Lloyd's iterations reach on all windows; their inertia."""
    centres, inertia = [], []
    for maps in _blocks(maps_first):
        columns = _columns(maps_first[maps], offset[maps])
        found = _lloyd(columns, start[maps], max_iter, _threshold(columns, tol))
        centres.append(found)
        inertia.append(_inertia(columns, found))
    return torch.cat(centres), torch.cat(inertia)


def _seek(
    latents: Tensor,
    offset: Tensor,
    n_clusters: int,
    n_init: int,
    max_iter: int,
    tol: float,
    generator: torch.Generator | None,
) -> list[tuple[Tensor, Tensor]]:
    """Run several restarts on a sample of the windows.

    Returns
    -------
    list of (maps, centres)
        The best of every map; then, of the maps where another restart ends elsewhere and nearly as
        well, the best such one. All less the offset.
    """
    sampled = len(latents) > SAMPLE
    if sampled:
        drawn = torch.randperm(len(latents), generator=generator)[:SAMPLE].sort().values
        latents = latents[drawn.to(latents.device)]
    maps_first = _maps_first(latents)
    first, maps_of_rivals, rivals = [], [], []
    for maps in _blocks(maps_first):
        columns = _columns(maps_first[maps], offset[maps])
        threshold = _threshold(columns, tol)
        tried = torch.stack(
            [
                _lloyd(
                    columns,
                    _plus_plus(columns[:, :-1], n_clusters, generator),
                    max_iter,
                    threshold,
                )
                for _ in range(2 * n_init if sampled else n_init)
            ]
        )
        inertia = torch.stack([_inertia(columns, each) for each in tried])
        every = torch.arange(inertia.shape[1], device=inertia.device)
        least = inertia.amin(dim=0)
        first.append(tried[inertia.argmin(dim=0), every])
        elsewhere = inertia.masked_fill(inertia <= 1.0001 * least, torch.inf)
        close = (elsewhere.amin(dim=0) < RIVAL * least).nonzero()[:, 0]
        maps_of_rivals.append(close + maps.start)
        rivals.append(tried[elsewhere.argmin(dim=0)[close], close])
    found = [(torch.arange(len(maps_first), device=latents.device), torch.cat(first))]
    if sampled and any(len(maps) for maps in maps_of_rivals):
        found.append((torch.cat(maps_of_rivals), torch.cat(rivals)))
    return found


def _lloyd(columns: Tensor, centres: Tensor, max_iter: int, threshold: Tensor) -> Tensor:
    """Lloyd's iterations on :func:`_columns` from given centres."""
    centres = centres.clone()
    active = torch.arange(len(columns), device=columns.device)
    for _ in range(max_iter):
        moved = _means(columns, _nearest(columns, centres[active]), centres[active])
        going = (moved - centres[active]).square().sum(dim=(1, 2)) > threshold[active]
        centres[active] = moved
        still = int(going.sum())
        if still == 0:
            break
        if still <= len(active) // 2:  # most maps settle long before the last one
            active, columns = active[going], columns[going]
    return centres


def _nearest(columns: Tensor, centres: Tensor) -> Tensor:
    """Nearest centre of each column, shape (n_maps, n_windows), in the dtype of the columns."""
    # ‖x‖² is the same for every centre of a map, so the nearest one needs only ‖c‖² − 2 c · x
    weights = torch.cat((-2 * centres, centres.square().sum(dim=2, keepdim=True)), dim=2)
    if centres.shape[1] == 2:  # which side of the middle: one product decides
        return ((weights[:, :1] - weights[:, 1:]) @ columns)[:, 0].gt_(0)
    partial = (weights @ columns).unbind(dim=1)
    best, number = partial[0], torch.zeros_like(partial[0])
    for k, other in enumerate(partial[1:], start=1):  # torch's argmin takes many times as long
        number.masked_fill_(other < best, k)
        best = torch.minimum(best, other)
    return number


def _members(assignments: Tensor, n_clusters: int, dtype: torch.dtype) -> Tensor:
    """One where a window is in a cluster, else zero: (n_maps, n_clusters, n_windows)."""
    if n_clusters == 2:
        upper = assignments.to(dtype)
        return torch.stack((1 - upper, upper), dim=1)
    numbers = torch.arange(n_clusters, device=assignments.device)[:, None]
    return (assignments[:, None] == numbers).to(dtype)


def _inertia(columns: Tensor, centres: Tensor) -> Tensor:
    """Sum of squared distances of the windows to their nearest centres, shape (n_maps,)."""
    return _squared_distances(columns, centres, _nearest(columns, centres)).sum(dim=1)


def _squared_distances(columns: Tensor, centres: Tensor, assignments: Tensor) -> Tensor:
    """Squared distance of each window to its centre, shape (n_maps, n_windows)."""
    members = _members(assignments, centres.shape[1], columns.dtype)
    return (columns[:, :-1] - centres.transpose(1, 2) @ members).square_().sum(dim=1)


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
    offset, maps_first = latents.mean(dim=0), _maps_first(latents)
    sums = torch.cat(
        [
            _sums(_columns(maps_first[maps], offset[maps]), assignments[:, maps].T, n_clusters)
            for maps in _blocks(maps_first)
        ]
    )
    counts = sums[..., -1]
    means = sums[..., :-1] / counts.clamp(min=1)[..., None] + offset[:, None]
    return means.masked_fill((counts == 0)[..., None], 0.0), counts


def _sums(columns: Tensor, assignments: Tensor, n_clusters: int) -> Tensor:
    """Sum of each cluster, and last its count: (n_maps, n_clusters, map_length + 1)."""
    members = _members(assignments, n_clusters, columns.dtype)
    return (columns @ members.transpose(1, 2)).transpose(1, 2)


def _means(columns: Tensor, assignments: Tensor, centres: Tensor) -> Tensor:
    """Mean of each cluster; an empty cluster moves to the window farthest from its centre."""
    sums = _sums(columns, assignments, centres.shape[1])
    means = sums[..., :-1] / sums[..., -1:].clamp(min=1)
    empty = sums[..., -1] == 0
    if bool(empty.any()):
        distances = _squared_distances(columns, centres, assignments)
        for which in empty.any(dim=1).nonzero().flatten().tolist():
            clusters = empty[which].nonzero().flatten()
            farthest = distances[which].topk(len(clusters)).indices
            means[which, clusters] = columns[which, :-1, farthest].T
    return means


def _plus_plus(points: Tensor, n_clusters: int, generator: torch.Generator | None) -> Tensor:
    """Seed every map by greedy k-means++ (Arthur and Vassilvitskii 2007, section 2.2).

    Each step draws a few windows with probability proportional to their squared distance from the
    centres so far, and keeps the one that brings the windows closest.
    """
    n_maps, _, n_windows = points.shape
    n_trials = 2 + int(math.log(n_clusters))
    maps = torch.arange(n_maps, device=points.device)
    chosen = torch.randint(n_windows, (n_maps,), generator=generator).to(points.device)
    centres = [points[maps, :, chosen]]
    nearest = (points - centres[0][..., None]).square().sum(dim=1)
    for _ in range(1, n_clusters):
        # double precision: a float32 running sum over many windows would skip the small ones
        reach = nearest.double().cumsum(dim=1)
        draws = torch.rand(n_maps, n_trials, generator=generator, dtype=torch.float64)
        trials = torch.searchsorted(reach, draws.to(points.device) * reach[:, -1:], right=True)
        trials = trials.clamp(max=n_windows - 1)
        best = torch.full((n_maps,), torch.inf, device=points.device, dtype=points.dtype)
        kept, kept_nearest = torch.empty_like(centres[0]), nearest
        for candidates in trials.T:
            candidate = points[maps, :, candidates]
            closer = torch.minimum(nearest, (points - candidate[..., None]).square().sum(dim=1))
            potential = closer.sum(dim=1)
            better = potential < best
            best = torch.where(better, potential, best)
            kept = torch.where(better[:, None], candidate, kept)
            kept_nearest = torch.where(better[:, None], closer, kept_nearest)
        centres.append(kept)
        nearest = kept_nearest
    return torch.stack(centres, dim=1)


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
