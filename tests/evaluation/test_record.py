"""Figures over seeds, and which of several windows a table shows."""

import numpy as np
import pytest

from dccad.evaluation.record import at_best_window, mean_of, ranked, rounded, summarise


def test_a_figure_that_a_seed_lacks_is_averaged_over_the_others():
    found = summarise([1.0, None, 3.0])
    assert found == {"mean": 2.0, "std": 1.0, "per_seed": [1.0, None, 3.0]}
    assert summarise([None]) == {"mean": None, "std": None, "per_seed": [None]}


def test_the_spread_over_seeds_is_the_population_standard_deviation():
    assert summarise([1.0, 2.0, 3.0])["std"] == pytest.approx(np.std([1, 2, 3]), abs=1e-6)


def test_of_several_windows_the_best_one_stands_for_the_method():
    results = {
        f"lw@{window}": {"acc": {"mean": m}} for window, m in ((1, 0.2), (10, 0.9), (30, 0.4))
    }
    results |= {"lw": {"acc": {"mean": 0.1}}, "kmeans@10": {"nmi": {"mean": 1.0}}}
    assert list(at_best_window(results, "acc")) == ["lw@10", "lw", "kmeans@10"]


def test_methods_without_the_figure_come_after_the_fitted_and_before_the_rules():
    fitted = {"fit_seconds": {}}
    results = {
        "rule": {"f1": {"mean": 1.0}},
        "silent": {"f1": {"mean": None}} | fitted,
        "low": {"f1": {"mean": 0.1}} | fitted,
        "high": {"f1": {"mean": 0.2}} | fitted,
    }
    assert list(ranked(results, "f1")) == ["high", "low", "silent", "rule"]


def test_a_mean_is_that_of_the_known_values_and_lists_are_rounded():
    assert mean_of([1.0, None, 2.0]) == 1.5
    assert mean_of([]) is None
    assert rounded({"map": [3], "acc": [0.123456]}) == {"map": [3], "acc": [0.1235]}
