"""What happens in a simulated peeling log: which bars arrive, and which anomalies befall them.

Everything here is in seconds and shares, so that the sampling rate changes none of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

KINDS = ("normal", "chatter", "chipping", "inclusion", "feed stall", "worn tool")
"""Kinds of stretches; ``PeelingLog.kinds`` holds their index."""

ANOMALIES = KINDS[1:]

NATURAL_SECONDS = {
    "chatter": (2.5, 6.0),
    "chipping": (4.0, 10.0),
    "feed stall": (1.5, 4.0),
    "worn tool": (6.0, 12.0),
}
"""Range of durations, before they are stretched together to meet the share that is asked for."""

INCLUSION_SECONDS = (0.2, 0.6)
INCLUSIONS_PER_BAR = (4, 6)

UNTIL_THE_END = ("chipping", "worn tool")
"""These last until the bar is through; then the inserts are replaced."""

BARS_PER_SHARE = 2.5
"""Bars with an anomaly, as a share of all bars, for each unit of the share of anomalous time."""

TRAIN_PART = 0.7
"""Kinds are dealt out to the bars before and after this share of them."""


@dataclass(frozen=True)
class Bar:
    """One bar: seconds it takes, what it is like, and the pause before it."""

    seconds: float
    material: float
    diameter: float
    pause: float
    change_pause: float
    bows: int
    phases: tuple[float, ...]


@dataclass(frozen=True)
class Event:
    """One anomalous stretch of a bar (counted from 0); ``start`` in s since the bar arrived.

    ``height``, ``step``: size as shares of the cutting torque, except that the ``step`` of a feed
    stall is the feed that remains. ``growth`` in 1/s; ``frequency`` is a multiple of the mode's
    for chatter, in Hz for a worn tool.
    """

    kind: str
    bar: int
    start: float
    seconds: float
    height: float
    step: float
    growth: float
    frequency: float
    phase: float


def plan_bars(
    rng: np.random.Generator,
    n_bars: int,
    *,
    bar_seconds: float,
    material_scatter: float,
    diameter: float,
    diameter_scatter: float,
    idle_seconds: tuple[float, float],
    tool_change_seconds: tuple[float, float],
) -> list[Bar]:
    """Draw length, material, diameter and pauses of each bar."""
    return [
        Bar(
            seconds=bar_seconds * rng.uniform(0.97, 1.03),
            material=math.exp(material_scatter * rng.standard_normal()),
            diameter=diameter + diameter_scatter * float(np.clip(rng.standard_normal(), -2, 2)),
            pause=rng.uniform(*idle_seconds),
            change_pause=rng.uniform(*tool_change_seconds),
            bows=int(rng.integers(1, 3)),
            phases=tuple(rng.uniform(0, 2 * np.pi, size=5).tolist()),
        )
        for _ in range(n_bars)
    ]


def plan_events(
    rng: np.random.Generator, bar_seconds: list[float], ramp: float, share: float
) -> list[Event]:
    """Draw anomalies until about a share of the cutting time is anomalous."""
    n_bars = len(bar_seconds)
    if share == 0:
        return []
    n_hit = min(n_bars, max(1, round(BARS_PER_SHARE * share * n_bars)))
    kinds = _deal(rng, n_bars, n_hit)
    bursts = {bar: _burst_seconds(rng) for bar, kind in kinds.items() if kind == "inclusion"}
    wanted = {
        bar: float(rng.uniform(*NATURAL_SECONDS[kind]))
        for bar, kind in kinds.items()
        if kind != "inclusion"
    }
    missing = share * sum(bar_seconds) - sum(sum(seconds) for seconds in bursts.values())
    longest = {
        bar: (0.85 if kinds[bar] in UNTIL_THE_END else 0.7) * (bar_seconds[bar] - 2 * ramp)
        for bar in wanted
    }
    stretched = _stretch(wanted, longest, missing)
    events = []
    for bar, kind in sorted(kinds.items()):
        whole = bar_seconds[bar]
        if kind == "inclusion":
            slot = (whole - 2 * ramp) / len(bursts[bar])
            for place, seconds in enumerate(bursts[bar]):
                seconds = min(seconds, 0.6 * slot)
                start = ramp + slot * place + rng.uniform(0, 0.8 * (slot - seconds))
                events.append(_event(rng, kind, bar, start, seconds))
        elif kind in UNTIL_THE_END:
            seconds = stretched[bar]
            events.append(_event(rng, kind, bar, whole - seconds, seconds))
        else:
            seconds = stretched[bar]
            start = rng.uniform(ramp, whole - ramp - seconds)
            events.append(_event(rng, kind, bar, start, seconds))
    return events


def tool_changes(n_bars: int, tool_life: int, events: list[Event]) -> list[bool]:
    """Before which bars the inserts are replaced: after an event that calls for it, or their life.

    Examples
    --------
    >>> tool_changes(5, 2, [])
    [True, False, True, False, True]
    """
    calls = {event.bar + 1 for event in events if event.kind in UNTIL_THE_END}
    changes, age = [], tool_life
    for bar in range(n_bars):
        change = age >= tool_life or bar in calls
        changes.append(change)
        age = 1 if change else age + 1
    return changes


def _deal(rng: np.random.Generator, n_bars: int, n_hit: int) -> dict[int, str]:
    """Choose bars and kinds: evenly among the kinds, in both parts of the log."""
    margin = 0.02 * n_bars  # the cut by rows need not fall where the cut by bars does
    early = range(int(TRAIN_PART * n_bars - margin))
    late = range(math.ceil(TRAIN_PART * n_bars + margin), n_bars)
    n_late = round((1 - TRAIN_PART) * n_hit)
    if n_hit >= 2 * len(ANOMALIES):
        n_late = max(n_late, len(ANOMALIES))
    n_late = min(n_late, len(late))
    n_early = min(n_hit - n_late, len(early))
    if n_bars < 2 * len(ANOMALIES):  # too few to treat the parts apart
        early, late, n_early, n_late = range(n_bars), range(0), n_hit, 0
    dealt: dict[int, str] = {}
    for bars, n in ((early, n_early), (late, n_late)):
        chosen = rng.choice(np.array(bars, dtype=np.int64), size=n, replace=False)
        kinds: list[str] = []
        while len(kinds) < n:
            kinds.extend(ANOMALIES[i] for i in rng.permutation(len(ANOMALIES)))
        dealt.update(zip(chosen.tolist(), kinds, strict=False))
    return dealt


def _burst_seconds(rng: np.random.Generator) -> list[float]:
    n = int(rng.integers(INCLUSIONS_PER_BAR[0], INCLUSIONS_PER_BAR[1] + 1))
    seconds: list[float] = rng.uniform(*INCLUSION_SECONDS, size=n).tolist()
    return seconds


def _stretch(wanted: dict[int, float], longest: dict[int, float], total: float) -> dict[int, float]:
    """Multiply all durations by one factor so that they add up to ``total``, within their limits.

    Examples
    --------
    >>> _stretch({0: 1.0, 1: 2.0}, {0: 9.0, 1: 3.0}, 5.0)
    {0: 2.0, 1: 3.0}
    """
    from scipy.optimize import brentq

    def excess(factor: float) -> float:
        return sum(min(factor * wanted[bar], longest[bar]) for bar in wanted) - total

    low, high = 0.1, max([longest[bar] / wanted[bar] for bar in wanted], default=1.0)
    factor = high if excess(high) <= 0 else low if excess(low) >= 0 else brentq(excess, low, high)
    return {bar: min(factor * wanted[bar], longest[bar]) for bar in wanted}


def _event(rng: np.random.Generator, kind: str, bar: int, start: float, seconds: float) -> Event:
    """Draw the size of an event."""
    height, step, growth, frequency = 0.0, 0.0, 0.0, 0.0
    if kind == "chatter":
        height, frequency = rng.uniform(0.15, 0.35), rng.uniform(1.02, 1.08)
        growth = math.log(100) / rng.uniform(
            0.6, 1.5
        )  # 1/s; the drawn seconds lead to its saturation
    elif kind == "chipping":
        height, step = rng.uniform(0.2, 0.45), rng.uniform(0.04, 0.1)
    elif kind == "inclusion":
        height = rng.uniform(0.2, 0.5)
    elif kind == "feed stall":
        step = rng.uniform(0.05, 0.3)
    else:
        height, step, frequency = (
            rng.uniform(0.05, 0.12),
            rng.uniform(0.12, 0.25),
            rng.uniform(0.6, 1.5),
        )
    return Event(
        kind,
        bar,
        float(start),
        float(seconds),
        float(height),
        float(step),
        float(growth),
        float(frequency),
        float(rng.uniform(0, 2 * np.pi)),
    )
