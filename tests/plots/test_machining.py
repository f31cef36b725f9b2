"""Figures of the peeling machine: what is drawn where, and what is refused."""

import numpy as np
import pytest
from matplotlib import colors, pyplot

from dccad.errors import InputError
from dccad.plots.machining import (
    KIND_COLORS,
    plot_detection_rates,
    plot_kind_details,
    plot_torque_scores,
)
from dccad.plots.style import PALETTE

NAMES = ("normal", "chatter", "chipping", "inclusion")


def columns(n=100):
    """Two bars of 50 rows, 10 Hz, with 3 s of idle time between; kinds 1 and 3."""
    time = np.arange(n) / 10
    time[n // 2 :] += 3
    torque = 500 + np.arange(n)
    scores = np.linspace(-1, 1, n)
    scores[:7] = np.nan
    kinds = np.zeros(n, dtype=int)
    kinds[20:30], kinds[60:62], kinds[80:90] = 1, 3, 1
    return {
        "time": time,
        "torque": torque,
        "scores": scores,
        "threshold": 0.5,
        "kinds": kinds,
        "kind_names": NAMES,
    }


def spans(axes):
    """Start, end and colour of the shaded stretches."""
    return [
        (patch.get_x(), patch.get_x() + patch.get_width(), colors.to_hex(patch.get_facecolor()))
        for patch in axes.patches
    ]


def test_torque_and_scores_stand_over_the_same_time():
    figure = plot_torque_scores(**columns())
    upper, lower = figure.axes
    given = columns()
    for axes, name in ((upper, "torque"), (lower, "scores")):
        time, values = axes.lines[0].get_data()
        # the lines are interrupted at the idle time, before row 50
        assert np.isnan([time[50], values[50]]).all()
        np.testing.assert_array_equal(np.delete(time, 50), given["time"])
        np.testing.assert_array_equal(np.delete(values, 50), given[name])
    assert upper.get_xlim() == lower.get_xlim() == pytest.approx((0, 13))


def test_each_anomalous_stretch_is_shaded_in_the_colour_of_its_kind():
    figure = plot_torque_scores(**columns())
    for axes in figure.axes:
        found = spans(axes)
        assert [s[:2] for s in found] == [
            pytest.approx((2.0, 3.0)),
            pytest.approx((9.0, 9.2)),
            pytest.approx((11.0, 12.0)),
        ]
        assert [s[2] for s in found] == [KIND_COLORS[k].lower() for k in (0, 2, 0)]
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["chatter", "inclusion", "score above the threshold"]
    assert PALETTE["anomalous"] not in KIND_COLORS


def test_a_stretch_ends_where_the_machine_is_idle():
    given = columns()
    given["kinds"][:] = 0
    given["kinds"][45:55] = 2
    found = spans(plot_torque_scores(**given).axes[0])
    assert [s[:2] for s in found] == [pytest.approx((4.5, 5.0)), pytest.approx((8.0, 8.5))]


def test_rows_above_the_threshold_are_marked():
    figure = plot_torque_scores(**columns(), false_alarm_rate=0.05, title="bar 1")
    marked = figure.axes[1].lines[1].get_data()[0]
    given = columns()
    np.testing.assert_array_equal(marked, given["time"][given["scores"] > 0.5])
    [text] = figure.axes[1].texts
    assert text.get_text() == "threshold 0.5\n(5 % false\nalarms)"
    assert figure.get_suptitle() == "bar 1"


@pytest.mark.parametrize(("largest", "scale"), [(4.0, "linear"), (400.0, "symlog")])
def test_scores_far_above_the_threshold_get_a_logarithmic_axis(largest, scale):
    given = columns()
    given["scores"][-1] = largest
    for figure in (plot_torque_scores(**given), plot_kind_details(**given)):
        assert figure.axes[-1].get_yscale() == scale


def test_details_show_the_first_stretch_of_each_kind_with_its_surroundings():
    figure = plot_kind_details(**columns(), context=0.5)
    upper = figure.axes[:2]
    assert [axes.get_title() for axes in upper] == ["chatter", "inclusion"]
    assert upper[0].get_xlim() == pytest.approx((1.5, 3.4), abs=0.051)
    assert upper[1].get_xlim() == pytest.approx((8.5, 9.6), abs=0.051)
    assert upper[0].get_ylim() == upper[1].get_ylim()


def test_detection_rates_are_drawn_in_per_cent():
    figure = plot_detection_rates(
        NAMES[:3],
        {"partition": [0.02, 0.5, None], "monitor": [0.06, 1.0, 0.9]},
        false_alarm_rate=0.05,
    )
    [axes] = figure.axes
    drawn = {line.get_label(): line.get_xdata() for line in axes.lines}
    np.testing.assert_allclose(drawn["partition"], [2, 50, np.nan])
    np.testing.assert_allclose(drawn["monitor"], [6, 100, 90])
    assert list(drawn["false alarms asked for (5 %)"]) == [5.0, 5.0]
    heights = [line.get_ydata() for line in axes.lines[:2]]
    assert (heights[0] < heights[1]).all()
    assert axes.yaxis_inverted()


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plot_torque_scores(**columns(20), title="a"),
        lambda: plot_kind_details(**columns(), title="a"),
        lambda: plot_detection_rates(NAMES, {"a": [0, 1, 0, 1]}, false_alarm_rate=0.1, title="a"),
    ],
)
def test_figures_can_be_saved_without_a_window(draw, tmp_path):
    path = tmp_path / "figure.png"
    draw().savefig(path, dpi=40)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert pyplot.get_fignums() == []


@pytest.mark.parametrize("plot", [plot_torque_scores, plot_kind_details])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"torque": [1.0]}, "torque has 1 values but 100 are needed"),
        ({"time": np.zeros(100)}, "time must increase, but entry 1 is not after the one before"),
        ({"kind_names": ["normal"]}, "kinds holds 3, but kind_names has 1 names"),
        ({"scores": np.full(100, np.inf)}, "scores has 100 infinite value"),
        ({"kinds": np.full(100, 0.5)}, "kinds must hold whole numbers of at least 0"),
    ],
)
def test_columns_that_do_not_fit_are_refused(plot, change, message):
    with pytest.raises(InputError, match=message):
        plot(**{**columns(), **change})


def test_details_need_an_anomaly():
    with pytest.raises(InputError, match="no row is anomalous"):
        plot_kind_details(**{**columns(), "kinds": np.zeros(100)})


def test_wrong_rates_are_refused():
    with pytest.raises(InputError, match="rates of a has 1 values but 2 are needed"):
        plot_detection_rates(["normal", "b"], {"a": [0.1]}, false_alarm_rate=0.1)
    with pytest.raises(InputError, match="rates of a must lie between 0 and 1"):
        plot_detection_rates(["normal", "b"], {"a": [0.1, 1.1]}, false_alarm_rate=0.1)
