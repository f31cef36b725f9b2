"""Segments on their way through the preparation: each keeps the way back to the log's rows."""

import numpy as np
import pytest

from dccad.errors import InputError
from dccad.logs.preparation.prepared import PreparedSegment, find_columns
from dccad.logs.runs import Run


@pytest.fixture
def segment():
    """Rows 10 to 15 of a log; each value is its row of the log."""
    rows = np.arange(10.0, 16.0)
    run = Run(rows[:, None], ("a",), time=rows, row_labels=np.arange(6) % 2, onset=3)
    return PreparedSegment.of(run, 10)


FLAGS = np.array([True, True, False, True, False, True])


def test_kept_neighbours_become_segments_that_cover_their_own_rows(segment):
    kept = segment.keep(FLAGS)
    assert [part.run.values.ravel().tolist() for part in kept] == [[10, 11], [13], [15]]
    assert [part.run.time.tolist() for part in kept] == [[10, 11], [13], [15]]
    assert [part.run.row_labels.tolist() for part in kept] == [[0, 1], [1], [1]]
    for part in kept:
        assert part.ends.tolist() == part.covers.tolist() == part.run.values.ravel().tolist()
        assert part.run.onset is None


def test_joined_rows_are_one_segment_without_the_rows_left_out(segment):
    [joined] = segment.keep(FLAGS, join=True)
    assert joined.run.values.ravel().tolist() == [10, 11, 13, 15]
    assert joined.ends.tolist() == joined.covers.tolist() == [10, 11, 13, 15]


def test_all_rows_kept_give_the_segment_itself_and_none_give_none(segment):
    assert segment.keep(np.ones(6, dtype=bool)) == [segment]
    assert segment.keep(np.zeros(6, dtype=bool)) == []


def test_rows_that_wait_for_a_prepared_row_leave_with_it(segment):
    every_second = segment.pick(slice(1, None, 2))  # complete at rows 11, 13, 15
    assert every_second.covers.tolist() == list(range(10, 16))
    first, second = every_second.keep(np.array([True, False, True]))
    assert first.covers.tolist() == [10, 11, 12]
    assert second.covers.tolist() == [15]
    [late] = every_second.keep(np.array([False, True, True]))
    assert (late.ends.tolist(), late.covers.tolist()) == ([13, 15], [13, 14, 15])
    [early] = every_second.keep(np.array([True, False, False]))
    assert early.covers.tolist() == [10, 11, 12]
    [joined] = every_second.keep(np.array([False, True, True]), join=True)
    assert joined.covers.tolist() == [13, 14, 15]


def test_columns_are_found_by_name_before_pattern_and_only_once():
    run = Run(np.zeros((1, 4)), ("flow 1", "level", "flow 2", "flow*"))
    assert find_columns(run, ["level", "flow*"]) == [1, 3]  # a sensor of that very name
    assert find_columns(run, ["flow ?", "flow 2", "level"]) == [0, 2, 1]
    with pytest.raises(InputError, match="no sensor 'Level' for the prepare steps; the log has"):
        find_columns(run, ["Level"])
