"""``dccad export`` writes one file that ``dccad score`` takes instead of the model."""

import json
import sys
from pathlib import Path

import polars as pl
import pytest

import dccad

onnx = pytest.importorskip("onnx", reason="onnx, which the extra 'onnx' installs")


def test_the_file_scores_as_the_model_does(call):
    pytest.importorskip("onnxruntime", reason="onnxruntime, which the extra 'onnx' installs")
    code, out, err = call("export", "model", "-o", "plant.onnx", "--json")
    assert (code, err) == (0, "")
    record = json.loads(out)
    assert (record["file"], record["bytes"]) == ("plant.onnx", Path("plant.onnx").stat().st_size)
    assert record["threshold"] == dccad.load("model").threshold_
    for model, scores in (("model", "folder.csv"), ("plant.onnx", "file.csv")):
        assert call("score", model, "log.csv", "--run", "unit", "-o", scores)[0] == 0
    folder, file = pl.read_csv("folder.csv"), pl.read_csv("file.csv")
    for name in ("run", "row", "time", "flag", "region", "state"):
        assert folder[name].equals(file[name], null_equal=True), name


def test_an_output_that_is_no_onnx_file_is_refused_before_the_model_is_read(call):
    code, out, err = call("export", "nowhere", "-o", "plant.bin")
    assert (code, out) == (2, "")
    assert err == ("dccad: error: plant.bin: the suffix '.bin' says no format; write to .onnx\n")


def test_a_missing_package_is_named_before_the_model_is_read(call, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    code, out, err = call("export", "nowhere", "-o", "plant.onnx")
    assert (code, out) == (2, "")
    assert "needs onnx, which is not installed: pip install 'dccad[onnx]'" in err
