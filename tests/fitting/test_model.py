"""The fit as a whole: its steps in order, and what each of them hands to the next."""

import numpy as np
import pytest

from conftest import SMALL
from dccad import DCCA
from dccad.calibration.conformal import ConformalCalibration
from dccad.calibration.predictive import Calibration
from dccad.fitting import model as steps
from dccad.fitting.model import fit_model
from dccad.fitting.recipe import FitSettings

pytestmark = pytest.mark.filterwarnings("ignore::dccad.errors.CalibrationWarning")


def settings_of(**parameters):
    return FitSettings.of(DCCA(**{**SMALL, **parameters}).get_params())


def test_the_steps_of_a_fit_give_what_the_detector_keeps(trained, two_regimes):
    fitted = fit_model(two_regimes, None, settings_of(), seed=0)
    scores, regions = fitted.model.score_log(fitted.data.log)
    np.testing.assert_array_equal(scores, trained.decision_scores_)
    np.testing.assert_array_equal(regions, trained.regions_)
    assert fitted.calibration == trained.calibration_
    assert fitted.sample is None
    assert len(fitted.training.history) == 3 + 4


def test_a_held_out_calibration_has_the_scores_of_the_held_out_rows(two_regimes):
    fitted = fit_model(None, two_regimes[:240], settings_of(), seed=0)
    [held_out] = fitted.data.held_out
    alone = DCCA(**SMALL).fit(None, normal=two_regimes[:240]).decision_function(held_out.values)
    assert isinstance(fitted.calibration, ConformalCalibration)
    np.testing.assert_allclose(fitted.calibration.scores, np.sort(alone[7:]), rtol=1e-5, atol=1e-6)
    assert fitted.n_calibration_windows == len(held_out) - 7


def test_a_cross_fitted_calibration_keeps_the_order_of_the_scores(two_regimes):
    fitted = fit_model(None, two_regimes[:240], settings_of(calibration="cross-fitted"), seed=0)
    assert isinstance(fitted.calibration, Calibration)
    assert fitted.n_calibration_windows == fitted.calibration.n_scores == 240 - 7
    assert fitted.data.held_out == []


@pytest.mark.parametrize("n_clusters", [2, "auto"])
def test_normal_rows_alone_are_not_divided_into_two_by_force(n_clusters):
    """A reference of one regime: two clusters are the default, not what the user has seen."""
    rows = np.random.default_rng(0).normal(size=(300, 3))
    fitted = fit_model(None, rows, settings_of(n_clusters=n_clusters), seed=0)
    assert len(fitted.report.share) == 1
    assert fitted.model.partition.n_regions == 1


def test_each_unlabelled_run_beside_a_reference_is_a_regime_of_its_own(two_regimes, monkeypatch):
    seen = []
    score = steps.fit_statistics_score

    def spy(learned, data, regimes, *others):
        seen.append(regimes)
        return score(learned, data, regimes, *others)

    monkeypatch.setattr(steps, "fit_statistics_score", spy)
    runs = [two_regimes[250:320], two_regimes[320:400]]
    fit_model(runs, two_regimes[:200], settings_of(), seed=0)
    assert [[len(run) for run in regime] for regime in seen.pop()] == [[70], [80]]
    # of a single run, each anomalous region is
    fit_model(two_regimes[200:], two_regimes[:200], settings_of(), seed=0)
    [[*parts]] = seen.pop()
    rows = np.concatenate([run.values for run in parts])
    shifted = {row.tobytes() for row in two_regimes[243:]}
    assert np.mean([row.tobytes() in shifted for row in rows]) > 0.9
    assert len(rows) > 120
    # without a reference nothing is known to be of another regime
    fit_model(two_regimes, None, settings_of(), seed=0)
    assert seen.pop() == []
