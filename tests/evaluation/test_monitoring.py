import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from dccad import Run
from dccad.evaluation.monitoring import find_delays, judge_monitor
from dccad.evaluation.tasks import Judged, Task, by_own_labels


def make_run(labels, name="run", **extra):
    return Run(np.zeros((len(labels), 1)), ("a",), name, row_labels=np.array(labels), **extra)


class Scores:
    """A fitted monitor whose scores are given by the name of the run."""

    def __init__(self, scores, threshold):
        self.scores, self.threshold_ = scores, threshold

    def decision_function(self, runs):
        return [np.array(self.scores[run.name], dtype=float) for run in runs]


def task_of(*judged):
    return Task("task", 2, (), tuple(judged), (make_run([0, 0]),))


def test_a_perfect_scorer_has_auc_1_and_no_false_alarm():
    run = make_run([0, 0, 1, 1, 0])
    found = judge_monitor(Scores({"run": [1, 2, 8, 9, 3]}, 5.0), task_of(by_own_labels(run)))
    assert found["figures"] == {
        "roc_auc": 1.0,
        "average_precision": 1.0,
        "far": 0.0,
        "fdr": 1.0,
        "mar": 0.0,
        "f1": 1.0,
    }


def test_figures_are_those_of_the_judged_rows_with_a_score():
    rng = np.random.default_rng(0)
    labels = {name: rng.integers(2, size=50) for name in ("one", "two")}
    scores = {name: rng.normal(size=50) + labels[name] for name in labels}
    scores["two"][20:25] = np.nan
    first = {"one": 0, "two": 10}
    parts = [by_own_labels(make_run(labels[n], n), first=first[n]) for n in labels]
    found = judge_monitor(Scores(scores, 0.7), task_of(*parts))

    rows = [
        (labels[name][i], scores[name][i])
        for name in labels
        for i in range(first[name], 50)
        if not np.isnan(scores[name][i])
    ]
    truth, values = (np.array(column) for column in zip(*rows, strict=True))
    figures = found["figures"]
    assert figures["roc_auc"] == pytest.approx(roc_auc_score(truth, values))
    assert figures["average_precision"] == pytest.approx(average_precision_score(truth, values))
    assert figures["far"] == pytest.approx((values[truth == 0] > 0.7).mean())
    assert figures["fdr"] == pytest.approx((values[truth == 1] > 0.7).mean())
    assert figures["mar"] == pytest.approx(1 - figures["fdr"])
    assert (found["rows_judged"], found["rows_without_score"]) == (50 + 40 - 5, 5)
    assert sum(found["counts"].values()) == 85
    assert found["rows_scored"] == 100
    assert "per_kind" not in found


def test_each_kind_is_judged_against_all_normal_rows():
    scores = {
        "normal": [1, 2, 3, 4],
        "stall": [9, 9],
        "chatter": [0, 5, 3.5, 0.5],
        "short": [np.nan],
    }
    parts = [
        by_own_labels(make_run([0] * 4, "normal")),
        by_own_labels(make_run([1, 1], "stall"), kind="feed stall"),
        by_own_labels(make_run([1] * 4, "chatter"), kind="chatter"),
        by_own_labels(make_run([1], "short"), kind="inclusion"),
    ]
    kinds = judge_monitor(Scores(scores, 3.9), task_of(*parts))["per_kind"]
    assert kinds["kind"] == ["chatter", "feed stall", "inclusion"]
    assert kinds["rows"] == [4, 2, 0]
    # of 16 pairs, 5 is above all four normal rows and 3.5 above three
    assert kinds["roc_auc"] == [7 / 16, 1.0, None]
    assert kinds["fdr"] == [0.25, 1.0, None]


def test_files_of_one_label_have_no_auc():
    figures = judge_monitor(Scores({"run": [1, 9]}, 5.0), task_of(by_own_labels(make_run([0, 0]))))
    assert figures["figures"]["roc_auc"] is None
    assert figures["figures"]["far"] == 0.5
    assert figures["figures"]["mar"] is None


def delays_of(parts, scores):
    scores = [np.array(found, float) for found in scores]
    return find_delays(parts, scores, [found > 5.0 for found in scores])


@pytest.mark.parametrize(
    ("scores", "delay"),
    [
        ([0, 9, 9, 9, 9, 9, 9, 9], 0.0),  # flagged before its onset already
        ([0, 0, 0, 9, 9, 0, 9, 9], None),  # never three in a row
        ([0, 0, np.nan, np.nan, 0, 9, 9, 9], 1.5),
        ([9, 9, 0, 0, 0, 0, 0, 0], None),  # three in a row would need rows before the onset
    ],
)
def test_the_delay_counts_from_the_onset_to_three_rows_in_a_row(scores, delay):
    run = make_run([0, 0, 1, 1, 1, 1, 1, 1], time=10 + np.arange(8) / 2)
    events = delays_of([by_own_labels(run, kind="chatter")], [scores])
    assert events == [{"kind": "chatter", "delay_seconds": delay}]


def test_only_runs_with_stamps_an_anomaly_and_a_score_after_it_are_events():
    nan = np.nan
    runs = [
        (make_run([0, 0, 0], time=np.arange(3.0)), [9, 9, 9]),
        (make_run([1, 1, 1]), [9, 9, 9]),
        (make_run([0, 1, 1], time=np.arange(3.0)), [9, nan, nan]),
        (make_run([1, 1, 1], time=np.array([0, 2, 4], "M8[m]")), [nan, 9, 9]),
    ]
    parts = [by_own_labels(run) for run, _ in runs]
    found = delays_of(parts, [scores for _, scores in runs])
    assert found == [{"kind": "", "delay_seconds": None}]
    found = delays_of(parts[3:], [[9, 9, 9]])
    assert found == [{"kind": "", "delay_seconds": 0.0}]
    late = make_run([1] * 4, time=np.array([0, 2, 4, 6], "M8[m]"))
    found = delays_of([Judged(late, np.ones(4, int))], [[0, 9, 9, 9]])
    assert found == [{"kind": "", "delay_seconds": 120.0}]
