"""Outlier detectors of scikit-learn and PyOD, and any other of their form, on windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors

from dccad.evaluation.baselines.base import Baseline, Windows
from dccad.evaluation.baselines.features import vectorise
from dccad.support.extras import require


@dataclass(eq=False, repr=False)
class IsolationForestMonitor(Baseline):
    """Isolation forest on flattened windows.

    Parameters
    ----------
    n_trees : int

    The others are those of :class:`~dccad.evaluation.baselines.base.Baseline`.
    """

    n_trees: int = 100

    deterministic: ClassVar[bool] = False

    def _fit(self, windows: Windows) -> None:
        forest = IsolationForest(n_estimators=self.n_trees, random_state=self.random_state)
        self.forest_ = forest.fit(vectorise(windows, "flat"))

    def _score(self, windows: Windows) -> NDArray[np.float64]:
        return -np.asarray(self.forest_.score_samples(vectorise(windows, "flat")))


@dataclass(eq=False, repr=False)
class NeighboursMonitor(Baseline):
    """Distance of a flattened window to the k-th nearest one of the fit.

    Parameters
    ----------
    n_neighbours : int

    The others are those of :class:`~dccad.evaluation.baselines.base.Baseline`.
    """

    n_neighbours: int = 5

    def _fit(self, windows: Windows) -> None:
        flat = vectorise(windows, "flat")
        self.neighbours_ = NearestNeighbors(n_neighbors=min(self.n_neighbours, len(flat))).fit(flat)

    def _score(self, windows: Windows) -> NDArray[np.float64]:
        distances, _ = self.neighbours_.kneighbors(vectorise(windows, "flat"))
        return np.asarray(distances[:, -1])


@dataclass(eq=False, repr=False)
class PyODMonitor(Baseline):
    """A deep detector of PyOD on flattened windows.

    Raises
    ------
    MissingExtraError
        At the fit, where PyOD is not installed.
    """

    epochs: int = 100

    deterministic: ClassVar[bool] = False

    def _make(self, n_features: int) -> Any:
        raise NotImplementedError

    def _fit(self, windows: Windows) -> None:
        flat = vectorise(windows, "flat")
        self.detector_ = self._make(flat.shape[1]).fit(flat)

    def _score(self, windows: Windows) -> NDArray[np.float64]:
        flat = vectorise(windows, "flat")
        return np.asarray(self.detector_.decision_function(flat), dtype=np.float64)


@dataclass(eq=False, repr=False)
class PyODAutoEncoder(PyODMonitor):
    """PyOD's ``AutoEncoder`` with its defaults, but for the number of epochs."""

    def _make(self, n_features: int) -> Any:
        module = require("pyod.models.auto_encoder", extra="baselines")
        return module.AutoEncoder(
            epoch_num=self.epochs, random_state=self.random_state, device="cpu", verbose=0
        )


@dataclass(eq=False, repr=False)
class PyODDeepSVDD(PyODMonitor):
    """PyOD's ``DeepSVDD`` with its defaults."""

    def _make(self, n_features: int) -> Any:
        module = require("pyod.models.deep_svdd", extra="baselines")
        return module.DeepSVDD(
            n_features, epochs=self.epochs, random_state=self.random_state, verbose=0
        )
