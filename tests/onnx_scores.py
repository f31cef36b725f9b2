"""Exported models, and what they score compared with what the detector does."""

import numpy as np

from conftest import RTOL
from dccad.onnx import export_onnx, load_onnx


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


LOG = ["log.csv", "--run", "unit"]


def equal_tables(one, two):
    assert one.columns == two.columns
    assert one.schema == two.schema
    for name in one.columns:
        if name in ("score", "p_value"):
            np.testing.assert_allclose(one[name], two[name], atol=RTOL["onnx"])
        else:
            assert one[name].equals(two[name]), name
