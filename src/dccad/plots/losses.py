"""The course of a training: losses and centre distance over the epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dccad.errors import InputError
from dccad.plots.style import PALETTE, SMALL, Vector, as_array, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = (
    ("reconstruction_loss", "reconstruction loss $L_R$"),
    ("clustering_loss", "clustering loss $L_C$"),
    ("total_loss", "total loss"),
    ("centre_distance", "mean centre distance"),
)
PHASES = ("pretrain", "joint")


def plot_losses(history: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw reconstruction, clustering and total loss and the centre distance over the epochs.

    The pre-training phase is shaded, and diamonds mark the epochs at which the centres were
    computed anew. A panel whose values are positive and span more than a factor of 10 has a
    logarithmic axis.

    Parameters
    ----------
    history : sequence of mappings, one per epoch
        Keys: ``phase`` ("pretrain" or "joint"), ``epoch`` (running index over both phases),
        ``reconstruction_loss``, ``clustering_loss``, ``total_loss`` and ``centre_distance``
        (mean over the clustering maps), all without unit because the network sees scaled
        sensors, and None where they do not exist, and ``updated`` (whether the centres were
        recomputed at this epoch).

    Returns
    -------
    matplotlib.figure.Figure
        With four axes, in the order reconstruction, clustering, total, centre distance.

    Raises
    ------
    InputError
        When the history is empty, lacks a key, names an unknown phase, has an infinite value, or
        its epochs do not increase.
    MissingExtraError
        When matplotlib is not installed.

    Examples
    --------
    >>> epoch = {"phase": "joint", "reconstruction_loss": 0.5, "clustering_loss": 0.2,
    ...          "total_loss": 0.4, "centre_distance": 1.5, "updated": True}
    >>> figure = plot_losses([epoch | {"epoch": 0}, epoch | {"epoch": 1}])
    >>> [axes.get_ylabel() for axes in figure.axes][2]
    'total loss'
    """
    epochs, columns, pretrain, updated = _history_columns(history)
    figure = new_figure(8.0, 5.2)
    panels = figure.subplots(2, 2, sharex=True)
    for axes, (key, label) in zip(panels.flat, PANELS, strict=True):
        if pretrain.any():
            last = epochs[pretrain][-1]
            axes.axvspan(
                epochs[0] - 0.5,
                last + 0.5,
                color=PALETTE["shade"],
                linewidth=0,
                zorder=0,
                label="pre-training",
            )
        _draw_course(axes, epochs, columns[key], updated)
        axes.set_ylabel(label)
        axes.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
        axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    figure.align_ylabels()
    for axes in panels[-1]:
        axes.set_xlabel("epoch (pre-training and joint phase together)")
    entries: dict[str, Any] = {}
    for axes in panels.flat:
        for handle, text in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(text, handle)
    figure.legend(
        list(entries.values()), list(entries), loc="outside lower center", ncols=3, frameon=False
    )
    return figure


def _draw_course(axes: Axes, epochs: Vector, values: Vector, updated: Any) -> None:
    known = np.isfinite(values)
    dots = "." if known.sum() <= 30 else None
    color = PALETTE["loss"]
    axes.plot(epochs, values, color=color, marker=dots, linewidth=1.6, label="value per epoch")
    if not known.any():
        axes.text(
            0.5,
            0.5,
            "no values",
            transform=axes.transAxes,
            ha="center",
            va="center",
            fontsize=SMALL,
        )
        axes.set_yticks([])
        return
    marked = updated & known
    if marked.any():
        axes.plot(
            epochs[marked],
            values[marked],
            linestyle="none",
            marker="D",
            markersize=5 if marked.sum() <= 20 else 3,
            markerfacecolor="white",
            markeredgecolor="black",
            label="centres recomputed",
        )
    smallest, largest = values[known].min(), values[known].max()
    if smallest > 0 and largest > 10 * smallest:
        axes.set_yscale("log")
    axes.grid(axis="y", alpha=0.3)


def _history_columns(
    history: Sequence[Mapping[str, Any]],
) -> tuple[Vector, dict[str, Vector], Any, Any]:
    """Check a history and turn its rows into columns; None becomes NaN."""
    if len(history) == 0:
        raise InputError("the history is empty: pass one entry per epoch of a finished fit")
    keys = [key for key, _ in PANELS]
    for position, entry in enumerate(history):
        lacking = [key for key in ("phase", "epoch", *keys, "updated") if key not in entry]
        if lacking:
            raise InputError(f"entry {position} of the history lacks {', '.join(lacking)}")
        if entry["phase"] not in PHASES:
            raise InputError(
                f"entry {position} of the history has phase {entry['phase']!r}; "
                f"known are {' and '.join(map(repr, PHASES))}"
            )
    epochs = as_array([entry["epoch"] for entry in history], "epoch of the history", n_dims=1)
    if (np.diff(epochs) <= 0).any():
        raise InputError("the epochs of the history must increase; pass the entries in their order")
    columns = {
        key: as_array(
            [np.nan if entry[key] is None else entry[key] for entry in history],
            f"{key} of the history",
            n_dims=1,
            missing=True,
        )
        for key in keys
    }
    pretrain = np.array([entry["phase"] == "pretrain" for entry in history])
    updated = np.array([bool(entry["updated"]) for entry in history])
    return epochs, columns, pretrain, updated
