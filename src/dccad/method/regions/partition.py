"""What every partition offers: the region of each window."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from numpy.typing import NDArray
from torch import Tensor


class Partition(Protocol):
    """Regions of windows, read from their pooled maps."""

    @property
    def kind(self) -> str:
        """Name of the kind in a model folder."""

    @property
    def n_regions(self) -> int:
        """Number of regions that windows may fall into."""

    def assign(self, latents: Tensor) -> Tensor:
        """Region of each window from latents of shape (n_windows, n_maps, map_length)."""

    def clusters(self, latents: Tensor) -> Tensor:
        """Cluster of each single map, shape (n_windows, n_maps), int64."""

    def maps_read(self) -> Tensor:
        """Which of the maps :meth:`assign` reads, shape (n_maps,), bool."""

    def to(self, device: torch.device) -> Partition:
        """The same partition with its tensors on another device."""

    def to_record(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays by dotted names, and plain numbers with the ``kind``, for a model folder."""
