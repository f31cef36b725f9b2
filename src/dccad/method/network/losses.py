"""The two losses: L_R of the reconstruction and L_C of the clusters."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor
from torch.nn import functional

from dccad.method.network.moments import MapForms

LEAST_BATCH_VARIANCE = 1e-6
"""The relative clustering loss divides by at least this: a map that is constant over a batch has
no variance."""


def reconstruction_loss(reconstruction: Tensor, windows: Tensor) -> Tensor:
    """L_R = mean((x̂ − x)²) over windows, sensors and rows."""
    # rows first: that is how the published network lays out its reconstruction and its gradient
    return functional.mse_loss(reconstruction.permute(2, 0, 1), windows.permute(2, 0, 1))


def clustering_loss(latents: Tensor, centres: Tensor, relative: bool = False) -> Tensor:
    """L_C = mean over windows and clustering maps of ‖z_m − μ_m,a_m(i)‖².

    Parameters
    ----------
    latents : Tensor of shape (n_windows, n_maps, map_length)
        The clustering maps.
    centres : Tensor of shape (n_windows, n_maps, map_length)
        Each window's own centre on each of them (:func:`own_centres`).
    relative : bool
        Divide the loss of each map by the map's variance over the batch, which gives the share
        that its clusters leave unexplained. The variance shrinks with the map, so that shrinking
        it gains nothing. False: as published.

    Returns
    -------
    Tensor, a scalar
    """
    unexplained = (latents - centres).square().sum(dim=2).mean(dim=0)
    if relative:
        variance = latents.var(dim=0, unbiased=False).sum(dim=1)
        unexplained = unexplained / variance.clamp(min=LEAST_BATCH_VARIANCE)
    return unexplained.mean()


def own_centres(centres: Tensor, assignments: Tensor, maps: Tensor) -> Tensor:
    """Centre that each window is assigned to, on some of the maps.

    Parameters
    ----------
    centres : Tensor of shape (n_maps, n_clusters, map_length)
    assignments : Tensor of shape (n_windows, n_maps), int64
    maps : Tensor of shape (n_chosen,), int64

    Returns
    -------
    Tensor of shape (n_windows, n_chosen, map_length)
    """
    return centres[maps, assignments[:, maps]]


class Targets(NamedTuple):
    """What L_C asks of windows: found once per update and used batch by batch.

    Attributes
    ----------
    maps : Tensor of shape (n_chosen,), int64
        The clustering maps.
    centres : Tensor of shape (n_windows, n_chosen, map_length)
        Each window's own centre on each of them.
    forms : MapForms or None
        What a network with moments computes these maps from.
    """

    maps: Tensor
    centres: Tensor
    forms: MapForms | None = None

    def take(self, windows: Tensor) -> Targets:
        """Targets of some of the windows."""
        forms = None if self.forms is None else self.forms.take(windows)
        return Targets(self.maps, self.centres.index_select(0, windows), forms)
