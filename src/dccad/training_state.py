"""The state of a training between two epochs: saved, and restored to the last bit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, Protocol, TypeAlias

import torch

from dccad.checkpoint import Checkpoint
from dccad.clustering import MapClusters
from dccad.kernel_split import KernelSplit
from dccad.network import Autoencoder

Phase: TypeAlias = Literal["pretrain", "joint"]

_TENSORS = ("distances", "qualities", "ranks", "kernels", "clustering", "spread")


class Loop(Protocol):
    """What changes from epoch to epoch, beside optimiser and schedule."""

    network: Autoencoder
    generator: torch.Generator
    history: list[dict[str, Any]]
    updates: list[dict[str, Any]]
    best: float
    waited: int


class TrainingKeeper:
    """Keeps the state of one training in a checkpoint; without one, does nothing.

    Parameters
    ----------
    checkpoint : Checkpoint or None
    device : torch.device
        Where restored tensors go.
    """

    def __init__(self, checkpoint: Checkpoint | None, device: torch.device) -> None:
        self.checkpoint, self.device = checkpoint, device
        self.first: KernelSplit | None = None
        self.split: KernelSplit | None = None
        self._state = None if checkpoint is None else checkpoint.load("training", device)
        if self._state is not None and self._state["phase"] == "joint":
            self._load_splits(self._state)

    def begin(
        self,
        phase: Phase,
        loop: Loop,
        optimizer: torch.optim.Optimizer,
        scheduler: torch.optim.lr_scheduler.LRScheduler,
    ) -> int:
        """Restore the state where it is one of this phase; how many of its epochs are done."""
        state = self._state
        if state is None or state["phase"] != phase:
            return 0
        loop.network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        scheduler.load_state_dict(state["scheduler"])
        loop.generator.set_state(state["generator"].cpu())
        loop.history[:], loop.updates[:] = state["history"], state["updates"]
        loop.best, loop.waited = state["best"], state["waited"]
        self._state = None
        return int(state["epochs"])

    def save(
        self,
        phase: Phase,
        epochs: int,
        loop: Loop,
        optimizer: torch.optim.Optimizer,
        scheduler: torch.optim.lr_scheduler.LRScheduler,
        splits: tuple[KernelSplit, KernelSplit] | None = None,
    ) -> None:
        """Write the state after so many epochs of a phase, if the last writing is long ago.

        ``splits``: the first one and the current one, in joint optimisation.
        """
        checkpoint = self.checkpoint
        if checkpoint is None or not checkpoint.due:
            return
        state: dict[str, Any] = {
            "phase": phase,
            "epochs": epochs,
            "network": loop.network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "scheduler": scheduler.state_dict(),
            "generator": loop.generator.get_state(),
            "history": loop.history,
            "updates": loop.updates,
            "best": loop.best,
            "waited": loop.waited,
        }
        # the split is large and changes at updates only; it stands before a state names it
        name = f"split-{len(loop.updates):03d}"
        if splits is not None:
            first, split = splits
            state |= {"first": {"distances": first.distances, "spread": first.spread}}
            state |= {"split": name}
            if name not in checkpoint:
                checkpoint.keep(name, _pack(split))
        checkpoint.keep("training", state)
        checkpoint.write()
        if splits is not None:
            checkpoint.drop(f"split-{len(loop.updates) - 1:03d}")

    def _load_splits(self, state: dict[str, Any]) -> None:
        assert self.checkpoint is not None
        packed = self.checkpoint.load(state["split"], self.device)
        if packed is None:  # damaged: the training begins again
            self._state = None
            return
        self.split = _unpack(packed)
        self.first = replace(self.split, **state["first"])


def _pack(split: KernelSplit) -> dict[str, Any]:
    clusters = split.clusters
    small = clusters.centres.shape[1] <= 256
    assignments = clusters.assignments.to(torch.uint8) if small else clusters.assignments
    return {
        "centres": clusters.centres,
        "assignments": assignments,
        "inertia": clusters.inertia,
        **{name: getattr(split, name) for name in _TENSORS},
    }


def _unpack(packed: dict[str, Any]) -> KernelSplit:
    clusters = MapClusters(packed["centres"], packed["assignments"].long(), packed["inertia"])
    return KernelSplit(clusters, **{name: packed[name] for name in _TENSORS})
