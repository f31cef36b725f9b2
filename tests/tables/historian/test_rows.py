"""Reports of tags come to common rows without invention."""

import numpy as np

from long_tables import pivot, refusal

# Pivoting, by hand --------------------------------------------------------------------------------


def test_values_are_held_on_the_given_grid():
    wide = pivot(
        [
            (0, "b", 1.0),
            (0, "a", 10.0),
            (7, "b", 2.0),
            (10, "b", 3.0),
            (25, "a", 20.0),
            (30, "b", 4.0),
        ],
        resample=10.0,
    )
    assert wide.tags == ("a", "b")
    assert wide.instants.tolist() == [0, 10, 20, 30]
    assert wide.values.tolist() == [[10, 1], [10, 3], [10, 3], [20, 4]]
    assert wide.notes == ("rows every 10 s, the last value held",)


def test_values_on_the_line_and_held_after_the_last_report():
    wide = pivot(
        [(0, "a", 0.0), (0, "b", 0.0), (20, "b", 2.0), (40, "a", 4.0)], resample=10, fill="linear"
    )
    assert wide.values.tolist() == [[0, 0], [1, 1], [2, 2], [3, 2], [4, 2]]


def test_means_since_the_row_before_and_held_where_nothing_came():
    wide = pivot(
        [
            (0, "a", 1.0),
            (4, "a", 2.0),
            (8, "a", 4.0),
            (10, "a", 6.0),
            (30, "a", 9.0),
            (0, "b", 5.0),
            (30, "b", 7.0),
        ],
        resample=10,
        fill="mean",
    )
    assert wide.instants.tolist() == [0, 10, 20, 30]
    assert wide.values.tolist() == [[1, 5], [4, 5], [6, 5], [9, 7]]


def test_the_grid_is_the_median_step_of_the_tags_rounded_to_what_was_meant():
    rng = np.random.default_rng(0)
    rows = []
    for tag, step in (("fast", 20.0), ("typical", 60.0), ("slow", 900.0)):
        times = np.arange(0.0, 7200.0, step) + rng.uniform(0, 0.8, int(7200 / step))
        rows += [(time, tag, 1.0) for time in times]
    wide = pivot(rows)
    assert set(np.diff(wide.instants)) == {60.0}
    assert "rows every 60 s, the median step of the tags, the last value held" in wide.notes


def test_tags_that_report_together_keep_their_instants():
    times = [3.5, 13.5, 23.5, 30.0, 43.5]
    rows = [(time, tag, time + i) for time in times for i, tag in enumerate("abc")]
    wide = pivot([*rows, (17.0, "c", -1.0), (3.5, "lab", 1.0), (25.0, "lab", 2.0)])
    assert wide.instants.tolist() == times
    assert (
        "the tags report at common times, which are the rows; else the last value held"
        in wide.notes
    )
    assert wide.tags == ("a", "b", "c", "lab")
    assert wide.values[:, 0].tolist() == times
    assert wide.values[:, 2].tolist() == [time + 2 for time in times]
    assert wide.values[:, 3].tolist() == [1, 1, 1, 2, 2]


def test_a_value_that_is_missing_among_common_instants_is_held():
    rows = [(t, tag, float(t)) for t in range(20) for tag in "abcd" if (t, tag) != (7, "b")]
    wide = pivot(rows)
    assert wide.values[7].tolist() == [7, 6, 7, 7]


# Cuts and leading rows ----------------------------------------------------------------------------


def test_a_value_is_held_however_old_while_any_tag_reports():
    rows = [(float(t), "fast", float(t)) for t in range(1000)]
    wide = pivot([*rows, (0.0, "set", 5.0), (900.0, "set", 6.0)], resample=1.0)
    assert wide.values[899].tolist() == [899, 5]
    assert wide.values[900].tolist() == [900, 6]
    assert wide.notes[-1] == "the oldest value taken is of 'set', 899 s old"


def test_the_log_is_cut_where_no_tag_reports():
    rows = [(float(t), tag, float(t)) for t in [*range(5), *range(16, 20)] for tag in "ab"]
    wide = pivot(rows, resample=1.0)
    assert wide.instants.tolist() == [0, 1, 2, 3, 4, 16, 17, 18, 19]
    assert wide.notes[1] == "cut at 1 time where no tag reports for longer than 10 s"
    assert len(pivot(rows, resample=1.0, max_gap=12.0).instants) == 20


def test_no_value_is_taken_across_a_cut():
    rows = [(float(t), "a", float(t)) for t in [*range(5), *range(16, 20)]]
    rows += [(0.0, "b", 0.0), (2.0, "b", 2.0), (17.0, "b", 17.0), (18.0, "b", 18.0)]
    for fill in ("hold", "linear", "mean"):
        wide = pivot(rows, resample=1.0, fill=fill)
        assert wide.instants.tolist() == [0, 1, 2, 3, 4, 17, 18, 19]
        line = 1 if fill == "linear" else 0
        assert wide.values[:, 1].tolist() == [0, line, 2, 2, 2, 17, 18, 18]


def test_rows_before_every_tag_has_reported_are_left_out_at_the_start_and_after_a_cut():
    rows = [(float(t), "a", float(t)) for t in [*range(10), *range(50, 60)]]
    wide = pivot([*rows, (3.0, "b", 1.0), (5.0, "b", 2.0), (57.0, "b", 3.0)], resample=1.0)
    assert wide.instants.tolist() == [*range(3, 10), *range(57, 60)]
    assert wide.notes[2:] == (
        "the first 3 rows are left out: only then does 'b' report",
        "after interruptions 7 rows are left out until every tag has reported again, most (7) for "
        "'b'",
    )


def test_tags_that_never_report_together_are_refused():
    rows = [(float(t), "a", 1.0) for t in range(5)] + [
        (float(t), "b", 1.0) for t in range(100, 105)
    ]
    assert refusal(rows, resample=1.0) == (
        "FILE: there is no row in which every tag has a value ('b' reports from 100 on, 'a' until "
        "4, and the log is cut 1 times where no tag reports for longer than 10 s); leave tags out "
        "with --drop, raise --max-gap, or shorten --resample"
    )


def test_a_grid_that_would_not_fit_into_memory_is_refused():
    rows = [(t * 1e6, "a", 1.0) for t in range(100)]
    assert refusal(rows, resample=1e-3, max_gap=1e9) == (
        "FILE: a grid of 0.001 s has 99000000001 rows × 1 sensors, made from 100 values; choose a "
        "longer interval with --resample"
    )
