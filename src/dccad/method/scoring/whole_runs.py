"""All windows of a run at once: what neighbouring windows share is computed once.

Two neighbouring windows share all but one row. Kernels have no padding, so a map over the run holds
the map of every window (the à-trous form of a convolution, without a stride); what is pooled over a
window is a sliding mean or variance of it (:mod:`dccad.method.scoring.sliding`). The decoder is
linear behind its bottleneck, so the mean residual of a window needs only the mean of the
bottleneck.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from dccad.logs.windows import WindowSet
from dccad.method.network.depthwise import DirectionalAutoencoder
from dccad.method.network.pooling import (
    SMALLEST_ENERGY,
    SMALLEST_VARIANCE,
    STATISTICS,
    recent_positions,
)
from dccad.method.scoring.sliding import sliding_mean, sliding_variance
from dccad.method.scoring.statistics import Feature, Reading
from dccad.support.threads import map_in_threads

AT_ONCE = 4096
"""Windows of a run that are read at a time; bounds the memory, and changes no result."""

FEWEST_NEIGHBOURS = 4
"""Reading a stretch at once pays if it has at least this many windows."""


@dataclass(frozen=True)
class RunReading:
    """What the network makes of all n windows of a run of n + window − 1 rows.

    Attributes
    ----------
    latents : Tensor of shape (n, n_maps, 1)
        Pooled maps; those that were not asked for hold nothing of use.
    rows : Tensor of shape (n + map_length − 1, n_features)
        Level maps position by position; window i has positions i to i + map_length − 1.
    mean, log_variance, residual : Tensor of shape (n, n_features)
        As in :func:`dccad.method.scoring.statistics.window_features`.
    map_length : int
    """

    latents: Tensor
    rows: Tensor
    mean: Tensor
    log_variance: Tensor
    residual: Tensor
    map_length: int

    def error(self) -> Tensor:
        """Not known: whole windows are never reconstructed here."""
        raise NotImplementedError("a run read at once has no reconstruction of its windows")

    def newest(self) -> dict[Feature, Tensor]:
        """Features of each window, with its last row."""
        return {
            Feature.ROW: self.rows[self.map_length - 1 :],
            Feature.MEAN: self.mean,
            Feature.LOG_VARIANCE: self.log_variance,
            Feature.RESIDUAL: self.residual,
        }

    def features(self, distance: Callable[[Tensor], Tensor]) -> dict[Feature, Tensor]:
        """Features of each window, with the mean distance of all and of its recent rows."""
        distances = distance(self.rows)
        recent = recent_positions(self.map_length)
        return {
            Feature.ENERGY: sliding_mean(distances, self.map_length),
            Feature.RECENT_ENERGY: sliding_mean(distances, recent)[self.map_length - recent :],
            Feature.MEAN: self.mean,
            Feature.LOG_VARIANCE: self.log_variance,
            Feature.RESIDUAL: self.residual,
        }


def read_run(
    network: DirectionalAutoencoder, rows: Tensor, window: int, wanted: Tensor | None = None
) -> RunReading:
    """Read every window of a run.

    Parameters
    ----------
    network : DirectionalAutoencoder
        In evaluation mode: batch normalisation would depend on the other windows.
    rows : Tensor of shape (n_rows, n_directions)
        The rows of one run, in the fit's representation; at least a window.
    window : int, in rows
    wanted : Tensor of shape (n_maps,), bool, optional
        The pooled maps that are needed; None: all.

    Returns
    -------
    RunReading

    Examples
    --------
    >>> from dccad.method.network.depthwise import DirectionalSettings
    >>> network = DirectionalAutoencoder(DirectionalSettings(4, 2, 30, 2, 3, 2)).eval()
    >>> rows = torch.randn(100, 4)
    >>> with torch.no_grad():
    ...     found = read_run(network, rows, 30).latents
    ...     window = network.pool_windows(rows[70:].T[None])
    >>> tuple(found.shape), bool(torch.allclose(found[-1], window, atol=1e-5))
    ((71, 30, 1), True)
    """
    kernels, per = network.kernels, network.settings.kernels_per_direction
    size = kernels.shape[1]
    series = rows.T.contiguous()
    n_positions = series.shape[1] - size + 1
    length = window - size + 1
    single = len(STATISTICS) * len(kernels)
    if wanted is None:
        wanted = torch.ones(network.settings.n_maps, dtype=torch.bool, device=rows.device)
    needed = wanted[:single].view(len(STATISTICS), -1).any(dim=0)
    needed[::per] = True  # the levels serve the statistics
    which = needed.nonzero()[:, 0]
    place = torch.cumsum(needed, dim=0) - 1
    only_levels = len(which) == len(series)
    seen = series if only_levels else series[torch.div(which, per, rounding_mode="floor")]
    maps = seen[:, :n_positions] * kernels[which, 0, None]
    for tap in range(1, size):
        maps.addcmul_(seen[:, tap : tap + n_positions], kernels[which, tap, None])

    levels = maps if only_levels else maps[place[::per]]
    groups = [levels[group] for group in network.settings.groups]
    log_variances = _log_variance(groups[0], length)
    means = sliding_mean(groups[-1], length)
    latents = _pool(network, maps, place, groups, length, wanted)
    first = network.settings.groups[0]
    shown = sliding_mean(series[first], window) - _mean_reconstruction(network, series, window)
    return RunReading(latents.T[..., None], groups[-1].T, means.T, log_variances.T, shown.T, length)


def _pool(
    network: DirectionalAutoencoder,
    maps: Tensor,
    place: Tensor,
    groups: list[Tensor],
    length: int,
    wanted: Tensor,
) -> Tensor:
    """The wanted pooled maps of all windows, shape (n_maps, n)."""
    n_kernels = len(network.kernels)
    n_windows = maps.shape[1] - length + 1
    recent = recent_positions(length)
    pooled = maps.new_empty(len(wanted), n_windows)
    for statistic in range(len(STATISTICS)):
        mine = wanted[statistic * n_kernels : (statistic + 1) * n_kernels].nonzero()[:, 0]
        if not len(mine):
            continue
        chosen = maps[place[mine]]
        if statistic == 0:
            found = sliding_mean(chosen, length)
        elif statistic == 1:
            found = sliding_mean(chosen, recent)[:, length - recent :]
        else:
            found = _log_variance(chosen, length)
        pooled[statistic * n_kernels + mine] = found
    start = len(STATISTICS) * n_kernels
    for group in groups:
        if wanted[start : start + 3].any():
            squares = group.square().mean(dim=0)
            pooled[start] = sliding_mean(squares, length)
            pooled[start + 1] = sliding_mean(squares, recent)[length - recent :]
            pooled[start + 2] = sliding_mean(group, length).square().mean(dim=0)
            pooled[start : start + 3] = (pooled[start : start + 3] + SMALLEST_ENERGY).log()
        start += 3
    return pooled


def _log_variance(maps: Tensor, length: int) -> Tensor:
    return (sliding_variance(maps, length) + SMALLEST_VARIANCE).log()


def _mean_reconstruction(network: DirectionalAutoencoder, series: Tensor, window: int) -> Tensor:
    """Mean over each window of the reconstruction of the first group, shape (n_features, n)."""
    first = network.settings.groups[0]
    bottleneck = network.bottleneck(series)
    length = window - network.kernels.shape[1] + 1
    # every position of the bottleneck reaches as many rows as a kernel has, all in the window
    weights = network.decoder.weight[:, first].sum(dim=2).T * (length / window)
    bias = network.decoder.bias
    assert bias is not None
    return weights @ sliding_mean(bottleneck, length) + bias[first, None]


def stretches(windows: WindowSet) -> list[tuple[int, int]] | None:
    """Where windows follow one another row by row: (first, last + 1) of each stretch.

    Returns
    -------
    list of (int, int), or None
        None where stretches are too short to read them at once, as with a longer stride.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.zeros((17, 1), dtype=np.float32)
    >>> stretches(WindowSet.of_table(rows, [9, 8], length=3))
    [(0, 7), (7, 13)]
    >>> stretches(WindowSet.of_table(rows, [9, 8], length=3, stride=2)) is None
    True
    """
    cuts = ((windows.timeline.diff() != 1).nonzero()[:, 0] + 1).tolist()
    edges = [0, *cuts, len(windows)]
    if len(edges) - 1 > max(1, len(windows) / FEWEST_NEIGHBOURS):
        return None
    return list(itertools.pairwise(edges))


def pieces(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Cut stretches into pieces of at most :data:`AT_ONCE` windows, in their order.

    Examples
    --------
    >>> pieces([(0, 5000), (5000, 5003)])
    [(0, 4096), (4096, 5000), (5000, 5003)]
    """
    return [
        (start, min(start + AT_ONCE, last))
        for first, last in found
        for start in range(first, last, AT_ONCE)
    ]


@dataclass(frozen=True)
class RunReader:
    """Reads stretches of neighbouring windows at once, several in parallel threads on a CPU.

    Attributes
    ----------
    network : DirectionalAutoencoder
        In evaluation mode.
    windows : WindowSet
    found : list of (int, int)
        As :func:`stretches` gives them.
    """

    network: DirectionalAutoencoder
    windows: WindowSet
    found: list[tuple[int, int]]

    def each(
        self, judge: Callable[[Reading], dict[str, Tensor]], wanted: Tensor | None = None
    ) -> Iterable[dict[str, Tensor]]:
        """Judge reading after reading, in the order of the windows.

        Parameters
        ----------
        judge : callable (Reading) -> dict of Tensor with one entry per window
            Called in the thread that read, so that it runs in parallel, too.
        wanted : Tensor of shape (n_maps,), bool, optional
            Pooled maps that are needed; None: all.
        """
        device = self.network.kernels.device
        wanted = None if wanted is None else wanted.to(device)

        def read(piece: tuple[int, int]) -> dict[str, Tensor]:
            start, stop = piece
            row = int(self.windows.starts[start])
            rows = self.windows.rows[row : row + stop - start + self.windows.length - 1]
            with torch.inference_mode():  # a setting of each thread
                return judge(read_run(self.network, rows.to(device), self.windows.length, wanted))

        # a GPU takes one piece after another
        return map_in_threads(read, pieces(self.found), None if device.type == "cpu" else 1)
