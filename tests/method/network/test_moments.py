"""Pooled maps from moments of the windows: the same as through the maps."""

import itertools

import numpy as np
import pytest
import torch

from dccad.method.network import moments
from depthwise_networks import SHAPES, build, windows_for


@pytest.mark.parametrize("name", SHAPES)
def test_training_sees_the_same_pooled_maps_as_scoring(name):
    network = build(name)
    windows = windows_for(network.settings, n=7) + 3.0
    pooled = network.pool(network.encode(windows))
    torch.testing.assert_close(network.pool_windows(windows), pooled, rtol=1e-10, atol=1e-10)


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


def test_the_variance_of_a_map_far_from_zero_keeps_its_digits_in_single_precision():
    network = build("sensors and directions", torch.float32)
    windows = windows_for(network.settings).float()
    near, far = (network.pool_windows(windows + offset) for offset in (0.0, 100.0))
    n_kernels = network.settings.n_kernels
    variances = slice(2 * n_kernels, 3 * n_kernels)
    torch.testing.assert_close(far[:, variances], near[:, variances], rtol=0, atol=1e-3)


@pytest.mark.parametrize(("window", "size"), [(9, 1), (9, 3), (4, 4), (3, 2)])
def test_moments_are_those_of_a_loop_over_positions(window, size):
    windows = torch.randn(2, 3, window, dtype=torch.float64) + 5.0
    found = moments.window_moments(windows, size)
    n_positions = window - size + 1
    recent = max(1, round(n_positions / 3))
    for i, d in itertools.product(range(2), range(3)):
        rows = windows[i, d].numpy()
        seen = np.array([rows[start : start + size] for start in range(n_positions)])
        for part, mean, covariance in (
            (seen, found.mean, found.covariance),
            (seen[-recent:], found.recent, found.recent_covariance),
        ):
            np.testing.assert_allclose(mean[i, :, d], part.mean(axis=0), rtol=1e-12)
            expected = np.cov(part.T, bias=True).reshape(size, size) if len(part) > 1 else 0.0
            expected = (np.zeros((size, size)) + expected)[np.triu_indices(size)]
            np.testing.assert_allclose(covariance[i, :, d], expected, rtol=1e-9, atol=1e-12)


def test_pairs_of_weights_and_of_moments_give_the_quadratic_form():
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(4, 4, generator=generator, dtype=torch.float64)
    matrix = matrix @ matrix.T
    weights = torch.randn(5, 4, generator=generator, dtype=torch.float64)
    pairs = matrix[tuple(torch.triu_indices(4, 4))]
    assert torch.equal(moments.symmetric(pairs, 4), matrix)
    coefficients = pairs[None, :, None].expand(1, -1, 5)
    found = moments.form_values(coefficients, moments.kernel_products(weights))[0]
    expected = [float(row @ matrix @ row) for row in weights]
    assert found.tolist() == pytest.approx(expected)


def test_forms_of_chosen_maps_give_their_pooled_values():
    network = build("sensors and directions")
    windows = windows_for(network.settings)
    settings = network.settings
    maps = torch.tensor([1, 5, settings.n_kernels + 2, 2 * settings.n_kernels + 3])
    found = network.moments(windows)
    forms = network.forms(found, maps).take(torch.tensor([2, 0]))
    weights = network.kernels[forms.kernels].detach()
    linear = moments.form_values(forms.linear, weights[:3])
    variance = moments.form_values(forms.quadratic, moments.kernel_products(weights[3:]))
    pooled = network.pool_windows(windows)[[2, 0]][:, maps, 0].detach()
    torch.testing.assert_close(linear, pooled[:, :3])
    torch.testing.assert_close((variance + 1e-3).log(), pooled[:, 3:])


def test_moments_of_batches_are_joined_and_taken_window_by_window():
    windows = torch.randn(5, 3, 8)
    whole = moments.window_moments(windows, 3)
    parts = [moments.window_moments(batch, 3) for batch in windows.split(2)]
    for one, other in zip(whole.take(slice(1, 4)), moments.Moments.join(parts), strict=True):
        torch.testing.assert_close(one, other[1:4])
