"""The alarm rule against its naive twin."""

import numpy as np
import pytest
from scipy.signal import lfilter

from dccad.alarms.rules import Alarm, AlarmRule, find_alarms
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


def test_wrong_rules_are_refused_with_all_reasons():
    with pytest.raises(ParameterError, match=r"k=3 of n=2 rows.*off_delay=0.*clear_limit=3"):
        AlarmRule(limit=2.0, k=3, n=2, clear_limit=3.0, off_delay=0)
