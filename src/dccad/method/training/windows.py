"""The windows of one training: in shuffled batches, and all of them through the network."""

from __future__ import annotations

import torch
from torch import Tensor

from dccad.logs.windows import WindowSet
from dccad.method.clustering.kernel_split import KernelSplit
from dccad.method.network.base import Autoencoder
from dccad.method.network.losses import Targets, own_centres
from dccad.method.network.moments import Moments

MOMENTS_BYTES = 256 << 20
"""Moments of all windows are found once per fit where they need no more memory than this."""

WINDOWS_AT_ONCE = 1024
"""Windows that go through the network together where nothing is trained."""


class TrainingWindows:
    """Windows, the network that learns from them, and what is computed of them only once.

    Parameters
    ----------
    network : Autoencoder
    windows : WindowSet
        On the device of the network.
    batch_size : int
    generator : torch.Generator
        Source of the order of the batches, on the CPU.
    """

    def __init__(
        self,
        network: Autoencoder,
        windows: WindowSet,
        batch_size: int,
        generator: torch.Generator,
    ) -> None:
        self.network, self.windows = network, windows
        self.batch_size, self.generator = batch_size, generator
        self._moments = self._find_moments()

    def batches(self) -> tuple[Tensor, ...]:
        """Window indices of every batch of one epoch, shuffled; the network begins to train."""
        self.network.train()
        order = torch.randperm(len(self.windows), generator=self.generator)
        device = self.windows.starts.device
        if device.type == "cuda":  # the copy does not wait for the steps before it
            order = order.pin_memory().to(device, non_blocking=True)
        batches: tuple[Tensor, ...] = order.split(self.batch_size)
        # batch normalisation cannot take its figures from a single value
        if len(batches) > 1 and len(batches[-1]) == 1:
            batches = (*batches[:-2], torch.cat(batches[-2:]))
        return batches

    def encode(self) -> Tensor:
        """Pooled maps of every window, by window index, as prediction will see them.

        Returns
        -------
        Tensor of shape (n_windows, n_maps, map_length)
        """
        self.network.eval()
        moments = self._moments
        with torch.no_grad():
            if moments is None:
                every = self._every_window().split(WINDOWS_AT_ONCE)
                parts = [self.network.pool_windows(self.windows[part]) for part in every]
            else:
                starts = range(0, len(self.windows), WINDOWS_AT_ONCE)
                blocks = (moments.take(slice(start, start + WINDOWS_AT_ONCE)) for start in starts)
                parts = [self.network.pool_moments(block) for block in blocks]
        return torch.cat(parts)

    def targets(self, split: KernelSplit) -> Targets:
        """What L_C asks of every window until the next update."""
        maps = split.clustering.nonzero().flatten()
        centres = own_centres(split.clusters.centres, split.clusters.assignments, maps)
        if self._moments is None:
            return Targets(maps, centres)
        return Targets(maps, centres, self.network.forms(self._moments, maps))

    def _find_moments(self) -> Moments | None:
        """Moments of all windows; None where the network has none, or they are too many."""
        numbers = self.network.moments_per_window * len(self.windows)
        if not 0 < numbers * self.windows.rows.element_size() <= MOMENTS_BYTES:
            return None
        parts = self._every_window().split(self.batch_size)
        return Moments.join([self.network.moments(self.windows[indices]) for indices in parts])

    def _every_window(self) -> Tensor:
        """Indices of all windows in order, on the device."""
        return torch.arange(len(self.windows), device=self.windows.starts.device)
