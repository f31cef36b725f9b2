"""Runs are cut where recording was interrupted, and results find back to the caller's form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dccad.errors import InputError
from dccad.logs.runs import GAP_STEPS, Log, Run, split_at_gaps, true_stretches


def run_at(stamps, name="pump"):
    values = np.arange(len(stamps), dtype=float)[:, None]
    return Run(values, ("a",), name, time=np.asarray(stamps))


def naive_segments(stamps, limit):
    """Rows of each segment: a new one begins after every step longer than the limit."""
    segments = [[0]]
    for row in range(1, len(stamps)):
        if stamps[row] - stamps[row - 1] > limit:
            segments.append([])
        segments[-1].append(row)
    return segments


STEPS = st.lists(st.sampled_from([1, 2, 5, 6, 40]), min_size=1, max_size=30)


@given(STEPS, st.sampled_from([None, 1.0, 5.0, 30.0]), st.booleans())
def test_a_run_is_cut_as_a_loop_cuts_it(steps, max_gap, dates):
    seconds = np.cumsum([0, *steps])
    limit = 5 * float(np.median(steps)) if max_gap is None else max_gap
    stamps = np.datetime64("2024-01-01", "s") + seconds if dates else seconds.astype(float)
    found = split_at_gaps(run_at(stamps), max_gap)
    expected = naive_segments(seconds.tolist(), limit)
    assert [segment.values.ravel().tolist() for segment in found] == expected
    assert np.concatenate([segment.time for segment in found]).tolist() == stamps.tolist()


def test_a_step_of_exactly_the_limit_is_no_gap():
    median = 2.0
    for step, count in ((GAP_STEPS * median, 1), (GAP_STEPS * median + 0.01, 2)):
        stamps = np.cumsum([0, *[median] * 5, step, *[median] * 5])
        assert len(split_at_gaps(run_at(stamps))) == count


@pytest.mark.parametrize(
    ("stamps", "words"),
    [
        ([0.0, 2.0, 1.0], "the time stamp of row 2 is not later than the one before"),
        ([0.0, 0.0, 1.0], "the time stamp of row 1 is not later than the one before"),
        ([0.0, np.nan, 1.0], "has rows without a time stamp"),
        ([0.0, np.inf, 1.0], "has rows without a time stamp"),
        (np.array(["2024-01-01", "NaT"], "datetime64[s]"), "has rows without a time stamp"),
    ],
)
def test_stamps_that_do_not_increase_are_refused(stamps, words):
    with pytest.raises(InputError, match=f"run 'pump'.*{words}"):
        split_at_gaps(run_at(stamps))


@pytest.mark.parametrize(
    ("start", "stop", "onset", "labels"),
    [
        (0, 4, None, [0, 0, 0, 0]),
        (2, 6, 2, [0, 0, 1, 1]),
        (5, 8, 0, [1, 1, 1]),
        (6, 99, 0, [1, 1, 1, 1]),
    ],
)
def test_rows_cut_out_of_a_run_keep_their_fault(start, stop, onset, labels):
    run = Run(np.arange(10.0)[:, None], ("a",), fault=3, onset=4)
    part = run.rows(start, stop)
    assert (part.onset, part.fault) == (onset, 3)
    assert part.labels.tolist() == labels
    assert part.values.ravel().tolist() == list(range(start, min(stop, 10)))


def test_labels_of_rows_are_preferred_to_the_onset_and_are_cut_with_the_rows():
    labels = np.array([1, 0, 0, 1])
    run = Run(np.zeros((4, 1)), ("a",), onset=1, row_labels=labels)
    assert run.labels.tolist() == [1, 0, 0, 1]
    assert run.rows(2, 4).labels.tolist() == [0, 1]


def test_results_come_back_in_the_form_the_log_came_in():
    runs = (Run(np.zeros((2, 1)), ("a",)), Run(np.zeros((3, 1)), ("a",)))
    per_row = np.arange(5.0)
    assert Log(runs, (2, 3)).restore(per_row) is per_row
    listed = Log(runs, (2, 3), single=False).restore(per_row)
    assert [part.tolist() for part in listed] == [[0, 1], [2, 3, 4]]
    keyed = Log(runs, (2, 3), keys=("x", 7), single=False).restore(per_row)
    assert {key: part.tolist() for key, part in keyed.items()} == {"x": [0, 1], 7: [2, 3, 4]}


def test_the_digest_knows_values_names_and_where_segments_end():
    def digest(values, columns=("a",), cut=2):
        values = np.asarray(values, dtype=float)[:, None]
        segments = (Run(values[:cut], columns), Run(values[cut:], columns))
        return Log(segments, (len(values),)).digest()

    same = digest([1, 2, 3, 4])
    assert digest([1, 2, 3, 4]) == same
    others = {digest([1, 2, 3, 5]), digest([1, 2, 3, 4], ("b",)), digest([1, 2, 3, 4], cut=1)}
    assert len(others) == 3
    assert same not in others


@given(st.lists(st.booleans(), max_size=20))
def test_stretches_of_true_are_those_of_a_loop(flags):
    expected, start = [], None
    for row, flag in enumerate([*flags, False]):
        if flag and start is None:
            start = row
        elif not flag and start is not None:
            expected.append((start, row))
            start = None
    assert list(true_stretches(np.array(flags, dtype=bool))) == expected
