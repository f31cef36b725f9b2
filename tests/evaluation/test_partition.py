import warnings

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from conftest import FAST
from dccad import DCCA, Run
from dccad.errors import DccadWarning
from dccad.evaluation.metrics import cluster_figures
from dccad.evaluation.partition import judge, judge_kinds
from dccad.evaluation.tasks import Task, by_own_labels


class Regions:
    """A fitted partition whose regions are given by the name of the run."""

    window = 1

    def __init__(self, regions):
        self.regions = regions

    def predict_region(self, runs):
        return [np.array(self.regions[run.name]) for run in runs]


def make_run(labels, name):
    return Run(np.zeros((len(labels), 1)), ("a",), name, row_labels=np.array(labels))


def test_kinds_are_compared_with_all_normal_rows_by_hand():
    method = Regions(
        {"normal": [-1, 0, 0, 0, 1], "chatter": [1, 1, 0, -1], "stall": [0, 0], "short": [-1]}
    )
    parts = (
        by_own_labels(make_run([0] * 5, "normal")),
        by_own_labels(make_run([1] * 4, "chatter"), kind="chatter"),
        by_own_labels(make_run([1] * 2, "stall"), kind="feed stall"),
        by_own_labels(make_run([1], "short"), kind="inclusion"),
    )
    found = judge_kinds(method, Task("partition", 2, parts, parts))
    assert found["figures"] == {
        "balanced_acc": pytest.approx((3 / 4 + 2 / 5) / 2),
        "region_fdr": pytest.approx(2 / 5),
        "region_far": pytest.approx(1 / 4),
    }
    kinds = found["per_kind"]
    assert kinds["kind"] == ["chatter", "feed stall", "inclusion"]
    assert kinds["rows"] == [3, 2, 0]
    # a stall lies in the normal region throughout: the best match calls region 0 anomalous
    assert kinds["balanced_acc"] == [
        pytest.approx((3 / 4 + 2 / 3) / 2),
        pytest.approx((1 / 4 + 1) / 2),
        None,
    ]
    assert kinds["region_fdr"] == [pytest.approx(2 / 3), 0.0, None]
    truth, regions = [0, 0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 1, 0]
    assert kinds["nmi"][0] == pytest.approx(normalized_mutual_info_score(truth, regions))
    assert kinds["ari"][0] == pytest.approx(adjusted_rand_score(truth, regions))


def test_without_kinds_there_are_overall_figures_only():
    parts = (by_own_labels(make_run([0, 0, 1, 1], "run")),)
    found = judge_kinds(Regions({"run": [0, 0, 1, 0]}), Task("partition", 2, parts, parts))
    assert set(found) == {"figures"}
    assert found["figures"]["balanced_acc"] == pytest.approx(0.75)


def test_figures_of_maps_fit_their_rows_where_runs_have_gaps_and_short_stretches():
    """Windows of every segment, and of no other rows, meet the label of their last row."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(120, 2))
    labels = np.repeat([0, 1], 60)
    values[60:] += 5
    time = np.arange(120.0)
    time[50:] += 100  # cuts the run after row 49
    time[53:] += 100  # and leaves a stretch too short for a window
    run = Run(values, ("a", "b"), time=time, row_labels=labels)
    task = Task("partition", 2, (by_own_labels(run),), (by_own_labels(run, first=20),))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DccadWarning)
        detector = DCCA(**FAST).fit([run])
    figures, per_map = judge(detector, task)
    regions = detector.predict_region(run)
    rows = [i for i in range(120) if i >= 20 and regions[i] >= 0]
    assert len(rows) == 120 - 20 - 3 - 7
    expected = cluster_figures(labels[rows], regions[rows])
    assert {name: figures[name] for name in expected} == expected
    assert figures["oracle_map_acc"] == max(per_map["acc"])
