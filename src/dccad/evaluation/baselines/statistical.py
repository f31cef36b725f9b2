"""Classical process monitoring: principal components, and distances under a shrunk covariance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA

from dccad.evaluation.baselines.base import Baseline, Windows
from dccad.evaluation.baselines.features import Kind, vectorise


@dataclass(eq=False, repr=False)
class PCAMonitor(Baseline):
    """T² or SPE of principal components; on lagged rows (``window`` > 1) it is dynamic PCA.

    Parameters
    ----------
    statistic : {"t2", "spe"}
        T²: squared distance within the kept components, each in units of its deviation. SPE (also
        called Q): squared distance from them.
    variance : float
        Share of the variance that the kept components explain.

    The others are those of :class:`~dccad.evaluation.baselines.base.Baseline`.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(300, 1)) * [1.0, 1.0] + [0.0, 5.0]
    >>> monitor = PCAMonitor(window=1, false_alarm_rate=0.1)
    >>> monitor = monitor.fit(None, normal=rows)  # two sensors that move together
    >>> scores = monitor.decision_function(np.array([[2.0, 7.0], [1.0, 4.0]]))
    >>> bool(scores[0] < 1e-9 < 0.1 < scores[1])
    True
    """

    statistic: Literal["t2", "spe"] = "spe"
    variance: float = 0.9

    def _fit(self, windows: Windows) -> None:
        self.pca_ = PCA(self.variance, svd_solver="full").fit(vectorise(windows, "flat"))

    def _score(self, windows: Windows) -> NDArray[np.float64]:
        flat = vectorise(windows, "flat")
        scores = self.pca_.transform(flat)
        if self.statistic == "t2":
            return np.asarray((scores**2 / self.pca_.explained_variance_).sum(axis=1))
        residual = flat - self.pca_.inverse_transform(scores)
        return np.asarray((residual**2).sum(axis=1))


@dataclass(eq=False, repr=False)
class LedoitWolfMonitor(Baseline):
    """Squared Mahalanobis distance under a Ledoit–Wolf shrunk covariance.

    Parameters
    ----------
    features : {"flat", "mean", "mean-logvar"}
        Vector of a window; "flat" with ``window=1`` is the row itself.

    The others are those of :class:`~dccad.evaluation.baselines.base.Baseline`.
    """

    features: Kind = "mean"

    def _fit(self, windows: Windows) -> None:
        self.covariance_ = LedoitWolf().fit(vectorise(windows, self.features))

    def _score(self, windows: Windows) -> NDArray[np.float64]:
        return np.asarray(self.covariance_.mahalanobis(vectorise(windows, self.features)))


@dataclass(eq=False, repr=False)
class ContrastMonitor(Baseline):
    """Mahalanobis distance within the directions in which unlabelled data stand out.

    The directions are those of the largest ratio of the unlabelled data's mean square to the
    reference's variance (a generalised eigenproblem); shrinkage and centre are of the reference.
    Without unlabelled data every direction counts, which is :class:`LedoitWolfMonitor`.

    Parameters
    ----------
    features : {"flat", "mean", "mean-logvar"}
    n_directions : int

    The others are those of :class:`~dccad.evaluation.baselines.base.Baseline`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> normal, log = rng.normal(size=(300, 3)), rng.normal(size=(300, 3)) * [1.0, 1.0, 5.0]
    >>> monitor = ContrastMonitor(window=1, n_directions=1, false_alarm_rate=0.1)
    >>> monitor = monitor.fit(log, normal=normal)
    >>> scores = monitor.decision_function(np.array([[9.0, 9.0, 0.0], [0.0, 0.0, 4.0]]))
    >>> bool(scores[0] < scores[1])
    True
    """

    features: Kind = "mean"
    n_directions: int = 20

    uses_unlabelled: ClassVar[bool] = True

    def _fit_parts(self, reference: Sequence[Windows], unlabelled: Sequence[Windows]) -> None:
        known = vectorise(np.concatenate(reference or unlabelled), self.features)
        shrunk = LedoitWolf().fit(known)
        other = vectorise(np.concatenate(unlabelled or reference), self.features)
        other = other - shrunk.location_
        # unit variance of the reference along each direction, in rising order of the ratio
        _, directions = eigh(other.T @ other / len(other), shrunk.covariance_)
        kept = self.n_directions if unlabelled else len(directions)
        self.centre_, self.directions_ = shrunk.location_, directions[:, -kept:]

    def _score(self, windows: Windows) -> NDArray[np.float64]:
        offsets = vectorise(windows, self.features) - self.centre_
        return np.asarray(((offsets @ self.directions_) ** 2).sum(axis=1))
