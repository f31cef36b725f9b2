"""The methods of the benchmark tables, by name, behind one interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dccad.detector import DCCA
from dccad.evaluation.baselines import KMeansWindows
from dccad.runs import Run

WINDOW = 30
"""Window of every protocol, in rows."""


class PartitionMethod(Protocol):
    """What a method must offer to stand in a partition table."""

    window: int

    def fit(self, runs: Sequence[Run]) -> Any:
        """Learn from unlabelled runs."""

    def predict_region(self, runs: Sequence[Run]) -> list[NDArray[np.int64]]:
        """Region of each row; -1 where no window is full yet."""


MakeMethod: TypeAlias = Callable[[int, int, Mapping[str, Any]], PartitionMethod]


def _dcca(**fixed: Any) -> MakeMethod:
    def make(n_clusters: int, seed: int, settings: Mapping[str, Any]) -> PartitionMethod:
        given = {"window": WINDOW, **settings, **fixed}
        return DCCA(n_clusters=n_clusters, random_state=seed, **given)

    return make


def _kmeans_windows(n_clusters: int, seed: int, settings: Mapping[str, Any]) -> PartitionMethod:
    return KMeansWindows(settings.get("window", WINDOW), n_clusters, random_state=seed)


METHODS: dict[str, MakeMethod] = {
    "dccad": _dcca(),
    "dccad-no-split": _dcca(n_clustering_kernels=1.0),
    "autoencoder-kmeans": _dcca(alpha=0.0),
    "kmeans-windows": _kmeans_windows,
}
"""Name in tables and on the command line; ``settings`` are keyword arguments of DCCA."""
