"""What holds for every figure: it can be saved and read, and needs matplotlib only when drawn."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib import pyplot

from dccad.errors import InputError, MissingExtraError
from dccad.plots import (
    plot_activation_maps,
    plot_distance_accuracy,
    plot_losses,
    plot_map_figures,
    plot_scores,
    plot_tsne,
)
from dccad.plots.style import as_array, as_integers, mark_onset, new_figure, thinned, time_axis
from figure_inputs import find, make_history, make_latents, make_per_map, make_scores

FIGURES = {
    "losses": lambda: plot_losses(make_history()),
    "map_figures": lambda: plot_map_figures(make_per_map()),
    "distance_accuracy": lambda: plot_distance_accuracy(make_per_map()),
    "tsne": lambda: plot_tsne(np.eye(4)[:, :2], [0, 0, 1, 1], [0, 1, 0, 1], normal_region=0),
    "activation_maps": lambda: plot_activation_maps(make_latents(), [0, 1], onset=9),
    "scores": lambda: plot_scores(make_scores(), 1.0, onset=50, title="run 1"),
}


@pytest.fixture(params=sorted(FIGURES))
def make_figure(request):
    return FIGURES[request.param]


def test_a_figure_can_be_saved_and_leaves_no_window_open(make_figure, tmp_path):
    path = tmp_path / "figure.png"
    make_figure().savefig(path, dpi=40)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert pyplot.get_fignums() == []


def test_every_axes_has_labels(make_figure):
    figure = make_figure()
    panels = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    assert all(axes.get_ylabel() for axes in panels)
    assert panels[-1].get_xlabel()


def test_no_text_reaches_outside_the_figure_or_into_another(make_figure):
    figure = make_figure()
    figure.draw_without_rendering()
    boxes = []
    for axes in figure.axes:
        texts = [*axes.texts, axes.title, axes.xaxis.label, axes.yaxis.label]
        boxes += [text.get_window_extent() for text in texts if text.get_text()]
    boxes += [legend.get_window_extent() for legend in figure.legends]
    width, height = figure.get_size_inches() * figure.dpi
    for place, box in enumerate(boxes):
        assert box.x0 >= -1
        assert box.y0 >= -1
        assert box.x1 <= width + 1
        assert box.y1 <= height + 1
        assert not any(box.overlaps(other) for other in boxes[:place])


def test_without_matplotlib_the_message_names_the_extra(make_figure, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"needs matplotlib.*'dccad\[plots\]'"):
        make_figure()


def test_importing_the_module_imports_no_plotting_package():
    code = "import sys, dccad.plots; print({'matplotlib', 'openTSNE', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# -- what every figure checks and places -----------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "n_dims", "missing", "message"),
    [
        ("text", 1, False, r"x must be a non-empty array of numbers with 1 dimension\(s\)"),
        ([[1.0]], 1, False, r"x has shape \(1, 1\); pass a non-empty array"),
        ([], 1, False, r"x has shape \(0,\); pass a non-empty array"),
        (1.0, (1, 2), False, r"x has shape \(\); .* with 1 or 2 dimension"),
        ([0, np.nan, np.inf], 1, False, "x has 2 NaN or infinite value.* first at index 1; drop"),
        ([0, np.nan, np.inf], 1, True, "x has 1 infinite value.* first at index 2; drop"),
        ([[0, 1], [0, np.nan]], 2, False, "first at index 1, 1"),
    ],
)
def test_what_cannot_be_drawn_is_refused_and_located(values, n_dims, missing, message):
    with pytest.raises(InputError, match=message):
        as_array(values, "x", n_dims=n_dims, missing=missing)


def test_missing_values_stay_where_they_may_be():
    found = as_array([1, None, 3], "x", n_dims=1, missing=True)
    np.testing.assert_array_equal(found, [1.0, np.nan, 3.0])


@pytest.mark.parametrize("values", [[0, -1], [0.5], [np.nan]])
def test_what_is_no_index_is_refused(values):
    with pytest.raises(InputError, match=r"x (must hold whole numbers|has 1 NaN)"):
        as_integers(values, "x")


def test_indices_are_whole_numbers_and_as_many_as_needed():
    found = as_integers([2.0, 0.0], "x", 2)
    assert found.dtype == np.int64
    assert found.tolist() == [2, 0]
    with pytest.raises(InputError, match="x has 2 values but 3 are needed"):
        as_integers([2, 0], "x", 3)


@pytest.mark.parametrize(
    ("hours", "onset", "expected"),
    [
        (None, None, ([0, 1, 2], "row (index from 0)", None, "")),
        (None, 0, ([0, 1, 2], "row (index from 0)", 0.0, "fault onset at row 0")),
        ([1, 2, 4], None, ([1, 2, 4], "time [h]", None, "")),
        ([1, 2, 4], 2, ([1, 2, 4], "time [h]", 4.0, "fault onset at 4 h")),
    ],
)
def test_steps_stand_at_their_hours_or_else_at_their_index(hours, onset, expected):
    positions, *rest = time_axis(3, "row", hours, onset)
    assert (positions.tolist(), *rest) == expected


@pytest.mark.parametrize(
    ("hours", "onset", "message"),
    [
        (None, 3, "onset=3 is outside the 3 rows 0 to 2"),
        (None, -1, "onset=-1 is outside"),
        ([1, 2], None, "hours has 2 values but 3"),
        ([1, 2, 2], None, "hours must increase, but entry 2 is not after entry 1"),
    ],
)
def test_times_that_do_not_fit_the_steps_are_refused(hours, onset, message):
    with pytest.raises(InputError, match=message):
        time_axis(3, "row", hours, onset)


@pytest.mark.parametrize("most", [1, 5, 32])
@pytest.mark.parametrize("n_ticks", [1, 5, 6, 99, 256, 5000])
def test_ticks_are_even_and_no_more_than_may_be(n_ticks, most):
    ticks = thinned(n_ticks, most)
    assert ticks[0] == 0
    assert len(ticks) <= most
    assert ticks[-1] < n_ticks
    assert len(set(np.diff(ticks))) <= 1
    assert len(ticks) == n_ticks or n_ticks > most


@pytest.mark.parametrize(("position", "side"), [(0.5, "left"), (5.0, "center"), (9.5, "right")])
def test_the_label_of_an_onset_stays_inside_the_figure(position, side):
    axes = new_figure().subplots()
    axes.set_xlim(0, 10)
    mark_onset(axes, position, "fault onset")
    [label] = axes.texts
    assert (label.get_text(), label.get_ha()) == ("fault onset", side)
    assert list(find(axes, "onset").get_xdata()) == [position, position]


def test_without_an_onset_nothing_is_marked():
    axes = new_figure().subplots()
    mark_onset(axes, None, "fault onset")
    assert not axes.lines
    assert not axes.texts
