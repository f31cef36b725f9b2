"""What holds for every figure: it can be saved and read, and needs matplotlib only when drawn."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib import pyplot

from dccad.errors import MissingExtraError
from dccad.plots import (
    plot_activation_maps,
    plot_distance_accuracy,
    plot_losses,
    plot_map_figures,
    plot_scores,
    plot_tsne,
)
from figure_inputs import make_history, make_latents, make_per_map, make_scores

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
