import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from conftest import RTOL, SMALL
from dccad import DCCA, Run
from dccad.detector import NotTrainedError
from dccad.errors import (
    CalibrationWarning,
    DccadWarning,
    InputError,
    SingleClusterWarning,
)
from dccad.evaluation.metrics import cluster_accuracy

pytestmark = pytest.mark.filterwarnings("ignore::dccad.errors.CalibrationWarning")


def fit(log, normal=None, **changed):
    return DCCA(**{**SMALL, **changed}).fit(log, normal=normal)


# -- what the detector is for --------------------------------------------------------------------


def test_a_change_of_regime_is_found_without_labels(trained, two_regimes):
    regions = trained.predict_region(two_regimes)
    truth = (np.arange(400) >= 250).astype(int)
    assert cluster_accuracy(truth[7:], regions[7:]) > 0.95
    sizes = np.bincount(regions[7:]) / 393
    assert trained.region_report_.share == pytest.approx(tuple(sizes))


def test_rows_of_another_regime_score_higher_than_normal_rows(two_regimes):
    detector = fit(None, normal=two_regimes[:200])
    scores = detector.decision_function(two_regimes)
    assert scores[258:].min() > np.nanmax(scores[:250])
    assert detector.predict(two_regimes)[258:].mean() > 0.95


def test_reference_rows_decide_which_region_is_normal(two_regimes):
    from_start = fit(two_regimes, normal=two_regimes[:240])
    from_end = fit(two_regimes, normal=two_regimes[258:])
    assert (from_start.regions_[7:250] == 0).mean() > 0.9
    assert (from_end.regions_[7:250] == 1).mean() > 0.9
    assert from_start.region_report_.rule.startswith("holds ")


def test_the_threshold_comes_from_held_out_reference_rows(two_regimes):
    detector = fit(None, normal=two_regimes[:240])
    held_out = two_regimes[round(240 * 0.7) : 240]
    scores = detector.decision_function(held_out)[7:]
    assert detector.n_calibration_windows_ == len(scores) == 72 - 7
    rank = int(np.ceil((len(scores) + 1) * 0.95))
    assert detector.threshold_ == pytest.approx(np.sort(scores)[rank - 1])


def test_held_out_reference_rows_are_never_trained_on(two_regimes):
    """Marking a quiet week of the log as normal must not leak its held-out part into training."""
    normal = two_regimes[:240]
    detector = fit(two_regimes, normal=normal)
    n_training = (168 - 7) + (168 - 7) + (160 - 7)  # reference, log before and after the held-out
    assert detector.assignment_counts_.sum(axis=1).tolist() == [n_training] * 42


# -- conventions ---------------------------------------------------------------------------------


def test_labels_and_scores_of_the_fit_are_those_of_predict(trained, two_regimes):
    np.testing.assert_array_equal(trained.labels_, trained.predict(two_regimes))
    np.testing.assert_array_equal(trained.decision_scores_, trained.decision_function(two_regimes))
    np.testing.assert_array_equal(trained.regions_, trained.predict_region(two_regimes))
    expected = (trained.decision_scores_ > trained.threshold_).astype(int)
    np.testing.assert_array_equal(trained.labels_, expected)
    assert set(np.unique(trained.labels_)) == {0, 1}


def test_fit_predict_gives_the_labels_in_the_form_of_the_log(two_regimes):
    detector = DCCA(**SMALL)
    found = detector.fit_predict({"a": two_regimes[:200], "b": two_regimes[200:]})
    assert list(found) == ["a", "b"]
    np.testing.assert_array_equal(np.concatenate(list(found.values())), detector.labels_)


def test_the_first_rows_have_no_score_and_are_not_flagged(trained, two_regimes):
    scores = trained.decision_function(two_regimes)
    assert np.isnan(scores[:7]).all()
    assert np.isfinite(scores[7:]).all()
    assert trained.predict(two_regimes)[:7].tolist() == [0] * 7
    assert trained.predict_region(two_regimes)[:7].tolist() == [-1] * 7


def test_no_row_sees_its_future(trained, two_regimes):
    changed = two_regimes.copy()
    changed[100:] += 50
    before, after = trained.decision_function(two_regimes), trained.decision_function(changed)
    np.testing.assert_allclose(after[:100], before[:100], rtol=RTOL["chunks"])
    assert (np.abs(after[100:108] - before[100:108]) > 0.1).all()


def test_dropping_the_first_rows_only_shifts_the_scores(trained, two_regimes):
    whole = trained.decision_function(two_regimes)
    np.testing.assert_allclose(
        trained.decision_function(two_regimes[33:])[7:], whole[40:], rtol=RTOL["chunks"]
    )


def test_scoring_twice_is_identical_and_leaves_the_log_alone(trained, two_regimes):
    before = two_regimes.copy()
    one, two = trained.decision_function(two_regimes), trained.decision_function(two_regimes)
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(two_regimes, before)


def test_runs_are_scored_each_on_its_own_and_come_back_as_they_came(trained, two_regimes):
    parts = {"first": two_regimes[:150], "second": two_regimes[150:]}
    as_dict = trained.decision_function(parts)
    as_list = trained.decision_function(list(parts.values()))
    assert list(as_dict) == ["first", "second"]
    for name, listed in zip(parts, as_list, strict=True):
        alone = trained.decision_function(parts[name])
        np.testing.assert_allclose(as_dict[name], alone, rtol=RTOL["chunks"])
        np.testing.assert_array_equal(as_dict[name], listed)
        assert np.isnan(as_dict[name][:7]).all()


def test_a_run_shorter_than_the_window_gets_no_score_beside_longer_ones(trained, two_regimes):
    short, long = trained.decision_function([two_regimes[:5], two_regimes[:50]])
    assert np.isnan(short).all()
    assert len(short) == 5
    assert np.isfinite(long[7:]).all()


def test_no_window_spans_a_gap_in_time(two_regimes):
    time = np.arange(400.0)
    time[200:] += 3600
    detector = fit(Run(two_regimes, tuple("abc")))
    scores = detector.decision_function(Run(two_regimes, tuple("abc"), time=time))
    assert np.flatnonzero(np.isnan(scores)).tolist() == [*range(7), *range(200, 207)]
    detector.set_params(max_gap=1e6)
    whole = detector.decision_function(Run(two_regimes, tuple("abc"), time=time))
    assert np.flatnonzero(np.isnan(whole)).tolist() == list(range(7))


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_data_frames_score_as_arrays_do(trained, two_regimes, frame):
    table = frame({name: two_regimes[:, i] for i, name in enumerate("abc")})
    with pytest.warns(UserWarning, match="has feature names, but DCCA was fitted without"):
        found = trained.decision_function(table)
    np.testing.assert_array_equal(found, trained.decision_function(two_regimes))


def test_transform_gives_the_pooled_maps_of_each_rows_window(trained, two_regimes):
    latents = trained.transform(two_regimes)
    assert latents.shape == (400, 42)
    assert latents.dtype == np.float32
    assert np.isnan(latents[:7]).all()
    rows = trained.model_.representation.apply(two_regimes)[93:101]
    kernels = trained.model_.network.kernels.detach().numpy()
    level = np.convolve(rows[:, 1], kernels[2, ::-1], "valid")  # first kernel of the second sensor
    assert latents[100, 2] == pytest.approx(level.mean(), rel=1e-4)
    assert latents[100, 12 + 2] == pytest.approx(level[-2:].mean(), rel=1e-4)  # last third of 6
    assert latents[100, 24 + 2] == pytest.approx(np.log(level.var() + 1e-3), rel=1e-4)
    names = trained.get_feature_names_out()
    assert (names[2], names[24 + 2]) == ("sensor_1 mean", "sensor_1 log-variance")
    assert len(names) == 42


# -- scikit-learn habits -------------------------------------------------------------------------


def test_the_same_seed_gives_identical_scores_and_another_seed_does_not(trained, two_regimes):
    again, other = fit(two_regimes), fit(two_regimes, random_state=1)
    np.testing.assert_array_equal(again.decision_scores_, trained.decision_scores_)
    assert not np.array_equal(other.decision_scores_[7:], trained.decision_scores_[7:])


def test_a_clone_is_unfitted_and_has_the_same_parameters(trained):
    copy = clone(trained)
    assert copy.get_params() == trained.get_params()
    with pytest.raises(NotTrainedError, match="not fitted yet: call fit, or "):
        copy.predict(np.zeros((20, 3)))


def test_a_pickled_detector_gives_the_same_scores(trained, two_regimes):
    again = pickle.loads(pickle.dumps(trained))
    np.testing.assert_array_equal(
        again.decision_function(two_regimes), trained.decision_function(two_regimes)
    )


def test_what_a_fit_leaves_behind_is_complete(two_regimes):
    detector = fit(pd.DataFrame(two_regimes, columns=list("abc")), keep_latents=True)
    assert detector.feature_names_in_.tolist() == ["a", "b", "c"]
    assert detector.cluster_centers_.shape == (42, 2, 1)
    assert sorted(detector.map_ranks_) == list(range(1, 43))
    best_first = np.argsort(-detector.map_qualities_, kind="stable")
    np.testing.assert_array_equal(np.argsort(detector.map_ranks_), best_first)
    kernel_of_map = detector.model_.network.kernel_of_map.numpy()
    best = [detector.map_qualities_[kernel_of_map == kernel].max() for kernel in range(12)]
    by_quality = np.argsort(-np.array(best), kind="stable")
    assert detector.clustering_kernels_.tolist() == by_quality[:6].tolist()
    assert detector.reconstruction_kernels_.tolist() == by_quality[6:].tolist()
    assert kernel_of_map[detector.clustering_maps_].tolist() == by_quality[:6].tolist()
    found = detector.map_qualities_[detector.clustering_maps_]
    np.testing.assert_array_equal(found, np.array(best)[by_quality[:6]])
    assert detector.assignment_counts_.sum(axis=1).tolist() == [393] * 42
    assert detector.latents_.shape == (393, 42, 1)
    assert len(detector.history_) == 7
    assert len(detector.updates_) == 3
    assert len(detector.data_digest_) == 64
    flat = detector.transform(pd.DataFrame(two_regimes, columns=list("abc")))[7:]
    np.testing.assert_allclose(flat, detector.latents_[..., 0], rtol=1e-3, atol=1e-5)


def test_the_digest_changes_with_a_single_value(two_regimes, trained):
    changed = two_regimes.copy()
    changed[3, 1] = np.nextafter(changed[3, 1], 9)
    assert fit(changed).data_digest_ != trained.data_digest_


def test_a_refit_forgets_the_columns_of_the_first_fit(two_regimes):
    detector = fit(pd.DataFrame(two_regimes, columns=list("abc")))
    detector.fit(two_regimes)
    assert not hasattr(detector, "feature_names_in_")


@pytest.mark.parametrize("n_clusters", [3, 4])
def test_more_clusters_give_more_regions(two_regimes, n_clusters):
    detector = fit(two_regimes, n_clusters=n_clusters)
    assert set(np.unique(detector.regions_)) == {-1, *range(n_clusters)}


@pytest.mark.parametrize(
    "changed",
    [
        {"alpha": 0.0},
        {"n_clustering_kernels": 1.0},
        {"n_clustering_kernels": 4},
        {"routing": "two-step"},
        {"scaling": "minmax"},
        {"representation": "sensors"},
        {"representation": "whitened"},
        {"taming": None},
        {"kernels_per_direction": 1},
        {"kernels_per_direction": 3, "kernel_size": 5},
        {"bottleneck": 2},
        {"ranking": "separation"},
        {"ranking": "persistence"},
        {"consensus": "centres"},
        {"learning_rate": 3e-3},
        {"window": 7},
        {"stride": 3},
        {"joint_epochs": 0},
        {"pretrain_epochs": 0},
    ],
)
@pytest.mark.filterwarnings("ignore::dccad.errors.DccadWarning")
def test_every_setting_separates_the_two_regimes(two_regimes, changed):
    detector = fit(two_regimes, **changed)
    first = detector.window - 1
    truth = (np.arange(400) >= 250).astype(int)
    assert cluster_accuracy(truth[first:], detector.regions_[first:]) > 0.9


@pytest.mark.filterwarnings("ignore::dccad.errors.SingleClusterWarning")
@pytest.mark.parametrize("with_reference", [True, False])
def test_one_channel_of_torque_with_chatter_scores_higher(with_reference):
    """The second data world: one high-frequency channel whose oscillation changes, not its mean."""
    rng = np.random.default_rng(0)
    torque = 40 + rng.normal(scale=0.5, size=3000) + np.sin(np.arange(3000) * 0.9)
    torque[2000:] += 3 * np.sin(np.arange(1000) * 2.1)
    log = torque[:, None]
    detector = DCCA(random_state=0, pretrain_epochs=3, joint_epochs=4, calibration="held-out")
    detector.fit(None if with_reference else log, normal=log[:1500] if with_reference else None)
    scores = detector.decision_function(log)
    chatter = np.arange(3000) >= 2000
    assert roc_auc_score(chatter[29:], scores[29:]) > 0.98


# -- warnings and refusals -----------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::dccad.errors.DccadWarning")
def test_a_log_with_one_region_only_is_reported_where_two_were_asked_for():
    with pytest.warns(SingleClusterWarning, match="all 193 training windows lie in one region"):
        fit(np.ones((200, 2)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(np.ones((200, 2)), n_clusters="auto")
    assert SingleClusterWarning not in [warning.category for warning in caught]


def test_reference_rows_too_few_to_hold_out_are_reported(two_regimes):
    with pytest.warns(CalibrationWarning, match="too short to keep a part out .* at least 3"):
        detector = fit(two_regimes, normal=two_regimes[:20])
    assert detector.n_calibration_windows_ == 13


def test_nothing_to_fit_is_refused():
    with pytest.raises(InputError, match="nothing to fit: pass an unlabelled log"):
        DCCA().fit(None)


def test_reference_with_other_sensors_is_refused(two_regimes):
    with pytest.raises(InputError, match="X has 2 features, but DCCA is expecting 3"):
        fit(two_regimes, normal=two_regimes[:, :2])


def test_a_healthy_fit_is_quiet(two_regimes):
    with warnings.catch_warnings():
        warnings.simplefilter("error", DccadWarning)
        fit(two_regimes)


def test_changing_a_parameter_after_the_fit_does_not_change_the_model(two_regimes):
    detector = fit(two_regimes)
    before = detector.decision_function(two_regimes[:9])
    detector.set_params(window=30)
    np.testing.assert_array_equal(detector.decision_function(two_regimes[:9]), before)


def test_a_log_too_short_to_score_is_refused_before_training_on_the_reference(two_regimes):
    with pytest.raises(InputError, match="run 'log' has 5 rows but window=8 needs at least 8"):
        fit(two_regimes[:5], normal=two_regimes[:200])


def test_features_of_the_default_are_named_after_sensor_and_statistic():
    rng = np.random.default_rng(3)
    log = rng.normal(size=(120, 2))
    log[60:, 1] += 6.0
    detector = DCCA(**{**SMALL, "calibration": "held-out"}).fit(log)
    names = detector.get_feature_names_out().tolist()
    features = detector.transform(log)
    assert len(names) == len(set(names)) == features.shape[1]
    level = features[:, names.index("sensor_1 mean")]
    assert level[100] - level[40] > 1.0  # the sensor that moved, under its own name
    assert (
        abs(
            features[100, names.index("sensor_0 mean")] - features[40, names.index("sensor_0 mean")]
        )
        < 1.0
    )
