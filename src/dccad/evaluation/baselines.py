"""Other methods under the detector's interface.

``fit(runs)`` and ``predict_region`` for a partition; ``fit(None, normal=runs)``,
``decision_function`` and ``threshold_`` for a monitor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from dccad.calibration import calibrate_threshold, hold_out
from dccad.model import scaled_windows
from dccad.runs import Run, split_at_gaps
from dccad.scaling import fit_scaling
from dccad.windows import check_window_count, window_starts, windows_to_rows


class KMeansWindows:
    """k-means on flattened windows of standardised sensors, after PCA.

    Parameters
    ----------
    window : int, in rows
    n_clusters : int
    n_components : int
        Principal components of the flattened windows.
    random_state : int
    false_alarm_rate, calibration_fraction, max_gap
        As :class:`dccad.DCCA` has them: the threshold of a monitor comes from the same rows by the
        same rule, and no window spans an interruption.

    Attributes
    ----------
    threshold_ : float
        Score above which a row is flagged; only after a fit with ``normal``.

    Examples
    --------
    >>> rows = np.repeat([0.0, 9.0], 20)[:, None] + np.random.default_rng(0).normal(size=(40, 2))
    >>> run = Run(rows, ("a", "b"))
    >>> regions = KMeansWindows(window=4, n_components=3).fit([run]).predict_region([run])[0]
    >>> regions[:3].tolist(), bool(regions[10] != regions[30])
    ([-1, -1, -1], True)
    >>> monitor = KMeansWindows(window=4, n_components=3, false_alarm_rate=0.3)
    >>> monitor = monitor.fit(None, normal=[run.rows(0, 20)])
    >>> scores = monitor.decision_function([run])[0]
    >>> bool((scores[23:] > monitor.threshold_).all())
    True
    """

    def __init__(
        self,
        window: int = 30,
        n_clusters: int = 2,
        n_components: int = 20,
        random_state: int = 0,
        false_alarm_rate: float = 0.01,
        calibration_fraction: float = 0.3,
        max_gap: float | None = None,
    ) -> None:
        self.window, self.n_clusters = window, n_clusters
        self.n_components, self.random_state = n_components, random_state
        self.false_alarm_rate, self.calibration_fraction = false_alarm_rate, calibration_fraction
        self.max_gap = max_gap

    def fit(
        self, X: Sequence[Run] | None, y: None = None, normal: Sequence[Run] | None = None
    ) -> KMeansWindows:
        """Fit scaling, PCA and centres on windows, and the threshold on held-out normal ones.

        Parameters
        ----------
        X : sequence of Run or None
            Unlabelled.
        y : ignored
        normal : sequence of Run, optional
            Reference-normal runs: they decide the scaling, and the last part of each is held out
            for the threshold. Without such a part the threshold comes from the windows of the fit.

        Raises
        ------
        InputError
            There are fewer windows than clusters.
        """
        unlabelled, reference = self._segments(X or ()), self._segments(normal or ())
        trained, held_out = hold_out(
            reference, self.calibration_fraction, self.window + self.n_clusters
        )
        training = trained + unlabelled
        check_window_count(training, self.window, self.n_clusters)
        self.scaling_ = fit_scaling(trained or training)
        flat = self._flat_windows(training)
        components = min(self.n_components, *flat.shape)
        self.pca_ = PCA(components, random_state=self.random_state).fit(flat)
        self.kmeans_ = KMeans(self.n_clusters, n_init=10, random_state=self.random_state)
        # clusters are numbered by size, so that 0 is the guess at the normal region
        clusters = self.kmeans_.fit_predict(self.pca_.transform(flat))
        sizes = np.bincount(clusters, minlength=self.n_clusters)
        self.region_of_cluster_ = np.argsort(np.argsort(-sizes, kind="stable"))
        if reference:
            seen = self._distances(held_out or trained)
            self.threshold_ = calibrate_threshold(seen, self.false_alarm_rate)
        return self

    def predict_region(self, runs: Sequence[Run]) -> list[NDArray[np.int64]]:
        """Cluster of each row's window, 0 the largest of the fit; -1 where no window is full."""
        clusters = self.kmeans_.predict(self.pca_.transform(self._flat_windows(runs)))
        return self._to_rows(self.region_of_cluster_[clusters].astype(np.int64), runs, -1)

    def decision_function(self, runs: Sequence[Run]) -> list[NDArray[np.float64]]:
        """Distance of each row's window to the nearest centre; NaN where no window is full yet."""
        return self._to_rows(self._distances(runs), runs, np.nan)

    def _distances(self, runs: Sequence[Run]) -> NDArray[np.float64]:
        components = self.pca_.transform(self._flat_windows(runs))
        return np.asarray(self.kmeans_.transform(components).min(axis=1), dtype=np.float64)

    def _segments(self, runs: Sequence[Run]) -> list[Run]:
        return [part for run in runs for part in split_at_gaps(run, self.max_gap)]

    def _flat_windows(self, runs: Sequence[Run]) -> NDArray[np.float32]:
        segments = self._segments(runs)
        check_window_count(segments, self.window)
        windows = scaled_windows(segments, self.scaling_, self.window)
        return np.asarray(windows[torch.arange(len(windows))].reshape(len(windows), -1).numpy())

    def _to_rows(self, values: NDArray[Any], runs: Sequence[Run], fill: float) -> list[Any]:
        lengths = [len(part) for part in self._segments(runs)]
        starts = window_starts(lengths, self.window)
        rows = windows_to_rows(values, starts, self.window, lengths, fill)
        return np.split(rows, np.cumsum([len(run) for run in runs])[:-1])


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
