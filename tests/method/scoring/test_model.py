"""Runs in, one score and one region per row out: what each row gets, by loops and by hand."""

import numpy as np
import pytest


def test_the_published_score_is_the_mean_of_two_standardised_statistics(published, two_regimes):
    results = published.score_windows(two_regimes)
    normal = results.regions == 0
    values = results.statistics
    expected = (values - values[normal].mean(axis=0)) / values[normal].std(axis=0)
    expected = expected.mean(axis=1)
    np.testing.assert_allclose(published.decision_function(two_regimes)[7:], expected, rtol=1e-6)
    assert expected[normal].mean() == pytest.approx(0.0, abs=1e-9)


def test_the_score_is_the_mean_of_the_standardised_logarithms(trained, two_regimes):
    """Held-out calibration without a reference: standardised on the stretches of region 0."""
    scale = trained.model_.score_scale
    values = np.log(trained.score_windows(two_regimes).statistics + scale.floor)
    expected = ((values - scale.mean) / scale.std).mean(axis=1)
    np.testing.assert_allclose(trained.decision_function(two_regimes)[7:], expected, rtol=1e-9)
    normal = trained.regions_[7:] == 0
    np.testing.assert_allclose(scale.mean, values[normal].mean(axis=0), atol=0.1)
    np.testing.assert_allclose(scale.std, values[normal].std(axis=0), rtol=0.15)
