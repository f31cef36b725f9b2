"""The anomaly score of one run over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from dccad.errors import InputError
from dccad.plots.style import PALETTE, SMALL, Vector, as_array, mark_onset, new_figure, time_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LARGEST_LINEAR = 20.0
"""Scores that exceed the usual size by more than this factor get a logarithmic axis."""


def plot_scores(
    scores: ArrayLike,
    threshold: float,
    *,
    onset: int | None = None,
    hours: ArrayLike | None = None,
    title: str | None = None,
    false_alarm_rate: float | None = None,
) -> Figure:
    r"""Draw the score of every row of one run with the threshold and the fault onset.

    Rows above the threshold are marked. Where some scores are more than 20 times as large as the
    threshold, the axis is linear up to about the threshold and logarithmic beyond it
    (matplotlib's ``symlog``), which keeps zero and negative scores visible.

    Parameters
    ----------
    scores : array-like of shape (n_rows,)
        Higher is more anomalous. NaN where a row has no score, as in the first rows of a run;
        the rows before the first score are hatched.
    threshold : float
        In units of the score; a row is flagged when its score is larger.
    onset : int, optional
        Index of the first faulty row.
    hours : array-like of shape (n_rows,), in hours, optional
        Time of each row, increasing; without it the axis counts rows.
    title : str, optional
    false_alarm_rate : float, optional
        The rate for which the threshold was set, a fraction; written beside the threshold.

    Returns
    -------
    matplotlib.figure.Figure
        With one axes.

    Raises
    ------
    InputError
        When no row has a score, a score is infinite, the threshold is not finite, or ``hours`` or
        ``onset`` do not fit the rows.
    MissingExtraError
        When matplotlib is not installed.

    Examples
    --------
    >>> figure = plot_scores([np.nan, 0.2, 0.3, 1.5], 1.0, onset=3, false_alarm_rate=0.01)
    >>> sorted(text.get_text() for text in figure.axes[0].texts)
    ['fault onset at row 3', 'threshold 1\n(1 % false alarms)']
    """
    values = as_array(scores, "scores", n_dims=1, missing=True)
    scored = np.isfinite(values)
    if not scored.any():
        raise InputError(
            f"none of the {len(values)} rows has a score: a run needs at least one full window"
        )
    if not np.isfinite(threshold):
        raise InputError(f"threshold={threshold} must be a finite number")
    times, label, position, onset_text = time_axis(len(values), "row", hours, onset)

    figure = new_figure(title=title)
    axes = figure.subplots()
    axes.plot(times, values, color=PALETTE["score"], linewidth=1.0, label="score")
    above = values > threshold  # False for NaN
    axes.plot(
        times[above],
        values[above],
        linestyle="none",
        marker="x",
        markersize=4 if above.sum() <= 100 else 3,
        markeredgewidth=0.8,
        color=PALETTE["anomalous"],
        label=f"above the threshold ({above.sum()} of {scored.sum()} scored rows)",
    )
    margin = 0.01 * (times[-1] - times[0]) or 0.5
    first = int(np.argmax(scored))
    if first > 0:
        axes.axvspan(
            times[0] - margin,
            times[first],
            facecolor=PALETTE["shade"],
            edgecolor="grey",
            hatch="///",
            linewidth=0,
            zorder=0,
            label=f"no score yet (first {first} rows)",
        )
    axes.set_xlim(times[0] - margin, times[-1] + margin)
    _scale_scores(axes, values[scored], threshold)
    _mark_threshold(axes, threshold, false_alarm_rate)
    axes.set_xlabel(label)
    axes.set_ylabel("anomaly score (higher = more anomalous)")
    mark_onset(axes, position, onset_text)
    handles, texts = axes.get_legend_handles_labels()
    shown = [i for i, text in enumerate(texts) if text not in ("threshold", "onset")]
    figure.legend(
        [handles[i] for i in shown],
        [texts[i] for i in shown],
        loc="outside lower center",
        ncols=3,
        frameon=False,
    )
    return figure


def _scale_scores(axes: Axes, values: Vector, threshold: float) -> None:
    """Make the axis symlog when the largest scores would squeeze the usual ones."""
    usual = max(abs(threshold), float(np.quantile(np.abs(values), 0.1)))
    if usual > 0 and np.abs(values).max() > LARGEST_LINEAR * usual:
        axes.set_yscale("symlog", linthresh=10.0 ** np.round(np.log10(usual)), linscale=1.5)
        axes.yaxis.set_major_formatter("{x:g}")
        scale = axes.yaxis.get_transform()
        ends = scale.transform([min(values.min(), threshold), max(values.max(), threshold)])
        space = 0.05 * (ends[1] - ends[0])
        axes.set_ylim(*scale.inverted().transform([ends[0] - space, ends[1] + space]))
    axes.grid(axis="y", alpha=0.3)


def _mark_threshold(axes: Axes, threshold: float, false_alarm_rate: float | None) -> None:
    text = f"threshold {threshold:.4g}"
    if false_alarm_rate is not None:
        text += f"\n({100 * false_alarm_rate:.3g} % false alarms)"
    axes.axhline(
        threshold, color=PALETTE["threshold"], linestyle="--", linewidth=1.4, label="threshold"
    )
    axes.text(
        1.01, threshold, text, transform=axes.get_yaxis_transform(), va="center", fontsize=SMALL
    )
