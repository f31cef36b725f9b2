"""Pooled maps from moments of the windows: the same as through the maps."""

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
