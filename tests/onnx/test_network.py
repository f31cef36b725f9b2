"""Both networks as graphs over rows: twins of the fitted ones."""

import numpy as np
import onnxruntime
import pytest

from dccad.onnx import export_onnx
from onnx_scores import exported


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
