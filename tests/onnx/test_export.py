"""An exported model says what the detector says, where there is no torch too, or is refused."""

import io
import json
import os
import subprocess
import sys
import warnings

import numpy as np
import onnxruntime
import pandas as pd
import polars as pl
import pytest

import onnx
from conftest import FAST, RTOL, SMALL, caller
from dccad import DCCA
from dccad.errors import DccadWarning, InputError, ModelFileError
from dccad.onnx import export_onnx, load_onnx, scoring
from dccad.onnx.graph import Graph
from dccad.onnx.record import FORMAT, KEY
from dccad.parameters import AS_PUBLISHED
from dccad.saving.folder import record_digest

pytestmark = pytest.mark.filterwarnings("ignore::dccad.errors.DccadWarning")

# every kind of each part that a graph is made of, and the shortest maps
KINDS = {
    "default": {"calibration": "cross-fitted"},
    "sensors alone": {"representation": "sensors", "taming": None},
    "whitened alone": {"representation": "whitened", "scaling": "minmax", "stride": 3},
    "any number of regions": {"n_clusters": "auto"},
    "four regions": {"n_clusters": 4, "kernels_per_direction": 3, "bottleneck": 2},
    "regions by centres": {"consensus": "centres", "n_clusters": 3},
    "scores by centres": {"consensus": "centres", "scoring": "centres"},
    "windows of one row": {"window": 1},
    "kernels as long as windows": {"kernel_size": 12, "window": 9},
    "as published": AS_PUBLISHED,
    "as published, three": {**AS_PUBLISHED, "n_clusters": 3, "strides": (2, 2, 1)},
    "dense on whitened": {**AS_PUBLISHED, "representation": "sensors+whitened"},
    "dense, deep, even kernels": {
        **AS_PUBLISHED,
        "depth": 4,
        "kernel_size": 4,
        "batch_norm": False,
        "scaling": "minmax",
    },
}


def exported(detector, folder):
    export_onnx(detector, folder / "model.onnx")
    return load_onnx(folder / "model.onnx")


def compare(found, expected, threshold):
    """Compare all four results of ``score_rows``; a score on the threshold may fall either way."""
    score = expected["score"]
    assert np.isfinite(score).sum() > 100
    np.testing.assert_allclose(found["score"], score, rtol=RTOL["onnx"], atol=RTOL["onnx"])
    np.testing.assert_array_equal(found["region"], expected["region"])
    clear = ~(np.abs(score - threshold) < RTOL["onnx"])
    np.testing.assert_array_equal(found["flag"][clear], expected["flag"][clear])
    for name in ("score", "p_value", "flag", "region"):
        assert found[name].dtype == expected[name].dtype, name


@pytest.mark.parametrize("reference", [None, 200])
@pytest.mark.parametrize("kind", KINDS)
def test_an_exported_model_of_each_kind_scores_as_the_detector(
    two_regimes, tmp_path, kind, reference
):
    detector = DCCA(**{**SMALL, "pretrain_epochs": 1, "joint_epochs": 1, **KINDS[kind]})
    detector.fit(two_regimes, normal=None if reference is None else two_regimes[:reference])
    model = exported(detector, tmp_path)
    onnx.checker.check_model(onnx.load(tmp_path / "model.onnx"), full_check=True)
    # beyond the fit's range too: a sensor that breaks
    for log in (two_regimes, np.concatenate((two_regimes, 20 * two_regimes))):
        compare(model.score_rows(log), detector.score_rows(log), detector.threshold_)
    p_values = model.p_value(two_regimes), detector.p_value(two_regimes)
    one_rank = 1.01 / (1 + detector.n_calibration_windows_)  # of the calibration's own scores
    np.testing.assert_allclose(*p_values, atol=one_rank)


def test_a_single_sensor_is_exported(single_sensor, two_regimes, tmp_path):
    log = two_regimes[:, :1]
    model = exported(single_sensor, tmp_path)
    compare(model.score_rows(log), single_sensor.score_rows(log), single_sensor.threshold_)


@pytest.mark.parametrize("fixture", ["with_signatures", "published"])
def test_a_batch_of_windows_and_one_run_of_rows_give_the_same(
    fixture, two_regimes, tmp_path, request
):
    detector = request.getfixturevalue(fixture)
    export_onnx(detector, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    rows = two_regimes[:40]
    windows = np.stack([rows[start : start + 8] for start in range(33)])
    for name in ("score", "flag", "region"):
        (whole,) = session.run([name], {"rows": rows[None]})
        (each,) = session.run([name], {"rows": windows})
        assert whole.shape == (1, 33)
        assert each.shape == (33, 1)
        np.testing.assert_allclose(each[:, 0], whole[0], rtol=1e-5, atol=1e-6)


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


def test_a_broken_value_spoils_no_digit_of_the_rows_behind_it(trained, two_regimes, tmp_path):
    model = exported(trained, tmp_path)
    broken = two_regimes.copy()
    broken[100, 1] = 1e30
    after = slice(110, None)
    np.testing.assert_allclose(
        model.decision_function(broken)[after],
        model.decision_function(two_regimes)[after],
        rtol=1e-9,
    )


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


# -- the command line -----------------------------------------------------------------------------

LOG = ["log.csv", "--run", "unit"]


@pytest.fixture(scope="module")
def workplace(two_regimes, tmp_path_factory):
    """A folder with a log, a model fitted on it, and the model as an ONNX file."""
    folder = tmp_path_factory.mktemp("onnx")
    frame = pl.DataFrame(two_regimes, schema=["flow", "pressure", "level"])
    frame = frame.with_row_index("unit").with_columns(
        unit=pl.when(pl.col("unit") < 180).then(pl.lit("a")).otherwise(pl.lit("b"))
    )
    frame.write_csv(folder / "log.csv")
    runs = [two_regimes[:180], two_regimes[180:]]
    names = ["flow", "pressure", "level"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DccadWarning)
        detector = DCCA(**{**FAST, "calibration": "cross-fitted"})
        detector.fit([pd.DataFrame(run, columns=names) for run in runs])
    detector.reading_ = {"separator": ","}
    detector.save(folder / "model")
    export_onnx(detector, folder / "model.onnx")
    return folder


@pytest.fixture
def call(workplace, tmp_path, monkeypatch, capsys):
    """Call ``dccad`` in a fresh folder that has the log and both forms of the model."""
    for name in ("log.csv", "model", "model.onnx"):
        (tmp_path / name).symlink_to(workplace / name)
    monkeypatch.chdir(tmp_path)
    return caller(capsys)


def equal_tables(one, two):
    assert one.columns == two.columns
    assert one.schema == two.schema
    for name in one.columns:
        if name in ("score", "p_value"):
            np.testing.assert_allclose(one[name], two[name], atol=RTOL["onnx"])
        else:
            assert one[name].equals(two[name]), name


def test_the_command_exports_and_scores_with_the_same_table_and_summary(call, tmp_path):
    code, out, err = call("export", "model", "-o", "again.onnx", "--json")
    assert (code, err) == (0, "")
    record = json.loads(out)
    assert record["bytes"] == (tmp_path / "again.onnx").stat().st_size
    assert record["columns"] == ["flow", "pressure", "level"]
    summaries = []
    for model in ("model", "again.onnx"):
        code, out, err = call(
            "score", model, *LOG, "-o", f"{model}.parquet", "--alarm", "3 of 5", "--json"
        )
        assert (code, err) == (0, "")
        summaries.append(json.loads(out))
    equal_tables(pl.read_parquet("model.parquet"), pl.read_parquet("again.onnx.parquet"))
    first, second = summaries
    assert first.keys() == second.keys()
    for name in ("rows", "flagged", "threshold", "promise", "region_share", "tables"):
        assert first[name] == second[name], name


def test_what_is_written_is_shown_within_80_columns(call):
    code, out, _ = call("export", "model", "-o", "again.onnx")
    assert code == 0
    assert "(batch, n_rows, 3), float64" in out
    assert max(map(len, out.splitlines())) <= 80


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


# -- refusals -------------------------------------------------------------------------------------


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


REFUSED = {
    "no such file": (["score", "none.onnx", "log.csv", "-o", "s.csv"], "no file at none.onnx"),
    "a model under another name": (
        ["score", "log.csv", "log.csv", "-o", "s.csv"],
        "no model folder",
    ),
    "no such model": (["export", "none", "-o", "m.onnx"], "no model folder at none"),
    "a file in place of a folder": (["export", "model.onnx", "-o", "m.onnx"], "no model folder"),
    "no such folder": (["export", "model", "-o", "none/m.onnx"], "folder none does not exist"),
    "another suffix": (["export", "model", "-o", "m.bin"], "write to .onnx"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_wrong_calls_are_refused_in_one_line_before_any_work(call, case, tmp_path):
    arguments, message = REFUSED[case]
    before = sorted(path.name for path in tmp_path.iterdir())
    code, out, err = call(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("package", "arguments"),
    [
        ("onnx", ["export", "model", "-o", "m.onnx"]),
        ("onnxruntime", ["score", "model.onnx", "log.csv", "-o", "s.csv"]),
    ],
)
def test_a_missing_package_is_named_with_the_extra_that_has_it(
    call, monkeypatch, package, arguments
):
    monkeypatch.setitem(sys.modules, package, None)
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert f"needs {package}, which is not installed: pip install 'dccad[onnx]'" in err


def test_a_full_disk_leaves_the_earlier_file_as_it_was(trained, tmp_path, monkeypatch):
    export_onnx(trained, tmp_path / "model.onnx")
    before = (tmp_path / "model.onnx").read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        export_onnx(trained, tmp_path / "model.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    assert (tmp_path / "model.onnx").read_bytes() == before


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
