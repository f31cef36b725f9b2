"""From scores of normal windows to a threshold that keeps a requested false-alarm rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dccad.errors import CalibrationWarning, warn
from dccad.logs.runs import FloatArray, Run


def hold_out(
    segments: Sequence[Run], fraction: float, shortest: int
) -> tuple[list[Run], list[Run]]:
    """Keep the last part of each reference-normal run out of training.

    No window has rows of both parts, because the parts are runs of their own.

    Parameters
    ----------
    segments : sequence of Run
    fraction : float, 0 < fraction < 1
        Share of each run's rows that is kept.
    shortest : int, in rows
        A run that cannot be divided into two parts of at least this length is trained on whole.

    Returns
    -------
    (training, held_out) : lists of Run
        ``held_out`` is empty where every run is too short.

    Examples
    --------
    >>> training, held_out = hold_out([Run(np.zeros((10, 1)), ("a",))], 0.3, shortest=3)
    >>> len(training[0]), len(held_out[0])
    (7, 3)
    """
    training, held_out = [], []
    for run in segments:
        cut = round(len(run) * (1 - fraction))
        if min(cut, len(run) - cut) < shortest:
            training.append(run)
        else:
            training.append(run.rows(0, cut))
            held_out.append(run.rows(cut, len(run)))
    return training, held_out


def leave_out(segments: Sequence[Run], held_out: Sequence[Run]) -> list[Run]:
    """Cut held-out rows out of a log that contains them, as when a user marks a quiet week of it.

    Parameters
    ----------
    segments : sequence of Run
        The unlabelled log.
    held_out : sequence of Run
        From :func:`hold_out`.

    Returns
    -------
    list of Run
        The rest of the log; no run of it spans a cut.

    Examples
    --------
    >>> log = Run(np.arange(8.0)[:, None], ("a",))
    >>> [run.values.ravel().tolist() for run in leave_out([log], [log.rows(3, 5)])]
    [[0.0, 1.0, 2.0], [5.0, 6.0, 7.0]]
    """
    rest = list(segments)
    for block in held_out:
        parts: list[Run] = []
        for run in rest:
            start = _find_block(run.values, block.values)
            if start is None:
                parts.append(run)
            else:
                pieces = (run.rows(0, start), run.rows(start + len(block), len(run)))
                parts.extend(piece for piece in pieces if len(piece))
        rest = parts
    return rest


def _find_block(rows: FloatArray, block: FloatArray) -> int | None:
    """Row at which all rows of the block stand in a row, or None."""
    last = len(rows) - len(block)
    if last < 0:
        return None
    first = (rows[: last + 1] == block[0]) | (np.isnan(rows[: last + 1]) & np.isnan(block[0]))
    for start in np.flatnonzero(first.all(axis=1)):
        if np.array_equal(rows[start : start + len(block)], block, equal_nan=True):
            return int(start)
    return None


@dataclass(frozen=True)
class ConformalCalibration:
    """Threshold and p-values from scores of normal rows as if they were exchangeable.

    Attributes
    ----------
    scores : tuple of float
        Scores of normal windows, ascending.

    Examples
    --------
    >>> calibration = ConformalCalibration(tuple(range(1, 100)))
    >>> calibration.threshold(0.05), calibration.p_value([95.5, 0.0]).tolist()
    (95.0, [0.05, 1.0])
    """

    scores: tuple[float, ...]

    def threshold(self, rate: float) -> float:
        """As :func:`calibrate_threshold` gives it."""
        return calibrate_threshold(np.array(self.scores, dtype=np.float64), rate)

    def p_value(self, scores: Any) -> NDArray[np.float64]:
        """Conformal p-values, (1 + number of normal scores ≥ score) / (n + 1); NaN stays NaN."""
        values = np.asarray(scores, dtype=np.float64)
        below = np.searchsorted(np.array(self.scores), values, side="left")
        found: NDArray[np.float64] = (1 + len(self.scores) - below) / (1 + len(self.scores))
        return np.where(np.isnan(values), np.nan, found)

    def rate_interval(self, rate: float, n_rows: int, level: float = 0.9) -> None:
        """None: without the order of the scores, nothing is known of how they scatter."""

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON."""
        return {"scores": list(self.scores)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> ConformalCalibration:
        """Inverse of :meth:`to_dict`."""
        return cls(tuple(float(score) for score in record["scores"]))


def calibrate_threshold(scores: NDArray[np.float64], false_alarm_rate: float) -> float:
    """Threshold that new normal windows pass with the requested rate (split conformal).

    The ⌈(n + 1)(1 − rate)⌉-th smallest of n normal scores: exchangeable new scores lie above it
    with probability at most the rate. Rows of a log are autocorrelated, so the realised rate
    scatters around it more than independent rows would.

    Parameters
    ----------
    scores : ndarray of shape (n_windows,)
        Scores of normal windows, not used to fit the model where that can be had.
    false_alarm_rate : float, 0 < rate < 1

    Warns
    -----
    CalibrationWarning
        Too few windows for the rate: the largest score is the threshold.

    Examples
    --------
    >>> calibrate_threshold(np.arange(1.0, 100.0), 0.05)
    95.0
    """
    needed = int(np.ceil(1 / false_alarm_rate)) - 1
    rank = int(np.ceil((len(scores) + 1) * (1 - false_alarm_rate) - 1e-9))
    if rank > len(scores):
        warn(
            f"a false-alarm rate of {false_alarm_rate:g} needs at least {needed} normal windows to "
            f"calibrate on, but there are {len(scores)}: the largest score is the threshold; pass "
            "more normal rows or ask for a higher rate",
            CalibrationWarning,
        )
        rank = len(scores)
    return float(np.sort(scores)[rank - 1])
