"""Calibrated scores: hand-worked values, laws, and rates kept on simulated scores."""

import json
import warnings

import numpy as np
import pytest
from scipy import stats

from dccad.calibration.predictive import Calibration, fit_calibration
from dccad.errors import CalibrationWarning, InputError, ParameterError
from score_paths import autoregressive

SHORT = Calibration(1.0, 0.5, 5.0, 40.0, 400)
BENT = Calibration(3.0, 2.0, 50.0, 10.0, 1000, ((0.0, 0.1), (1.0, 1.5), (2.0, 3.0)))


def test_threshold_by_hand():
    """Predictive of 5 independent scores: t with 4 degrees, widened by (1 + 1/5) · 5/4."""
    by_table = 3.746947  # 1 % point of t(4)
    assert SHORT.threshold(0.01) == pytest.approx(1 + 0.5 * by_table * np.sqrt(1.5), abs=1e-6)


def test_knots_by_hand():
    assert BENT.normal_quantile([3.2, 6.0, 7.5, 9.0]).tolist() == pytest.approx([0, 1, 1.5, 2])
    assert BENT.score_at(-1.0) == pytest.approx(3 + 2 * (0.1 - 1))  # slope 1 below
    assert BENT.score_at(3.0) == pytest.approx(3 + 2 * (3 + 1.45))  # mean slope 2.9/2 above


@pytest.mark.parametrize("calibration", [SHORT, BENT])
@pytest.mark.parametrize("rate", [0.5, 0.2, 0.05, 0.01, 1e-4, 1e-7])
def test_p_value_of_the_threshold_is_the_rate(calibration, rate):
    assert calibration.p_value(calibration.threshold(rate)) == pytest.approx(rate, rel=1e-9)


@pytest.mark.parametrize("calibration", [SHORT, BENT])
def test_p_values_fall_with_the_score_and_stay_positive(calibration):
    scores = np.concatenate([[-np.inf, -5, 0], np.geomspace(1e-3, 1e12, 400), [np.inf]])
    p = calibration.p_value(scores)
    assert (np.diff(p) <= 0).all()
    assert (p > 0).all()
    assert (p <= 1).all()
    assert p[0] == 1
    middle = calibration.p_value(calibration.score_at(np.linspace(-4, 8, 50)))
    assert (np.diff(middle) < 0).all()
    assert np.isnan(calibration.p_value([np.nan, 1.0])).tolist() == [True, False]


def test_plain_numbers_and_back():
    calibration = fit_calibration([np.random.default_rng(0).normal(size=2000)])
    assert len(calibration.knots) > 2
    assert Calibration.from_record(json.loads(json.dumps(calibration.to_record()))) == calibration


def test_records_of_earlier_versions_are_read_unless_they_mean_something_else():
    record = {**SHORT.to_record(), "scale": "identity", "aim": "expected"}
    assert Calibration.from_record(record) == SHORT
    for name, value in (("scale", "log"), ("aim", "typical")):
        with pytest.raises(TypeError, match=name):
            Calibration.from_record({**record, name: value})


def test_sample_size_of_independent_scores():
    calibration = fit_calibration([np.random.default_rng(0).normal(size=10_000)])
    assert calibration.correlation_time == pytest.approx(1, abs=0.2)
    assert calibration.sample_size == pytest.approx(10_000, rel=0.2)


@pytest.mark.filterwarnings("ignore::dccad.errors.CalibrationWarning")
def test_short_autocorrelated_references_keep_the_rate_on_average():
    """300 references of 500 rows worth 13 independent ones; model error adds to the level.

    A plain empirical quantile of the same scores gives 4 % where 1 % is asked.
    """
    rng = np.random.default_rng(1)
    reference, new = (autoregressive(rng, 300, n, 0.95) for n in (500, 2000))
    level = rng.normal(size=300) * np.sqrt(39 / 500)
    rates, plain, covered = {0.01: [], 0.05: []}, [], []
    for run, fresh, shift in zip(reference, new, level, strict=True):
        calibration = fit_calibration([run])
        scores = fresh + shift
        for rate, found in rates.items():
            found.append((scores > calibration.threshold(rate)).mean())
        plain.append((scores > np.quantile(run, 0.99)).mean())
        if len(plain) % 6 == 0:  # intervals take longer than thresholds
            lower, upper = calibration.rate_interval(0.05, 2000)
            covered.append(lower <= rates[0.05][-1] <= upper)
    assert np.mean(plain) > 0.03
    assert 0.005 < np.mean(rates[0.01]) < 0.015
    assert 0.03 < np.mean(rates[0.05]) < 0.065
    assert 0.85 < np.mean(covered) <= 1


def test_long_references_keep_the_rate_whatever_the_distribution():
    """A mixture of two operating states, far from normal."""
    rng = np.random.default_rng(2)

    def draw(n):
        return np.where(rng.random(n) < 0.8, rng.gamma(4.0, 1.0, n), 20 + rng.gamma(2.0, 1.0, n))

    calibration = fit_calibration([draw(40_000)])
    fresh = draw(200_000)
    for rate in (0.1, 0.05, 0.01):
        assert (fresh > calibration.threshold(rate)).mean() == pytest.approx(rate, rel=0.15)


def test_interval_narrows_with_more_new_rows_and_a_longer_reference():
    def width(size, n_rows):
        calibration = Calibration(0.0, 1.0, size, 19.0, 1, (), tuple(0.9 ** np.arange(80)))
        lower, upper = calibration.rate_interval(0.05, n_rows)
        assert lower <= 0.05 <= upper
        return upper - lower

    assert width(10.0, 500) > width(10.0, 50_000) > width(1000.0, 50_000)
    assert width(1000.0, 500) > width(1000.0, 50_000)


def test_interval_of_independent_rows_is_binomial():
    """Reference without limits: 1000 rows at 5 % have 37 to 63 exceedances at 94 %."""
    calibration = Calibration(0.0, 1.0, 1e9, 1.0, 10**9)
    lower, upper = calibration.rate_interval(0.05, 1000, level=0.94)
    exact = stats.binom.ppf([0.03, 0.97], 1000, 0.05) / 1000
    assert [lower, upper] == pytest.approx(exact.tolist(), abs=0.003)


def test_what_cannot_be_calibrated_is_refused():
    with pytest.raises(InputError, match="1 scores cannot be calibrated on"):
        fit_calibration([np.array([np.nan, 2.0])])
    with pytest.raises(ParameterError, match="false_alarm_rate is 1"):
        SHORT.threshold(1.0)
    with pytest.warns(CalibrationWarning, match="worth only"):
        assert fit_calibration([np.linspace(1, 2, 30)]).sample_size == 3


def test_constant_scores_do_not_divide_by_zero():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        calibration = fit_calibration([np.full(100, 2.0)])
    assert calibration.threshold(0.01) == pytest.approx(2, abs=1e-6)
    assert calibration.p_value([1.0, 3.0]) == pytest.approx([1, 0], abs=1e-6)


def test_drift_moves_the_location_up_only():
    rng = np.random.default_rng(4)
    scores = [rng.normal(size=500)]
    plain = fit_calibration(scores)
    drifting = fit_calibration(
        scores, ahead=[np.array([np.nan, 8.0, 2.0])], between=[np.full(9, 3.0)]
    )
    # the mean of 8 and 2 over 3, less one spread for chance
    assert drifting.drift == pytest.approx(2 - plain.spread)
    assert drifting.threshold(0.01) == pytest.approx(plain.threshold(0.01) + 2 - plain.spread)
    assert fit_calibration(scores, ahead=[np.ones(9)], between=[np.full(9, 2.0)]) == plain


def test_strong_drift_is_said():
    scores = [np.random.default_rng(5).normal(size=500)]
    with pytest.warns(CalibrationWarning, match=r"score 4\.\d standard deviations higher"):
        fit_calibration(scores, ahead=[np.full(9, 4.5)], between=[np.zeros(9)])
