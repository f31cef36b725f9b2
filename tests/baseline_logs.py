"""A log of three correlated sensors, and naive windows of it, for the tests of baselines."""

import numpy as np

from dccad import Run

SENSORS = ("a", "b", "c")
MIX = np.array([[1.0, 0.9, 0.0], [0.0, 0.3, 0.0], [0.0, 0.2, 1.0]])


def make_run(n_rows, seed, name="log"):
    return Run(np.random.default_rng(seed).normal(size=(n_rows, 3)) @ MIX, SENSORS, name)


NORMAL, NEW = make_run(160, 0), make_run(40, 1)


def standardised(rows, by=NORMAL.values):
    return (rows - by.mean(axis=0)) / by.std(axis=0)


def windows_of(rows, length):
    """Windows as loops: sensor after sensor, and within each the rows of the window."""
    return [rows[start : start + length] for start in range(len(rows) - length + 1)]


def flat(rows, length):
    return np.array([window.T.ravel() for window in windows_of(rows, length)])


def fitted(kind, **parameters):
    return kind(false_alarm_rate=0.1, **parameters).fit(None, normal=[NORMAL])


def scores_of(monitor):
    return monitor.decision_function([NEW])[0]
