"""The depthwise network and its pooled maps: against loops, and every map under its name."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from dccad.method.network.depthwise import DirectionalAutoencoder
from dccad.method.network.pooling import Kind
from depthwise_networks import SHAPES, build, windows_for
from naive import naive_depthwise_maps, naive_pool, naive_pool_together

# -- encoder -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHAPES)
def test_each_kernel_sees_its_own_direction_and_no_other(name):
    network = build(name)
    windows = windows_for(network.settings)
    maps = network.encode(windows)
    for window, found in zip(windows, maps, strict=True):
        expected = naive_depthwise_maps(
            window.tolist(), network.kernels.tolist(), network.settings.kernels_per_direction
        )
        assert torch.allclose(found, torch.tensor(expected, dtype=torch.float64), rtol=1e-12)
    grouped = functional.conv1d(
        windows, network.kernels[:, None], groups=network.settings.n_directions
    )
    assert torch.allclose(maps, grouped, rtol=1e-12)


@pytest.mark.parametrize("name", SHAPES)
def test_fresh_kernels_give_the_newest_value_and_its_change(name):
    torch.manual_seed(0)
    settings = SHAPES[name]
    network = DirectionalAutoencoder(settings).double()
    windows = windows_for(settings)
    maps = network.encode(windows)
    size, per = network.kernels.shape[1], settings.kernels_per_direction
    assert size == min(settings.kernel_size, settings.window)
    newest = windows[..., size - 1 :]
    assert torch.equal(maps[:, ::per], newest)
    if per > 1:
        before = windows[..., size - 2 : -1] if size > 1 else torch.zeros_like(newest)
        assert torch.allclose(maps[:, 1::per], (newest - before) * 0.5**0.5, rtol=1e-6, atol=1e-7)
    if per > 2:  # the others start at random, each differently
        others = network.kernels[2::per]
        assert len({tuple(row) for row in others.tolist()}) == settings.n_directions


@pytest.mark.parametrize("name", SHAPES)
def test_reconstruction_has_the_shape_of_the_windows_and_mixes_all_directions(name):
    network = build(name)
    windows = windows_for(network.settings).requires_grad_()
    maps, reconstruction = network(windows)
    assert reconstruction.shape == windows.shape
    assert maps.shape[1] == network.settings.n_kernels
    (gradient,) = torch.autograd.grad(reconstruction[0, 0].sum(), windows)
    assert (gradient[0].abs().sum(dim=1) > 0).all()  # the first direction from every other
    assert not gradient[1:].any()  # and from no other window


# -- pooled maps and their names -----------------------------------------------------------------


@pytest.mark.parametrize("name", SHAPES)
def test_every_pooled_column_is_what_its_name_says(name):
    """Each column is computed from its name alone and compared with the pooled value."""
    settings = SHAPES[name]
    network = build(name)
    cut, per = settings.n_sensor_directions, settings.kernels_per_direction
    sensors = tuple(f"sensor{i}" for i in range(cut))
    names = network.map_names(sensors)
    assert len(names) == len(set(names)) == settings.n_maps
    directions = [*sensors, *(f"direction {i + 1}" for i in range(settings.n_directions - cut))]
    kinds = ["", " change", " kernel 3"][:per]
    windows = windows_for(settings)
    pooled = network.pool(network.encode(windows))
    assert pooled.shape == (len(windows), settings.n_maps, 1)
    assert network.kernel_of_map.shape == (settings.n_maps,)
    kernels = network.kernels.tolist()
    for window, row in zip(windows.tolist(), pooled[..., 0].tolist(), strict=True):
        maps = naive_depthwise_maps(window, kernels, per)
        expected = {}
        for d, direction in enumerate(directions):
            for k, kind in enumerate(kinds):
                values = naive_pool(maps[d * per + k], 1e-3)
                for what, value in zip(Kind, values, strict=True):
                    expected[f"{direction}{kind} {what.value}"] = (value, d * per + k)
        for group, members in (
            ("all sensors", range(cut)),
            ("all directions", range(cut, settings.n_directions)),
        ):
            if members:
                values = naive_pool_together([maps[d * per] for d in members])
                collective = ("energy", "recent energy", "energy of the mean")
                for what, value in zip(collective, values, strict=True):
                    expected[f"{group} {what}"] = (value, -1)
        assert set(names) == set(expected)
        for which, kernel, value in zip(names, network.kernel_of_map.tolist(), row, strict=True):
            assert (value, kernel) == pytest.approx(expected[which], rel=1e-9), which


@pytest.mark.parametrize("which", range(6))
def test_a_value_in_one_direction_shows_under_its_name_and_no_other(which):
    settings = SHAPES["sensors and directions"]
    torch.manual_seed(0)
    network = DirectionalAutoencoder(settings)
    window = torch.zeros(1, 6, 12)
    window[0, which] = 7.0
    pooled = network.pool(network.encode(window))[0, :, 0].tolist()
    found = dict(zip(network.map_names(("flow", "level", "heat")), pooled, strict=True))
    mine = ("flow", "level", "heat", "direction 1", "direction 2", "direction 3")[which]
    assert {name for name, value in found.items() if value == 7.0} == {
        f"{mine} mean",
        f"{mine} recent mean",
    }
    others = [v for n, v in found.items() if n.endswith("mean") and "energy" not in n]
    assert sorted(others, key=abs)[:-2] == [0.0] * (len(others) - 2)
    group, other = ("sensors", "directions")[:: 1 if which < 3 else -1]
    assert found[f"all {group} energy"] == pytest.approx(np.log(49 / 3), rel=1e-5)
    assert found[f"all {other} energy"] == pytest.approx(np.log(1e-6), rel=1e-5)


@pytest.mark.parametrize("name", SHAPES)
def test_the_decoder_is_its_transposed_convolution(name):
    network = build(name)
    maps = network.encode(windows_for(network.settings))
    mixed = functional.leaky_relu(network.normalisation(network.mixing(maps)), 0.1)
    torch.testing.assert_close(network.decode(maps), network.decoder(mixed), rtol=1e-10, atol=1e-12)
