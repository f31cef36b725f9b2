"""Torque of a peeling machine with its anomalies, and the score beneath it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from dccad.errors import InputError
from dccad.plots.style import (
    OTHER_CLASSES,
    PALETTE,
    SMALL,
    Vector,
    as_array,
    as_integers,
    check_length,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KIND_COLORS = tuple(color for color in OTHER_CLASSES[1:] if color != PALETTE["threshold"])
"""Colours of the kinds, in their order; the first of ``OTHER_CLASSES`` marks flagged rows."""

MARKERS = ("o", "s", "^", "D")
"""Markers of the methods in :func:`plot_detection_rates`, in their order."""


def plot_torque_scores(
    time: ArrayLike,
    torque: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    kinds: ArrayLike,
    kind_names: Sequence[str],
    *,
    title: str | None = None,
    false_alarm_rate: float | None = None,
) -> Figure:
    """Draw torque and score over the same time, with the anomalous stretches shaded by kind.

    Parameters
    ----------
    time : array-like of shape (n_rows,), in s
        Increasing; a step longer than 1.5 times the median (idle time) interrupts the lines.
    torque : array-like of shape (n_rows,), in N m
    scores : array-like of shape (n_rows,)
        Higher is more anomalous; NaN where a row has no score.
    threshold : float
    kinds : array-like of shape (n_rows,), int
        Index into ``kind_names``; 0 is normal.
    kind_names : sequence of str
    title : str, optional
    false_alarm_rate : float, optional
        The rate for which the threshold was set, a fraction; written beside the threshold.

    Returns
    -------
    matplotlib.figure.Figure
        With two axes: torque above, score beneath.

    Raises
    ------
    InputError
        The columns differ in length, or hold values that cannot be drawn.
    MissingExtraError
        When matplotlib is not installed.

    Examples
    --------
    >>> figure = plot_torque_scores([0, 1, 2], [5, 9, 5], [0.1, 3.0, 0.2], 1.0, [0, 1, 0],
    ...                             ["normal", "chatter"])
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['chatter', 'score above the threshold']
    """
    table = _Table(time, torque, scores, kinds, kind_names)
    figure = new_figure(9.0, 5.2, title)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1))
    _draw(upper, lower, table, slice(0, len(table.time)), threshold)
    _scale_scores(lower, table.scores, threshold)
    text = f"threshold {threshold:.3g}"
    if false_alarm_rate is not None:
        text += f"\n({100 * false_alarm_rate:.3g} % false\nalarms)"
    lower.text(
        1.01, threshold, text, transform=lower.get_yaxis_transform(), va="center", fontsize=SMALL
    )
    upper.set_ylabel("torque [N m]")
    lower.set_ylabel("anomaly score")
    lower.set_xlabel("time [s]")
    figure.align_ylabels()
    _add_legend(figure, table)
    return figure


def plot_kind_details(
    time: ArrayLike,
    torque: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    kinds: ArrayLike,
    kind_names: Sequence[str],
    *,
    context: float = 1.5,
    title: str | None = None,
) -> Figure:
    """Draw the first stretch of each kind in detail, side by side.

    Raises
    ------
    InputError
        As in :func:`plot_torque_scores`, or because no row is anomalous.
    MissingExtraError
        When matplotlib is not installed.


    Examples
    --------
    >>> figure = plot_kind_details([0, 1, 2], [5, 9, 5], [0.1, 3.0, 0.2], 1.0, [0, 1, 0],
    ...                            ["normal", "chatter", "chipping"])
    >>> [axes.get_title() for axes in figure.axes]
    ['chatter', '']
    """
    table = _Table(time, torque, scores, kinds, kind_names)
    firsts: dict[int, slice] = {}
    for kind, start, stop in table.stretches():
        firsts.setdefault(kind, slice(start, stop))
    if not firsts:
        raise InputError("no row is anomalous: pass rows of at least one kind other than 0")
    figure = new_figure(2.3 * max(len(firsts), 3), 4.8, title)
    panels = figure.subplots(2, len(firsts), sharex="col", sharey="row", squeeze=False)
    for (upper, lower), (kind, rows) in zip(panels.T, sorted(firsts.items()), strict=True):
        begin, end = table.time[rows][[0, -1]]
        shown = slice(*np.searchsorted(table.time, [begin - context, end + context], "left"))
        _draw(upper, lower, table, shown, threshold)
        upper.set_title(kind_names[kind], fontsize=10)
        lower.set_xlabel("time [s]")
        lower.locator_params(axis="x", nbins=3)
    _scale_scores(panels[1, 0], table.scores, threshold)
    panels[0, 0].set_ylabel("torque [N m]")
    panels[1, 0].set_ylabel("anomaly score")
    figure.align_ylabels()
    _add_legend(figure, table)
    return figure


def plot_detection_rates(
    kinds: Sequence[str],
    rates: Mapping[str, Sequence[float | None]],
    *,
    false_alarm_rate: float,
    title: str | None = None,
) -> Figure:
    r"""Draw the share of flagged rows of each kind.

    Raises
    ------
    InputError
        The number of shares is not that of the kinds, or a share is outside 0 to 1.
    MissingExtraError
        When matplotlib is not installed.


    Examples
    --------
    >>> figure = plot_detection_rates(["normal", "chatter"], {"monitor": [0.06, 0.9]},
    ...                               false_alarm_rate=0.05)
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
    ['normal\n(false alarms)', 'chatter']
    """
    figure = new_figure(7.0, 1.4 + 0.45 * len(kinds), title)
    axes = figure.subplots()
    places = np.arange(len(kinds), dtype=np.float64)
    offsets = 0.24 * (np.arange(len(rates)) - (len(rates) - 1) / 2)
    for position, (method, shares) in enumerate(rates.items()):
        values = as_array(
            [np.nan if share is None else share for share in shares],
            f"rates of {method}",
            n_dims=1,
            missing=True,
        )
        check_length(values, f"rates of {method}", len(kinds))
        if ((values < 0) | (values > 1)).any():
            raise InputError(f"rates of {method} must lie between 0 and 1, got {values.tolist()}")
        heights = places + offsets[position]
        color = OTHER_CLASSES[position % len(OTHER_CLASSES)] if position else PALETTE["normal"]
        axes.hlines(heights, 0, 100 * values, color=color, linewidth=1.5, alpha=0.5)
        axes.plot(
            100 * values,
            heights,
            linestyle="none",
            marker=MARKERS[position % len(MARKERS)],
            color=color,
            label=method,
        )
    axes.axvline(
        100 * false_alarm_rate,
        color=PALETTE["threshold"],
        linestyle="--",
        linewidth=1.2,
        label=f"false alarms asked for ({100 * false_alarm_rate:.3g} %)",
    )
    axes.set_yticks(places, [f"{kinds[0]}\n(false alarms)", *kinds[1:]])
    axes.invert_yaxis()
    axes.set_xlim(-1, 102)
    axes.set_xlabel("rows flagged [%]")
    axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=len(rates) + 1, frameon=False)
    return figure


class _Table:
    """Checked columns of one log."""

    def __init__(
        self,
        time: ArrayLike,
        torque: ArrayLike,
        scores: ArrayLike,
        kinds: ArrayLike,
        kind_names: Sequence[str],
    ) -> None:
        self.time = as_array(time, "time", n_dims=1)
        self.torque = as_array(torque, "torque", n_dims=1)
        self.scores = as_array(scores, "scores", n_dims=1, missing=True)
        self.kinds = as_integers(kinds, "kinds", len(self.time))
        self.kind_names = tuple(kind_names)
        check_length(self.torque, "torque", len(self.time))
        check_length(self.scores, "scores", len(self.time))
        if (np.diff(self.time) <= 0).any():
            first = int(np.argmax(np.diff(self.time) <= 0)) + 1
            raise InputError(f"time must increase, but entry {first} is not after the one before")
        if self.kinds.max() >= len(self.kind_names):
            raise InputError(
                f"kinds holds {self.kinds.max()}, but kind_names has {len(self.kind_names)} names"
            )
        steps = np.diff(self.time)
        self.step = float(np.median(steps)) if len(steps) else 1.0
        self.gaps = np.flatnonzero(steps > 1.5 * self.step) + 1

    def stretches(self) -> Iterator[tuple[int, int, int]]:
        """Kind, first row and end (excluded) of each anomalous stretch."""
        changes = np.flatnonzero(np.diff(self.kinds) != 0) + 1
        edges = np.unique(np.concatenate(([0], changes, self.gaps, [len(self.kinds)])))
        for start, stop in itertools.pairwise(edges):
            if self.kinds[start]:
                yield int(self.kinds[start]), int(start), int(stop)

    def broken(self, values: Vector, rows: slice) -> tuple[Vector, Vector]:
        """Time and values of some rows, with NaN where a gap interrupts the line."""
        gaps = self.gaps[(self.gaps > rows.start) & (self.gaps < rows.stop)] - rows.start
        nan = np.full(len(gaps), np.nan)
        return np.insert(self.time[rows], gaps, nan), np.insert(values[rows], gaps, nan)


def _draw(upper: Axes, lower: Axes, table: _Table, rows: slice, threshold: float) -> None:
    """Torque and score of some rows, with the anomalous stretches among them."""
    for kind, start, stop in table.stretches():
        if start < rows.stop and stop > rows.start:
            color = _kind_color(kind)
            for axes in (upper, lower):
                axes.axvspan(
                    table.time[start],
                    table.time[stop - 1] + table.step,
                    facecolor=(color, 0.3),
                    edgecolor=(color, 0.6),  # keeps short stretches visible
                    linewidth=0.8,
                    zorder=0,
                )
    upper.plot(*table.broken(table.torque, rows), color=PALETTE["score"], linewidth=0.5)
    time, scores = table.broken(table.scores, rows)
    lower.plot(time, scores, color=PALETTE["score"], linewidth=0.6)
    above = scores > threshold  # False for NaN
    lower.plot(
        time[above],
        scores[above],
        linestyle="none",
        marker=".",
        markersize=2.5,
        color=PALETTE["anomalous"],
    )
    lower.axhline(threshold, color=PALETTE["threshold"], linestyle="--", linewidth=1.2)
    lower.set_xlim(table.time[rows][0], table.time[rows][-1] + table.step)
    for axes in (upper, lower):
        axes.grid(axis="y", alpha=0.3)


def _kind_color(kind: int) -> str:
    return KIND_COLORS[(kind - 1) % len(KIND_COLORS)]


def _scale_scores(axes: Axes, scores: Vector, threshold: float) -> None:
    """Make the axis logarithmic beyond the threshold if some scores are far above it."""
    known = scores[~np.isnan(scores)]
    usual = max(abs(threshold), float(np.quantile(np.abs(known), 0.5))) if len(known) else 0.0
    if usual > 0 and known.max() > 10 * usual:
        axes.set_yscale("symlog", linthresh=10.0 ** np.ceil(np.log10(usual)), linscale=2.0)
        axes.yaxis.set_major_formatter("{x:g}")


def _add_legend(figure: Figure, table: _Table) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    kinds = np.unique(table.kinds[table.kinds > 0]).tolist()
    names = [table.kind_names[kind] for kind in kinds]
    handles: list[Patch | Line2D] = [
        Patch(facecolor=(_kind_color(kind), 0.3), edgecolor=(_kind_color(kind), 0.6))
        for kind in kinds
    ]
    handles.append(Line2D([], [], linestyle="none", marker=".", color=PALETTE["anomalous"]))
    figure.legend(
        handles,
        [*names, "score above the threshold"],
        loc="outside lower center",
        ncols=6,
        frameon=False,
    )
