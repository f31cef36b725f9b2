import math

import numpy as np
import pytest
import torch

from dccad.errors import ParameterError
from dccad.network import ConvAutoencoder, NetworkSettings, automatic_strides
from reference import naive_autoencoder


def build(n_sensors=3, window=12, n_kernels=2, size=3, strides=(2, 3, 1), norm=True, out="none"):
    settings = NetworkSettings(n_sensors, window, n_kernels, size, strides, norm, out)
    return ConvAutoencoder(settings)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("strides", [(2, 3, 1), (1, 1, 1), (3, 2, 2)])
@pytest.mark.parametrize(("norm", "out"), [(True, "none"), (False, "sigmoid")])
def test_latents_and_reconstruction_equal_the_naive_convolutions(size, strides, norm, out):
    network = build(size=size, strides=strides, norm=norm, out=out).double()
    windows = torch.randn(5, 3, 12, dtype=torch.float64)
    network.train()
    network(windows)  # gives the normalisation figures that are not 0 and 1
    network.eval()
    latents, output = network(windows)
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    for i in range(2):
        expected = naive_autoencoder(
            windows[i].numpy(), state, strides, size, norm, out == "sigmoid"
        )
        np.testing.assert_allclose(latents[i].detach(), expected[0], rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(output[i].detach(), expected[1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("depth", [3, 4, 5])
@pytest.mark.parametrize("window", [1, 2, 7, 10, 30, 31, 60, 64, 100])
@pytest.mark.parametrize("n_sensors", [1, 52])
def test_every_window_length_is_reconstructed_at_its_own_length(depth, window, n_sensors):
    strides = automatic_strides(window, depth)
    network = build(n_sensors, window, strides=strides)
    latents, output = network(torch.randn(4, n_sensors, window))
    assert output.shape == (4, n_sensors, window)
    assert latents.shape == (4, 2 * 2 ** (depth - 1), window // math.prod(strides))


def test_the_default_window_has_maps_wider_than_one_value():
    strides = automatic_strides(30, 3)
    assert NetworkSettings(52, 30, 16, 3, strides, True, "none").map_length == 5


@pytest.mark.parametrize(
    ("window", "nearest"), [(31, "30 and 36"), (35, "30 and 36"), (5, r"6 \(the shortest\)")]
)
def test_a_window_the_strides_do_not_divide_names_the_nearest_that_work(window, nearest):
    with pytest.raises(ParameterError, match=f"nearest windows that work are {nearest}"):
        build(window=window)


def test_map_parameters_are_the_rows_that_write_one_map_each():
    network = build()
    names = {id(p): name for name, p in network.named_parameters()}
    assert [names[id(p)] for p in network.map_parameters()] == [
        "encoder.2.convolution.weight",
        "encoder.2.convolution.bias",
        "encoder.2.normalisation.weight",
        "encoder.2.normalisation.bias",
    ]
    windows = torch.randn(6, 3, 12)
    before = network.encode(windows)
    with torch.no_grad():
        for parameter in network.map_parameters():
            parameter[3] += 1.0
    changed = (network.encode(windows) != before).any(dim=0).any(dim=1)
    assert changed.tolist() == [m == 3 for m in range(8)]


def test_sigmoid_output_stays_between_0_and_1():
    network = build(out="sigmoid")
    output = network(100 * torch.randn(4, 3, 12))[1]
    assert 0 <= float(output.min()) < float(output.max()) <= 1
