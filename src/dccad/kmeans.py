"""k-means of many maps at once: seeding, Lloyd's iterations, which centre is nearest.

Maps are taken in blocks that stay in a processor's cache over all iterations. A block is a table of
columns, one per window, with a row of ones below them, so that each iteration is two batched
products of matrices: centres times columns says which centre is nearest, columns times memberships
gives sums and counts. :mod:`dccad.clustering` calls this; ``tests/reference.py`` holds the
map-by-map version.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

SAMPLE = 2048
"""Windows, drawn at random, on which restarts are run where there are more: twice as many of them,
since each is soon done. A cluster of fewer windows than the sample shows may be missed."""

RIVAL = 1.2
"""A restart that ends elsewhere, with at most so many times the inertia of the best one on the
sample, may be the better one on all windows, and is tried there."""

CELLS = 1 << 18
"""Numbers of several maps that are clustered together: so few stay in a processor's cache from one
iteration to the next."""


def put_maps_first(latents: Tensor) -> Tensor:
    """Latents as (n_maps, map_length, n_windows), contiguous."""
    # transposing a matrix is many times as fast as permuting three axes
    return latents.flatten(1).T.contiguous().view(*latents.shape[1:], len(latents))


def blocks_of(maps_first: Tensor) -> list[slice]:
    """Maps that are clustered together; a device other than the processor takes many at once."""
    cells = CELLS if maps_first.device.type == "cpu" else 1024 * CELLS
    n_maps, map_length, n_windows = maps_first.shape
    step = max(1, cells // (n_windows * (map_length + 1)))
    return [slice(first, first + step) for first in range(0, n_maps, step)]


def make_columns(maps_first: Tensor, offset: Tensor) -> Tensor:
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


def descend(
    maps_first: Tensor, offset: Tensor, start: Tensor, max_iter: int, tol: float
) -> tuple[Tensor, Tensor]:
    """Centres, less the offset, that Lloyd's iterations reach on all windows; their inertia."""
    centres, inertia = [], []
    for maps in blocks_of(maps_first):
        columns = make_columns(maps_first[maps], offset[maps])
        found = _lloyd(columns, start[maps], max_iter, _threshold(columns, tol))
        centres.append(found)
        inertia.append(_inertia(columns, found))
    return torch.cat(centres), torch.cat(inertia)


def seek(
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
    maps_first = put_maps_first(latents)
    # drawn for all maps before any block: what a seed gives does not depend on the blocks
    draws = [
        _draw(len(maps_first), len(latents), n_clusters, generator, latents.device)
        for _ in range(2 * n_init if sampled else n_init)
    ]
    first, maps_of_rivals, rivals = [], [], []
    for maps in blocks_of(maps_first):
        columns = make_columns(maps_first[maps], offset[maps])
        threshold = _threshold(columns, tol)
        starts = [
            _plus_plus(columns[:, :-1], chosen[maps], reaches[:, maps]) for chosen, reaches in draws
        ]
        tried = torch.stack([_lloyd(columns, start, max_iter, threshold) for start in starts])
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
    """Lloyd's iterations on :func:`make_columns` from given centres."""
    centres = centres.clone()
    active = torch.arange(len(columns), device=columns.device)
    for _ in range(max_iter):
        moved = _means(columns, nearest_centres(columns, centres[active]), centres[active])
        going = (moved - centres[active]).square().sum(dim=(1, 2)) > threshold[active]
        centres[active] = moved
        still = int(going.sum())
        if still == 0:
            break
        if still <= len(active) // 2:  # most maps settle long before the last one
            active, columns = active[going], columns[going]
    return centres


def nearest_centres(columns: Tensor, centres: Tensor) -> Tensor:
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
    return _squared_distances(columns, centres, nearest_centres(columns, centres)).sum(dim=1)


def _squared_distances(columns: Tensor, centres: Tensor, assignments: Tensor) -> Tensor:
    """Squared distance of each window to its centre, shape (n_maps, n_windows)."""
    members = _members(assignments, centres.shape[1], columns.dtype)
    return (columns[:, :-1] - centres.transpose(1, 2) @ members).square_().sum(dim=1)


def sum_clusters(columns: Tensor, assignments: Tensor, n_clusters: int) -> Tensor:
    """Sum of each cluster, and last its count: (n_maps, n_clusters, map_length + 1)."""
    members = _members(assignments, n_clusters, columns.dtype)
    return (columns @ members.transpose(1, 2)).transpose(1, 2)


def _means(columns: Tensor, assignments: Tensor, centres: Tensor) -> Tensor:
    """Mean of each cluster; an empty cluster moves to the window farthest from its centre."""
    sums = sum_clusters(columns, assignments, centres.shape[1])
    means = sums[..., :-1] / sums[..., -1:].clamp(min=1)
    empty = sums[..., -1] == 0
    if bool(empty.any()):
        distances = _squared_distances(columns, centres, assignments)
        for which in empty.any(dim=1).nonzero().flatten().tolist():
            clusters = empty[which].nonzero().flatten()
            farthest = distances[which].topk(len(clusters)).indices
            means[which, clusters] = columns[which, :-1, farthest].T
    return means


def _draw(
    n_maps: int,
    n_windows: int,
    n_clusters: int,
    generator: torch.Generator | None,
    device: torch.device,
) -> tuple[Tensor, Tensor]:
    """Draw what one seeding of all maps needs.

    Returns
    -------
    chosen : Tensor of shape (n_maps,), int64
        The first window of each map.
    reaches : Tensor of shape (n_clusters - 1, n_maps, n_trials), float64
        Where on the scale of summed distances the candidates of each further centre lie, 0 to 1.
    """
    n_trials = 2 + int(math.log(n_clusters))
    chosen = torch.randint(n_windows, (n_maps,), generator=generator)
    shape = (n_clusters - 1, n_maps, n_trials)
    reaches = torch.rand(shape, generator=generator, dtype=torch.float64)
    return chosen.to(device), reaches.to(device)


def _plus_plus(points: Tensor, chosen: Tensor, reaches: Tensor) -> Tensor:
    """Seed every map by greedy k-means++ (Arthur and Vassilvitskii 2007, section 2.2).

    Each step draws a few windows with probability proportional to their squared distance from the
    centres so far, and keeps the one that brings the windows closest.
    """
    n_maps, _, n_windows = points.shape
    maps = torch.arange(n_maps, device=points.device)
    centres = [points[maps, :, chosen]]
    nearest = (points - centres[0][..., None]).square().sum(dim=1)
    for drawn in reaches:
        # double precision: a float32 running sum over many windows would skip the small ones
        reach = nearest.double().cumsum(dim=1)
        trials = torch.searchsorted(reach, drawn * reach[:, -1:], right=True)
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
