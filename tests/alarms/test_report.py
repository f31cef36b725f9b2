"""Alarm rules as people write them, and the alarms of a log: limit, rows, stamps and rate."""

import numpy as np
import pytest

from dccad import DCCA, Run
from dccad.alarms.rates import choose_limit, predict_false_alarms
from dccad.alarms.report import AlarmPattern, parse_pattern, report_alarms, row_seconds
from dccad.alarms.rules import AlarmRule, find_alarms
from dccad.calibration.conformal import ConformalCalibration
from dccad.calibration.predictive import Calibration, fit_calibration
from dccad.errors import ParameterError
from dccad.logs.inputs import check_log
from dccad.logs.preparation.pipeline import Preparation, parse_steps

KNOWN = Calibration(0.0, 1.0, 1e6, 1.0, 10**6, (), (1.0,))
"""Independent standard normal scores."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3 of 5", AlarmPattern(3, 5)),
        ("1 of 1", AlarmPattern()),
        ("5", AlarmPattern(5, 5)),
        ("2 rows", AlarmPattern(2, 2)),
        ("3 of 5 rows, off 10", AlarmPattern(3, 5, 10)),
        (" 3  of 5 , clear 0.1,off 4 ", AlarmPattern(3, 5, 4, 0.1)),
    ],
)
def test_patterns_are_read_as_people_write_them(text, expected):
    assert parse_pattern(text) == expected
    assert parse_pattern(expected) is expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["alarm rule ''", "'3 of 5, off 10, clear 0.1'"]),
        ("three of five", ["three of five", "write the rows"]),
        ("5 of 3", ["'5 of 3': k=5 of n=3 rows: 1 ≤ k ≤ n is needed"]),
        ("0", ["k=0 of n=0"]),
        ("3 of 5, of 10", ["'of 10' is no part"]),
        ("3, off 0", ["off_delay=0: at least 1 row"]),
        ("3, clear 1.5", ["'clear 1.5' is no part"]),
        ("3, clear 0.0", ["clear must lie between 0 and 1"]),
    ],
)
def test_a_pattern_that_cannot_be_read_is_refused_in_one_line(text, words):
    with pytest.raises(ParameterError) as caught:
        parse_pattern(text)
    assert all(word in str(caught.value) for word in words)
    assert "\n" not in str(caught.value)


def test_a_pattern_says_itself():
    assert str(AlarmPattern()) == "every row"
    expected = "3 of 5 rows, off after 10 rows, cleared at the score of 0.1 of normal rows"
    assert str(AlarmPattern(3, 5, 10, 0.1)) == expected


def pump_and_fan(minutes=1):
    """Two runs of 6 and 5 rows; the second has a gap after its second row."""
    stamps = np.datetime64("2024-01-01T00:00") + np.arange(6) * np.timedelta64(minutes, "m")
    later = stamps[:5] + np.where(np.arange(5) < 2, 0, 60) * np.timedelta64(minutes, "m")
    return check_log(
        [
            Run(np.zeros((6, 1)), ("a",), "pump", stamps),
            Run(np.zeros((5, 1)), ("a",), "fan", later),
        ]
    )


SCORES = np.array([np.nan, 3, 5, 0, 3, 3, np.nan, 3, 3, 0, 3])


def test_alarms_have_the_rows_stamps_and_peaks_of_their_runs():
    """By hand: at a limit of 2, two in a row; the gap of the fan parts its rows 1 and 2."""
    found = report_alarms(pump_and_fan(), SCORES, KNOWN, 2.0, AlarmPattern(2, 2))
    assert list(found.alarms) == [
        {
            "run": "pump",
            "first_row": 2,
            "last_row": 2,
            "rows": 1,
            "peak": 5.0,
            "start": "2024-01-01T00:02",
            "end": "2024-01-01T00:02",
        },
        {
            "run": "pump",
            "first_row": 5,
            "last_row": 5,
            "rows": 1,
            "peak": 3.0,
            "start": "2024-01-01T00:05",
            "end": "2024-01-01T00:05",
        },
    ]
    every = report_alarms(pump_and_fan(), SCORES, KNOWN, 2.0, AlarmPattern())
    places = [(a["run"], a["first_row"], a["last_row"]) for a in every.alarms]
    assert places == [
        ("pump", 1, 2),
        ("pump", 4, 5),
        ("fan", 1, 1),
        ("fan", 2, 2),
        ("fan", 4, 4),
    ]


def test_the_rate_is_that_of_the_limit_in_the_unit_of_the_log():
    """Independent rows, each an alarm of its own: at the 1 % limit, 10 of 1000 rows."""
    limit = KNOWN.threshold(0.01)
    found = report_alarms(pump_and_fan(), SCORES, KNOWN, limit, AlarmPattern())
    assert found.rule == AlarmRule(limit)
    assert found.rate == predict_false_alarms(KNOWN, AlarmRule(limit), row_seconds=60.0)
    assert found.rate.unit == "per day"
    assert found.rate.expected == pytest.approx(1440 * 0.01, rel=0.03)
    assert found.expected == pytest.approx(found.rate.expected * 9 / 1440)  # 9 rows have a score
    bare = check_log(np.zeros((11, 1)))
    by_row = report_alarms(bare, SCORES, KNOWN, limit, AlarmPattern())
    assert by_row.rate.unit == "per 1000 rows"
    assert by_row.expected == pytest.approx(found.expected)


@pytest.mark.parametrize("pattern", [AlarmPattern(), AlarmPattern(3, 5, 4, 0.2)])
def test_the_limit_is_chosen_for_the_rate_that_is_asked_for(pattern):
    found = report_alarms(pump_and_fan(), SCORES, KNOWN, 9.0, pattern, per_day=2.0)
    assert found.rule == choose_limit(
        KNOWN,
        2.0,
        k=pattern.k,
        n=pattern.n,
        off_delay=pattern.off_delay,
        clear_rate=pattern.clear_rate,
        row_seconds=60.0,
    )
    assert found.rate.expected <= 2.0
    by_row = report_alarms(pump_and_fan(), SCORES, KNOWN, 9.0, pattern, per_1000_rows=2 / 1.44)
    assert by_row.rule.limit == pytest.approx(found.rule.limit, rel=1e-6)
    assert by_row.rate.unit == "per 1000 rows"


def test_a_clearing_rate_sets_the_lower_limit_of_the_threshold():
    pattern = AlarmPattern(1, 1, 1, 0.2)
    found = report_alarms(pump_and_fan(), SCORES, KNOWN, 2.0, pattern)
    assert found.rule.clear_limit == pytest.approx(0.8416, abs=1e-3)  # z of 20 %
    assert report_alarms(pump_and_fan(), SCORES, KNOWN, 0.5, pattern).rule.clear_limit == 0.5


def test_a_held_out_calibration_promises_no_alarms():
    conformal = ConformalCalibration(tuple(np.linspace(0, 2, 200).tolist()))
    found = report_alarms(pump_and_fan(), SCORES, conformal, 2.0, AlarmPattern(2, 2))
    assert (len(found.alarms), found.rate, found.expected) == (2, None, None)
    with pytest.raises(ParameterError, match="fit with calibration='cross-fitted'"):
        report_alarms(pump_and_fan(), SCORES, conformal, 2.0, AlarmPattern(), per_day=1.0)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"per_day": 0}, "0 false alarms per day: a number above 0"),
        ({"per_1000_rows": float("nan")}, "nan false alarms per 1000 rows"),
        ({"per_day": 1, "per_1000_rows": 1}, "not both"),
        ({"per_day": 1}, "need time stamps, and this log has none"),
    ],
)
def test_a_rate_that_cannot_be_given_is_refused(wanted, message):
    with pytest.raises(ParameterError, match=message):
        report_alarms(check_log(np.zeros((11, 1))), SCORES, KNOWN, 2.0, AlarmPattern(), **wanted)


def test_rows_of_a_pattern_are_those_after_preparation():
    """Averages of two rows: 3 of them over the limit are 6 of the caller's rows."""
    run = Run(np.zeros((12, 1)), ("a",), "pump", np.arange(12.0) * 5)
    log = Preparation(parse_steps(["average:2"])).apply(check_log([run]))
    prepared = np.array([0, 3, 3, 3, 0, 0.0])
    scores = log.expand(prepared, np.nan)
    assert row_seconds(log.segments) == 10.0
    found = report_alarms(log, scores, KNOWN, 2.0, AlarmPattern(3, 3))
    assert [(a.start, a.stop) for a in find_alarms(prepared, found.rule)] == [(3, 4)]
    alarm = found.alarms[0]
    mine = np.flatnonzero(log.source == 3)
    assert (alarm["first_row"], alarm["last_row"]) == (mine[0], mine[-1])
    assert alarm["peak"] == 3.0


def test_row_seconds_is_the_median_step_of_all_runs():
    runs = (
        Run(np.zeros((4, 1)), ("a",), time=np.array([0.0, 2, 4, 7])),
        Run(np.zeros((3, 1)), ("a",), time=np.array([0.0, 2, 9])),
    )
    assert row_seconds(runs) == 2.0
    assert row_seconds((runs[0], Run(np.zeros((4, 1)), ("a",)))) is None
    assert row_seconds((Run(np.zeros((1, 1)), ("a",), time=np.array([0.0])),)) is None


def test_the_detector_finds_its_alarms_with_its_own_calibration():
    rng = np.random.default_rng(0)
    normal, new = rng.normal(size=(600, 3)), rng.normal(size=(300, 3))
    new[200:240] += 8.0
    detector = DCCA(window=8, pretrain_epochs=1, joint_epochs=1, random_state=0)
    detector.fit(None, normal=normal)
    scores = detector.decision_function(new)
    found = detector.find_alarms(new, "3 of 5, off 5", per_1000_rows=1.0)
    expected = find_alarms(scores, found.rule)
    rows = [(alarm["first_row"], alarm["last_row"] + 1) for alarm in found.alarms]
    assert rows == [tuple(alarm) for alarm in expected]
    assert any(200 <= start <= 205 and 240 <= stop <= 260 for start, stop in rows)
    assert 0.9 < found.rate.expected <= 1.0
    again = detector.find_alarms(new, "3 of 5, off 5", per_1000_rows=1.0, scores=scores)
    assert again == found
    assert detector.find_alarms(new).rule.limit == detector.threshold_


def test_the_promise_of_a_chosen_limit_holds_on_new_rows():
    """Autocorrelated normal rows with a calibration from others of their kind."""
    rng = np.random.default_rng(1)

    def rows(n):
        found = rng.normal(size=n)
        for t in range(1, n):
            found[t] = 0.8 * found[t - 1] + 0.6 * found[t]
        return found

    calibration = fit_calibration([rows(20_000)])
    new = rows(40_000)
    found = report_alarms(
        check_log(np.zeros((40_000, 1))),
        new,
        calibration,
        9.0,
        AlarmPattern(2, 3),
        per_1000_rows=2.0,
    )
    assert found.expected == pytest.approx(80, rel=0.05)
    assert 55 <= len(found.alarms) <= 105  # 80, ± 2.8 Poisson standard deviations
