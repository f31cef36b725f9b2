"""Put a detector of one's own into the benchmark tables."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import OutlierMixin, clone

from dccad.datasets import Dataset
from dccad.errors import InputError
from dccad.evaluation.baselines.base import PartitionBaseline, Windows
from dccad.evaluation.baselines.features import vectorise
from dccad.evaluation.benchmark import run_benchmark
from dccad.evaluation.methods import SHARED, WINDOW, MakeMethod, find_method
from dccad.evaluation.registry import check_protocol


def evaluate(
    detectors: Mapping[str, Any],
    protocol: str,
    data: Dataset | str | Path | None = None,
    *,
    methods: Sequence[str] = (),
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    settings: Mapping[str, Any] | None = None,
    n_processes: int = 1,
) -> dict[str, Any]:
    """Run a protocol over detectors of one's own, and over named methods beside them.

    A detector is fitted on a table with one flattened window of standardised sensors per row
    (``settings={"window": 1}``: one instant per row) and scores such tables; windows, runs,
    interruptions and the threshold from held-out normal rows are taken care of. Scores follow
    PyOD: higher is more anomalous. Outlier detectors of scikit-learn say it the other way round;
    they are recognised, and their sign is turned.

    Parameters
    ----------
    detectors : mapping of str to object
        Name in the table, and: an object with ``fit(X)`` and ``decision_function(X)`` (in tables
        of partitions ``predict(X)``, whose labels are the regions), which is copied for each fit;
        or a function from seed to such an object. A copy's ``random_state`` is set to the seed
        and, in tables of partitions, its ``n_clusters`` to what the protocol asks for, where it
        has these parameters. An object whose ``fit`` takes ``normal`` is used as it is, on runs,
        as :class:`dccad.DCCA`.
    protocol : str
        A key of :data:`dccad.evaluation.registry.PROTOCOLS`.
    data : Dataset, folder or None
        None: the embedded or the simulated set of the protocol.
    methods : sequence of str
        Named methods that stand beside them.
    seeds, settings, n_processes
        As for :func:`dccad.evaluation.benchmark.run_benchmark`. Of the settings the detectors
        follow ``window``, ``false_alarm_rate``, ``calibration_fraction`` and ``max_gap``.

    Returns
    -------
    dict
        The record of :func:`~dccad.evaluation.benchmark.run_benchmark`, with ``detectors``, the
        form in which each one was given.

    Raises
    ------
    InputError
        A name that a method has already, or an object that lacks what the protocol needs.

    Examples
    --------
    >>> from sklearn.ensemble import IsolationForest
    >>> from dccad import Run
    >>> rng = np.random.default_rng(0)
    >>> normal = [Run(rng.normal(size=(300, 2)), ("a", "b"), n, fault=0) for n in ("d00", "d00_te")]
    >>> values = rng.normal(size=(300, 2))
    >>> values[160:] += 5.0
    >>> faulty = Run(values, ("a", "b"), "d01_te", fault=1, onset=160)
    >>> dataset = Dataset("mini", (normal[0],), (normal[1], faulty))
    >>> forest = {"my forest": IsolationForest()}
    >>> record = evaluate(forest, "tep-monitor", dataset, seeds=[0], settings={"window": 1})
    >>> record["results"]["my forest"]["fdr_1_at_far_1"]["mean"] > 0.9
    True
    """
    plan = check_protocol(protocol, methods, settings or {})
    makers: dict[str, MakeMethod] = {}
    for name, detector in detectors.items():
        if find_method(name) is not None:
            raise InputError(f"detector {name!r}: a method has this name; choose another")
        makers[name] = _Maker(name, detector, plan.partition, plan.monitor or plan.either)
    for maker in makers.values():
        maker(2, int(seeds[0]), {})  # refuses what cannot be used before anything is fitted
    if not isinstance(data, Dataset):
        data = plan.load(None if data is None else Path(data))
    record = run_benchmark(
        protocol,
        data,
        methods=methods,
        seeds=seeds,
        settings=settings,
        n_processes=n_processes,
        makers=makers,
    )
    record["detectors"] = {name: _describe(detector) for name, detector in detectors.items()}
    return record


@dataclass(frozen=True)
class _Maker:
    """What makes a fresh method of a user's detector for each fit."""

    name: str
    detector: Any
    partition: bool
    monitor: bool

    def __call__(self, n_clusters: int, seed: int, settings: Mapping[str, Any]) -> Any:
        fresh = _copy(self.detector, seed)
        wanted = {"random_state": seed, **({"n_clusters": n_clusters} if self.partition else {})}
        if hasattr(fresh, "get_params") and hasattr(fresh, "set_params"):
            known = fresh.get_params()
            fresh.set_params(**{key: value for key, value in wanted.items() if key in known})
        own = (
            "normal" in inspect.signature(fresh.fit).parameters if hasattr(fresh, "fit") else False
        )
        needed = ["fit"]
        if self.monitor:
            needed.append("decision_function")
        if self.partition:
            needed.append("predict_region" if own else "predict")
        missing = [method for method in needed if not callable(getattr(fresh, method, None))]
        if missing:
            raise InputError(
                f"detector {self.name!r}: {type(fresh).__name__} has no {missing[0]}(), which this "
                "protocol needs"
            )
        if own:
            return fresh
        shared = {name: settings[name] for name in SHARED if name in settings}
        given = {"window": WINDOW, "n_clusters": n_clusters, "random_state": seed, **shared}
        return WrappedDetector(detector=fresh, divides=self.partition, **given)


def _copy(detector: Any, seed: int) -> Any:
    if isinstance(detector, type):
        return detector()
    if callable(detector) and not hasattr(detector, "fit"):
        return detector(seed)
    return clone(detector, safe=False) if hasattr(detector, "get_params") else deepcopy(detector)


def _lower_is_anomalous(detector: Any) -> bool:
    """Whether scores follow scikit-learn's convention; tags do not tell it from PyOD's."""
    steps = getattr(detector, "steps", None)
    return isinstance(steps[-1][1] if steps else detector, OutlierMixin)


def _describe(detector: Any) -> str:
    return getattr(detector, "__name__", None) or " ".join(repr(detector).split())


@dataclass(eq=False, repr=False)
class WrappedDetector(PartitionBaseline):
    """A detector of scikit-learn's or PyOD's form behind the interface of the benchmark.

    Parameters
    ----------
    detector : object
        With ``fit(X)`` and ``decision_function(X)`` or ``predict(X)``; a copy of it is fitted.
    divides : bool
        Its ``predict`` gives the regions; otherwise all windows are in one.

    The others are those of :class:`~dccad.evaluation.baselines.base.Baseline`.

    Examples
    --------
    >>> from sklearn.svm import OneClassSVM
    >>> wrapped = WrappedDetector(window=1, detector=OneClassSVM(), false_alarm_rate=0.1)
    >>> wrapped = wrapped.fit(None, normal=np.random.default_rng(0).normal(size=(300, 2)))
    >>> near, far = wrapped.decision_function(np.array([[0.0, 0.0], [9.0, 9.0]]))
    >>> bool(near < far)
    True
    """

    detector: Any = None
    divides: bool = False

    deterministic: ClassVar[bool] = False

    def _fit(self, windows: Windows) -> None:
        flat = vectorise(windows, "flat")
        self.detector_ = _copy(self.detector, self.random_state)
        self.detector_.fit(flat)
        self.classes_ = np.unique(self.detector_.predict(flat)) if self.divides else np.zeros(1)

    def _score(self, windows: Windows) -> NDArray[np.float64]:
        scores = self.detector_.decision_function(vectorise(windows, "flat"))
        scores = np.asarray(scores, dtype=np.float64).reshape(len(windows))
        return -scores if _lower_is_anomalous(self.detector_) else scores

    def _assign(self, windows: Windows) -> NDArray[np.int64]:
        if not self.divides:
            return np.zeros(len(windows), dtype=np.int64)
        labels = np.asarray(self.detector_.predict(vectorise(windows, "flat")))
        # a label that the fit never gave is counted to its neighbour
        return np.minimum(np.searchsorted(self.classes_, labels), len(self.classes_) - 1)
