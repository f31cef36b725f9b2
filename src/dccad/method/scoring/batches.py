"""Windows to regions and statistics with what the fit stored.

Nothing is fitted here: what scoring needs was fixed by the fit and stands in a partition and in
statistics. Neighbouring windows of a run are read together
(:mod:`dccad.method.scoring.whole_runs`), others one by one (:func:`score_windows`); partition and
statistics judge both. Windows of the published network are always read one by one: its convolutions
pad, so that a window's maps depend on where it begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dccad.logs.windows import WindowSet
from dccad.method.clustering.maps import assign_maps
from dccad.method.network.base import Autoencoder
from dccad.method.network.depthwise import DirectionalAutoencoder
from dccad.method.regions.partition import Partition
from dccad.method.scoring.statistics import Statistics, WindowStatistics
from dccad.method.scoring.whole_runs import Reading, pieces, read_piece, stretches
from dccad.support.threads import map_in_threads

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
        Of the statistics.
    """

    latents: NDArray[np.float32] | None
    assignments: NDArray[np.int64] | None
    regions: NDArray[np.int64]
    statistics: NDArray[np.float64]
    names: tuple[str, ...]


def score_windows(
    windows: Tensor, network: Autoencoder, partition: Partition, statistics: Statistics
) -> dict[str, Tensor]:
    """Read maps, region and statistics of a batch of windows; the arithmetic.

    Parameters
    ----------
    windows : Tensor of shape (n_windows, n_directions, window)
        In the fit's representation, on the network's device.
    network : Autoencoder
        In evaluation mode.
    partition : CentrePartition or ConsensusPartition
    statistics : CentreStatistics or WindowStatistics

    Returns
    -------
    dict of Tensor
        ``latents``, ``regions``, ``statistics`` of :class:`WindowResults`.
    """
    maps, reconstruction = network(windows)
    latents = network.pool(maps)
    return {
        "latents": latents,
        "regions": partition.assign(latents),
        "statistics": statistics.measure(network, windows, maps, reconstruction),
    }


def in_chunks(
    windows: WindowSet, network: Autoencoder, measure: Callable[[Tensor], dict[str, Tensor]]
) -> dict[str, NDArray[Any]]:
    """Measure all windows, so many at a time that the memory is bounded.

    Parameters
    ----------
    windows : WindowSet
        At least one window.
    network : Autoencoder
        Where it is, the windows are brought; set to evaluation mode.
    measure : callable (batch of windows) -> dict of Tensor with one entry per window

    Returns
    -------
    dict of ndarray
        What ``measure`` gives, for all windows.
    """
    network.eval()
    device = next(network.parameters()).device
    with torch.inference_mode():
        chunks = torch.arange(len(windows)).split(CHUNK)
        return _join(measure(windows[indices].to(device)) for indices in chunks)


def _join(parts: Iterable[dict[str, Tensor]]) -> dict[str, NDArray[Any]]:
    """What was measured of part after part, brought to the CPU as each is done."""
    kept: dict[str, list[NDArray[Any]]] = {}
    for part in parts:
        for name, values in part.items():
            kept.setdefault(name, []).append(values.cpu().numpy())
    return {name: np.concatenate(values) for name, values in kept.items()}


def in_stretches(
    windows: WindowSet,
    network: DirectionalAutoencoder,
    found: list[tuple[int, int]],
    measure: Callable[[Reading], dict[str, Tensor]],
    wanted: Tensor | None = None,
) -> dict[str, NDArray[Any]]:
    """Measure all windows of stretches of neighbours, as :func:`in_chunks` does others.

    Parameters
    ----------
    windows : WindowSet
    network : DirectionalAutoencoder
        Set to evaluation mode.
    found : list of (int, int)
        As :func:`dccad.method.scoring.whole_runs.stretches` gives them.
    measure : callable (Reading) -> dict of Tensor with one entry per window
    wanted : Tensor of shape (n_maps,), bool, optional
        Pooled maps that are needed; None: all.
    """
    network.eval()
    device = next(network.parameters()).device
    wanted = None if wanted is None else wanted.to(device)

    def read(piece: tuple[int, int]) -> dict[str, Tensor]:
        with torch.inference_mode():  # a setting of each thread
            return measure(read_piece(network, windows, piece, wanted))

    # a GPU takes one piece after another
    return _join(map_in_threads(read, pieces(found), None if device.type == "cpu" else 1))


def measure_windows(
    windows: WindowSet, network: Autoencoder, statistics: WindowStatistics
) -> NDArray[np.float64]:
    """Statistics alone of all windows, shape (n_windows, n_statistics)."""
    assert isinstance(network, DirectionalAutoencoder)
    found = stretches(windows)
    if found is None:
        return in_chunks(
            windows,
            network,
            lambda batch: {"found": statistics.measure(network, batch, *network(batch))},
        )["found"]
    none = torch.zeros(network.settings.n_maps, dtype=torch.bool)
    return in_stretches(
        windows,
        network,
        found,
        lambda reading: {"found": statistics.judge(reading.features(statistics))},
        none,
    )["found"]


def score_window_set(
    windows: WindowSet,
    network: Autoencoder,
    partition: Partition,
    statistics: Statistics,
    keep_latents: bool = False,
    keep_assignments: bool = False,
) -> WindowResults:
    """Score all windows of a log, so many at a time that the memory is bounded.

    Parameters
    ----------
    windows : WindowSet
        At least one window.
    network : Autoencoder
    partition, statistics
        As in :func:`score_windows`.
    keep_latents, keep_assignments : bool
        Return what takes n_windows × n_maps numbers, too.
    """
    device = next(network.parameters()).device
    partition, statistics = partition.to(device), statistics.to(device)

    def complete(found: dict[str, Tensor]) -> dict[str, Tensor]:
        if keep_assignments:
            found["assignments"] = assign_maps(found["latents"], partition.centres)
        if not keep_latents:
            del found["latents"]
        return found

    neighbours = stretches(windows) if isinstance(network, DirectionalAutoencoder) else None
    if neighbours is None or not isinstance(statistics, WindowStatistics):
        joined = in_chunks(
            windows,
            network,
            lambda batch: complete(score_windows(batch, network, partition, statistics)),
        )
    else:
        assert isinstance(network, DirectionalAutoencoder)
        every = keep_latents or keep_assignments
        joined = in_stretches(
            windows,
            network,
            neighbours,
            lambda reading: complete(judge_reading(reading, partition, statistics)),
            None if every else partition.maps_read(network.settings.n_maps),
        )
    return WindowResults(
        joined.get("latents"),
        joined.get("assignments"),
        joined["regions"],
        joined["statistics"],
        statistics.names,
    )


def judge_reading(
    reading: Reading, partition: Partition, statistics: WindowStatistics
) -> dict[str, Tensor]:
    """Region and statistics of the windows of a reading, as :func:`score_windows` gives them."""
    return {
        "latents": reading.latents,
        "regions": partition.assign(reading.latents),
        "statistics": statistics.judge(reading.features(statistics)),
    }
