"""Pooled maps of depthwise kernels, without the maps.

A kernel is linear in the few rows that it sees, so the mean and the variance of its map over a
window are a linear and a quadratic form of its weights; their coefficients are moments of the
window alone. No map is kept for the backward pass: a training step takes half the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from dccad.method.network.pooling import (
    SMALLEST_ENERGY,
    SMALLEST_VARIANCE,
    Pooled,
    recent_positions,
)


class Moments(NamedTuple):
    """Moments of the rows under a kernel, over its positions in each window.

    Attributes
    ----------
    mean, recent : Tensor of shape (n_windows, kernel_size, n_directions)
        Mean of each row under the kernel over all positions, and over the last third.
    covariance, recent_covariance : Tensor of shape (n_windows, n_pairs, n_directions)
        Covariance of each of the kernel_size · (kernel_size + 1) / 2 pairs of rows under the
        kernel, the upper triangle row by row, over all positions and over the last third.
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
    """Moments of windows of shape (n_windows, n_directions, window)."""
    rows = windows.transpose(1, 2)
    centre = rows.mean(dim=1, keepdim=True)
    # relative to the mean of the window, the products of means that are subtracted below are small,
    # and the variance of a map far from zero keeps its digits
    rows = rows - centre
    averages = _averages(windows.shape[2], kernel_size, rows.dtype, rows.device)
    mean, recent = (averages[0] @ rows).split(kernel_size, dim=1)
    squares = [
        (average @ (rows[:, lag:] * rows[:, : rows.shape[1] - lag])).unflatten(1, (2, -1))
        for lag, average in enumerate(averages)
    ]
    first, second, _, _ = _pairs(kernel_size, rows.device)
    order = _by_lag(kernel_size, rows.device)
    covariance, recent_covariance = (
        part.index_select(1, order) - means.index_select(1, first) * means.index_select(1, second)
        for part, means in zip(torch.cat(squares, dim=2).unbind(1), (mean, recent), strict=True)
    )
    return Moments(mean + centre, recent + centre, covariance, recent_covariance)


@lru_cache
@torch.inference_mode(False)  # what is kept may be needed where gradients are
def _averages(
    window: int, kernel_size: int, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, ...]:
    """Matrices that average products of rows some rows apart, one matrix for each distance.

    A kernel's weight i sees rows i, i + 1, … of the window. The first half of a matrix averages
    over all positions for i = 0, 1, …, the second half over the last third of the positions.
    """
    n_positions = window - kernel_size + 1
    recent = recent_positions(n_positions)
    found = []
    for lag in range(kernel_size):
        matrix = torch.zeros(2, kernel_size - lag, window - lag, dtype=torch.float64)
        for row in range(kernel_size - lag):
            matrix[0, row, row : row + n_positions] = 1 / n_positions
            matrix[1, row, row + n_positions - recent : row + n_positions] = 1 / recent
        found.append(matrix.flatten(0, 1).to(device, dtype))
    return tuple(found)


@lru_cache
@torch.inference_mode(False)  # what is kept may be needed where gradients are
def _by_lag(size: int, device: torch.device) -> Tensor:
    """Where each pair of rows stands when pairs are in the order of their distance."""
    pairs = list(zip(*torch.triu_indices(size, size).tolist(), strict=True))
    by_lag = sorted(pairs, key=lambda pair: (pair[1] - pair[0], pair[0]))
    return torch.tensor([by_lag.index(pair) for pair in pairs], device=device)


def pool_kernels(moments: Moments, kernels: Tensor) -> Pooled:
    """Pool the maps of depthwise kernels from the moments of the windows.

    Parameters
    ----------
    moments : Moments
    kernels : Tensor of shape (n_directions, kernels_per_direction, kernel_size)

    Returns
    -------
    Pooled
        As :func:`dccad.method.network.pooling.pool_maps` of the maps.
    """
    mean, recent, variance = (
        torch.stack([form_values(coefficients, w) for w in weights.unbind(1)], dim=2).flatten(1)
        for coefficients, weights in zip(
            moments[:3], (kernels, kernels, kernel_products(kernels)), strict=True
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
        Which directions.

    Returns
    -------
    Tensor of shape (n_windows, 3)
        As :func:`dccad.method.network.pooling.pool_together` of the level maps.
    """
    weights, products = levels[group], kernel_products(levels[group])
    mean, recent = (form_values(part[..., group], weights).square() for part in moments[:2])
    variance, recent_variance = (
        form_values(part[..., group], products).clamp(min=0) for part in moments[2:]
    )
    energies = (mean + variance, recent + recent_variance, mean)
    pooled = torch.stack([energy.mean(dim=1) for energy in energies], dim=1)
    return (pooled + SMALLEST_ENERGY).log()


class MapForms(NamedTuple):
    """What some pooled maps are computed from: a linear or quadratic form of each one's kernel.

    Attributes
    ----------
    linear : Tensor of shape (n_windows, kernel_size, n_linear)
        Coefficients of the means and recent means, which come first among the maps.
    quadratic : Tensor of shape (n_windows, n_pairs, n_quadratic)
        Coefficients of the log-variances, which follow.
    kernels : Tensor of shape (n_linear + n_quadratic,), int64
        The kernel of each map.
    """

    linear: Tensor
    quadratic: Tensor
    kernels: Tensor

    def take(self, windows: Tensor) -> MapForms:
        """Forms of some of the windows."""
        linear = self.linear.index_select(0, windows)
        return MapForms(linear, self.quadratic.index_select(0, windows), self.kernels)


def map_forms(moments: Moments, maps: Tensor, kernels_per_direction: int) -> MapForms:
    """Take out of the moments what some pooled maps need.

    Parameters
    ----------
    moments : Moments
    maps : Tensor of shape (n_chosen,), int64, ascending
        Numbers in the order of :class:`~dccad.method.network.pooling.Pooled`: all means, all recent
        means, all log-variances.
    kernels_per_direction : int
    """
    n_kernels = moments.mean.shape[2] * kernels_per_direction
    kinds, kernels = maps // n_kernels, maps % n_kernels
    found = []
    for kind, coefficients in enumerate(moments[:3]):
        directions = kernels[kinds == kind] // kernels_per_direction
        # chosen from a matrix: along the last of three axes it takes ten times as long
        chosen = coefficients.flatten(0, 1).index_select(1, directions)
        found.append(chosen.unflatten(0, coefficients.shape[:2]))
    return MapForms(torch.cat(found[:2], dim=2), found[2], kernels)


def form_values(coefficients: Tensor, weights: Tensor) -> Tensor:
    """Sum of coefficients (n_windows, n_terms, n_maps) times weights (n_maps, n_terms).

    With the weights of kernels, or their products, this is the value of a linear or quadratic form.
    """
    # term by term: torch's sum over such a short axis takes several times as long
    by_term = weights.T.contiguous()
    total: Tensor = coefficients[:, 0] * by_term[0]
    for term in range(1, len(by_term)):
        total = total.addcmul(coefficients[:, term], by_term[term])
    return total


def kernel_products(kernels: Tensor) -> Tensor:
    """Products of each two weights of kernels (…, size), as the pairs of the covariance.

    Products of two different weights are doubled, because the covariance has each pair once.
    """
    first, second, times, _ = _pairs(kernels.shape[-1], kernels.device)
    return kernels.index_select(-1, first) * kernels.index_select(-1, second) * times


def symmetric(pairs: Tensor, size: int) -> Tensor:
    """Values of pairs (n_pairs, …) as the symmetric matrix that they are half of."""
    whole = pairs.index_select(0, _pairs(size, pairs.device)[3])
    return whole.view(size, size, *pairs.shape[1:])


@lru_cache
@torch.inference_mode(False)  # what is kept may be needed where gradients are
def _pairs(size: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Both rows of each pair under a kernel, how often the matrix has the pair, and where."""
    first, second = torch.triu_indices(size, size, device=device)
    where = torch.empty(size, size, dtype=torch.int64, device=device)
    where[first, second] = where[second, first] = torch.arange(len(first), device=device)
    return first, second, 1.0 + (first != second).float(), where.flatten()
