"""A joint step: the losses, and the routing that divides the last encoder layer's kernels.

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
from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor

from dccad.method.network.base import Autoencoder
from dccad.method.network.losses import Targets

Routing: TypeAlias = Literal["one-pass", "two-step"]


class Objective(NamedTuple):
    """The joint loss (1 − α) L_R + α L_C, and how its gradient reaches the kernels.

    Attributes
    ----------
    alpha : float
        Weight of the clustering loss, 0 ≤ α < 1.
    routing : {"one-pass", "two-step"}
    relative : bool
        As in :func:`dccad.method.network.losses.clustering_loss`.
    """

    alpha: float
    routing: Routing = "one-pass"
    relative: bool = False


def joint_step(
    network: Autoencoder,
    optimizer: torch.optim.Optimizer,
    windows: Tensor,
    targets: Targets,
    clustering: Tensor,
    objective: Objective,
) -> tuple[Tensor, Tensor]:
    """Move every parameter once for this batch.

    Parameters
    ----------
    network : Autoencoder
    optimizer : torch.optim.Optimizer
        Over all parameters of the network.
    windows : Tensor of shape (batch, n_sensors, window)
    targets : Targets
        What the clustering loss asks of these windows.
    clustering : Tensor of shape (n_kernels,), bool
        The clustering kernels: the rows that the routing divides.
    objective : Objective

    Returns
    -------
    (L_R, L_C) : scalars, before the step
    """
    alpha, routing, relative = objective
    reconstruction, cluster = network.differentiate(windows, targets, alpha, relative)
    assert cluster is not None
    if routing == "one-pass":
        route_one_pass(network, clustering, alpha)
        optimizer.step()
    else:
        with frozen_rows(network, optimizer, ~clustering):
            optimizer.step()
        network.differentiate(windows)
        with frozen_rows(network, optimizer, clustering):
            optimizer.step()
    return reconstruction, cluster


def route_one_pass(network: Autoencoder, clustering: Tensor, alpha: float) -> None:
    """Turn the reconstruction kernels' gradient of (1 − α) L_R into that of L_R, in place."""
    factors = torch.where(clustering, 1.0, 1 / (1 - alpha))
    for parameter in network.map_parameters():
        assert parameter.grad is not None
        parameter.grad *= factors.to(parameter.dtype).view(-1, *[1] * (parameter.dim() - 1))


@contextmanager
def frozen_rows(
    network: Autoencoder, optimizer: torch.optim.Optimizer, frozen: Tensor
) -> Iterator[None]:
    """Keep some kernels' rows, and what the optimiser remembers of them, out of one step.

    A zero gradient would not do: Adam still moves a row on old gradients.

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
