"""The two losses: by hand, and that the relative one gains nothing from shrinking."""

import pytest
import torch

from dccad.method.network.losses import (
    LEAST_BATCH_VARIANCE,
    Targets,
    clustering_loss,
    own_centres,
    reconstruction_loss,
)


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


def test_the_published_losses_are_means_over_windows_sensors_and_maps():
    """By hand: squares 1, 1, 9, 9 of a window; distances 5 and 13 of two maps of two positions."""
    windows = torch.tensor([[[1.0, 1.0], [3.0, 3.0]]])
    assert reconstruction_loss(torch.zeros(1, 2, 2), windows).item() == 5.0
    latents = torch.tensor([[[3.0, 4.0], [5.0, 12.0]]])
    assert clustering_loss(latents, torch.zeros(1, 2, 2)).item() == (25 + 169) / 2


def test_a_map_that_is_constant_over_the_batch_is_divided_by_the_least_variance():
    latents = torch.full((3, 1, 1), 2.0)
    found = clustering_loss(latents, torch.full((3, 1, 1), 1.0), relative=True)
    assert found.item() == pytest.approx(1 / LEAST_BATCH_VARIANCE)


def test_each_window_gets_its_own_centre_on_the_chosen_maps():
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(4, 3, 2, generator=generator)
    assignments = torch.randint(3, (5, 4), generator=generator)
    found = own_centres(centres, assignments, torch.tensor([3, 1]))
    for i in range(5):
        for place, m in enumerate((3, 1)):
            assert torch.equal(found[i, place], centres[m, assignments[i, m]])


def test_targets_of_a_batch_are_those_of_its_windows():
    centres = torch.arange(8.0).reshape(4, 2, 1)
    taken = Targets(torch.tensor([5, 7]), centres).take(torch.tensor([3, 0]))
    assert taken.centres[..., 0].tolist() == [[6.0, 7.0], [0.0, 1.0]]
    assert taken.maps.tolist() == [5, 7]
    assert taken.forms is None
