"""Rows that arrive one by one get the scores of the whole log, and nothing is lost on the way."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from conftest import SMALL
from dccad import DCCA
from dccad.errors import InputError, ParameterError

pytestmark = pytest.mark.filterwarnings(
    "ignore::dccad.errors.CalibrationWarning", "ignore::dccad.errors.ColumnNamesWarning"
)

FITTED = ["trained", "with_signatures", "single_sensor", "published"]


def push_all(stream, rows):
    scores = [stream.push(row) for row in rows]
    return np.array([np.nan if score is None else score for score in scores])


def fit(log, **changed):
    settings = {**SMALL, "calibration": "held-out", "random_state": 0, **changed}
    return DCCA(**settings).fit(log)


@pytest.mark.parametrize("fixture", FITTED)
def test_pushed_rows_have_the_scores_flags_and_regions_of_the_whole_log(
    fixture, two_regimes, request
):
    detector = request.getfixturevalue(fixture)
    log = two_regimes[:, : detector.n_features_in_]
    expected = detector.score_rows(log)
    stream = detector.stream()
    for row, score, flag, region in zip(
        log, *(expected[name] for name in ("score", "flag", "region")), strict=True
    ):
        found = stream.push(row)
        assert (found is None) == np.isnan(score)
        assert found == stream.score
        if found is not None:
            assert found == pytest.approx(score, abs=1e-5)
            assert stream.p_value == detector.calibration_.p_value(np.array([found]))[0]
            if abs(score - detector.threshold_) > 1e-4:
                assert stream.flag == flag
        else:
            assert stream.p_value is None
            assert stream.flag == 0
        assert stream.region == region
    assert stream.n_rows == len(log)


@pytest.mark.parametrize("fixture", FITTED)
@pytest.mark.parametrize("sizes", [[400], [3, 1, 2, 94, 1, 299], [7, 1, 392], [0, 8, 0, 392]])
def test_rows_pushed_together_have_the_same_scores(fixture, sizes, two_regimes, request):
    detector = request.getfixturevalue(fixture)
    log = two_regimes[:, : detector.n_features_in_]
    stream = detector.stream()
    parts = np.split(log, np.cumsum(sizes)[:-1])
    found = np.concatenate([stream.push_many(part) for part in parts])
    np.testing.assert_allclose(found, detector.decision_function(log), atol=1e-5)
    assert stream.score == pytest.approx(found[-1])
    more = log[:30]
    together = detector.decision_function(np.concatenate((log, more)))
    np.testing.assert_allclose(push_all(stream, more), together[-30:], atol=1e-5)


def test_a_stream_of_many_windows_drifts_from_the_batch_by_nothing(trained, two_regimes):
    """The buffers turn over many times."""
    log = np.concatenate([two_regimes] * 6)
    found = push_all(trained.stream(), log)
    np.testing.assert_allclose(found, trained.decision_function(log), atol=1e-5)


@pytest.mark.parametrize("fixture", FITTED)
def test_a_saved_stream_goes_on_as_if_it_had_not_stopped(fixture, two_regimes, request, tmp_path):
    detector = request.getfixturevalue(fixture)
    log = two_regimes[:, : detector.n_features_in_]
    whole = detector.decision_function(log)
    for stop in (0, 1, 5, 7, 8, 100):
        stream = detector.stream()
        push_all(stream, log[:stop])
        stream.save(tmp_path / "state.safetensors")
        again = detector.stream(tmp_path / "state.safetensors")
        assert again.n_rows == stop
        np.testing.assert_allclose(push_all(again, log[stop:150]), whole[stop:150], atol=1e-5)


def test_a_saved_stream_remembers_time_and_held_values(two_regimes, tmp_path):
    detector = fit(two_regimes, on_missing="hold", fill_limit=2)
    stream = detector.stream()
    for i in range(20):
        stream.push(two_regimes[i], time=float(i))
    hole = two_regimes[20].copy()
    hole[1] = np.nan
    stream.push(hole, time=20.0)
    stream.save(tmp_path / "state")
    again = detector.stream(tmp_path / "state")
    with pytest.raises(InputError, match=r"20\.0 is not later"):
        again.push(two_regimes[21], time=20.0)
    assert again.push(hole, time=21.0) == pytest.approx(stream.push(hole, time=21.0))
    with pytest.raises(InputError, match="fill_limit=2"):
        again.push(hole, time=22.0)
    assert again.push(two_regimes[22], time=26.0) is not None  # 4 s: no gap among steps of 1 s
    assert again.push(two_regimes[23], time=40.0) is None  # 14 s: one


def test_a_state_of_another_model_is_refused(trained, two_regimes, tmp_path):
    other = fit(two_regimes, random_state=3)
    stream = other.stream()
    push_all(stream, two_regimes[:10])
    stream.save(tmp_path / "state")
    with pytest.raises(InputError, match="another model"):
        trained.stream(tmp_path / "state")
    with pytest.raises(InputError, match="no file"):
        trained.stream(tmp_path / "nowhere")
    (tmp_path / "other").write_text("not a state")
    with pytest.raises(InputError, match="no state of a stream"):
        trained.stream(tmp_path / "other")
    with pytest.raises(InputError, match="format 99"):
        trained.stream().load_state_dict({**stream.state_dict(), "format": 99})


# -- gaps and order ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["seconds", "datetime", "datetime64", "pandas"])
def test_a_gap_begins_a_new_stretch_as_in_the_batch(kind, trained, two_regimes):
    import pandas as pd

    seconds = np.arange(60.0)
    seconds[30:] += 100
    start = datetime(2024, 1, 1)
    stamps = {
        "seconds": list(seconds),
        "datetime": [start + timedelta(seconds=s) for s in seconds],
        "datetime64": [np.datetime64(start) + np.timedelta64(int(s), "s") for s in seconds],
        "pandas": [pd.Timestamp(start) + pd.Timedelta(seconds=s) for s in seconds],
    }[kind]
    frame = pd.DataFrame(two_regimes[:60], columns=[f"s{i}" for i in range(two_regimes.shape[1])])
    frame["time"] = np.datetime64(start) + (seconds * 1e9).astype("timedelta64[ns]")
    expected = trained.decision_function(frame)
    assert np.isnan(expected[30:37]).all()
    stream = trained.stream()
    scores = [stream.push(r, t) for r, t in zip(two_regimes[:60], stamps, strict=True)]
    found = np.array([np.nan if score is None else score for score in scores])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    many = trained.stream().push_many(two_regimes[:60], stamps)
    np.testing.assert_allclose(many, expected, atol=1e-5)


def test_max_gap_decides_what_a_gap_is(two_regimes):
    detector = fit(two_regimes, max_gap=3.0)
    stream = detector.stream()
    times = np.arange(20.0)
    assert stream.push_many(two_regimes[:20], times)[-1] == pytest.approx(stream.score)
    assert stream.push(two_regimes[20], 22.0) is not None
    assert stream.push(two_regimes[21], 25.5) is None


def test_a_row_out_of_order_is_refused_and_changes_nothing(trained, two_regimes):
    stream = trained.stream()
    stream.push_many(two_regimes[:20], np.arange(20.0))
    for late in (19.0, 3.0):
        with pytest.raises(InputError, match="order of time"):
            stream.push(two_regimes[20], late)
    whole = trained.decision_function(two_regimes[:21])
    assert stream.push(two_regimes[20], 20.0) == pytest.approx(whole[-1], abs=1e-5)
    for nothing in (np.datetime64("NaT"), np.nan):
        with pytest.raises(InputError, match="no time stamp"):
            stream.push(two_regimes[21], nothing)
    with pytest.raises(InputError, match="with every row"):
        stream.push(two_regimes[21])
    with pytest.raises(InputError, match="datetime or seconds"):
        stream.push(two_regimes[21], "yesterday")


def test_a_reset_forgets_the_rows_but_not_the_order(trained, two_regimes):
    stream = trained.stream()
    stream.push_many(two_regimes[:50], np.arange(50.0))
    stream.reset()
    assert stream.score is None
    assert stream.region == -1
    scores = stream.push_many(two_regimes[50:80], np.arange(50.0, 80.0))
    np.testing.assert_allclose(scores, trained.decision_function(two_regimes[50:80]), atol=1e-5)
    with pytest.raises(InputError, match="order of time"):
        stream.push(two_regimes[80], 79.0)


# -- missing values and other bad rows -----------------------------------------------------------


@pytest.mark.parametrize("policy", ["hold", "interpolate"])
def test_a_missing_value_is_held_as_in_the_batch(policy, two_regimes):
    detector = fit(two_regimes, on_missing=policy, fill_limit=3)
    log = two_regimes[:80].copy()
    log[20, 1] = log[30:33, 0] = log[33, 2] = np.nan
    expected = detector.decision_function(log)
    np.testing.assert_allclose(push_all(detector.stream(), log), expected, atol=1e-5)
    np.testing.assert_allclose(detector.stream().push_many(log), expected, atol=1e-5)


def test_a_value_that_is_missing_for_too_long_or_from_the_start_is_refused(two_regimes):
    detector = fit(two_regimes, on_missing="hold", fill_limit=2)
    hole = two_regimes[0].copy()
    hole[1] = np.nan
    stream = detector.stream()
    with pytest.raises(InputError, match="'sensor_1' has had no value"):
        stream.push(hole)
    stream.push_many(two_regimes[:10])
    stream.push(hole)
    stream.push(hole)
    with pytest.raises(InputError, match="fill_limit=2"):
        stream.push(hole)
    assert stream.push(two_regimes[10]) is not None  # back in time: the stream goes on


def test_rows_with_missing_values_are_dropped_as_in_the_batch(two_regimes):
    detector = fit(two_regimes, on_missing="drop")
    log = two_regimes[:60].copy()
    log[25, 0] = np.nan
    expected = detector.decision_function(log)
    assert np.isnan(expected[25:33]).all()
    np.testing.assert_allclose(push_all(detector.stream(), log), expected, atol=1e-5)


def test_a_missing_value_is_refused_where_the_model_refuses_it(trained, two_regimes):
    stream = trained.stream()
    push_all(stream, two_regimes[:20])
    hole = two_regimes[20].copy()
    hole[2] = np.nan
    with pytest.raises(InputError, match="'sensor_2' without a value"):
        stream.push(hole)
    with pytest.raises(InputError, match="row 1 of 2: 'sensor_2' without a value"):
        stream.push_many([two_regimes[20], hole])
    whole = trained.decision_function(two_regimes[:22])
    assert stream.push(two_regimes[21]) == pytest.approx(whole[-1], abs=1e-5)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([1.0, 2.0], r"shape \(2,\)"),
        ([[1.0, 2.0, 3.0]], "shape"),
        ([1.0, 2.0, np.inf], "'sensor_2' is inf"),
        ([1.0, 2.0, 1e39], "single precision"),
        (["a", "b", "c"], "needed are 3 numbers"),
        ({"sensor_0": 1.0}, "missing: 'sensor_1'"),
    ],
)
def test_a_row_that_is_none_is_refused_with_one_line(row, message, trained, two_regimes):
    stream = trained.stream()
    with pytest.raises(InputError, match=message) as caught:
        stream.push(row)
    assert "\n" not in str(caught.value)
    assert stream.n_rows == 0
    with pytest.raises(InputError, match="shape"):
        stream.push_many(two_regimes[0])
    with pytest.raises(InputError, match="3 time stamps for 2 rows"):
        stream.push_many(two_regimes[:2], [1, 2, 3])


def test_a_row_may_be_a_mapping_in_any_order(trained, two_regimes):
    stream, other = trained.stream(), trained.stream()
    for row in two_regimes[:12]:
        pairs = {f"sensor_{i}": value for i, value in enumerate(row)}
        assert stream.push(dict(reversed(pairs.items()))) == other.push(row)


# -- conditioning --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "steps",
    [
        ["clip:sensor_0=-1..1"],
        ["idle:sensor_1<=-1.5"],
        ["idle:sensor_1<=-1.5,join"],
        ["mode:sensor_0>-1.2", "clip:sensor_2=..0.5"],
    ],
)
def test_conditioning_row_by_row_gives_the_scores_of_the_batch(steps, two_regimes):
    detector = fit(two_regimes, prepare=steps)
    log = two_regimes[:120]
    expected = detector.decision_function(log)
    assert np.isfinite(expected).sum() > 20
    np.testing.assert_allclose(push_all(detector.stream(), log), expected, atol=1e-5)
    np.testing.assert_allclose(detector.stream().push_many(log), expected, atol=1e-5)


@pytest.mark.parametrize("step", ["average:2", "decimate:2", "difference:sensor_0"])
def test_conditioning_that_combines_rows_is_refused(step, two_regimes):
    detector = fit(two_regimes, prepare=[step])
    with pytest.raises(ParameterError, match=f"{step}.* combines rows"):
        detector.stream()


def test_the_stream_of_a_model_survives_the_detector_and_leaves_it_alone(trained, two_regimes):
    before = trained.decision_function(two_regimes)
    stream = trained.stream()
    push_all(stream, two_regimes[:40])
    np.testing.assert_array_equal(trained.decision_function(two_regimes), before)
    two = trained.stream()
    assert two.push(two_regimes[0]) is None  # a stream of its own
    assert stream.n_rows == 40
