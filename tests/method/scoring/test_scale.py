"""Statistics of a window to one score: by hand, on average, and where nothing varies."""

import math

import numpy as np
import pytest

from dccad.method.scoring.scale import FLOOR, ScoreScale, fit_score_scale


def test_scores_by_hand():
    """Logarithms 0 and 2 over means 0 and 1, standard deviations 1 and 2."""
    scale = ScoreScale(("a", "b"), (0.0, 1.0), (1.0, 2.0), floor=(0.0, 0.5))
    found = scale.combine(np.array([[1.0, math.exp(2) - 0.5], [math.exp(3), math.exp(1) - 0.5]]))
    assert found.tolist() == pytest.approx([0.25, 1.5])
    plain = ScoreScale(("a", "b"), (0.0, 1.0), (1.0, 2.0), floor=None)
    assert plain.combine(np.array([[1.0, 7.0], [np.nan, 1.0]]))[0] == 2.0
    assert math.isnan(plain.combine(np.array([[1.0, np.nan]]))[0])  # no window yet: no score


@pytest.mark.parametrize("logarithmic", [True, False])
def test_normal_windows_score_zero_on_average_and_each_statistic_weighs_the_same(logarithmic):
    statistics = np.random.default_rng(0).gamma(2.0, [1.0, 50.0, 1e-4], size=(500, 3))
    scale = fit_score_scale(("a", "b", "c"), statistics, logarithmic)
    assert scale.combine(statistics).mean() == pytest.approx(0, abs=1e-12)
    for m in range(3):
        values = statistics[:, m]
        if logarithmic:
            values = np.log(values + FLOOR * np.median(values))
        floor = None if scale.floor is None else scale.floor[m : m + 1]
        alone = ScoreScale(("x",), (scale.mean[m],), (scale.std[m],), floor)
        assert alone.combine(statistics[:, [m]]).std() == pytest.approx(1)
        assert scale.mean[m] == pytest.approx(values.mean())
    twice = statistics * [1.0, 2.0, 3.0]
    again = fit_score_scale(("a", "b", "c"), twice, logarithmic)
    assert again.combine(twice) == pytest.approx(scale.combine(statistics), abs=1e-9)


@pytest.mark.parametrize("value", [0.1, 1 / 3, 7.0, 1e-5])
@pytest.mark.parametrize("n_windows", [1, 3, 10, 1000])
@pytest.mark.parametrize("logarithmic", [True, False])
def test_a_statistic_that_never_varied_is_not_blown_up_by_rounding(value, n_windows, logarithmic):
    """The standard deviation of ten times 0.1 is 1e-17, not 0."""
    scale = fit_score_scale(("a",), np.full((n_windows, 1), value), logarithmic)
    assert scale.std == (1.0,)
    assert scale.combine(np.array([[value]])) == pytest.approx(0, abs=1e-12)


def test_an_unusually_small_statistic_outweighs_nothing():
    """A distance of 0 is about one usual value low, not minus infinity."""
    statistics = np.random.default_rng(0).gamma(4.0, size=(1000, 2))
    scale = fit_score_scale(("a", "b"), statistics, logarithmic=True)
    usual = np.median(statistics, axis=0)
    low, high = scale.combine(np.array([[0.0, usual[1]], [50 * usual[0], usual[1]]]))
    assert math.isfinite(low)
    assert -5 < low < 0 < high


@pytest.mark.parametrize("logarithmic", [True, False])
def test_distances_that_were_always_zero_give_finite_scores(logarithmic):
    scale = fit_score_scale(("a",), np.zeros((5, 1)), logarithmic)
    found = scale.combine(np.array([[0.0], [1.0], [4.0]]))
    assert found[0] == 0.0
    assert math.isfinite(found[2])
    assert found[2] > found[1] > 0


def test_a_statistic_that_varies_little_keeps_its_spread():
    values = np.array([[1e-9], [3e-9], [1e-9], [3e-9]])
    scale = fit_score_scale(("a",), values, logarithmic=False)
    assert scale.std == pytest.approx((1e-9,))


def test_a_statistic_that_does_not_vary_is_not_divided_by_zero():
    values = np.stack((np.ones(5), np.arange(5.0)), axis=1)
    scale = fit_score_scale(("a", "b"), values, logarithmic=False)
    spread = pytest.approx(np.arange(5.0).std())
    assert scale == ScoreScale(("a", "b"), (1.0, 2.0), (1.0, spread), None)
    np.testing.assert_allclose(scale.combine(values), (np.arange(5.0) - 2) / np.sqrt(2) / 2)
