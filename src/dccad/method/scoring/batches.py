"""Windows to regions and statistics with what the fit stored.

Nothing is fitted here: what scoring needs was fixed by the fit and stands in a partition and in
statistics. Neighbouring windows of a run are read together
(:mod:`dccad.method.scoring.whole_runs`), others one by one (:class:`BatchReader`); partition and
statistics judge both. Windows of the published network are always read one by one: its convolutions
pad, so that a window's maps depend on where it begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dccad.logs.windows import WindowSet
from dccad.method.network.base import Autoencoder
from dccad.method.network.depthwise import DirectionalAutoencoder
from dccad.method.network.pooling import recent_positions
from dccad.method.regions.partition import Partition
from dccad.method.scoring.statistics import Feature, Reading, Statistics, window_features
from dccad.method.scoring.whole_runs import RunReader, stretches

CHUNK = 1024
"""Windows scored at a time; bounds the memory, and changes no score beyond float32 rounding."""


@dataclass(frozen=True)
class WindowResults:
    """What is known of each window after scoring; all arrays have one entry (row) per window.

    Attributes
    ----------
    latents : ndarray of shape (n_windows, n_maps, map_length) or None
        Pooled maps; kept only on request.
    assignments : ndarray of shape (n_windows, n_maps), int64, or None
        Cluster of each map; kept only on request.
    regions : ndarray of shape (n_windows,), int64
        Consensus region; 0 is normal.
    statistics : ndarray of shape (n_windows, n_statistics), float64
        In the order of ``names``.
    names : tuple of str
        Whether the statistics can be measured on whole runs; a fit that has none yet asks for them.
    """

    latents: NDArray[np.float32] | None
    assignments: NDArray[np.int64] | None
    regions: NDArray[np.int64]
    statistics: NDArray[np.float64]
    names: tuple[str, ...]


@dataclass(frozen=True)
class BatchReading:
    """What a network makes of a batch of windows, each read on its own.

    Attributes
    ----------
    network : Autoencoder
        In evaluation mode.
    windows : Tensor of shape (n_windows, n_directions, window)
        In the fit's representation, on the network's device.
    maps, reconstruction : Tensor
        As the network gives them.
    """

    network: Autoencoder
    windows: Tensor
    maps: Tensor
    reconstruction: Tensor

    @cached_property
    def latents(self) -> Tensor:
        """Pooled maps, shape (n_windows, n_maps, map_length)."""
        return self.network.pool(self.maps)

    def error(self) -> Tensor:
        """Root-mean-square error of the reconstruction of each window, shape (n_windows,)."""
        return (self.reconstruction - self.windows).square().mean(dim=(1, 2)).sqrt()

    def newest(self) -> dict[Feature, Tensor]:
        """Features of each window, with its last row."""
        features = self._features()
        features[Feature.ROW] = features[Feature.ROW][:, -1]
        return features

    def features(self, distance: Callable[[Tensor], Tensor]) -> dict[Feature, Tensor]:
        """Features of each window, with the mean distance of all and of its recent rows."""
        features = self._features()
        distances = distance(features.pop(Feature.ROW))
        recent = recent_positions(distances.shape[1])
        features[Feature.ENERGY] = distances.mean(dim=1)
        features[Feature.RECENT_ENERGY] = distances[:, -recent:].mean(dim=1)
        return features

    def _features(self) -> dict[Feature, Tensor]:
        network = cast(DirectionalAutoencoder, self.network)  # no other has these statistics
        return window_features(network, self.windows, self.maps, self.reconstruction)


@dataclass(frozen=True)
class BatchReader:
    """Reads windows one by one, a bounded number at a time."""

    network: Autoencoder
    windows: WindowSet

    def each(
        self, judge: Callable[[Reading], dict[str, Tensor]], wanted: Tensor | None = None
    ) -> Iterator[dict[str, Tensor]]:
        """Judge batch after batch; all pooled maps are there, whatever is wanted."""
        device = next(self.network.parameters()).device
        for indices in torch.arange(len(self.windows)).split(CHUNK):
            with torch.inference_mode():
                yield judge(read_batch(self.network, self.windows[indices].to(device)))


class Reader(Protocol):
    """Reads all windows of a set in bounded memory."""

    def each(
        self, judge: Callable[[Reading], dict[str, Tensor]], wanted: Tensor | None = None
    ) -> Iterable[dict[str, Tensor]]:
        """What ``judge`` gives for each reading, with the ``wanted`` pooled maps (None: all)."""


def make_reader(network: Autoencoder, windows: WindowSet, reads_runs: bool = True) -> Reader:
    """Read whole runs where the network and the statistics can, batches of windows otherwise.

    Parameters
    ----------
    network : Autoencoder
        Set to evaluation mode.
    windows : WindowSet
        At least one window.
    reads_runs : bool
        Whether the statistics can be measured on whole runs; a fit that has none yet asks for them.
    """
    network.eval()
    found = stretches(windows) if network.reads_runs and reads_runs else None
    if found is None:
        return BatchReader(network, windows)
    return RunReader(cast(DirectionalAutoencoder, network), windows, found)


def read_all(
    reader: Reader, judge: Callable[[Reading], dict[str, Tensor]], wanted: Tensor | None = None
) -> dict[str, NDArray[Any]]:
    """What ``judge`` gives for all windows; brought to the CPU as each reading is done."""
    kept: dict[str, list[NDArray[Any]]] = {}
    for part in reader.each(judge, wanted):
        for name, values in part.items():
            kept.setdefault(name, []).append(values.cpu().numpy())
    return {name: np.concatenate(values) for name, values in kept.items()}


def read_batch(network: Autoencoder, windows: Tensor) -> BatchReading:
    """Read windows of shape (n_windows, n_directions, window), on the network's device."""
    return BatchReading(network, windows, *network(windows))


def judge(reading: Reading, partition: Partition, statistics: Statistics) -> dict[str, Tensor]:
    """``latents``, ``regions`` and ``statistics`` of :class:`WindowResults`; the arithmetic."""
    return {
        "latents": reading.latents,
        "regions": partition.assign(reading.latents),
        "statistics": statistics.measure(reading),
    }


def measure_windows(
    windows: WindowSet, network: Autoencoder, statistics: Statistics
) -> NDArray[np.float64]:
    """Statistics alone of all windows, shape (n_windows, n_statistics)."""
    reader = make_reader(network, windows, statistics.reads_runs)
    none = torch.zeros(len(network.kernel_of_map), dtype=torch.bool)
    return read_all(reader, lambda reading: {"found": statistics.measure(reading)}, none)["found"]


def score_window_set(
    windows: WindowSet,
    network: Autoencoder,
    partition: Partition,
    statistics: Statistics,
    keep_latents: bool = False,
    keep_assignments: bool = False,
) -> WindowResults:
    """Score all windows of a log in bounded memory.

    Parameters
    ----------
    windows : WindowSet
        At least one window.
    network : Autoencoder
    partition : Partition
    statistics : Statistics
    keep_latents, keep_assignments : bool
        Return what takes n_windows × n_maps numbers, too.
    """
    device = next(network.parameters()).device
    partition, statistics = partition.to(device), statistics.to(device)

    def complete(reading: Reading) -> dict[str, Tensor]:
        found = judge(reading, partition, statistics)
        if keep_assignments:
            found["assignments"] = partition.clusters(reading.latents)
        if not keep_latents:
            del found["latents"]
        return found

    reader = make_reader(network, windows, statistics.reads_runs)
    every = keep_latents or keep_assignments
    joined = read_all(reader, complete, None if every else partition.maps_read())
    return WindowResults(
        joined.get("latents"),
        joined.get("assignments"),
        joined["regions"],
        joined["statistics"],
        statistics.names,
    )
