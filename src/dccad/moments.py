"""Pooled maps of depthwise kernels, without the maps.

A kernel is linear in the few rows that it sees, so the mean and the variance of its map over a
window are a linear and a quadratic form of its weights; their coefficients are moments of the
window alone. No map is kept for the backward pass: a training step takes half the time.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from dccad.pooling import SMALLEST_VARIANCE, Pooled, recent_positions


class Moments(NamedTuple):
    """Moments of what a kernel sees, over its positions in each window.

    Attributes
    ----------
    mean, recent : Tensor of shape (n_windows, n_directions, kernel_size)
        Mean of each row under the kernel over all positions, and over the last third.
    covariance : Tensor of shape (n_windows, n_directions, kernel_size · (kernel_size + 1) / 2)
        Of each pair of rows under the kernel, the upper triangle row by row.
    """

    mean: Tensor
    recent: Tensor
    covariance: Tensor


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
    mean = torch.stack([part.mean(dim=2) for part in seen], dim=2)
    last = recent_positions(length)
    recent = torch.stack([part[:, :, -last:].mean(dim=2) for part in seen], dim=2)
    centred = [part - mean[:, :, row, None] for row, part in enumerate(seen)]
    pairs = zip(*torch.triu_indices(kernel_size, kernel_size).tolist(), strict=True)
    covariance = torch.stack([(centred[i] * centred[j]).mean(dim=2) for i, j in pairs], dim=2)
    return Moments(mean, recent, covariance)


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
    first, second = torch.triu_indices(*[kernels.shape[2]] * 2, device=kernels.device)
    twice = torch.where(first == second, 1.0, 2.0).to(kernels.dtype)  # the lower triangle
    products = kernels[..., first] * kernels[..., second] * twice
    mean, recent, variance = (
        torch.einsum("bds,dks->bdk", coefficients, weights).flatten(1)
        for coefficients, weights in zip(moments, (kernels, kernels, products), strict=True)
    )
    return Pooled(mean, recent, (variance.clamp(min=0) + SMALLEST_VARIANCE).log())
