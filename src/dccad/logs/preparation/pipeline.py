"""Conditioning of a log before it is windowed: steps in an order, and the way back to its rows.

A step takes segments of a log and gives segments: rows are left out (idle, another operating mode),
averaged, decimated or changed. A row of the log gets the result of the newest prepared row that was
complete by then, so that no row's score depends on what came later; rows left out get no result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dccad.errors import InputError, ParameterError
from dccad.logs.preparation.prepared import PreparedSegment
from dccad.logs.preparation.steps import STEPS, DropMissing, Step
from dccad.logs.runs import Log, Reading, Run


def parse_step(text: str) -> Step:
    """Read one step as it is written on the command line and stored with a model.

    Raises
    ------
    ParameterError
        The name is unknown or the arguments do not fit; says how the step is written.


    Examples
    --------
    >>> parse_step("clip:flow=0..100")
    Clip(columns=('flow',), low=0.0, high=100.0)
    >>> str(parse_step("idle:torque<=0.5"))
    'idle:torque<=0.5'
    """
    name, _, arguments = text.partition(":")
    step = STEPS.get(name.strip())
    if step is None:
        forms = ", ".join(kind.form for kind in STEPS.values())
        raise ParameterError(f"prepare step {text!r} is unknown; write one of {forms}")
    try:
        return step.parse(arguments.strip())
    except ValueError as error:
        raise ParameterError(
            f"prepare step {text!r}: {error}; it is written {step.form}, as {step.example}"
        ) from None


def parse_steps(steps: Sequence[str | Step]) -> tuple[Step, ...]:
    """Steps from their written form; steps that are objects already stay.

    Raises
    ------
    ParameterError
    """
    if isinstance(steps, str) or not isinstance(steps, Sequence):
        raise ParameterError(
            f"prepare={steps!r}: needed is a list of steps, as ['idle:torque', 'average:10']"
        )
    known = tuple(STEPS.values())
    for step in steps:
        if not isinstance(step, (str, *known)):
            raise ParameterError(
                f"prepare holds {step!r}; needed are steps or their written form, as 'average:10'"
            )
    return tuple(parse_step(step) if isinstance(step, str) else step for step in steps)


@dataclass(frozen=True)
class Preparation:
    """Steps in their order.

    Attributes
    ----------
    steps : tuple of Step
    drop_missing : bool
        Before the first step, leave out rows with NaN.

    Examples
    --------
    >>> torque = Run(np.array([[0.0], [0.0], [2.0], [4.0], [6.0], [8.0]]), ("torque",))
    >>> log = Log((torque,), (6,))
    >>> prepared = Preparation(parse_steps(["idle:torque", "average:2"])).apply(log)
    >>> prepared.segments[0].values.ravel().tolist()
    [3.0, 7.0]
    >>> prepared.source.tolist()              # row 4 still stands on rows 2 and 3
    [-1, -1, -1, 0, 0, 1]
    """

    steps: tuple[Step, ...] = ()
    drop_missing: bool = False

    @classmethod
    def of(cls, steps: Sequence[str | Step], reading: Reading) -> Preparation:
        """Steps in their written form or as objects, for logs that are read in this way.

        Raises
        ------
        ParameterError
            A step cannot be read.
        """
        return cls(parse_steps(steps), drop_missing=reading.on_missing == "drop")

    @property
    def rows_per_row(self) -> int:
        """Rows of the log that one prepared row stands for."""
        return math.prod(step.rows_per_row for step in self.steps)

    def apply(self, log: Log, may_be_empty: bool = False) -> Log:
        """Prepare the segments of a checked log.

        Parameters
        ----------
        log : Log
            Without ``source``.
        may_be_empty : bool
            Return a log without segments where no row is left, instead of refusing it.

        Returns
        -------
        Log
            The same log where there is nothing to do; else new segments and ``source``.

        Raises
        ------
        InputError
            A step names a column that is not there, meets a value it cannot take, or no row is
            left.
        """
        if not (self.steps or self.drop_missing):
            return log
        segments = self._prepare(log.segments)
        if not segments and not may_be_empty:
            steps = describe_steps(self.steps) + ["on_missing='drop'"] * self.drop_missing
            raise InputError(
                f"of {log.n_rows} rows none is left after {' '.join(steps)}; check the columns and "
                "levels of these steps"
            )
        return replace(
            log,
            segments=tuple(segment.run for segment in segments),
            source=_sources(segments, log.n_rows),
        )

    def apply_to_runs(self, runs: Sequence[Run]) -> list[Run]:
        """Prepare runs whose rows nobody asks for again; runs that keep no row are left out."""
        return [segment.run for segment in self._prepare(runs)]

    def _prepare(self, runs: Sequence[Run]) -> list[PreparedSegment]:
        starts = np.concatenate(([0], np.cumsum([len(run) for run in runs], dtype=np.int64)))
        segments = [
            PreparedSegment.of(run, int(start))
            for run, start in zip(runs, starts[:-1], strict=True)
        ]
        steps: tuple[Step | DropMissing, ...] = self.steps
        if self.drop_missing:
            steps = (DropMissing(), *steps)
        for step in steps:
            segments = [new for old in segments for new in step.apply(old) if len(new.run)]
        return segments


def _sources(segments: Sequence[PreparedSegment], n_rows: int) -> NDArray[np.int64]:
    """For each row of the log the prepared row whose result it gets, -1 for none."""
    source = np.full(n_rows, -1, dtype=np.int64)
    offset = 0
    for segment in segments:
        newest = np.searchsorted(segment.ends, segment.covers, side="right") - 1
        source[segment.covers] = np.where(newest >= 0, newest + offset, -1)
        offset += len(segment.run)
    return source


def describe_steps(steps: Sequence[Any]) -> list[str]:
    """The written form of steps, as models store them.

    Examples
    --------
    >>> describe_steps(parse_steps(["average:10", "log:pressure"]))
    ['average:10', 'log:pressure']
    """
    return [str(step) for step in steps]


def check_streamable(preparation: Preparation) -> None:
    """Refuse steps that cannot prepare a log block by block.

    Raises
    ------
    ParameterError

    Examples
    --------
    >>> check_streamable(Preparation(parse_steps(["mode:load>50", "clip:flow=0..100"])))
    """
    for step in preparation.steps:
        if not step.streamable:
            raise ParameterError(
                f"prepare step {str(step)!r} needs a log in memory, because its rows depend on all "
                "rows before them; leave it out, or prepare the log beforehand"
            )


def rows_before(preparation: Preparation) -> int:
    """Rows before a block of rows that the block's first prepared row depends on."""
    return sum(step.rows_before for step in preparation.steps)
