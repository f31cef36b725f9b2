"""The depthwise autoencoder: every kernel sees one direction, and mixing comes after the split.

A first layer that mixes all sensors buries a fault that lives in a few directions in the noise of
the others. Here each direction of the representation has kernels of its own, whose activation maps
are what is clustered and scored; the decoder mixes them through a bottleneck, so that its residual
shows what the other directions and the neighbouring rows do not explain.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from dccad.method.network.base import Autoencoder
from dccad.method.network.gradients import (
    Scratch,
    Weights,
    differentiate_clustering,
    differentiate_reconstruction,
)
from dccad.method.network.losses import Targets
from dccad.method.network.moments import (
    MapForms,
    Moments,
    map_forms,
    pool_kernels,
    pool_levels,
    window_moments,
)
from dccad.method.network.pooling import Energy, Kind, pool_maps, pool_together

LEAK = 0.1
"""Slope of the bottleneck's leaky ReLU below 0."""


@dataclass(frozen=True)
class DirectionalSettings:
    """Shape of the depthwise autoencoder.

    Attributes
    ----------
    n_directions, n_sensor_directions, window : int
        Channels, how many of them (the first) are single sensors, and rows of a window.
    kernels_per_direction : int
        The first starts as the newest value (level), the second as its change, others at random.
    kernel_size : int
        Rows that one kernel sees; a shorter window shortens it.
    bottleneck : int
        Channels through which the decoder sees all maps.
    """

    n_directions: int
    n_sensor_directions: int
    window: int
    kernels_per_direction: int
    kernel_size: int
    bottleneck: int

    @property
    def n_kernels(self) -> int:
        """Kernels of the encoder, each with one activation map."""
        return self.n_directions * self.kernels_per_direction

    @property
    def n_maps(self) -> int:
        """Pooled maps: every kind of each kernel's map, and every energy of each group."""
        return len(Kind) * self.n_kernels + len(Energy) * len(self.groups)

    @property
    def map_length(self) -> int:
        """Values of one pooled map."""
        return 1

    @property
    def groups(self) -> tuple[slice, ...]:
        """Directions of each group: the sensors, the whitened directions."""
        cut = self.n_sensor_directions
        found = (slice(0, cut), slice(cut, self.n_directions))
        return tuple(group for group in found if group.stop > group.start)


class DirectionalAutoencoder(Autoencoder):
    """Depthwise encoder, pooled maps, and a decoder that mixes.

    Parameters
    ----------
    settings : DirectionalSettings

    Examples
    --------
    >>> settings = DirectionalSettings(4, 2, 30, 2, 3, 2)
    >>> network = DirectionalAutoencoder(settings)
    >>> maps, reconstruction = network(torch.zeros(5, 4, 30))
    >>> tuple(maps.shape), tuple(reconstruction.shape)         # 8 kernels, 28 positions
    ((5, 8, 28), (5, 4, 30))
    >>> tuple(network.pool(maps).shape)           # 3 statistics of 8 maps, 3 of each of 2 groups
    (5, 30, 1)
    """

    kind = "depthwise"
    reads_runs = True

    def __init__(self, settings: DirectionalSettings) -> None:
        super().__init__()
        self.settings = settings
        self._scratch = Scratch()
        directions, kernels = settings.n_directions, settings.n_kernels
        size = min(settings.kernel_size, settings.window)
        reach = size**-0.5
        self.kernels = nn.Parameter(torch.empty(kernels, size).uniform_(-reach, reach))
        self.mixing = nn.Conv1d(kernels, settings.bottleneck, 1)
        self.normalisation = nn.BatchNorm1d(settings.bottleneck)
        self.decoder = nn.ConvTranspose1d(settings.bottleneck, directions, size)
        with torch.no_grad():
            level = self.kernels[:: settings.kernels_per_direction]
            level.zero_()[:, -1] = 1.0
            if settings.kernels_per_direction > 1:
                change = self.kernels[1 :: settings.kernels_per_direction].zero_()
                change[:, -1] = 0.5**0.5
                if size > 1:
                    change[:, -2] = -(0.5**0.5)

    def encode(self, windows: Tensor) -> Tensor:
        """Windows (B, D, L) to activation maps (B, kernels, L − kernel size + 1)."""
        return _slide(self.kernels_of_directions, windows)

    def decode(self, maps: Tensor) -> Tensor:
        """Activation maps to reconstructed windows (B, D, L)."""
        return self._expand(self._activate(self.mixing(maps)))

    def differentiate(
        self,
        windows: Tensor,
        targets: Targets | None = None,
        alpha: float = 0.0,
        relative: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Leave the gradient in the parameters, computed by hand-written derivatives."""
        if not self.training:  # batch normalisation has another derivative
            return super().differentiate(windows, targets, alpha, relative)
        parameters = self._weights()
        for parameter, _ in parameters:
            if parameter.grad is None:
                parameter.grad = torch.empty_like(parameter)
        with torch.inference_mode():
            weights = Weights(*(parameter.view(shape) for parameter, shape in parameters))
            loss, slopes = differentiate_reconstruction(
                windows, weights, self.normalisation, LEAK, self._scratch
            )
            factor = (1.0 if targets is None else 1 - alpha) * 2 / windows.numel()
            for (parameter, shape), slope in zip(parameters, slopes, strict=True):
                assert parameter.grad is not None
                torch.mul(slope, factor, out=parameter.grad.view(shape))
            if targets is None:
                return loss, None
            forms = targets.forms or self.forms(self.moments(windows), targets.maps)
            cluster, slope = differentiate_clustering(
                forms, targets.centres[..., 0], self.kernels, relative
            )
            assert self.kernels.grad is not None
            self.kernels.grad.add_(slope, alpha=alpha)
        return loss, cluster

    def _weights(self) -> list[tuple[Tensor, tuple[int, ...]]]:
        """All parameters in the order of :class:`Weights`, and their shapes."""
        mixing, decoder, own = self.mixing, self.decoder, self.normalisation
        assert mixing.bias is not None
        assert decoder.bias is not None
        by_direction = self.kernels_of_directions.shape
        flat = [mixing.bias, own.weight, own.bias]
        return [
            (self.kernels, by_direction),
            (mixing.weight, (-1, *by_direction[:2])),
            *((parameter, parameter.shape) for parameter in flat),
            (decoder.weight, decoder.weight.shape),
            (decoder.bias, decoder.bias.shape),
        ]

    def train(self, mode: bool = True) -> DirectionalAutoencoder:
        """Begin or end training; its end frees the memory that the steps share."""
        if not mode:
            self._scratch.clear()
        super().train(mode)
        return self

    def bottleneck(self, series: Tensor) -> Tensor:
        """What the decoder sees of a run (n_directions, n_rows): (channels, n_rows − size + 1)."""
        kernels = self._mixed_kernels
        # all rows under a kernel in one product, which takes half the time of a convolution
        parts = (kernels.permute(2, 0, 1).flatten(0, 1) @ series).split(len(kernels))
        n_positions = series.shape[1] - len(parts) + 1
        shifted = (part[:, tap : tap + n_positions] for tap, part in enumerate(parts))
        mixed = functools.reduce(torch.add, shifted)
        assert self.mixing.bias is not None
        return self._activate((mixed + self.mixing.bias[:, None])[None])[0]

    @property
    def _mixed_kernels(self) -> Tensor:
        """Kernels and mixing are one convolution; shape (channels, n_directions, kernel_size)."""
        return torch.einsum("bdk,dks->bds", self._mixing_of_directions, self.kernels_of_directions)

    @property
    def _mixing_of_directions(self) -> Tensor:
        """The mixing's weights, shape (channels, n_directions, kernels_per_direction)."""
        return self.mixing.weight.view(-1, *self.kernels_of_directions.shape[:2])

    def _activate(self, mixed: Tensor) -> Tensor:
        return functional.leaky_relu(self.normalisation(mixed), LEAK)

    def _expand(self, bottleneck: Tensor) -> Tensor:
        """Bottleneck (B, channels, T) to reconstructed windows (B, D, L)."""
        reach = self.decoder.weight.shape[2] - 1
        padded = functional.pad(bottleneck, (reach, reach))
        return functional.conv1d(padded, self._mirrored_decoder, self.decoder.bias)

    @property
    def _mirrored_decoder(self) -> Tensor:
        """A transposed convolution is one with mirrored kernels, which is faster on a CPU."""
        return self.decoder.weight.transpose(0, 1).flip(2)

    def pool(self, maps: Tensor) -> Tensor:
        """Activation maps (B, kernels, T) to what is clustered, (B, n_maps, 1).

        All means, then all recent means, then all log-variances, each in the order of the kernels,
        then the collective energies of each group of directions.
        """
        parts = [*pool_maps(maps), *(pool_together(level) for level in self.levels(maps))]
        return torch.cat(parts, dim=1)[..., None]

    @property
    def moments_per_window(self) -> int:
        """Numbers that :meth:`moments` gives for one window."""
        size = self.kernels.shape[1]
        return self.settings.n_directions * size * (size + 3)

    def moments(self, windows: Tensor) -> Moments:
        """Moments of windows, from which their pooled maps follow for any kernels."""
        return window_moments(windows, self.kernels.shape[1])

    def pool_moments(self, moments: Moments) -> Tensor:
        """Moments of windows to their pooled maps."""
        kernels = self.kernels_of_directions
        groups = [pool_levels(moments, kernels[:, 0], group) for group in self.settings.groups]
        return torch.cat([*pool_kernels(moments, kernels), *groups], dim=1)[..., None]

    def pool_windows(self, windows: Tensor) -> Tensor:
        """Windows to pooled maps, by their moments."""
        return self.pool_moments(self.moments(windows))

    def forms(self, moments: Moments, maps: Tensor) -> MapForms:
        """The part of the moments from which training computes pooled maps of single kernels."""
        return map_forms(moments, maps, self.settings.kernels_per_direction)

    @property
    def kernels_of_directions(self) -> Tensor:
        """The kernels, shape (n_directions, kernels_per_direction, kernel_size)."""
        return self.kernels.view(self.settings.n_directions, -1, self.kernels.shape[1])

    def levels(self, maps: Tensor) -> list[Tensor]:
        """Maps of each group's first kernels, which hold the level of each direction."""
        first = maps[:, :: self.settings.kernels_per_direction]
        return [first[:, group] for group in self.settings.groups]

    @property
    def kernel_of_map(self) -> Tensor:
        """Kernel behind each pooled map, shape (n_maps,); −1 for the collective ones."""
        single = torch.arange(self.settings.n_kernels).repeat(len(Kind))
        together = len(Energy) * len(self.settings.groups)
        return torch.cat((single, torch.full((together,), -1)))

    def map_names(self, columns: Sequence[str]) -> list[str]:
        """Name every pooled map: its sensor or direction, its kernel and its kind.

        Examples
        --------
        >>> network = DirectionalAutoencoder(DirectionalSettings(4, 2, 30, 2, 3, 2))
        >>> names = network.map_names(("flow", "level"))
        >>> names[0], names[3], names[8 + 4], names[16 + 1], names[-1]
        ('flow mean', 'level change mean', 'direction 1 recent mean', 'flow change log-variance',
        'all directions energy of the mean')
        """
        shape, cut = self.settings, self.settings.n_sensor_directions
        n_whitened, per = shape.n_directions - cut, shape.kernels_per_direction
        directions = [*columns[:cut], *(f"direction {d + 1}" for d in range(n_whitened))]
        filters = ["", " change", *(f" kernel {k + 1}" for k in range(2, per))][:per]
        kernels = [f"{direction}{name}" for direction in directions for name in filters]
        groups = [f"all {'sensors' if g.stop <= cut else 'directions'}" for g in shape.groups]
        return [f"{kernel} {kind.value}" for kind in Kind for kernel in kernels] + [
            f"{group} {energy.value}" for group in groups for energy in Energy
        ]

    def map_parameters(self) -> list[nn.Parameter]:
        """Parameters with one row per kernel, which the gradient routing divides."""
        return [self.kernels]


def _slide(kernels: Tensor, windows: Tensor) -> Tensor:
    """Maps of kernels (D, k, size) that each see one direction of windows (B, D, L)."""
    size = kernels.shape[2]
    length = windows.shape[2] - size + 1
    # a sum over the few taps: torch's grouped convolution is far slower on a CPU
    maps = windows[:, :, None, :length] * kernels[:, :, 0, None]
    for tap in range(1, size):
        maps = maps + windows[:, :, None, tap : tap + length] * kernels[:, :, tap, None]
    return maps.flatten(1, 2)
