"""Cross-fitting: folds by hand and as laws, scores by unseen models, the size correction."""

import numpy as np
import pytest

from dccad.calibration import folds as plans
from dccad.calibration.cross_fitting import OutOfFold, cross_fit
from dccad.calibration.folds import plan_folds
from dccad.errors import CalibrationWarning
from dccad.logs.runs import Run


def log_of(values):
    return Run(np.asarray(values, dtype=float).reshape(len(values), -1), ("a",))


def test_too_short_a_reference_is_said():
    with pytest.warns(CalibrationWarning, match=r"50 normal rows in 1 run\(s\) are too few"):
        assert plan_folds([50], window=20) == []
    with pytest.warns(CalibrationWarning, match="pass about 120 rows or more"):
        assert cross_fit([log_of(np.arange(50))], lambda *_: [], window=20) is None


def test_scores_come_from_models_that_saw_neither_row_nor_window(monkeypatch):
    """The score tells how far away, in rows, the nearest training row is."""
    monkeypatch.setattr(plans, "N_FOLDS", 4)
    window = 6

    def distance(training, held_out):
        seen = np.concatenate([run.values[:, 0] for run in training])
        return [
            np.array(
                [np.nan] * (window - 1)
                + [
                    np.abs(run.values[t - window + 1 : t + 1] - seen).min()
                    for t in range(window - 1, len(run))
                ]
            )
            for run in held_out
        ]

    seen = cross_fit([log_of(np.arange(120))], distance, window)
    scores = seen.scores[0]
    assert np.isnan(scores[: window - 1]).all()
    assert np.isfinite(scores[window - 1 :]).all()
    assert (
        scores[window - 1 :].min() == 2
    )  # rows 30–59: training ends at 23, the window begins at 25
    assert scores[30] == 2
    # smaller fits leave out folds 0 and 2, or 1 and 3: 60 rows less their gaps
    assert np.unique(seen.smaller_training_rows[0]).tolist() == [42.0]
    assert np.unique(seen.training_rows[0]).tolist() == [78.0, 84.0]


def test_an_odd_number_of_folds_is_paired_without_scoring_a_row_twice(monkeypatch):
    monkeypatch.setattr(plans, "N_FOLDS", 5)
    calls = []

    def count(training, held_out):
        calls.append(([run.values[0, 0] for run in held_out], sum(map(len, training))))
        return [np.ones(len(run)) for run in held_out]

    seen = cross_fit([log_of(np.arange(50))], count, window=1)
    assert [starts for starts, _ in calls[5:8]] == [[0, 20], [10, 30], [40]]
    assert np.isfinite(seen.smaller_scores[0]).all()
    # 30 rows less one on either side of what is left out
    assert seen.smaller_training_rows[0].tolist() == np.repeat([27.0, 26, 27, 26, 28], 10).tolist()


def test_several_statistics_and_short_runs(monkeypatch):
    monkeypatch.setattr(plans, "N_FOLDS", 3)

    def score(training, held_out):
        assert all(len(run) >= 3 for run in held_out)
        return [np.stack([run.values[:, 0], run.values[:, 0] ** 2], axis=1) for run in held_out]

    runs = [log_of(np.arange(1, 31)), log_of([7.0, 8.0])]
    seen = cross_fit(runs, score, window=3)
    assert [run.shape for run in seen.scores] == [(30, 2), (2, 2)]
    assert np.array_equal(seen.scores[0][:, 1], np.arange(1, 31) ** 2.0)
    assert np.isnan(seen.scores[1]).all()


def test_size_correction_recovers_a_known_learning_curve():
    """Scores exp(a + b/n) with noise in common: extrapolated to the full size exactly."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(100, 1))
    slope = np.array([300.0, 50.0])
    sizes, smaller = np.full(100, 350.0), np.full(100, 250.0)
    seen = OutOfFold(
        [np.exp(noise + slope / 350)], [sizes], [np.exp(noise + slope / 250)], [smaller], 500
    )
    assert np.allclose(seen.at_full_size()[0], np.exp(noise + slope / 500), rtol=1e-12)


def test_size_correction_narrows_scores_that_smaller_fits_widen():
    noise = np.random.default_rng(1).normal(size=1000)
    noise -= noise.mean()
    sizes = np.full(1000, 400.0)
    seen = OutOfFold([np.exp(noise)], [sizes], [np.exp(1.2 * noise)], [sizes / 2], 800)
    # 1/n goes from 1/400 to 1/800, half of the step from 1/200 to 1/400: half of 20 % off
    assert np.allclose(np.log(seen.at_full_size()[0]), 0.9 * noise)


def test_size_correction_never_raises_scores():
    sizes = np.full(10, 50.0)
    seen = OutOfFold([np.full(10, 4.0)], [sizes], [np.full(10, 3.0)], [sizes / 2], 100)
    assert np.allclose(seen.at_full_size()[0], 4.0)


def test_drift_shows_ahead_and_not_between():
    def distance(training, held_out):
        centre = np.concatenate([run.values for run in training]).mean()
        return [np.abs(run.values[:, 0] - centre) for run in held_out]

    seen = cross_fit([log_of(np.arange(1000))], distance, window=1)
    # rows 500–999 by the mean of 0–498 (249), rows 250–749 by that of both ends (499.5)
    assert np.nanmean(seen.ahead[0]) == pytest.approx(749.5 - 249)
    assert np.nanmean(seen.between[0]) == pytest.approx(125)


def test_size_correction_without_a_step_in_size_changes_nothing():
    sizes = np.full(10, 50.0)
    seen = OutOfFold([np.full(10, 4.0)], [sizes], [np.full(10, 5.0)], [sizes], 100)
    assert np.allclose(seen.at_full_size()[0], 4.0)
