"""Rows of a stream as they come: sensors, order, gaps and missing values."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dccad.errors import InputError
from dccad.logs.inputs import check_same_sensors
from dccad.logs.missing import LARGEST
from dccad.logs.runs import GAP_STEPS, OnMissing
from dccad.logs.wording import quote_names, show_stamp

STEPS_REMEMBERED = 100
"""Gaps are measured by the median of at most this many steps in time."""


@dataclass(frozen=True)
class StreamPolicy:
    """How a stream reads rows: the detector's parameters of the same names.

    Attributes
    ----------
    columns : tuple of str
        Sensors of the fit.
    max_gap : float or None, in seconds
    on_missing : {"error", "interpolate", "hold", "drop"}
    fill_limit : int, in rows
    fingerprint : str
        Identifies the model, so that a saved state is not taken up by another.
    """

    columns: tuple[str, ...]
    max_gap: float | None
    on_missing: OnMissing
    fill_limit: int
    fingerprint: str


class ArrivingRows:
    """What is remembered of the rows before, to read the next one.

    Nothing changes until a row is taken: a row that is refused leaves all as it was.

    Parameters
    ----------
    policy : StreamPolicy

    Attributes
    ----------
    last : ndarray of shape (n_sensors,)
        Last value of each sensor, NaN where there is none yet.
    absent : ndarray of shape (n_sensors,), int64
        Rows since each sensor had a value of its own.
    steps : deque of float
        Steps in time, in seconds.
    time : float or None
        Time of the newest row.
    timed : bool or None
        Whether rows have time stamps; None before the first.
    """

    def __init__(self, policy: StreamPolicy) -> None:
        self.policy = policy
        self.steps: deque[float] = deque(maxlen=STEPS_REMEMBERED)
        self.time: float | None = None
        self.timed: bool | None = None
        self.forget()

    def forget(self) -> None:
        """Forget the values, as after a gap."""
        self.last = np.full(len(self.policy.columns), np.nan)
        self.absent = np.zeros(len(self.policy.columns), dtype=np.int64)

    def check(self, row: Any) -> NDArray[np.float64]:
        """The row as numbers, NaN where a value is missing; InputError if it is not a row."""
        columns = self.policy.columns
        if isinstance(row, Mapping):
            check_same_sensors(tuple(sorted(columns)), tuple(sorted(map(str, row))), True)
            row = [row[name] for name in columns]
        try:
            values = np.array(row, dtype=np.float64)
        except (TypeError, ValueError):
            raise InputError(f"the row is {row!r:.60}; needed are {len(columns)} numbers") from None
        if values.shape != (len(columns),):
            raise InputError(
                f"the row has shape {values.shape}; needed are the {len(columns)} sensors of the "
                f"fit ({quote_names(columns)})"
            )
        bad = np.isinf(values) | (np.abs(values) > LARGEST)
        if bad.any():
            which = columns[int(np.argmax(bad))]
            raise InputError(f"{which!r} is {values[bad][0]}: infinite or beyond single precision")
        return values

    def seconds(self, time: Any) -> float | None:
        """The time stamp in seconds; InputError where it is out of order."""
        timed = time is not None
        if self.timed is not None and timed != self.timed:
            raise InputError("pass a time stamp with every row of a stream, or with none")
        if not timed:
            return None
        if isinstance(time, np.datetime64 | datetime) or hasattr(time, "to_datetime64"):
            stamp = np.datetime64(getattr(time, "to_datetime64", lambda: time)(), "ns")
            seconds = np.nan if np.isnat(stamp) else stamp.astype(np.int64) / 1e9
        else:
            try:
                seconds = float(time)
            except (TypeError, ValueError):
                raise InputError(
                    f"the time stamp is {time!r:.60}; needed is a datetime or seconds"
                ) from None
        if not np.isfinite(seconds):
            raise InputError("the row has no time stamp; pass one or leave the row out")
        if self.time is not None and seconds <= self.time:
            raise InputError(
                f"the time stamp {show_stamp(time)} is not later than that of the row before; rows "
                "of a stream come in the order of time: leave this one out, or reset()"
            )
        return float(seconds)

    def is_gap(self, seconds: float | None) -> bool:
        """Whether the step from the row before is too long."""
        if seconds is None or self.time is None:
            return False
        limit = self.policy.max_gap
        if limit is None:
            if not self.steps:
                return False
            limit = GAP_STEPS * float(np.median(self.steps))
        return seconds - self.time > limit

    def remember_time(self, seconds: float | None) -> None:
        """Take the time of a row that is taken."""
        self.timed = seconds is not None
        if seconds is not None and self.time is not None:
            self.steps.append(seconds - self.time)
        self.time = seconds

    def fill(
        self, values: NDArray[np.float64], forget: bool
    ) -> tuple[NDArray[np.float64] | None, NDArray[np.int64]]:
        """The row with its missing values held, None where it is dropped."""
        missing = np.isnan(values)
        if not missing.any():
            return values, np.zeros_like(self.absent)
        policy = self.policy
        if policy.on_missing == "drop":
            return None, self.absent
        names = [policy.columns[i] for i in np.flatnonzero(missing)]
        if policy.on_missing == "error":
            raise InputError(
                f"{quote_names(names)} without a value (NaN); leave the row out and reset(), or "
                "use a model with on_missing='hold' or 'drop'"
            )
        last = np.full_like(values, np.nan) if forget else self.last
        absent = np.where(missing, 0 if forget else self.absent, 0) + missing
        filled = np.where(missing, last, values)
        lost = np.isnan(filled) | (absent > policy.fill_limit)
        if lost.any():
            which = policy.columns[int(np.argmax(lost))]
            raise InputError(
                f"{which!r} has had no value for more than fill_limit={policy.fill_limit} rows, or "
                "none since the stream began: leave the rows out, and reset() when it is back"
            )
        return filled, absent
