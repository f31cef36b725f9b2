"""From settings to the network that belongs to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from dccad.method.network.base import Autoencoder
from dccad.method.network.depthwise import DirectionalAutoencoder, DirectionalSettings
from dccad.method.network.published import ConvAutoencoder, NetworkSettings

AnySettings: TypeAlias = NetworkSettings | DirectionalSettings
"""Shape of a network, whichever it is."""

NETWORKS: Mapping[type[AnySettings], Callable[[Any], Autoencoder]] = {
    NetworkSettings: ConvAutoencoder,
    DirectionalSettings: DirectionalAutoencoder,
}
"""The network of each kind of settings."""


def make_network(settings: AnySettings) -> Autoencoder:
    """Make the network that belongs to the settings, with fresh weights.

    Examples
    --------
    >>> type(make_network(DirectionalSettings(4, 2, 30, 2, 3, 2))).__name__
    'DirectionalAutoencoder'
    """
    return NETWORKS[type(settings)](settings)
