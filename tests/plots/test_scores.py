"""Every figure shows the values that it was given; every unusable input gets one clear line."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.colors import to_hex
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import spearmanr

from dccad.errors import InputError, MissingExtraError
from dccad.plots import (
    PALETTE,
    embed_latents,
    plot_activation_maps,
    plot_distance_accuracy,
    plot_losses,
    plot_map_figures,
    plot_scores,
    plot_tsne,
)


def make_history(n_pretrain=3, n_joint=7, interval=3):
    history = []
    for epoch in range(n_pretrain + n_joint):
        joint = epoch >= n_pretrain
        history.append(
            {
                "phase": "joint" if joint else "pretrain",
                "epoch": epoch,
                "reconstruction_loss": 1.0 / (1 + epoch),
                "clustering_loss": 0.5 / (1 + epoch) if joint else None,
                "total_loss": 0.7 / (1 + epoch),
                "centre_distance": 2.0 + epoch if joint else None,
                "updated": joint and (epoch - n_pretrain) % interval == 0,
            }
        )
    return history


def make_per_map(n_maps=6, n_clustering=3, seed=0):
    rng = np.random.default_rng(seed)
    distance = rng.uniform(1.0, 5.0, n_maps)
    rank = np.empty(n_maps, dtype=int)
    rank[np.argsort(-distance)] = np.arange(1, n_maps + 1)
    return {
        "map": list(range(n_maps)),
        "acc": rng.uniform(0.5, 1.0, n_maps),
        "nmi": rng.uniform(0.0, 1.0, n_maps),
        "ari": rng.uniform(-0.2, 1.0, n_maps),
        "centre_distance": distance,
        "rank": rank,
        "group": ["clustering" if r <= n_clustering else "reconstruction" for r in rank],
    }


def make_latents(n_windows=40, n_maps=5, n_positions=3):
    """Each value encodes its own window, map and position."""
    windows, maps, positions = np.meshgrid(
        np.arange(n_windows), np.arange(n_maps), np.arange(n_positions), indexing="ij"
    )
    return windows + 1000.0 * maps + 0.1 * positions


def make_scores():
    scores = np.linspace(0.0, 2.0, 100)
    scores[:29] = np.nan
    return scores


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


def find(axes, label):
    """Return the only artist of the axes that carries this label."""
    found = [artist for artist in axes.get_children() if artist.get_label() == label]
    assert len(found) == 1
    return found[0]


def legend_texts(legend):
    return [text.get_text() for text in legend.get_texts()]


# What holds for every figure


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


# Losses


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


# Figures per activation map


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


# t-SNE


@pytest.fixture(scope="module")
def blobs():
    """Return two blobs far apart, windows × maps × positions, and the blob of each window."""
    rng = np.random.default_rng(0)
    blob = np.arange(120) % 2
    return rng.normal(size=(120, 3, 2)) + 20.0 * blob[:, None, None], blob


def test_embedding_keeps_far_blobs_apart_and_repeats_with_the_seed(blobs):
    latents, blob = blobs
    embedding, chosen = embed_latents(latents, seed=3)
    assert embedding.shape == (120, 2)
    assert_array_equal(chosen, np.arange(120))
    distances = np.linalg.norm(embedding[:, None] - embedding[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (blob[distances.argmin(axis=1)] == blob).mean() > 0.95
    assert_array_equal(embed_latents(latents, seed=3)[0], embedding)


def test_embedding_takes_an_even_part_of_many_windows(blobs):
    embedding, chosen = embed_latents(blobs[0], max_windows=30)
    assert embedding.shape == (30, 2)
    assert (chosen[0], chosen[-1]) == (0, 119)
    assert set(np.diff(chosen)) == {4, 5}


@pytest.mark.parametrize(
    "latents",
    [
        np.random.default_rng(0).normal(size=(4, 3)),
        np.random.default_rng(0).normal(size=(12, 1)),
        np.ones((12, 3)),
    ],
    ids=["fewest windows", "one feature", "collapsed latent"],
)
def test_embedding_of_a_corner_case_is_finite(latents):
    embedding, _ = embed_latents(latents)
    assert embedding.shape == (len(latents), 2)
    assert np.isfinite(embedding).all()


def test_embedding_leaves_the_latents_untouched(blobs):
    latents = blobs[0][:10].copy()
    latents.flags.writeable = False
    embed_latents(latents)
    assert_array_equal(latents, blobs[0][:10])


@pytest.mark.parametrize(
    ("latents", "options", "message"),
    [
        (np.zeros((3, 2)), {}, "at least 4 windows, got 3"),
        (np.zeros((9, 2)), {"max_windows": 3}, "got 9 and max_windows=3"),
        (np.zeros(9), {}, r"latents has shape \(9,\); pass .* 2 or 3 dimension"),
        (np.full((9, 2), np.nan), {}, "latents has 18 NaN or infinite value"),
        ([[1.0], [1.0, 2.0]], {}, "latents must be a non-empty array of numbers"),
    ],
)
def test_embedding_refuses(latents, options, message):
    with pytest.raises(InputError, match=message):
        embed_latents(latents, **options)


def test_embedding_without_opentsne_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    with pytest.raises(MissingExtraError, match=r"needs openTSNE.*'dccad\[plots\]'"):
        embed_latents(np.zeros((9, 2)))


def test_tsne_panels_show_the_windows_by_region_and_by_label():
    embedding = np.arange(12.0).reshape(6, 2)
    regions, labels = np.array([1, 1, 1, 0, 0, 1]), np.array([0, 0, 0, 1, 1, 1])
    figure = plot_tsne(embedding, regions, labels, normal_region=1, title="clustering maps")
    assert figure.get_suptitle() == "clustering maps"
    left, right = figure.axes
    assert legend_texts(left.get_legend()) == ["normal (4)", "anomalous (2)"]
    assert legend_texts(right.get_legend()) == ["fault-free (3)", "faulty (3)"]
    for axes, members in ((left, regions == 1), (right, labels == 0)):
        normal, other = axes.collections
        assert_array_equal(normal.get_offsets(), embedding[members])
        assert_array_equal(other.get_offsets(), embedding[~members])
        assert to_hex(normal.get_facecolor()[0]) == PALETTE["normal"].lower()
        assert to_hex(other.get_facecolor()[0]) == PALETTE["anomalous"].lower()


@pytest.mark.parametrize(
    ("regions", "normal", "names"),
    [
        ([0, 1, 1], None, ["region 0 (1)", "region 1 (2)"]),
        ([0, 0, 0], 0, ["normal (3)"]),
        ([1, 1, 1], 0, ["anomalous (3)"]),
        ([0, 3, 1], 1, ["region 1 (normal) (1)", "region 0 (1)", "region 3 (1)"]),
    ],
)
def test_regions_are_named(regions, normal, names):
    figure = plot_tsne(np.eye(3)[:, :2], regions, normal_region=normal)
    assert len(figure.axes) == 1
    assert legend_texts(figure.axes[0].get_legend()) == names


def styles(axes):
    """Colour and marker outline of each class, by the name of the class."""
    return {
        cloud.get_label().rpartition(" (")[0]: (
            to_hex(cloud.get_facecolor()[0]),
            cloud.get_paths()[0].vertices.tobytes(),
        )
        for cloud in axes.collections
    }


def test_22_fault_numbers_look_different_and_keep_their_look():
    labels = np.arange(22)
    points = np.column_stack([labels, labels])
    every = styles(plot_tsne(points, labels * 0, labels).axes[1])
    assert list(every)[:3] == ["fault-free", "fault 1", "fault 2"]
    assert len(set(every.values())) == 22
    few = styles(plot_tsne(points[:3], [0, 0, 0], [0, 7, 21]).axes[1])
    assert few == {name: every[name] for name in ("fault-free", "fault 7", "fault 21")}


def test_fault_numbers_above_21_are_drawn():
    axes = plot_tsne(np.eye(3)[:, :2], [0, 0, 0], [0, 28, 103]).axes[1]
    assert len(set(styles(axes).values())) == 3


@pytest.mark.parametrize(
    ("embedding", "regions", "options", "message"),
    [
        (np.zeros((3, 3)), [0, 0, 0], {}, "embedding has 3 columns; pass 2"),
        (np.zeros((3, 2)), [0, 0], {}, "regions has 2 values but 3 are needed"),
        (np.zeros((3, 2)), [0, 0, -1], {}, "regions must hold whole numbers of at least 0"),
        (np.zeros((3, 2)), [0, 0, 0], {"labels": [0, 1]}, "labels has 2 values but 3"),
        (np.zeros((3, 2)), [0, 0, 0], {"labels": [0, 0.5, 1]}, "labels must hold whole numbers"),
        (np.zeros((3, 2)), [0, 0, 0], {"normal_region": -1}, "normal_region=-1 must be at least"),
        (np.zeros((23, 2)), range(23), {}, "regions has 23 classes, but at most 22"),
    ],
)
def test_tsne_refuses(embedding, regions, options, message):
    with pytest.raises(InputError, match=message):
        plot_tsne(embedding, regions, **options)


# Activation maps over time


def heat_map(figure, n_bands):
    """Values of the picture, the repeated rows taken together, in blocks per map."""
    image = figure.axes[0].images[0].get_array()
    return np.asarray(image).reshape(n_bands, -1, image.shape[1])


@pytest.mark.parametrize("hours", [None, 1.45 + 0.05 * np.arange(40), 24.0 * np.arange(40)])
def test_heat_map_shows_the_chosen_maps_from_top_to_bottom(hours):
    latents = make_latents(n_windows=40, n_maps=5, n_positions=3)
    figure = plot_activation_maps(latents, [3, 0], hours=hours)
    bands = heat_map(figure, n_bands=2)
    for band, index in zip(bands, [3, 0], strict=True):
        shown = band.reshape(3, -1, 40)  # position, repeated rows, window
        wanted = np.broadcast_to(latents[:, index].T[:, None], shown.shape)
        assert_array_equal(shown, wanted)


def test_uneven_times_are_drawn_to_scale():
    latents = np.arange(4.0).reshape(4, 1, 1)
    figure = plot_activation_maps(latents, [0], hours=[0.0, 1.0, 2.0, 9.0])
    assert heat_map(figure, 1)[0, 0].tolist() == [0.0, 2.0, 3.0, 3.0]
    assert figure.axes[0].get_xlabel() == "time [h]"


def test_heat_map_colours_are_centred_and_robust():
    latents = np.random.default_rng(0).normal(size=(500, 2, 1))
    latents[7, 0] = 1e6
    low, high = plot_activation_maps(latents, [0, 1]).axes[0].images[0].get_clim()
    assert low == -high
    assert 2 < high < 4


def test_heat_map_of_a_dead_map_has_a_scale():
    picture = plot_activation_maps(np.zeros((5, 2, 1)), [1]).axes[0].images[0]
    assert picture.get_clim() == (-1.0, 1.0)


@pytest.mark.parametrize(("hours", "x"), [(None, 9.0), (2 + 0.05 * np.arange(40), 2.45)])
def test_heat_map_marks_the_onset(hours, x):
    axes = plot_activation_maps(make_latents(), [0, 1], onset=9, hours=hours).axes[0]
    assert_allclose(find(axes, "onset").get_xdata(), x)
    unit = "window 9" if hours is None else "2.45 h"
    assert [text.get_text() for text in axes.texts] == [f"fault onset at {unit}"]


@pytest.mark.parametrize("clustering", [[3, 4], np.array([False, False, False, True, True])])
def test_heat_map_names_the_kernel_groups(clustering):
    axes = plot_activation_maps(make_latents(), [3, 0, 4], clustering=clustering).axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["3 clustering", "0 reconstruction", "4 clustering"]
    stripe = [to_hex(bar.get_facecolor()) for bar in axes.patches]
    groups = [name.split()[1] for name in names]
    assert stripe == [PALETTE[group].lower() for group in groups]


def test_heat_map_without_clustering_kernels_calls_all_reconstruction():
    axes = plot_activation_maps(make_latents(), [1], clustering=[]).axes[0]
    assert axes.get_yticklabels()[0].get_text() == "1 reconstruction"


def test_heat_map_of_many_maps_has_thinned_ticks():
    axes = plot_activation_maps(np.zeros((5, 256, 1)), range(256)).axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels[:3] == ["0", "10", "20"]
    assert_array_equal(axes.get_yticks(), np.array(labels, dtype=float) + 0.5)


@pytest.mark.parametrize(
    ("maps", "options", "message"),
    [
        ([0, 5], {}, "maps has index 5, but the latents have the maps 0 to 4"),
        ([-1], {}, "maps must hold whole numbers of at least 0"),
        ([], {}, r"maps has shape \(0,\)"),
        ([0], {"clustering": [7]}, "clustering has index 7"),
        ([0], {"onset": 40}, "onset=40 is outside the 40 windows 0 to 39"),
        ([0], {"hours": [1.0, 2.0]}, "hours has 2 values but 40"),
        ([0], {"hours": np.zeros(40)}, "hours must increase, but entry 1 is not after entry 0"),
    ],
)
def test_heat_map_refuses(maps, options, message):
    with pytest.raises(InputError, match=message):
        plot_activation_maps(make_latents(), maps, **options)


# Scores


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


def test_importing_the_module_imports_no_plotting_package():
    code = "import sys, dccad.plots; print({'matplotlib', 'openTSNE', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
