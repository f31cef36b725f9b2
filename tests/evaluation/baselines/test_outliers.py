"""Isolation forest, neighbours and PyOD's detectors on flattened windows."""

import sys

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from baseline_logs import NEW, NORMAL, fitted, flat, scores_of, standardised
from dccad.errors import MissingExtraError
from dccad.evaluation.baselines import (
    IsolationForestMonitor,
    NeighboursMonitor,
    PyODAutoEncoder,
    PyODDeepSVDD,
)


def test_forest_and_neighbours_are_those_of_the_flattened_windows():
    train, new = (flat(standardised(run.values), 3).astype(np.float32) for run in (NORMAL, NEW))
    forest = IsolationForest(random_state=4).fit(train)
    scores = scores_of(fitted(IsolationForestMonitor, window=3, random_state=4))
    np.testing.assert_allclose(scores[2:], -forest.score_samples(new), rtol=0.02)
    expected = [sorted(np.linalg.norm(train - row, axis=1))[4] for row in new]
    np.testing.assert_allclose(scores_of(fitted(NeighboursMonitor, window=3))[2:], expected, 1e-5)


@pytest.mark.parametrize("kind", [PyODAutoEncoder, PyODDeepSVDD])
def test_pyod_is_named_where_it_is_missing(kind, monkeypatch):
    for module in ("pyod.models.auto_encoder", "pyod.models.deep_svdd"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"needs pyod, .* pip install 'dccad\[baselines\]'"):
        fitted(kind, window=1)


@pytest.mark.parametrize(
    ("kind", "module", "name"),
    [
        (PyODAutoEncoder, "auto_encoder", "AutoEncoder"),
        (PyODDeepSVDD, "deep_svdd", "DeepSVDD"),
    ],
)
def test_pyod_detectors_see_the_flattened_windows(kind, module, name):
    models = pytest.importorskip(f"pyod.models.{module}")
    monitor = fitted(kind, window=2, epochs=2)
    assert isinstance(monitor.detector_, getattr(models, name))
    new = flat(standardised(NEW.values), 2).astype(np.float32)
    expected = monitor.detector_.decision_function(new)
    np.testing.assert_allclose(scores_of(monitor)[1:], expected, rtol=1e-3, atol=1e-5)
