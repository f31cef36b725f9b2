"""Which columns of a table are sensors, which its time, run and labels."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dccad.errors import InputError
from dccad.logs.wording import quote_names
from dccad.tables.opened import OpenedTable, exactly
from dccad.tables.options import TableOptions
from dccad.tables.time.stamps import is_time_name, looks_like_time

if TYPE_CHECKING:
    import polars as pl

LABEL_NAMES = (
    "label",
    "labels",
    "anomaly",
    "is_anomaly",
    "outlier",
    "changepoint",
    "ground_truth",
    "target",
)
"""Columns of 0 and 1 under one of these names are labels unless they are asked for as sensors."""

SAMPLE_ROWS = 1000
"""Rows from the start by which the kind of a column is told."""


@dataclass(frozen=True)
class Columns:
    """What each column of a table is.

    Attributes
    ----------
    sensors : tuple of str
        In the order in which a model sees them.
    time : tuple of str
        Empty, one column, or a column of dates and one of times of day.
    run : str or None
    labels : tuple of str
        Kept apart; the first one gives ``Run.row_labels``.
    notes : tuple of str
        What was decided.
    """

    sensors: tuple[str, ...]
    time: tuple[str, ...] = ()
    run: str | None = None
    labels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def choose_columns(
    names: Sequence[str], wanted: Iterable[str], source: str, option: str
) -> list[str]:
    """Columns that names, ranges (``a:b``) and patterns (``flow*``) choose, each once.

    Parameters
    ----------
    names : sequence of str
        Of the table, in its order, which is also that of a range.
    wanted : iterable of str
        A name of the table is that column, whatever signs it holds.
    source, option : str
        For the message.

    Raises
    ------
    InputError
        One of ``wanted`` chooses nothing.

    Examples
    --------
    >>> choose_columns(["t", "flow a", "flow b", "level"], ["level", "flow*"], "log.csv", "columns")
    ['level', 'flow a', 'flow b']
    >>> choose_columns(["t", "x1", "x2", "x3"], ["x1:x2"], "log.csv", "columns")
    ['x1', 'x2']
    """
    known = set(names)
    chosen: list[str] = []
    for text in wanted:
        first, _, last = text.partition(":")
        if text in known:
            found = [text]
        elif first in known and last in known:
            start, stop = names.index(first), names.index(last)
            found = list(names[start : stop + 1])
        else:
            found = fnmatch.filter(names, text) if set(text) & set("*?[") else []
        chosen.extend(found or [require_column(names, text, source, option)])
    return list(dict.fromkeys(chosen))


def divide_columns(opened: OpenedTable, options: TableOptions) -> Columns:
    """Tell time, run, labels and sensors apart: by the options, else by name and content.

    Time is the column of dates, or a column of increasing numbers under a name such as "time".

    Raises
    ------
    InputError
        A named column is missing or serves twice; several columns may be the time; none is left.
    """
    schema = opened.frame.collect_schema()
    names = schema.names()
    for name in names:
        if name.startswith("^") and name.endswith("$"):  # polars takes it for a regular expression
            raise InputError(
                f"{opened.source}: column name {name!r} begins with ^ and ends with $, and such a "
                "name cannot be read: rename the column"
            )
    dropped = choose_columns(names, options.drop, opened.source, "drop")
    left = [name for name in names if name not in set(dropped)]
    notes = []
    run = options.run
    if run is not None:
        require_column(left, run, opened.source, "run")
    given_labels = choose_columns(left, options.label, opened.source, "label")
    wanted = choose_columns(left, options.columns, opened.source, "columns")
    by_name = set(left) & set(options.columns)  # a range or pattern may take in others as well
    sample = opened.frame.select(exactly(*left)).head(SAMPLE_ROWS).collect()
    time, found = _find_time(sample, options, opened.source, taken={run, *given_labels, *by_name})
    notes += found
    if time and options.time is None:
        notes.append(f"time is column {' and '.join(map(repr, time))}")
    roles = [name for name in (*time, run) if name is not None]
    _refuse_double(opened.source, {"time": time, "run": [run], "label": given_labels})
    labels = given_labels
    if not labels:
        labels = [
            name
            for name in left
            if name.strip().lower() in LABEL_NAMES
            and name not in by_name
            and name not in roles
            and _is_binary(opened.frame, name, schema)
        ]
        if labels:
            notes.append(
                f"kept apart as labels: {quote_names(labels)} (0 and 1 under such a name; "
                "--columns makes them sensors)"
            )
    if wanted:
        wanted = [name for name in wanted if name not in {*labels, *roles}]
        rest = [name for name in left if name not in {*wanted, *labels, *roles}]
        if rest:
            notes.append(f"columns not chosen: {quote_names(rest)}")
    else:
        wanted = [name for name in left if name not in {*labels, *roles}]
    if dropped:
        notes.append(f"left out: {quote_names(dropped)}")
    called = [name for name in wanted if name.strip().lower() in LABEL_NAMES]
    if unasked := [name for name in called if name not in by_name]:
        notes.append(
            f"{quote_names(unasked)}: called like labels, but not of 0 and 1: taken as a sensor "
            "(--drop leaves it out)"
        )
    if not wanted:
        raise InputError(
            f"{opened.source}: no sensor column is left; keep at least one column of numbers"
        )
    return Columns(tuple(wanted), tuple(time), run, tuple(labels), tuple(notes))


def require_column(names: Sequence[str], name: str, source: str, option: str) -> str:
    """One column by its exact name.

    Raises
    ------
    InputError
        There is none; suggests the nearest name.
    """
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {quote_names(names, 8)}"
        # a model asks for its sensors as --columns does, and there the option would puzzle
        what = f"sensor {name!r}" if option == "columns" else f"column {name!r} for --{option}"
        raise InputError(f"{source}: no {what}; {hint}")
    return name


def _find_time(
    sample: pl.DataFrame, options: TableOptions, source: str, taken: set[str | None]
) -> tuple[list[str], list[str]]:
    """The time, and what is to be said about a column that is only called so."""
    names = sample.columns
    if options.time is not None:
        if options.time in names:
            return [options.time], []
        parts = [part.strip() for part in options.time.split("+")]  # a date and a time of day
        return [require_column(names, part, source, "time") for part in parts], []
    free = [name for name in names if name not in taken]
    by_name = {name.strip().lower(): name for name in free}
    found = [name for name in free if looks_like_time(sample[name])]
    if len(found) <= 2 and {"date", "time"} <= by_name.keys():
        pair = [by_name["date"], by_name["time"]]
        if pair[0] in found and set(found) <= set(pair) and _is_text_or_clock(sample[pair[1]]):
            return pair, []
    if len(found) > 1:
        raise InputError(
            f"{source}: several columns hold times: {quote_names(found)}; name the one that counts "
            "with --time and leave the others out with --drop"
        )
    if found:
        return found, []
    numeric = [name for name in free if is_time_name(name) and sample[name].dtype.is_numeric()]
    rising = [name for name in numeric if _rises(sample, name, options.run)]
    if numeric and not rising:
        note = f"{quote_names(numeric)}: called like a time, but the numbers do not rise"
        return [], [f"{note}: taken as a sensor (--time makes it the time)"]
    return rising[:1], []


def _rises(sample: pl.DataFrame, name: str, run: str | None) -> bool:
    """Whether the numbers of a column rise strictly, within each run."""
    steps = sample[name].cast(float).diff()[1:]
    rises = ((steps > 0) & steps.is_finite()).fill_null(value=False)
    if run is not None:
        rises |= sample[run].ne_missing(sample[run].shift())[1:]
    return len(steps) > 0 and bool(rises.all())


def _is_text_or_clock(column: pl.Series) -> bool:
    import polars as pl

    return column.dtype in (pl.String, pl.Time)


def _is_binary(frame: pl.LazyFrame, name: str, schema: Mapping[str, pl.DataType]) -> bool:
    import polars as pl

    if schema[name] == pl.Boolean:
        return True
    if not schema[name].is_numeric():
        return False
    value = exactly(name).cast(pl.Float64)
    return bool(frame.select(((value == 0) | (value == 1)).all()).collect().item())


def _refuse_double(source: str, roles: Mapping[str, Sequence[str | None]]) -> None:
    owner: dict[str, str] = {}
    for role, names in roles.items():
        for name in names:
            if name is not None and name in owner:
                raise InputError(
                    f"{source}: column {name!r} is named for both --{owner[name]} and --{role}; "
                    "it can be one of them"
                )
            if name is not None:
                owner[name] = role
