"""Which network belongs to which settings."""

import pytest
import torch

from dccad.method.network.depthwise import DirectionalAutoencoder, DirectionalSettings
from dccad.method.network.make import make_network
from dccad.method.network.published import ConvAutoencoder, NetworkSettings


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        (NetworkSettings(3, 12, 2, 3, (2, 3), False), ConvAutoencoder),
        (DirectionalSettings(3, 3, 12, 2, 3, 2), DirectionalAutoencoder),
    ],
)
def test_settings_make_their_own_network_with_fresh_weights_of_the_seed(settings, kind):
    made = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        network = make_network(settings)
        assert type(network) is kind
        assert network.settings is settings
        made.append(torch.cat([p.detach().flatten() for p in network.parameters()]))
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])
