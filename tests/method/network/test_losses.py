"""The two losses: by hand, and that the relative one gains nothing from shrinking."""

import pytest
import torch

from dccad.method.network.losses import clustering_loss


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
