"""Rules that look at no sensor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dccad.logs.runs import Run


class FlagRows:
    """Flags rows by their place in the run and reads no sensor: a floor, not a method.

    Where the anomaly stands at the same place in every file, a figure that this reaches says
    nothing of a detector.

    Parameters
    ----------
    start : int
        First flagged row of each run.
    stop : int, optional
        First row that is not flagged any more; None flags to the end.

    Examples
    --------
    >>> rule = FlagRows(1, 3).fit(None)
    >>> rule.decision_function([Run(np.zeros((4, 1)), ("a",))])[0].tolist(), rule.threshold_
    ([0.0, 1.0, 1.0, 0.0], 0.5)
    """

    threshold_ = 0.5

    def __init__(self, start: int, stop: int | None = None) -> None:
        self.start, self.stop = start, stop

    def fit(
        self, X: Sequence[Run] | None, y: None = None, normal: Sequence[Run] | None = None
    ) -> FlagRows:
        """Learn nothing."""
        return self

    def decision_function(self, runs: Sequence[Run]) -> list[NDArray[np.float64]]:
        """1 for the rows from ``start`` to ``stop``, 0 for the others."""
        scores = [np.zeros(len(run)) for run in runs]
        for rows in scores:
            rows[self.start : self.stop] = 1.0
        return scores
