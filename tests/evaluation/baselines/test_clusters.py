"""k-means and the Gaussian mixture on windows."""

import numpy as np
import pytest

from dccad import Run
from dccad.evaluation.baselines import (
    GaussianMixtureWindows,
    KMeansWindows,
)


def test_statistics_of_quiet_sensors_count_more_after_standardising():
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(400, 6))
    rows[200:, 0] *= 30.0
    raw, scaled = (
        KMeansWindows(10, features="mean-logvar", n_components=None, standardise=flag).fit(rows)
        for flag in (False, True)
    )
    vectors = scaled._reduce(scaled._windows(Run(rows, tuple("abcdef"))))
    np.testing.assert_allclose(vectors.mean(axis=0), 0.0, atol=1e-9)
    np.testing.assert_allclose(vectors.std(axis=0), 1.0)
    regions = raw.predict_region(rows)
    assert len(set(regions[20:190])) == len(set(regions[220:])) == 1


def test_the_mixture_scores_by_the_likelihood_and_divides_what_is_far_apart():
    rows = np.random.default_rng(0).normal(size=(300, 2))
    rows[200:] += 20
    method = GaussianMixtureWindows(5).fit(rows)
    regions = method.predict_region(rows)
    assert (regions[10:190] == 0).all()
    assert (regions[210:] == 1).all()
    reduced = method._reduce(method._windows(Run(rows, ("a", "b"))))
    total = 0.0
    for weight, mean, covariance in zip(
        method.clusters_.weights_,
        method.clusters_.means_,
        method.clusters_.covariances_,
        strict=True,
    ):
        offset = reduced[100] - mean
        exponent = -0.5 * offset @ np.linalg.inv(covariance) @ offset
        total += weight * np.exp(exponent) / np.sqrt(np.linalg.det(2 * np.pi * covariance))
    assert method.decision_function(rows)[104] == pytest.approx(-np.log(total), rel=1e-6)
