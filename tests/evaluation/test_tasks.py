"""Rows that are judged, laid under one another."""

import numpy as np

from dccad import Run
from dccad.evaluation.tasks import Judged, by_own_labels, join_rows, known_kinds


def run_of(n_rows, **extra):
    return Run(np.zeros((n_rows, 1)), ("a",), **extra)


def test_rows_before_the_first_judged_one_keep_their_labels():
    rows = join_rows([by_own_labels(run_of(4, onset=1), first=2), by_own_labels(run_of(2))])
    assert rows.labels.tolist() == [0, 1, 1, 1, 0, 0]
    assert rows.judged.tolist() == [False, False, True, True, True, True]


def test_a_kind_is_that_of_the_anomalous_rows_only():
    parts = [by_own_labels(run_of(3, onset=1), kind="chatter"), by_own_labels(run_of(1))]
    assert join_rows(parts).kinds.tolist() == ["", "chatter", "chatter", ""]
    classes = Judged(run_of(2), np.array([0, 7]), kind="chipping")
    assert join_rows([classes]).kinds.tolist() == ["", "chipping"]
    assert known_kinds([*parts, classes]) == ["chatter", "chipping"]
    assert known_kinds(parts[1:]) == []
