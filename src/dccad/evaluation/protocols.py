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
from dccad.evaluation import peeling, skab, tep, tep_many
from dccad.evaluation.methods import METHODS, POSITION_ONLY
from dccad.evaluation.monitoring import FALSE_ALARM_RATE, judge_monitor
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
    floors : tuple of str
        Keys of :data:`dccad.evaluation.methods.POSITION_ONLY` that stand in its table.
    """

    load: Callable[[Path | None], Dataset]
    make_tasks: Callable[[Dataset], list[Task]]
    judge: Callable[[Any, Task], dict[str, Any]]
    gather: Callable[[Found, Sequence[int]], dict[str, Any]]
    settings: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    floors: tuple[str, ...] = ()


_MONITOR_SETTINGS = {"false_alarm_rate": FALSE_ALARM_RATE}

PROTOCOLS: dict[str, Protocol] = {
    "tep-pooled": Protocol(tep.load, tep.pooled_tasks, tep.judge_regions, tep.gather_pooled),
    "tep-pairs": Protocol(tep.load, tep.pairs_tasks, tep.judge_regions, tep.gather_pairs),
    "tep-many": Protocol(
        tep_many.load,
        tep_many.make_tasks,
        tep_many.judge,
        tep_many.gather,
        settings=_MONITOR_SETTINGS,
    ),
    "skab": Protocol(
        skab.load,
        skab.make_tasks,
        judge_monitor,
        skab.gather,
        settings=_MONITOR_SETTINGS,
        floors=tuple(POSITION_ONLY),
    ),
    "peeling": Protocol(
        peeling.load,
        peeling.make_tasks,
        peeling.judge_task,
        peeling.gather,
        settings=_MONITOR_SETTINGS,
        defaults={"stride": peeling.STRIDE},
    ),
}
"""Name on the command line to protocol."""


def check_protocol(name: str, methods: Sequence[str], settings: Mapping[str, Any]) -> Protocol:
    """Look a protocol up, and refuse what it cannot be run with.

    Raises
    ------
    InputError
        The protocol or a method is unknown.
    ParameterError
        A setting is not the user's to choose.

    Examples
    --------
    >>> check_protocol("skab", ["dccad"], {"false_alarm_rate": 0.05})
    Traceback (most recent call last):
    dccad.errors.ParameterError: false_alarm_rate=0.05: the protocol skab decides it; leave it out
    """
    unknown = [method for method in methods if method not in METHODS]
    if unknown:
        raise InputError(f"unknown method {unknown[0]!r}; choose from {', '.join(METHODS)}")
    if name not in PROTOCOLS:
        raise InputError(f"unknown protocol {name!r}; choose from {', '.join(PROTOCOLS)}")
    protocol = PROTOCOLS[name]
    # "prepare" would judge other rows than those of the data set
    for setting in ("n_clusters", "random_state", "prepare", *protocol.settings):
        if setting in settings:
            raise ParameterError(
                f"{setting}={settings[setting]!r}: the protocol {name} decides it; leave it out"
            )
    return protocol
