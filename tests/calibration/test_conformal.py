import numpy as np
import pytest

from dccad.calibration.conformal import ConformalCalibration
from dccad.errors import CalibrationWarning


def threshold_of(scores, rate):
    return ConformalCalibration(tuple(np.sort(scores))).threshold(rate)


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.2])
def test_new_normal_scores_pass_the_threshold_at_the_rate_asked_for(rate):
    """Exchangeable scores: the mean realised rate over many calibrations is what was asked."""
    rng = np.random.default_rng(0)
    realised = [
        (rng.normal(size=2000) > threshold_of(rng.normal(size=400), rate)).mean()
        for _ in range(200)
    ]
    assert np.mean(realised) == pytest.approx(rate, rel=0.1)


def test_too_few_normal_windows_give_the_largest_score_and_say_how_many_are_needed():
    with pytest.warns(CalibrationWarning, match="needs at least 99 normal windows .* there are 50"):
        assert threshold_of(np.arange(50.0), 0.01) == 49.0


def test_99_windows_are_just_enough_for_one_percent(recwarn):
    assert threshold_of(np.arange(99.0), 0.01) == 98.0
    assert not recwarn
