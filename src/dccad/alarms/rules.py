"""From scores to alarms that an operator counts: k of n rows, and hysteresis.

A threshold promises a share of rows, but one excursion is one alarm, whether it lasts a minute or a
day. An alarm is raised when k of the last n rows exceed a limit (on-delay), and ends when
``off_delay`` rows in a row are back under a lower limit (deadband).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dccad.errors import ParameterError


class Alarm(NamedTuple):
    """Rows ``start`` (included) to ``stop`` (excluded) of a run, in alarm."""

    start: int
    stop: int


@dataclass(frozen=True)
class AlarmRule:
    """When an alarm is raised, and when it ends.

    Attributes
    ----------
    limit : float
        Score; higher ones count towards an alarm.
    k, n : int, 1 ≤ k ≤ n, in rows
        An alarm is raised at a row where at least k of the last n rows, this one included, are
        above the limit. k = n: the excursion must last n rows.
    clear_limit : float, optional
        Score, at most ``limit``; scores up to it count towards the end of an alarm. Default: the
        limit, no hysteresis.
    off_delay : int, in rows
        An alarm ends at the row where this many rows in a row have counted towards its end. Rows
        without a score (NaN) count as normal.

    Raises
    ------
    ParameterError

    Examples
    --------
    >>> rule = AlarmRule(limit=2.0, k=2, n=3, clear_limit=1.0)
    >>> find_alarms(np.array([0, 3, 0, 3, 2, 2, 1, 0.0]), rule)
    [Alarm(start=3, stop=6)]

    References
    ----------
    ANSI/ISA-18.2 (alarm management: deadband, on-delay and off-delay); N. A. Adnan, I. Izadi,
    T. Chen: On expected detection delays for alarm systems with deadbands and delay-timers. J.
    Process Control 21, 2011, doi:10.1016/j.jprocont.2011.06.019.
    """

    limit: float
    k: int = 1
    n: int = 1
    clear_limit: float | None = None
    off_delay: int = 1

    def __post_init__(self) -> None:
        problems = []
        if not 1 <= self.k <= self.n:
            problems.append(f"k={self.k} of n={self.n} rows: 1 ≤ k ≤ n is needed")
        if self.off_delay < 1:
            problems.append(f"off_delay={self.off_delay}: at least 1 row is needed")
        if self.clear_limit is not None and self.clear_limit > self.limit:
            problems.append(f"clear_limit={self.clear_limit:g} lies above limit={self.limit:g}")
        if problems:
            raise ParameterError("; ".join(problems))

    @property
    def lower_limit(self) -> float:
        """The score at or below which a row counts towards the end."""
        return self.limit if self.clear_limit is None else self.clear_limit


def find_alarms(scores: NDArray[np.float64], rule: AlarmRule) -> list[Alarm]:
    """Alarms of one run.

    Parameters
    ----------
    scores : ndarray of shape (n_rows,)
        NaN where a row has no score. No row's alarm depends on later rows.
    rule : AlarmRule

    Returns
    -------
    list of Alarm
        In the order of time; one that is not over yet ends with the run.

    Examples
    --------
    >>> find_alarms(np.array([0, 3, 3, 0, 3.0]), AlarmRule(limit=2.0))
    [Alarm(start=1, stop=3), Alarm(start=4, stop=5)]
    """
    scores = np.asarray(scores, dtype=np.float64)
    raised = np.flatnonzero(_count_last(scores > rule.limit, rule.n) >= rule.k)
    over = ~(scores > rule.lower_limit)  # NaN too
    ended = np.flatnonzero(_count_last(over, rule.off_delay) >= rule.off_delay)
    alarms: list[Alarm] = []
    row = 0
    while (i := np.searchsorted(raised, row)) < len(raised):
        start = int(raised[i])
        # the off-delay begins with the alarm: rows before it do not count
        j = np.searchsorted(ended, start + rule.off_delay)
        stop = int(ended[j]) if j < len(ended) else len(scores)
        alarms.append(Alarm(start, stop))
        row = stop + 1
    return alarms


def _count_last(flags: NDArray[np.bool_], n: int) -> NDArray[np.int64]:
    """For each row, how many of the last n rows have the flag."""
    total = np.concatenate([[0], np.cumsum(flags, dtype=np.int64)])
    rows = np.arange(1, len(flags) + 1)
    counts: NDArray[np.int64] = total[rows] - total[np.maximum(rows - n, 0)]
    return counts
