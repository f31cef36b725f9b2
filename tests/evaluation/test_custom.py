"""A user's detector stands in the tables beside the named methods."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from conftest import FAST
from dccad import DCCA, Run
from dccad.datasets import Dataset
from dccad.errors import InputError
from dccad.evaluation import evaluate
from dccad.evaluation.baselines import LedoitWolfMonitor
from dccad.evaluation.custom import WrappedDetector

ROWS = {"window": 1}


def make_run(name, n_rows, seed, fault=0, onset=None):
    values = np.random.default_rng(seed).normal(size=(n_rows, 2))
    if onset is not None:
        values[onset:] += 6.0
    return Run(values, ("a", "b"), name, fault=fault, onset=onset)


@pytest.fixture(scope="module")
def dataset():
    train = (make_run("d00", 200, 0), make_run("d01", 100, 1, 1, 40))
    test = (make_run("d00_te", 200, 2), make_run("d01_te", 200, 3, 1, 60))
    return Dataset("mini", train, test)


class Distance:
    """PyOD's form: fit, then higher is more anomalous."""

    def fit(self, X, y=None):
        self.mean = X.mean(axis=0)
        self.shape = X.shape
        return self

    def decision_function(self, X):
        return np.linalg.norm(X - self.mean, axis=1)


def test_a_detector_stands_beside_named_methods_with_the_same_figures(dataset):
    record = evaluate(
        {"mine": Distance()}, "tep-monitor", dataset, methods=["lw-mean@10"], seeds=[0, 1]
    )
    assert list(record["results"]) == ["lw-mean@10", "mine"]
    mine, named = record["results"]["mine"], record["results"]["lw-mean@10"]
    assert set(named) - set(mine) == {"deterministic"}
    assert mine["fdr_1_at_far_1"]["per_seed"][0] > 0.9
    assert "Distance" in record["detectors"]["mine"]


def test_windows_runs_and_the_threshold_are_taken_care_of(dataset):
    detector = Distance()
    wrapped = WrappedDetector(window=4, false_alarm_rate=0.1, detector=detector)
    wrapped.fit(None, normal=[dataset.train[0], make_run("more", 50, 9)])
    assert wrapped.detector_.shape == (197 + 47, 2 * 4)  # no window spans both runs
    assert not hasattr(detector, "mean")  # a copy was fitted
    scores = wrapped.decision_function(list(dataset.test))
    assert [int(np.isnan(found).sum()) for found in scores] == [3, 3]
    rows = (dataset.test[0].values - wrapped.scaling_.shift) / wrapped.scaling_.scale
    naive = np.linalg.norm(rows[10:14].T.ravel() - wrapped.detector_.mean)
    assert scores[0][13] == pytest.approx(naive, rel=1e-5)
    assert wrapped.predict(dataset.test[1])[70:].mean() > 0.9
    broken = dataset.test[0].values.copy()
    broken[5, 0] = np.nan
    with pytest.raises(InputError, match="missing"):
        wrapped.decision_function(broken)


@pytest.mark.parametrize(
    "detector",
    [IsolationForest, IsolationForest(), make_pipeline(StandardScaler(), IsolationForest())],
)
def test_the_sign_of_scikit_learns_outlier_detectors_is_turned(dataset, detector):
    record = evaluate({"forest": detector}, "tep-monitor", dataset, seeds=[0], settings=ROWS)
    assert record["results"]["forest"]["roc_auc"]["mean"] > 0.99


def test_the_sign_of_pyods_detectors_is_not_turned(dataset):
    knn = pytest.importorskip("pyod.models.knn").KNN
    record = evaluate({"knn": knn()}, "tep-monitor", dataset, seeds=[0], settings=ROWS)
    assert record["results"]["knn"]["roc_auc"]["mean"] > 0.99


def test_seeds_reach_a_prototype_and_a_factory(dataset):
    seen = []

    def factory(seed):
        seen.append(seed)
        return IsolationForest(random_state=seed, n_estimators=5)

    prototype = IsolationForest(n_estimators=5)
    record = evaluate(
        {"factory": factory, "prototype": prototype},
        "tep-monitor",
        dataset,
        seeds=[3, 4],
        settings=ROWS,
    )
    assert set(seen) == {3, 4}
    one, two = (record["results"][name]["roc_auc"]["per_seed"] for name in ("factory", "prototype"))
    assert one == two
    assert one[0] != one[1]
    assert prototype.random_state is None


def test_labels_of_predict_are_the_regions(dataset):
    record = evaluate({"mine": KMeans(n_init=3)}, "tep-runs", dataset, seeds=[0], settings=ROWS)
    assert record["results"]["mine"]["acc_1"]["mean"] > 0.95
    pooled = evaluate({"mine": KMeans(n_init=3)}, "tep-pooled", dataset, seeds=[0], settings=ROWS)
    assert pooled["results"]["mine"]["acc_k2"]["mean"] > 0.95


def test_an_object_with_the_detectors_interface_is_used_as_it_is(dataset):
    settings = {**FAST, "false_alarm_rate": 0.01}
    record = evaluate({"small": DCCA(**settings)}, "tep-monitor", dataset, seeds=[0])
    assert record["results"]["small"]["fdr_1_at_far_1"]["mean"] > 0.5
    lw = evaluate(
        {"mine": LedoitWolfMonitor(10)}, "tep-monitor", dataset, methods=["lw-mean@10"], seeds=[0]
    )["results"]
    for name in ("roc_auc", "fdr_1_at_far_1", "far_calibrated_1"):
        assert lw["mine"][name] == lw["lw-mean@10"][name]


@pytest.mark.parametrize(
    ("detectors", "protocol", "message"),
    [
        ({"dccad": Distance()}, "tep-monitor", "detector 'dccad': a method has this name"),
        ({"lw-mean@7": Distance()}, "tep-monitor", "'lw-mean@7': a method has this name"),
        ({"mine": Distance()}, "tep-pairs", r"'mine': Distance has no predict\(\), which this"),
        ({"mine": KMeans()}, "tep-monitor", r"KMeans has no decision_function\(\)"),
        ({"mine": "forest"}, "tep-monitor", r"str has no fit\(\)"),
        ({"mine": Distance()}, "tep-monitr", "unknown protocol 'tep-monitr'"),
    ],
)
def test_what_cannot_stand_in_a_table_is_refused_before_anything_is_fitted(
    dataset, detectors, protocol, message
):
    with pytest.raises(InputError, match=message):
        evaluate(detectors, protocol, dataset)
