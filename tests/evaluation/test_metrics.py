import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dccad.evaluation.metrics import (
    alarm_figures,
    cluster_accuracy,
    cluster_figures,
    count_alarms,
    detection_row,
    ranking_figures,
)
from naive import naive_cluster_accuracy

unhurried = settings(deadline=None)  # the first call imports, and machines are busy

LABELS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=30)


@unhurried
@given(LABELS)
def test_accuracy_is_the_best_of_all_one_to_one_matches(pairs):
    truth, clusters = (np.array(column) for column in zip(*pairs, strict=True))
    expected = naive_cluster_accuracy(truth.tolist(), clusters.tolist())
    assert cluster_accuracy(truth, clusters) == pytest.approx(expected)


@unhurried
@given(LABELS, st.permutations(range(5)))
def test_renumbering_the_clusters_changes_no_figure(pairs, order):
    truth, clusters = (np.array(column) for column in zip(*pairs, strict=True))
    before = cluster_figures(truth, clusters)
    after = cluster_figures(truth, np.array(order)[clusters])
    assert after == pytest.approx(before)


def test_one_cluster_for_everything_scores_the_larger_class_and_no_information():
    figures = cluster_figures(np.array([0, 0, 0, 1]), np.zeros(4, dtype=int))
    assert figures == pytest.approx({"acc": 0.75, "nmi": 0.0, "ari": 0.0})


def test_balanced_accuracy_gives_a_rare_label_the_weight_of_a_common_one():
    truth = np.array([0] * 90 + [1] * 10)
    clusters = np.array([0] * 45 + [1] * 45 + [1] * 10)
    assert cluster_accuracy(truth, clusters) == pytest.approx(0.55)
    assert cluster_accuracy(truth, clusters, balanced=True) == pytest.approx((0.5 + 1.0) / 2)
    everything = np.zeros(100, dtype=int)
    assert cluster_accuracy(truth, everything, balanced=True) == pytest.approx(0.5)


def test_rows_of_a_surplus_cluster_are_wrong_in_balanced_accuracy_too():
    truth, clusters = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 2, 2, 1, 1])
    assert cluster_accuracy(truth, clusters, balanced=True) == pytest.approx((0.5 + 1.0) / 2)


ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 5)), min_size=1, max_size=40)


@unhurried
@given(ROWS)
def test_roc_auc_is_the_share_of_pairs_in_the_right_order(pairs):
    labels, scores = (np.array(column) for column in zip(*pairs, strict=True))
    found = ranking_figures(labels, scores.astype(float))
    above = [(a > b) + 0.5 * (a == b) for a in scores[labels == 1] for b in scores[labels == 0]]
    expected = sum(above) / len(above) if above else None
    assert found["roc_auc"] == (None if expected is None else pytest.approx(expected))


@unhurried
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_alarm_figures_are_those_of_counting_row_by_row(pairs):
    labels, flags = (np.array(column) for column in zip(*pairs, strict=True))
    flagged_normal = [flag for label, flag in pairs if not label]
    flagged_anomalous = [flag for label, flag in pairs if label]
    found = alarm_figures(count_alarms(labels.astype(int), flags))
    if flagged_normal:
        assert found["far"] == pytest.approx(sum(flagged_normal) / len(flagged_normal))
    else:
        assert found["far"] is None
    if flagged_anomalous:
        recall = sum(flagged_anomalous) / len(flagged_anomalous)
        assert (found["fdr"], found["mar"]) == pytest.approx((recall, 1 - recall))
        precision = sum(flagged_anomalous) / max(flags.sum(), 1)
        harmonic = 2 * precision * recall / (precision + recall) if recall else 0.0
        assert found["f1"] == pytest.approx(harmonic)
    else:
        assert (found["fdr"], found["mar"]) == (None, None)


@unhurried
@given(st.lists(st.booleans(), max_size=20), st.integers(1, 4))
def test_a_detection_is_the_first_of_enough_flagged_rows_in_a_row(flags, consecutive):
    places = [i for i in range(len(flags)) if flags[i : i + consecutive] == [True] * consecutive]
    found = detection_row(np.array(flags, dtype=bool), consecutive)
    assert found == (places[0] if places else None)
