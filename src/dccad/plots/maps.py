"""Figures of merit of single activation maps, by rank and by centre distance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dccad.errors import InputError
from dccad.plots.style import (
    GROUPS,
    LINE_STYLES,
    MARKERS,
    PALETTE,
    SMALL,
    Vector,
    as_array,
    check_length,
    new_figure,
    thinned,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Measure: TypeAlias = Literal["centre_distance", "quality"]

FIGURES = ("acc", "nmi", "ari")

LABELS = {
    "centre_distance": "distance between the cluster centres [latent units]",
    "quality": "separation × persistence of the map's clusters (0 to 1)",
}

SEPARATE_UP_TO = 64
"""Up to this number of maps there are bars; more of them would be too thin to see."""


def plot_map_figures(per_map: Mapping[str, Any]) -> Figure:
    """Draw ACC, NMI and ARI of every activation map, the best rank first.

    Parameters
    ----------
    per_map : mapping of equally long sequences, one value per activation map
        ``map`` (its index), ``acc`` and, where they are known, ``nmi`` and ``ari`` (fractions;
        ARI may be negative), ``rank`` (1 = best) and ``group`` ("clustering" or
        "reconstruction"). Other keys are not read.

    Returns
    -------
    matplotlib.figure.Figure
        With an axes for each figure. Bars, or points for more than ``SEPARATE_UP_TO`` maps, stand
        in the order of the ranks; horizontal lines are the means of the two groups.

    Raises
    ------
    InputError
        When a key is missing, the lengths differ, a value is not finite, or a group is unknown.
    MissingExtraError
        When matplotlib is not installed.

    Examples
    --------
    >>> figure = plot_map_figures({
    ...     "map": [0, 1], "acc": [0.6, 0.9], "nmi": [0.1, 0.5], "ari": [0.0, 0.6],
    ...     "rank": [2, 1], "group": ["reconstruction", "clustering"]})
    >>> [float(bar.get_height()) for bar in figure.axes[0].patches]
    [0.9, 0.6]
    """
    shown = ["acc", *(name for name in FIGURES[1:] if name in per_map)]
    columns, group = _map_columns(per_map, ("map", *shown, "rank"))
    order = np.argsort(columns["rank"], kind="stable")
    group = group[order]
    n_maps = len(order)
    figure = new_figure(8.0, 1.5 * (1 + len(shown)))
    panels = figure.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
    for axes, name in zip(panels, shown, strict=True):
        _draw_figure(axes, columns[name][order], group)
        axes.set_ylabel(f"{name.upper()} (fraction)")
    ticks = thinned(n_maps, most=32)
    maps = columns["map"][order].astype(int)
    panels[-1].set_xticks(ticks, [str(index) for index in maps[ticks]])
    if n_maps > 16:
        panels[-1].tick_params(axis="x", labelsize=SMALL - 1, rotation=90)
    panels[-1].set_xlim(-0.6, n_maps - 0.4)
    panels[-1].set_xlabel("index of the activation map, rank 1 first")
    figure.align_ylabels()
    known = dict(zip(*reversed(panels[0].get_legend_handles_labels()), strict=True))
    kinds = ("{} maps", "mean of the {} maps")
    texts = [text for kind in kinds for name in GROUPS if (text := kind.format(name)) in known]
    figure.legend(
        [known[text] for text in texts], texts, loc="outside lower center", ncols=2, frameon=False
    )
    return figure


def plot_distance_accuracy(per_map: Mapping[str, Any], by: Measure = "centre_distance") -> Figure:
    """Draw the accuracy of every activation map against the measure that ranks it.

    The legend gives Spearman's rank correlation of the two within each kernel group, and a dash
    where it does not exist: fewer than three maps, or one of the two constant.

    Parameters
    ----------
    per_map : mapping of equally long sequences, one value per activation map
        ``centre_distance`` (in units of the latent) or ``quality`` (separation × persistence),
        ``acc`` (fraction) and ``group`` ("clustering" or "reconstruction"). Other keys are not
        read.
    by : {"centre_distance", "quality"}

    Returns
    -------
    matplotlib.figure.Figure
        With one axes; its distances are logarithmic if they span more than a factor of 20.

    Raises
    ------
    InputError
        When a key is missing, the lengths differ, a value is not finite, or a group is unknown.
    MissingExtraError
        When matplotlib is not installed.

    Examples
    --------
    >>> figure = plot_distance_accuracy({
    ...     "centre_distance": [1.0, 2.0, 3.0], "acc": [0.5, 0.7, 0.9],
    ...     "group": ["clustering"] * 3})
    >>> figure.legends[0].get_texts()[0].get_text()
    'clustering maps (n = 3, Spearman 1.00)'
    """
    columns, group = _map_columns(per_map, (by, "acc"))
    distance, accuracy = columns[by], columns["acc"]
    figure = new_figure()
    axes = figure.subplots()
    for name in GROUPS:
        chosen = group == name
        if not chosen.any():
            continue
        correlation = _spearman(distance[chosen], accuracy[chosen])
        axes.scatter(
            distance[chosen],
            accuracy[chosen],
            s=45,
            color=PALETTE[name],
            marker=MARKERS[name],
            edgecolors="black",
            linewidths=0.5,
            alpha=0.85,
            label=f"{name} maps (n = {chosen.sum()}, Spearman {correlation})",
        )
    if by == "centre_distance" and distance.min() > 0 and distance.max() > 20 * distance.min():
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel(LABELS[by])
    axes.set_ylabel("ACC of the activation map (fraction)")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def _spearman(first: Vector, second: Vector) -> str:
    """Spearman's rank correlation as text, or a dash where it does not exist."""
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return "–"
    from scipy.stats import spearmanr  # takes a quarter of a second to import

    return f"{float(spearmanr(first, second).statistic):.2f}"


def _draw_figure(axes: Axes, values: Vector, group: NDArray[Any]) -> None:
    """Draw the values in their order, coloured by group, and a labelled line at each mean."""
    means: dict[str, float] = {}
    for name in GROUPS:
        places = np.flatnonzero(group == name)
        if len(places) == 0:
            continue
        means[name] = float(values[places].mean())
        if len(values) <= SEPARATE_UP_TO:
            axes.bar(
                places,
                values[places],
                width=0.8,
                color=PALETTE[name],
                edgecolor=PALETTE["hatch"],
                linewidth=0,
                hatch="///" if name == "reconstruction" else None,
                label=f"{name} maps",
            )
        else:
            axes.scatter(
                places,
                values[places],
                s=14,
                color=PALETTE[name],
                marker=MARKERS[name],
                edgecolors="black",
                linewidths=0.3,
                label=f"{name} maps",
            )
        axes.axhline(
            means[name],
            color="black",
            linestyle=LINE_STYLES[name],
            linewidth=1.4,
            label=f"mean of the {name} maps",
        )
    low = min(0.0, 1.1 * float(values.min()))
    axes.set_ylim(low, 1.0)
    axes.set_yticks([0.0, 0.25, 0.5, 0.75, 1.0])
    if low < 0:
        axes.axhline(0.0, color="grey", linewidth=0.8)
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    heights = _apart(list(means.values()), gap=0.13 * (1.0 - low), low=low, high=1.0)
    for (name, mean), height in zip(means.items(), heights, strict=True):
        axes.text(
            1.01,
            height,
            f"{name} {round(mean, 2) + 0.0:.2f}",  # + 0.0 turns -0.00 into 0.00
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=SMALL,
        )


def _apart(heights: list[float], *, gap: float, low: float, high: float) -> list[float]:
    """Move two label heights apart until ``gap`` lies between them, inside the axes."""
    if len(heights) < 2 or abs(heights[0] - heights[1]) >= gap:
        return heights
    middle = min(max(sum(heights) / 2, low + gap / 2), high - gap / 2)
    upper = 0 if heights[0] >= heights[1] else 1
    return [middle + gap / 2 if place == upper else middle - gap / 2 for place in range(2)]


def _map_columns(
    per_map: Mapping[str, Any], names: tuple[str, ...]
) -> tuple[dict[str, Vector], NDArray[Any]]:
    """Check the columns that a figure needs; return the numbers and the kernel groups."""
    lacking = [name for name in (*names, "group") if name not in per_map]
    if lacking:
        raise InputError(f"per_map lacks {', '.join(lacking)}; it has {', '.join(per_map)}")
    columns = {name: as_array(per_map[name], f"per_map[{name!r}]", n_dims=1) for name in names}
    group = np.atleast_1d(np.asarray(per_map["group"], dtype=object))
    length = len(columns[names[0]])
    for name, column in {**columns, "group": group}.items():
        check_length(column, f"per_map[{name!r}]", length)
    unknown = sorted({str(name) for name in group} - set(GROUPS))
    if unknown:
        raise InputError(
            f"per_map['group'] has {', '.join(map(repr, unknown))}; "
            f"known are {' and '.join(map(repr, GROUPS))}"
        )
    return columns, group
