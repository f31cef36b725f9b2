"""The alarm rule against its naive twin, and its rate on normal rows."""

import numpy as np
import pytest
from scipy.signal import lfilter

from dccad.alarms.rates import choose_limit, predict_false_alarms
from dccad.alarms.rules import Alarm, AlarmRule, find_alarms
from dccad.calibration.predictive import Calibration, fit_calibration
from dccad.errors import ParameterError
from naive import naive_alarm_rows

RULES = [
    {"limit": 1.0},
    {"limit": 1.0, "k": 2, "n": 3},
    {"limit": 0.5, "k": 4, "n": 4, "clear_limit": -0.5},
    {"limit": 1.0, "k": 1, "n": 5, "clear_limit": 0.0, "off_delay": 3},
    {"limit": 0.8, "k": 3, "n": 10, "clear_limit": 0.8, "off_delay": 7},
]


def smooth_scores(seed, n=400):
    rng = np.random.default_rng(seed)
    scores = lfilter([1], [1, -0.7], rng.normal(size=n))
    scores[rng.random(n) < 0.1] = np.nan
    return scores


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("seed", range(4))
def test_alarms_equal_the_naive_rule(rule, seed):
    scores = smooth_scores(seed)
    made = AlarmRule(**rule)
    words = {"k": 1, "n": 1, "clear_limit": rule["limit"], "off_delay": 1} | rule
    expected = naive_alarm_rows(scores.tolist(), **words)
    found = np.zeros(len(scores), dtype=bool)
    for alarm in find_alarms(scores, made):
        found[alarm.start : alarm.stop] = True
    assert found.tolist() == expected
    assert 0 < sum(expected) < len(expected)


def test_alarms_by_hand():
    scores = np.array([5, 5, 0, 5, 3, 3, 1, 3, 1, 1, 5])
    rule = AlarmRule(limit=4, k=2, n=3, clear_limit=2, off_delay=2)
    # raised at row 1 (two of two), rows 8 and 9 are the first two in a row at 2 or less
    assert find_alarms(scores, rule) == [Alarm(1, 9)]
    assert find_alarms(scores, AlarmRule(limit=4)) == [Alarm(0, 2), Alarm(3, 4), Alarm(10, 11)]


def test_no_row_depends_on_later_rows():
    scores = smooth_scores(0)
    rule = AlarmRule(limit=1.0, k=2, n=3, clear_limit=0.0, off_delay=2)
    whole = find_alarms(scores, rule)
    for cut in (50, 123, 200):
        expected = [Alarm(a.start, min(a.stop, cut)) for a in whole if a.start < cut]
        assert find_alarms(scores[:cut], rule) == expected


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


def test_wrong_rules_are_refused_with_all_reasons():
    with pytest.raises(ParameterError, match=r"k=3 of n=2 rows.*off_delay=0.*clear_limit=3"):
        AlarmRule(limit=2.0, k=3, n=2, clear_limit=3.0, off_delay=0)
    with pytest.raises(ParameterError, match="alarms is 0"):
        choose_limit(known_calibration(), 0)
    with pytest.raises(ParameterError, match="row_seconds is -1"):
        predict_false_alarms(known_calibration(), AlarmRule(1.0), row_seconds=-1)
