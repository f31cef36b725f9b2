"""k-means of many maps at once: Lloyd's iterations, and which centre is nearest.

Maps are taken in blocks that stay in a processor's cache over all iterations. A block is a table of
columns, one per window, with a row of ones below them, so that each iteration from all starts is
two batched products of matrices: centres times columns says which centre is nearest, memberships
times columns gives sums and counts. :mod:`dccad.method.clustering.starts` finds where to start, and
:mod:`dccad.method.clustering.maps` calls both; ``tests/naive.py`` holds the map-by-map version.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from dccad.support.threads import one_thread

CELLS = 1 << 20
"""Numbers of several maps that are clustered together: few enough to stay in a processor's cache
from one iteration to the next, many enough that calling torch takes little of the time."""


def on_blocks(
    function: Callable[[slice], tuple[Tensor, ...]], latents: Tensor, n_starts: int = 1
) -> tuple[Tensor, ...]:
    """Results of a function for each block of maps, joined along the first axis."""
    n_windows, n_maps, map_length = latents.shape
    # a device other than the processor takes many maps at once
    cells = CELLS if latents.device.type == "cpu" else 256 * CELLS
    n_blocks = math.ceil(n_maps * n_windows * (map_length + n_starts) / cells)
    step = math.ceil(n_maps / n_blocks)
    parts = [function(slice(first, first + step)) for first in range(0, n_maps, step)]
    return tuple(torch.cat(each) for each in zip(*parts, strict=True))


def put_maps_first(latents: Tensor) -> Tensor:
    """Latents as (n_maps, map_length, n_windows), contiguous."""
    # transposing a whole matrix is many times as fast as permuting three axes or parts of a matrix
    return latents.flatten(1).contiguous().T.contiguous().view(*latents.shape[1:], len(latents))


def make_columns(maps_first: Tensor, offset: Tensor) -> Tensor:
    """Windows of some maps, less an offset, as columns: (n_maps, map_length + 1, n_windows).

    Below them stands a row of ones: products of matrices then count, and take constants along.
    """
    n_maps, map_length, n_windows = maps_first.shape
    columns = maps_first.new_empty(n_maps, map_length + 1, n_windows)
    torch.sub(maps_first, offset[..., None], out=columns[:, :-1])
    columns[:, -1] = 1
    return columns


def centre_columns(maps_first: Tensor) -> tuple[Tensor, Tensor]:
    """Windows as columns, less their mean so that squares lose no digits to it; and the mean."""
    offset = maps_first.mean(dim=2)
    return make_columns(maps_first, offset), offset


def descend(
    latents: Tensor, start: Tensor, max_iter: int, tol: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Run Lloyd's iterations on all windows of some maps, from one start for each."""
    maps_first = put_maps_first(latents)
    columns, offset = centre_columns(maps_first)
    started = torch.ones(len(start), 1, dtype=torch.bool, device=start.device)
    ends = lloyd(columns, (start - offset[:, None])[:, None], started, max_iter, tol)
    centres = ends[:, 0] + offset[:, None]
    columns, centred = _centre_on(centres, maps_first)
    numbers = nearest_centres(columns, centred[:, None])[:, 0]
    residuals = _residuals(columns, centred, numbers)
    inertia = torch.linalg.vector_norm(residuals, dim=2).square().sum(dim=1)
    return centres, numbers.to(torch.int16), inertia


def assign_block(latents: Tensor, centres: Tensor) -> Tensor:
    """Nearest centre of each window of some maps, shape (n_maps, n_windows), int16."""
    columns, centred = _centre_on(centres, put_maps_first(latents))
    return nearest_centres(columns, centred[:, None])[:, 0].to(torch.int16)


def _centre_on(centres: Tensor, maps_first: Tensor) -> tuple[Tensor, Tensor]:
    """Windows as columns, and centres, both less the middle of the centres."""
    offset = centres.mean(dim=1)
    return make_columns(maps_first, offset), centres - offset[:, None]


def lloyd(columns: Tensor, starts: Tensor, active: Tensor, max_iter: int, tol: float) -> Tensor:
    """Lloyd's iterations on columns of some maps, from several starts for each map.

    Parameters
    ----------
    columns : Tensor of shape (n_maps, map_length + 1, n_windows)
        As :func:`make_columns` gives them.
    starts : Tensor of shape (n_maps, n_starts, n_clusters, map_length)
    active : Tensor of shape (n_maps, n_starts), bool
        Which starts to iterate from; the others may stay where they are.
    max_iter : int
    tol : float
        A start has settled when its centres move by at most this share of the map's variance.

    Returns
    -------
    Tensor of the shape of the starts
    """
    centres, left, n_active = starts.clone(), max_iter, int(active.sum())
    products = _sum_products(columns, columns)
    total = products[:, -1, None, None]
    variance = products.diagonal(dim1=1, dim2=2)[:, :-1].mean(dim=1, keepdim=True)
    threshold = tol / columns.shape[2] * variance
    while left and n_active:
        # most settle long before the last one: whenever half have, pack the others together
        maps = active.any(dim=1).nonzero()[:, 0]
        first_active = active[maps].byte().argsort(dim=1, descending=True, stable=True)
        packed = maps[:, None], first_active[:, : int(active.sum(dim=1).max())]
        table = columns if len(maps) == len(columns) else columns[maps]
        total_here, threshold_here, here = total[maps], threshold[maps], centres[packed]
        enough = n_active // 2
        while left and n_active > enough:
            moved = _means(table, total_here, here)
            moves = (moved - here).square_().sum(dim=(2, 3)) > threshold_here
            here, left, n_active = moved, left - 1, int(moves.sum())
        centres[packed] = here
        active = torch.zeros_like(active).index_put(packed, moves)
    return centres


def nearest_centres(columns: Tensor, centres: Tensor) -> Tensor:
    """Nearest centre of each column, shape (n_maps, n_starts, n_windows), in the columns' dtype."""
    if centres.shape[2] == 2:  # which side of the middle: one product decides
        return (_weights(centres).diff(dim=2)[:, :, 0] @ columns).lt_(0)
    best, *others = _relative_distances(columns, centres)
    number = torch.zeros_like(best)
    for k, other in enumerate(others, start=1):  # torch's argmin takes many times as long
        number.masked_fill_(other < best, k)
        best = torch.minimum(best, other)
    return number


def nearest_squares(columns: Tensor, centres: Tensor) -> Tensor:
    """Squared distance of each window to its nearest centre, (n_maps, n_starts, n_windows).

    Exact to the last digits of the window's own square: enough to compare starts.
    """
    best, *others = _relative_distances(columns, centres)
    for other in others:
        best = torch.minimum(best, other)
    return best.add_(columns[:, None, :-1].square().sum(dim=2)).clamp_(min=0)


def _weights(centres: Tensor) -> Tensor:
    # ‖x‖² is the same for every centre of a map, so the nearest one needs only ‖c‖² − 2 c · x
    return torch.cat((-2 * centres, centres.square().sum(dim=3, keepdim=True)), dim=3)


def _relative_distances(columns: Tensor, centres: Tensor) -> tuple[Tensor, ...]:
    """Squared distances to each centre, less the window's own square; one tensor per centre."""
    weights = _weights(centres)
    products = weights.flatten(1, 2) @ columns
    return tuple(products.unflatten(1, weights.shape[1:3]).unbind(dim=2))


def _members(assignments: Tensor, n_clusters: int) -> Tensor:
    """Membership (0 or 1) of each window in every cluster but the first, on a new axis."""
    if n_clusters == 2:
        return assignments[..., None, :]
    numbers = torch.arange(1, n_clusters, device=assignments.device)[:, None]
    return (assignments[..., None, :] == numbers).to(assignments.dtype)


def _sum_products(rows: Tensor, columns: Tensor) -> Tensor:
    """Products of rows and columns, summed over the windows."""
    if len(columns) < torch.get_num_threads():
        # threads would share a sum, and round it otherwise than one thread
        with one_thread():
            return rows @ columns.transpose(1, 2)
    return rows @ columns.transpose(1, 2)


def sum_clusters(columns: Tensor, total: Tensor, assignments: Tensor, n_clusters: int) -> Tensor:
    """Sum of each cluster, and last its count: (n_maps, n_starts, n_clusters, map_length + 1)."""
    members = _members(assignments, n_clusters)
    sums = _sum_products(members.flatten(1, 2), columns).unflatten(1, members.shape[1:3])
    # the first cluster has what the others leave
    return torch.cat((total - sums.sum(dim=2, keepdim=True), sums), dim=2)


def _means(columns: Tensor, total: Tensor, centres: Tensor) -> Tensor:
    """Mean of each cluster; an empty cluster moves to the window farthest from its centre."""
    assignments = nearest_centres(columns, centres)
    sums = sum_clusters(columns, total, assignments, centres.shape[2])
    counts = sums[..., -1:]
    means = sums[..., :-1] / counts.clamp(min=1)
    if not bool(counts.all()):
        empty = counts[..., 0] == 0
        for m, start in empty.any(dim=2).nonzero().tolist():
            clusters, one = empty[m, start].nonzero()[:, 0], slice(m, m + 1)
            residuals = _residuals(columns[one], centres[one, start], assignments[one, start])[0]
            farthest = residuals.square().sum(dim=0).topk(len(clusters)).indices
            means[m, start, clusters] = columns[m, :-1, farthest].T
    return means


def _residuals(columns: Tensor, centres: Tensor, assignments: Tensor) -> Tensor:
    """Windows less their centres, shape (n_maps, map_length, n_windows)."""
    residuals = columns[:, :-1] - centres[:, 0, :, None]
    apart = (centres[:, 1:] - centres[:, :1]).transpose(1, 2)
    return residuals.baddbmm_(apart, _members(assignments, centres.shape[1]), alpha=-1)
