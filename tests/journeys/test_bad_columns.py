"""Logs with other columns than those of the fit."""

import numpy as np
import pandas as pd
import pytest

from command_line import CHEAP, NAMES
from conftest import FAST
from dccad import DCCA
from dccad.errors import InputError
from refusals import as_frame, raised, says, write

pytestmark = pytest.mark.filterwarnings("ignore::dccad.errors.DccadWarning")


WRONG_COLUMNS = {
    "missing": (["flow", "level"], ["missing: 'pressure'"]),
    "extra": ([*NAMES, "heat"], ["not expected: 'heat'"]),
    "renamed": (["flow", "Pressure", "level"], ["missing: 'pressure'", "not expected: 'Pressure'"]),
    "other order": (["level", "flow", "pressure"], ["order differs", "'level'", "'flow'"]),
}


@pytest.mark.parametrize("case", WRONG_COLUMNS)
def test_data_frames_with_other_columns_than_those_of_the_fit_are_refused(log, detector, case):
    names, words = WRONG_COLUMNS[case]
    frame = as_frame(log, heat=log[:, 0], Pressure=log[:, 1]).select(names)
    for table in (frame, frame.to_pandas(), frame.to_arrow()):
        says(raised(InputError, detector.decision_function, table), *words, "pass the 3 columns")


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        (["flow", "level"], "it has 'flow', 'level'"),
        (["flow", "Pressure", "level"], "did you mean 'Pressure'?"),
    ],
)
@pytest.mark.parametrize("name", ["log.csv", "log.parquet"])
def test_a_file_that_lacks_a_sensor_of_the_model_is_refused(
    log, trained_folder, refused, names, hint, name
):
    write(as_frame(log, Pressure=log[:, 1]).select(names), name)
    text = refused("score", trained_folder, name, "-o", "scores.csv")
    assert text == f"{name}: no sensor 'pressure'; {hint}"


@pytest.mark.parametrize("n_sensors", [1, 2, 4])
def test_arrays_with_another_number_of_sensors_are_refused(log, n_sensors):
    detector = DCCA(**FAST).fit(log)
    text = raised(InputError, detector.decision_function, np.tile(log, 2)[:, :n_sensors])
    says(text, f"X has {n_sensors} features", "expecting 3 features")


def test_logs_with_different_columns_are_not_fitted_together(log, refused):
    write(as_frame(log), "a.csv")
    write(as_frame(log).rename({"flow": "heat"}), "b.csv")
    text = refused("fit", "a.csv", "b.csv", "-o", "new", *CHEAP)
    says(text, "run 'b' has other columns than run 'a'", "'flow'", "'heat'")
    text = refused("fit", "a.csv", "--normal", "b.csv", "-o", "new", *CHEAP)
    says(text, "missing: 'flow'", "not expected: 'heat'")


@pytest.mark.parametrize("columns", [None, ["a", 1, "b"], [("x", "a"), ("x", "b"), ("y", "a")]])
def test_pandas_columns_that_are_not_text_are_sensors_like_others(log, columns):
    frame = pd.DataFrame(log, columns=columns)
    scores = DCCA(**FAST).fit(frame).decision_function(frame)
    np.testing.assert_array_equal(scores, DCCA(**FAST).fit(log).decision_scores_)
