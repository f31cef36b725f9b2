"""Which rows a fit trains on, and which it never sees."""

import numpy as np
import pytest

from dccad import DCCA
from dccad.errors import CalibrationWarning, InputError
from dccad.fitting.data import hold_out, leave_out, prepare_fit_data
from dccad.fitting.recipe import FitSettings
from dccad.logs.runs import Run


def counted(start, stop, name="log"):
    return Run(np.arange(start, stop, dtype=float)[:, None], ("a",), name)


def test_the_last_part_of_each_reference_run_is_held_out():
    training, held_out = hold_out([counted(0, 100), counted(200, 250)], 0.2, shortest=10)
    assert [run.values[0, 0] for run in held_out] == [80.0, 240.0]
    assert [len(run) for run in training] == [80, 40]


def test_a_run_too_short_to_divide_is_trained_on_whole():
    training, held_out = hold_out([counted(0, 12), counted(0, 100)], 0.3, shortest=10)
    assert [len(run) for run in training] == [12, 70]
    assert [len(run) for run in held_out] == [30]


def test_held_out_rows_that_stand_in_the_log_are_cut_out_of_it():
    log = [counted(0, 50), counted(100, 200)]
    rest = leave_out(log, [counted(130, 140), counted(190, 200)])
    spans = [(run.values[0, 0], run.values[-1, 0]) for run in rest]
    assert spans == [(0.0, 49.0), (100.0, 129.0), (140.0, 189.0)]


def test_rows_that_only_begin_like_the_held_out_part_stay_in_the_log():
    values = np.array([1.0, 2, 1, 2, 3, 1, 2])[:, None]
    rest = leave_out([Run(values, ("a",))], [Run(values[2:5], ("a",))])
    assert [run.values.ravel().tolist() for run in rest] == [[1.0, 2.0], [1.0, 2.0]]


# -- the rows of a fit ---------------------------------------------------------------------------


def settings_of(**parameters):
    return FitSettings.of(
        DCCA(**{"window": 5, "calibration": "held-out", **parameters}).get_params()
    )


def rows_of(runs):
    return [run.values[:, 0].tolist() for run in runs]


LOG = np.arange(200.0)[:, None]


def test_an_unlabelled_log_is_trained_on_whole():
    data = prepare_fit_data([LOG[:120], LOG[120:]], None, settings_of())
    assert rows_of(data.training) == [LOG[:120, 0].tolist(), LOG[120:, 0].tolist()]
    assert (data.normal, data.held_out, data.reference) == ([], [], None)
    assert data.is_normal(np.array([0, 120])) is None


def test_held_out_rows_are_neither_trained_on_nor_left_in_the_log():
    data = prepare_fit_data(LOG, LOG[:100], settings_of(calibration_fraction=0.3))
    assert rows_of(data.held_out) == [LOG[70:100, 0].tolist()]
    assert rows_of(data.normal) == [LOG[:70, 0].tolist()]
    # the reference first, then the log without the held-out rows
    assert [(run[0], run[-1]) for run in rows_of(data.training)] == [(0, 69), (0, 69), (100, 199)]
    assert data.log.n_rows == 200  # they do get labels
    assert data.is_normal(np.array([0, 65, 70, 140])).tolist() == [True, True, False, False]


def test_cross_fitting_trains_on_the_whole_reference():
    data = prepare_fit_data(LOG, LOG[:100], settings_of(calibration="cross-fitted"))
    assert rows_of(data.normal) == [LOG[:100, 0].tolist()]
    assert [len(run) for run in data.training] == [100, 200]
    assert data.held_out == []


def test_a_log_that_is_its_own_reference_is_trained_on_once():
    for X in (None, LOG):
        data = prepare_fit_data(X, LOG, settings_of(calibration="cross-fitted"))
        assert [len(run) for run in data.training] == [200]
        assert data.is_normal(np.array([0, 195])).all()


def test_rows_are_held_out_before_they_are_averaged():
    """An average over trained and held-out rows would carry one into the other."""
    data = prepare_fit_data(None, LOG, settings_of(prepare=["average:3"], calibration_fraction=0.3))
    assert rows_of(data.normal) == [[3.0 * i + 1 for i in range(140 // 3)]]
    assert rows_of(data.held_out) == [[141.0 + 3 * i for i in range(20)]]


def test_a_reference_too_short_to_divide_is_trained_on_whole_and_it_is_said():
    with pytest.warns(CalibrationWarning, match="pass runs of at least 24 rows"):
        data = prepare_fit_data(LOG, LOG[:20], settings_of(calibration_fraction=0.3))
    assert rows_of(data.normal) == [LOG[:20, 0].tolist()]
    assert [len(run) for run in data.training] == [20, 200]
    assert data.held_out == []


@pytest.mark.parametrize(
    ("X", "normal", "message"),
    [
        (None, None, "nothing to fit: pass an unlabelled log, reference-normal rows, or both"),
        (LOG[:5], None, "1 windows of 5 rows, but n_clusters=2 needs at least 2"),
        (LOG, np.zeros((50, 2)), "X has 2 features, but DCCA is expecting 1 features"),
    ],
)
def test_logs_that_cannot_be_fitted_are_refused(X, normal, message):
    with pytest.raises(InputError, match=message):
        prepare_fit_data(X, normal, settings_of())
