"""Simulated scores whose autocorrelation is known."""

import numpy as np
from scipy.signal import lfilter


def autoregressive(rng, n_runs, n_rows, phi):
    """Stationary AR(1), variance 1."""
    noise = rng.normal(size=(n_runs, n_rows + 200)) * np.sqrt(1 - phi**2)
    return lfilter([1], [1, -phi], noise, axis=1)[:, 200:]
