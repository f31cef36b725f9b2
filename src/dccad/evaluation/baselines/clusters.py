"""Partitions of windows: k-means and a Gaussian mixture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import StandardScaler

from dccad.evaluation.baselines.base import PartitionBaseline, Windows
from dccad.evaluation.baselines.features import Kind, vectorise


@dataclass(eq=False, repr=False)
class ClusterWindows(PartitionBaseline):
    """What k-means and the mixture share: the vectors they divide.

    Parameters
    ----------
    n_components : int or None
        Principal components of the vectors; None divides the vectors themselves.
    features : {"flat", "mean", "mean-logvar"}
        Vector of a window.
    standardise : bool
        Bring every entry of the vectors to zero mean and unit variance first. Of means and
        log-variances this gives the quiet sensors as much weight as those that moved.

    The others are those of :class:`~dccad.evaluation.baselines.base.Baseline`.
    """

    n_components: int | None = 20
    features: Kind = "flat"
    standardise: bool = False

    deterministic: ClassVar[bool] = False

    def _make(self) -> Any:
        raise NotImplementedError

    def _fit(self, windows: Windows) -> None:
        vectors = vectorise(windows, self.features)
        self.vector_scaling_ = StandardScaler(
            with_mean=self.standardise, with_std=self.standardise
        ).fit(vectors)
        if self.n_components is not None:
            components = min(self.n_components, *vectors.shape)
            self.pca_ = PCA(components, random_state=self.random_state)
            self.pca_.fit(self.vector_scaling_.transform(vectors))
        self.clusters_ = self._make().fit(self._reduce(windows))

    def _assign(self, windows: Windows) -> NDArray[np.int64]:
        return np.asarray(self.clusters_.predict(self._reduce(windows)), dtype=np.int64)

    def _reduce(self, windows: Windows) -> NDArray[np.float64]:
        vectors = self.vector_scaling_.transform(vectorise(windows, self.features))
        return vectors if self.n_components is None else np.asarray(self.pca_.transform(vectors))


@dataclass(eq=False, repr=False)
class KMeansWindows(ClusterWindows):
    """k-means; the score is the distance to the nearest centre.

    Examples
    --------
    >>> from dccad import Run
    >>> rows = np.repeat([0.0, 9.0], 20)[:, None] + np.random.default_rng(0).normal(size=(40, 2))
    >>> run = Run(rows, ("a", "b"))
    >>> regions = KMeansWindows(window=4, n_components=3).fit([run]).predict_region([run])[0]
    >>> regions[:3].tolist(), bool(regions[10] != regions[30])
    ([-1, -1, -1], True)
    >>> monitor = KMeansWindows(window=4, n_components=3, false_alarm_rate=0.3)
    >>> monitor = monitor.fit(None, normal=[run.rows(0, 20)])
    >>> bool(monitor.predict([run])[0][23:].all())
    True
    """

    def _make(self) -> KMeans:
        return KMeans(self.n_clusters, n_init=10, random_state=self.random_state)

    def _score(self, windows: Windows) -> NDArray[np.float64]:
        return np.asarray(self.clusters_.transform(self._reduce(windows)).min(axis=1))


@dataclass(eq=False, repr=False)
class GaussianMixtureWindows(ClusterWindows):
    """Gaussian mixture with full covariances; the score is the negative log-likelihood.

    Parameters
    ----------
    n_init : int
        Starts, of which the likeliest is kept.
    regularisation : float
        Added to the variances.

    The others are those of :class:`ClusterWindows`.
    """

    n_init: int = 3
    regularisation: float = 1e-3
    covariance: Literal["full", "tied", "diag", "spherical"] = "full"

    def _make(self) -> GaussianMixture:
        return GaussianMixture(
            self.n_clusters,
            covariance_type=self.covariance,
            n_init=self.n_init,
            reg_covar=self.regularisation,
            random_state=self.random_state,
        )

    def _score(self, windows: Windows) -> NDArray[np.float64]:
        return -np.asarray(self.clusters_.score_samples(self._reduce(windows)))
