"""The depthwise network and its pooled maps: against loops, and every map under its name."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch.nn import functional

from dccad.method.network import moments
from dccad.method.network.base import Autoencoder
from dccad.method.network.depthwise import (
    DirectionalAutoencoder,
)
from dccad.method.network.losses import Targets, clustering_loss, own_centres, reconstruction_loss
from dccad.method.network.pooling import (
    SMALLEST_VARIANCE,
    Kind,
    pool_maps,
    pool_together,
    recent_positions,
)
from dccad.method.training.step import Objective, joint_step
from depthwise_networks import SHAPES, build, windows_for
from naive import (
    gradients_of,
    naive_depthwise_maps,
    naive_pool,
    naive_pool_together,
)

# -- pooling -------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 2, 4, 5, 28, 30])
def test_pooled_values_are_those_of_a_loop_over_positions(length):
    maps = torch.randn(3, 5, length, dtype=torch.float64)
    pooled = pool_maps(maps)
    together = pool_together(maps)
    for i in range(3):
        for m in range(5):
            expected = naive_pool(maps[i, m].tolist(), SMALLEST_VARIANCE)
            assert [float(part[i, m]) for part in pooled] == pytest.approx(expected, rel=1e-9)
        expected = naive_pool_together(maps[i].tolist())
        assert together[i].tolist() == pytest.approx(expected, rel=1e-9)


def test_only_the_last_third_counts_as_recent():
    maps = torch.zeros(1, 1, 30)
    maps[0, 0, 19] = 5.0
    assert pool_maps(maps).recent.item() == 0.0
    maps[0, 0, 20] = 5.0
    assert pool_maps(maps).recent.item() == 0.5
    assert [recent_positions(n) for n in (1, 2, 3, 4, 5, 6, 28)] == [1, 1, 1, 1, 2, 2, 9]


def test_a_held_value_and_a_map_far_from_zero_keep_their_log_variance():
    held = torch.full((1, 1, 28), 0.1)
    assert pool_maps(held).log_variance.item() == pytest.approx(np.log(1e-3), rel=1e-4)
    swing = torch.tensor([[[1.0, -1.0] * 14]])
    near, far = (pool_maps(swing + offset).log_variance.item() for offset in (0.0, 1e4))
    assert far == pytest.approx(near, abs=1e-3)


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


# -- the shorter ways that training takes ---------------------------------------------------------


@pytest.mark.parametrize("name", SHAPES)
def test_training_sees_the_same_pooled_maps_as_scoring(name):
    network = build(name)
    windows = windows_for(network.settings, n=7) + 3.0
    pooled = network.pool(network.encode(windows))
    torch.testing.assert_close(network.pool_windows(windows), pooled, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", SHAPES)
def test_the_decoder_is_its_transposed_convolution(name):
    network = build(name)
    maps = network.encode(windows_for(network.settings))
    mixed = functional.leaky_relu(network.normalisation(network.mixing(maps)), 0.1)
    torch.testing.assert_close(network.decode(maps), network.decoder(mixed), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_training_follows_the_losses_and_gradients_that_the_maps_would_give(
    name, relative, training
):
    network, twin = build(name).train(training), build(name).train(training)
    windows, targets, _ = make_batch(network, n=7)
    for given in (None, targets, targets):  # later batches find the memory of the first
        found = network.differentiate(windows, given, 0.3, relative)
        expected = Autoencoder.differentiate(twin, windows, given, 0.3, relative)
        assert (found[1] is None) == (given is None)
        pairs = [*zip(found, expected, strict=True)][: 1 if given is None else 2]
        for one, two in pairs:
            torch.testing.assert_close(one, two, rtol=1e-10, atol=1e-10)
            assert not one.requires_grad
        for one, two in zip(network.parameters(), twin.parameters(), strict=True):
            torch.testing.assert_close(one.grad, two.grad, rtol=1e-8, atol=1e-9)
        for one, two in zip(network.buffers(), twin.buffers(), strict=True):
            torch.testing.assert_close(one, two, rtol=1e-10, atol=1e-12)


def test_a_clustering_map_that_does_not_vary_gives_finite_gradients():
    network, twin = build("sensors and directions").train(), build("sensors and directions").train()
    windows, targets, _ = make_batch(network)
    windows[:, :2] = 1.0  # no variance over positions, nor over windows
    network.differentiate(windows, targets, 0.9, relative=True)
    Autoencoder.differentiate(twin, windows, targets, 0.9, relative=True)
    assert network.kernels.grad.isfinite().all()
    found, expected = network.kernels.grad[4:], twin.kernels.grad[4:]
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-9)


def test_what_is_kept_while_scoring_does_not_stop_automatic_differentiation():
    for cached in (moments._pairs, moments._averages, moments._by_lag):
        cached.cache_clear()
    network = build("sensors and directions")
    windows = windows_for(network.settings)
    with torch.inference_mode():
        scored = network.pool_windows(windows)
    pooled = network.pool_windows(windows)
    torch.testing.assert_close(pooled, scored, rtol=0, atol=0)
    pooled.sum().backward()
    assert network.kernels.grad.abs().min() > 0


def test_the_losses_of_a_smaller_last_batch_do_not_see_the_batch_before():
    network = build("sensors and directions").train()
    windows = windows_for(network.settings, n=7)
    first = network.differentiate(windows[:3])[0].item()
    network.differentiate(windows)
    assert network.differentiate(windows[:3])[0].item() == first


def test_memory_of_training_is_given_back_and_is_not_part_of_a_copy():
    network = build("sensors and directions").train()
    network.differentiate(windows_for(network.settings))
    assert network._scratch._kept
    assert not copy.deepcopy(network)._scratch._kept
    assert not pickle.loads(pickle.dumps(network))._scratch._kept
    network.eval()
    assert not network._scratch._kept


def test_the_variance_of_a_map_far_from_zero_keeps_its_digits_in_single_precision():
    network = build("sensors and directions", torch.float32)
    windows = windows_for(network.settings).float()
    near, far = (network.pool_windows(windows + offset) for offset in (0.0, 100.0))
    n_kernels = network.settings.n_kernels
    variances = slice(2 * n_kernels, 3 * n_kernels)
    torch.testing.assert_close(far[:, variances], near[:, variances], rtol=0, atol=1e-3)


# -- gradient routing ----------------------------------------------------------------------------


def make_batch(network, n=6, shift=0.0):
    settings = network.settings
    windows = windows_for(settings, n)
    generator = torch.Generator().manual_seed(3)
    centres = torch.randn(settings.n_maps, 2, 1, generator=generator, dtype=torch.float64)
    assigned = torch.randint(2, (n, settings.n_maps), generator=generator)
    kernels = torch.zeros(settings.n_kernels, dtype=torch.bool)
    kernels[::2] = True
    maps = []
    for kernel in kernels.nonzero().flatten().tolist():  # one map of each, means and variances
        mine = (network.kernel_of_map == kernel).nonzero().flatten()
        maps.append(mine[(kernel // 2) % len(mine)])
    maps = torch.stack(maps).sort().values
    return windows, Targets(maps, own_centres(centres + shift, assigned, maps)), kernels


@pytest.mark.parametrize("name", ["sensors and directions", "directions"])
@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.99])
def test_reconstruction_kernels_follow_the_reconstruction_alone(name, alpha):
    network = build(name).train()
    windows, targets, kernels = make_batch(network)
    names, parameters = zip(*network.named_parameters(), strict=True)
    activation, output = network(windows)
    of_reconstruction = gradients_of(reconstruction_loss(output, windows), parameters)
    of_cluster = gradients_of(
        clustering_loss(network.pool(activation)[:, targets.maps], targets.centres, True),
        parameters,
    )
    optimizer = torch.optim.SGD(parameters, lr=0.0)
    joint_step(network, optimizer, windows, targets, kernels, Objective(alpha, "one-pass", True))
    for which, parameter, g_r, g_c in zip(
        names, parameters, of_reconstruction, of_cluster, strict=True
    ):
        expected = (1 - alpha) * g_r + alpha * g_c
        if which == "kernels":
            assert g_c[kernels].abs().min() > 0  # the clustering loss pulls these …
            assert not g_c[~kernels].any()  # … and leaves the others
            expected[~kernels] = g_r[~kernels]
        assert torch.allclose(parameter.grad, expected, rtol=1e-9, atol=1e-13), which


@pytest.mark.parametrize("routing", ["one-pass", "two-step"])
def test_reconstruction_kernels_move_as_if_there_were_no_clusters(routing):
    """Other centres: clustering kernels move elsewhere, reconstruction kernels the same way."""
    moved = []
    for shift in (0.0, 10.0):
        network = build("sensors and directions").train()
        windows, targets, kernels = make_batch(network, shift=shift)
        optimizer = torch.optim.SGD(network.map_parameters(), lr=0.1)
        joint_step(network, optimizer, windows, targets, kernels, Objective(0.5, routing, True))
        moved.append(network.kernels.detach().clone())
    start = build("sensors and directions").kernels
    assert (moved[0][~kernels] != start[~kernels]).all()
    if routing == "one-pass":
        assert torch.equal(moved[0][~kernels], moved[1][~kernels])
    assert not torch.isclose(moved[0][kernels], moved[1][kernels]).all(dim=1).any()


def test_the_clustering_loss_is_the_share_of_each_maps_variance_that_is_left():
    latents = torch.tensor([[[1.0], [10.0]], [[3.0], [30.0]]])
    centres = torch.tensor([[[1.0], [15.0]], [[2.0], [30.0]]])
    # map 0: errors 0 and 1, variance 1; map 1: errors −5 and 0, variance 100
    expected = ((0 + 1) / 2 / 1 + (25 + 0) / 2 / 100) / 2
    assert clustering_loss(latents, centres, relative=True).item() == pytest.approx(expected)


def test_shrinking_maps_and_centres_together_does_not_lower_the_clustering_loss():
    """Or joint training would shrink the clustering kernels instead of parting the regimes."""
    latents, centres = torch.randn(2, 40, 3, 1, dtype=torch.float64)
    losses = [clustering_loss(scale * latents, scale * centres, True) for scale in (1.0, 0.1)]
    assert losses[1].item() == pytest.approx(losses[0].item())
    assert clustering_loss(0 * latents, 0 * centres, True).item() == 0.0
