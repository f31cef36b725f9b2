"""Pre-train, find centres, split the kernels, optimise jointly, update: the method's algorithm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dccad.logs.windows import WindowSet
from dccad.method.clustering.kernel_split import KernelSplit, make_split, warn_of_collapse
from dccad.method.clustering.maps import MapClusters, cluster_maps, cluster_means, has_exact_cut
from dccad.method.clustering.ranking import Ranking, map_qualities
from dccad.method.network.base import Autoencoder
from dccad.method.network.make import AnySettings, make_network
from dccad.method.training.history import EpochRecord, History, OnEpoch
from dccad.method.training.step import Objective, Routing, joint_step
from dccad.method.training.windows import TrainingWindows
from dccad.support.threads import one_thread


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of the training; see :class:`dccad.DCCA` for their meaning."""

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

    @property
    def objective(self) -> Objective:
        """The joint loss, which is relative unless maps are ranked as published."""
        return Objective(self.alpha, self.routing, relative=self.ranking != "distance")


@dataclass
class TrainingResult:
    """What training leaves behind.

    Attributes
    ----------
    network : Autoencoder
        In evaluation mode.
    split : KernelSplit
        The split that belongs to the final latents.
    latents : Tensor of shape (n_windows, n_maps, map_length)
        Pooled maps of the training windows, by window index.
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
    history: list[EpochRecord]
    updates: list[dict[str, Any]]


def fit_jointly(
    windows: WindowSet,
    network_settings: AnySettings,
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
    generator = torch.Generator().manual_seed(settings.seed)
    with torch.random.fork_rng(devices=[]):  # the caller's random state stays as it is
        torch.manual_seed(settings.seed)
        network = make_network(network_settings).to(device)
    data = TrainingWindows(network, windows.to(device), settings.batch_size, generator)
    history = History(settings.learning_rate, settings.alpha, on_epoch)
    with one_thread():
        # pre-train on the reconstruction alone
        optimizer = _make_optimizer(network, settings)
        for _ in range(settings.pretrain_epochs):
            with history.epoch("pretrain") as losses:
                for indices in data.batches():
                    found = network.differentiate(data.windows[indices])
                    optimizer.step()
                    losses.add(len(indices), *found)

        # find the centres, rank the maps and split the kernels
        latents, split = find_split(data, settings, history)
        first, objective = split, settings.objective
        # optimise jointly, and update the centres and the split at an interval
        optimizer = _make_optimizer(network, settings)
        for done in range(0, settings.joint_epochs, settings.update_interval):
            targets = data.targets(split)
            for _ in range(min(settings.update_interval, settings.joint_epochs - done)):
                with history.epoch("joint", split) as losses:
                    for indices in data.batches():
                        batch, own = data.windows[indices], targets.take(indices)
                        found = joint_step(network, optimizer, batch, own, split.kernels, objective)
                        losses.add(len(indices), *found)
            del targets  # which take as much memory as the latents
            # also after the last epoch: the stored centres are those of the final network
            latents, split = find_split(data, settings, history, split)
    warn_of_collapse(first, split, settings.alpha)
    return TrainingResult(network.eval(), split, latents, history.epochs, history.updates)


def find_split(
    data: TrainingWindows,
    settings: TrainingSettings,
    history: History,
    previous: KernelSplit | None = None,
) -> tuple[Tensor, KernelSplit]:
    """Find the centres of the current latents, rank the maps and split the kernels.

    Parameters
    ----------
    data : TrainingWindows
    settings : TrainingSettings
    history : History
        The update is added to it.
    previous : KernelSplit, optional
        The last one: k-means starts from its assignments, so that clusters keep their numbers.

    Returns
    -------
    latents : Tensor of shape (n_windows, n_maps, map_length)
    split : KernelSplit
    """
    latents, initial = data.encode(), None
    if previous is not None and not has_exact_cut(latents, settings.n_clusters):
        initial = _means_of(previous.clusters, latents)
    clusters = cluster_maps(
        latents,
        settings.n_clusters,
        n_init=settings.n_init,
        generator=data.generator,
        initial=initial,
    )
    qualities = map_qualities(settings.ranking, latents, clusters, data.windows)
    kernel_of_map = data.network.kernel_of_map.to(qualities.device)
    split = make_split(latents, clusters, qualities, kernel_of_map, settings.n_clustering_kernels)
    history.add_update(split, previous)
    return latents, split


def _make_optimizer(network: Autoencoder, settings: TrainingSettings) -> torch.optim.Optimizer:
    """Adam for one phase, without a memory of the phase before."""
    return torch.optim.Adam(network.parameters(), lr=settings.learning_rate, fused=True)


def _means_of(clusters: MapClusters, latents: Tensor) -> Tensor:
    """Means of the latents by the last assignments; an empty cluster keeps its last centre."""
    means, counts = cluster_means(latents, clusters.assignments, clusters.centres.shape[1])
    return torch.where((counts == 0)[..., None], clusters.centres, means)
