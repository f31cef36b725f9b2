"""Folds of a reference, by hand and as laws."""

import pytest

from dccad.calibration import folds as plans
from dccad.calibration.folds import plan_drift_folds, plan_folds
from dccad.logs.source import Segment
from naive import naive_training_rows


def rows_of(blocks):
    return [(run, row) for run, start, stop in blocks for row in range(start, stop)]


LAYOUTS = [
    ([60], 5, 3),
    ([500], 30, 10),
    ([101], 7, 10),
    ([100, 37], 4, 5),
    ([80, 80, 3], 6, 4),
    ([40, 50, 60, 30, 20, 45], 8, 10),
    ([90, 10, 20, 30, 40, 50, 60], 5, 3),
]


@pytest.mark.parametrize(("lengths", "window", "n_folds"), LAYOUTS)
def test_every_row_is_held_out_once(lengths, window, n_folds, monkeypatch):
    monkeypatch.setattr(plans, "N_FOLDS", n_folds)
    folds = plan_folds(lengths, window)
    held_out = sorted(row for fold in folds for row in rows_of(fold.held_out))
    assert held_out == [(run, row) for run, n in enumerate(lengths) for row in range(n)]


@pytest.mark.parametrize(("lengths", "window", "n_folds"), LAYOUTS)
def test_training_is_every_stretch_beyond_the_gap(lengths, window, n_folds, monkeypatch):
    monkeypatch.setattr(plans, "N_FOLDS", n_folds)
    for fold in plan_folds(lengths, window):
        expected = naive_training_rows(lengths, fold.held_out, window, window)
        assert rows_of(fold.training) == sorted(expected)
        assert fold.n_training_rows == len(expected)


def test_many_runs_are_held_out_whole(monkeypatch):
    monkeypatch.setattr(plans, "N_FOLDS", 3)
    folds = plan_folds([40, 50, 60, 30, 20, 45], window=8)
    assert [[block.run for block in fold.held_out] for fold in folds] == [[2, 4], [1, 3], [5, 0]]
    assert folds[0].training == (
        Segment(0, 0, 40),
        Segment(1, 0, 50),
        Segment(3, 0, 30),
        Segment(5, 0, 45),
    )


def test_drift_folds_differ_only_in_where_they_train():
    ahead, between = plan_drift_folds([101, 99], window=10)
    assert ahead.held_out == (Segment(0, 100, 101), Segment(1, 0, 99))
    assert ahead.training == (Segment(0, 0, 90),)
    assert between.held_out == (Segment(0, 55, 101), Segment(1, 0, 44))
    assert between.training == (Segment(0, 0, 45), Segment(1, 54, 99))
    assert ahead.n_training_rows == between.n_training_rows
    assert plan_drift_folds([60], window=20) == []
