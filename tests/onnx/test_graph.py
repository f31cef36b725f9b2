"""Nodes of a graph compute what their names say."""

import numpy as np
import onnxruntime
import pytest

from dccad.onnx.graph import Graph


@pytest.mark.parametrize("length", [*range(1, 10), 28])
def test_moving_sums_are_sums_of_the_rows(length):
    rows = np.arange(40.0).reshape(1, 20, 2) ** 2 if length < 10 else np.ones((1, 60, 2))
    graph = Graph()
    graph.name(graph.moving_sum("rows", length), "sums")
    model = graph.finish({"rows": [1, None, 2]}, {"sums": (np.float64, [1, None, 2])})
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (found,) = session.run(None, {"rows": rows})
    naive = [
        rows[0, start : start + length].sum(axis=0) for start in range(len(rows[0]) + 1 - length)
    ]
    np.testing.assert_allclose(found[0], naive)
