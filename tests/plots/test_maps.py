"""Figures per activation map show the values that they were given, by rank and by distance."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import spearmanr

from dccad.errors import InputError
from dccad.plots import PALETTE, plot_distance_accuracy, plot_map_figures
from figure_inputs import find, legend_texts, make_per_map


def test_bars_stand_in_rank_order_with_the_colour_of_their_group():
    per_map = make_per_map(n_maps=9, n_clustering=4)
    figure = plot_map_figures(per_map)
    order = np.argsort(per_map["rank"])
    colors = [PALETTE[per_map["group"][index]].lower() for index in order]
    for axes, name in zip(figure.axes, ["acc", "nmi", "ari"], strict=True):
        bars = sorted(axes.patches, key=lambda bar: bar.get_x())
        assert_array_equal([bar.get_height() for bar in bars], per_map[name][order])
        assert [to_hex(bar.get_facecolor()) for bar in bars] == colors
        hatched = [bar.get_hatch() is not None for bar in bars]  # readable without colour
        assert hatched == [per_map["group"][index] == "reconstruction" for index in order]
        assert axes.get_ylim()[0] <= per_map[name].min()
    labels = [label.get_text() for label in figure.axes[-1].get_xticklabels()]
    assert labels == [str(index) for index in order]


def test_group_means_are_drawn_and_labelled():
    per_map = make_per_map()
    axes = plot_map_figures(per_map).axes[0]
    group = np.array(per_map["group"])
    texts = [text.get_text() for text in axes.texts]
    for place, name in enumerate(["clustering", "reconstruction"]):
        mean = per_map["acc"][group == name].mean()
        line = find(axes, f"mean of the {name} maps")
        assert_allclose(line.get_ydata(), mean)
        assert texts[place] == f"{name} {mean:.2f}"


def test_labels_of_equal_means_are_moved_apart():
    per_map = make_per_map() | {"acc": [1.0] * 6, "nmi": [0.0] * 6}
    figure = plot_map_figures(per_map)
    for axes in figure.axes[:2]:
        heights = [text.get_position()[1] for text in axes.texts]
        assert abs(heights[0] - heights[1]) > 0.1
        assert 0 <= min(heights) < max(heights) <= 1


def test_one_group_alone_is_drawn_without_the_other():
    figure = plot_map_figures(make_per_map(n_clustering=6))
    assert legend_texts(figure.legends[0]) == ["clustering maps", "mean of the clustering maps"]


def test_many_maps_have_thinned_ticks_that_name_the_right_maps():
    per_map = make_per_map(n_maps=256, n_clustering=128)
    axes = plot_map_figures(per_map).axes[-1]
    order = np.argsort(per_map["rank"])
    ticks = axes.get_xticks()
    assert 20 <= len(ticks) <= 32
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels == [str(order[int(tick)]) for tick in ticks]


def test_more_maps_than_bars_can_show_are_points():
    per_map = make_per_map(n_maps=100, n_clustering=40)
    axes = plot_map_figures(per_map).axes[0]
    group = np.array(per_map["group"])[np.argsort(per_map["rank"])]
    accuracy = per_map["acc"][np.argsort(per_map["rank"])]
    assert not axes.patches
    kinds = [("{} maps", name) for name in ("clustering", "reconstruction")]
    kinds += [("mean of the {} maps", name) for name in ("clustering", "reconstruction")]
    assert legend_texts(axes.figure.legends[0]) == [kind.format(name) for kind, name in kinds]
    for cloud, name in zip(axes.collections, ["clustering", "reconstruction"], strict=True):
        places = np.flatnonzero(group == name)
        assert_array_equal(cloud.get_offsets(), np.column_stack([places, accuracy[places]]))


def test_figures_that_were_not_computed_are_left_out():
    per_map = {name: v for name, v in make_per_map().items() if name not in ("nmi", "ari")}
    figure = plot_map_figures(per_map)
    assert [axes.get_ylabel() for axes in figure.axes] == ["ACC (fraction)"]


def test_accuracy_can_be_drawn_against_quality():
    per_map = make_per_map() | {"quality": np.linspace(0.01, 0.9, 6)}
    axes = plot_distance_accuracy(per_map, by="quality").axes[0]
    found = np.concatenate([cloud.get_offsets() for cloud in axes.collections])
    assert_allclose(np.sort(found[:, 0]), per_map["quality"])
    assert "separation × persistence" in axes.get_xlabel()
    assert axes.get_xscale() == "linear"


def test_scatter_shows_distance_and_accuracy_with_spearman_per_group():
    per_map = make_per_map(n_maps=20, n_clustering=8)
    figure = plot_distance_accuracy(per_map)
    group = np.array(per_map["group"])
    points = np.column_stack([per_map["centre_distance"], per_map["acc"]])
    wanted = []
    for cloud, name in zip(
        figure.axes[0].collections, ["clustering", "reconstruction"], strict=True
    ):
        chosen = group == name
        assert_array_equal(cloud.get_offsets(), points[chosen])
        assert to_hex(cloud.get_facecolor()[0]) == PALETTE[name].lower()
        correlation = spearmanr(*points[chosen].T).statistic
        wanted.append(f"{name} maps (n = {chosen.sum()}, Spearman {correlation:.2f})")
    assert legend_texts(figure.legends[0]) == wanted
    first, second = (cloud.get_paths()[0].vertices for cloud in figure.axes[0].collections)
    assert first.shape != second.shape  # circles and triangles: readable in greyscale


def test_spearman_is_a_dash_where_it_does_not_exist():
    per_map = {"centre_distance": [1, 2, 3, 4, 5], "acc": [0.5, 0.5, 0.5, 0.6, 0.7]}
    per_map["group"] = ["clustering"] * 3 + ["reconstruction"] * 2
    assert legend_texts(plot_distance_accuracy(per_map).legends[0]) == [
        "clustering maps (n = 3, Spearman –)",
        "reconstruction maps (n = 2, Spearman –)",
    ]


@pytest.mark.parametrize(("largest", "scale"), [(10.0, "linear"), (100.0, "log")])
def test_the_distance_axis_is_logarithmic_only_for_a_wide_range(largest, scale):
    per_map = {"centre_distance": [1.0, largest], "acc": [0.5, 0.9], "group": ["clustering"] * 2}
    assert plot_distance_accuracy(per_map).axes[0].get_xscale() == scale


@pytest.mark.parametrize("plot", [plot_map_figures, plot_distance_accuracy])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"acc": [0.5] * 5}, r"per_map\['acc'\] has 5 values but 6 are needed"),
        ({"acc": [0.5] * 5 + [np.nan]}, r"per_map\['acc'\] has 1 NaN or infinite .* at index 5"),
        ({"group": ["clustering"] * 5 + ["noise"]}, "has 'noise'; known are 'clustering' and 'rec"),
        ({"group": "clustering"}, r"per_map\['group'\] has 1 values but 6"),
    ],
)
def test_map_figures_refuse(plot, changes, message):
    with pytest.raises(InputError, match=message):
        plot(make_per_map() | changes)


def test_a_missing_column_is_named():
    per_map = make_per_map()
    del per_map["acc"], per_map["group"]
    with pytest.raises(InputError, match="per_map lacks acc, group; it has map, nmi, ari"):
        plot_map_figures(per_map)
