"""The rule that reads no sensor."""

import numpy as np

from dccad import Run
from dccad.evaluation.baselines import FlagRows

COLUMNS = ("a", "b")


def make_run(n_rows, seed, **extra):
    return Run(np.random.default_rng(seed).normal(size=(n_rows, 2)), COLUMNS, **extra)


def test_rows_are_flagged_by_their_place_in_each_run_alone():
    runs = [make_run(10, 0), make_run(5, 1)]
    rule = FlagRows(3, 7).fit(None, normal=runs)
    flags = [(scores > rule.threshold_).tolist() for scores in rule.decision_function(runs)]
    assert flags[0] == [False] * 3 + [True] * 4 + [False] * 3
    assert flags[1] == [False] * 3 + [True] * 2
    endless = FlagRows(3).decision_function(runs)[0]
    assert np.flatnonzero(endless).tolist() == list(range(3, 10))
