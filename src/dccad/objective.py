"""The losses, and the gradient routing that divides the last encoder convolution's kernels.

With clustering kernels S and reconstruction kernels R, per batch:

* *one-pass*: one backward pass of (1 − α) L_R + α L_C; the rows of R follow L_R alone. L_C does
  not reach those rows (they only write their own maps), so their gradient is that of
  (1 − α) L_R, and dividing it by 1 − α is exact.
* *two-step* (as published: Chadha et al. 2021, Algorithm 1): a step on (1 − α) L_R + α L_C with
  the rows of R frozen, then a step on L_R with the rows of S frozen. Every other layer moves in
  both steps.

"Rows" are the parameters that belong to one kernel of the last encoder convolution: its weights
and, where it has them, its bias and normalisation.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from dccad.moments import Moments
from dccad.network import Autoencoder

Routing: TypeAlias = Literal["one-pass", "two-step"]

SMALLEST_VARIANCE = 1e-6
"""Of a map over a batch, where the clustering loss is relative to it: a constant map has none."""


def reconstruction_loss(reconstruction: Tensor, windows: Tensor) -> Tensor:
    """L_R = mean((x̂ − x)²) over windows, sensors and rows.

    Examples
    --------
    >>> reconstruction_loss(torch.zeros(1, 2, 2), torch.tensor([[[1.0, 1.0], [3.0, 3.0]]])).item()
    5.0
    """
    if reconstruction.stride(1) == 1:  # sensors side by side: the gradient shall lie so, too
        reconstruction, windows = reconstruction.transpose(1, 2), windows.transpose(1, 2)
    return functional.mse_loss(reconstruction, windows)


def clustering_loss(
    latents: Tensor,
    centres: Tensor,
    assignments: Tensor,
    clustering: Tensor,
    relative: bool = False,
) -> Tensor:
    """L_C = mean over windows and clustering maps of ‖z_m − μ_m,a_m(i)‖².

    Parameters
    ----------
    latents : Tensor of shape (n_windows, n_maps, map_length)
    centres : Tensor of shape (n_maps, n_clusters, map_length)
    assignments : Tensor of shape (n_windows, n_maps), int64
        Rows belong to the windows of this batch: stored assignments taken by window index.
    clustering : Tensor of shape (n_maps,), bool
        The clustering maps.
    relative : bool
        Divide that of each map by its variance over the batch: the share that its clusters leave
        unexplained. The variance moves with the map, so shrinking it gains nothing. False: as
        published.

    Returns
    -------
    Tensor, a scalar

    Examples
    --------
    >>> latents = torch.tensor([[[1.0, 2.0], [9.0, 9.0]]])
    >>> clustering = torch.tensor([True, False])
    >>> assignments = torch.zeros(1, 2, dtype=torch.int64)
    >>> clustering_loss(latents, torch.zeros(2, 2, 2), assignments, clustering).item()
    5.0
    """
    maps = clustering.nonzero().flatten()
    chosen = latents.index_select(1, maps)
    errors = chosen - centres[maps, assignments[:, maps]]
    unexplained = errors.square().sum(dim=2).mean(dim=0)
    if relative:
        variance = chosen.var(dim=0, unbiased=False).sum(dim=1)
        unexplained = unexplained / variance.clamp(min=SMALLEST_VARIANCE)
    return unexplained.mean()


def joint_step(
    network: Autoencoder,
    optimizer: torch.optim.Optimizer,
    windows: Tensor,
    centres: Tensor,
    assignments: Tensor,
    clustering: Tensor,
    alpha: float,
    routing: Routing,
    clustering_maps: Tensor | None = None,
    relative: bool = False,
    moments: Moments | None = None,
) -> tuple[Tensor, Tensor]:
    """Move every parameter once for this batch; arguments as in :func:`clustering_loss`.

    Parameters
    ----------
    network : Autoencoder
    optimizer : torch.optim.Optimizer
        Over all parameters of the network.
    windows : Tensor of shape (batch, n_sensors, window)
    centres, assignments : Tensor
        Of the last update; ``assignments`` has this batch's rows.
    clustering : Tensor of shape (n_kernels,), bool
        The clustering kernels: the rows that the routing divides.
    clustering_maps : Tensor of shape (n_maps,), bool, optional
        The maps that L_C is taken over; None where each kernel has one map.
    alpha : float
        Weight of the clustering loss, 0 ≤ α < 1.
    routing : {"one-pass", "two-step"}
    relative : bool
    moments : Moments, optional
        Of these windows, where they are known already.

    Returns
    -------
    (L_R, L_C) : scalars, detached, before the step
    """
    optimizer.zero_grad()
    latents, output = network.pool_and_reconstruct(windows, moments)
    reconstruction = reconstruction_loss(output, windows)
    chosen = clustering if clustering_maps is None else clustering_maps
    cluster = clustering_loss(latents, centres, assignments, chosen, relative)
    ((1 - alpha) * reconstruction + alpha * cluster).backward()
    if routing == "one-pass":
        route_one_pass(network, clustering, alpha)
        optimizer.step()
    else:
        with frozen_rows(network, optimizer, ~clustering):
            optimizer.step()
        optimizer.zero_grad()
        reconstruction_loss(network.reconstruct(windows), windows).backward()
        with frozen_rows(network, optimizer, clustering):
            optimizer.step()
    return reconstruction.detach(), cluster.detach()


def route_one_pass(network: Autoencoder, clustering: Tensor, alpha: float) -> None:
    """Turn the reconstruction kernels' gradient of (1 − α) L_R into that of L_R, in place."""
    for parameter in network.map_parameters():
        assert parameter.grad is not None
        parameter.grad[~clustering] /= 1 - alpha


@contextmanager
def frozen_rows(
    network: Autoencoder, optimizer: torch.optim.Optimizer, frozen: Tensor
) -> Iterator[None]:
    """Keep some kernels' rows, and what the optimiser remembers of them, out of one step.

    A zero gradient would not do: with momentum or Adam a row still moves on old gradients.

    Parameters
    ----------
    network : Autoencoder
    optimizer : torch.optim.Optimizer
    frozen : Tensor of shape (n_maps,), bool
    """

    def memories(parameter: torch.nn.Parameter) -> dict[str, Tensor]:
        state = optimizer.state.get(parameter, {})
        return {
            name: value
            for name, value in state.items()
            if isinstance(value, Tensor) and value.shape == parameter.shape
        }

    before = [
        (p, p.detach()[frozen].clone(), {k: v[frozen].clone() for k, v in memories(p).items()})
        for p in network.map_parameters()
    ]
    yield
    with torch.no_grad():
        for parameter, rows, remembered in before:
            parameter[frozen] = rows
            for name, value in memories(parameter).items():
                value[frozen] = remembered.get(name, torch.zeros_like(value[frozen]))
