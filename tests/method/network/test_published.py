import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from dccad.errors import ParameterError
from dccad.method.network.published import ConvAutoencoder, NetworkSettings, automatic_strides
from naive import naive_autoencoder


def build(n_sensors=3, window=12, n_kernels=2, size=3, strides=(2, 3, 1), norm=True):
    settings = NetworkSettings(n_sensors, window, n_kernels, size, strides, norm)
    return ConvAutoencoder(settings)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("strides", [(2, 3, 1), (1, 1, 1), (3, 2, 2)])
@pytest.mark.parametrize("norm", [True, False])
def test_latents_and_reconstruction_equal_the_naive_convolutions(size, strides, norm):
    network = build(size=size, strides=strides, norm=norm).double()
    windows = torch.randn(5, 3, 12, dtype=torch.float64)
    network.train()
    network(windows)  # gives the normalisation figures that are not 0 and 1
    network.eval()
    latents, output = network(windows)
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    for i in range(2):
        expected = naive_autoencoder(windows[i].numpy(), state, strides, size, norm)
        np.testing.assert_allclose(latents[i].detach(), expected[0], rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(output[i].detach(), expected[1], rtol=1e-10, atol=1e-12)


def torch_network(windows, weights, running, settings, training):
    """The network as torch's one-dimensional convolutions, channels before rows."""
    size, depth = settings.kernel_size, len(settings.strides)
    before = (size - 1) // 2

    def finish(x, name):
        x = functional.leaky_relu(x, 0.01)
        if not settings.batch_norm:
            return x
        mean, variance = (running[f"{name}.normalisation.running_{i}"] for i in ("mean", "var"))
        scale, shift = (weights[f"{name}.normalisation.{i}"] for i in ("weight", "bias"))
        return functional.batch_norm(x, mean, variance, scale, shift, training)

    x = windows
    for block, stride in enumerate(settings.strides):
        own = [weights[f"encoder.{block}.convolution.{i}"] for i in ("weight", "bias")]
        x = functional.conv1d(functional.pad(x, (before, size // 2)), *own, stride)
        x = finish(x, f"encoder.{block}")
    latents = x
    for block, stride in enumerate(reversed(settings.strides)):
        own = [weights[f"decoder.{block}.convolution.{i}"] for i in ("weight", "bias")]
        length, extra = x.shape[2] * stride, max(0, stride + before - size)
        wide = functional.conv_transpose1d(x, *own, stride, output_padding=extra)
        x = wide[..., before : before + length]
        x = x if block == depth - 1 else finish(x, f"decoder.{block}")
    return latents, x


@pytest.mark.parametrize("size", range(1, 8))
@pytest.mark.parametrize("strides", [(2, 3, 1), (1, 1), (3, 2, 2), (4, 1, 3), (12,)])
@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("by_row", [True, False])
@pytest.mark.parametrize(("sensors", "kernels"), [(3, 2), (2, 1), (1, 1)])
def test_training_equals_torchs_own_convolutions(size, strides, norm, by_row, sensors, kernels):
    torch.manual_seed(size)
    network = build(sensors, 12, kernels, size, strides, norm).double()
    windows = torch.randn(5, sensors, 12, dtype=torch.float64)
    if by_row:
        windows = windows.transpose(1, 2).contiguous().transpose(1, 2)
    twin = windows.clone().requires_grad_()
    windows.requires_grad_()
    weights = {k: p.detach().clone().requires_grad_() for k, p in network.named_parameters()}
    running = {k: b.clone() for k, b in network.named_buffers()}
    for of_latents in (False, True):  # the second time from running figures that are not 0 and 1
        found = network(windows)
        expected = torch_network(twin, weights, running, network.settings, training=True)
        for given, (latents, output) in ((windows, found), (twin, expected)):
            loss = (output - given).pow(3).sum()
            (loss + latents.square().sum() if of_latents else loss).backward()
    pairs = [*zip(found, expected, strict=True), (windows.grad, twin.grad)]
    pairs += [(p.grad, weights[name].grad) for name, p in network.named_parameters()]
    pairs += [(b, running[k]) for k, b in network.named_buffers() if "running" in k]
    counts = [b.item() for k, b in network.named_buffers() if "tracked" in k]
    assert counts == [2] * (norm * (2 * len(strides) - 1))
    network.eval()
    with torch.inference_mode():
        expected = torch_network(twin, weights, running, network.settings, training=False)
        pairs += zip(network(windows), expected, strict=True)
    for mine, torchs in pairs:
        torch.testing.assert_close(mine, torchs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("window", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 4, 7])
def test_windows_shorter_than_the_kernel_equal_torchs_own_convolutions(window, size):
    network = build(window=window, size=size, strides=(1, window)).double()
    windows = torch.randn(5, 3, window, dtype=torch.float64)
    weights, running = dict(network.named_parameters()), dict(network.eval().named_buffers())
    expected = torch_network(windows, weights, running, network.settings, training=False)
    torch.testing.assert_close(network(windows), expected, rtol=1e-10, atol=1e-10)


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
    assert NetworkSettings(52, 30, 16, 3, strides, True).map_length == 5


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


def test_each_position_of_each_map_has_a_name():
    network = build(strides=(2, 3, 1))
    names = network.map_names(("a", "b", "c"))
    assert names[:3] == ["map0_position0", "map0_position1", "map1_position0"]
    assert (names[-1], len(names)) == ("map7_position1", 16)
