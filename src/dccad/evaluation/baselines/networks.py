"""Autoencoders without any clustering: one of convolutions, one of LSTM cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dccad.evaluation.baselines.base import Baseline, Windows

BATCH = 64
LEARNING_RATE = 1e-3


class ConvolutionalNetwork(nn.Module):
    """Three convolutions of stride 2 and their transposes; windows (n, n_sensors, window)."""

    def __init__(self, n_sensors: int, window: int, channels: tuple[int, int, int] = (64, 32, 16)):
        super().__init__()
        sizes = [window]
        for _ in channels:
            sizes.append((sizes[-1] + 1) // 2)  # each follows from the last
        encoder: list[nn.Module] = []
        decoder: list[nn.Module] = []
        for place, (before, after) in enumerate(
            zip((n_sensors, *channels), channels, strict=False)
        ):
            encoder += [nn.Conv1d(before, after, 3, stride=2, padding=1), nn.ReLU()]
            rest = sizes[place] - (2 * sizes[place + 1] - 1)
            back = nn.ConvTranspose1d(after, before, 3, 2, padding=1, output_padding=rest)
            decoder = [back, nn.ReLU(), *decoder]
        self.layers = nn.Sequential(*encoder, *decoder[:-1])

    def forward(self, windows: Tensor) -> Tensor:
        """Reconstruction."""
        output: Tensor = self.layers(windows)
        return output


class RecurrentNetwork(nn.Module):
    """An LSTM whose last state a second LSTM unfolds again; windows (n, n_sensors, window)."""

    def __init__(self, n_sensors: int, window: int, n_units: int = 64):
        super().__init__()
        self.encoder = nn.LSTM(n_sensors, n_units, batch_first=True)
        self.decoder = nn.LSTM(n_units, n_units, batch_first=True)
        self.output = nn.Linear(n_units, n_sensors)

    def forward(self, windows: Tensor) -> Tensor:
        """Reconstruction."""
        _, (state, _) = self.encoder(windows.transpose(1, 2))
        repeated = state[-1][:, None].expand(-1, windows.shape[2], -1)
        unfolded, _ = self.decoder(repeated)
        output: Tensor = self.output(unfolded).transpose(1, 2)
        return output


@dataclass(eq=False, repr=False)
class AutoencoderMonitor(Baseline):
    """Mean squared reconstruction error of a window.

    Parameters
    ----------
    epochs : int
        Passes over the windows; each takes them in an order of its own.

    The others are those of :class:`~dccad.evaluation.baselines.base.Baseline`.
    """

    epochs: int = 50

    deterministic: ClassVar[bool] = False

    network: ClassVar[type[nn.Module]]

    def _fit(self, windows: Windows) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)
            self.network_ = type(self).network(windows.shape[1], self.window)
            optimiser = torch.optim.Adam(self.network_.parameters(), lr=LEARNING_RATE)
            data = torch.from_numpy(np.ascontiguousarray(windows))
            self.network_.train()
            for _ in range(self.epochs):
                for batch in torch.randperm(len(data)).split(BATCH):
                    chosen = data[batch]
                    optimiser.zero_grad()
                    loss = (self.network_(chosen) - chosen).square().mean()
                    loss.backward()
                    optimiser.step()
        self.network_.eval()

    def _score(self, windows: Windows) -> NDArray[np.float64]:
        data = torch.from_numpy(np.ascontiguousarray(windows))
        with torch.no_grad():
            errors = (self.network_(data) - data).square().mean(dim=(1, 2))
        return np.asarray(errors.numpy(), dtype=np.float64)


@dataclass(eq=False, repr=False)
class ConvAutoencoderMonitor(AutoencoderMonitor):
    """A plain convolutional autoencoder."""

    network: ClassVar[type[nn.Module]] = ConvolutionalNetwork


@dataclass(eq=False, repr=False)
class LSTMAutoencoderMonitor(AutoencoderMonitor):
    """An LSTM autoencoder."""

    network: ClassVar[type[nn.Module]] = RecurrentNetwork
