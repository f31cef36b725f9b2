"""The conditioning steps: each a frozen dataclass with a written form, ``NAME:ARGUMENTS``."""

from __future__ import annotations

import operator
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dccad.errors import InputError
from dccad.logs.preparation.prepared import PreparedSegment, find_columns
from dccad.logs.runs import FloatArray, Run

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_CONDITION = re.compile(rf"^\s*(.+?)\s*(<=|>=|==|!=|<|>)\s*({_NUMBER})\s*$")
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


class Step(ABC):
    """One step of the preparation; ``str`` of a step gives its written form back.

    Attributes
    ----------
    form, example : str
        How the step is written.
    row_by_row : bool
        Each row is prepared without looking at another one, so rows may be prepared as they arrive.
    rows_before : int
        Rows before a block of rows that a streamable step needs to prepare the block's first row.
    join : bool
        The rows before and after rows that are left out follow each other in one segment.
    """

    form: ClassVar[str]
    example: ClassVar[str]
    row_by_row: ClassVar[bool] = True
    rows_before: ClassVar[int] = 0
    join: bool = False

    @property
    def rows_per_row(self) -> int:
        """Rows of the log that one prepared row stands for."""
        return 1

    @property
    def streamable(self) -> bool:
        """Whether a log can be prepared block by block, each with the ``rows_before`` it needs."""
        return True

    @classmethod
    @abstractmethod
    def parse(cls, arguments: str) -> Step:
        """Read the part after ``NAME:``; ValueError says what is wrong with it."""

    @abstractmethod
    def apply(self, segment: PreparedSegment) -> list[PreparedSegment]:
        """Prepare one segment, which may fall apart into several or none."""


@dataclass(frozen=True)
class _ColumnStep(Step):
    """A step that changes the values of some sensors, chosen by names or patterns."""

    columns: tuple[str, ...]

    @classmethod
    def parse(cls, arguments: str) -> _ColumnStep:
        """Read columns: names or patterns, joined by commas."""
        return cls(_names(arguments))

    def _change(
        self, segment: PreparedSegment, function: Callable[[FloatArray], FloatArray]
    ) -> PreparedSegment:
        values = segment.run.values.copy()
        places = find_columns(segment.run, self.columns)
        values[:, places] = function(values[:, places])
        return replace(segment, run=replace(segment.run, values=values))


@dataclass(frozen=True)
class _RateStep(Step):
    """A step that makes one row of every ``factor`` rows, counted from a segment's first row."""

    factor: int

    row_by_row: ClassVar[bool] = False

    @property
    def rows_per_row(self) -> int:
        """Rows of the log that one prepared row stands for."""
        return self.factor

    @property
    def streamable(self) -> bool:
        """Never: which rows belong together depends on all rows before them."""
        return False

    @classmethod
    def parse(cls, arguments: str) -> _RateStep:
        """Read the number of rows."""
        return cls(_factor(arguments))


@dataclass(frozen=True)
class Condition:
    """A comparison of one sensor with a level.

    Examples
    --------
    >>> Condition.parse("load > 50").holds(Run(np.array([[40.0], [60.0]]), ("load",))).tolist()
    [False, True]
    """

    column: str
    sign: str
    level: float

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read ``COLUMN<=LEVEL`` with one of < <= > >= == !=."""
        found = _CONDITION.match(text)
        if found is None:
            raise ValueError(f"{text!r} is no condition such as load>50")
        column, sign, level = found.groups()
        return cls(column, sign, float(level))

    def holds(self, run: Run) -> NDArray[np.bool_]:
        """Whether it holds in each row."""
        [column] = find_columns(run, [self.column])
        flags: NDArray[np.bool_] = _COMPARE[self.sign](run.values[:, column], self.level)
        return flags

    def __str__(self) -> str:
        return f"{self.column}{self.sign}{_show(self.level)}"


@dataclass(frozen=True)
class DropMissing:
    """Leave out rows with NaN; the rows before and after become segments of their own."""

    def apply(self, segment: PreparedSegment) -> list[PreparedSegment]:
        """Prepare one segment."""
        return segment.keep(np.asarray(~np.isnan(segment.run.values).any(axis=1)))

    def __str__(self) -> str:
        return "on_missing='drop'"


@dataclass(frozen=True)
class RemoveIdle(Step):
    """Leave out rows in which a channel says that the machine stands still.

    Attributes
    ----------
    column : str
    level : float, optional
        Rows at or below this are idle; None: rows of exactly 0.
    join : bool
        The rows before and after an idle time follow each other; otherwise they become segments
        of their own, and no window spans the idle time.
    """

    column: str
    level: float | None = None
    join: bool = False

    form: ClassVar[str] = "idle:COLUMN[<=LEVEL][,join]"
    example: ClassVar[str] = "idle:torque<=0.5"

    @classmethod
    def parse(cls, arguments: str) -> RemoveIdle:
        """Read ``COLUMN``, ``COLUMN<=LEVEL``, either with ``,join``."""
        text, comma, option = arguments.rpartition(",")
        join = bool(comma) and option.strip() == "join"
        text = text if join else arguments
        column, sign, level = text.partition("<=")
        if not column.strip():
            raise ValueError("the column is missing")
        return cls(column.strip(), _number(level) if sign else None, join)

    @property
    def streamable(self) -> bool:
        """Unless rows are joined: a window may then span any number of rows of the log."""
        return not self.join

    def apply(self, segment: PreparedSegment) -> list[PreparedSegment]:
        """Prepare one segment."""
        [column] = find_columns(segment.run, [self.column])
        values = segment.run.values[:, column]
        return segment.keep(values != 0 if self.level is None else values > self.level, self.join)

    def __str__(self) -> str:
        level = "" if self.level is None else f"<={_show(self.level)}"
        return f"idle:{self.column}{level}{',join' if self.join else ''}"


@dataclass(frozen=True)
class SelectMode(Step):
    """Keep the rows in which all conditions hold; neighbours among them become a segment."""

    conditions: tuple[Condition, ...]

    form: ClassVar[str] = "mode:CONDITION[&CONDITION]"
    example: ClassVar[str] = "mode:load>50&speed<=1500"

    @classmethod
    def parse(cls, arguments: str) -> SelectMode:
        """Read conditions joined by ``&``."""
        return cls(tuple(Condition.parse(part) for part in arguments.split("&")))

    def apply(self, segment: PreparedSegment) -> list[PreparedSegment]:
        """Prepare one segment."""
        flags = [condition.holds(segment.run) for condition in self.conditions]
        return segment.keep(np.logical_and.reduce(flags))

    def __str__(self) -> str:
        return "mode:" + "&".join(map(str, self.conditions))


@dataclass(frozen=True)
class Average(_RateStep):
    """Replace every ``factor`` rows of a segment by their mean; an incomplete last group goes.

    In the labels a group counts as anomalous if any of its rows does.
    """

    form: ClassVar[str] = "average:FACTOR"
    example: ClassVar[str] = "average:10"

    def apply(self, segment: PreparedSegment) -> list[PreparedSegment]:
        """Prepare one segment."""
        n = len(segment.run) // self.factor
        if not n:
            return []
        run = segment.run
        picked = segment.pick(slice(self.factor - 1, n * self.factor, self.factor))
        groups = run.values[: n * self.factor].reshape(n, self.factor, -1)
        labels = run.row_labels
        if labels is not None:
            labels = labels[: n * self.factor].reshape(n, self.factor).max(axis=1)
        values = groups.mean(axis=1, dtype=np.float64).astype(run.values.dtype)
        return [replace(picked, run=replace(picked.run, values=values, row_labels=labels))]

    def __str__(self) -> str:
        return f"average:{self.factor}"


@dataclass(frozen=True)
class Decimate(_RateStep):
    """Keep every ``factor``-th row after a low-pass filter (against aliasing).

    The filter is the one of ``scipy.signal.decimate`` (Chebyshev, type I, order 8, 0.05 dB, cut-off
    at 0.8 of the new Nyquist rate), run forwards only: no row sees its future. It starts at rest at
    a segment's first row.
    """

    form: ClassVar[str] = "decimate:FACTOR"
    example: ClassVar[str] = "decimate:10"

    def apply(self, segment: PreparedSegment) -> list[PreparedSegment]:
        """Prepare one segment."""
        from scipy.signal import cheby1, sosfilt, sosfilt_zi

        values = segment.run.values
        sections = cheby1(8, 0.05, 0.8 / self.factor, output="sos")
        rest = sosfilt_zi(sections)[:, :, None] * values[0].astype(np.float64)
        # at rest the filter's gain is not quite 1 (0.05 dB of ripple): the level must stay
        gain = float(np.prod(sections[:, :3].sum(axis=1) / sections[:, 3:].sum(axis=1)))
        smooth, _ = sosfilt(sections, values.astype(np.float64), axis=0, zi=rest)
        smooth = (smooth / gain).astype(values.dtype)
        filtered = replace(segment, run=replace(segment.run, values=smooth))
        picked = filtered.pick(slice(self.factor - 1, None, self.factor))
        return [picked] if len(picked.run) else []

    def __str__(self) -> str:
        return f"decimate:{self.factor}"


@dataclass(frozen=True)
class Clip(_ColumnStep):
    """Limit sensors to a range in plant units."""

    low: float | None = None
    high: float | None = None

    form: ClassVar[str] = "clip:COLUMNS=[LOW]..[HIGH]"
    example: ClassVar[str] = "clip:flow=0..100"

    @classmethod
    def parse(cls, arguments: str) -> Clip:
        """Read columns (names or patterns, joined by commas) and a range open on one side."""
        names, sign, limits = arguments.rpartition("=")
        low, dots, high = limits.partition("..")
        if not (sign and dots and (low.strip() or high.strip())):
            raise ValueError("the range is missing")
        lowest = _number(low) if low.strip() else None
        highest = _number(high) if high.strip() else None
        if lowest is not None and highest is not None and lowest >= highest:
            raise ValueError(f"{low.strip()} is not below {high.strip()}")
        return cls(_names(names), lowest, highest)

    def apply(self, segment: PreparedSegment) -> list[PreparedSegment]:
        """Prepare one segment."""
        return [self._change(segment, lambda v: np.clip(v, self.low, self.high))]

    def __str__(self) -> str:
        low, high = ("" if v is None else _show(v) for v in (self.low, self.high))
        return f"clip:{','.join(self.columns)}={low}..{high}"


@dataclass(frozen=True)
class Difference(_ColumnStep):
    """Replace sensors by their change since the row before; a segment's first row is left out."""

    row_by_row: ClassVar[bool] = False
    rows_before: ClassVar[int] = 1
    form: ClassVar[str] = "difference:COLUMNS"
    example: ClassVar[str] = "difference:level"

    def apply(self, segment: PreparedSegment) -> list[PreparedSegment]:
        """Prepare one segment."""
        changed = self._change(segment, lambda v: np.diff(v, axis=0, prepend=v[:1]))
        return [changed.pick(slice(1, None))]

    def __str__(self) -> str:
        return f"difference:{','.join(self.columns)}"


@dataclass(frozen=True)
class Logarithm(_ColumnStep):
    """Replace sensors by their natural logarithm; values of 0 or below are refused."""

    form: ClassVar[str] = "log:COLUMNS"
    example: ClassVar[str] = "log:pressure"

    def apply(self, segment: PreparedSegment) -> list[PreparedSegment]:
        """Prepare one segment."""
        run = segment.run
        columns = find_columns(run, self.columns)
        bad = run.values[:, columns] <= 0
        if bad.any():
            row, place = (int(i) for i in np.argwhere(bad)[0])
            raise InputError(
                f"step {str(self)!r}: {run.columns[columns[place]]!r} is "
                f"{run.values[row, columns[place]]:g} in run {run.name!r}, and only values above 0 "
                "have a logarithm; clip it first, as clip:"
                f"{run.columns[columns[place]]}=0.001.."
            )
        return [self._change(segment, np.log)]

    def __str__(self) -> str:
        return f"log:{','.join(self.columns)}"


STEPS: dict[str, type[Step]] = {
    "idle": RemoveIdle,
    "mode": SelectMode,
    "average": Average,
    "decimate": Decimate,
    "clip": Clip,
    "difference": Difference,
    "log": Logarithm,
}
"""The steps by the name they are written with."""


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise ValueError("the column is missing")
    return names


def _number(text: str) -> float:
    if re.fullmatch(_NUMBER, text.strip()) is None:
        raise ValueError(f"{text.strip()!r} is no number")
    return float(text)


def _show(number: float) -> str:
    """A number as short as it can be written without losing a digit."""
    return f"{number:.17g}" if float(f"{number:g}") != number else f"{number:g}"


def _factor(text: str) -> int:
    if not text.isdecimal() or not 2 <= int(text) <= 1_000_000:
        raise ValueError(f"{text!r} is no whole number from 2 to 1000000")
    return int(text)
