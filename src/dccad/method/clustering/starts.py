"""Where k-means starts: restarts on samples of the windows, all maps at once.

Samples grow, and fewer restarts go on to each: most are told apart by few windows.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from dccad.method.clustering.kmeans import (
    centre_columns,
    lloyd,
    nearest_squares,
    on_blocks,
    put_maps_first,
)

SAMPLES = {512: 4, 2048: 3}
"""Where there are more windows, restarts, four times as many, are run on so many, drawn at random;
the best so many ends that differ go on to the next sample, at last to all windows. A cluster of
fewer windows than a sample shows may be missed."""

RIVAL = 1.2
"""Other ends go on if they have at most so many times the inertia of the best one on the sample."""

CONTEST = 10
"""So many iterations on all windows tell which of several ends is the best one."""


def seek(
    latents: Tensor,
    n_clusters: int,
    n_init: int,
    max_iter: int,
    tol: float,
    generator: torch.Generator | None,
) -> Tensor:
    """Run several restarts, and find the best end of each map, (n_maps, n_clusters, map_length)."""
    n_windows = len(latents)
    sizes = [size for size in SAMPLES if size < n_windows]
    if not sizes:
        starts, going = _seed(latents, n_clusters, n_init, generator)
        return _select(latents, starts, going, 1, max_iter, tol)[0][:, 0]
    drawn = torch.randperm(n_windows, generator=generator)[: sizes[-1]].to(latents.device)
    sample = latents[drawn]
    starts, going = _seed(sample[: sizes[0]], n_clusters, 4 * n_init, generator)
    for size in sizes:
        starts, going = _select(sample[:size], starts, going, SAMPLES[size], max_iter, tol)
    contested = going.sum(dim=1) > 1
    if bool(contested.any()):
        starts[contested, :1] = _select(
            latents[:, contested],
            starts[contested],
            going[contested],
            1,
            min(max_iter, CONTEST),
            tol,
        )[0]
    return starts[:, 0]


def _select(
    latents: Tensor, starts: Tensor, going: Tensor, n_kept: int, max_iter: int, tol: float
) -> tuple[Tensor, Tensor]:
    """Iterate from every start that still goes, and keep the best ends that differ.

    Returns
    -------
    ends : Tensor of shape (n_maps, n_kept, n_clusters, map_length)
        The best one of each map first.
    going : Tensor of shape (n_maps, n_kept), bool
        Whether this end may be the best one on more windows.
    """

    def select(maps: slice) -> tuple[Tensor, Tensor]:
        columns, offset = centre_columns(put_maps_first(latents[:, maps]))
        offset = offset[:, None, None]
        ends = lloyd(columns, starts[maps] - offset, going[maps], max_iter, tol)
        inertia = nearest_squares(columns, ends).sum(dim=2)
        inertia, order = inertia.masked_fill_(~going[maps], torch.inf).sort(dim=1)
        # an end with the inertia of the one before it is the same one
        same = inertia[:, 1:] <= 1.0001 * inertia[:, :-1]
        inertia[:, 1:].masked_fill_(same, torch.inf)
        inertia, best = inertia.topk(min(n_kept, starts.shape[1]), dim=1, largest=False)
        every = torch.arange(len(ends), device=ends.device)[:, None]
        kept = ends[every, order.gather(1, best)]
        return kept + offset, inertia <= RIVAL * inertia[:, :1]

    ends, going_on = on_blocks(select, latents, starts.shape[1])
    return ends, going_on


def _seed(
    latents: Tensor, n_clusters: int, n_starts: int, generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    """Several starts for every map, (n_maps, n_starts, n_clusters, map_length), all going."""
    n_windows, n_maps, _ = latents.shape
    n_trials = 2 + int(math.log(n_clusters))
    # drawn for all maps before any block: what a seed gives does not depend on the blocks
    draws = [
        (
            torch.randint(n_windows, (n_maps,), generator=generator),
            torch.rand(n_clusters - 1, n_maps, n_trials, generator=generator, dtype=torch.float64),
        )
        for _ in range(n_starts)
    ]
    chosen = torch.stack([first for first, _ in draws], dim=1).to(latents.device)
    reaches = torch.stack([others for _, others in draws], dim=2).to(latents)

    def seed(maps: slice) -> tuple[Tensor]:
        columns, offset = centre_columns(put_maps_first(latents[:, maps]))
        return (plus_plus(columns, chosen[maps], reaches[:, maps]) + offset[:, None, None],)

    (starts,) = on_blocks(seed, latents, n_starts)
    return starts, torch.ones(starts.shape[:2], dtype=torch.bool, device=starts.device)


def plus_plus(columns: Tensor, chosen: Tensor, reaches: Tensor) -> Tensor:
    """Seed by greedy k-means++ (Arthur and Vassilvitskii 2007, section 2.2).

    Each step draws a few windows with probability proportional to their squared distance from the
    centres so far, and keeps the one that brings the windows closest.

    Parameters
    ----------
    columns : Tensor of shape (n_maps, map_length + 1, n_windows)
        As :func:`dccad.method.clustering.kmeans.make_columns` gives them.
    chosen : Tensor of shape (n_maps, n_starts), int64
        The first window of each start.
    reaches : Tensor of shape (n_clusters - 1, n_maps, n_starts, n_trials)
        Where on the scale of summed distances the candidates of each further centre lie, 0 to 1.

    Returns
    -------
    Tensor of shape (n_maps, n_starts, n_clusters, map_length)
    """
    every = torch.arange(len(columns), device=columns.device)[:, None]
    centres = [columns[every, :-1, chosen]]
    nearest = nearest_squares(columns, centres[0][:, :, None])
    for drawn in reaches:
        if len(centres) > 1:
            nearest = nearest_squares(columns, centres[-1][:, :, None]).minimum(nearest)
        reach = nearest.cumsum(dim=2)
        trials = torch.searchsorted(reach, drawn * reach[..., -1:], right=True)
        trials = trials.clamp_(max=columns.shape[2] - 1)
        potentials = [
            nearest_squares(columns, columns[every, :-1, trial][:, :, None])
            .minimum(nearest)
            .sum(dim=2)
            for trial in trials.unbind(dim=2)
        ]
        best = torch.stack(potentials, dim=2).argmin(dim=2, keepdim=True)
        centres.append(columns[every, :-1, trials.gather(2, best)[..., 0]])
    return torch.stack(centres, dim=2)
