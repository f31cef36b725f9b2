"""Model folders that an earlier version wrote load, and judge a log as they did then.

``earlier_models/`` was written by version 0.1.0.dev214 (model format 4): a default and a published
model of :func:`make_log`, each with what it said of that log. Their ``model.json`` holds parameters
that later versions no longer have, and checksums: leave the files as they are, byte for byte.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import dccad

FOLDER = Path(__file__).parent / "earlier_models"
RULE = "3 of 5, off 10"
WITHIN = {"rtol": 1e-6, "atol": 1e-6}  # sums of float32 differ in last bits between machines


def make_log():
    """A log of 300 rows whose last 100 are another regime, and 200 normal rows; 4 sensors."""
    rng = np.random.default_rng(12)
    log, normal = rng.normal(size=(300, 4)), rng.normal(size=(200, 4))
    for values in (log, normal):
        values[:, 1] += 0.8 * values[:, 0]
        values[:, 3] += np.sin(np.arange(len(values)) / 5)
    log[200:] = 2.0 * log[200:] + [3.0, 0.0, -3.0, 0.0]
    return log, normal


@pytest.fixture(scope="module", params=["default", "published"])
def model(request):
    """The loaded model, what it said of the log when it was fitted, and its name."""
    name = request.param
    with np.load(FOLDER / f"{name}.npz") as arrays:
        expected = dict(arrays)
    expected |= json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return dccad.load(FOLDER / name, device="cpu"), expected


def test_an_earlier_model_gives_every_row_its_earlier_score(model):
    detector, expected = model
    found = detector.score_rows(make_log()[0])
    assert np.isnan(expected["score"]).sum() == detector.window - 1
    np.testing.assert_allclose(found["score"], expected["score"], **WITHIN)
    np.testing.assert_allclose(found["p_value"], expected["p_value"], **WITHIN)
    np.testing.assert_array_equal(found["region"], expected["region"])
    np.testing.assert_array_equal(found["flag"], expected["flag"])


def test_an_earlier_model_raises_its_earlier_alarms(model):
    detector, expected = model
    wanted = expected["alarms"]
    rate = {"per_1000_rows": 5.0} if wanted["false_alarms"] else {}
    found = detector.find_alarms(make_log()[0], RULE, **rate).to_dict()
    assert found["rule"].keys() == wanted["rule"].keys()
    for name, value in wanted["rule"].items():  # the limit that ends an alarm may be None
        assert found["rule"][name] == (value if value is None else pytest.approx(value, rel=1e-6))
    rows = [(alarm["first_row"], alarm["last_row"]) for alarm in wanted["alarms"]]
    assert rows
    assert [(alarm["first_row"], alarm["last_row"]) for alarm in found["alarms"]] == rows


def test_an_earlier_model_keeps_its_threshold_its_states_and_the_scores_of_its_fit(model):
    detector, expected = model
    assert detector.threshold_ == expected["threshold"]
    assert detector.states_ == expected["states"]
    np.testing.assert_array_equal(detector.decision_scores_, expected["fit_score"])


def test_an_earlier_model_scores_rows_as_they_arrive(model):
    detector, expected = model
    found = detector.stream().push_many(make_log()[0])
    np.testing.assert_allclose(found, expected["score"], **WITHIN)


def test_an_earlier_model_that_is_saved_again_is_the_same_model(model, tmp_path):
    detector, _ = model
    detector.save(tmp_path / "again")
    log = make_log()[0]
    again = dccad.load(tmp_path / "again", device="cpu").decision_function(log)
    np.testing.assert_array_equal(again, detector.decision_function(log))
