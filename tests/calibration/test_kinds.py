"""Either calibration comes back from the record that it wrote."""

import json

import numpy as np
import pytest

from dccad.calibration.conformal import ConformalCalibration
from dccad.calibration.kinds import KINDS, calibration_from_record
from dccad.calibration.predictive import Calibration

PREDICTIVE = Calibration(1.0, 0.5, 5.0, 40.0, 400, ((0.0, 0.1), (1.0, 1.5)), (1.0, 0.5), drift=0.25)
CONFORMAL = ConformalCalibration((0.5, 1.0, 2.5))


@pytest.mark.parametrize("calibration", [PREDICTIVE, CONFORMAL])
def test_a_stored_calibration_gives_the_same_thresholds_and_p_values(calibration):
    found = calibration_from_record(json.loads(json.dumps(calibration.to_record())))
    assert found == calibration
    assert found.threshold(0.3) == calibration.threshold(0.3)
    scores = np.array([np.nan, 0.0, 1.0, 9.0])
    np.testing.assert_array_equal(found.p_value(scores), calibration.p_value(scores))


def test_records_say_their_kind():
    """Models of earlier versions are read by these names."""
    assert PREDICTIVE.to_record()["kind"] == "predictive"
    assert CONFORMAL.to_record() == {"kind": "conformal", "scores": [0.5, 1.0, 2.5]}
    assert set(KINDS) == {"predictive", "conformal"}


@pytest.mark.parametrize(
    "record",
    [
        {"kind": "bayesian"},
        {"scores": [1.0]},
        {"kind": "conformal"},
        {"kind": "predictive", "scores": [1.0]},
        {**PREDICTIVE.to_record(), "kind": "conformal"},
    ],
)
def test_a_record_of_something_else_is_refused(record):
    with pytest.raises((LookupError, TypeError)):
        calibration_from_record(record)


def test_only_the_kind_that_keeps_the_order_promises_a_rate_of_alarms():
    assert PREDICTIVE.ordered is PREDICTIVE
    assert CONFORMAL.ordered is None
    assert CONFORMAL.rate_interval(0.1, 100) is None
    lower, upper = PREDICTIVE.rate_interval(0.1, 100)
    assert 0 <= lower < 0.1 < upper <= 1
