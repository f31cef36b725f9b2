"""Both networks as graphs over rows: twins of the fitted ones."""

import math

import numpy as np
import onnxruntime
import pytest
import torch

from dccad.method.network.published import ConvAutoencoder, NetworkSettings
from dccad.method.representation.scaling import Scaling
from dccad.method.representation.whitening import Representation
from dccad.onnx import export_onnx
from dccad.onnx.graph import Graph
from dccad.onnx.network import DenseGraph, DepthwiseGraph, add_directions
from dccad.support.tensors import to_array
from depthwise_networks import SHAPES, build
from graph_runs import run
from naive import naive_autoencoder, naive_depthwise_maps, naive_pool, naive_pool_together
from onnx_scores import exported


@pytest.mark.parametrize("fixture", ["with_signatures", "published"])
def test_a_batch_of_windows_and_one_run_of_rows_give_the_same(
    fixture, two_regimes, tmp_path, request
):
    detector = request.getfixturevalue(fixture)
    export_onnx(detector, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    rows = two_regimes[:40]
    windows = np.stack([rows[start : start + 8] for start in range(33)])
    for name in ("score", "flag", "region"):
        (whole,) = session.run([name], {"rows": rows[None]})
        (each,) = session.run([name], {"rows": windows})
        assert whole.shape == (1, 33)
        assert each.shape == (33, 1)
        np.testing.assert_allclose(each[:, 0], whole[0], rtol=1e-5, atol=1e-6)


def test_a_broken_value_spoils_no_digit_of_the_rows_behind_it(trained, two_regimes, tmp_path):
    model = exported(trained, tmp_path)
    broken = two_regimes.copy()
    broken[100, 1] = 1e30
    after = slice(110, None)
    np.testing.assert_allclose(
        model.decision_function(broken)[after],
        model.decision_function(two_regimes)[after],
        rtol=1e-9,
    )


# -- directions ----------------------------------------------------------------------------------


def directions_of(seen, rows):
    graph = Graph()
    return run(graph, add_directions(graph, seen, "rows"), np.float32, rows=rows)


SCALING = Scaling("standard", np.array([1.0, 10.0]), np.array([2.0, 5.0]), np.zeros(2, bool))
WHITENING = np.array([[1.0, 1.0], [0.0, 2.0]])


@pytest.mark.parametrize(
    ("whitening", "sensors", "taming", "expected"),
    [
        (None, True, None, [1.0, -2.0]),
        (WHITENING, False, None, [1.0, -3.0]),
        (WHITENING, True, None, [1.0, -2.0, 1.0, -3.0]),
        (None, True, 0.5, [0.5 * math.asinh(2), -0.5 * math.asinh(4)]),
        (WHITENING, False, 4.0, [4 * math.asinh(0.25), -4 * math.asinh(0.75)]),
    ],
)
def test_directions_by_hand(whitening, sensors, taming, expected):
    """The row (3, 0) lies 1 and −2 standard deviations from normal."""
    seen = Representation(SCALING, whitening, sensors, taming)
    found = directions_of(seen, [[[3.0, 0.0], [1.0, 10.0]]])
    assert found[0, 0].tolist() == pytest.approx(expected, rel=1e-6)
    assert found[0, 1].tolist() == [0.0] * len(expected)


@pytest.mark.parametrize("taming", [None, 4.0])
@pytest.mark.parametrize("whitening", [None, WHITENING])
def test_directions_are_those_of_the_package_for_absurd_rows_too(whitening, taming):
    seen = Representation(SCALING, whitening, True, taming)
    rows = np.random.default_rng(0).normal(size=(2, 12, 2)) * 10.0 ** np.arange(-6, 42, 4)[:, None]
    found = directions_of(seen, rows)
    for part, directions in zip(rows, found, strict=True):
        np.testing.assert_allclose(directions, seen.apply(part), rtol=1e-6, atol=1e-12)
    assert np.isfinite(found).all()


# -- networks ------------------------------------------------------------------------------------


def twin_of(kind, network):
    """The graph, its network and the names of its inputs, from rows in single precision."""
    graph = Graph()
    arrays = {name: to_array(value) for name, value in network.state_dict().items()}
    return graph, kind(graph, graph.cast("rows", np.float32), arrays, network.settings)


def rows_for(settings, n_channels, more=4):
    rng = np.random.default_rng(2)
    return rng.normal(size=(2, settings.window + more, n_channels)).astype(np.float32)


@pytest.mark.parametrize("name", SHAPES)
def test_pooled_maps_of_the_depthwise_network_are_those_of_loops(name):
    network = build(name, torch.float32)
    settings = network.settings
    rows = rows_for(settings, settings.n_directions)
    wanted = np.random.default_rng(0).permutation(settings.n_maps).tolist()
    graph, twin = twin_of(DepthwiseGraph, network)
    found = run(graph, twin.pool(wanted), rows=rows)
    assert found.shape == (2, 5, settings.n_maps)
    per, cut = settings.kernels_per_direction, settings.n_sensor_directions
    for entry, start in ((0, 0), (1, 4)):
        window = rows[entry, start : start + settings.window].T.tolist()
        maps = naive_depthwise_maps(window, network.kernels.tolist(), per)
        pooled = list(zip(*(naive_pool(values, 1e-3) for values in maps), strict=True))
        expected = [value for kind in pooled for value in kind]
        levels = maps[::per]
        for group in (levels[:cut], levels[cut:]):
            expected += naive_pool_together(group) if group else []
        np.testing.assert_allclose(
            found[entry, start], [expected[m] for m in wanted], rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("name", SHAPES)
def test_residual_and_error_of_the_depthwise_network_are_those_of_each_window(name):
    network = build(name, torch.float32)
    settings = network.settings
    with torch.no_grad():
        network.normalisation.running_mean.normal_()
        network.normalisation.running_var.uniform_(0.5, 2.0)
    rows = rows_for(settings, settings.n_directions)
    graph, twin = twin_of(DepthwiseGraph, network)
    residual = run(graph, twin.features()["residual"], rows=rows)
    graph, twin = twin_of(DepthwiseGraph, network)
    error = run(graph, twin.error(), rows=rows)
    assert error.shape == (2, 5, 1)
    shown = settings.n_sensor_directions or settings.n_directions
    for entry, start in ((0, 0), (1, 4)):
        window = rows[entry, start : start + settings.window].T
        with torch.no_grad():
            output = network(torch.from_numpy(window[None].copy()))[1][0].numpy()
        away = window.astype(np.float64) - output
        np.testing.assert_allclose(
            residual[entry, start], away[:shown].mean(axis=1), rtol=1e-4, atol=1e-5
        )
        assert error[entry, start, 0] == pytest.approx(np.square(away).mean(), rel=1e-4)


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize(("size", "strides"), [(3, (2, 3, 1)), (4, (1, 2)), (1, (3, 2)), (5, (2,))])
def test_maps_and_error_of_the_published_network_are_those_of_naive_convolutions(
    norm, size, strides
):
    settings = NetworkSettings(3, 12, 2, size, strides, norm)
    network = ConvAutoencoder(settings).train()
    network(torch.randn(8, 3, 12))  # gives the normalisation figures that are not 0 and 1
    network.eval()
    rows = rows_for(settings, 3)
    wanted = [settings.n_maps - 1, 0]
    graph, twin = twin_of(DenseGraph, network)
    maps = run(graph, twin.pool(wanted), rows=rows)
    graph, twin = twin_of(DenseGraph, network)
    error = run(graph, twin.error(), rows=rows)
    state = {name: to_array(value) for name, value in network.state_dict().items()}
    for entry, start in ((0, 0), (1, 4)):
        window = rows[entry, start : start + 12].T
        latents, output = naive_autoencoder(window, state, strides, size, norm)
        np.testing.assert_allclose(
            maps[entry, start], latents[wanted].ravel(), rtol=1e-4, atol=1e-5
        )
        assert error[entry, start, 0] == pytest.approx(np.square(output - window).mean(), rel=1e-4)
