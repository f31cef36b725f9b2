"""From scores of normal windows to a threshold that keeps a requested false-alarm rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dccad.errors import CalibrationWarning, warn


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

    KIND: ClassVar[str] = "conformal"

    scores: tuple[float, ...]

    def threshold(self, rate: float) -> float:
        """Score that new normal windows exceed with at most the rate (split conformal).

        The ⌈(n + 1)(1 − rate)⌉-th smallest of n normal scores. Rows of a log are autocorrelated, so
        the realised rate scatters around it more than that of independent rows would.

        Parameters
        ----------
        rate : float, 0 < rate < 1

        Warns
        -----
        CalibrationWarning
            Too few windows for the rate: the largest score is the threshold.
        """
        n_scores = len(self.scores)
        rank = int(np.ceil((n_scores + 1) * (1 - rate) - 1e-9))
        if rank > n_scores:
            warn(
                f"a false-alarm rate of {rate:g} needs at least {int(np.ceil(1 / rate)) - 1} "
                f"normal windows to calibrate on, but there are {n_scores}: the largest score is "
                "the threshold; pass more normal rows or ask for a higher rate",
                CalibrationWarning,
            )
        return float(self.scores[min(rank, n_scores) - 1])

    def p_value(self, scores: Any) -> NDArray[np.float64]:
        """Conformal p-values, (1 + number of normal scores ≥ score) / (n + 1); NaN stays NaN."""
        values = np.asarray(scores, dtype=np.float64)
        below = np.searchsorted(np.array(self.scores), values, side="left")
        found: NDArray[np.float64] = (1 + len(self.scores) - below) / (1 + len(self.scores))
        return np.where(np.isnan(values), np.nan, found)

    def rate_interval(self, rate: float, n_rows: int, level: float = 0.9) -> None:
        """None: without the order of the scores, nothing is known about how they scatter."""

    @property
    def ordered(self) -> None:
        """None: which score came after which is not kept, so no rate of alarms is known."""

    def to_record(self) -> dict[str, Any]:
        """Kind and scores, for JSON."""
        return {"kind": self.KIND, "scores": list(self.scores)}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ConformalCalibration:
        """Inverse of :meth:`to_record`."""
        return cls(tuple(float(score) for score in record["scores"]))
