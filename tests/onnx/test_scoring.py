"""Logs are scored, prepared and refused by an exported model as by the detector, without torch."""

import io
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest

import onnx
from conftest import FAST, RTOL
from dccad import DCCA
from dccad.errors import InputError, ModelFileError
from dccad.onnx import load_onnx, scoring
from dccad.onnx.graph import Graph
from dccad.onnx.record import FORMAT
from dccad.saving.folder import record_digest
from onnx_scores import LOG, compare, equal_tables, exported

pytestmark = pytest.mark.filterwarnings("ignore::dccad.errors.DccadWarning")


def test_a_score_depends_on_no_later_row_and_on_no_chunk(
    with_signatures, two_regimes, tmp_path, monkeypatch
):
    model = exported(with_signatures, tmp_path)
    before = model.decision_function(two_regimes)
    changed = two_regimes.copy()
    changed[300:] += 50.0
    np.testing.assert_allclose(model.decision_function(changed)[:300], before[:300], rtol=1e-6)
    monkeypatch.setattr(scoring, "CHUNK", 7)
    np.testing.assert_allclose(model.decision_function(two_regimes), before, rtol=1e-6, atol=1e-9)


def test_prepared_logs_with_gaps_and_missing_values_score_as_with_the_model(two_regimes, tmp_path):
    frame = pd.DataFrame(two_regimes, columns=["flow", "pressure", "level"])
    frame.loc[[50, 51, 230], "level"] = np.nan
    stamps = pd.date_range("2024-01-01", periods=400, freq="min").to_series()
    stamps.iloc[150:] += pd.Timedelta("3h")
    frame.insert(0, "time", stamps.to_numpy())
    detector = DCCA(**FAST, on_missing="hold", prepare=("clip:flow=-3..3", "average:2"))
    detector.fit(frame)
    model = exported(detector, tmp_path)
    compare(model.score_rows(frame), detector.score_rows(frame), detector.threshold_)
    runs = {"a": frame[:200], "b": frame[200:]}
    found, expected = model.decision_function(runs), detector.decision_function(runs)
    assert list(found) == ["a", "b"]
    for name in runs:
        np.testing.assert_allclose(found[name], expected[name], atol=RTOL["onnx"])


def test_alarms_of_an_exported_model_are_those_of_the_model(two_regimes, tmp_path):
    detector = DCCA(**{**FAST, "calibration": "cross-fitted"})
    detector.fit(two_regimes, normal=two_regimes[:200])
    model = exported(detector, tmp_path)
    found = model.find_alarms(two_regimes, "3 of 5", per_1000_rows=1.0)
    expected = detector.find_alarms(two_regimes, "3 of 5", per_1000_rows=1.0)
    assert len(found.alarms) == len(expected.alarms) > 0
    assert found.rate == expected.rate


WITHOUT_TORCH = """
import sys
class Hide:  # as if the packages were not installed
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, path=None, target=None):
        hidden = name.partition(".")[0] in ("torch", "onnx", "safetensors", "sklearn")
        return None if hidden else self.finder.find_spec(name, path, target)
sys.meta_path = [Hide(finder) for finder in sys.meta_path]
from dccad.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def test_an_exported_model_scores_without_torch(call, workplace, tmp_path):
    assert call("score", "model", *LOG, "-o", "folder.csv")[0] == 0
    arguments = ["score", "model.onnx", *LOG, "-o", "file.csv", "--alarm", "3 of 5"]
    command = [sys.executable, "-c", WITHOUT_TORCH, *arguments]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, "")
    equal_tables(pl.read_csv("folder.csv"), pl.read_csv("file.csv"))
    # and the hook does what it says: the folder needs torch
    command = [sys.executable, "-c", WITHOUT_TORCH, "score", "model", "log.csv", "-o", "x.csv"]
    folder = subprocess.run(command, capture_output=True, text=True, check=False)
    assert folder.returncode == 2
    assert "a model folder needs torch, which is not installed" in folder.stderr


def other_model():
    """An ONNX file of somebody else."""
    graph = Graph()
    graph.name("rows", "same")
    return graph.finish({"rows": [1]}, {"same": (np.float64, [1])}).SerializeToString()


def edited(content, change):
    model = onnx.load(io.BytesIO(content))
    record = json.loads(model.metadata_props[0].value)
    change(record)
    model.metadata_props[0].value = json.dumps(record)
    return model.SerializeToString()


def newer(record):
    record["format"] = FORMAT + 1


def lower_threshold(record):
    record["threshold"] -= 1


def without_columns(record):
    del record["columns"]
    record["record_sha256"] = record_digest(record)


DAMAGES = {
    "text": (lambda _: b"score,flag\n", "is not an ONNX file that this onnxruntime"),
    "empty": (lambda _: b"", "is not an ONNX file|not of a dccad model"),
    "truncated": (lambda content: content[: len(content) // 2], "is not an ONNX file"),
    "of somebody else": (lambda _: other_model(), "but not of a dccad model"),
    "newer": (lambda content: edited(content, newer), "upgrade dccad"),
    "edited": (lambda content: edited(content, lower_threshold), "damaged or was edited"),
    "incomplete": (lambda content: edited(content, without_columns), "incomplete"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_is_no_exported_model_is_refused_in_one_line(call, workplace, damage, tmp_path):
    change, message = DAMAGES[damage]
    (tmp_path / "bad.onnx").write_bytes(change((workplace / "model.onnx").read_bytes()))
    with pytest.raises(ModelFileError, match=message):
        load_onnx(tmp_path / "bad.onnx")
    code, out, err = call("score", "bad.onnx", "log.csv", "-o", "scores.csv")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert not (tmp_path / "scores.csv").exists()


def test_logs_are_refused_as_by_the_model(workplace, two_regimes):
    model = load_onnx(workplace / "model.onnx")
    frame = pd.DataFrame(two_regimes, columns=["flow", "level", "pressure"])
    with pytest.raises(InputError, match="the order differs: 'level' stands where 'pressure'"):
        model.decision_function(frame)
    with pytest.raises(InputError, match="4 features, but DCCA is expecting 3"):
        model.decision_function(np.zeros((20, 4)))
    with pytest.raises(InputError, match="has missing values"):
        model.decision_function(np.full((20, 3), np.nan))
    with pytest.raises(InputError, match="has 5 rows but window=8 needs at least 8"):
        model.decision_function(np.zeros((5, 3)))
