"""Pre-train, find centres, split the kernels, optimise jointly, update: the method's algorithm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, TypeAlias

import torch
from torch import Tensor

from dccad.logs.windows import WindowSet
from dccad.method.clustering.kernel_split import KernelSplit, changes, make_split, warn_of_collapse
from dccad.method.clustering.maps import (
    MapClusters,
    cluster_maps,
    cluster_means,
    has_exact_cut,
)
from dccad.method.clustering.ranking import Ranking, map_qualities
from dccad.method.network.base import Autoencoder
from dccad.method.network.depthwise import DirectionalSettings
from dccad.method.network.losses import Targets, own_centres
from dccad.method.network.make import make_network
from dccad.method.network.moments import Moments
from dccad.method.network.published import NetworkSettings
from dccad.method.training.step import Routing, joint_step
from dccad.support.threads import one_thread

EpochRecord: TypeAlias = dict[str, Any]
OnEpoch: TypeAlias = Callable[[EpochRecord], None]

MOMENTS_BYTES = 256 << 20
"""Moments of all windows are found once per fit where they need no more memory than this."""

AT_ONCE = 1024
"""Windows that are brought through the network together where nothing is trained."""


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of the optimisation; see :class:`dccad.DCCA` for their meaning."""

    n_clusters: int
    n_clustering_kernels: float
    ranking: Ranking
    alpha: float
    routing: Routing
    pretrain_epochs: int
    joint_epochs: int
    update_interval: int
    batch_size: int
    learning_rate: float
    n_init: int
    seed: int


@dataclass
class TrainingResult:
    """What training leaves behind.

    Attributes
    ----------
    network : Autoencoder
        In evaluation mode.
    split : KernelSplit
        Of the final latents.
    latents : Tensor of shape (n_windows, n_maps, map_length)
        Of the training windows, by window index.
    history : list of dict
        One record per epoch: ``phase``, ``epoch``, ``reconstruction_loss``, ``clustering_loss``,
        ``total_loss``, ``centre_distance`` (mean over the clustering maps), ``updated``,
        ``switched`` (share of assignments) and ``map_changes`` (maps that changed group) where
        the epoch began with an update, ``learning_rate``, ``seconds``.
    updates : list of dict
        One record per update: ``epoch``, ``distances``, ``ranks``, ``clustering``, ``switched``,
        ``map_changes``, ``inertia``.
    """

    network: Autoencoder
    split: KernelSplit
    latents: Tensor
    history: list[EpochRecord] = field(default_factory=list)
    updates: list[dict[str, Any]] = field(default_factory=list)


def fit_jointly(
    windows: WindowSet,
    network_settings: NetworkSettings | DirectionalSettings,
    settings: TrainingSettings,
    device: torch.device,
    on_epoch: OnEpoch | None = None,
) -> TrainingResult:
    """Train the network and the centres together on unlabelled windows.

    Algorithm 1 of Chadha et al. (2021): pre-train, find the centres, rank and split the maps,
    optimise jointly, and update centres and split at an interval.

    Parameters
    ----------
    windows : WindowSet
        All training windows, scaled.
    network_settings : NetworkSettings or DirectionalSettings
        Which network, and its shape.
    settings : TrainingSettings
    device : torch.device
    on_epoch : callable, optional
        Called with each epoch's record, for progress.

    Warns
    -----
    LatentCollapseWarning
        The clustering maps lost their spread or their centres fell together.
    """
    windows = windows.to(device)
    generator = torch.Generator().manual_seed(settings.seed)
    with torch.random.fork_rng(devices=[]):  # the caller's random state stays as it is
        torch.manual_seed(settings.seed)
        network = make_network(network_settings).to(device)
    loop = _Loop(network, windows, settings, generator, on_epoch)
    with one_thread():
        loop.pretrain()
        first = split = loop.find_split()
        optimizer = loop.make_optimizer()
        for epoch in range(settings.joint_epochs):
            updated = epoch % settings.update_interval == 0
            if updated and epoch:
                split = loop.find_split(split)
            loop.joint_epoch(split, optimizer, updated)
        if settings.joint_epochs:
            split = loop.find_split(split)  # the stored centres belong to the final network
    warn_of_collapse(first, split, settings.alpha)
    return TrainingResult(network.eval(), split, loop.latents, loop.history, loop.updates)


class _Loop:
    """State that the epochs of one training share."""

    def __init__(
        self,
        network: Autoencoder,
        windows: WindowSet,
        settings: TrainingSettings,
        generator: torch.Generator,
        on_epoch: OnEpoch | None,
    ) -> None:
        self.network, self.windows, self.settings = network, windows, settings
        self.generator, self.on_epoch = generator, on_epoch
        self.history: list[EpochRecord] = []
        self.updates: list[dict[str, Any]] = []
        self.latents = torch.empty(0)
        self.targets: Targets | None = None  # until the next update
        self.moments = self.find_moments()

    def find_moments(self) -> Moments | None:
        """Moments of all windows; None where the network has none, or they are too many."""
        numbers = self.network.moments_per_window * len(self.windows)
        if not 0 < numbers * self.windows.rows.element_size() <= MOMENTS_BYTES:
            return None
        parts = self.every_window().split(self.settings.batch_size)
        return Moments.join([self.network.moments(self.windows[indices]) for indices in parts])

    def every_window(self) -> Tensor:
        """Indices of all windows in order, on the device."""
        return torch.arange(len(self.windows), device=self.windows.starts.device)

    def make_optimizer(self) -> torch.optim.Optimizer:
        """Adam for one phase, without a memory of the phase before."""
        parameters = self.network.parameters()
        return torch.optim.Adam(parameters, lr=self.settings.learning_rate, fused=True)

    def pretrain(self) -> None:
        """Minimise the reconstruction loss alone."""
        epochs = self.settings.pretrain_epochs
        optimizer = self.make_optimizer()
        for _ in range(epochs):
            started = perf_counter()
            self.network.train()
            losses, sizes = [], []
            for indices in self.batches():
                loss, _ = self.network.differentiate(self.windows[indices])
                optimizer.step()
                losses.append(loss)
                sizes.append(len(indices))
            mean = _mean_over_windows(losses, sizes)
            self.record("pretrain", mean, None, mean, None, False, started)

    def joint_epoch(
        self, split: KernelSplit, optimizer: torch.optim.Optimizer, updated: bool
    ) -> None:
        """One epoch of joint optimisation against the centres of the last update."""
        settings = self.settings
        if self.targets is None:
            self.targets = self.targets_of(split)
        started = perf_counter()
        self.network.train()
        losses, sizes = [], []
        for indices in self.batches():
            found = joint_step(
                self.network,
                optimizer,
                self.windows[indices],
                self.targets.take(indices),
                split.kernels,
                settings.alpha,
                settings.routing,
                settings.ranking != "distance",
            )
            losses.append(found)
            sizes.append(len(indices))
        reconstruction, cluster = (
            _mean_over_windows(part, sizes) for part in zip(*losses, strict=True)
        )
        total = (1 - settings.alpha) * reconstruction + settings.alpha * cluster
        self.record("joint", reconstruction, cluster, total, split, updated, started)

    def batches(self) -> tuple[Tensor, ...]:
        """Window indices of every batch of one epoch, shuffled."""
        order = torch.randperm(len(self.windows), generator=self.generator)
        device = self.windows.starts.device
        if device.type == "cuda":  # the copy does not wait for the steps before it
            order = order.pin_memory().to(device, non_blocking=True)
        batches: tuple[Tensor, ...] = order.split(self.settings.batch_size)
        # batch normalisation cannot take its figures from a single value
        if len(batches) > 1 and len(batches[-1]) == 1:
            batches = (*batches[:-2], torch.cat(batches[-2:]))
        return batches

    def find_split(self, previous: KernelSplit | None = None) -> KernelSplit:
        """Centres and assignments of the current latents, ranks, and the kernel split."""
        settings = self.settings
        self.latents, self.targets = self.encode_all(), None
        initial = None
        if previous is not None and not has_exact_cut(self.latents, settings.n_clusters):
            initial = self.means_of(previous.clusters)
        clusters = cluster_maps(
            self.latents,
            settings.n_clusters,
            n_init=settings.n_init,
            generator=self.generator,
            initial=initial,
        )
        qualities = map_qualities(
            settings.ranking,
            self.latents,
            clusters,
            self.windows,
        )
        split = make_split(
            self.latents,
            clusters,
            qualities,
            self.network.kernel_of_map.to(qualities.device),
            settings.n_clustering_kernels,
        )
        self.updates.append(
            {
                "epoch": len(self.history),
                "distances": split.distances.tolist(),
                "qualities": qualities.tolist(),
                "ranks": split.ranks.tolist(),
                "clustering": split.clustering.tolist(),
                "inertia": clusters.inertia.tolist(),
                **changes(previous, split),
            }
        )
        return split

    def targets_of(self, split: KernelSplit) -> Targets:
        """What L_C asks of every window."""
        maps = split.clustering.nonzero().flatten()
        centres = own_centres(split.clusters.centres, split.clusters.assignments, maps)
        if self.moments is None:
            return Targets(maps, centres)
        return Targets(maps, centres, self.network.forms(self.moments, maps))

    def means_of(self, clusters: MapClusters) -> Tensor:
        """Means of the current latents by the last assignments: a start that keeps numbers."""
        n_clusters = clusters.centres.shape[1]
        means, counts = cluster_means(self.latents, clusters.assignments, n_clusters)
        return torch.where((counts == 0)[..., None], clusters.centres, means)

    def encode_all(self) -> Tensor:
        """Latents of every window, by window index, as prediction will see them."""
        self.network.eval()
        moments = self.moments
        with torch.no_grad():
            if moments is None:
                every = self.every_window().split(AT_ONCE)
                parts = [self.network.pool_windows(self.windows[part]) for part in every]
            else:
                starts = range(0, len(self.windows), AT_ONCE)
                pieces = (moments.take(slice(start, start + AT_ONCE)) for start in starts)
                parts = [self.network.pool_moments(piece) for piece in pieces]
        return torch.cat(parts)

    def record(
        self,
        phase: str,
        reconstruction: float,
        cluster: float | None,
        total: float,
        split: KernelSplit | None,
        updated: bool,
        started: float,
    ) -> None:
        """Add one epoch to the history."""
        update = self.updates[-1] if updated else {}
        distance = None if split is None else float(split.distances[split.clustering].mean())
        self.history.append(
            {
                "phase": phase,
                "epoch": len(self.history),
                "reconstruction_loss": reconstruction,
                "clustering_loss": cluster,
                "total_loss": total,
                "centre_distance": distance,
                "updated": updated,
                "switched": update.get("switched"),
                "map_changes": update.get("map_changes"),
                "learning_rate": self.settings.learning_rate,
                "seconds": perf_counter() - started,
            }
        )
        if self.on_epoch is not None:
            self.on_epoch(self.history[-1])


def _mean_over_windows(losses: Sequence[Tensor], sizes: Sequence[int]) -> float:
    """Mean loss of an epoch from those of its batches.

    They come from the device here and together: one by one, each step would wait for the last.
    """
    values = torch.stack(list(losses)).cpu().double()
    weights = torch.tensor(sizes, dtype=torch.float64)
    return float(values @ weights / weights.sum())
