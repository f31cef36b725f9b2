"""A folder with a log and a model in both forms, and the command line called in it."""

import warnings

import pandas as pd
import polars as pl
import pytest

from conftest import FAST, caller
from dccad import DCCA
from dccad.errors import DccadWarning
from dccad.onnx import export_onnx


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
