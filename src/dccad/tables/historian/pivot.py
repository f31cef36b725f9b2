"""Long exports of plant historians (time, tag, value, quality): found, and made wide."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dccad.errors import InputError
from dccad.logs.wording import quote_names
from dccad.tables.historian.columns import LongColumns, find_long
from dccad.tables.historian.rows import Reports, spread
from dccad.tables.historian.values import good_rows, read_numbers, refuse_text, tag_codes
from dccad.tables.options import TableOptions
from dccad.tables.text.reader import first_line
from dccad.tables.time.stamps import read_instants

if TYPE_CHECKING:
    import polars as pl
__all__ = ["LongColumns", "Wide", "find_long", "pivot_long"]


@dataclass(frozen=True)
class Wide:
    """A long table with one column per tag.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_tags), float64
        Without NaN.
    tags : tuple of str
        In natural order ("TI2" before "TI10"), or in that of the choice.
    instants : ndarray of shape (n_rows,), datetime64[ns] or float64 (seconds)
        Strictly increasing; a step longer than the others is an interruption.
    units : mapping of str to str
        Unit of a tag, where the table has a column of units.
    notes : tuple of str
        What was decided, one short sentence each.
    """

    values: NDArray[np.float64]
    tags: tuple[str, ...]
    instants: NDArray[Any]
    units: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def pivot_long(
    frame: pl.LazyFrame,
    columns: LongColumns,
    options: TableOptions,
    source: str,
    choose: Callable[[Sequence[str]], list[str]] | None = None,
) -> Wide:
    """Make a long table wide: one column per tag, rows on a common grid.

    1. Values whose quality is not good are dropped, as are marks of no value ("No Data"); notes
       count both.
    2. Rows are sorted by time; of several values of a tag at one instant the last one in the
       file counts.
    3. Rows are the multiples of ``resample``. Without that they are the instants at which the
       tags report together, if nine in ten reports come so (tags with fewer than half the reports
       of the busiest aside, if they are not the majority); else the multiples of the median over
       the tags of their median step.
    4. A tag's value is the last one reported, however old (``fill="hold"``), on the line between
       reports ("linear"; after the last report it is held), or the mean since the row before
       ("mean"; without a report it is held).
    5. Where no tag at all reports for longer than ``max_gap`` (default: 10 rows), the log is cut:
       no value is taken across.
    6. Rows before every tag has reported are left out, at the start and after each cut. Tags with
       fewer than 2 good values are left out by name.

    Parameters
    ----------
    frame : polars.LazyFrame
        One row per value; the run's only, if there are several.
    columns : LongColumns
    options : TableOptions
        Those named above, and ``time_format``, ``timezone``, ``good``, ``decimal``.
    source : str
        How messages begin: the file.
    choose : callable, optional
        Given the names of all tags, returns those to read, in order. The others' values are not
        looked at.

    Raises
    ------
    InputError
        Blank stamps or tags; a quality column without good values; tags of text; no row in which
        every tag has a value.

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.LazyFrame({
    ...     "tag": ["FI1", "TI1", "FI1", "FI1", "TI1"], "time": [0.0, 0.0, 10.0, 20.0, 20.0],
    ...     "value": [1.0, 5.0, 2.0, 3.0, 7.0]})
    >>> wide = pivot_long(frame, LongColumns("time", "tag", "value"),
    ...                   TableOptions(resample=10.0), "log.csv")
    >>> wide.tags, wide.values.tolist(), wide.instants.tolist()
    (('FI1', 'TI1'), [[1.0, 5.0], [2.0, 5.0], [3.0, 7.0]], [0.0, 10.0, 20.0])
    """
    table = _collect(frame, columns, source)
    codes, tags = tag_codes(table[columns.tag], f"{source}: tag column {columns.tag!r}")
    stamps = read_instants(
        table[columns.time],
        time_format=options.time_format,
        timezone=options.timezone,
        source=source,
        groups=codes,
    )
    notes = list(stamps.notes)
    if columns.ignored:
        notes.append(f"columns that are not read: {quote_names(columns.ignored)}")
    chosen = tags if choose is None else list(dict.fromkeys(choose(tags)))
    if not chosen:
        raise InputError(f"{source}: no tag is left; keep at least one of {quote_names(tags)}")
    numbers = {tag: number for number, tag in enumerate(chosen)}
    own = np.array([numbers.get(tag, -1) for tag in tags], dtype=np.int32)[codes]
    values, good = _good_values(table, columns, options, own, chosen, source, notes)
    kept = np.flatnonzero(good)
    reports = _by_tag(stamps.values[kept], values[kept], own[kept], len(chosen), notes)
    dropped = np.flatnonzero(~good & (own >= 0))
    reports = _with_dropped(reports, stamps.values[dropped], own[dropped])
    names, reports = _enough(chosen, reports, source, notes)
    units = _units(table, columns, names, notes)
    del table, codes, own, values, good, kept, dropped  # make room for the rows
    grid = spread(reports, names, options, source)
    return Wide(grid.values, tuple(names), grid.instants, units, (*notes, *grid.notes))


def _collect(frame: pl.LazyFrame, columns: LongColumns, source: str) -> pl.DataFrame:
    import polars as pl

    wanted = [columns.time, columns.tag, columns.value, columns.quality, columns.unit]
    try:
        table = frame.select([name for name in wanted if name is not None]).collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise InputError(f"{source}: cannot be read ({first_line(error)})") from error
    if not table.height:
        raise InputError(f"{source}: the table has no rows; pass one with values")
    return table


def _good_values(
    table: pl.DataFrame,
    columns: LongColumns,
    options: TableOptions,
    own: NDArray[np.int32],
    tags: Sequence[str],
    source: str,
    notes: list[str],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Value of each row, and whether it counts."""
    chosen = own >= 0
    n_chosen = int(np.count_nonzero(chosen))
    keep = chosen.copy()
    if columns.quality is not None:
        label = f"{source}: quality column {columns.quality!r}"
        judged = good_rows(table[columns.quality].filter(chosen), options.good, label)
        if judged is None:
            notes.append(f"quality column {columns.quality!r} is blank: all values are taken")
        else:
            flags, words = judged
            keep[chosen] = flags
            if len(words):
                most = _worst(own[chosen][~flags], tags)
                notes.append(
                    f"dropped {len(words)} of {n_chosen} values of bad quality "
                    f"({_tally(words)}): most in {most}"
                )
    rows = np.flatnonzero(keep)
    column = table[columns.value].gather(rows)
    label = f"{source}: value column {columns.value!r}"
    read = read_numbers(column, options.decimal, label)
    notes.extend(read.notes)
    text = np.flatnonzero(read.text)
    missing = np.isnan(read.values) & ~read.text
    numbers = np.bincount(own[rows][~np.isnan(read.values)], minlength=len(tags))
    refuse_text(column.gather(text), rows[text], own[rows][text], tags, numbers, source)
    if missing.any():
        most = _worst(own[rows][missing], tags)
        notes.append(
            f"dropped {np.count_nonzero(missing)} of {len(rows)} values that are none "
            f"({_tally(column.filter(missing))}): most in {most}"
        )
        keep[rows[missing]] = False
    values = np.full(table.height, np.nan)
    values[rows] = read.values
    return values, keep


def _by_tag(
    instants: NDArray[Any],
    values: NDArray[np.float64],
    own: NDArray[np.int32],
    n_tags: int,
    notes: list[str],
) -> list[Reports]:
    """Reports of each tag in the order of time, one per instant."""
    order, bounds = _grouped(own, n_tags)
    instants, values = instants[order], values[order]
    reports = []
    n_unsorted = n_duplicates = 0
    for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        when, what = instants[start:stop], values[start:stop]
        if not (when[1:] > when[:-1]).all():
            n_unsorted += int(np.count_nonzero(when[1:] < np.maximum.accumulate(when)[:-1]))
            sort = np.argsort(when, kind="stable")
            when, what = when[sort], what[sort]
            last = np.append(when[1:] > when[:-1], True)
            n_duplicates += int(np.count_nonzero(~last))
            when, what = when[last], what[last]
        reports.append(Reports(when, what))
    if n_unsorted:
        verb = "value is" if n_unsorted == 1 else "values are"
        notes.append(
            f"{n_unsorted} {verb} earlier than one of the same tag further up: all are sorted by "
            "time"
        )
    if n_duplicates:
        verb = "value has" if n_duplicates == 1 else "values have"
        notes.append(
            f"{n_duplicates} {verb} the tag and stamp of another: the last one in the file counts"
        )
    return reports


def _with_dropped(
    reports: Sequence[Reports], instants: NDArray[Any], own: NDArray[np.int32]
) -> list[Reports]:
    """Note with each tag when it reported without a value that counts."""
    order, bounds = _grouped(own, len(reports))
    instants = instants[order]
    return [
        replace(report, dropped=instants[start:stop])
        for report, start, stop in zip(
            reports, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True
        )
    ]


def _grouped(own: NDArray[np.int32], n_tags: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows one tag after the other, else in the order of the file; where each tag begins."""
    small = own.astype(np.uint16) if n_tags < 2**16 else own  # sorted by radix
    order = np.argsort(small, kind="stable")
    return order, np.searchsorted(own[order], np.arange(n_tags + 1))


def _enough(
    tags: Sequence[str], reports: Sequence[Reports], source: str, notes: list[str]
) -> tuple[list[str], list[Reports]]:
    """Leave out tags that hardly report."""
    few = [tag for tag, own in zip(tags, reports, strict=True) if len(own.values) < 2]
    if len(few) == len(tags):
        raise InputError(
            f"{source}: no tag has 2 good values at different times; pass a longer export"
        )
    if few:
        notes.append(f"tags with fewer than 2 good values are left out: {quote_names(few, 20)}")
    kept = [(tag, own) for tag, own in zip(tags, reports, strict=True) if len(own.values) >= 2]
    return [tag for tag, _ in kept], [own for _, own in kept]


def _units(
    table: pl.DataFrame, columns: LongColumns, tags: Sequence[str], notes: list[str]
) -> dict[str, str]:
    """The unit of each tag that has one and the same throughout."""
    import polars as pl

    if columns.unit is None:
        return {}
    pairs = (
        table.select(
            tag=pl.col(columns.tag).cast(pl.String).str.strip_chars(),
            unit=pl.col(columns.unit).cast(pl.String).str.strip_chars(),
        )
        .filter(pl.col("unit").is_not_null() & (pl.col("unit") != ""))
        .unique()
    )
    units: dict[str, list[str]] = {}
    for tag, unit in pairs.sort("tag", "unit").iter_rows():
        units.setdefault(tag, []).append(unit)
    mixed = [tag for tag in tags if len(units.get(tag, [])) > 1]
    if mixed:
        notes.append(
            f"tags whose unit changes: {quote_names(mixed)} ({' and '.join(units[mixed[0]][:3])}); "
            "their values are taken as they are"
        )
    return {tag: units[tag][0] for tag in tags if len(units.get(tag, [])) == 1}


def _tally(cells: pl.Series) -> str:
    """The most frequent of some cells with their numbers."""
    import polars as pl

    words = cells.cast(pl.String).str.strip_chars().replace("", None).fill_null("blank")
    found = words.alias("word").value_counts(name="n").sort("n", "word", descending=[True, False])
    shown = ", ".join(f"{word[:40]} {n}" for word, n in found.head(4).iter_rows())
    return shown if found.height <= 4 else f"{shown} and {found.height - 4} more"


def _worst(own: NDArray[np.int32], tags: Sequence[str]) -> str:
    """The tag that occurs most often, and how often."""
    numbers = np.bincount(own, minlength=len(tags))
    return f"{tags[int(np.argmax(numbers))]!r} ({int(numbers.max())})"
