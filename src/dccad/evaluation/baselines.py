"""Other methods under the detector's interface: ``fit(runs)`` and ``predict_region(runs)``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from dccad.model import scaled_windows
from dccad.runs import Run
from dccad.scaling import fit_scaling
from dccad.windows import window_starts, windows_to_rows


class KMeansWindows:
    """k-means on flattened windows of standardised sensors, after PCA.

    Parameters
    ----------
    window : int, in rows
    n_clusters : int
    n_components : int
        Principal components of the flattened windows.
    random_state : int

    Examples
    --------
    >>> rows = np.repeat([0.0, 9.0], 20)[:, None] + np.random.default_rng(0).normal(size=(40, 2))
    >>> run = Run(rows, ("a", "b"))
    >>> regions = KMeansWindows(window=4, n_components=3).fit([run]).predict_region([run])[0]
    >>> regions[:3].tolist(), bool(regions[10] != regions[30])
    ([-1, -1, -1], True)
    """

    def __init__(
        self,
        window: int = 30,
        n_clusters: int = 2,
        n_components: int = 20,
        random_state: int = 0,
    ) -> None:
        self.window, self.n_clusters = window, n_clusters
        self.n_components, self.random_state = n_components, random_state

    def fit(self, runs: Sequence[Run]) -> KMeansWindows:
        """Fit scaling, PCA and centres on the windows of unlabelled runs."""
        self.scaling_ = fit_scaling(runs)
        flat = self._flat_windows(runs)
        components = min(self.n_components, *flat.shape)
        self.pca_ = PCA(components, random_state=self.random_state).fit(flat)
        self.kmeans_ = KMeans(self.n_clusters, n_init=10, random_state=self.random_state)
        self.kmeans_.fit(self.pca_.transform(flat))
        return self

    def predict_region(self, runs: Sequence[Run]) -> list[NDArray[np.int64]]:
        """Cluster of each row's window; -1 where no window is full yet."""
        lengths = [len(run) for run in runs]
        starts = window_starts(lengths, self.window)
        clusters = self.kmeans_.predict(self.pca_.transform(self._flat_windows(runs)))
        rows = windows_to_rows(clusters.astype(np.int64), starts, self.window, lengths, -1)
        return np.split(rows, np.cumsum(lengths)[:-1])

    def _flat_windows(self, runs: Sequence[Run]) -> NDArray[np.float32]:
        windows = scaled_windows(runs, self.scaling_, self.window)
        return np.asarray(windows[torch.arange(len(windows))].reshape(len(windows), -1).numpy())
