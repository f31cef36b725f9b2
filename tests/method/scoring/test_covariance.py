"""Long-run covariance: the definition lag by lag, known processes, and what it is for."""

import numpy as np
import pytest
from scipy.signal import lfilter

from dccad.errors import InputError
from dccad.method.scoring.covariance import long_run_covariance, persistence_aware_covariance
from naive import naive_long_run_covariance


@pytest.mark.parametrize("bandwidth", [1, 2, 7, 40])
def test_equals_the_sum_over_lags(bandwidth):
    rng = np.random.default_rng(0)
    runs = [rng.normal(size=(n, 3)).cumsum(axis=0) for n in (25, 13)]
    expected = naive_long_run_covariance([run.tolist() for run in runs], bandwidth)
    assert np.allclose(long_run_covariance(runs, bandwidth), expected, rtol=1e-10)


def test_of_a_known_process():
    """AR(1) of variance 1: (1 + phi) / (1 - phi) = 9; white noise: 1."""
    noise = np.random.default_rng(1).normal(size=(200_000, 2))
    slow = lfilter([1], [1, -0.8], noise[:, 0]) * 0.6
    found = long_run_covariance([np.column_stack([slow, noise[:, 1]])], 200)
    assert found == pytest.approx(np.diag([9.0, 1.0]), abs=0.6)
    assert found[0, 0] == pytest.approx(9, rel=0.08)


def test_slow_mode_that_the_reference_lacks_raises_the_distance_less():
    """New rows two reference standard deviations along the slow direction, then the fast one."""
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(500, 4))
    rows[:, 0] = lfilter([1], [1, -0.98], rows[:, 0])
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    aware, plain = (np.linalg.inv(persistence_aware_covariance([rows], 50, w)) for w in (10.0, 0.0))
    assert plain[0, 0] / plain[1, 1] == pytest.approx(1, abs=0.1)
    assert aware[0, 0] / aware[1, 1] < 0.1


def test_rows_are_needed():
    with pytest.raises(InputError, match="needs rows"):
        long_run_covariance([np.empty((0, 2))], 3)
