"""Nodes of a graph compute what their names say."""

import numpy as np
import onnxruntime
import pytest

from dccad.onnx.graph import Graph
from graph_runs import run


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


ROWS = np.random.default_rng(0).normal(size=(2, 9, 3))


@pytest.mark.parametrize(("length", "last"), [(1, None), (4, None), (4, 1), (7, 3), (9, 9)])
def test_a_moving_mean_is_that_of_the_window_or_of_its_last_rows(length, last):
    graph = Graph()
    found = run(graph, graph.moving_mean("rows", length, last), rows=ROWS)
    count = last or length
    expected = [ROWS[:, end - count : end].mean(axis=1) for end in range(length, 10)]
    np.testing.assert_allclose(found, np.stack(expected, axis=1), rtol=1e-12)


def test_one_broken_row_spoils_only_the_sums_that_hold_it():
    broken = ROWS.copy()
    broken[:, 3] = 1e300
    graph = Graph()
    found = run(graph, graph.moving_sum("rows", 3), rows=broken)
    np.testing.assert_allclose(
        found[:, 4:], [[part[i : i + 3].sum(axis=0) for i in (4, 5, 6)] for part in ROWS]
    )
    assert (found[:, 1:4] > 1e299).all()


@pytest.mark.parametrize("axis", [1, 2])
@pytest.mark.parametrize(("start", "drop"), [(0, 0), (1, 0), (0, 2), (1, 1)])
def test_a_cut_leaves_out_both_ends_of_an_axis(axis, start, drop):
    graph = Graph()
    found = run(graph, graph.add("Identity", graph.cut("rows", start, drop, axis)), rows=ROWS)
    kept = np.arange(start, ROWS.shape[axis] - drop)
    np.testing.assert_array_equal(found, ROWS.take(kept, axis))


def test_entries_are_taken_in_the_order_of_their_indices():
    graph = Graph()
    np.testing.assert_array_equal(
        run(graph, graph.take("rows", [2, 0]), rows=ROWS), ROWS[..., [2, 0]]
    )
    graph = Graph()
    found = run(graph, graph.take("rows", [5, 5, 1], axis=1), rows=ROWS)
    np.testing.assert_array_equal(found, ROWS[:, [5, 5, 1]])


@pytest.mark.parametrize("length", [1, 4, 9])
def test_windows_are_cut_from_each_entry_of_the_batch_and_unfolded_again(length):
    graph = Graph()
    found = run(graph, graph.windows("rows", length), rows=ROWS)
    expected = [part[i : i + length].T for part in ROWS for i in range(10 - length)]
    np.testing.assert_array_equal(found, expected)
    graph = Graph()
    sums = graph.add("ReduceSum", graph.windows("rows", length), np.array([2]), keepdims=0)
    found = run(graph, graph.unfold(sums, "rows", length), rows=ROWS)
    by_window = [[part[i : i + length].sum(axis=0) for i in range(10 - length)] for part in ROWS]
    np.testing.assert_allclose(found, by_window, rtol=1e-12)


def test_equal_constants_are_stored_once_and_others_are_kept_apart():
    graph = Graph()
    one = graph.constant(np.array([1.0, 2.0]))
    assert graph.constant(np.array([1.0, 2.0])) == one
    others = [
        np.array([1.0, 2.0], dtype=np.float32),
        np.array([[1.0, 2.0]]),
        np.array([1.0, 3.0]),
        np.float64(0.0),
        np.int64(0),  # of the same bytes
    ]
    assert len({one, *map(graph.constant, others)}) == 6


def test_numbers_change_their_type_and_not_their_value():
    graph = Graph()
    single = run(graph, graph.cast("rows", np.float32), np.float32, rows=ROWS)
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, ROWS.astype(np.float32))
    graph = Graph()
    again = run(graph, graph.double(graph.cast("rows", np.float32)), rows=ROWS)
    np.testing.assert_array_equal(again, ROWS.astype(np.float32).astype(np.float64))
