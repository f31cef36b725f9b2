"""What is recorded of a training: its losses, its updates and its time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any, TypeAlias

import torch
from torch import Tensor

from dccad.method.clustering.kernel_split import KernelSplit, changes

EpochRecord: TypeAlias = dict[str, Any]
OnEpoch: TypeAlias = Callable[[EpochRecord], None]


class Losses:
    """Losses of the batches of one epoch."""

    def __init__(self) -> None:
        self._sizes: list[int] = []
        self._losses: list[tuple[Tensor, Tensor | None]] = []

    def add(self, n_windows: int, reconstruction: Tensor, cluster: Tensor | None) -> None:
        """Take in the losses of one batch, each the mean over its windows."""
        self._sizes.append(n_windows)
        self._losses.append((reconstruction, cluster))

    def means(self) -> tuple[float, float | None]:
        """L_R and L_C over all windows; None for L_C where no batch had one."""
        reconstruction, cluster = map(self._mean, zip(*self._losses, strict=True))
        assert reconstruction is not None
        return reconstruction, cluster

    def _mean(self, losses: Sequence[Tensor | None]) -> float | None:
        known = [loss for loss in losses if loss is not None]
        if not known:
            return None
        # copied from the device together: one by one, each step would wait for the last
        values = torch.stack(known).cpu().double()
        weights = torch.tensor(self._sizes, dtype=torch.float64)
        return float(values @ weights / weights.sum())


class History:
    """Records of the epochs and updates of one training.

    ``epochs`` and ``updates`` are as ``history`` and ``updates`` of
    :class:`dccad.method.training.algorithm.TrainingResult`; ``on_epoch`` is called with each
    epoch's record.
    """

    def __init__(self, learning_rate: float, alpha: float, on_epoch: OnEpoch | None = None) -> None:
        self.learning_rate, self.alpha, self.on_epoch = learning_rate, alpha, on_epoch
        self.epochs: list[EpochRecord] = []
        self.updates: list[dict[str, Any]] = []
        self._has_updated = False

    def add_update(self, split: KernelSplit, previous: KernelSplit | None) -> None:
        """Record an update of the centres and the split, with which the next epoch begins."""
        self._has_updated = True
        self.updates.append(
            {
                "epoch": len(self.epochs),
                "distances": split.distances.tolist(),
                "qualities": split.qualities.tolist(),
                "ranks": split.ranks.tolist(),
                "clustering": split.clustering.tolist(),
                "inertia": split.clusters.inertia.tolist(),
                **changes(previous, split),
            }
        )

    @contextmanager
    def epoch(self, phase: str, split: KernelSplit | None = None) -> Iterator[Losses]:
        """Record one epoch, whose batches add their losses; joint epochs follow a split."""
        started, losses = perf_counter(), Losses()
        yield losses
        reconstruction, cluster = losses.means()
        total = reconstruction
        if cluster is not None:
            total = (1 - self.alpha) * reconstruction + self.alpha * cluster
        update = self.updates[-1] if self._has_updated else {}
        self.epochs.append(
            {
                "phase": phase,
                "epoch": len(self.epochs),
                "reconstruction_loss": reconstruction,
                "clustering_loss": cluster,
                "total_loss": total,
                "centre_distance": None if split is None else _centre_distance(split),
                "updated": self._has_updated,
                "switched": update.get("switched"),
                "map_changes": update.get("map_changes"),
                "learning_rate": self.learning_rate,
                "seconds": perf_counter() - started,
            }
        )
        self._has_updated = False
        if self.on_epoch is not None:
            self.on_epoch(self.epochs[-1])


def _centre_distance(split: KernelSplit) -> float:
    """Mean over the clustering maps of the distance between their centres."""
    return float(split.distances[split.clustering].mean())
