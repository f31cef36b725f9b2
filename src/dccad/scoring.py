"""Windows to regions and scores with the stored centres.

:func:`score_windows` is the one function behind batch scoring and everything that must agree with
it. It fits nothing: what it needs was fixed by the fit and stands in a
:class:`~dccad.regions.Partition`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dccad.clustering import assign_maps
from dccad.network import ConvAutoencoder
from dccad.regions import Partition, assign_regions, squared_distances
from dccad.windows import WindowSet

CHUNK = 1024
"""Windows scored at a time; bounds the memory, and changes no score beyond float32 rounding."""


@dataclass(frozen=True)
class ScoreScale:
    """Mean and standard deviation of the two statistics over the normal windows of the fit.

    The statistics are the root-mean-square distance to the normal centres and the root-mean-square
    reconstruction error; the score is the mean of their two standardised values.
    """

    distance_mean: float
    distance_std: float
    error_mean: float
    error_std: float

    def combine(
        self, distance: NDArray[np.float64], error: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """One score per window: 0 is typical of the normal region, 1 is one standard deviation.

        Examples
        --------
        >>> scale = ScoreScale(1.0, 0.5, 2.0, 1.0)
        >>> scale.combine(np.array([1.0, 2.0]), np.array([2.0, 3.0])).tolist()
        [0.0, 1.5]
        """
        standard_distance = (distance - self.distance_mean) / self.distance_std
        standard_error = (error - self.error_mean) / self.error_std
        return 0.5 * (standard_distance + standard_error)


@dataclass(frozen=True)
class WindowResults:
    """What is known of each window after scoring; all arrays have one entry (row) per window.

    Attributes
    ----------
    latents : ndarray of shape (n_windows, n_maps, map_length) or None
        Kept only on request.
    assignments : ndarray of shape (n_windows, n_maps), int64
    regions : ndarray of shape (n_windows,), int64
        Consensus region; 0 is normal.
    distance : ndarray of shape (n_windows,)
        Root-mean-square distance to the normal region's centres over the clustering maps.
    error : ndarray of shape (n_windows,)
        Root-mean-square reconstruction error, in scaled sensor units.
    """

    latents: NDArray[np.float32] | None
    assignments: NDArray[np.int64]
    regions: NDArray[np.int64]
    distance: NDArray[np.float64]
    error: NDArray[np.float64]


def score_windows(
    windows: Tensor, network: ConvAutoencoder, partition: Partition
) -> dict[str, Tensor]:
    """Read region, distance and reconstruction error of a batch of windows; the arithmetic.

    Parameters
    ----------
    windows : Tensor of shape (n_windows, n_sensors, window)
        Scaled with the fit's scaling, on the network's device.
    network : ConvAutoencoder
        In evaluation mode.
    partition : Partition

    Returns
    -------
    dict of Tensor
        The fields of :class:`WindowResults`.
    """
    latents, reconstruction = network(windows)
    clustering = latents[:, partition.clustering_maps]
    from_normal = squared_distances(clustering, partition.region_centres[0])
    return {
        "latents": latents,
        "assignments": assign_maps(latents, partition.centres),
        "regions": assign_regions(clustering, partition.region_centres),
        "distance": from_normal.sqrt().double(),
        "error": (reconstruction - windows).square().mean(dim=(1, 2)).sqrt().double(),
    }


def score_window_set(
    windows: WindowSet, network: ConvAutoencoder, partition: Partition, keep_latents: bool = False
) -> WindowResults:
    """Score all windows of a log in chunks of bounded memory.

    Parameters
    ----------
    windows : WindowSet
        At least one window.
    network : ConvAutoencoder
    partition : Partition
    keep_latents : bool
        Return the latents too: n_windows × n_maps × map_length floats.
    """
    network.eval()
    device = next(network.parameters()).device
    partition = partition.to(device)
    kept: dict[str, list[NDArray[Any]]] = {}
    with torch.inference_mode():
        for indices in torch.arange(len(windows)).split(CHUNK):
            for name, values in score_windows(
                windows[indices].to(device), network, partition
            ).items():
                if name != "latents" or keep_latents:
                    kept.setdefault(name, []).append(values.cpu().numpy())
    joined = {name: np.concatenate(parts) for name, parts in kept.items()}
    return WindowResults(
        joined.get("latents"),
        joined["assignments"],
        joined["regions"],
        joined["distance"],
        joined["error"],
    )


def fit_score_scale(results: WindowResults, normal: NDArray[np.bool_]) -> ScoreScale:
    """Fit the scale of both statistics on the normal windows of the fit.

    Parameters
    ----------
    results : WindowResults
    normal : ndarray of shape (n_windows,), bool
        The reference-normal windows, or those in the normal region.
    """
    distance, error = results.distance[normal], results.error[normal]
    # a statistic that does not vary (one window, constant data) must not be divided by zero
    return ScoreScale(
        float(distance.mean()),
        float(distance.std()) or 1.0,
        float(error.mean()),
        float(error.std()) or 1.0,
    )
