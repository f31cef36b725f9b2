"""Other methods under the detector's interface, so that they stand in the same tables."""

from dccad.evaluation.baselines.base import Baseline, PartitionBaseline
from dccad.evaluation.baselines.clusters import GaussianMixtureWindows, KMeansWindows
from dccad.evaluation.baselines.networks import ConvAutoencoderMonitor, LSTMAutoencoderMonitor
from dccad.evaluation.baselines.outliers import (
    IsolationForestMonitor,
    NeighboursMonitor,
    PyODAutoEncoder,
    PyODDeepSVDD,
)
from dccad.evaluation.baselines.position import FlagRows
from dccad.evaluation.baselines.selection import StatisticSelection
from dccad.evaluation.baselines.statistical import (
    ContrastMonitor,
    LedoitWolfMonitor,
    PCAMonitor,
)

__all__ = [
    "Baseline",
    "ContrastMonitor",
    "ConvAutoencoderMonitor",
    "FlagRows",
    "GaussianMixtureWindows",
    "IsolationForestMonitor",
    "KMeansWindows",
    "LSTMAutoencoderMonitor",
    "LedoitWolfMonitor",
    "NeighboursMonitor",
    "PCAMonitor",
    "PartitionBaseline",
    "PyODAutoEncoder",
    "PyODDeepSVDD",
    "StatisticSelection",
]
