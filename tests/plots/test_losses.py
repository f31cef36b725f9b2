"""The course of a training shows its history."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from dccad.errors import InputError
from dccad.plots import plot_losses
from figure_inputs import find, legend_texts, make_history


def test_losses_show_the_history():
    history = make_history()
    figure = plot_losses(history)
    keys = ["reconstruction_loss", "clustering_loss", "total_loss", "centre_distance"]
    assert len(figure.axes) == len(keys)
    for axes, key in zip(figure.axes, keys, strict=True):
        line = find(axes, "value per epoch")
        assert_array_equal(line.get_xdata(), np.arange(10))
        wanted = [np.nan if entry[key] is None else entry[key] for entry in history]
        assert_array_equal(line.get_ydata(), wanted)


def test_losses_mark_updates_and_shade_pretraining():
    axes = plot_losses(make_history(n_pretrain=3, n_joint=7, interval=3)).axes[1]
    marks = find(axes, "centres recomputed")
    assert_array_equal(marks.get_xdata(), [3, 6, 9])
    assert_allclose(marks.get_ydata(), [0.5 / 4, 0.5 / 7, 0.5 / 10])
    shade = find(axes, "pre-training")
    assert (shade.get_x(), shade.get_x() + shade.get_width()) == (-0.5, 2.5)


def test_losses_use_a_logarithmic_axis_only_where_the_range_needs_it():
    figure = plot_losses(make_history(n_pretrain=3, n_joint=20))
    assert [axes.get_yscale() for axes in figure.axes] == ["log", "linear", "log", "linear"]


def test_losses_of_pretraining_alone_say_that_clustering_has_no_values():
    figure = plot_losses(make_history(n_joint=0))
    texts = [[text.get_text() for text in axes.texts] for axes in figure.axes]
    assert texts == [[], ["no values"], [], ["no values"]]
    assert legend_texts(figure.legends[0]) == ["pre-training", "value per epoch"]


def test_losses_of_one_epoch_have_no_fractional_epochs():
    figure = plot_losses(make_history(n_pretrain=1, n_joint=0))
    assert all(tick == round(tick) for tick in figure.axes[2].get_xticks())


def test_losses_without_pretraining_have_no_shade():
    figure = plot_losses(make_history(n_pretrain=0))
    assert legend_texts(figure.legends[0]) == ["value per epoch", "centres recomputed"]


def changed_history(**changes):
    history = make_history()
    history[4].update(changes)
    return history


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ([], "the history is empty"),
        ([{"phase": "joint", "epoch": 0}], "entry 0 of the history lacks reconstruction_loss, cl"),
        (changed_history(phase="warm-up"), "entry 4 of the history has phase 'warm-up'; known are"),
        (changed_history(epoch=9), "epochs of the history must increase"),
        (changed_history(total_loss=np.inf), "total_loss of the history has 1 infinite value"),
        (changed_history(total_loss="low"), "total_loss of the history must be .* numbers"),
    ],
)
def test_losses_refuse(history, message):
    with pytest.raises(InputError, match=message):
        plot_losses(history)
