"""The score of a run is drawn as it was given, with its threshold and onset."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from dccad.errors import InputError
from dccad.plots import plot_scores
from figure_inputs import find, legend_texts, make_scores


def test_scores_leave_out_rows_without_a_score_and_say_so():
    scores = make_scores()
    figure = plot_scores(scores, 1.0)
    axes = figure.axes[0]
    line = find(axes, "score")
    assert_array_equal(line.get_ydata(), scores)  # NaN breaks the line
    assert np.isnan(line.get_ydata()[:29]).all()
    shade = find(axes, "no score yet (first 29 rows)")
    assert shade.get_x() <= 0
    assert shade.get_x() + shade.get_width() == 29
    assert "no score yet (first 29 rows)" in legend_texts(figure.legends[0])


def test_scores_mark_the_rows_above_the_threshold():
    scores = make_scores()
    scores[80] = np.nan
    scores[81] = 1.0  # equal to the threshold: not above it
    figure = plot_scores(scores, 1.0)
    above = np.flatnonzero(scores > 1.0)
    marks = find(figure.axes[0], f"above the threshold ({len(above)} of 70 scored rows)")
    assert_array_equal(marks.get_xdata(), above)
    assert_array_equal(marks.get_ydata(), scores[above])


@pytest.mark.parametrize(
    ("rate", "text"),
    [(None, "threshold 0.75"), (0.01, "threshold 0.75\n(1 % false alarms)")],
)
def test_scores_draw_and_label_the_threshold(rate, text):
    axes = plot_scores(make_scores(), 0.75, false_alarm_rate=rate).axes[0]
    assert_allclose(find(axes, "threshold").get_ydata(), 0.75)
    assert [label.get_text() for label in axes.texts] == [text]


@pytest.mark.parametrize(("hours", "x"), [(None, 50.0), (0.05 * np.arange(100), 2.5)])
def test_scores_mark_the_onset(hours, x):
    axes = plot_scores(make_scores(), 1.0, onset=50, hours=hours).axes[0]
    assert_allclose(find(axes, "onset").get_xdata(), x)
    unit = "row 50" if hours is None else "2.5 h"
    assert f"fault onset at {unit}" in [text.get_text() for text in axes.texts]
    assert axes.get_xlabel() == ("row (index from 0)" if hours is None else "time [h]")


@pytest.mark.parametrize(
    ("largest", "scale"), [(10.0, "linear"), (1000.0, "symlog")], ids=["narrow", "wide"]
)
def test_scores_of_a_wide_range_get_a_symlog_axis_that_shows_all(largest, scale):
    scores = np.concatenate([np.linspace(-2.0, 0.9, 50), np.linspace(1.0, largest, 20)])
    axes = plot_scores(scores, 0.8).axes[0]
    assert axes.get_yscale() == scale
    low, high = axes.get_ylim()
    assert low < -2.0
    assert high > largest


def test_scores_title():
    assert plot_scores(make_scores(), 1.0, title="run 7").get_suptitle() == "run 7"


def test_one_scored_row_can_be_drawn(tmp_path):
    plot_scores([0.5], 1.0, onset=0).savefig(tmp_path / "figure.png", dpi=40)


@pytest.mark.parametrize(
    ("scores", "threshold", "options", "message"),
    [
        ([], 1.0, {}, r"scores has shape \(0,\)"),
        ([np.nan, np.nan], 1.0, {}, "none of the 2 rows has a score"),
        ([0.0, np.inf], 1.0, {}, "scores has 1 infinite value.* first at index 1"),
        ([0.0, 1.0], np.nan, {}, "threshold=nan must be a finite number"),
        ([0.0, 1.0], 1.0, {"onset": 2}, "onset=2 is outside the 2 rows 0 to 1"),
        ([0.0, 1.0], 1.0, {"hours": [0.0]}, "hours has 1 values but 2"),
    ],
)
def test_scores_refuse(scores, threshold, options, message):
    with pytest.raises(InputError, match=message):
        plot_scores(scores, threshold, **options)
