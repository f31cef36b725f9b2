"""The choice of one window statistic against an exhaustive search."""

import itertools

import numpy as np
import pytest

from baseline_logs import SENSORS, standardised, windows_of
from dccad import Run
from dccad.evaluation.baselines import (
    StatisticSelection,
)
from dccad.evaluation.baselines.selection import best_split, persistence


def test_the_best_split_is_that_of_an_exhaustive_search():
    rng = np.random.default_rng(5)
    values = np.column_stack([rng.normal(size=30), rng.integers(4, size=30), np.full(30, 2.0)])
    separation, thresholds = best_split(values)
    for column in range(2):
        found = values[:, column]
        total = ((found - found.mean()) ** 2).sum()
        explained = {}
        for cut in np.unique(found)[:-1]:
            low, high = found[found <= cut], found[found > cut]
            within = ((low - low.mean()) ** 2).sum() + ((high - high.mean()) ** 2).sum()
            explained[cut] = 1 - within / total
        best = max(explained, key=explained.get)
        assert separation[column] == pytest.approx(explained[best])
        assert ((found > thresholds[column]) == (found > best)).all()
    assert separation[2] == 0.0  # a constant has nothing to explain


def test_persistence_counts_switches_within_runs_only():
    sides = [np.array([[0], [0], [1], [1], [1]], bool), np.array([[1], [0], [0]], bool)]
    pairs = [(a, a + 2) for a in range(3)]
    switched = [bool(sides[0][i, 0] != sides[0][j, 0]) for i, j in pairs] + [True]
    share = 4 / 8
    expected = 1 - np.mean(switched) / (2 * share * (1 - share))
    assert persistence(sides, 2)[0] == pytest.approx(expected)


def naive_statistics(rows, length):
    """Mean, log-variance, log mean squared difference of sensors and whitened directions."""
    rows = standardised(rows, rows)
    values, vectors = np.linalg.eigh(rows.T @ rows / len(rows))
    channels = np.hstack([rows, rows @ vectors / np.sqrt(values + 0.02)])
    columns = []
    for statistic, channel in itertools.product(range(3), channels.T):
        windows = windows_of(channel, length)
        if statistic == 0:
            columns.append([w.mean() for w in windows])
        elif statistic == 1:
            columns.append([np.log(w.var() + 1e-3) for w in windows])
        else:
            columns.append([np.log((np.diff(w) ** 2).mean() + 1e-3) for w in windows])
    return np.array(columns).T


def test_the_selection_is_that_of_every_candidate_by_hand():
    rng = np.random.default_rng(8)
    rows = rng.normal(size=(120, 3))
    rows[80:, 2] = 3.0 * rows[80:, 2]  # only the spread of one sensor changes
    method = StatisticSelection(window=8).fit([Run(rows, SENSORS)])
    statistics = naive_statistics(rows, 8)
    quality = []
    for column in statistics.T:
        total = ((column - column.mean()) ** 2).sum()
        best = (-1.0, None)
        for cut in np.sort(column)[:-1]:
            low, high = column[column <= cut], column[column > cut]
            between = len(low) * len(high) / len(column) * (low.mean() - high.mean()) ** 2
            best = max(best, (between / total, cut))
        side = column > best[1]
        chance = 2 * side.mean() * (1 - side.mean())
        quality.append(best[0] * (1 - (side[8:] != side[:-8]).mean() / chance))
    np.testing.assert_allclose(method.quality_, quality, rtol=1e-3, atol=1e-5)
    assert method.statistic_ == int(np.argmax(quality))
    assert method.statistic_ >= 6  # no mean
    [regions] = method.predict_region([Run(rows, SENSORS)])
    assert (regions[:7] == -1).all()
    assert (regions[10:80] == 0).mean() > 0.95
    assert (regions[90:] == 1).mean() > 0.95
