"""How long scores remember: autocorrelation, and random paths that have it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def estimate_autocorrelation(runs: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Autocorrelation of scores within runs, until it has died out.

    Examples
    --------
    >>> estimate_autocorrelation([np.array([1.0, 1.0, -1.0, -1.0])]).round(2).tolist()
    [1.0, 0.25]
    """
    mean = np.concatenate(runs).mean()
    longest = max(len(run) for run in runs)
    n_fft = 2 ** int(np.ceil(np.log2(2 * longest)))
    power = sum(np.abs(np.fft.rfft(run - mean, n_fft)) ** 2 for run in runs)
    covariance = np.fft.irfft(power, n_fft)[:longest]
    if covariance[0] <= 0:
        return np.ones(1)
    correlation = covariance / covariance[0]
    even = len(correlation) // 2 * 2
    pairs = correlation[:even].reshape(-1, 2).sum(axis=1)
    ended = np.flatnonzero(pairs <= 0)
    kept: NDArray[np.float64] = correlation[: 2 * int(ended[0]) if len(ended) else even]
    return kept if len(kept) else np.ones(1)


def correlation_time(autocorrelation: NDArray[np.float64]) -> float:
    """Rows that are worth one independent row: 1 + 2 Σ r(lag), at least 1.

    Examples
    --------
    >>> correlation_time(np.array([1.0, 0.5, 0.25]))
    2.5
    """
    return max(float(2 * np.sum(autocorrelation) - 1), 1.0)


def draw_gaussian(
    autocorrelation: Sequence[float], n_draws: int, n_rows: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Stationary standard Gaussian paths with a given autocorrelation, by circulant embedding.

    Examples
    --------
    >>> paths = draw_gaussian((1.0, 0.5), 1000, 100, np.random.default_rng(0))
    >>> [round(float((paths[:, lag:] * paths[:, : 100 - lag]).mean()), 1) for lag in range(3)]
    [1.0, 0.5, 0.0]


    References
    ----------
    C. R. Dietrich, G. N. Newsam: Fast and exact simulation of stationary Gaussian processes
    through circulant embedding of the covariance matrix. SIAM J. Sci. Comput. 18, 1997.
    """
    lags = len(autocorrelation)
    n = 2 ** int(np.ceil(np.log2(n_rows + lags)))
    circle = np.zeros(n)
    circle[:lags] = autocorrelation
    circle[n - lags + 1 :] = circle[1:lags][::-1]
    power = np.maximum(np.fft.rfft(circle).real, 0)  # a cut sequence can fall below 0
    power *= n / (2 * power.sum() - power[0] - power[-1])  # and then has variance 1 again
    noise = np.fft.rfft(rng.normal(size=(n_draws, n)), axis=1)
    paths: NDArray[np.float64] = np.fft.irfft(noise * np.sqrt(power), n, axis=1)[:, :n_rows]
    return paths
