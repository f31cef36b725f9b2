"""Regions as named states of a plant: which are normal modes, their shares and their episodes.

An operating plant has several normal modes, so more than one region may be normal. States are
named in the order of the regions: "normal", "normal 2", … and "anomalous 1", "anomalous 2", ….
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dccad.logs.windows import WindowSet

if TYPE_CHECKING:
    from dccad.method.regions.normal import RegionReport

REFERENCE_SHARE = 0.1
"""A region with at least this share of the reference-normal windows is a normal mode."""

DENSITY = 1.5
"""Without a reference, a further normal mode has at most this many times the normal spread, ..."""

LEAST_STAYS = 2
"""... and is visited at least so often: a plant comes back to its modes. What happened once, for
however long, is not called normal without rows that are known to be."""


def name_states(
    report: RegionReport,
    regions: NDArray[np.int64],
    windows: WindowSet,
    further: bool = True,
) -> RegionReport:
    """Decide which regions are normal modes, with the reason in words, and name all regions.

    With reference-normal windows, every region that holds at least ``REFERENCE_SHARE`` of them is
    a normal mode. Without, region 0 is one by
    :func:`dccad.method.regions.normal.find_normal_region`, and so is every further region that is
    about as dense (spread at most ``DENSITY`` times that of region 0), holds at least
    ``LEAST_SHARE`` of the windows, and is visited at least ``LEAST_STAYS`` times.


    Examples
    --------
    >>> from dccad.method.regions.normal import RegionReport
    >>> report = RegionReport("densest of 3 regions", (0.5, 0.4, 0.1), (1.0, 1.2, 6.0))
    >>> regions = np.repeat([0, 1, 0, 1, 2], [30, 20, 20, 20, 10])
    >>> windows = WindowSet.of_table(np.zeros((104, 1), dtype=np.float32), [104], length=5)
    >>> for state in name_states(report, regions, windows).states:
    ...     print(state["name"], "-", state["reason"])
    normal - densest of 3 regions
    normal 2 - 1.2 times the normal spread, 40% of the windows, 2 stays
    anomalous 1 - less dense than normal (6 times its spread); visited once
    """
    found: list[dict[str, Any]] = []
    for region in range(len(report.share)):
        normal, reason = _judge(report, region, regions, windows, further)
        earlier = sum(state["normal"] == normal for state in found)
        name = f"anomalous {earlier + 1}"
        if normal:
            name = "normal" if not earlier else f"normal {earlier + 1}"
        found.append({"name": name, "region": region, "normal": normal, "reason": reason})
    return replace(report, states=tuple(found))


def _judge(
    report: RegionReport,
    region: int,
    regions: NDArray[np.int64],
    windows: WindowSet,
    further: bool,
) -> tuple[bool, str]:
    """Whether a region is a normal mode, and why."""
    from dccad.method.regions.normal import LEAST_SHARE  # scoring needs this module, and no torch

    if report.reference_share is not None:
        held = report.reference_share[region]
        normal = region == 0 or held >= REFERENCE_SHARE
        needed = "" if normal else f"; a normal mode has {REFERENCE_SHARE:.0%}"
        return normal, f"holds {held:.0%} of the reference-normal windows{needed}"
    if region == 0:
        return True, report.rule
    spread, own = report.spread[0], report.spread[region]
    if spread is None or own is None:
        return False, "no window of the fit"
    ratio = own / spread if spread > 0 else (1.0 if own == spread else float("inf"))
    density = f"{ratio:.2g} times"
    if not further:
        return False, f"the other region ({density} the normal spread)"
    stays = count_stays(regions == region, windows.starts.numpy(), windows.length, windows.stride)
    missing = []
    if ratio > DENSITY:
        missing.append(f"less dense than normal ({density} its spread)")
    if report.share[region] < LEAST_SHARE:
        missing.append(f"rare ({report.share[region]:.1%} of the windows)")
    if stays < LEAST_STAYS:
        missing.append("visited once" if stays else "never lasts a window")
    if missing:
        return False, "; ".join(missing)
    return True, f"{density} the normal spread, {report.share[region]:.0%} of the windows, " + (
        f"{stays} stays"
    )


def count_stays(
    inside: NDArray[np.bool_], starts: NDArray[np.int64], window: int, stride: int = 1
) -> int:
    """How often a region is visited for at least the length of a window.

    Visits that are less than a window apart are one; a new run begins a new one.


    Examples
    --------
    >>> inside = np.repeat([True, False, True, False, True, False, True], [6, 2, 4, 9, 8, 9, 2])
    >>> count_stays(inside, np.arange(40), window=5)     # 6 + 4, 8; the last is too short
    2
    """
    mine = starts[inside]
    if not len(mine):
        return 0
    # windows of two runs start at least a window apart
    apart = np.flatnonzero(np.diff(mine) >= max(window, 2 * stride)) + 1
    sizes = np.diff(np.concatenate(([0], apart, [len(mine)])))
    return int((sizes * stride >= window).sum())
