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
    """Losses of the batches of one epoch.

    Examples
    --------
    >>> losses = Losses()
    >>> losses.add(3, torch.tensor(1.0), torch.tensor(8.0))
    >>> losses.add(1, torch.tensor(5.0), torch.tensor(4.0))
    >>> losses.means()
    (2.0, 7.0)
    """

    def __init__(self) -> None:
        self._reconstruction: list[Tensor] = []
        self._cluster: list[Tensor] = []
        self._sizes: list[int] = []

    def add(self, n_windows: int, reconstruction: Tensor, cluster: Tensor | None) -> None:
        """Take in the losses of one batch, each the mean over its windows."""
        self._sizes.append(n_windows)
        self._reconstruction.append(reconstruction)
        if cluster is not None:
            self._cluster.append(cluster)

    def means(self) -> tuple[float, float | None]:
        """L_R and L_C over all windows; None for L_C where no batch had one."""
        cluster = self._mean(self._cluster) if self._cluster else None
        return self._mean(self._reconstruction), cluster

    def _mean(self, losses: Sequence[Tensor]) -> float:
        # copied from the device together: one by one, each step would wait for the last
        values = torch.stack(list(losses)).cpu().double()
        weights = torch.tensor(self._sizes, dtype=torch.float64)
        return float(values @ weights / weights.sum())


class History:
    """Records of the epochs and updates of one training.

    Parameters
    ----------
    learning_rate, alpha : float
        Settings of the optimisation.
    on_epoch : callable, optional
        Called with each epoch's record.

    Attributes
    ----------
    epochs, updates : list of dict
        As ``history`` and ``updates`` of :class:`dccad.method.training.algorithm.TrainingResult`.
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
