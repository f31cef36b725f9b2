"""The convolutional autoencoder whose last encoder convolution gives the activation maps."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional

from dccad.errors import ParameterError
from dccad.method.network.base import Autoencoder

SHORTEST_MAP = 4
"""Automatic strides leave an activation map at least this many positions where they can."""


@dataclass(frozen=True)
class NetworkSettings:
    """Shape of the autoencoder.

    Attributes
    ----------
    n_sensors, window : int
        Channels and rows of a window.
    n_kernels : int
        Kernels of the first convolution; each further block has twice as many.
    kernel_size : int
        Rows that one kernel sees.
    strides : tuple of int
        Step of each encoder block; their number is the depth.
    batch_norm : bool
        Normalise every activation map over the batch.
    """

    n_sensors: int
    window: int
    n_kernels: int
    kernel_size: int
    strides: tuple[int, ...]
    batch_norm: bool

    @property
    def n_maps(self) -> int:
        """Activation maps M = kernels of the last encoder convolution."""
        return int(self.n_kernels * 2 ** (len(self.strides) - 1))

    @property
    def map_length(self) -> int:
        """Positions T of one activation map."""
        return self.window // prod(self.strides)


def automatic_strides(window: int, depth: int) -> tuple[int, ...]:
    """Strides that divide the window and keep the activation maps wider than one value.

    Each block shortens the map by 2, else by 3, while at least ``SHORTEST_MAP`` positions stay; a
    length that neither divides is kept.

    Examples
    --------
    >>> automatic_strides(30, 3)
    (2, 3, 1)
    >>> automatic_strides(64, 4)
    (2, 2, 2, 2)
    >>> automatic_strides(7, 3)
    (1, 1, 1)
    """
    strides, length = [], window
    for _ in range(depth):
        fits = [s for s in (2, 3) if length % s == 0 and length // s >= SHORTEST_MAP]
        strides.append(fits[0] if fits else 1)
        length //= strides[-1]
    return tuple(strides)


def check_strides(window: int, strides: Sequence[int]) -> None:
    """Refuse a window that the strides do not divide, naming the nearest lengths that work.

    Raises
    ------
    ParameterError

    Examples
    --------
    >>> check_strides(31, (2, 3, 1))
    Traceback (most recent call last):
    dccad.errors.ParameterError: window=31 is not a multiple of 6, the product of strides=(2, 3, 1);
    the nearest windows that work are 30 and 36, or leave strides='auto'
    """
    step = prod(strides)
    if window % step:
        below, above = window // step * step, (window // step + 1) * step
        nearest = f"{below} and {above}" if below else f"{above} (the shortest)"
        raise ParameterError(
            f"window={window} is not a multiple of {step}, the product of "
            f"strides={tuple(strides)}; the nearest windows that work are {nearest}, "
            "or leave strides='auto'"
        )


# For torch's convolutions a batch is one image: rows of the windows above one another, windows side
# by side, sensors last in memory. Each kernel then meets all windows in one product of matrices.
# Window by window, such small products cost more to prepare than to compute.


def _image(windows: Tensor) -> Tensor:
    """Windows (B, C, L) as one image (1, C, L, B)."""
    return windows.permute(2, 0, 1).contiguous().unsqueeze(0).permute(0, 3, 1, 2)


def _windows(image: Tensor) -> Tensor:
    """The inverse of :func:`_image`, a view."""
    return image.squeeze(0).permute(2, 0, 1)


class EncoderBlock(nn.Module):
    """Convolution, leaky ReLU, batch normalisation: (1, C, L, B) to (1, kernels, L / stride, B)."""

    def __init__(
        self, n_inputs: int, n_kernels: int, kernel_size: int, stride: int, batch_norm: bool
    ) -> None:
        super().__init__()
        padding = (kernel_size - 1) // 2
        self.convolution = nn.Conv1d(n_inputs, n_kernels, kernel_size, stride, padding)
        self.normalisation = nn.BatchNorm2d(n_kernels) if batch_norm else None

    def forward(self, x: Tensor) -> Tensor:
        """Shorten the windows by the stride."""
        own = self.convolution
        if own.kernel_size[0] % 2 == 0:  # sees one row more after its own than before
            x = functional.pad(x, (0, 0, 0, 1))
        padding = (int(own.padding[0]), 0)
        x = functional.conv2d(x, own.weight.unsqueeze(3), own.bias, (own.stride[0], 1), padding)
        return _finish_block(x, self.normalisation)


class DecoderBlock(nn.Module):
    """Transposed convolution that undoes an encoder block: T rows to T × stride.

    The last block of the decoder has neither leaky ReLU nor normalisation: sensors take any value.
    """

    def __init__(
        self,
        n_inputs: int,
        n_kernels: int,
        kernel_size: int,
        stride: int,
        batch_norm: bool,
        last: bool,
    ) -> None:
        super().__init__()
        self.last = last
        crop = (kernel_size - 1) // 2
        # long enough that the crop, the adjoint of the encoder's padding, leaves T × stride
        extra = max(0, stride + 2 * crop - kernel_size)
        self.convolution = nn.ConvTranspose1d(
            n_inputs, n_kernels, kernel_size, stride, crop, output_padding=extra
        )
        self.normalisation = nn.BatchNorm2d(n_kernels) if batch_norm and not last else None

    def forward(self, x: Tensor) -> Tensor:
        """Lengthen the windows by the stride."""
        own, length = self.convolution, x.shape[2] * self.convolution.stride[0]
        stride, crop, extra = (
            (own.stride[0], 1),
            (int(own.padding[0]), 0),
            (own.output_padding[0], 0),
        )
        x = functional.conv_transpose2d(x, own.weight.unsqueeze(3), own.bias, stride, crop, extra)
        if x.shape[2] > length:  # an even kernel that moves by one row
            x = x[:, :, :length]
        return x if self.last else _finish_block(x, self.normalisation)


def _finish_block(x: Tensor, normalisation: nn.BatchNorm2d | None) -> Tensor:
    x = functional.leaky_relu(x, 0.01, inplace=True)
    if normalisation is None:
        return x
    # After a single channel a convolution may lay its maps channels first. Of one image laid so,
    # torch (2.13) gives a wrong gradient where the gradient that arrives has channels last.
    normalised: Tensor = normalisation(x.contiguous(memory_format=torch.channels_last))
    return normalised


class ConvAutoencoder(Autoencoder):
    """Encoder to M activation maps of T positions, and the mirrored decoder.

    Parameters
    ----------
    settings : NetworkSettings

    Raises
    ------
    ParameterError
        The strides do not divide the window.

    Examples
    --------
    >>> settings = NetworkSettings(3, 30, 8, 3, (2, 3, 1), True)
    >>> network = ConvAutoencoder(settings)
    >>> latents, reconstruction = network(torch.zeros(2, 3, 30))
    >>> tuple(latents.shape), tuple(reconstruction.shape)      # M = 32 maps of T = 5 positions
    ((2, 32, 5), (2, 3, 30))
    """

    kind = "dense"

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        check_strides(settings.window, settings.strides)
        self.settings = settings
        depth = len(settings.strides)
        widths = [settings.n_sensors, *(settings.n_kernels * 2**block for block in range(depth))]
        shapes = list(zip(itertools.pairwise(widths), settings.strides, strict=True))
        size, norm = settings.kernel_size, settings.batch_norm
        self.encoder = nn.Sequential(
            *(EncoderBlock(inputs, kernels, size, step, norm) for (inputs, kernels), step in shapes)
        )
        self.decoder = nn.Sequential(
            *(
                DecoderBlock(kernels, inputs, size, step, norm, last=block == depth - 1)
                for block, ((inputs, kernels), step) in enumerate(reversed(shapes))
            )
        )

    def encode(self, windows: Tensor) -> Tensor:
        """Windows (B, C, L) to latents (B, M, T)."""
        latents: Tensor = self.encoder(_image(windows))
        return _windows(latents)

    def decode(self, latents: Tensor) -> Tensor:
        """Latents (B, M, T) to reconstructed windows (B, C, L)."""
        reconstruction: Tensor = self.decoder(_image(latents))
        return _windows(reconstruction)

    def pool(self, maps: Tensor) -> Tensor:
        """Give the maps as they are: the published method clusters them with their positions."""
        return maps

    @property
    def kernel_of_map(self) -> Tensor:
        """Kernel behind each map, shape (n_maps,): each kernel has one."""
        return torch.arange(self.settings.n_maps)

    def map_names(self, columns: Sequence[str]) -> list[str]:
        """Name every position of every map; the sensors are mixed in each."""
        maps, positions = range(self.settings.n_maps), range(self.settings.map_length)
        return [f"map{m}_position{t}" for m in maps for t in positions]

    def map_parameters(self) -> list[nn.Parameter]:
        """Parameters with one row per activation map, which the gradient routing divides.

        Weights and bias of the last encoder convolution, and its normalisation's scale and shift.
        """
        last = self.encoder[-1]
        return list(last.parameters())
