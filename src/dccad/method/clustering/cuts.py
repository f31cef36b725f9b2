"""The best division of single values into two clusters, for many maps at once.

A pooled activation map has one value per window. For one value and two clusters k-means needs no
search: the best division is a cut of the sorted values, and all cuts can be tried.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

CELLS = 1 << 18
"""Values that are cut together: few enough to stay in a processor's cache between the steps."""


class Split(NamedTuple):
    """The best cut of each map's values.

    Attributes
    ----------
    threshold : Tensor of shape (n_maps,), float64
        Values above it belong to the upper cluster; halfway between the two values beside the cut.
    means : Tensor of shape (n_maps, 2), float64
        Mean of the lower and of the upper cluster.
    within : Tensor of shape (n_maps,), float64
        Sum of squared distances to the cluster means (k-means' inertia).
    """

    threshold: Tensor
    means: Tensor
    within: Tensor


def split_values(values: Tensor) -> Split:
    """Find the exact 2-means of each column by sorting and prefix sums.

    Parameters
    ----------
    values : Tensor of shape (n_windows, n_maps)
        One pooled value per window and map; at least 2 windows.

    Returns
    -------
    Split
        Equal values are never divided. Where all are equal, all belong to the lower cluster.

    Examples
    --------
    >>> split = split_values(torch.tensor([[0.0], [5.0], [1.0], [6.0]]))
    >>> split.threshold.tolist(), split.means.tolist(), split.within.tolist()
    ([3.0], [[0.5, 5.5]], [1.0])
    """
    at_once = max(1, CELLS // len(values))
    parts = [_split(_sort(columns.T)) for columns in values.split(at_once, dim=1)]
    return Split(*(torch.cat(field) for field in zip(*parts, strict=True)))


def _sort(values: Tensor) -> Tensor:
    """Sort each row, in its own precision."""
    if values.device.type == "cpu":
        # numpy sorts with the vector instructions of the processor, torch with none
        return torch.from_numpy(np.sort(values.detach().numpy(), axis=1))
    return values.sort(dim=1).values


def _split(values: Tensor) -> Split:
    """Cut sorted values of shape (n_maps, n_windows)."""
    n_windows = values.shape[1]
    ordered = values.double()
    mean = ordered.mean(dim=1, keepdim=True)
    # prefix sums of centred values lose no digits to an offset; the values may be the caller's
    ordered = ordered.sub_(mean) if values.dtype != ordered.dtype else ordered - mean
    sums = ordered.cumsum(dim=1)[:, :-1]
    lower = torch.arange(1, n_windows, dtype=ordered.dtype, device=values.device)
    # the values sum to 0, so the variance between the clusters of a cut needs only one sum
    between = sums.square().mul_(n_windows / (lower * (n_windows - lower)))
    between.masked_fill_(values[:, 1:] == values[:, :-1], -math.inf)
    best = between.argmax(dim=1, keepdim=True)
    explained = between.gather(1, best)[:, 0].clamp(min=0)  # -inf where all values are equal
    count = lower[best[:, 0]]
    total = ordered.square().sum(dim=1)
    threshold = (ordered.gather(1, best) + ordered.gather(1, best + 1))[:, 0] / 2
    sum_below = sums.gather(1, best)[:, 0]
    constant = values[:, 0] == values[:, -1]
    low = (sum_below / count).masked_fill(constant, 0.0)
    high = (-sum_below / (n_windows - count)).masked_fill(constant, 0.0)
    means = torch.stack((low, high), dim=1) + mean
    return Split(threshold + mean[:, 0], means, (total - explained).clamp(min=0))


def minimum_error_thresholds(values: Tensor, threshold: Tensor, max_iter: int = 10) -> Tensor:
    """Move each cut to where the two clusters, as normal distributions, are equally likely.

    The best cut for k-means lies halfway between the means. Where one cluster is much tighter than
    the other, as a steady state beside a fault that develops, that is far too late: the
    minimum-error threshold of Kittler and Illingworth ("Minimum error thresholding", Pattern
    Recognition 19 (1), 1986, equation 15) weighs each cluster by its share and spread.


    Examples
    --------
    >>> tight, wide = torch.linspace(-0.1, 0.1, 50), torch.linspace(1.0, 9.0, 50)
    >>> values = torch.cat((tight, wide)).double()[:, None]
    >>> start = split_values(values).threshold
    >>> found = minimum_error_thresholds(values, start)
    >>> bool(start > 2.5), bool(found < 1.0)
    (True, True)
    """
    values, threshold = values.double(), threshold.double().clone()
    for _ in range(max_iter):
        upper = values > threshold
        share = upper.double().mean(dim=0)
        (low, low_std), (high, high_std) = _moments(values, ~upper), _moments(values, upper)
        usable = (low_std > 0) & (high_std > 0)
        moved = _crossing(share, low, low_std, high, high_std)
        usable &= moved.isfinite()
        new = torch.where(usable, moved, threshold)
        if bool(((new - threshold).abs() <= 1e-6 * (high - low).abs()).all()):
            return new
        threshold = new
    return threshold


def _moments(values: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
    count = chosen.sum(dim=0).clamp(min=1)
    mean = (values * chosen).sum(dim=0) / count
    variance = ((values - mean).square() * chosen).sum(dim=0) / count
    return mean, variance.sqrt()


def _crossing(
    share: Tensor, low: Tensor, low_std: Tensor, high: Tensor, high_std: Tensor
) -> Tensor:
    """Where share · N(high, high_std) overtakes (1 − share) · N(low, low_std); NaN: nowhere."""
    # both log densities are parabolas: a x² + b x + c = 0 in x measured from the lower mean
    gap = high - low
    a = 1 / (2 * low_std.square()) - 1 / (2 * high_std.square())
    b = gap / high_std.square()
    c = torch.log(share * low_std / ((1 - share) * high_std))
    c = c - gap.square() / (2 * high_std.square())
    root = (b.square() - 4 * a * c).sqrt()  # NaN where the densities do not cross
    first = -2 * c / (b + root)  # (-b + root) / 2a, which loses its digits where a is near 0
    inside = (first > 0) & (first < gap)
    return torch.where(inside, low + first, torch.full_like(first, math.nan))
