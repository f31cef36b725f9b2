"""Where k-means starts: restarts on growing samples of the windows, all maps at once."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from dccad.method.clustering.kmeans import (
    centre_columns,
    lloyd,
    nearest_squares,
    on_blocks,
    put_maps_first,
)


class Round(NamedTuple):
    """One round of the restarts: on how many windows, and how many results go on from it."""

    n_windows: int
    n_kept: int


ROUNDS = (Round(n_windows=512, n_kept=4), Round(n_windows=2048, n_kept=3))
"""Restarts first run on small random samples of the windows, because few windows tell most starts
apart. The first round begins with four times ``n_init`` starts. After each round the ``n_kept``
best distinct results start the next round; the last round uses all windows. A cluster with fewer
windows than a sample is likely to contain can be missed."""

MAX_INERTIA_RATIO = 1.2
"""A result goes on to the next round only if its inertia is at most this many times the best."""

TRIAL_ITERATIONS = 10
"""Iterations on all windows after which the best of the remaining results is chosen."""

SAME_INERTIA_RATIO = 1.0001
"""Two results whose inertias differ by at most this factor are the same result."""


def seek(
    latents: Tensor,
    n_clusters: int,
    n_init: int,
    max_iter: int,
    tol: float,
    generator: torch.Generator | None,
) -> Tensor:
    """Run several restarts, and find the best start of each map, for iterations on all windows.

    Parameters are those of :func:`dccad.method.clustering.maps.cluster_maps`; the result has shape
    (n_maps, n_clusters, map_length).
    """
    rounds = [step for step in ROUNDS if step.n_windows < len(latents)]
    if not rounds:
        starts, active = _seed(latents, n_clusters, n_init, generator)
        return _select(latents, starts, active, 1, max_iter, tol)[0][:, 0]
    drawn = torch.randperm(len(latents), generator=generator)[: rounds[-1].n_windows]
    sample = latents[drawn.to(latents.device)]
    starts, active = _seed(sample[: rounds[0].n_windows], n_clusters, 4 * n_init, generator)
    for n_windows, n_kept in rounds:
        starts, active = _select(sample[:n_windows], starts, active, n_kept, max_iter, tol)
    contested = active.sum(dim=1) > 1
    if bool(contested.any()):
        starts[contested, :1] = _select(
            latents[:, contested],
            starts[contested],
            active[contested],
            1,
            min(max_iter, TRIAL_ITERATIONS),
            tol,
        )[0]
    return starts[:, 0]


def _select(
    latents: Tensor, starts: Tensor, active: Tensor, n_kept: int, max_iter: int, tol: float
) -> tuple[Tensor, Tensor]:
    """The best distinct results of every active start, and which may be best on more windows."""

    def select(maps: slice) -> tuple[Tensor, Tensor]:
        columns, offset = centre_columns(put_maps_first(latents[:, maps]))
        offset = offset[:, None, None]
        results = lloyd(columns, starts[maps] - offset, active[maps], max_iter, tol)
        inertia = nearest_squares(columns, results).sum(dim=2)
        inertia, order = inertia.masked_fill_(~active[maps], torch.inf).sort(dim=1)
        same = inertia[:, 1:] <= SAME_INERTIA_RATIO * inertia[:, :-1]
        inertia[:, 1:].masked_fill_(same, torch.inf)
        inertia, best = inertia.topk(min(n_kept, starts.shape[1]), dim=1, largest=False)
        every = torch.arange(len(results), device=results.device)[:, None]
        kept = results[every, order.gather(1, best)]
        return kept + offset, inertia <= MAX_INERTIA_RATIO * inertia[:, :1]

    kept, may_be_best = on_blocks(select, latents, starts.shape[1])
    return kept, may_be_best


def _seed(
    latents: Tensor, n_clusters: int, n_starts: int, generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    """Several starts for every map, (n_maps, n_starts, n_clusters, map_length), all active."""
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
