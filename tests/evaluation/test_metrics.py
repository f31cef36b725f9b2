import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dccad.evaluation.metrics import cluster_accuracy, cluster_figures
from reference import naive_cluster_accuracy

LABELS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=30)


@given(LABELS)
def test_accuracy_is_the_best_of_all_one_to_one_matches(pairs):
    truth, clusters = (np.array(column) for column in zip(*pairs, strict=True))
    expected = naive_cluster_accuracy(truth.tolist(), clusters.tolist())
    assert cluster_accuracy(truth, clusters) == pytest.approx(expected)


@given(LABELS, st.permutations(range(5)))
def test_renumbering_the_clusters_changes_no_figure(pairs, order):
    truth, clusters = (np.array(column) for column in zip(*pairs, strict=True))
    before = cluster_figures(truth, clusters)
    after = cluster_figures(truth, np.array(order)[clusters])
    assert after == pytest.approx(before)


def test_one_cluster_for_everything_scores_the_larger_class_and_no_information():
    figures = cluster_figures(np.array([0, 0, 0, 1]), np.zeros(4, dtype=int))
    assert figures == pytest.approx({"acc": 0.75, "nmi": 0.0, "ari": 0.0})
