"""The methods of the benchmark tables, by name, behind one interface: that of the detector."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dccad.detector import DCCA
from dccad.evaluation.baselines import FlagRows, KMeansWindows

WINDOW = 30
"""Window of every protocol, in rows."""


class MonitorMethod(Protocol):
    """What a method must offer to stand in a monitor table."""

    threshold_: float

    def fit(self, X: Any, y: None = None, normal: Any = None) -> Any:
        """Learn from unlabelled runs (or None), reference-normal runs, or both."""

    def decision_function(self, X: Any) -> list[NDArray[np.float64]]:
        """Score of each row of each run, from that row and earlier ones; NaN where there is none.

        Rows above ``threshold_``, which normal rows of the fit decide, are flagged.
        """


class PartitionMethod(Protocol):
    """What a method must offer to stand in a partition table."""

    window: int

    def fit(self, X: Any) -> Any:
        """Learn from unlabelled runs."""

    def predict_region(self, X: Any) -> list[NDArray[np.int64]]:
        """Region of each row; 0 is taken as normal, -1 says that no window is full yet."""


class Method(MonitorMethod, PartitionMethod, Protocol):
    """A method that can do both, as the detector can."""

    def fit(self, X: Any, y: None = None, normal: Any = None) -> Any:
        """Learn from unlabelled runs (or None), reference-normal runs, or both."""


MakeMethod: TypeAlias = Callable[[int, int, Mapping[str, Any]], Method]
MakeMonitor: TypeAlias = Callable[[int, int, Mapping[str, Any]], MonitorMethod]

SHARED = ("window", "false_alarm_rate", "calibration_fraction", "max_gap")
"""Settings of DCCA that baselines follow too; the others are its own."""


def _dcca(**fixed: Any) -> MakeMethod:
    def make(n_clusters: int, seed: int, settings: Mapping[str, Any]) -> Method:
        given = {"window": WINDOW, **settings, **fixed}
        detector: Method = DCCA(n_clusters=n_clusters, random_state=seed, **given)
        return detector

    return make


def _kmeans_windows(n_clusters: int, seed: int, settings: Mapping[str, Any]) -> Method:
    shared = {name: settings[name] for name in SHARED if name in settings}
    return KMeansWindows(n_clusters=n_clusters, random_state=seed, **{"window": WINDOW, **shared})


def _flag_rows(start: int, stop: int | None = None) -> MakeMonitor:
    def make(n_clusters: int, seed: int, settings: Mapping[str, Any]) -> MonitorMethod:
        return FlagRows(start, stop)

    return make


METHODS: dict[str, MakeMethod] = {
    "dccad": _dcca(),
    "dccad-no-split": _dcca(n_clustering_kernels=1.0),
    "autoencoder-kmeans": _dcca(alpha=0.0),
    "kmeans-windows": _kmeans_windows,
}
"""Name in tables and on the command line; ``settings`` are keyword arguments of DCCA."""

POSITION_ONLY: dict[str, MakeMonitor] = {
    "rows-570-969": _flag_rows(570, 970),
    "rows-from-570": _flag_rows(570),
    "all-rows": _flag_rows(0),
}
"""Rules that read no sensor, shown beside the methods on SKAB, where the anomaly always stands at
the same place of the file."""
