"""Shared by all figures: colours by role, an empty figure, checked columns, the time axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dccad.errors import InputError
from dccad.support.extras import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Vector: TypeAlias = NDArray[np.float64]

PALETTE = {
    "normal": "#0072B2",  # blue
    "anomalous": "#D55E00",  # vermillion
    "clustering": "#E69F00",  # orange
    "reconstruction": "#56B4E9",  # sky blue
    "hatch": "#0072B2",  # on the reconstruction kernels, for prints without colour
    "loss": "#009E73",  # bluish green
    "onset": "#A3437B",  # reddish purple, darkened for thin lines
    "threshold": "#000000",
    "score": "#4D4D4D",
    "shade": "#E6E6E6",
}
"""Colour of each role in every figure: Okabe and Ito's colour-blind-safe set, and greys."""

OTHER_CLASSES = ("#D55E00", "#E69F00", "#009E73", "#CC79A7", "#000000", "#56B4E9", "#F0E442")
"""Colours of the classes other than the normal one, in the order of their use."""

GROUPS = ("clustering", "reconstruction")
"""Kernel groups in the order in which they are drawn and listed."""

MARKERS = {"clustering": "o", "reconstruction": "^"}
LINE_STYLES: dict[str, Any] = {"clustering": "-", "reconstruction": (0, (4, 2))}

SMALL = 9
"""Font size in points of text inside the figures; axes keep matplotlib's 10 points."""


def new_figure(width: float = 8.0, height: float = 4.5, title: str | None = None) -> Figure:
    """Make an empty figure, in inches, that belongs to no window and no pyplot state."""
    module = require("matplotlib.figure", extra="plots")
    figure: Figure = module.Figure(figsize=(width, height), layout="constrained")
    if title is not None:
        figure.suptitle(title)
    return figure


def as_array(
    values: ArrayLike, name: str, *, n_dims: int | tuple[int, ...], missing: bool = False
) -> Vector:
    """Check one numeric input of a figure.

    Parameters
    ----------
    values : array-like, numeric
    name : str
        Its name in messages.
    n_dims : int or tuple of int
        Number of axes that it must have, or may have.
    missing : bool
        Whether NaN is allowed; infinite values never are.

    Raises
    ------
    InputError
        When it is not numeric, has another number of axes, is empty, or has values that cannot
        be drawn.
    """
    allowed = (n_dims,) if isinstance(n_dims, int) else n_dims
    needed = f"a non-empty array of numbers with {' or '.join(map(str, allowed))} dimension(s)"
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be {needed}: {error}") from error
    if array.ndim not in allowed or array.size == 0:
        raise InputError(f"{name} has shape {array.shape}; pass {needed}")
    bad = np.isinf(array) if missing else ~np.isfinite(array)
    if bad.any():
        kind = "infinite" if missing else "NaN or infinite"
        where = ", ".join(str(i) for i in np.argwhere(bad)[0])
        raise InputError(
            f"{name} has {int(bad.sum())} {kind} value(s), the first at index {where}; drop them"
        )
    return array


def as_integers(values: ArrayLike, name: str, length: int | None = None) -> NDArray[np.int64]:
    """Check a vector of whole numbers that are at least 0, such as regions or map indices.

    Raises
    ------
    InputError
        When it is no such vector, or its length differs from ``length``.
    """
    array = as_array(values, name, n_dims=1)
    if (array < 0).any() or (array != np.floor(array)).any():
        raise InputError(f"{name} must hold whole numbers of at least 0, got {np.unique(array)}")
    if length is not None:
        check_length(array, name, length)
    return array.astype(np.int64)


def check_length(array: NDArray[Any], name: str, length: int) -> None:
    """Raise an InputError when a vector does not have the needed number of values."""
    if len(array) != length:
        raise InputError(f"{name} has {len(array)} values but {length} are needed, one for each")


def time_axis(
    n_steps: int, step: str, hours: ArrayLike | None, onset: int | None
) -> tuple[Vector, str, float | None, str]:
    """Position of every step on the time axis, and of the fault onset.

    Parameters
    ----------
    n_steps : int
        Number of rows or windows.
    step : str
        What one step is called: ``"row"`` or ``"window"``.
    hours : array-like of shape (n_steps,), in hours, optional
        Time of each step, increasing; without it the axis counts steps from 0.
    onset : int, optional
        Index of the first faulty step.

    Returns
    -------
    positions : ndarray of shape (n_steps,)
        In hours, or in steps.
    label : str
        Label of the axis, with its unit.
    onset_position : float or None
    onset_label : str
        Text beside the onset line; empty without an onset.

    Raises
    ------
    InputError
        When ``hours`` has another length or does not increase, or ``onset`` is no index of a step.

    Examples
    --------
    >>> time_axis(3, "row", [0.0, 0.05, 0.1], onset=2)[1:]
    ('time [h]', 0.1, 'fault onset at 0.1 h')
    """
    if onset is not None and not 0 <= onset < n_steps:
        raise InputError(f"onset={onset} is outside the {n_steps} {step}s 0 to {n_steps - 1}")
    if hours is None:
        label = f"{step} (index from 0)"
        position = None if onset is None else float(onset)
        text = "" if onset is None else f"fault onset at {step} {onset}"
        return np.arange(n_steps, dtype=np.float64), label, position, text
    times = as_array(hours, "hours", n_dims=1)
    check_length(times, "hours", n_steps)
    if (np.diff(times) <= 0).any():
        first = int(np.argmax(np.diff(times) <= 0)) + 1
        raise InputError(f"hours must increase, but entry {first} is not after entry {first - 1}")
    position = None if onset is None else float(times[onset])
    text = "" if position is None else f"fault onset at {position:.6g} h"
    return times, "time [h]", position, text


def mark_onset(axes: Axes, position: float | None, text: str) -> None:
    """Draw the fault onset as a vertical line with its label above the axes."""
    if position is None:
        return
    left, right = axes.get_xlim()
    share = (position - left) / (right - left)
    outline = require("matplotlib.patheffects", extra="plots").withStroke(
        linewidth=3.6, foreground="white", alpha=0.7
    )
    axes.axvline(
        position,
        color=PALETTE["onset"],
        linestyle="-.",
        linewidth=1.8,
        path_effects=[outline],
        label="onset",
    )
    axes.annotate(
        text,
        xy=(position, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(0, 4),
        textcoords="offset points",
        ha="left" if share < 0.15 else "right" if share > 0.85 else "center",
        va="bottom",
        fontsize=SMALL,
        color=PALETTE["onset"],
    )


def thinned(n_ticks: int, most: int) -> NDArray[np.int64]:
    """Return the positions of at most ``most`` evenly spaced ticks out of ``n_ticks``.

    Examples
    --------
    >>> thinned(10, most=4).tolist()
    [0, 5]
    >>> thinned(3, most=4).tolist()
    [0, 1, 2]
    """
    steps = [1, 2, 5, 10, 20, 25, 50, 100]
    step = next((s for s in steps if s * most >= n_ticks), -(-n_ticks // most))
    return np.arange(0, n_ticks, step)
