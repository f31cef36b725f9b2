"""Activation maps pooled over the window: what is split into regimes and what is scored.

One position of a map is noise. Over the window, its mean tells a shift, its log-variance an
oscillation or a stuck sensor, and the mean of its last third a change that has just begun.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

import torch
from torch import Tensor


class Kind(Enum):
    """What each activation map is pooled to; pooled maps lie kind by kind, in this order."""

    MEAN = "mean"
    RECENT_MEAN = "recent mean"
    LOG_VARIANCE = "log-variance"


class Energy(Enum):
    """What the level maps of a group of directions are pooled to together, each as a logarithm.

    These pooled maps follow those of every :class:`Kind`, group by group.
    """

    WINDOW = "energy"
    RECENT = "recent energy"
    OF_MEAN = "energy of the mean"


STATISTICS = tuple(kind.value for kind in Kind)

SMALLEST_VARIANCE = 1e-3
"""Added to a map's variance before its logarithm: the variance of a held value is 0."""

SMALLEST_ENERGY = 1e-6
"""Added to a mean square before its logarithm."""


class Pooled(NamedTuple):
    """Each :class:`Kind` of pooled map of a batch of windows, of shape (n_windows, n_kernels)."""

    mean: Tensor
    recent: Tensor
    log_variance: Tensor


def recent_positions(length: int) -> int:
    """Positions of a map that count as recent: its last third, at least one.

    Examples
    --------
    >>> recent_positions(28), recent_positions(2)
    (9, 1)
    """
    return max(1, round(length / 3))


def pool_maps(maps: Tensor) -> Pooled:
    """Pool each activation map over its positions.

    Parameters
    ----------
    maps : Tensor of shape (n_windows, n_kernels, map_length)

    Returns
    -------
    Pooled

    Examples
    --------
    >>> pooled = pool_maps(torch.tensor([[[0.0, 0.0, 3.0]]]))
    >>> pooled.mean.item(), pooled.recent.item(), round(pooled.log_variance.exp().item(), 3)
    (1.0, 3.0, 2.001)
    """
    mean = maps.mean(dim=2)
    recent = maps[..., -recent_positions(maps.shape[2]) :].mean(dim=2)
    # two passes: the variance of a map far from 0 keeps its digits
    variance = (maps - mean[..., None]).square().mean(dim=2)
    return Pooled(mean, recent, (variance + SMALLEST_VARIANCE).log())


def pool_together(maps: Tensor) -> Tensor:
    """Pool the level maps of one group of directions together.

    Parameters
    ----------
    maps : Tensor of shape (n_windows, n_directions, map_length)

    Returns
    -------
    Tensor of shape (n_windows, 3)
        One column per :class:`Energy`: the log of the mean square over the window, over its last
        third, and of the window means. They show a fault that moves many directions a little.

    Examples
    --------
    >>> pool_together(torch.tensor([[[1.0, 3.0], [-1.0, 1.0]]])).exp().round(decimals=2).tolist()
    [[3.0, 5.0, 2.0]]
    """
    squares = maps.square().mean(dim=1)
    recent = squares[:, -recent_positions(maps.shape[2]) :].mean(dim=1)
    of_mean = maps.mean(dim=2).square().mean(dim=1)
    return (torch.stack((squares.mean(dim=1), recent, of_mean), dim=1) + SMALLEST_ENERGY).log()
