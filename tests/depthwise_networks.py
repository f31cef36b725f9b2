"""Depthwise networks of several shapes, for every test that reads windows through one."""

import torch

from dccad.method.network.depthwise import DirectionalAutoencoder, DirectionalSettings
from dccad.method.network.losses import Targets, own_centres

SHAPES = {
    "sensors and directions": DirectionalSettings(6, 3, 12, 2, 3, 4),
    "directions": DirectionalSettings(4, 0, 10, 3, 4, 2),
    "sensors": DirectionalSettings(3, 3, 9, 1, 2, 2),
    "short window": DirectionalSettings(4, 2, 2, 2, 5, 2),
    "one row": DirectionalSettings(2, 2, 1, 2, 3, 1),
}


def build(name, dtype=torch.float64):
    torch.manual_seed(2)
    network = DirectionalAutoencoder(SHAPES[name]).to(dtype).eval()
    with torch.no_grad():
        network.kernels.normal_()
    return network


def windows_for(settings, n=4):
    generator = torch.Generator().manual_seed(1)
    shape = (n, settings.n_directions, settings.window)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def batch_for(network, n=6, shift=0.0):
    """Windows, the targets of one map of every other kernel, and these kernels."""
    settings = network.settings
    windows = windows_for(settings, n)
    generator = torch.Generator().manual_seed(3)
    centres = torch.randn(settings.n_maps, 2, 1, generator=generator, dtype=torch.float64)
    assigned = torch.randint(2, (n, settings.n_maps), generator=generator)
    kernels = torch.zeros(settings.n_kernels, dtype=torch.bool)
    kernels[::2] = True
    maps = []
    for kernel in kernels.nonzero().flatten().tolist():  # one map of each, means and variances
        mine = (network.kernel_of_map == kernel).nonzero().flatten()
        maps.append(mine[(kernel // 2) % len(mine)])
    maps = torch.stack(maps).sort().values
    return windows, Targets(maps, own_centres(centres + shift, assigned, maps)), kernels
