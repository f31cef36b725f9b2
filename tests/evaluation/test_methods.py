"""Methods by name: what they are made with, and at which window."""

import pytest

from dccad import DCCA
from dccad.detector import AS_PUBLISHED
from dccad.evaluation.methods import METHODS, SHARED, find_method, split_name


def test_a_detector_is_made_with_the_users_settings_and_its_own():
    made = METHODS["dccad-alpha-0"].make(3, 7, {"window": 12, "alpha": 0.5})
    assert isinstance(made, DCCA)
    assert (made.n_clusters, made.random_state, made.window, made.alpha) == (3, 7, 12, 0.0)
    assert METHODS["dccad"].make(2, 0, {}).window == 30
    published = METHODS["dccad-published"].make(2, 0, {}).get_params()
    assert {name: published[name] for name in AS_PUBLISHED} == dict(AS_PUBLISHED)


def test_a_baseline_follows_the_shared_settings_and_no_other():
    settings = {"window": 8, "false_alarm_rate": 0.2, "max_gap": 5.0, "alpha": 0.5}
    made = METHODS["lw-mean"].make(2, 3, settings)
    assert {name: getattr(made, name) for name in SHARED} == {
        "window": 8,
        "false_alarm_rate": 0.2,
        "calibration_fraction": 0.3,
        "max_gap": 5.0,
    }
    assert made.random_state == 3


@pytest.mark.parametrize("name", ["pca-t2", "lw-rows", "contrast-rows", "pyod-deepsvdd"])
def test_methods_of_rows_average_as_many_scores_as_a_window_has_rows(name):
    made = find_method(f"{name}@10").make(2, 0, {"window": 30})
    assert (made.window, made.score_mean) == (1, 10)


def test_a_window_in_the_name_takes_the_place_of_the_setting():
    assert find_method("kmeans-windows@7").make(2, 0, {"window": 30}).window == 7
    assert find_method("kmeans-windows").make(2, 0, {"window": 30}).window == 30


@pytest.mark.parametrize("name", ["lw-mean@0", "lw-mean@", "lw-mean@-3", "rows-570-969@10", "pca"])
def test_names_without_a_method_are_unknown(name):
    assert find_method(name) is None


def test_only_a_whole_number_behind_the_sign_is_a_window():
    assert split_name("lw-mean@10") == ("lw-mean", 10)
    assert split_name("lw-mean@1.5") == ("lw-mean@1.5", None)
