"""The torque of a peeling machine while it cuts a bar, as ``simulation.py`` explains."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dccad.datasets.machining.plan import Bar, Event
from dccad.errors import ParameterError

Vector: TypeAlias = NDArray[np.float64]

SAMPLES_PER_PERIOD = 8
"""Samples of the synthesis in one period of its fastest component."""

RIPPLE_HARMONICS = 3
"""Multiples of the insert frequency; the k-th has 1/k of the amplitude."""

DECIMALS = 2
"""Digits of the logger's numbers in N m; such numbers pass a spreadsheet unchanged."""

DRIFT_SECONDS = 0.08
"""Correlation time of the slow part of the noise."""

PULSE_SHARPNESS = 9.2
"""Sharpness of a chipped insert's blow: half as high as its peak for 1/8 of a revolution."""


@dataclass(frozen=True)
class PeelingMachine:
    """Machine, tool and material of a simulated log.

    Attributes
    ----------
    spindle_speed : float, in rev/min
    n_inserts : int
        Inserts of the cutter head.
    feed : float, in mm per revolution of the head
    depth_of_cut : float, in mm
        Half the difference of the diameters before and after.
    edge_angle : float, in degrees
        Between cutting edge and feed; the chip is ``feed / n_inserts · sin(edge_angle)`` thick.
    bar_diameter, bar_length : float, in mm
        Before peeling.
    end_length : float, in mm
        Part of each end of a bar over which the depth of cut builds up.
    specific_force : float, in N/mm²
        Kienzle's k_c1.1; the default is about that of a carbon steel such as C45.
    force_exponent : float
        Kienzle's m_c.
    friction_torque : float, in N m
        Torque of the turning head without a cut.
    run_out, ripple, noise : float
        Amplitude at the spindle frequency, at the insert frequency, and standard deviation of each
        of the two parts of the noise, as shares of the cutting torque.
    mode_frequency : float, in Hz
        Frequency of the structural mode.
    mode_damping : float
        Its damping ratio.
    material_scatter : float
        Standard deviation of the specific force from bar to bar, as a share.
    diameter_scatter : float, in mm
        Standard deviation of the bar diameter; the finished diameter is fixed, so half of it
        changes the depth of cut.
    wear_per_km : float
        Growth of the force for each km that an insert has cut, as a share.
    tool_life : int, in bars
        Number of bars after which the inserts are replaced.
    idle_seconds, tool_change_seconds : tuple of float, in s
        Shortest and longest pause between two bars, and what a change of the inserts adds.

    Examples
    --------
    >>> machine = PeelingMachine()
    >>> round(machine.chip_thickness, 3), round(machine.bar_seconds, 1)
    (1.539, 16.7)
    >>> round(machine.torque_of(machine.bar_diameter))
    734
    """

    spindle_speed: float = 600.0
    n_inserts: int = 4
    feed: float = 18.0
    depth_of_cut: float = 1.0
    edge_angle: float = 20.0
    bar_diameter: float = 40.0
    bar_length: float = 3000.0
    end_length: float = 40.0
    specific_force: float = 2220.0
    force_exponent: float = 0.14
    friction_torque: float = 25.0
    run_out: float = 0.03
    ripple: float = 0.03
    noise: float = 0.012
    mode_frequency: float = 31.0
    mode_damping: float = 0.05
    material_scatter: float = 0.03
    diameter_scatter: float = 0.04
    wear_per_km: float = 0.25
    tool_life: int = 16
    idle_seconds: tuple[float, float] = (2.0, 5.0)
    tool_change_seconds: tuple[float, float] = (5.0, 10.0)

    def __post_init__(self) -> None:
        """Refuse what no machine can be."""
        problems: list[str] = []
        may_be_zero = {
            "friction_torque",
            "run_out",
            "ripple",
            "noise",
            "material_scatter",
            "diameter_scatter",
            "wear_per_km",
        }
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.endswith("_seconds"):
                if not (len(value) == 2 and 0 < value[0] <= value[1] < math.inf):
                    problems.append(f"{field.name}={value!r}: needed are two times, 0 < a ≤ b")
            elif field.type == "int" and (value != int(value) or value < 1):
                problems.append(f"{field.name}={value!r}: needed is a whole number of at least 1")
            elif field.name in may_be_zero and not 0 <= value < math.inf:
                problems.append(f"{field.name}={value!r}: needed is a number of at least 0")
            elif field.name not in may_be_zero and not 0 < value < math.inf:
                problems.append(f"{field.name}={value!r}: needed is a positive number")
        for name, limit in (("edge_angle", 90), ("force_exponent", 1), ("mode_damping", 1)):
            if getattr(self, name) >= limit:
                problems.append(f"{name}={getattr(self, name)!r}: needed is less than {limit}")
        if 2 * self.depth_of_cut >= self.bar_diameter:
            problems.append(f"depth_of_cut={self.depth_of_cut!r}: leaves nothing of the bar")
        if 4 * self.end_length >= self.bar_length:
            problems.append(
                f"end_length={self.end_length!r}: needed is less than a quarter of bar_length"
            )
        if problems:
            raise ParameterError("; ".join(problems))

    @property
    def rotation(self) -> float:
        """Spindle frequency in Hz."""
        return self.spindle_speed / 60

    @property
    def insert_frequency(self) -> float:
        """How often an insert passes a point of the bar, in Hz."""
        return self.n_inserts * self.rotation

    @property
    def feed_speed(self) -> float:
        """Speed of the bar, in mm/s."""
        return self.feed * self.rotation

    @property
    def cutting_speed(self) -> float:
        """Speed of an insert at the bar's surface, in m/s."""
        return math.pi * self.bar_diameter / 1000 * self.rotation

    @property
    def bar_seconds(self) -> float:
        """Time that a bar of nominal length takes, in s."""
        return self.bar_length / self.feed_speed

    @property
    def chip_thickness(self) -> float:
        """Uncut chip thickness h in mm."""
        return self.feed / self.n_inserts * math.sin(math.radians(self.edge_angle))

    def torque_of(self, diameter: float) -> float:
        """Cutting torque in N m of new inserts: inserts × force × lever.

        The force on one insert is Kienzle's k_c1.1 · h^(−m_c) · depth · feed / n_inserts, and it
        acts on the mean radius of the layer that is cut. A bar of another ``diameter`` (mm) than
        ``bar_diameter`` is peeled to the same size.
        """
        depth = self.depth_of_cut + (diameter - self.bar_diameter) / 2
        specific_force = self.specific_force * math.pow(self.chip_thickness, -self.force_exponent)
        force = specific_force * depth * self.feed / self.n_inserts
        return self.n_inserts * force * (diameter - depth) / 2 / 1000


def cut_bar(
    machine: PeelingMachine,
    bar: Bar,
    events: list[Event],
    *,
    rows: range,
    start: float,
    sampling_rate: float,
    distance: float,
    noise: np.random.Generator,
) -> Vector:
    """Torque that the logger records while one bar is cut."""
    fastest = max(RIPPLE_HARMONICS * machine.insert_frequency, machine.mode_frequency)
    multiple = math.ceil(SAMPLES_PER_PERIOD * fastest / sampling_rate)
    rate = multiple * sampling_rate
    time: Vector = (
        np.arange(rows.start * multiple, rows.stop * multiple, dtype=float) + 0.5
    ) / rate
    since: Vector = time - start
    angle: Vector = 2 * np.pi * machine.rotation * time  # the head turns between the bars too

    ramp = machine.end_length / machine.feed_speed
    engagement = smooth_step(since / ramp) * smooth_step((bar.seconds - since) / ramp)
    wear = 1 + machine.wear_per_km * (distance + machine.cutting_speed * since / 1000)
    level = machine.torque_of(bar.diameter) * bar.material * wear * engagement

    bow = 1 + 0.5 * np.cos(2 * np.pi * bar.bows * since / bar.seconds + bar.phases[0])
    shares: Vector = 1 + machine.run_out * bow * np.cos(angle + bar.phases[1])
    for k in range(1, RIPPLE_HARMONICS + 1):
        tone = np.cos(k * machine.n_inserts * angle + bar.phases[1 + k])
        shares += machine.ripple / k * tone
    if machine.noise:
        drift = drift_noise(noise, len(time), rate, DRIFT_SECONDS)
        mode = mode_noise(noise, len(time), rate, machine.mode_frequency, machine.mode_damping)
        shares += machine.noise * (drift + mode)
    for event in events:
        part = slice(*np.searchsorted(since, [event.start, event.start + event.seconds]))
        shares[part] = disturb(machine, event, since[part] - event.start, angle[part], shares[part])
    # an insert that leaves the cut cannot pull: the torque does not fall below friction
    torque = machine.friction_torque + np.maximum(level * shares, 0.0)
    means: Vector = torque.reshape(-1, multiple).mean(axis=1)
    return np.maximum(np.round(means, DECIMALS), 10.0**-DECIMALS)  # 0 says idle


def disturb(
    machine: PeelingMachine, event: Event, since: Vector, angle: Vector, shares: Vector
) -> Vector:
    """Change the shares of the cutting torque during one event; times in s since its onset."""
    height, phase, left = event.height, event.phase, event.seconds - since
    if event.kind == "chatter":
        frequency = event.frequency * machine.mode_frequency
        amplitude = chatter_amplitude(since, height, event.growth) * smooth_step(left / 0.2)
        return shares + amplitude * np.cos(2 * np.pi * frequency * since + phase)
    if event.kind == "chipping":
        blows = np.exp(PULSE_SHARPNESS * (np.cos(angle + phase) - 1))
        return shares + event.step + height * blows
    if event.kind == "inclusion":
        burst = np.sin(np.pi * since / event.seconds) ** 2
        return shares + height * burst * (1 + 0.5 * np.cos(machine.n_inserts * angle + phase))
    if event.kind == "feed stall":
        slowed = smooth_step(since / 0.3) * smooth_step(left / 0.5)
        feed = 1 - (1 - event.step) * slowed  # as a share of the nominal feed
        return shares * feed ** (1 - machine.force_exponent)
    assert event.kind == "worn tool"
    growing = height * since / event.seconds
    slow = np.cos(2 * np.pi * event.frequency * since + phase)
    return shares * (1 + event.step * smooth_step(since / 0.5)) + growing * slow


def smooth_step(x: Vector) -> Vector:
    """Rise from 0 (x ≤ 0) to 1 (x ≥ 1) without a kink.

    Examples
    --------
    >>> smooth_step(np.array([-1.0, 0.0, 0.5, 1.0, 3.0])).tolist()
    [0.0, 0.0, 0.5, 1.0, 1.0]
    """
    inside: Vector = np.clip(x, 0.0, 1.0)
    return inside * inside * (3 - 2 * inside)


def chatter_amplitude(since: Vector, saturation: float, growth: float) -> Vector:
    """Amplitude that starts at a hundredth of its saturation: solves A' = g A (1 − (A/A_s)²).

    Examples
    --------
    >>> chatter_amplitude(np.array([0.0, 1.0, 5.0]), 0.3, growth=3.0).round(4).tolist()
    [0.003, 0.0591, 0.3]
    """
    amplitude: Vector = saturation / np.sqrt(1 + (100.0**2 - 1) * np.exp(-2 * growth * since))
    return amplitude


def drift_noise(rng: np.random.Generator, n: int, rate: float, seconds: float) -> Vector:
    """Stationary first-order autoregressive noise of unit variance, correlated over ``seconds``."""
    a = math.exp(-1 / (rate * seconds))
    return _filtered(rng, n, math.ceil(5 * seconds * rate), [1.0, -a], math.sqrt(1 - a * a))


def mode_noise(
    rng: np.random.Generator, n: int, rate: float, frequency: float, damping: float
) -> Vector:
    """Stationary second-order autoregressive noise of unit variance: a mode that is shaken."""
    omega = 2 * np.pi * frequency / rate
    radius = math.exp(-damping * omega)
    a1 = 2 * radius * math.cos(omega * math.sqrt(1 - damping**2))
    a2 = -radius * radius
    variance = (1 - a2) / ((1 + a2) * ((1 - a2) ** 2 - a1**2))  # for innovations of variance 1
    settle = math.ceil(5 / (damping * omega))
    return _filtered(rng, n, settle, [1.0, -a1, -a2], 1 / math.sqrt(variance))


def _filtered(
    rng: np.random.Generator, n: int, settle: int, denominator: list[float], scale: float
) -> Vector:
    from scipy.signal import lfilter

    filtered: Vector = lfilter([scale], denominator, rng.standard_normal(settle + n))[settle:]
    return filtered
