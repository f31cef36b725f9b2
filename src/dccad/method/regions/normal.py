"""From clusters of single maps to one region per window, and which region is normal.

With ``consensus="vote"``, the default, the maps that agree vote (:mod:`dccad.method.regions.vote`).
With ``consensus="centres"``, as published, the nearest centre over all clustering maps decides:
that of k-means on these maps together, their latents side by side, so that a map with clear
clusters weighs more than one whose clusters are noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

TIE = 0.01
"""Spreads closer than this (relative) count as equal, and the larger region is normal."""


LEAST_SHARE = 0.1
"""Without a reference, a region of the vote with a smaller share of the windows is not normal."""


@dataclass(frozen=True)
class RegionReport:
    """How the fit windows divide into regions, and why region 0 is called normal.

    Attributes
    ----------
    rule : str
        What decided it, for people to read.
    share : tuple of float
        Share of the fit windows in each region; the normal one first, the others by size.
    spread : tuple of float or None
        Mean squared distance of a region's windows to its centre, per clustering map; None for an
        empty region.
    reference_share : tuple of float or None
        Share of the reference-normal windows in each region, if there were any.
    states : tuple of dict
        A record for each region, with its name and whether it is normal; see
        :mod:`dccad.method.regions.states`.
    """

    rule: str
    share: tuple[float, ...]
    spread: tuple[float | None, ...]
    reference_share: tuple[float, ...] | None = None
    states: tuple[dict[str, Any], ...] = ()

    @property
    def normal_regions(self) -> list[int]:
        """Regions that are normal modes, region 0 first."""
        return [state["region"] for state in self.states if state["normal"]] or [0]


def find_normal_region(
    regions: NDArray[np.int64],
    spread: NDArray[np.floating[Any]],
    n_regions: int,
    reference: NDArray[np.bool_] | None = None,
    least_share: float = 0.0,
) -> tuple[NDArray[np.int64], RegionReport]:
    """Decide which region is normal, never by a label, and number the regions anew.

    With reference-normal windows: the region that holds most of them. Otherwise the densest region
    (smallest spread per window) and, on a tie, the largest one.

    Parameters
    ----------
    regions : ndarray of shape (n_windows,), int
        Region of each fit window, in arbitrary numbers.
    spread : ndarray of shape (n_windows,)
        Mean squared distance of each window to its region's centres, per clustering map.
    n_regions : int
    reference : ndarray of shape (n_windows,), bool, optional
        Which windows are reference-normal.
    least_share : float
        Without a reference, regions with a smaller share of the windows do not compete: a fragment
        is always dense. (Unless all are smaller.)

    Returns
    -------
    order : ndarray of shape (n_regions,), int64
        Old numbers in their new order: the normal region, then the others by size.
    report : RegionReport
        In the new order.

    Examples
    --------
    >>> regions = np.array([1, 1, 1, 0, 0])
    >>> order, report = find_normal_region(regions, np.array([1.0, 1.2, 1.1, 4.0, 6.0]), 2)
    >>> order.tolist(), report.share
    ([1, 0], (0.6, 0.4))
    >>> reference = np.array([False, False, True, True, True])
    >>> find_normal_region(regions, np.ones(5), 2, reference)[0].tolist()
    [0, 1]
    >>> find_normal_region(regions, np.array([9, 9, 9, 1.0, 1.0]), 2, least_share=0.5)[0].tolist()
    [1, 0]
    """
    counts = np.bincount(regions, minlength=n_regions)
    sums = np.bincount(regions, weights=spread, minlength=n_regions)
    means = np.full(n_regions, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    held = None
    if reference is not None:
        held = np.bincount(regions[reference], minlength=n_regions) / reference.sum()
        normal = int(held.argmax())
        rule = f"holds {held[normal]:.0%} of the reference-normal windows"
    else:
        few = counts < least_share * len(regions)
        rivals = means if few.all() else np.where(few, np.nan, means)
        tied = np.flatnonzero(rivals <= np.nanmin(rivals) * (1 + TIE))
        normal = int(tied[counts[tied].argmax()])
        rule = f"densest of {n_regions} regions (spread {means[normal]:.3g} per window)"
        if len(tied) > 1:
            rule = f"largest of {len(tied)} equally dense regions"
    others = [region for region in np.argsort(-counts, kind="stable") if region != normal]
    order = np.array([normal, *others], dtype=np.int64)
    report = RegionReport(
        rule,
        tuple(float(value) for value in counts[order] / len(regions)),
        tuple(None if np.isnan(value) else float(value) for value in means[order]),
        None if held is None else tuple(float(value) for value in held[order]),
    )
    return order, report
