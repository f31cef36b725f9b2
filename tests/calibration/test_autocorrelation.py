"""How long scores remember: by hand, and of processes that are known."""

import numpy as np
import pytest

from dccad.calibration.autocorrelation import correlation_time, estimate_autocorrelation
from score_paths import autoregressive


def test_autocorrelation_by_hand():
    """1, 1, -1, -1: lag 1 has 1 - 1 + 1 = 1 of 4, lags 2 and 3 sum to less than 0."""
    assert estimate_autocorrelation([np.array([1.0, 1, -1, -1])]).tolist() == pytest.approx(
        [1, 0.25]
    )
    assert correlation_time(np.array([1.0, 0.25])) == 1.5
    assert correlation_time(np.array([1.0, -0.8])) == 1.0


def test_autocorrelation_does_not_cross_runs():
    """Two runs around 0: products of the last rows of one with the first of the other are none."""
    a, b = np.array([2.0, -1, 2, 3]), np.array([-3.0, -2, 1, -2])
    expected = (sum(a[1:] * a[:-1]) + sum(b[1:] * b[:-1])) / (a @ a + b @ b)
    assert estimate_autocorrelation([a, b])[1] == pytest.approx(expected)


def test_autocorrelation_time_of_a_known_process():
    """AR(1): (1 + phi) / (1 - phi) = 19."""
    runs = list(autoregressive(np.random.default_rng(0), 10, 20_000, 0.9))
    assert correlation_time(estimate_autocorrelation(runs)) == pytest.approx(19, rel=0.1)
