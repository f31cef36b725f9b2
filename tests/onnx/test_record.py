"""The metadata of an exported file say what it is."""

import json

import onnxruntime
import pytest

import onnx
from conftest import FAST
from dccad import DCCA
from dccad.errors import ModelFileError
from dccad.onnx import export_onnx, load_onnx
from dccad.onnx.record import FORMAT, KEY
from dccad.saving.folder import record_digest

pytestmark = pytest.mark.filterwarnings("ignore::dccad.errors.DccadWarning")


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


def test_what_is_done_to_a_log_before_its_scores_stands_in_the_metadata(two_regimes, tmp_path):
    detector = DCCA(
        **FAST, on_missing="hold", fill_limit=3, max_gap=90.0, prepare=("average:2",)
    ).fit(two_regimes)
    record = export_onnx(detector, tmp_path / "model.onnx")
    assert record["prepare"] == ["average:2"]
    assert (record["on_missing"], record["fill_limit"], record["max_gap"]) == ("hold", 3, 90.0)
    assert record["false_alarm_rate"] == 0.05
    assert record["named"] is False
    assert record["calibration"] == detector.calibration_.to_record()
    assert record["data_digest"] == detector.data_digest_


def test_the_record_in_the_file_is_the_one_returned_with_a_checksum_of_its_own(trained, tmp_path):
    returned = export_onnx(trained, tmp_path / "model.onnx")
    (entry,) = onnx.load(tmp_path / "model.onnx").metadata_props
    assert entry.key == KEY == "dccad"
    stored = json.loads(entry.value)
    assert stored == json.loads(json.dumps(returned))
    assert stored["format"] == FORMAT
    assert stored["record_sha256"] == record_digest(stored)
    stored["window"] += 1
    assert stored["record_sha256"] != record_digest(stored)


def test_files_of_the_first_format_are_still_read_and_later_ones_are_not(trained, tmp_path):
    """A file of another version differs in its number alone."""
    export_onnx(trained, tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx")
    record = json.loads(model.metadata_props[0].value)

    def load_as(version):
        record["format"] = version
        record["record_sha256"] = record_digest(record)
        model.metadata_props[0].value = json.dumps(record)
        (tmp_path / "other.onnx").write_bytes(model.SerializeToString())
        return load_onnx(tmp_path / "other.onnx")

    assert load_as(1).threshold_ == load_as(FORMAT).threshold_ == trained.threshold_
    later = FORMAT + 1
    with pytest.raises(ModelFileError, match=f"format {later} .* up to format {FORMAT}"):
        load_as(later)
