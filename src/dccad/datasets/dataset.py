"""A benchmark data set: training runs and test runs with their labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dccad.errors import InputError
from dccad.logs.runs import Run


@dataclass(frozen=True)
class Dataset:
    """Training and test runs of a benchmark.

    Attributes
    ----------
    name : str
        What tables and result files call the data set.
    train, test : tuple of Run
        Each with labels: ``fault`` (0 = fault-free) and ``onset``, or ``row_labels``.

    Examples
    --------
    >>> import numpy as np
    >>> normal = Run(np.zeros((4, 1)), ("torque",), "d00", fault=0)
    >>> faulty = Run(np.ones((4, 1)), ("torque",), "d02", fault=2, onset=0)
    >>> dataset = Dataset("mini", train=(normal, faulty), test=())
    >>> dataset.faults
    (2,)
    >>> dataset.train_run(2).name
    'd02'
    """

    name: str
    train: tuple[Run, ...]
    test: tuple[Run, ...]

    @property
    def faults(self) -> tuple[int, ...]:
        """Numbers of the faults that occur, ascending, without 0 (fault-free)."""
        return tuple(sorted({run.fault for run in (*self.train, *self.test) if run.fault}))

    def train_run(self, fault: int) -> Run:
        """Give the training run of one fault (0 = fault-free).

        Raises
        ------
        InputError
            The data set has no such run, or several.
        """
        return self._only(self.train, fault, "training")

    def test_run(self, fault: int) -> Run:
        """Give the test run of one fault (0 = fault-free).

        Raises
        ------
        InputError
            The data set has no such run, or several.
        """
        return self._only(self.test, fault, "test")

    def _only(self, runs: Sequence[Run], fault: int, kind: str) -> Run:
        found = [run for run in runs if run.fault == fault]
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError(
                f"data set {self.name!r} has {len(found)} {kind} runs of fault {fault}, and one is "
                "needed here: load one run per fault"
            )
        known = ", ".join(map(str, sorted({run.fault for run in runs if run.fault is not None})))
        raise InputError(
            f"data set {self.name!r} has no {kind} run of fault {fault}; it has these: "
            + (known or "none")
        )
