"""What every network offers to training and scoring, whichever it is."""

import pytest
import torch

from dccad.method.network.base import Autoencoder
from dccad.method.network.depthwise import DirectionalAutoencoder, DirectionalSettings
from dccad.method.network.losses import Targets
from dccad.method.network.published import ConvAutoencoder, NetworkSettings
from naive import gradients_of

SETTINGS = {
    ConvAutoencoder: NetworkSettings(4, 12, 2, 3, (2, 3, 1), True),
    DirectionalAutoencoder: DirectionalSettings(4, 2, 12, 2, 3, 2),
}
NETWORKS = pytest.mark.parametrize("kind", SETTINGS)


def build(kind):
    torch.manual_seed(0)
    return kind(SETTINGS[kind]).double()


@NETWORKS
def test_every_value_of_the_pooled_maps_has_a_name_of_its_own(kind):
    network = build(kind).eval()
    names = network.map_names(("flow", "level"))
    pooled = network.pool_windows(torch.randn(3, 4, 12, dtype=torch.float64))
    assert len(names) == len(set(names)) == pooled[0].numel()
    assert network.kernel_of_map.shape == pooled.shape[1:2]


@NETWORKS
def test_pooling_windows_is_pooling_their_activation_maps(kind):
    network = build(kind).eval()
    windows = torch.randn(5, 4, 12, dtype=torch.float64)
    expected = network.pool(network(windows)[0])
    torch.testing.assert_close(network.pool_windows(windows), expected, rtol=1e-10, atol=1e-10)


def test_only_the_depthwise_network_reads_runs_and_has_moments():
    published, depthwise = build(ConvAutoencoder), build(DirectionalAutoencoder)
    assert (published.reads_runs, published.moments_per_window) == (False, 0)
    # 4 directions have 3 means and 6 covariances, over all positions and over the last third
    assert (depthwise.reads_runs, depthwise.moments_per_window) == (True, 4 * 2 * (3 + 6))


@NETWORKS
@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_the_gradient_is_that_of_the_weighted_losses_and_of_nothing_before(kind, alpha):
    network = build(kind).train()
    windows = torch.randn(6, 4, 12, dtype=torch.float64)
    maps, output = network(windows)
    latents = network.pool(maps)[:, [0, 2]]
    targets = Targets(torch.tensor([0, 2]), torch.zeros_like(latents))
    reconstruction = (output - windows).square().mean()
    cluster = latents.square().sum(dim=2).mean()
    loss = (1 - alpha) * reconstruction + alpha * cluster
    expected = gradients_of(loss, list(network.parameters()))
    for _ in range(2):  # gradients do not add up
        found = Autoencoder.differentiate(network, windows, targets, alpha)
    assert [value.item() for value in found] == pytest.approx(
        [reconstruction.item(), cluster.item()]
    )
    for parameter, gradient in zip(network.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-9, atol=1e-12)
