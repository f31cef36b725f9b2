import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conftest import windows_of
from dccad.errors import InputError
from dccad.logs.runs import Run
from dccad.logs.windows import (
    WindowSet,
    check_window_count,
    join_windows,
    normal_stretches,
    slice_windows,
    window_starts,
    windows_to_rows,
)
from naive import naive_rows, naive_stretches, naive_windows

SEGMENTS = st.lists(st.integers(1, 12), min_size=1, max_size=4)


def position_rows(lengths, n_sensors=3):
    """Every value names its row and sensor, so that any slip in slicing shows."""
    rows = np.arange(sum(lengths), dtype=np.float32)[:, None] + 1000 * np.arange(n_sensors)
    return np.split(rows.astype(np.float32), np.cumsum(lengths)[:-1])


@given(SEGMENTS, st.integers(1, 6), st.integers(1, 4))
def test_windows_hold_the_rows_of_one_run_only(lengths, length, stride):
    segments = position_rows(lengths)
    windows = windows_of(segments, length, stride)
    expected = naive_windows(segments, length, stride)
    assert len(windows) == len(expected)
    if expected:
        found = windows[torch.arange(len(windows))].numpy()
        np.testing.assert_array_equal(found, np.array([window for window, _ in expected]))
        assert (windows.starts + length - 1).tolist() == [last for _, last in expected]


@given(SEGMENTS, st.integers(1, 6), st.integers(1, 4))
def test_rows_get_the_latest_finished_window_of_their_own_run(lengths, length, stride):
    starts = window_starts(lengths, length, stride)
    values = np.arange(1.0, len(starts) + 1)
    rows = windows_to_rows(values, starts, length, lengths)
    expected = naive_rows(values.tolist(), lengths, length, stride)
    assert [None if np.isnan(value) else value for value in rows] == expected


def test_a_window_stands_for_its_last_row():
    run = np.arange(40.0)[:, None] + 1000 * np.arange(3)
    assert slice_windows(run, 8, 4).mean(axis=2)[3, 1] == 1000 + 12 + 3.5


def test_slicing_makes_no_copy_and_leaves_the_run_alone():
    run = np.zeros((10, 2))
    windows = slice_windows(run, 4)
    assert np.shares_memory(windows, run)
    with pytest.raises(ValueError, match="read-only"):
        windows[0] = 1.0


def test_a_batch_taken_in_any_order_pairs_windows_with_their_index():
    windows = windows_of(position_rows([9, 7]), 4)
    order = torch.randperm(len(windows))
    assert torch.equal(windows[order], windows[torch.arange(len(windows))][order])


def test_some_of_the_windows_and_a_copy_keep_length_stride_and_segments():
    windows = windows_of([np.zeros((9, 1)), np.zeros((5, 1))], 3, 2)
    for found in (windows.select(torch.tensor([1, 4])), windows.to(torch.device("cpu"))):
        assert (found.length, found.stride) == (3, 2)
    kept = windows.select(torch.tensor([1, 4]))
    assert (kept.starts.tolist(), kept.runs.tolist()) == ([2, 9], [0, 1])


def test_results_with_several_columns_reach_their_rows():
    starts = window_starts([3, 3], 2)
    values = np.arange(8.0).reshape(4, 2)
    rows = windows_to_rows(values, starts, 2, [3, 3])
    np.testing.assert_array_equal(rows[[1, 2, 4, 5]], values)
    assert np.isnan(rows[[0, 3]]).all()


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([5], r"run 'r0' has 5 rows but window=6 needs at least 6 .*shorten the window"),
        ([3, 5], r"the longest of 2 uninterrupted runs has 5 rows but window=6 needs"),
        ([6, 3], r"gives 1 windows of 6 rows, but n_clusters=2 needs at least 2"),
    ],
)
def test_a_log_too_short_says_how_many_rows_it_needs(lengths, message):
    runs = [Run(np.zeros((n, 1)), ("a",), f"r{i}") for i, n in enumerate(lengths)]
    with pytest.raises(InputError, match=message):
        check_window_count(runs, 6, needed=2)


def test_joined_windows_are_those_of_the_parts():
    parts = [
        windows_of([np.random.default_rng(i).normal(size=(n, 2))], 3, stride)
        for i, (n, stride) in enumerate([(9, 1), (4, 1), (3, 2), (12, 4)])
    ]
    parts[0] = parts[0].select(torch.tensor([0, 2, 5]))
    joined = join_windows(parts)
    expected = torch.cat([part[torch.arange(len(part))] for part in parts])
    assert torch.equal(joined[torch.arange(len(joined))], expected)
    assert joined.runs.tolist() == [0, 0, 0, 1, 1, 2, 3, 3, 3]
    assert joined.stride == 1  # that of the first part
    bare = WindowSet(parts[0].rows, parts[0].starts, 3)
    assert join_windows([bare, parts[1]]).runs.tolist() == [0, 0, 0, 1, 1]


@pytest.mark.parametrize("stride", [1, 2, 5])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
def test_normal_stretches_are_the_rows_of_windows_that_share_some(stride, share):
    lengths, window = [40, 3, 25, 31], 6
    table = np.arange(sum(lengths), dtype=float)[:, None]
    runs = [Run(part, ("row",)) for part in np.split(table, np.cumsum(lengths)[:-1])]
    starts = window_starts(lengths, window, stride)
    rng = np.random.default_rng(int(10 * share) + stride)
    normal = rng.random(len(starts)) < share
    found = normal_stretches(runs, starts, normal, window)
    expected = naive_stretches(lengths, starts.tolist(), normal.tolist(), window)
    offsets = np.cumsum([0, *lengths])
    assert [run.values[:, 0].tolist() for run in found] == [
        list(range(offsets[r] + a, offsets[r] + b)) for r, a, b in expected
    ]


def test_neighbours_that_only_touch_are_one_stretch():
    """With stride = window no two windows share a row, and a stretch is still one."""
    runs = [Run(np.arange(20.0)[:, None], ("row",)), Run(np.arange(20.0, 30)[:, None], ("row",))]
    starts = window_starts([20, 10], 5, 5)
    normal = np.array([True, True, False, True, True, True])
    found = [run.values[:, 0].tolist() for run in normal_stretches(runs, starts, normal, 5)]
    assert found == [list(range(10)), list(range(15, 20)), list(range(20, 30))]
