"""Pooled maps of depthwise kernels, without the maps.

A kernel is linear in the few rows that it sees, so the mean and the variance of its map over a
window are a linear and a quadratic form of its weights; their coefficients are moments of the
window alone. No map is kept for the backward pass: a training step takes half the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from dccad.pooling import SMALLEST_ENERGY, SMALLEST_VARIANCE, Pooled, recent_positions


class Moments(NamedTuple):
    """Moments of what a kernel sees, over its positions in each window.

    Attributes
    ----------
    mean, recent : Tensor of shape (n_windows, n_directions, kernel_size)
        Mean of each row under the kernel over all positions, and over the last third.
    covariance, recent_covariance : Tensor of shape (n_windows, n_directions, n_pairs)
        Of each of the kernel_size · (kernel_size + 1) / 2 pairs of rows under the kernel, the upper
        triangle row by row, over all positions and over the last third.
    """

    mean: Tensor
    recent: Tensor
    covariance: Tensor
    recent_covariance: Tensor

    def take(self, windows: Tensor | slice) -> Moments:
        """Moments of some of the windows."""
        return Moments(*(part[windows] for part in self))

    @classmethod
    def join(cls, parts: Sequence[Moments]) -> Moments:
        """Moments of several batches of windows, one after another."""
        return cls(*(torch.cat(part) for part in zip(*parts, strict=True)))


def window_moments(windows: Tensor, kernel_size: int) -> Moments:
    """Moments of windows of shape (n_windows, n_directions, window).

    Examples
    --------
    >>> moments = window_moments(torch.tensor([[[1.0, 2.0, 6.0]]]), kernel_size=2)
    >>> moments.mean.tolist(), moments.recent.tolist()             # positions (1, 2) and (2, 6)
    ([[[1.5, 4.0]]], [[[2.0, 6.0]]])
    >>> moments.covariance.tolist()
    [[[0.25, 1.0, 4.0]]]
    """
    length = windows.shape[2] - kernel_size + 1
    seen = [windows[:, :, row : row + length] for row in range(kernel_size)]
    last = recent_positions(length)
    mean, covariance = _mean_and_covariance(seen)
    recent, recent_covariance = _mean_and_covariance([part[:, :, -last:] for part in seen])
    return Moments(mean, recent, covariance, recent_covariance)


def _mean_and_covariance(seen: list[Tensor]) -> tuple[Tensor, Tensor]:
    mean = torch.stack([part.mean(dim=2) for part in seen], dim=2)
    centred = [part - mean[:, :, row, None] for row, part in enumerate(seen)]
    pairs = zip(*torch.triu_indices(len(seen), len(seen)).tolist(), strict=True)
    covariance = torch.stack([(centred[i] * centred[j]).mean(dim=2) for i, j in pairs], dim=2)
    return mean, covariance


def pool_kernels(moments: Moments, kernels: Tensor) -> Pooled:
    """Pool the maps of depthwise kernels from the moments of the windows.

    Parameters
    ----------
    moments : Moments
    kernels : Tensor of shape (n_directions, kernels_per_direction, kernel_size)

    Returns
    -------
    Pooled
        As :func:`dccad.pooling.pool_maps` of the maps.

    Examples
    --------
    >>> moments = window_moments(torch.tensor([[[1.0, 2.0, 6.0]]]), kernel_size=2)
    >>> pooled = pool_kernels(moments, torch.tensor([[[-1.0, 1.0]]]))      # the map is 1, 4
    >>> pooled.mean.item(), pooled.recent.item(), round(pooled.log_variance.exp().item(), 3)
    (2.5, 4.0, 2.251)
    """
    mean, recent, variance = (
        torch.einsum("bds,dks->bdk", coefficients, weights).flatten(1)
        for coefficients, weights in zip(
            moments[:3], (kernels, kernels, _products(kernels)), strict=True
        )
    )
    return Pooled(mean, recent, (variance.clamp(min=0) + SMALLEST_VARIANCE).log())


def pool_levels(moments: Moments, levels: Tensor, group: slice) -> Tensor:
    """Pool the level maps of one group of directions together.

    Parameters
    ----------
    moments : Moments
    levels : Tensor of shape (n_directions, kernel_size)
        The level kernel of each direction.
    group : slice
        Of the directions.

    Returns
    -------
    Tensor of shape (n_windows, 3)
        As :func:`dccad.pooling.pool_together` of the level maps.

    Examples
    --------
    >>> moments = window_moments(torch.tensor([[[1.0, 3.0], [-1.0, 1.0]]]), kernel_size=1)
    >>> found = pool_levels(moments, torch.ones(2, 1), slice(0, 2))
    >>> found.exp().round(decimals=2).tolist()
    [[3.0, 5.0, 2.0]]
    """
    weights, products = levels[group], _products(levels[group])
    mean, recent = (
        torch.einsum("bds,ds->bd", part[:, group], weights).square() for part in moments[:2]
    )
    variance, recent_variance = (
        torch.einsum("bds,ds->bd", part[:, group], products).clamp(min=0) for part in moments[2:]
    )
    energies = (mean + variance, recent + recent_variance, mean)
    pooled = torch.stack([energy.mean(dim=1) for energy in energies], dim=1)
    return (pooled + SMALLEST_ENERGY).log()


def _products(kernels: Tensor) -> Tensor:
    """Products of each two weights of a kernel (…, size), as the pairs of the covariance."""
    first, second = torch.triu_indices(*[kernels.shape[-1]] * 2, device=kernels.device)
    twice = torch.where(first == second, 1.0, 2.0).to(kernels.dtype)  # the lower triangle
    return kernels.index_select(-1, first) * kernels.index_select(-1, second) * twice
