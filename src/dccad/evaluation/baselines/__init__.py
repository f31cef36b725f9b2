"""Other methods under the detector's interface, so that they stand in the same tables."""

from dccad.evaluation.baselines.clusters import GaussianMixtureWindows, KMeansWindows
from dccad.evaluation.baselines.position import FlagRows
from dccad.evaluation.baselines.selection import StatisticSelection
from dccad.evaluation.baselines.statistical import LedoitWolfMonitor, PCAMonitor

__all__ = [
    "FlagRows",
    "GaussianMixtureWindows",
    "KMeansWindows",
    "LedoitWolfMonitor",
    "PCAMonitor",
    "StatisticSelection",
]
