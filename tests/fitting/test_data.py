"""Which rows a fit trains on, and which it never sees."""

import numpy as np

from dccad.fitting.data import hold_out, leave_out
from dccad.logs.runs import Run


def counted(start, stop, name="log"):
    return Run(np.arange(start, stop, dtype=float)[:, None], ("a",), name)


def test_the_last_part_of_each_reference_run_is_held_out():
    training, held_out = hold_out([counted(0, 100), counted(200, 250)], 0.2, shortest=10)
    assert [run.values[0, 0] for run in held_out] == [80.0, 240.0]
    assert [len(run) for run in training] == [80, 40]


def test_a_run_too_short_to_divide_is_trained_on_whole():
    training, held_out = hold_out([counted(0, 12), counted(0, 100)], 0.3, shortest=10)
    assert [len(run) for run in training] == [12, 70]
    assert [len(run) for run in held_out] == [30]


def test_held_out_rows_that_stand_in_the_log_are_cut_out_of_it():
    log = [counted(0, 50), counted(100, 200)]
    rest = leave_out(log, [counted(130, 140), counted(190, 200)])
    spans = [(run.values[0, 0], run.values[-1, 0]) for run in rest]
    assert spans == [(0.0, 49.0), (100.0, 129.0), (140.0, 189.0)]


def test_rows_that_only_begin_like_the_held_out_part_stay_in_the_log():
    values = np.array([1.0, 2, 1, 2, 3, 1, 2])[:, None]
    rest = leave_out([Run(values, ("a",))], [Run(values[2:5], ("a",))])
    assert [run.values.ravel().tolist() for run in rest] == [[1.0, 2.0], [1.0, 2.0]]
