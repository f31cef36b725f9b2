"""Each prepare step: the rows it needs, the rows it makes, and what it does at their edges."""

import numpy as np
import pytest

from dccad.errors import InputError
from dccad.logs.preparation.pipeline import parse_step
from dccad.logs.preparation.prepared import PreparedSegment
from dccad.logs.preparation.steps import STEPS, Condition, DropMissing
from dccad.logs.runs import Run

NAMES = ("torque", "load")
BLOCK_WISE = ["idle:torque", "mode:load>0", "clip:load=..1", "difference:load", "log:torque"]


def applied(step, values, **labels):
    step = parse_step(step) if isinstance(step, str) else step
    run = Run(np.asarray(values, dtype=float).reshape(-1, 2), NAMES, **labels)
    return [segment.run for segment in step.apply(PreparedSegment.of(run, 0))]


@pytest.mark.parametrize(
    ("text", "row_by_row", "streamable", "rows_before", "rows_per_row"),
    [
        ("idle:torque", True, True, 0, 1),
        ("idle:torque,join", True, False, 0, 1),
        ("mode:load>0", True, True, 0, 1),
        ("clip:load=..1", True, True, 0, 1),
        ("log:torque", True, True, 0, 1),
        ("difference:load", False, True, 1, 1),
        ("average:3", False, False, 0, 3),
        ("decimate:4", False, False, 0, 4),
    ],
)
def test_a_step_says_which_rows_it_needs(text, row_by_row, streamable, rows_before, rows_per_row):
    step = parse_step(text)
    assert (step.row_by_row, step.streamable) == (row_by_row, streamable)
    assert (step.rows_before, step.rows_per_row) == (rows_before, rows_per_row)
    assert step.join == text.endswith("join")


def test_every_step_is_among_those_whose_rows_are_tested():
    assert {text.partition(":")[0] for text in BLOCK_WISE} | {"average", "decimate"} == set(STEPS)


ROWS = np.array([1.0, 0, 2, 3, 3, 0, 0, 5, 4, 6, 7, 0])


@pytest.mark.parametrize("text", BLOCK_WISE)
@pytest.mark.parametrize("cut", range(1, 12))
def test_a_streamable_step_gives_the_same_rows_block_by_block(text, cut):
    step = parse_step(text)
    values = np.column_stack([ROWS + (1 if text.startswith("log") else 0), ROWS[::-1]])
    [whole] = [np.concatenate([run.values for run in applied(step, values)])]
    blocks = [values[:cut], values[cut - step.rows_before :]]
    found = [run.values for block in blocks for run in applied(step, block) if len(run)]
    np.testing.assert_array_equal(np.concatenate(found), whole)


@pytest.mark.parametrize("text", [t for t in BLOCK_WISE if t != "difference:load"])
def test_a_step_that_works_row_by_row_gives_single_rows_the_same_values(text):
    step = parse_step(text)
    assert step.row_by_row
    values = np.column_stack([ROWS + (1 if text.startswith("log") else 0), ROWS[::-1]])
    whole = np.concatenate([run.values for run in applied(step, values)])
    single = [run.values for row in values for run in applied(step, row)]
    np.testing.assert_array_equal(np.concatenate(single), whole)


def test_a_difference_is_the_change_since_the_row_before_and_loses_the_first_row():
    [run] = applied("difference:load", [[1, 10], [2, 13], [3, 11]], time=np.array([0.0, 1, 2]))
    assert run.values.tolist() == [[2, 3], [3, -2]]
    assert run.time.tolist() == [1, 2]


def test_a_range_open_on_one_side_limits_that_side_only():
    values = [[-5, -5], [0, 0], [9, 9]]
    assert applied("clip:torque=..2", values)[0].values.tolist() == [[-5, -5], [0, 0], [2, 9]]
    assert applied("clip:*=-1..", values)[0].values.tolist() == [[-1, -1], [0, 0], [9, 9]]


def test_a_logarithm_is_natural_and_names_the_value_it_cannot_take():
    [run] = applied("log:load", [[2, np.e], [2, 1]])
    np.testing.assert_allclose(run.values, [[2, 1], [2, 0]])
    with pytest.raises(InputError, match=r"'load' is -3 in run 'log'.*clip:load=0\.001"):
        applied("log:load", [[1, 1], [1, -3]])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("load>2", [False, False, True]),
        ("load>=2", [False, True, True]),
        ("load<2", [True, False, False]),
        ("load<=2", [True, True, False]),
        ("load==2", [False, True, False]),
        ("load!=2", [True, False, True]),
    ],
)
def test_a_condition_holds_as_it_is_written(text, expected):
    run = Run(np.array([[9, 1], [9, 2], [9, 3]]), NAMES)
    condition = Condition.parse(text)
    assert condition.holds(run).tolist() == expected
    assert str(condition) == text


def test_a_row_with_any_missing_cell_is_dropped():
    values = [[1, 2], [np.nan, 2], [3, np.nan], [4, 5], [6, 7]]
    kept = [run.values.tolist() for run in applied(DropMissing(), values)]
    assert kept == [[[1, 2]], [[4, 5], [6, 7]]]


def test_decimation_keeps_slow_movement_and_removes_what_would_alias():
    t = np.arange(4000) / 100.0
    slow, fast = np.sin(2 * np.pi * 0.5 * t), np.sin(2 * np.pi * 9.0 * t)
    values = np.column_stack([slow, fast])
    [run] = applied("decimate:10", values)
    assert len(run) == 400  # 10 Hz: 9 Hz would come out as 1 Hz of full size
    late = run.values[100:]
    assert 0.97 < late[:, 0].max() <= 1.02
    assert np.abs(late[:, 1]).max() < 0.01
    assert np.abs(values[9::10, 1]).max() > 0.5  # without the filter it does alias


def test_decimation_of_a_level_is_that_level_from_the_first_row_on():
    [run] = applied("decimate:5", np.full((60, 2), 7.5))
    np.testing.assert_allclose(run.values, 7.5, rtol=1e-9)


def test_decimation_sees_no_later_row():
    values = np.random.default_rng(0).normal(size=(200, 2))
    changed = values.copy()
    changed[105:] += 100
    first, second = (applied("decimate:10", v)[0].values for v in (values, changed))
    np.testing.assert_array_equal(first[:10], second[:10])
    assert not np.allclose(first[10:], second[10:])
