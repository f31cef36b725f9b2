"""Wall time and daylight saving: the hour that occurs twice, and the one that does not occur.

A change of the clock is one thing, whether a time zone says when it was or the stamps show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dccad.errors import InputError, ParameterError

SECOND = 10**9
HOUR = 3600 * SECOND
DAY = 24 * HOUR

SPRING = {3: ((8, 14), (25, 31)), 4: ((1, 7), (24, 30))}
AUTUMN = {9: ((24, 30),), 10: ((25, 31),), 11: ((1, 7),)}
"""Days of the month on whose Sunday clocks change north of the equator (Europe, America)."""


@dataclass(frozen=True)
class Changes:
    """Changes of a clock in the order of time, in nanoseconds.

    Attributes
    ----------
    at : ndarray of shape (n_changes,), int64
        Wall time at which the clock is put forward or back.
    shift : ndarray of shape (n_changes,), int64
        By how much; negative: back, so that the wall times before ``at`` occur twice.
    """

    at: NDArray[np.int64]
    shift: NDArray[np.int64]


@dataclass(frozen=True)
class _Sequence:
    """Rows in the order in which they were recorded, one group (tag) after the other."""

    rows: NDArray[np.int64] | None  # None: the order of the file
    wall: NDArray[np.int64]
    starts: NDArray[np.int64]  # of each group, and the end


def localise(
    wall: NDArray[np.int64], zone: str, groups: NDArray[np.integer] | None, label: str
) -> tuple[NDArray[np.int64], list[str]]:
    """Bring wall time of a zone to UTC.

    An hour that occurs twice is told apart by the order of the rows: the first pass is summer
    time, the pass after the step back winter time.

    Parameters
    ----------
    wall : ndarray of shape (n_rows,), int64
        Nanoseconds since 1970 on the wall clock.
    zone : str
        IANA name.
    groups : ndarray of shape (n_rows,), int, optional
        Rows that follow each other in time within a group only (tags of a long table).
    label : str
        How messages begin.

    Raises
    ------
    ParameterError
        There is no such zone.
    InputError
        A stamp falls into the hour that is left out in spring.

    Examples
    --------
    >>> stamps = np.array(["2020-10-25T02:30", "2020-10-25T02:30"], dtype="datetime64[ns]")
    >>> utc, notes = localise(stamps.astype(np.int64), "Europe/Berlin", None, "log.csv")
    >>> utc.astype("datetime64[ns]").astype("datetime64[m]").astype(str).tolist()
    ['2020-10-25T00:30', '2020-10-25T01:30']
    """
    check_zone(zone)
    if not wall.size:
        return wall, []
    offset, changes = _zone_changes(zone, int(wall.min()), int(wall.max()))
    if not changes.at.size:
        return wall - offset, []
    passed, between = _passed(wall, changes)
    missing = between & (changes.shift[np.minimum(passed, len(changes.at) - 1)] > 0)
    if missing.any():
        row = int(np.argmax(missing))
        raise InputError(
            f"{label} holds {show(wall[row])} in row {row}, counted from 0, which does not exist "
            f"in {zone}: the clock was put forward; correct --timezone (a log in standard time all "
            "year needs a zone without daylight saving, such as Etc/GMT-1)"
        )
    notes = []
    if between.any():
        second, note = _second_passes(wall, np.flatnonzero(between), passed, groups, changes)
        passed[second] += 1
        notes.append(f"{note} in {zone}")
    moved = np.concatenate(([0], np.cumsum(changes.shift)))
    return wall - offset - moved[passed], notes


def check_zone(zone: str) -> None:
    """Refuse what is no IANA time zone.

    Raises
    ------
    ParameterError
        With the nearest name.
    """
    import polars as pl

    try:
        pl.Series([0]).cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(zone)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        _, _, near = str(error).partition("did you mean ")
        hint = f"did you mean {near.split()[0]}?" if near else "give an IANA name (Europe/Berlin)"
        raise ParameterError(f"timezone {zone!r} is not known; {hint}") from error


def continue_wall_time(
    wall: NDArray[np.int64], groups: NDArray[np.integer] | None
) -> tuple[NDArray[np.int64], list[str]]:
    """Undo daylight-saving steps of stamps whose zone is not known.

    A step counts as one only where it is what a step of one hour looks like: rows at most an hour
    apart that go back by one hour, or leave one hour out, within half an interval; on a Sunday on
    which clocks change in Europe or America; at the full hour, at night. Stamps after it are moved
    by the hour, those of the first rows stay. South of the equator nothing is guessed.

    Parameters
    ----------
    wall, groups
        As :func:`localise`.

    Returns
    -------
    ndarray of shape (n_rows,), int64
        Time that runs on without the steps.
    list of str
        The steps.

    Examples
    --------
    >>> hours = ["2020-03-29T00:00", "2020-03-29T01:00", "2020-03-29T03:00", "2020-03-29T04:00"]
    >>> wall = np.array(hours, dtype="datetime64[ns]").astype(np.int64)
    >>> time, notes = continue_wall_time(wall, None)
    >>> (np.diff(time) / HOUR).tolist()
    [1.0, 1.0, 1.0]
    >>> notes
    ['row 2 (2020-03-29 03:00:00) leaves one hour out, as daylight saving does: taken as such, and
    stamps from there on moved by -1 h; name the zone with --timezone']
    """
    if wall.size < 3:
        return wall, []
    sequence = _sequence(wall, groups)
    found = _visible_changes(sequence)
    if not found:
        return wall, []
    found.sort()
    changes = Changes(
        np.array([at for at, _, _ in found], dtype=np.int64),
        np.array([shift for _, shift, _ in found], dtype=np.int64),
    )
    passed, between = _passed(wall, changes)
    rows = np.flatnonzero(between)
    if rows.size:
        second, _ = _second_passes(wall, rows, passed, groups, changes)
        passed[second] += 1
    notes = [
        f"row {row} ({show(wall[row])}) "
        + ("leaves one hour out" if shift > 0 else "goes back by one hour")
        + ", as daylight saving does: taken as such, and stamps from there on moved by "
        + f"{-shift / HOUR:+.0f} h; name the zone with --timezone"
        for _, shift, row in found[:5]
    ]
    if len(found) > 5:
        notes.append(f"{len(found) - 5} more steps of daylight saving were treated the same way")
    moved = np.concatenate(([0], np.cumsum(changes.shift)))
    return wall - moved[passed], notes


def show(nanoseconds: int) -> str:
    """Write a stamp for people.

    Examples
    --------
    >>> show(10**9)
    '1970-01-01 00:00:01'
    >>> show(15 * 10**8)
    '1970-01-01 00:00:01.5'
    """
    text = str(np.datetime64(int(nanoseconds), "ns")).replace("T", " ")
    return text.rstrip("0").rstrip(".") if not text.endswith("." + "0" * 9) else text[:-10]


def _zone_changes(zone: str, first: int, last: int) -> tuple[int, Changes]:
    """Offset of a zone before the first stamp, and its changes until after the last."""
    import polars as pl

    def offsets(seconds: NDArray[np.int64]) -> NDArray[np.int64]:
        instants = pl.Series(seconds * 1000).cast(pl.Datetime("ms", "UTC"))
        local = instants.dt.convert_time_zone(zone).dt.replace_time_zone(None)
        return np.asarray(local.to_physical().to_numpy() // 1000 - seconds, dtype=np.int64)

    days = np.arange(first // DAY - 2, last // DAY + 4, dtype=np.int64) * 86_400
    known = offsets(days)
    low = days[:-1][np.diff(known) != 0]
    high = low + 86_400
    before = offsets(low)
    while low.size and int((high - low).max()) > 1:
        middle = (low + high) // 2
        same = offsets(middle) == before
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    changes = Changes((high + before) * SECOND, (offsets(high) - before) * SECOND)
    return int(known[0]) * SECOND, changes


def _passed(
    wall: NDArray[np.int64], changes: Changes
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Changes that lie behind each row, and rows in an hour that occurs twice or not at all."""
    lower = changes.at + np.minimum(changes.shift, 0)
    upper = changes.at + np.maximum(changes.shift, 0)
    passed = np.searchsorted(upper, wall, side="right").astype(np.int64)
    between = np.searchsorted(lower, wall, side="right") > passed
    return passed, between


def _sequence(wall: NDArray[np.int64], groups: NDArray[np.integer] | None) -> _Sequence:
    rows = None
    starts = np.array([0, wall.size], dtype=np.int64)
    if groups is not None:
        if int(groups.max()) < 2**16 and int(groups.min()) >= 0:
            groups = groups.astype(np.uint16)  # sorted by radix
        rows = np.argsort(groups, kind="stable")
        edges = np.flatnonzero(np.diff(groups[rows])) + 1
        starts = np.concatenate(([0], edges, [wall.size])).astype(np.int64)
        wall = wall[rows]
    steps = np.diff(wall)
    steps[starts[1:-1] - 1] = 0
    if np.count_nonzero(steps < 0) > np.count_nonzero(steps > 0):  # newest first
        rows = np.arange(wall.size)[::-1] if rows is None else rows[::-1]
        wall, starts = wall[::-1], (wall.size - starts)[::-1]
    return _Sequence(rows, wall, starts)


def _second_passes(
    wall: NDArray[np.int64],
    ambiguous: NDArray[np.int64],
    passed: NDArray[np.int64],
    groups: NDArray[np.integer] | None,
    changes: Changes,
) -> tuple[NDArray[np.int64], str]:
    """Rows of hours that occur twice which belong to the second time, and a note."""
    sequence = _sequence(wall, groups)
    flags = np.zeros(wall.size, dtype=np.bool_)
    flags[ambiguous] = True
    places = np.flatnonzero(flags if sequence.rows is None else flags[sequence.rows])
    rows = places if sequence.rows is None else sequence.rows[places]
    change = passed[rows]
    group = np.searchsorted(sequence.starts, places, side="right") - 1
    cuts = np.flatnonzero((np.diff(change) != 0) | (np.diff(group) != 0)) + 1
    second = []
    once = 0
    for block, number, owner in zip(
        np.split(places, cuts), change[[0, *cuts]], group[[0, *cuts]], strict=True
    ):
        begin, end = int(sequence.starts[owner]), int(sequence.starts[owner + 1])
        length = -int(changes.shift[number])
        start, stepped_back = _second_pass(sequence.wall, block, begin, end, length)
        once += 0 if stepped_back else block.size
        second.append(block[start:])
    late = np.concatenate(second)
    hours = np.unique(change)
    first = int(changes.at[hours[0]] + changes.shift[hours[0]])
    more = f" and {len(hours) - 1} more" if len(hours) > 1 else ""
    note = (
        f"the hour from {show(first)}{more} occurs twice: by their order {places.size - late.size} "
        f"rows are summer, {late.size} winter time"
    )
    if once:
        note += f" ({once} of them with the neighbours they fit, as no row steps back)"
    return (late if sequence.rows is None else sequence.rows[late]), note


def _second_pass(
    wall: NDArray[np.int64], block: NDArray[np.int64], begin: int, end: int, length: int
) -> tuple[int, bool]:
    """Where in a block of rows the second pass begins, and whether a step back shows it."""
    low, high = int(block[0]), int(block[-1]) + 1
    around = np.diff(wall[max(begin, low - 5) : min(end, high + 5)])
    around = around[around > 0]
    interval = int(np.median(around)) if around.size else length
    steps = np.diff(wall[block])
    # after the last row of the first pass an interval passes, and the clock goes back
    if steps.size and int(steps.min()) <= min(0, (interval - length) // 2):
        return int(np.argmin(steps)) + 1, True
    # one pass only: as winter time the step before it, as summer time the one after it is longer
    summer, winter = [], []
    if low > begin:
        step = int(wall[low] - wall[low - 1])
        summer.append(abs(step - interval))
        winter.append(abs(step + length - interval))
    if high < end:
        step = int(wall[high] - wall[high - 1])
        summer.append(abs(step + length - interval))
        winter.append(abs(step - interval))
    late = min(winter, default=0) < min(summer, default=0)
    return (0 if late else int(block.size)), False


def _visible_changes(sequence: _Sequence) -> list[tuple[int, int, int]]:
    """Wall time, shift and row of each step that looks like daylight saving."""
    wall, starts = sequence.wall, sequence.starts
    steps = np.diff(wall)
    inside = np.ones(steps.size, dtype=np.bool_)
    inside[starts[1:-1] - 1] = False
    n_back = int(np.count_nonzero((steps < 0) & inside))
    back = (steps <= 0) & (steps > -HOUR) & inside
    forward = (steps > HOUR) & (steps <= HOUR * 5 // 2) & inside
    places = np.flatnonzero(back | forward)
    places = places[_clocks_change(wall[places + 1], forward[places])]
    intervals: dict[int, float] = {}
    found: dict[tuple[int, int], int] = {}
    explained = 0
    for place in places.tolist():
        group = int(np.searchsorted(starts, place, side="right")) - 1
        if group not in intervals:
            own = steps[starts[group] : starts[group + 1] - 1]
            own = own[own > 0]
            intervals[group] = float(np.median(own)) if own.size else np.inf
        interval, step = intervals[group], int(steps[place])
        shift = HOUR if step > HOUR else -HOUR
        into_hour = int(wall[place + 1]) % HOUR
        if (
            interval > HOUR
            or abs(step - interval - shift) > interval / 2
            or into_hour >= interval  # the first row after the change is the first of its hour
        ):
            continue
        full_hour = int(wall[place + 1]) - into_hour
        at = full_hour - HOUR if shift > 0 else full_hour + HOUR
        if shift > 0 and bool(((wall >= at) & (wall < full_hour)).any()):
            continue  # another tag reports within the hour
        explained += shift < 0 and step < 0
        row = place + 1 if sequence.rows is None else int(sequence.rows[place + 1])
        found[at, shift] = min(row, found.get((at, shift), row))
    if n_back - explained > 0.01 * wall.size:
        return []  # rows in no order: a step back means nothing
    return [(at, shift, row) for (at, shift), row in found.items()]


def _clocks_change(wall: NDArray[np.int64], forward: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether clocks may have changed just before each stamp."""
    days = wall // DAY
    hour = wall // HOUR % 24
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    day = (dates - months).astype(np.int64) + 1
    month = months.astype(np.int64) % 12 + 1
    sunday = (days + 4) % 7 == 0  # 1970-01-01 was a Thursday

    def on(table: Mapping[int, tuple[tuple[int, int], ...]]) -> NDArray[np.bool_]:
        found = np.zeros(wall.size, dtype=np.bool_)
        for number, stretches in table.items():
            for low, high in stretches:
                found |= (month == number) & (day >= low) & (day <= high)
        return found

    spring = on(SPRING) & (hour >= 2) & (hour <= 4) & forward
    autumn = on(AUTUMN) & (hour <= 3) & ~forward
    return np.asarray(sunday & (spring | autumn))
