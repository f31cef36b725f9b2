"""Simulate the spindle torque of a metal peeling machine: synthetic data from turning mechanics.

docs/datasets.md tells the model and its anomalies. O. Kienzle, VDI-Z 94(11/12):299-305, 1952
(cutting force); Y. Altintas, Manufacturing Automation, 2012 (mechanics, tool wear, chatter).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dccad.datasets.machining.plan import KINDS, Bar, plan_bars, plan_events, tool_changes
from dccad.datasets.machining.torque import PeelingMachine, Vector, cut_bar
from dccad.errors import ParameterError


@dataclass(frozen=True)
class Anomaly:
    """One anomalous stretch of a simulated log.

    Attributes
    ----------
    kind : str
        One of ``KINDS``.
    bar : int
        Number of the bar, from 1.
    start_row, stop_row : int
        First row of the stretch, and the row after its last.
    start, stop : float, in s
        The same in time, exact.
    """

    kind: str
    bar: int
    start_row: int
    stop_row: int
    start: float
    stop: float


@dataclass(frozen=True)
class PeelingLog:
    """A simulated log: torque, and what happened.

    Attributes
    ----------
    torque : ndarray of shape (n_rows,), float64, in N m
        Exactly 0 while the machine is idle, at least about the friction torque otherwise.
    labels : ndarray of shape (n_rows,), int8
        1 in anomalous stretches, 0 elsewhere.
    kinds : ndarray of shape (n_rows,), int8
        Index into ``KINDS``; 0 is normal (or idle).
    bars : ndarray of shape (n_rows,), int32
        Number of the bar, from 1; 0 while the machine is idle.
    time : ndarray of shape (n_rows,), float64, in s
        When each row's sampling interval begins.
    anomalies : tuple of Anomaly
        In the order of time.
    sampling_rate : float, in Hz
    seed : int
    machine : PeelingMachine
    """

    torque: Vector
    labels: NDArray[np.int8]
    kinds: NDArray[np.int8]
    bars: NDArray[np.int32]
    time: Vector
    anomalies: tuple[Anomaly, ...]
    sampling_rate: float
    seed: int
    machine: PeelingMachine

    def __len__(self) -> int:
        return len(self.torque)

    @property
    def cutting(self) -> NDArray[np.bool_]:
        """Where a bar is being cut, shape (n_rows,)."""
        return self.bars > 0

    def kinds_at(self, time: Any) -> NDArray[np.int8]:
        """Kind (index into ``KINDS``) at time stamps of this log, in s.

        Examples
        --------
        >>> log = simulate_peeling(2, anomaly_share=0.2, seed=1)
        >>> first = log.anomalies[0]
        >>> KINDS[log.kinds_at(log.time[[first.start_row]])[0]] == first.kind
        True
        """
        rows = np.rint(np.asarray(time) * self.sampling_rate).astype(np.int64)
        return self.kinds[rows]


def simulate_peeling(
    n_bars: int = 48,
    *,
    sampling_rate: float = 200.0,
    anomaly_share: float = 0.2,
    seed: int = 0,
    machine: PeelingMachine | None = None,
) -> PeelingLog:
    """Simulate a log of the main-spindle torque; synthetic, see the module's description.

    With the defaults the log covers about 17 minutes, a bar has about 3,300 rows, and every kind
    of anomaly occurs both in the first 70 % and in the last 30 % of the rows in which metal is
    cut. With fewer than about 17 bars there is no room for that.

    Parameters
    ----------
    n_bars : int
        Bars, one after another, with idle time before, between and after them.
    sampling_rate : float, in Hz
        Rows per second. Bars and anomalies of one seed are the same in time at any rate; the noise
        is another draw of the same kind.
    anomaly_share : float, 0 to 0.4
        Share of the cutting time that is anomalous, as nearly as the events allow.
    seed : int
    machine : PeelingMachine, optional
        Default: ``PeelingMachine()``.

    Returns
    -------
    PeelingLog

    Raises
    ------
    ParameterError
        A value is out of range; all are listed.

    Examples
    --------
    >>> log = simulate_peeling(3, sampling_rate=100.0, anomaly_share=0.0, seed=1)
    >>> idle = log.bars == 0
    >>> float(log.torque[0]), bool((log.torque[idle] == 0).all()), bool(log.torque[~idle].min() > 0)
    (0.0, True, True)
    >>> cutting = log.machine.torque_of(log.machine.bar_diameter)
    >>> bool(abs(log.torque[~idle].mean() / cutting - 1) < 0.1)
    True
    """
    machine = machine or PeelingMachine()
    _check(n_bars, sampling_rate, anomaly_share, seed, machine)
    # drawn from generators of their own, so that one does not move when the other changes
    for_bars, for_events = (
        np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(key,))) for key in (0, 1)
    )
    bars = plan_bars(
        for_bars,
        n_bars,
        bar_seconds=machine.bar_seconds,
        material_scatter=machine.material_scatter,
        diameter=machine.bar_diameter,
        diameter_scatter=min(machine.diameter_scatter, machine.depth_of_cut / 2),
        idle_seconds=machine.idle_seconds,
        tool_change_seconds=machine.tool_change_seconds,
    )
    ramp = machine.end_length / machine.feed_speed
    events = plan_events(for_events, [bar.seconds for bar in bars], ramp, anomaly_share)
    changes = tool_changes(n_bars, machine.tool_life, events)

    n_rows, starts = _timetable(bars, changes, sampling_rate)
    torque = np.zeros(n_rows)
    kinds = np.zeros(n_rows, dtype=np.int8)
    numbers = np.zeros(n_rows, dtype=np.int32)
    anomalies: list[Anomaly] = []
    distance = 0.0  # km that the inserts in use have cut
    for number, (bar, start) in enumerate(zip(bars, starts, strict=True), start=1):
        first = math.ceil(start * sampling_rate - 1e-6)
        stop = math.floor((start + bar.seconds) * sampling_rate + 1e-6)
        if changes[number - 1]:
            distance = 0.0
        mine = [event for event in events if event.bar == number - 1]
        noise = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2, number)))
        torque[first:stop] = cut_bar(
            machine,
            bar,
            mine,
            rows=range(first, stop),
            start=start,
            sampling_rate=sampling_rate,
            distance=distance,
            noise=noise,
        )
        distance += machine.cutting_speed * bar.seconds / 1000
        numbers[first:stop] = number
        for event in mine:
            begin, end = start + event.start, start + event.start + event.seconds
            start_row = max(first, math.floor(begin * sampling_rate + 1e-6))
            stop_row = min(stop, math.ceil(end * sampling_rate - 1e-6))
            if start_row < stop_row:  # a burst may fall between two rows at a low rate
                kinds[start_row:stop_row] = KINDS.index(event.kind)
                anomalies.append(Anomaly(event.kind, number, start_row, stop_row, begin, end))
    return PeelingLog(
        torque,
        (kinds > 0).astype(np.int8),
        kinds,
        numbers,
        np.arange(n_rows) / sampling_rate,
        tuple(anomalies),
        sampling_rate,
        seed,
        machine,
    )


def _check(
    n_bars: int, sampling_rate: float, anomaly_share: float, seed: int, machine: PeelingMachine
) -> None:
    problems = []
    if n_bars != int(n_bars) or n_bars < 1:
        problems.append(f"n_bars={n_bars!r}: needed is a whole number of at least 1")
    slowest = 20 / machine.bar_seconds
    if not slowest <= sampling_rate < math.inf:
        problems.append(
            f"sampling_rate={sampling_rate!r}: needed is at least {slowest:.3g} Hz, 20 rows a bar"
        )
    if not 0 <= anomaly_share <= 0.4:
        problems.append(f"anomaly_share={anomaly_share!r}: needed is 0 to 0.4")
    if seed != int(seed) or seed < 0:
        problems.append(f"seed={seed!r}: needed is a whole number of at least 0")
    if problems:
        raise ParameterError("; ".join(problems))


def _timetable(
    bars: list[Bar], changes: list[bool], sampling_rate: float
) -> tuple[int, list[float]]:
    """Rows of the whole log, and when each bar arrives, in s."""
    now, starts = 0.0, []
    for bar, change in zip(bars, changes, strict=True):
        now += bar.pause + (bar.change_pause if change else 0.0)
        starts.append(now)
        now += bar.seconds
    return math.ceil((now + bars[0].pause) * sampling_rate), starts
