"""What a fit leaves on the detector: complete, right, and back from a model folder."""

import json

import numpy as np
import pandas as pd
import pytest

from conftest import SMALL
from dccad import DCCA
from dccad.fitting.attributes import ARRAYS, RECORDS, from_parts, to_parts


def fit(log, **changed):
    return DCCA(**{**SMALL, **changed}).fit(log)


def back_from_json(detector):
    arrays, record = to_parts(vars(detector))
    return from_parts(arrays, json.loads(json.dumps(record)))


def test_attributes_come_back_from_arrays_and_json(trained):
    found = back_from_json(trained)
    for name in ARRAYS:
        np.testing.assert_array_equal(found[name], getattr(trained, name), err_msg=name)
    for name in set(RECORDS) - {"columns_"}:
        assert found[name] == getattr(trained, name), name
    assert found["columns_"] == ("sensor_0", "sensor_1", "sensor_2")
    assert found["region_report_"] == trained.region_report_
    assert "feature_names_in_" not in found


def test_names_of_columns_come_back_where_there_were_some(two_regimes):
    detector = fit(pd.DataFrame(two_regimes, columns=list("abc")))
    assert back_from_json(detector)["feature_names_in_"].tolist() == ["a", "b", "c"]


@pytest.mark.parametrize("part", ["labels_", "map_ranks_"])
def test_a_missing_array_is_noticed(trained, part):
    arrays, record = to_parts(vars(trained))
    del arrays[part]
    with pytest.raises(KeyError, match=part):
        from_parts(arrays, record)


def test_maps_are_ranked_and_counted_as_they_were_trained(trained):
    qualities, ranks = trained.map_qualities_, trained.map_ranks_
    assert (np.diff(qualities[np.argsort(ranks)]) <= 0).all()
    latents = trained.score_windows(np.zeros((8, 3)), keep_latents=True).latents
    assert latents.shape[1] == len(ranks) == len(trained.map_distances_)
    centres = trained.cluster_centers_
    apart = np.linalg.norm(centres[:, 0] - centres[:, 1], axis=-1)
    np.testing.assert_allclose(trained.map_distances_, apart, rtol=1e-5)
    assert trained.assignment_counts_.shape == (42, 2)


def test_shares_of_filled_and_left_out_cells_are_of_the_callers_rows(two_regimes):
    log = two_regimes.copy()
    log[50:53, 1] = np.nan
    filled = fit(log, on_missing="interpolate")
    assert filled.filled_share_ == {"sensor_1": 3 / 400}
    assert filled.left_out_share_ == 0.0
    dropped = fit(log, on_missing="drop")
    assert dropped.left_out_share_ == 3 / 400
    assert dropped.filled_share_ == {}
    assert np.isnan(dropped.decision_scores_[50:60]).all()  # a full window after the gap
    assert np.isfinite(dropped.decision_scores_[60:]).all()


def test_the_digest_is_of_the_log_and_of_the_reference(two_regimes):
    detector = DCCA(**SMALL).fit(two_regimes, normal=two_regimes[:200])
    assert fit(two_regimes).reference_digest_ is None
    assert detector.data_digest_ == fit(two_regimes).data_digest_
    assert detector.reference_digest_ == fit(two_regimes[:200]).data_digest_


def test_latents_are_kept_only_where_they_are_asked_for(trained, two_regimes):
    assert trained.latents_ is None
    kept = fit(two_regimes, keep_latents=True).latents_
    assert kept.shape == (393, 42, 1)
    assert np.isfinite(kept).all()


def test_states_have_their_longest_episodes_only(trained):
    regions = trained.regions_
    for state in trained.states_:
        rows = int((regions == state["region"]).sum())
        assert state["rows"] == rows
        assert state["share"] == pytest.approx(rows / 393)
        assert len(state["episodes"]) == min(state["n_episodes"], 100)
