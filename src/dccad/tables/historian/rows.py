"""Reports of tags at their own times become rows at common times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dccad.errors import InputError
from dccad.tables.options import TableOptions
from dccad.tables.time.grid import (
    Grid,
    Indices,
    Samples,
    Targets,
    fill_points,
    places_of,
    refuse_huge,
    stretches_of,
)
from dccad.tables.time.timeline import FILL_NAMES, check_fill, check_max_gap, show_instant

GAP_ROWS = 10
"""Where no tag reports for longer than so many rows, the log is cut."""

SHARED = 0.9
"""Share of reports that come together from which on their instants are the rows."""


@dataclass(frozen=True)
class Reports:
    """Values of one tag.

    Attributes
    ----------
    instants : ndarray of shape (n_reports,), datetime64[ns] or float64
        Strictly increasing.
    values : ndarray of shape (n_reports,), float64
        Without NaN.
    dropped : ndarray, as ``instants``, in any order, or None
        When it reported without a value that counts.
    """

    instants: NDArray[Any]
    values: NDArray[np.float64]
    dropped: NDArray[Any] | None = None

    @property
    def seen(self) -> NDArray[Any]:
        """All instants at which the tag reported."""
        if self.dropped is None or not len(self.dropped):
            return self.instants
        return np.concatenate((self.instants, self.dropped))


@dataclass(frozen=True)
class Spread:
    """Rows at common times (attributes as in :class:`dccad.tables.historian.pivot.Wide`)."""

    values: NDArray[np.float64]
    instants: NDArray[Any]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Shared:
    """A grid made of the instants at which the tags report together."""

    stamps: NDArray[Any]

    def neighbours(self, instants: NDArray[Any]) -> tuple[Indices, Indices]:
        below = np.searchsorted(self.stamps, instants, side="right").astype(np.int64) - 1
        return below, np.searchsorted(self.stamps, instants, side="left").astype(np.int64)

    def instants(self, indices: Indices) -> NDArray[Any]:
        taken: NDArray[Any] = self.stamps[indices]
        return taken


def spread(
    reports: Sequence[Reports], tags: Sequence[str], options: TableOptions, source: str
) -> Spread:
    """Bring reports onto common rows (rules: :func:`dccad.tables.historian.pivot.pivot_long`).

    Parameters
    ----------
    reports : sequence of Reports
        At least 2 of each tag.
    tags : sequence of str
        Their names, for messages.
    options : TableOptions
        ``resample``, ``fill`` and ``max_gap``.
    source : str
        How messages begin: the file.

    Raises
    ------
    InputError
        There is no row in which every tag has a value, or there would be far too many.

    Examples
    --------
    >>> reports = [Reports(np.array([0.0, 2.0]), np.array([1.0, 3.0])),
    ...            Reports(np.array([1.0, 3.0]), np.array([5.0, 7.0]))]
    >>> rows = spread(reports, ["a", "b"], TableOptions(fill="linear"), "log.csv")
    >>> rows.instants.tolist(), rows.values.tolist()
    ([2.0], [[3.0, 6.0]])
    """
    check_fill(options.fill)
    check_max_gap(options.max_gap)
    stamps = _union([own.instants for own in reports])
    second = 1e9 if stamps.dtype.kind == "M" else 1.0
    grid, interval, notes = _choose_grid(reports, stamps, options)
    limit = GAP_ROWS * interval if options.max_gap is None else options.max_gap
    cuts = np.flatnonzero(np.diff(_numbers(stamps)) > limit * second) + 1
    spans, _ = stretches_of(*grid.neighbours(stamps), cuts)
    lengths = np.array([stop - start for start, stop in spans])
    n_points = int(lengths.sum())
    n_known = sum(len(own.values) for own in reports)
    refuse_huge(n_points, len(reports), n_known, interval, source)
    begins = _numbers(stamps)[np.concatenate(([0], cuts))]
    index = np.concatenate([np.arange(start, stop) for start, stop in spans])
    targets = Targets(
        index, _numbers(grid.instants(index)), np.repeat(np.arange(len(spans)), lengths)
    )
    values = np.empty((n_points, len(reports)))
    lead = np.zeros(len(spans), dtype=np.int64)
    culprit = np.zeros(len(spans), dtype=np.int64)
    oldest, longest = -1.0, ""
    for i, own in enumerate(reports):
        times = _numbers(own.instants)
        samples = Samples(
            *grid.neighbours(own.instants), times, np.searchsorted(begins, times, side="right") - 1
        )
        places = places_of(samples, targets)
        column = fill_points(own.values, samples, places, targets, options.fill, None)
        if options.fill == "linear":  # after its last report a tag is held
            tail = np.isnan(column)
            column[tail] = fill_points(own.values, samples, places, targets, "hold", None)[tail]
        values[:, i] = column
        missing = np.isnan(column)
        waits = np.bincount(targets.stretch[missing], minlength=len(spans))
        later = waits > lead
        lead[later], culprit[later] = waits[later], i
        ages = (targets.time - times[np.maximum(places.last, 0)])[~missing]
        if ages.size and float(ages.max()) > oldest:
            oldest, longest = float(ages.max()), tags[i]
    keep = np.arange(n_points) >= np.repeat(np.cumsum(lengths) - lengths + lead, lengths)
    if not keep.any():
        _refuse_no_row(reports, tags, spans, limit, source)
    if len(spans) > 1:
        notes.append(
            f"cut at {len(cuts)} {'time' if len(cuts) == 1 else 'times'} where no tag reports for "
            f"longer than {limit:.10g} s"
        )
    notes += _about_lead(lead, culprit, tags)
    if oldest > GAP_ROWS * interval * second:
        notes.append(f"the oldest value taken is of {longest!r}, {oldest / second:.10g} s old")
    if not keep.all():
        values = values[keep]
    return Spread(values, grid.instants(index[keep]), tuple(notes))


def sensible(seconds: float) -> float:
    """Round an interval to what was meant: 59.98 s to a minute.

    A usual number of seconds, minutes, hours or days within 2 %, else three digits.

    Examples
    --------
    >>> [sensible(x) for x in (59.98, 0.0999, 900.4, 86_390.0, 137.26)]
    [60.0, 0.1, 900.0, 86400.0, 137.0]
    """
    usual = [number * unit for unit in (1, 60, 3600) for number in (1, 2, 5, 10, 15, 20, 30)]
    usual += [number * 3600 for number in (3, 4, 6, 8, 12, 24)]
    power = 10.0 ** np.floor(np.log10(seconds))
    usual += [number * power for number in (1, 2, 5, 10)] if seconds < 1 else []
    nearest = min(usual, key=lambda number: abs(number - seconds))
    if abs(nearest - seconds) <= 0.02 * seconds:
        return float(f"{nearest:.10g}")
    return float(f"{seconds:.3g}")


def _choose_grid(
    reports: Sequence[Reports], stamps: NDArray[Any], options: TableOptions
) -> tuple[Grid | _Shared, float, list[str]]:
    """Rows, the seconds between them, and why."""
    datetimes = stamps.dtype.kind == "M"
    second = 1e9 if datetimes else 1.0
    how = FILL_NAMES[options.fill]
    if options.resample is not None:
        note = f"rows every {options.resample:.10g} s, {how}"
        return Grid(options.resample, datetimes), options.resample, [note]
    together = _common_instants(reports)
    if together is not None:
        interval = float(np.median(np.diff(_numbers(together)))) / second
        note = f"the tags report at common times, which are the rows; else {how}"
        return _Shared(together), interval, [note]
    steps = [float(np.median(np.diff(_numbers(own.instants)))) for own in reports]
    interval = sensible(_middle(steps) / second)
    note = f"rows every {interval:.10g} s, the median step of the tags, {how}"
    return Grid(interval, datetimes), interval, [note]


def _common_instants(reports: Sequence[Reports]) -> NDArray[Any] | None:
    """Instants at which the tags report together; None where they hardly ever do.

    Reports that were dropped count: a row in which all are bad is a row.
    """
    most = max(len(own.values) for own in reports)
    fast = [own.seen for own in reports if 2 * len(own.values) >= most]
    if 2 * len(fast) < len(reports):
        return None
    stamps = _union(fast)
    n_reports = np.zeros(len(stamps), dtype=np.int32)
    for seen in fast:
        n_reports[np.searchsorted(stamps, seen)] += 1  # once per tag
    common = 2 * n_reports >= len(fast)
    together, n_common = int(n_reports[common].sum()), int(np.count_nonzero(common))
    full = together >= SHARED * n_common * len(fast) and together >= SHARED * int(n_reports.sum())
    return stamps[common] if full and n_common > 1 else None


def _middle(numbers: Sequence[float]) -> float:
    """The median; of two the lower one: what is slower can be held."""
    return sorted(numbers)[(len(numbers) - 1) // 2]


def _union(instants: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """All instants at which some tag reports, increasing."""
    stamps = np.sort(np.concatenate(instants), kind="stable")  # runs in order merge fast
    taken: NDArray[Any] = stamps[np.append(True, stamps[1:] > stamps[:-1])]
    return taken


def _numbers(instants: NDArray[Any]) -> NDArray[Any]:
    return instants.view(np.int64) if instants.dtype.kind == "M" else instants


def _about_lead(lead: Indices, culprit: Indices, tags: Sequence[str]) -> list[str]:
    """Say which rows are left out because some tag has not reported yet."""
    notes = []
    if lead[0]:
        notes.append(
            f"the first {'row is' if lead[0] == 1 else f'{lead[0]} rows are'} left out: only then "
            f"does {tags[culprit[0]]!r} report"
        )
    after = lead[1:]
    if after.any():
        worst = int(np.argmax(after)) + 1
        notes.append(
            f"after interruptions {int(after.sum())} rows are left out until every tag has "
            f"reported again, most ({lead[worst]}) for {tags[culprit[worst]]!r}"
        )
    return notes


def _refuse_no_row(
    reports: Sequence[Reports],
    tags: Sequence[str],
    spans: Sequence[tuple[int, int]],
    limit: float,
    source: str,
) -> None:
    late = max(range(len(reports)), key=lambda i: reports[i].instants[0])
    early = min(range(len(reports)), key=lambda i: reports[i].instants[-1])
    raise InputError(
        f"{source}: there is no row in which every tag has a value ({tags[late]!r} reports from "
        f"{show_instant(reports[late].instants[0])} on, {tags[early]!r} until "
        f"{show_instant(reports[early].instants[-1])}, and the log is cut {len(spans) - 1} times "
        f"where no tag reports for longer than {limit:.10g} s); leave tags out with --drop, raise "
        "--max-gap, or shorten --resample"
    )
