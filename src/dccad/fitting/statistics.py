"""Learning from rows what scoring needs: representation, network, maps and statistics.

The same steps make the final model and, on part of the reference, each model of the cross-fitting.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dccad.logs.runs import Run
from dccad.logs.windows import WindowSet, windows_to_rows
from dccad.method.network.base import Autoencoder
from dccad.method.representation.whitening import (
    Representation,
)
from dccad.method.scoring.batches import make_reader, measure_windows, read_all
from dccad.method.scoring.distances import fit_mahalanobis, fit_signatures
from dccad.method.scoring.scale import SMALLEST
from dccad.method.scoring.statistics import (
    BANDWIDTH,
    PERSISTENCE_WEIGHTS,
    Feature,
    WindowStatistics,
)

SHORT_REFERENCE = 17
"""Window lengths of reference up to which slow directions are discounted by the full weight."""


def persistence_share(windows: WindowSet) -> float:
    """How much of the weight of slow directions a reference still needs.

    A short reference shows only part of the range of a slow direction, a longer one more of it:
    1 up to ``SHORT_REFERENCE`` window lengths, then falling with the square of the length.

    Examples
    --------
    >>> rows = np.zeros((1049, 1), dtype=np.float32)
    >>> persistence_share(WindowSet.of_table(rows, [1049], 30))
    0.25
    """
    lengths = len(windows) * windows.stride / windows.length
    return float(min(1.0, SHORT_REFERENCE / lengths) ** 2)


def fit_statistics(
    network: Autoencoder,
    windows: WindowSet,
    regimes: Sequence[WindowSet] = (),
    share: float | None = None,
) -> WindowStatistics:
    """Fit the distances on normal windows, and the signatures of other regimes.

    Parameters
    ----------
    network : DirectionalAutoencoder
    windows : WindowSet
        The normal ones.
    regimes : sequence of WindowSet
        Windows of each regime of the unlabelled log.
    share : float, optional
        Share of the weight of slow directions; default: :func:`persistence_share` of these
        windows. A model of part of a reference takes that of the whole.
    """
    share = persistence_share(windows) if share is None else share
    features = _extract_features(network, windows)
    cuts = np.flatnonzero(np.diff(windows.timeline.cpu().numpy()) != windows.stride) + 1
    by_run = {name: np.split(values, cuts) for name, values in features.items()}
    bandwidth = max(1, round(BANDWIDTH * windows.length / windows.stride))
    parts = {
        name: fit_mahalanobis(runs, share * PERSISTENCE_WEIGHTS[name], bandwidth)
        for name, runs in by_run.items()
    }
    if not regimes:
        return WindowStatistics(parts)
    means = [_extract_features(network, regime)[Feature.MEAN] for regime in regimes]
    return WindowStatistics(parts, fit_signatures(by_run[Feature.MEAN], means, bandwidth))


def _extract_features(
    network: Autoencoder, windows: WindowSet
) -> dict[Feature, NDArray[np.float64]]:
    """Features of all windows; each row once, as the newest of its window."""
    found = read_all(
        make_reader(network, windows),
        lambda reading: {name: values.double() for name, values in reading.newest().items()},
    )
    return {Feature(name): values for name, values in found.items()}


def measure_rows(
    runs: Sequence[Run],
    representation: Representation,
    network: Autoencoder,
    statistics: WindowStatistics,
    window: int,
) -> list[NDArray[np.float64]]:
    """Statistics of each row of runs, shape (n_rows, n_statistics); NaN until a window is full."""
    windows = representation.windows(runs, window)
    if not len(windows):
        return [np.full((len(run), len(statistics.names)), np.nan) for run in runs]
    measured = measure_windows(windows, network, statistics)
    lengths = [len(run) for run in runs]
    starts = windows.starts.numpy()
    rows = windows_to_rows(measured, starts, window, lengths, np.nan)
    return np.split(rows, np.cumsum(lengths)[:-1])


def usual_levels(
    windows: WindowSet, network: Autoencoder, statistics: WindowStatistics
) -> NDArray[np.float64]:
    """Geometric mean of each statistic over normal windows; 1 for the signature, a ratio."""
    measured = np.log(measure_windows(windows, network, statistics) + SMALLEST)
    levels: NDArray[np.float64] = np.exp(measured.mean(axis=0))
    return np.where(np.array(statistics.names) == "signature", 1.0, levels)
