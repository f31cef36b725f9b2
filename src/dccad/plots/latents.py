"""The latent space: t-SNE of the windows, and activation maps over the time of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dccad.errors import InputError
from dccad.plots.style import (
    GROUPS,
    OTHER_CLASSES,
    PALETTE,
    SMALL,
    Vector,
    as_array,
    as_integers,
    mark_onset,
    new_figure,
    thinned,
    time_axis,
)
from dccad.support.extras import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEWEST_WINDOWS = 4
MOST_CLASSES = 22
CLASS_MARKERS = ("s", "^", "D")


def embed_latents(
    latents: ArrayLike, *, seed: int = 0, perplexity: float = 30, max_windows: int = 2000
) -> tuple[Vector, NDArray[np.int64]]:
    """Embed the latents of windows in two dimensions with openTSNE.

    If there are more than ``max_windows`` windows, an evenly spaced part of them is embedded.
    Everything runs in one thread, so that the same seed gives the same embedding.

    Parameters
    ----------
    latents : array-like of shape (n_windows, n_features) or (n_windows, n_maps, T)
        Latents of the chosen activation maps; the axes behind the first are joined.
    seed : int
    perplexity : float
        Lowered to a third of the number of other windows if there are too few of them.
    max_windows : int, at least 4

    Returns
    -------
    embedding : ndarray of shape (n_embedded, 2), float64
        Without unit.
    chosen : ndarray of shape (n_embedded,), int64
        Index of the window behind each row of the embedding, increasing.

    Raises
    ------
    InputError
        When there are fewer than four windows, or a value is not finite.
    MissingExtraError
        When openTSNE is not installed.

    Examples
    --------
    >>> latents = np.random.default_rng(0).normal(size=(20, 3, 2))
    >>> embedding, chosen = embed_latents(latents, max_windows=10)
    >>> embedding.shape, chosen.tolist()
    ((10, 2), [0, 2, 4, 6, 8, 11, 13, 15, 17, 19])
    """
    values = as_array(latents, "latents", n_dims=(2, 3))
    values = values.reshape(len(values), -1)
    if min(len(values), max_windows) < FEWEST_WINDOWS:
        raise InputError(
            f"t-SNE needs at least {FEWEST_WINDOWS} windows, got {len(values)} "
            f"and max_windows={max_windows}"
        )
    chosen = np.arange(len(values), dtype=np.int64)
    if len(values) > max_windows:
        chosen = np.linspace(0, len(values) - 1, max_windows).round().astype(np.int64)
    points = values[chosen]
    if points.shape[1] == 1:  # the starting positions come from two principal components
        points = np.hstack([points, np.zeros_like(points)])
    constant = bool((np.ptp(points, axis=0) == 0).all())
    tsne = require("openTSNE", extra="plots").TSNE(
        perplexity=min(perplexity, (len(points) - 1) / 3),
        initialization="random" if constant else "pca",
        neighbors="exact",
        n_jobs=1,
        random_state=seed,
    )
    return np.array(tsne.fit(points), dtype=np.float64), chosen


def plot_tsne(
    embedding: ArrayLike,
    regions: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    normal_region: int | None = None,
    title: str | None = None,
) -> Figure:
    """Draw an embedding of windows coloured by region and, beside it, by true label.

    Parameters
    ----------
    embedding : array-like of shape (n_windows, 2)
        As from :func:`embed_latents`.
    regions : array-like of shape (n_windows,), int
        Region of each window, numbered from 0.
    labels : array-like of shape (n_windows,), int, optional
        0 is fault-free. With nothing but 0 and 1, 1 is called "faulty"; otherwise the values are
        fault numbers.
    normal_region : int, optional
        The region that is called "normal"; with two regions the other is called "anomalous",
        with more each keeps its number. Without it, no region is called normal.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        With one axes, or two when there are labels.

    Raises
    ------
    InputError
        When the lengths differ, numbers are negative, or there are more than 22 classes.
    MissingExtraError
        When matplotlib is not installed.

    Examples
    --------
    >>> figure = plot_tsne([[0, 0], [1, 1], [5, 5]], [0, 0, 1], normal_region=0)
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['normal (2)', 'anomalous (1)']
    """
    points = as_array(embedding, "embedding", n_dims=2)
    if points.shape[1] != 2:
        raise InputError(f"embedding has {points.shape[1]} columns; pass 2, as from embed_latents")
    drawn = [("by region", _region_classes(regions, len(points), normal_region))]
    if labels is not None:
        drawn.append(("by true label", _label_classes(labels, len(points))))
    figure = new_figure(9.0 if labels is not None else 6.0, 5.0, title)
    row = figure.subplots(1, len(drawn), squeeze=False)[0]
    for axes, (name, classes) in zip(row, drawn, strict=True):
        _draw_classes(axes, points, classes)
        axes.set_title(name, fontsize=11)
    return figure


def plot_activation_maps(
    latents: ArrayLike,
    maps: Sequence[int] | NDArray[Any],
    *,
    onset: int | None = None,
    clustering: ArrayLike | None = None,
    hours: ArrayLike | None = None,
) -> Figure:
    """Draw selected activation maps of one run as a heat map over time.

    Each map is a band of its T values, the first on top. The colours are centred at 0 and end at
    the 99th percentile of the absolute values of the selected maps.

    Parameters
    ----------
    latents : array-like of shape (n_windows, n_maps, T)
        Latents of all activation maps, windows in the order of time.
    maps : sequence of int
        Indices of the maps to draw, from top to bottom.
    onset : int, optional
        Index of the first window that counts as faulty.
    clustering : array-like of int, or of bool and shape (n_maps,), optional
        Indices of the clustering maps; all others belong to reconstruction kernels. Without it
        the groups are not shown.
    hours : array-like of shape (n_windows,), in hours, optional
        Time of each window, increasing. Uneven times are drawn to scale, each pixel showing the
        window nearest to it.

    Returns
    -------
    matplotlib.figure.Figure
        The heat map is the first axes, the colour bar the second.

    Raises
    ------
    InputError
        When shapes do not fit, a map or the onset is out of range, or a value is not finite.
    MissingExtraError
        When matplotlib is not installed.

    Examples
    --------
    >>> figure = plot_activation_maps(np.zeros((5, 4, 3)), [2, 0], clustering=[2])
    >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
    ['2 clustering', '0 reconstruction']
    """
    values = as_array(latents, "latents", n_dims=3)
    n_windows, n_maps, n_positions = values.shape
    chosen = _map_indices(maps, "maps", n_maps)
    times, label, position, onset_text = time_axis(n_windows, "window", hours, onset)
    image = values[:, chosen].reshape(n_windows, -1).T
    even = np.linspace(times[0], times[-1], n_windows)
    image = image[:, np.searchsorted((times[1:] + times[:-1]) / 2, even)]
    limit = float(np.quantile(np.abs(image), 0.99)) or float(np.abs(image).max()) or 1.0
    # blending of neighbours in the picture then stays far below the height of a band
    image = image.repeat(-(-400 // len(image)), axis=0)
    half = (times[-1] - times[0]) / max(n_windows - 1, 1) / 2 or 0.5

    height = min(max(4.5, 1.5 + 0.22 * len(chosen)), 9.0)
    figure = new_figure(8.0, height)
    axes = figure.subplots()
    picture = axes.imshow(
        image,
        aspect="auto",
        cmap="RdBu_r",
        vmin=-limit,
        vmax=limit,
        interpolation="antialiased",
        interpolation_stage="data",  # mean values where a pixel holds several, not mean colours
        extent=(times[0] - half, times[-1] + half, len(chosen), 0),
    )
    if len(chosen) <= 40:
        for edge in range(1, len(chosen)):
            axes.axhline(edge, color="black", linewidth=0.8)
    groups = None
    if clustering is not None:
        members = _map_indices(clustering, "clustering", n_maps, empty=True)
        groups = [GROUPS[0] if index in members else GROUPS[1] for index in chosen]
        _draw_group_stripe(axes, groups)
    ticks = thinned(len(chosen), most=32)
    names = [f"{chosen[i]}" if groups is None else f"{chosen[i]} {groups[i]}" for i in ticks]
    axes.set_yticks(ticks + 0.5, names)
    axes.tick_params(axis="y", length=0, pad=10 if groups else 3, labelsize=SMALL)
    what = "activation map" if groups is None else "activation map and kernel group"
    axes.set_ylabel(f"{what}\n({n_positions} latent position{'s' * (n_positions > 1)} per band)")
    axes.set_xlabel(label)
    mark_onset(axes, position, onset_text)
    figure.colorbar(
        picture,
        ax=axes,
        label="activation [latent units]",
        extend="both",
        extendfrac=0.03,
        pad=0.02,
        aspect=5 * height,
    )
    return figure


def _draw_group_stripe(axes: Axes, groups: list[str]) -> None:
    """Paint a narrow stripe left of the axes in the colour of each map's kernel group."""
    for place, name in enumerate(groups):
        axes.barh(
            place + 0.5,
            0.012,
            left=-0.016,
            height=1.0,
            transform=axes.get_yaxis_transform(),
            clip_on=False,
            color=PALETTE[name],
            edgecolor=PALETTE["hatch"],
            linewidth=0,
            hatch="////" if name == "reconstruction" else None,
        )


def _map_indices(
    maps: ArrayLike, name: str, n_maps: int, *, empty: bool = False
) -> NDArray[np.int64]:
    """Check indices of activation maps, or turn a mask over all maps into indices."""
    given = np.asarray(maps)
    if given.dtype == np.bool_ and given.shape == (n_maps,):
        given = np.flatnonzero(given)
    if empty and given.size == 0:
        return np.empty(0, dtype=np.int64)
    indices = as_integers(given, name)
    if indices.max() >= n_maps:
        raise InputError(
            f"{name} has index {indices.max()}, but the latents have the maps 0 to {n_maps - 1}"
        )
    return indices


Classes = list[tuple[str, NDArray[np.bool_], str, str]]
"""Name, members, colour and marker of each class, in the order of the legend."""


def _region_classes(regions: ArrayLike, length: int, normal: int | None) -> Classes:
    given = as_integers(regions, "regions", length)
    n_regions = max(int(given.max()) + 1, 2)
    if normal is not None and normal < 0:
        raise InputError(f"normal_region={normal} must be at least 0")

    def name(region: int) -> str:
        if normal is None or (region != normal and n_regions > 2):
            return f"region {region}"
        if region != normal:
            return "anomalous"
        return "normal" if n_regions == 2 else f"region {region} (normal)"

    first = 0 if normal is None else normal
    return _styled(given, "regions", first, name)


def _label_classes(labels: ArrayLike, length: int) -> Classes:
    given = as_integers(labels, "labels", length)
    binary = given.max() <= 1

    def name(label: int) -> str:
        if label == 0:
            return "fault-free"
        return "faulty" if binary else f"fault {label}"

    return _styled(given, "labels", 0, name)


def _styled(given: NDArray[np.int64], what: str, first: int, name: Any) -> Classes:
    """Style the first class as normal, and give every other number below 22 a style of its own."""
    present = np.unique(given).tolist()
    if len(present) > MOST_CLASSES:
        raise InputError(
            f"{what} has {len(present)} classes, but at most {MOST_CLASSES} can be told apart; "
            "draw fewer of them"
        )
    known = present if present[-1] >= MOST_CLASSES else range(max(MOST_CLASSES, first + 1))
    others = [value for value in known if value != first]
    classes: Classes = []
    for value in sorted(present, key=lambda value: (value != first, value)):
        color, marker = PALETTE["normal"], "o"
        if value != first:
            place = others.index(value)  # 7 colours and 3 markers give 21 different pairs
            color = OTHER_CLASSES[place % len(OTHER_CLASSES)]
            marker = CLASS_MARKERS[place % len(CLASS_MARKERS)]
        classes.append((name(value), given == value, color, marker))
    return classes


def _draw_classes(axes: Axes, points: Vector, classes: Classes) -> None:
    size = 22 if len(points) <= 600 else 10
    for name, members, color, marker in classes:
        axes.scatter(
            points[members, 0],
            points[members, 1],
            s=size,
            color=color,
            marker=marker,
            alpha=0.75,
            edgecolors="black",
            linewidths=0.2,
            zorder=3 - members.mean(),  # small classes on top of large ones
            label=f"{name} ({members.sum()})",
        )
    axes.set_xlabel("t-SNE 1 (no unit)")
    axes.set_ylabel("t-SNE 2 (no unit)")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -0.08),
        ncols=2 if len(classes) <= 4 else 4,
        fontsize=SMALL if len(classes) <= 8 else SMALL - 1,
        markerscale=1.6,
        handletextpad=0.2,
        columnspacing=1.0,
        frameon=False,
    )
