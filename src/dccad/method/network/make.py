"""From settings to the network that belongs to them."""

from __future__ import annotations

from dccad.method.network.base import Autoencoder
from dccad.method.network.depthwise import DirectionalAutoencoder, DirectionalSettings
from dccad.method.network.published import ConvAutoencoder, NetworkSettings


def make_network(settings: NetworkSettings | DirectionalSettings) -> Autoencoder:
    """Make the network that belongs to the settings, with fresh weights.

    Examples
    --------
    >>> type(make_network(DirectionalSettings(4, 2, 30, 2, 3, 2))).__name__
    'DirectionalAutoencoder'
    """
    if isinstance(settings, DirectionalSettings):
        return DirectionalAutoencoder(settings)
    return ConvAutoencoder(settings)
