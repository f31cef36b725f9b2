"""The metadata of an exported file say what it is."""

import json

import onnxruntime

from dccad.onnx import export_onnx
from dccad.onnx.record import KEY


def test_the_metadata_say_what_the_file_is(trained, tmp_path):
    export_onnx(trained, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    record = json.loads(session.get_modelmeta().custom_metadata_map[KEY])
    assert record["window"] == 8
    assert record["threshold"] == trained.threshold_
    assert record["columns"] == ["sensor_0", "sensor_1", "sensor_2"]
    assert record["versions"]["dccad"]
    assert [state["name"] for state in record["states"]] == ["normal", "anomalous 1"]
    assert [(i.name, i.shape) for i in session.get_inputs()] == [("rows", ["batch", "n_rows", 3])]
