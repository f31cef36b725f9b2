"""The evaluation protocols by name: which data, which fits, how they are judged and gathered.

No method sees a label or a test row during its fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dccad.datasets import Dataset
from dccad.errors import InputError, ParameterError
from dccad.evaluation.methods import METHODS, POSITION_ONLY, MethodSpec, find_method
from dccad.evaluation.monitoring import FALSE_ALARM_RATE, judge_monitor
from dccad.evaluation.protocols import faults, peeling, skab, tep, tep_many
from dccad.evaluation.record import Found
from dccad.evaluation.tasks import Task


@dataclass(frozen=True)
class Protocol:
    """One protocol, as plain functions.

    Attributes
    ----------
    load : callable (folder or None) -> Dataset
        Its data set: of a user's folder, or its own where none is given.
    make_tasks : callable (dataset) -> list of Task
    judge : callable (fitted method, task) -> dict
        ``figures`` (name to number) and whatever else ``gather`` needs.
    gather : callable (found, seeds) -> dict
        Results of one method over tasks and seeds to its entry in the record.
    settings : mapping
        Settings of DCCA that the protocol decides.
    defaults : mapping
        Settings of DCCA that differ from its defaults unless the user gives them.
    partition, monitor : bool
        What a method must be able to do.
    either : bool
        One of both is enough: what a method cannot do is left out of its figures.
    unlabelled : bool
        A monitor is given unlabelled rows beside its reference.
    variants : bool
        Its table shows baselines at each of their windows, and not only at the protocol's.
    floors : tuple of str
        Keys of :data:`dccad.evaluation.methods.POSITION_ONLY` that stand in its table.
    """

    load: Callable[[Path | None], Dataset]
    make_tasks: Callable[[Dataset], list[Task]]
    judge: Callable[[Any, Task], dict[str, Any]]
    gather: Callable[[Found, Sequence[int]], dict[str, Any]]
    settings: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    partition: bool = False
    monitor: bool = False
    either: bool = False
    unlabelled: bool = False
    variants: bool = True
    floors: tuple[str, ...] = ()

    def refuse(self, method: MethodSpec) -> str | None:
        """Why a method cannot stand in the table; None where it can.

        Examples
        --------
        >>> PROTOCOLS["tep-pairs"].refuse(METHODS["pca-spe"])
        'it gives no regions'
        """
        if self.partition and not method.partition:
            return "it gives no regions"
        if self.monitor and not method.monitor:
            return "it gives no scores"
        if method.needs_unlabelled and not self.unlabelled:
            return "it needs unlabelled rows beside the reference"
        return None

    def takes(self, method: MethodSpec | None, task: Task) -> bool:
        """Tell whether a method is fitted on a task; None, a detector of one's own, is a monitor.

        Examples
        --------
        >>> regions = Task("regions-k3", 3, (), ())
        >>> plan = PROTOCOLS["tep-many"]
        >>> plan.takes(METHODS["pca-spe"], regions), plan.takes(METHODS["kmeans-windows"], regions)
        (False, True)
        """
        if not self.either:
            return True
        if task.normal:
            return method is None or method.monitor
        return method is not None and method.partition

    def methods(self, slow: bool = False) -> list[str]:
        """Names of the table's methods, those that train long only where ``slow`` is true.

        Examples
        --------
        >>> PROTOCOLS["tep-pairs"].methods()[:5]
        ['dccad', 'dccad-published', 'autoencoder-kmeans', 'kmeans-windows@1', 'kmeans-windows@10']
        """
        names = []
        for name, method in METHODS.items():
            if self.refuse(method) is not None or (method.slow and not slow) or method.ablation:
                continue
            windows = method.windows if self.variants else ()
            names += [f"{name}@{window}" for window in windows] or [name]
        return names


_PARTITION_DEFAULTS = {"calibration": "held-out"}
"""Regions are judged and no threshold, so none is calibrated by cross-fitting."""

_MONITOR_SETTINGS = {"false_alarm_rate": FALSE_ALARM_RATE}

PROTOCOLS: dict[str, Protocol] = {
    "tep-pooled": Protocol(
        tep.load,
        tep.pooled_tasks,
        tep.judge_regions,
        tep.gather_pooled,
        defaults=_PARTITION_DEFAULTS,
        partition=True,
        variants=False,
    ),
    "tep-pairs": Protocol(
        tep.load,
        tep.pairs_tasks,
        tep.judge_regions,
        tep.gather_pairs,
        defaults=_PARTITION_DEFAULTS,
        partition=True,
    ),
    "tep-runs": Protocol(
        tep.load,
        tep.runs_tasks,
        tep.judge_regions,
        tep.gather_pairs,
        defaults=_PARTITION_DEFAULTS,
        partition=True,
    ),
    "tep-monitor": Protocol(
        tep.load,
        faults.monitor_tasks,
        faults.judge_faults,
        faults.gather,
        settings=_MONITOR_SETTINGS,
        monitor=True,
    ),
    "tep-adapt": Protocol(
        tep.load,
        faults.adapt_tasks,
        faults.judge_faults,
        faults.gather,
        settings=_MONITOR_SETTINGS,
        monitor=True,
        unlabelled=True,
    ),
    "tep-many": Protocol(
        tep_many.load,
        tep_many.make_tasks,
        tep_many.judge,
        tep_many.gather,
        settings=_MONITOR_SETTINGS,
        either=True,
    ),
    "skab": Protocol(
        skab.load,
        skab.make_tasks,
        judge_monitor,
        skab.gather,
        settings=_MONITOR_SETTINGS,
        monitor=True,
        floors=tuple(POSITION_ONLY),
    ),
    "peeling": Protocol(
        peeling.load,
        peeling.make_tasks,
        peeling.judge_task,
        peeling.gather,
        settings=_MONITOR_SETTINGS,
        defaults={"stride": peeling.STRIDE},
        partition=True,
        monitor=True,
        variants=False,
    ),
}
"""Name on the command line to protocol."""


def check_protocol(name: str, methods: Sequence[str], settings: Mapping[str, Any]) -> Protocol:
    """Look a protocol up, and refuse what it cannot be run with.

    Raises
    ------
    InputError
        The protocol or a method is unknown, or they do not fit together.
    ParameterError
        A setting is not the user's to choose.

    Examples
    --------
    >>> check_protocol("skab", ["dccad"], {"false_alarm_rate": 0.05})
    Traceback (most recent call last):
    dccad.errors.ParameterError: false_alarm_rate=0.05: the protocol skab decides it; leave it out
    """
    unknown = [method for method in methods if find_method(method) is None]
    if unknown:
        raise InputError(
            f"unknown method {unknown[0]!r}; choose from {', '.join(METHODS)}, each also as "
            "NAME@WINDOW"
        )
    if name not in PROTOCOLS:
        raise InputError(f"unknown protocol {name!r}; choose from {', '.join(PROTOCOLS)}")
    protocol = PROTOCOLS[name]
    for method in methods:
        spec = find_method(method)
        reason = spec and protocol.refuse(spec)
        if reason:
            raise InputError(f"method {method!r} cannot stand in the table of {name}: {reason}")
    # "prepare" would judge other rows than those of the data set
    for setting in ("n_clusters", "random_state", "prepare", *protocol.settings):
        if setting in settings:
            raise ParameterError(
                f"{setting}={settings[setting]!r}: the protocol {name} decides it; leave it out"
            )
    return protocol
