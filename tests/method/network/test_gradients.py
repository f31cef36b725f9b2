"""Gradients that are written out: against automatic differentiation of the network as it stands."""

import copy
import pickle

import pytest
import torch

from dccad.method.network.base import Autoencoder
from depthwise_networks import SHAPES, batch_for, build, windows_for


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_training_follows_the_losses_and_gradients_that_the_maps_would_give(
    name, relative, training
):
    network, twin = build(name).train(training), build(name).train(training)
    windows, targets, _ = batch_for(network, n=7)
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
    windows, targets, _ = batch_for(network)
    windows[:, :2] = 1.0  # no variance over positions, nor over windows
    network.differentiate(windows, targets, 0.9, relative=True)
    Autoencoder.differentiate(twin, windows, targets, 0.9, relative=True)
    assert network.kernels.grad.isfinite().all()
    found, expected = network.kernels.grad[4:], twin.kernels.grad[4:]
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-9)


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
