"""What a fit leaves behind that scoring needs, and nothing of how it was learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dccad.network import ConvAutoencoder
from dccad.preparation import Preparation
from dccad.regions import Partition
from dccad.runs import Log, Run
from dccad.scaling import Scaling
from dccad.scoring import ScoreScale, WindowResults, score_window_set
from dccad.windows import WindowSet, window_starts, windows_to_rows

SCALED_TOGETHER = 1 << 16
"""Rows that are scaled in one piece: in double precision, without a second copy of the log."""


@dataclass(frozen=True)
class FittedModel:
    """Runs in, one score and one region per row out.

    Attributes
    ----------
    window : int, in rows
    preparation : Preparation
        Conditioning of a log before it is scored.
    scaling : Scaling
    network : ConvAutoencoder
        In evaluation mode.
    partition : Partition
        Centres, regions and the normal region.
    score_scale : ScoreScale
    """

    window: int
    preparation: Preparation
    scaling: Scaling
    network: ConvAutoencoder
    partition: Partition
    score_scale: ScoreScale

    def windows(self, segments: Sequence[Run], stride: int = 1) -> WindowSet:
        """Scaled windows of checked runs."""
        return scaled_windows(segments, self.scaling, self.window, stride)

    def score_windows(self, windows: WindowSet, keep_latents: bool = False) -> WindowResults:
        """Clusters, regions and both statistics of each window."""
        return score_window_set(windows, self.network, self.partition, keep_latents)

    def scores(self, results: WindowResults) -> NDArray[np.float64]:
        """One score per window, higher is more anomalous."""
        return self.score_scale.combine(results.distance, results.error)

    def score_rows(self, segments: Sequence[Run]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Score and region of every row.

        Parameters
        ----------
        segments : sequence of Run
            Checked, with the sensors of the fit.

        Returns
        -------
        (scores, regions) : ndarray of shape (n_rows,)
            NaN and -1 for the first ``window - 1`` rows of each run.
        """
        windows = self.windows(segments)
        results = self.score_windows(windows)
        return (
            self.to_rows(self.scores(results), windows, segments, np.nan),
            self.to_rows(results.regions, windows, segments, -1),
        )

    def score_log(self, log: Log) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Score and region of every row of a prepared log, in the caller's rows.

        Parameters
        ----------
        log : Log
            As ``preparation.apply`` gives it.

        Returns
        -------
        (scores, regions) : ndarray of shape (n_rows,)
            NaN and -1 for rows without a full window, and for those that preparation leaves out.
        """
        scores, regions = self.score_rows(log.segments)
        return log.expand(scores, np.nan), log.expand(regions, -1)

    def latent_rows(self, segments: Sequence[Run]) -> NDArray[np.float32]:
        """Latents of every row's window, shape (n_rows, n_maps * map_length)."""
        windows = self.windows(segments)
        latents = self.score_windows(windows, keep_latents=True).latents
        assert latents is not None
        flat = latents.reshape(len(windows), -1)
        rows: NDArray[np.float32] = self.to_rows(flat, windows, segments, np.float32("nan"))
        return rows

    def to_rows(
        self, values: NDArray[Any], windows: WindowSet, segments: Sequence[Run], fill: Any
    ) -> NDArray[Any]:
        """Give every row the result of the window that ends with it."""
        lengths = [len(segment) for segment in segments]
        return windows_to_rows(values, windows.starts.cpu().numpy(), self.window, lengths, fill)


def scaled_windows(
    segments: Sequence[Run], scaling: Scaling, window: int, stride: int = 1
) -> WindowSet:
    """Windows of checked runs after scaling; rows are stored once."""
    lengths = [len(segment) for segment in segments]
    rows = np.empty((sum(lengths), len(scaling.shift)), dtype=np.float32)
    start = 0
    for segment in segments:
        for first in range(0, len(segment), SCALED_TOGETHER):
            part = scaling.apply(segment.values[first : first + SCALED_TOGETHER])
            rows[start : start + len(part)] = part
            start += len(part)
    starts = window_starts(lengths, window, stride)
    return WindowSet(torch.from_numpy(rows), torch.from_numpy(starts), window)
