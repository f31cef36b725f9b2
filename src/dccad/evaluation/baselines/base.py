"""What every baseline shares: windows, scaling, rows, the held-out threshold.

A baseline says how it learns from windows (``_fit``) and how it scores or assigns them (``_score``,
``_assign``); everything else stands here. Its interface is that of the detector.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from dccad.errors import CalibrationWarning, warn
from dccad.logs.inputs import check_log
from dccad.logs.runs import Log, Reading, Run
from dccad.logs.windows import check_window_count, slice_windows
from dccad.method.representation.scaling import fit_scaling

GAP = 30
"""Rows of the held-out part that are not calibrated on: they fill its first windows, and stand
apart from the rows of the fit."""

NO_THRESHOLD = "%(name)s has no threshold: fit it with reference-normal rows (normal=...) first"

SCORED_TOGETHER = 4096
"""Windows that are scored in one piece."""

Windows: TypeAlias = NDArray[np.float32]
"""Shape (n_windows, n_sensors, window), of standardised sensors."""

Self = TypeVar("Self", bound="Baseline")


@dataclass(eq=False, repr=False)
class Baseline(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Windows of standardised sensors in, one score per row out.

    Parameters
    ----------
    window : int, in rows
    n_clusters : int
        Number of regions of a partition.
    random_state : int
    false_alarm_rate : float
        Share of the held-out normal rows that may lie above the threshold.
    calibration_fraction : float
        Last share of each reference run that is held out for the threshold.
    max_gap : float, optional
        Seconds between two rows above which a run is interrupted, as for :class:`dccad.DCCA`.
    score_mean : int
        A row's score is the mean of this many latest window scores of its run.

    Attributes
    ----------
    scaling_ : Scaling
    threshold_ : float
        Score above which ``predict`` flags a row; only after a fit with ``normal``. It belongs to
        ``calibrated_``.
    calibrated_ : Baseline
        A copy fitted without the held-out rows. ``decision_function`` has learnt from all rows.
    """

    deterministic: ClassVar[bool] = True
    """The seed changes nothing."""

    uses_unlabelled: ClassVar[bool] = False
    """Beside reference runs, unlabelled ones are learnt from too; else they are left unread."""

    window: int = 30
    n_clusters: int = 2
    random_state: int = 0
    false_alarm_rate: float = 0.01
    calibration_fraction: float = 0.3
    max_gap: float | None = None
    score_mean: int = 1

    def fit(self: Self, X: Any, y: None = None, normal: Any = None) -> Self:
        """Learn from unlabelled runs, reference-normal runs, or both.

        Parameters
        ----------
        X : runs or None
            Unlabelled: a run, an array, or a list or dict of these.
        y : ignored
        normal : runs, optional
            Reference-normal runs: they decide the scaling, and the last part of each gives the
            threshold. Where every run is too short for that, the threshold comes from the windows
            of the fit.

        Warns
        -----
        CalibrationWarning
            Fewer windows give the threshold than its rate needs.

        Raises
        ------
        InputError
            Nothing to fit, too few windows, or values that are missing.
        """
        reference = [] if normal is None else list(self._check(normal).segments)
        skipped = reference and not self.uses_unlabelled
        unlabelled = [] if X is None or skipped else list(self._check(X).segments)
        self._learn(reference, unlabelled)
        if not reference:
            return self
        kept, held_out = self._hold_out(reference)
        self.calibrated_: Baseline = self
        if held_out:
            self.calibrated_ = clone(self)
            self.calibrated_._learn(kept, unlabelled)
        scores = np.concatenate(
            [
                self.calibrated_._score_segment(part)[GAP if held_out else 0 :]
                for part in held_out or kept
            ]
        )
        seen = scores[~np.isnan(scores)]
        _warn_of_few(len(seen), self.false_alarm_rate)
        self.threshold_ = float(np.quantile(seen, 1 - self.false_alarm_rate))
        return self

    def decision_function(self, X: Any) -> Any:
        """Score of each row, from that row and earlier ones; NaN where there is none yet.

        Returns
        -------
        ndarray of shape (n_rows,), or a list or dict of these as ``X`` is
        """
        check_is_fitted(self, "scaling_")
        log = self._check(X)
        self._check_windows(log.segments, 1)
        return log.restore(np.concatenate([self._score_segment(part) for part in log.segments]))

    def predict(self, X: Any) -> Any:
        """1 for rows above the threshold that held-out normal rows gave, 0 for the others.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            There was no fit, or one without reference-normal rows.
        """
        check_is_fitted(self, "threshold_", msg=NO_THRESHOLD)
        log = self._check(X)
        scores = [self.calibrated_._score_segment(part) for part in log.segments]
        flags = np.concatenate(scores) > self.threshold_  # NaN compares as False
        return log.restore(flags.astype(np.int64))

    def _fit(self, windows: Windows) -> None:
        """Learn from windows of shape (n_windows, n_sensors, window)."""
        raise NotImplementedError

    def _score(self, windows: Windows) -> NDArray[np.floating[Any]]:
        """One score per window, higher is more anomalous."""
        raise NotImplementedError

    def _fit_parts(self, reference: Sequence[Windows], unlabelled: Sequence[Windows]) -> None:
        """Learn from the windows of each segment; most baselines make no difference."""
        self._fit(np.concatenate([*reference, *unlabelled]))

    def _learn(self, reference: Sequence[Run], unlabelled: Sequence[Run]) -> None:
        segments = [*reference, *unlabelled]
        self._check_windows(segments, self.n_clusters)
        self.scaling_ = fit_scaling(reference or segments)
        self._fit_parts(
            [self._windows(part) for part in reference],
            [self._windows(part) for part in unlabelled],
        )

    def _hold_out(self, reference: Sequence[Run]) -> tuple[list[Run], list[Run]]:
        """The first part of each reference run, and the last part of those that are long enough."""
        shortest = self.window + self.score_mean + self.n_clusters
        kept, held_out = [], []
        for run in reference:
            cut = round(len(run) * (1 - self.calibration_fraction))
            if cut < shortest or len(run) - cut < max(shortest, GAP + self.n_clusters):
                kept.append(run)
            else:
                kept.append(run.rows(0, cut))
                held_out.append(run.rows(cut, len(run)))
        return kept, held_out

    def _check(self, X: Any) -> Log:
        return check_log(X, Reading(self.max_gap))

    def _check_windows(self, segments: Sequence[Run], needed: int) -> None:
        check_window_count(segments, self.window, needed)

    def _windows(self, segment: Run) -> Windows:
        rows = self.scaling_.apply(segment.values)
        windows: Windows = slice_windows(rows, self.window)
        return windows

    def _score_segment(self, segment: Run) -> NDArray[np.float64]:
        """Score of each row of one segment."""
        scores = self._per_window(self._score, self._windows(segment)).astype(np.float64)
        if len(scores) < self.score_mean:
            return np.full(len(segment), np.nan)
        if self.score_mean > 1:
            stretches = np.lib.stride_tricks.sliding_window_view(scores, self.score_mean)
            scores = stretches.mean(axis=1)
        return np.concatenate([np.full(len(segment) - len(scores), np.nan), scores])

    def _per_window(
        self, apply: Callable[[Windows], NDArray[Any]], windows: Windows
    ) -> NDArray[Any]:
        parts = [
            np.asarray(apply(windows[first : first + SCORED_TOGETHER]))
            for first in range(0, len(windows), SCORED_TOGETHER)
        ]
        return np.concatenate(parts) if parts else np.empty(0)


def _warn_of_few(count: int, rate: float) -> None:
    needed = int(np.ceil(1 / rate)) - 1
    if count < needed:
        warn(
            f"a false-alarm rate of {rate:g} needs at least {needed} normal windows to calibrate "
            f"on, but there are {count}; pass more normal rows or ask for a higher rate",
            CalibrationWarning,
        )


@dataclass(eq=False, repr=False)
class PartitionBaseline(Baseline):
    """A baseline that divides windows into regions; region 0 is the largest of the fit.

    Attributes
    ----------
    region_of_cluster_ : ndarray of shape (n_clusters,), int
    """

    uses_unlabelled = True

    def fit_predict(self, X: Any, y: None = None, normal: Any = None) -> Any:
        """Fit, and give the region of each row of ``X``."""
        return self.fit(X, normal=normal).predict_region(X)

    def predict_region(self, X: Any) -> Any:
        """Region of each row's window, 0 the largest of the fit; -1 where no window is full."""
        check_is_fitted(self, "scaling_")
        log = self._check(X)
        self._check_windows(log.segments, 1)
        return log.restore(np.concatenate([self._assign_segment(part) for part in log.segments]))

    def _assign(self, windows: Windows) -> NDArray[np.integer[Any]]:
        """Number of each window's cluster, 0 to n_clusters - 1."""
        raise NotImplementedError

    def _fit_parts(self, reference: Sequence[Windows], unlabelled: Sequence[Windows]) -> None:
        super()._fit_parts(reference, unlabelled)
        # clusters are numbered by size, so that 0 is the guess at the normal region
        clusters = [self._per_window(self._assign, part) for part in (*reference, *unlabelled)]
        sizes = np.bincount(np.concatenate(clusters).astype(np.int64), minlength=self.n_clusters)
        self.region_of_cluster_ = np.argsort(np.argsort(-sizes, kind="stable"))

    def _assign_segment(self, segment: Run) -> NDArray[np.int64]:
        clusters = self._per_window(self._assign, self._windows(segment)).astype(np.int64)
        unknown = np.full(len(segment) - len(clusters), -1)
        return np.concatenate([unknown, self.region_of_cluster_[clusters]]).astype(np.int64)
