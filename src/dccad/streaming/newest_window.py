"""The newest window of a run, read again at every row: one column of convolutions, not a window.

Ring buffers keep what a new row does not change: the rows, the maps, the bottleneck and the row
distances of the positions before it. The new row adds one position to each; what is pooled over the
window is the mean or variance of a buffer. :mod:`dccad.method.scoring.whole_runs` is the same for a
whole run.
"""

from __future__ import annotations

from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dccad.method.network.base import Autoencoder
from dccad.method.network.depthwise import LEAK, DirectionalAutoencoder
from dccad.method.network.pooling import (
    SMALLEST_ENERGY,
    SMALLEST_VARIANCE,
    STATISTICS,
    recent_positions,
)
from dccad.method.regions.partition import Partition
from dccad.method.scoring.batches import judge, read_batch
from dccad.method.scoring.distances import Mahalanobis
from dccad.method.scoring.statistics import Feature, Statistics, WindowStatistics
from dccad.method.scoring.whole_runs import read_run

Rows = NDArray[np.float32]


class Reader(Protocol):
    """Takes the rows of a run one by one and judges the window that ends with the newest."""

    def push(self, row: Rows) -> bool:
        """Take a row of shape (n_directions,); whether the window is full."""

    def judge(self) -> NDArray[np.float64]:
        """Statistics of the full window, shape (n_statistics,)."""

    def region(self) -> int:
        """Consensus region of the full window."""

    def take(self, rows: Rows) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Take rows of shape (n, n_directions); statistics and region of each window they end.

        The first rows end no window while the window is not full: the results are those of the
        last rows.
        """

    @property
    def rows(self) -> Rows:
        """The rows that the next window may need, oldest first: at most ``window - 1``."""


def make_reader(
    network: Autoencoder, partition: Partition, statistics: Statistics, window: int
) -> Reader:
    """Reader that goes with a network."""
    if network.reads_runs and statistics.reads_runs:
        return DirectionalReader(
            cast(DirectionalAutoencoder, network),
            partition,
            cast(WindowStatistics, statistics),
            window,
        )
    return WindowReader(network, partition, statistics, window)


class Ring:
    """The last ``size`` rows that were appended, always as one contiguous array.

    Examples
    --------
    >>> ring = Ring(2, 1)
    >>> for value in (1.0, 2.0, 3.0):
    ...     ring.append(np.array([value]))
    >>> ring.last(2).ravel().tolist()
    [2.0, 3.0]
    """

    def __init__(self, size: int, width: int, dtype: Any = np.float32) -> None:
        self.size = size
        self.table = np.zeros((max(4 * size, 64), width), dtype)
        self.end = 0

    def append(self, row: NDArray[Any]) -> None:
        """Append one row; old ones move to the front only when the table is full."""
        if self.end == len(self.table):
            self.table[: self.size] = self.table[-self.size :]
            self.end = self.size
        self.table[self.end] = row
        self.end += 1

    def fill(self, rows: NDArray[Any]) -> None:
        """Begin again with these rows."""
        kept = rows[-self.size :]
        self.table[: len(kept)] = kept
        self.end = len(kept)

    def __len__(self) -> int:
        return min(self.end, self.size)

    def last(self, n: int) -> NDArray[Any]:
        """A view of the newest n rows, oldest first."""
        return self.table[self.end - n : self.end]


class DirectionalReader:
    """Reader for the depthwise network.

    Parameters
    ----------
    network : DirectionalAutoencoder
    partition : Partition
    statistics : WindowStatistics
    window : int, in rows
    """

    def __init__(
        self,
        network: DirectionalAutoencoder,
        partition: Partition,
        statistics: WindowStatistics,
        window: int,
    ) -> None:
        self.network = network.eval()
        self.partition, self.statistics, self.window = partition, statistics, window
        settings = network.settings
        per, self.size = settings.kernels_per_direction, network.kernels.shape[1]
        self.length = window - self.size + 1
        self.recent = recent_positions(self.length)
        self.wanted = partition.maps_read()
        single = len(STATISTICS) * settings.n_kernels
        needed = self.wanted[:single].view(len(STATISTICS), -1).any(dim=0)
        needed[::per] = True
        which = needed.nonzero()[:, 0].numpy()
        place = needed.cumsum(dim=0).numpy() - 1
        self.directions = which // per
        self.kernels = _numpy(network.kernels)[which].T.copy()  # (size, n)
        levels = place[::per]
        self.groups = [levels[group] for group in settings.groups]
        self.first = settings.groups[0]
        self.voters = [
            (statistic, numbers, place[numbers])
            for statistic in range(len(STATISTICS))
            for numbers in [
                self.wanted[statistic * settings.n_kernels : (statistic + 1) * settings.n_kernels]
                .nonzero()[:, 0]
                .numpy()
            ]
            if len(numbers)
        ]
        self.collective = bool(self.wanted[single:].any())
        self._prepare_decoder()
        self.metric = statistics.parts[Feature.ROW]
        n_directions, n_maps = settings.n_directions, len(which)
        self._rows = Ring(window, n_directions)
        self._maps = Ring(self.length, n_maps)
        self._bottleneck = Ring(self.length, settings.bottleneck)
        self._distances = Ring(self.length, 1, np.float64)
        # a mean over a buffer as a product: numpy's own takes longer to begin than to add
        self._over_window = np.full(window, 1 / window, dtype=np.float32)
        self._over_positions = np.full(self.length, 1 / self.length, dtype=np.float32)

    def _prepare_decoder(self) -> None:
        """Kernels, mixing and normalisation of the bottleneck as one product; decoder's sums."""
        network = self.network
        with torch.no_grad():
            kernels = network.kernels_of_directions
            mixing = network.mixing.weight.view(-1, *kernels.shape[:2])
            combined = torch.einsum("bdk,dks->bsd", mixing, kernels)
            norm = network.normalisation
            assert norm.running_var is not None
            assert norm.running_mean is not None
            assert network.mixing.bias is not None
            assert network.decoder.bias is not None
            gain = norm.weight / (norm.running_var + norm.eps).sqrt()
            self.mixing = _numpy((combined * gain[:, None, None]).flatten(1))
            self.shift = _numpy((network.mixing.bias - norm.running_mean) * gain + norm.bias)
            weights = network.decoder.weight[:, self.first].sum(dim=2).T
            self.decoder = _numpy(weights * (self.length / self.window))
            self.decoder_bias = _numpy(network.decoder.bias[self.first])

    def push(self, row: Rows) -> bool:
        """Take a row of shape (n_directions,); whether the window is full."""
        self._rows.append(row)
        if len(self._rows) < self.size:
            return False
        seen = self._rows.last(self.size)
        maps = np.add.reduce(seen[:, self.directions] * self.kernels)
        mixed = self.mixing @ seen.ravel() + self.shift
        self._maps.append(maps)
        self._bottleneck.append(np.maximum(mixed, np.float32(LEAK) * mixed))
        self._distances.append(_squared(self.metric, maps[self.groups[-1]][None]))
        return len(self._rows) == self.window

    def _fill_positions(self, seen: Rows) -> None:
        """Begin the buffers with what kernels see at n positions, (size, n, n_directions)."""
        maps = (seen[:, :, self.directions] * self.kernels[:, None]).sum(axis=0)
        mixed = seen.transpose(1, 0, 2).reshape(seen.shape[1], -1) @ self.mixing.T + self.shift
        mixed = np.where(mixed > 0, mixed, np.float32(LEAK) * mixed)
        distances = _squared(self.metric, maps[:, self.groups[-1]])
        for ring, values in (
            (self._maps, maps),
            (self._bottleneck, mixed),
            (self._distances, distances[:, None]),
        ):
            ring.fill(values)

    def judge(self) -> NDArray[np.float64]:
        """Statistics of the full window, shape (n_statistics,)."""
        maps = self._maps.last(self.length)
        means = self._over_positions @ maps
        deviations = maps - means
        variances = self._over_positions @ (deviations * deviations)
        distances = self._distances.last(self.length)[:, 0]
        shown = self._over_window @ self._rows.last(self.window)
        bottleneck = self._over_positions @ self._bottleneck.last(self.length)
        residual = shown[self.first] - self.decoder @ bottleneck - self.decoder_bias
        features = {
            Feature.ENERGY: np.array([np.add.reduce(distances) / self.length]),
            Feature.RECENT_ENERGY: np.array(
                [np.add.reduce(distances[-self.recent :]) / self.recent]
            ),
            Feature.MEAN: means[self.groups[-1]][None],
            Feature.LOG_VARIANCE: _logarithm(variances[self.groups[0]])[None],
            Feature.RESIDUAL: residual[None],
        }
        with torch.inference_mode():
            found = self.statistics.judge(
                {name: torch.from_numpy(values) for name, values in features.items()}
            )
        return np.asarray(found.numpy()[0])

    def region(self) -> int:
        """Consensus region of the full window."""
        settings = self.network.settings
        maps = self._maps.last(self.length)
        latents = np.zeros(settings.n_maps, dtype=np.float32)
        for statistic, numbers, places in self.voters:
            chosen = maps[:, places]
            if statistic == 2:
                values = _log_variance(chosen)
            else:
                values = chosen[-self.recent if statistic else 0 :].mean(axis=0)
            latents[statistic * settings.n_kernels + numbers] = values
        if self.collective:
            start = len(STATISTICS) * settings.n_kernels
            for places in self.groups:
                level = maps[:, places]
                squares = np.square(level).mean(axis=1)
                parts = (
                    squares.mean(),
                    squares[-self.recent :].mean(),
                    np.square(level.mean(axis=0)).mean(),
                )
                latents[start : start + 3] = np.log(np.array(parts) + SMALLEST_ENERGY)
                start += 3
        with torch.inference_mode():
            return int(self.partition.assign(torch.from_numpy(latents)[None, :, None])[0])

    def take(self, rows: Rows) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Take rows of shape (n, n_directions); statistics and region of each window they end."""
        kept = self.rows
        series = np.concatenate((kept, rows))
        if len(series) >= self.window:
            with torch.inference_mode():
                reading = read_run(self.network, torch.from_numpy(series), self.window, self.wanted)
                found = self.statistics.measure(reading).numpy()
                regions = self.partition.assign(reading.latents).numpy()
        else:
            found = np.empty((0, len(self.statistics.names)))
            regions = np.empty(0, dtype=np.int64)
        self._begin(series[-self.window :])
        return found, regions

    def _begin(self, rows: Rows) -> None:
        """Fill the buffers with the newest rows."""
        self._rows.fill(rows)
        for ring in (self._maps, self._bottleneck, self._distances):
            ring.end = 0
        n_positions = len(rows) - self.size + 1
        if n_positions > 0:
            self._fill_positions(
                np.stack([rows[tap : tap + n_positions] for tap in range(self.size)])
            )

    @property
    def rows(self) -> Rows:
        """The rows that the next window may need, oldest first: at most ``window - 1``."""
        kept: Rows = self._rows.last(min(len(self._rows), self.window - 1)).copy()
        return kept


class WindowReader:
    """Reader for any other network: it keeps the rows and reads the whole window again.

    The published network's convolutions pad, so that its maps depend on where a window begins.
    """

    def __init__(
        self, network: Autoencoder, partition: Partition, statistics: Statistics, window: int
    ) -> None:
        self.network, self.window = network.eval(), window
        self.partition, self.statistics = partition, statistics
        self._rows: Ring | None = None

    def push(self, row: Rows) -> bool:
        """Take a row of shape (n_directions,); whether the window is full."""
        if self._rows is None:
            self._rows = Ring(self.window, len(row))
        self._rows.append(row)
        return len(self._rows) == self.window

    def _score(self, windows: Tensor) -> dict[str, Tensor]:
        with torch.inference_mode():
            return judge(read_batch(self.network, windows), self.partition, self.statistics)

    def _window(self) -> Tensor:
        assert self._rows is not None
        return torch.from_numpy(self._rows.last(self.window).T[None].copy())

    def judge(self) -> NDArray[np.float64]:
        """Statistics of the full window, shape (n_statistics,)."""
        return np.asarray(self._score(self._window())["statistics"].numpy()[0])

    def region(self) -> int:
        """Consensus region of the full window."""
        return int(self._score(self._window())["regions"][0])

    def take(self, rows: Rows) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Take rows of shape (n, n_directions); statistics and region of each window they end."""
        found, regions = [], []
        for row in rows:
            if self.push(row):
                scored = self._score(self._window())
                found.append(scored["statistics"].numpy()[0])
                regions.append(int(scored["regions"][0]))
        shape = (len(found), len(self.statistics.names))
        return np.reshape(found, shape), np.array(regions, dtype=np.int64)

    @property
    def rows(self) -> Rows:
        """The rows that the next window may need, oldest first: at most ``window - 1``."""
        if self._rows is None:
            return np.empty((0, 0), dtype=np.float32)
        kept: Rows = self._rows.last(min(len(self._rows), self.window - 1)).copy()
        return kept


def _numpy(tensor: Tensor) -> NDArray[np.float32]:
    return np.ascontiguousarray(tensor.detach().cpu().numpy())


def _squared(metric: Mahalanobis, rows: Rows) -> NDArray[np.float64]:
    """Squared distances of rows over the number of features, without torch's overhead."""
    z = (rows.astype(np.float64) - metric.mean.numpy()) @ metric.whitening.numpy()
    squared: NDArray[np.float64] = np.square(z).sum(axis=1) / rows.shape[1]
    return squared


def _log_variance(maps: Rows) -> Rows:
    return _logarithm(np.square(maps - maps.mean(axis=0)).mean(axis=0))


def _logarithm(variance: Rows) -> Rows:
    logarithm: Rows = np.log(variance + np.float32(SMALLEST_VARIANCE))
    return logarithm
