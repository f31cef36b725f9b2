"""t-SNE and activation maps over time show the windows that they were given."""

import sys

import numpy as np
import pytest
from matplotlib.colors import to_hex
from numpy.testing import assert_allclose, assert_array_equal

from dccad.errors import InputError, MissingExtraError
from dccad.plots import PALETTE, embed_latents, plot_activation_maps, plot_tsne
from figure_inputs import find, legend_texts, make_latents


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
