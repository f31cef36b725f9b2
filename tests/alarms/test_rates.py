"""The rate of an alarm rule on normal rows, against what known processes do."""

import numpy as np
import pytest
from scipy.signal import lfilter

from dccad.alarms.rates import choose_limit, predict_false_alarms
from dccad.alarms.rules import AlarmRule, find_alarms
from dccad.calibration.predictive import Calibration, fit_calibration
from dccad.errors import ParameterError


def known_calibration(phi=0.9, size=1e6):
    lags = tuple(phi ** np.arange(100))
    time = (1 + phi) / (1 - phi)
    return Calibration(0.0, 1.0, size, time, 10**6, (), lags)


@pytest.mark.parametrize("limit", [1.5, 2.5])
def test_predicted_rate_is_what_the_process_does(limit):
    """AR(1) with known parameters: predicted against counted on 400 000 rows."""
    rng = np.random.default_rng(0)
    scores = lfilter([1], [1, -0.9], rng.normal(size=(100, 4200)) * np.sqrt(0.19), axis=1)
    rule = AlarmRule(limit=limit, k=2, n=3, clear_limit=1.0, off_delay=2)
    counted = sum(len(find_alarms(run, rule)) for run in scores[:, 200:])
    predicted = predict_false_alarms(known_calibration(), rule)
    assert predicted.expected == pytest.approx(counted / 400, rel=0.12)
    assert predicted.unit == "per 1000 rows"


def test_prediction_beyond_what_paths_can_count_falls_with_the_tail():
    """Independent rows: alarms per row are the exceedance probability."""
    calibration = known_calibration(phi=0.0)
    rule = AlarmRule(limit=4.5)
    assert predict_false_alarms(calibration, rule).expected == pytest.approx(3.4e-3, rel=0.1)


def test_a_short_reference_widens_the_prediction():
    rule = AlarmRule(limit=2.5)
    sure, unsure = (predict_false_alarms(known_calibration(size=size), rule) for size in (1e6, 10))
    assert unsure.upper > 3 * sure.upper
    assert unsure.lower < sure.lower


@pytest.mark.parametrize("alarms", [2.0, 0.01])
@pytest.mark.parametrize("rule", [{}, {"k": 3, "n": 5, "off_delay": 5, "clear_rate": 0.2}])
def test_chosen_limit_keeps_the_alarm_rate(alarms, rule):
    calibration = known_calibration()
    chosen = choose_limit(calibration, alarms, **rule)
    assert predict_false_alarms(calibration, chosen).expected <= alarms
    lower = AlarmRule(
        chosen.limit - 0.05, chosen.k, chosen.n, chosen.clear_limit - 0.05, chosen.off_delay
    )
    assert predict_false_alarms(calibration, lower).expected > alarms


def test_rate_per_day_uses_the_time_between_rows():
    calibration = fit_calibration([np.random.default_rng(0).normal(size=5000)])
    rule = AlarmRule(calibration.threshold(0.01))
    rows, days = (predict_false_alarms(calibration, rule, s) for s in (None, 86.4))
    assert days.expected == pytest.approx(rows.expected)  # 1000 rows of 86.4 s are a day
    assert (rows.unit, days.unit) == ("per 1000 rows", "per day")


def test_wrong_rates_are_refused():
    with pytest.raises(ParameterError, match="alarms is 0"):
        choose_limit(known_calibration(), 0)
    with pytest.raises(ParameterError, match="row_seconds is -1"):
        predict_false_alarms(known_calibration(), AlarmRule(1.0), row_seconds=-1)
