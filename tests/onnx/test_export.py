"""A model of every kind is exported, scores as the detector, and is written whole or not at all."""

import json
import os
import sys

import numpy as np
import polars as pl
import pytest

import onnx
from conftest import SMALL
from dccad import DCCA
from dccad.onnx import export_onnx
from dccad.parameters import AS_PUBLISHED
from onnx_scores import LOG, compare, equal_tables, exported

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
