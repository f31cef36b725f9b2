"""The alarm rule as people write it, and the alarms of a log with their expected false-alarm rate.

"3 of 5" says when an alarm is raised and when it ends, but not at which score: the limit follows
from the number of false alarms that somebody is ready to answer.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dccad.alarms.rates import AlarmRate, choose_limit, predict_false_alarms
from dccad.alarms.rules import AlarmRule, find_alarms
from dccad.calibration.kinds import AnyCalibration
from dccad.errors import ParameterError
from dccad.logs.episodes import RowTable, insert_peak
from dccad.logs.runs import Log, Run

_FORM = (
    "write the rows that must exceed the limit as '3 of 5' (or '5' for 5 in a row); then, if "
    "wanted, 'off 10' (rows back to normal that end an alarm) and 'clear 0.1' (share of normal "
    "rows above the score that ends it), as '3 of 5, off 10, clear 0.1'"
)


@dataclass(frozen=True)
class AlarmPattern:
    """An alarm rule without its limit; see :class:`dccad.alarms.rules.AlarmRule`.

    Attributes
    ----------
    k, n, off_delay : int, in rows (after ``prepare``)
    clear_rate : float, optional
        An alarm ends at scores that normal rows exceed with this rate. None: at the limit.
    """

    k: int = 1
    n: int = 1
    off_delay: int = 1
    clear_rate: float | None = None

    def __str__(self) -> str:
        parts = ["every row" if self.n == 1 else f"{self.k} of {self.n} rows"]
        parts += [f"off after {self.off_delay} rows"] * (self.off_delay > 1)
        if self.clear_rate is not None:
            parts.append(f"cleared at the score of {self.clear_rate:g} of normal rows")
        return ", ".join(parts)


def parse_pattern(text: str | AlarmPattern) -> AlarmPattern:
    """Read a pattern as people write it.

    Raises
    ------
    ParameterError
        Says how patterns are written.

    Examples
    --------
    >>> parse_pattern("3 of 5, off 10")
    AlarmPattern(k=3, n=5, off_delay=10, clear_rate=None)
    >>> print(parse_pattern("5"))
    5 of 5 rows
    """
    if isinstance(text, AlarmPattern):
        return text
    first, *others = (part.strip() for part in str(text).split(","))
    found = re.fullmatch(r"(\d+)(?:\s+of\s+(\d+))?(?:\s+rows?)?", first)
    if not found:
        raise ParameterError(f"alarm rule {text!r}: {_FORM}")
    k, n = int(found[1]), int(found[2] or found[1])
    given: dict[str, Any] = {}
    for part in others:
        if match := re.fullmatch(r"off\s+(\d+)", part):
            given["off_delay"] = int(match[1])
        elif match := re.fullmatch(r"clear\s+(0?\.\d+)", part):
            given["clear_rate"] = float(match[1])
        else:
            raise ParameterError(f"alarm rule {text!r}: {part!r} is no part of one; {_FORM}")
    try:
        AlarmRule(0.0, k, n, None, given.get("off_delay", 1))
    except ParameterError as error:
        raise ParameterError(f"alarm rule {text!r}: {error}") from None
    if given.get("clear_rate") == 0:
        raise ParameterError(f"alarm rule {text!r}: clear must lie between 0 and 1")
    return AlarmPattern(k, n, **given)


def check_wanted(per_day: float | None, per_1000_rows: float | None) -> None:
    """Refuse both at once, and numbers that are not above 0.

    Raises
    ------
    ParameterError
    """
    if per_day is not None and per_1000_rows is not None:
        raise ParameterError("false alarms are limited per day or per 1000 rows, not both")
    for name, value in (("per day", per_day), ("per 1000 rows", per_1000_rows)):
        if value is not None and not 0 < value < float("inf"):
            raise ParameterError(f"{value:g} false alarms {name}: a number above 0 is needed")


@dataclass(frozen=True)
class AlarmReport:
    """Alarms of a log, and how many of them to expect where nothing is wrong.

    Attributes
    ----------
    pattern : AlarmPattern
    rule : AlarmRule
        The pattern with its limits.
    alarms : tuple of dict
        ``run``, ``first_row``, ``last_row``, ``rows``, ``peak`` (highest score), and with time
        stamps ``start`` and ``end``; in the order of the log.
    rate : AlarmRate or None
        False alarms to expect, per day or per 1000 rows, with a 90 % interval. None where the
        model's calibration does not know how scores follow one another.
    expected : float or None
        False alarms to expect in as many rows as this log has with a score.
    """

    pattern: AlarmPattern
    rule: AlarmRule
    alarms: tuple[dict[str, Any], ...]
    rate: AlarmRate | None
    expected: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON."""
        return {
            "pattern": str(self.pattern),
            "rule": asdict(self.rule),
            "alarms": list(self.alarms),
            "false_alarms": None if self.rate is None else self.rate._asdict(),
            "false_alarms_expected": self.expected,
        }


def report_alarms(
    log: Log,
    scores: NDArray[np.float64],
    calibration: AnyCalibration,
    threshold: float,
    pattern: AlarmPattern,
    per_day: float | None = None,
    per_1000_rows: float | None = None,
) -> AlarmReport:
    """Choose the limit, find the alarms, and say what false alarms to expect.

    Parameters
    ----------
    log : Log
        Prepared. An alarm ends where recording was interrupted.
    scores : ndarray of shape (n_rows,)
        Scores of the caller's rows.
    calibration : Calibration or ConformalCalibration
        The latter gives no rate, because it does not keep the order of its scores.
    threshold : float
        The limit where no rate is asked for.
    pattern : AlarmPattern
    per_day, per_1000_rows : float, optional
        Expected false alarms that the limit is chosen for.

    Raises
    ------
    ParameterError
        A rate is asked for that this calibration or this log cannot give.
    """
    check_wanted(per_day, per_1000_rows)
    seconds = row_seconds(log.segments)
    if per_day is not None and seconds is None:
        raise ParameterError(
            "false alarms per day need time stamps, and this log has none: limit them per 1000 rows"
        )
    wanted = per_1000_rows if per_day is None else per_day
    unit_seconds = seconds if per_1000_rows is None else None
    ordered = calibration.ordered
    if wanted is None:
        rule = _rule_at(threshold, calibration, pattern)
    elif ordered is None:
        raise ParameterError(
            "this model cannot promise a number of false alarms: its calibration is 'held-out', "
            "which keeps no order of the normal scores; fit with calibration='cross-fitted'"
        )
    else:
        rule = choose_limit(
            ordered,
            wanted,
            k=pattern.k,
            n=pattern.n,
            off_delay=pattern.off_delay,
            clear_rate=pattern.clear_rate,
            row_seconds=unit_seconds,
        )
    rate = None if ordered is None else predict_false_alarms(ordered, rule, unit_seconds)
    rows = RowTable.of(log)
    behind = log.expand(np.arange(sum(len(segment) for segment in log.segments)), -1)
    known = np.flatnonzero(behind >= 0)
    # the first and the last of the caller's rows that stand on each prepared row
    prepared = behind[known]
    firsts = known[np.searchsorted(prepared, np.arange(prepared[-1] + 1))]
    lasts = known[np.searchsorted(prepared, np.arange(prepared[-1] + 1), side="right") - 1]
    found, offset = [], 0
    for segment in log.segments:
        mine = scores[firsts[offset : offset + len(segment)]]
        for start, stop in find_alarms(mine, rule):
            record = rows.describe(int(firsts[offset + start]), int(lasts[offset + stop - 1]))
            found.append(insert_peak(record, mine[start:stop]))
        offset += len(segment)
    expected = None
    if rate is not None:
        per = 1000.0 if unit_seconds is None else 86400.0 / unit_seconds
        expected = rate.expected * int(np.isfinite(scores[firsts]).sum()) / per
    return AlarmReport(pattern, rule, tuple(found), rate, expected)


def _rule_at(threshold: float, calibration: AnyCalibration, pattern: AlarmPattern) -> AlarmRule:
    clear = None
    if pattern.clear_rate is not None:
        clear = min(calibration.threshold(pattern.clear_rate), threshold)
    return AlarmRule(threshold, pattern.k, pattern.n, clear, pattern.off_delay)


def row_seconds(segments: tuple[Run, ...]) -> float | None:
    """Median time between two rows; None without time stamps.

    Examples
    --------
    >>> stamps = np.array(["2024-01-01T00:00", "2024-01-01T00:03"], dtype="datetime64[m]")
    >>> row_seconds((Run(np.zeros((2, 1)), ("a",), time=stamps),))
    180.0
    """
    steps = []
    for segment in segments:
        if segment.time is None:
            return None
        time = segment.time
        if time.dtype.kind == "M":
            time = time.astype("datetime64[ns]").astype(np.int64) / 1e9
        steps.append(np.diff(time))
    joined = np.concatenate(steps)
    return float(np.median(joined)) if len(joined) else None
