"""Missing values: filled by the stated rule and no further, or refused with where they are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dccad.errors import InputError, MissingValuesError
from dccad.logs import missing as module
from dccad.logs.missing import (
    LARGEST,
    count_filled,
    count_missing,
    fill_missing,
    refuse_non_finite,
    tabulate_missing,
)
from dccad.logs.runs import Run

NAN = float("nan")


def run_of(*columns):
    names = tuple("abc"[: len(columns)])
    return Run(np.array(columns, dtype=float).T.reshape(-1, len(columns)), names, "pump")


def naive_fill(cells, hold, limit):
    """Each stretch of NaN by itself: the last value, or a line between its neighbours."""
    filled = list(cells)
    row = 0
    while row < len(cells):
        if not np.isnan(cells[row]):
            row += 1
            continue
        stop = row
        while stop < len(cells) and np.isnan(cells[stop]):
            stop += 1
        before = cells[row - 1] if row else None
        after = cells[stop] if stop < len(cells) else None
        for place in range(row, stop if stop - row <= limit else row):
            if hold:
                value = before
            elif before is None or after is None:
                value = after if before is None else before
            else:
                value = before + (after - before) * (place - row + 1) / (stop - row + 1)
            filled[place] = NAN if value is None else value
        row = stop
    return filled


CELLS = st.lists(st.sampled_from([NAN, NAN, 0.0, 1.0, 5.0, -3.0]), min_size=1, max_size=20)


@given(CELLS, st.sampled_from(["interpolate", "hold"]), st.integers(0, 4), st.booleans())
def test_gaps_are_filled_as_a_loop_fills_them(cells, rule, limit, causal):
    run = run_of(cells)
    found = fill_missing(run, rule, limit, causal).values.ravel()
    expected = naive_fill(cells, hold=causal or rule == "hold", limit=limit)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_array_equal(run.values.ravel(), cells)  # the caller's values stay


@pytest.mark.parametrize("rule", ["error", "drop"])
def test_rules_that_fill_nothing_give_the_run_itself(rule):
    run = run_of([1, NAN, 3])
    assert fill_missing(run, rule, 5) is run


def test_sensors_are_filled_each_by_itself_and_counted():
    run = run_of([0, NAN, 2, 3], [NAN, NAN, NAN, NAN], [1, NAN, NAN, 4])
    filled = fill_missing(run, "interpolate", 2)
    np.testing.assert_array_equal(filled.values[:, 0], [0, 1, 2, 3])
    assert np.isnan(filled.values[:, 1]).all()
    np.testing.assert_array_equal(filled.values[:, 2], [1, 2, 3, 4])
    assert count_filled([run], [filled]) == {"a": 1, "c": 2}
    assert (count_missing([run]), count_missing([filled])) == (7, 4)


def test_the_table_names_the_worst_sensor_first_and_counts_from_the_runs_first_row():
    run = run_of([1, NAN, 3, NAN, NAN], [1, 2, 3, 4, 5], [NAN, 2, 3, 4, 5])
    table = tabulate_missing(run, first_row=100)
    assert [(t["sensor"], t["missing"], t["first_row"], t["longest"]) for t in table] == [
        ("a", 3, 101, 2),
        ("c", 1, 100, 1),
    ]
    assert [t["share"] for t in table] == [0.6, 0.2]


@pytest.mark.parametrize("block", [1, 2, 1 << 16])
@pytest.mark.parametrize(
    ("bad", "error", "words"),
    [
        (NAN, MissingValuesError, r"missing values, NaN \(1 in 1 of 2 columns, first at row 13, "),
        (np.inf, InputError, r"infinite values \(1 in 1 of 2 columns, first at row 13, "),
        (-np.inf, InputError, r"infinite values"),
        (2 * LARGEST, InputError, r"beyond single precision"),
    ],
)
def test_a_bad_value_in_any_block_is_refused_where_it_is(monkeypatch, block, bad, error, words):
    monkeypatch.setattr(module, "_BLOCK_ROWS", block)
    with pytest.raises(error, match=f"run 'pump' has .*{words}"):
        refuse_non_finite(run_of([1, 2, 3, 4], [1, 2, 3, bad]), first_row=10)


def test_the_largest_value_of_single_precision_passes():
    refuse_non_finite(run_of([LARGEST, -LARGEST]))
    with pytest.raises(InputError, match="beyond single precision"):
        refuse_non_finite(run_of([np.nextafter(LARGEST, np.inf), 0]))


def test_rows_to_be_dropped_may_be_missing_but_not_infinite():
    refuse_non_finite(run_of([1, NAN]), "drop")
    with pytest.raises(InputError, match=r"infinite values \(1 in 1 of 1 columns, first at row 2"):
        refuse_non_finite(run_of([1, NAN, np.inf]), "drop")


def test_the_remedy_depends_on_what_was_asked_for():
    for rule, words in (("error", "on_missing='interpolate'"), ("hold", "raise the limit")):
        with pytest.raises(MissingValuesError, match=words) as caught:
            refuse_non_finite(run_of([1, NAN], [NAN, NAN]), rule)
        assert "'b' has no value at all: leave it out" in str(caught.value)
        assert [row["sensor"] for row in caught.value.table] == ["b", "a"]
