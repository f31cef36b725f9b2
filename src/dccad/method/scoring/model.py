"""What a fit leaves behind that scoring needs, and nothing of how it was learned."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dccad.logs.preparation.pipeline import Preparation
from dccad.logs.runs import Log, Run
from dccad.logs.windows import WindowSet, windows_to_rows
from dccad.method.network.base import Autoencoder
from dccad.method.regions.partition import Partition
from dccad.method.representation.whitening import Representation
from dccad.method.scoring.batches import WindowResults, score_window_set
from dccad.method.scoring.scale import ScoreScale
from dccad.method.scoring.statistics import Statistics


@dataclass(frozen=True)
class FittedModel:
    """Runs in, one score and one region per row out.

    Attributes
    ----------
    window : int, in rows
    preparation : Preparation
        Conditioning of a log before it is scored.
    representation : Representation
    network : Autoencoder
        In evaluation mode.
    partition : CentrePartition or ConsensusPartition
        Centres, regions and the normal region.
    statistics : CentreStatistics or WindowStatistics
        Distances from normal windows.
    score_scale : ScoreScale
    """

    window: int
    preparation: Preparation
    representation: Representation
    network: Autoencoder
    partition: Partition
    statistics: Statistics
    score_scale: ScoreScale

    def to(self, device: torch.device) -> FittedModel:
        """The same model with its numbers on another device."""
        return replace(
            self,
            network=copy.deepcopy(self.network).to(device).eval(),
            partition=self.partition.to(device),
            statistics=self.statistics.to(device),
        )

    def windows(self, segments: Sequence[Run], stride: int = 1) -> WindowSet:
        """Windows of checked runs, in the representation of the fit."""
        return self.representation.windows(segments, self.window, stride)

    def score_windows(
        self, windows: WindowSet, keep_latents: bool = False, keep_assignments: bool = False
    ) -> WindowResults:
        """Regions and statistics of each window; latents and clusters of maps on request."""
        return score_window_set(
            windows, self.network, self.partition, self.statistics, keep_latents, keep_assignments
        )

    def scores(self, results: WindowResults) -> NDArray[np.float64]:
        """One score per window, higher is more anomalous."""
        return self.score_scale.combine(results.statistics)

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
