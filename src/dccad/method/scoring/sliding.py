"""Sums, means and variances over a sliding window, at a cost that hardly grows with its length.

Sums of 1, 2, 4, … consecutive values are made from one another, and those that make up the window
are added: about 2 log₂ L additions for every position instead of L, and no subtraction that would
cost digits, as a running sum does.
"""

from __future__ import annotations

import torch
from torch import Tensor


def sliding_sum(values: Tensor, length: int) -> Tensor:
    """Sum over every ``length`` consecutive values of the last axis.

    Parameters
    ----------
    values : Tensor of shape (..., n)
    length : int
        1 to n.

    Returns
    -------
    Tensor of shape (..., n − length + 1)

    Examples
    --------
    >>> sliding_sum(torch.tensor([1.0, 2.0, 3.0, 4.0]), 3).tolist()
    [6.0, 9.0]
    """
    n_positions = values.shape[-1] - length + 1
    total: Tensor | None = None
    block, size, start = values, 1, 0
    while True:
        if length & size:  # the binary digits of the length say which blocks make it up
            part = block[..., start : start + n_positions]
            total = part if total is None else total + part
            start += size
        if 2 * size > length:
            assert total is not None
            return total
        block = block[..., :-size] + block[..., size:]
        size *= 2


def sliding_mean(values: Tensor, length: int) -> Tensor:
    """Mean over every ``length`` consecutive values of the last axis; see :func:`sliding_sum`."""
    return sliding_sum(values, length) / length


def sliding_variance(values: Tensor, length: int) -> Tensor:
    """Variance (over n) of every ``length`` consecutive values of the last axis.

    Variances of neighbouring blocks are merged by the distance of their means, which keeps the
    digits of a small variance far from 0 (Chan, Golub and LeVeque, The American Statistician 37,
    1983, equation 2.1).

    Examples
    --------
    >>> sliding_variance(torch.tensor([1.0, 3.0, 3.0, 6.0]), 2).tolist()
    [1.0, 0.0, 2.25]
    """
    n_positions = values.shape[-1] - length + 1
    block, squares, size = values, torch.zeros_like(values), 1  # sums, squared deviations
    total: tuple[Tensor, Tensor] | None = None
    start = 0
    while True:
        if length & size:
            mine = slice(start, start + n_positions)
            part = block[..., mine], squares[..., mine]
            total = part if total is None else _merge(*total, start, *part, size)
            start += size
        if 2 * size > length:
            assert total is not None
            return total[1] / length
        block, squares = _merge(
            block[..., :-size],
            squares[..., :-size],
            size,
            block[..., size:],
            squares[..., size:],
            size,
        )
        size *= 2


def _merge(
    sums: Tensor, squares: Tensor, size: int, others: Tensor, other_squares: Tensor, other_size: int
) -> tuple[Tensor, Tensor]:
    """Sums and squared deviations of two neighbouring blocks together."""
    # the distance of the means as one difference of sums, and no temporary that is not needed
    if size == other_size:
        between, weight = sums - others, 1 / (2 * size)
    else:
        between = torch.add(sums * other_size, others, alpha=-size)
        weight = 1 / (size * other_size * (size + other_size))
    together = (squares + other_squares).addcmul_(between, between, value=weight)
    return sums + others, together
