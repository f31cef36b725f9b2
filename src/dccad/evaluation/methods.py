"""The methods of the benchmark tables, by name, behind one interface: that of the detector."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dccad.detector import DCCA
from dccad.evaluation import baselines
from dccad.evaluation.baselines import Baseline, FlagRows
from dccad.evaluation.names import ABLATIONS, METHOD_NAMES, SLOW_MONITORS
from dccad.parameters import AS_PUBLISHED

WINDOW = 30
"""Window of every protocol, in rows."""


class MonitorMethod(Protocol):
    """What a method must offer to stand in a monitor table.

    Its own ``predict`` gives the flags, where it has one; otherwise rows above ``threshold_``,
    which normal rows of the fit decide, are flagged.
    """

    threshold_: float

    def fit(self, X: Any, y: None = None, normal: Any = None) -> Any:
        """Learn from unlabelled runs (or None), reference-normal runs, or both."""

    def decision_function(self, X: Any) -> list[NDArray[np.float64]]:
        """Score of each row of each run, from that row and earlier ones; NaN: there is none."""


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


MakeMethod: TypeAlias = Callable[[int, int, Mapping[str, Any]], Any]
"""(clusters, seed, settings of DCCA that differ from its defaults) to a method."""


@dataclass(frozen=True)
class MethodSpec:
    """How a method is made, and where it can stand.

    Attributes
    ----------
    make : callable (n_clusters, seed, settings) -> method
    partition, monitor : bool
        Tables in which it can stand.
    windows : tuple of int
        Windows at which the tables show it, as ``NAME@WINDOW``; empty: only at the protocol's.
    deterministic : bool
        The seed changes nothing: one fit stands for all seeds.
    slow : bool
        Left out unless it is asked for.
    uses_unlabelled : bool
        Learns from unlabelled rows beside a reference; otherwise it reads the reference alone.
    needs_unlabelled : bool
        Says nothing new without unlabelled rows.
    ablation : bool
        The detector with one part taken away or replaced; only shown if it is asked for.
    """

    make: MakeMethod
    partition: bool = False
    monitor: bool = False
    windows: tuple[int, ...] = ()
    deterministic: bool = False
    slow: bool = False
    uses_unlabelled: bool = False
    needs_unlabelled: bool = False
    ablation: bool = False


SHARED = ("window", "false_alarm_rate", "calibration_fraction", "max_gap")
"""Settings of DCCA that baselines follow too; the others are its own."""


def _dcca(**fixed: Any) -> MethodSpec:
    def make(n_clusters: int, seed: int, settings: Mapping[str, Any]) -> DCCA:
        given = {"window": WINDOW, **settings, **fixed}
        return DCCA(n_clusters=n_clusters, random_state=seed, **given)

    return MethodSpec(make, partition=True, monitor=True, uses_unlabelled=True)


def _baseline(
    kind: type[Baseline],
    *,
    windows: tuple[int, ...] = (1, 10, 30),
    rows: bool = False,
    monitor: bool = True,
    needs_unlabelled: bool = False,
    **fixed: Any,
) -> MethodSpec:
    """``rows``: score single rows, and average as many scores as a window has rows."""

    def make(n_clusters: int, seed: int, settings: Mapping[str, Any]) -> Baseline:
        given: dict[str, Any] = {"window": WINDOW}
        given |= {name: settings[name] for name in SHARED if name in settings}
        if rows:
            given |= {"window": 1, "score_mean": given["window"]}
        return kind(n_clusters=n_clusters, random_state=seed, **given, **fixed)

    return MethodSpec(
        make,
        partition=issubclass(kind, baselines.PartitionBaseline),
        monitor=monitor,
        windows=windows,
        deterministic=kind.deterministic,
        uses_unlabelled=kind.uses_unlabelled,
        needs_unlabelled=needs_unlabelled,
    )


LONG: dict[str, Any] = {"windows": (10, 30)}
STATISTICS: dict[str, Any] = {"features": "mean-logvar", **LONG}
ROWS: dict[str, Any] = {"features": "flat", "rows": True}

_SPECS = {
    "dccad": _dcca(),
    "dccad-published": _dcca(**AS_PUBLISHED),
    "autoencoder-kmeans": _dcca(**AS_PUBLISHED, alpha=0.0),
    "dccad-no-split": _dcca(n_clustering_kernels=1.0),
    "dccad-alpha-0": _dcca(alpha=0.0),
    "dccad-untrained": _dcca(pretrain_epochs=0, joint_epochs=0),
    "dccad-sensors": _dcca(representation="sensors"),
    "dccad-whitened": _dcca(representation="whitened"),
    "dccad-untamed": _dcca(taming=None),
    "dccad-separation": _dcca(ranking="separation"),
    "dccad-persistence": _dcca(ranking="persistence"),
    "dccad-distance": _dcca(ranking="distance"),
    "dccad-centres": _dcca(consensus="centres"),
    "kmeans-windows": _baseline(baselines.KMeansWindows),
    "gmm-windows": _baseline(baselines.GaussianMixtureWindows),
    "kmeans-stats": _baseline(baselines.KMeansWindows, **STATISTICS),
    "gmm-stats": _baseline(baselines.GaussianMixtureWindows, **STATISTICS),
    "kmeans-scaled-stats": _baseline(baselines.KMeansWindows, standardise=True, **STATISTICS),
    "gmm-scaled-stats": _baseline(baselines.GaussianMixtureWindows, standardise=True, **STATISTICS),
    "statistic-selection": _baseline(baselines.StatisticSelection, monitor=False, **LONG),
    "pca-t2": _baseline(baselines.PCAMonitor, statistic="t2", rows=True),
    "pca-spe": _baseline(baselines.PCAMonitor, rows=True),
    "dpca-t2": _baseline(baselines.PCAMonitor, statistic="t2", **LONG),
    "dpca-spe": _baseline(baselines.PCAMonitor, **LONG),
    "lw-rows": _baseline(baselines.LedoitWolfMonitor, **ROWS),
    "lw-mean": _baseline(baselines.LedoitWolfMonitor, **LONG),
    "lw-stats": _baseline(baselines.LedoitWolfMonitor, **STATISTICS),
    "contrast-rows": _baseline(baselines.ContrastMonitor, needs_unlabelled=True, **ROWS),
    "contrast-mean": _baseline(baselines.ContrastMonitor, needs_unlabelled=True, **LONG),
    "contrast-stats": _baseline(baselines.ContrastMonitor, needs_unlabelled=True, **STATISTICS),
    "isolation-forest": _baseline(baselines.IsolationForestMonitor),
    "neighbours": _baseline(baselines.NeighboursMonitor),
    "conv-autoencoder": _baseline(baselines.ConvAutoencoderMonitor, **LONG),
    "lstm-autoencoder": _baseline(baselines.LSTMAutoencoderMonitor, **LONG),
    "pyod-autoencoder": _baseline(baselines.PyODAutoEncoder),
    "pyod-deepsvdd": _baseline(baselines.PyODDeepSVDD, rows=True),
}

METHODS: dict[str, MethodSpec] = {
    name: replace(_SPECS[name], slow=name in SLOW_MONITORS, ablation=name in ABLATIONS)
    for name in METHOD_NAMES
}
"""Name in tables and on the command line; ``NAME@WINDOW`` is the same at another window."""


def _flag_rows(start: int, stop: int | None = None) -> MethodSpec:
    def make(n_clusters: int, seed: int, settings: Mapping[str, Any]) -> FlagRows:
        return FlagRows(start, stop)

    return MethodSpec(make, monitor=True, deterministic=True)


POSITION_ONLY: dict[str, MethodSpec] = {
    "rows-570-969": _flag_rows(570, 970),
    "rows-from-570": _flag_rows(570),
    "all-rows": _flag_rows(0),
}
"""Rules that read no sensor, shown beside the methods on SKAB, where the anomaly always stands at
the same place of the file."""


def split_name(name: str) -> tuple[str, int | None]:
    """Family and window of a name in a table.

    Examples
    --------
    >>> split_name("lw-mean@10"), split_name("dccad"), split_name("lw-mean@ten")
    (('lw-mean', 10), ('dccad', None), ('lw-mean@ten', None))
    """
    family, _, window = name.partition("@")
    if window.isdecimal() and int(window) > 0:
        return family, int(window)
    return name, None


def find_method(name: str) -> MethodSpec | None:
    """Look a method up by its name in a table; None for an unknown one.

    Examples
    --------
    >>> find_method("lw-mean@7").make(2, 0, {"window": 30}).window
    7
    >>> find_method("lw-mena") is None
    True
    """
    family, window = split_name(name)
    spec = METHODS.get(family) or (POSITION_ONLY.get(family) if window is None else None)
    if spec is None or window is None:
        return spec
    make = spec.make
    at_window: dict[str, Any] = {"window": window}
    return replace(spec, make=lambda k, seed, settings: make(k, seed, {**settings, **at_window}))
