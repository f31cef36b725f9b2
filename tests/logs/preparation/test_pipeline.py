"""Conditioning: rows are left out and changed as asked, and scores find their way back."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dccad
from conftest import FAST
from dccad import DCCA
from dccad.errors import InputError, ParameterError
from dccad.logs.inputs import check_log
from dccad.logs.preparation.pipeline import Preparation, describe_steps, parse_step, parse_steps
from dccad.logs.preparation.steps import STEPS
from dccad.logs.runs import Log, Reading, Run
from naive import naive_preparation

NAMES = ("torque", "load")


def log_of(*segments):
    runs = tuple(Run(np.array(rows, dtype=float).reshape(-1, 2), NAMES) for rows in segments)
    return Log(runs, tuple(len(run) for run in runs))


def prepare(log, *steps, drop_missing=False):
    return Preparation(parse_steps(steps), drop_missing).apply(log)


WRITTEN = {
    "idle:torque": ("idle", 0, None, False),
    "idle:torque<=1": ("idle", 0, 1.0, False),
    "idle:torque,join": ("idle", 0, None, True),
    "idle:load<=1.5,join": ("idle", 1, 1.5, True),
    "mode:load>0&torque!=2": ("mode", lambda row: row[1] > 0 and row[0] != 2),
    "average:2": ("average", 2),
    "average:3": ("average", 3),
    "difference:load": ("difference", 1),
    "clip:torque=..2": ("change", 0, lambda v: min(v, 2.0)),
}

CELLS = st.sampled_from([0.0, 0.0, 1.0, 2.0, 3.0, -1.0])
SEGMENTS = st.lists(
    st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=12), min_size=1, max_size=3
)


@settings(max_examples=300, deadline=None)
@given(segments=SEGMENTS, texts=st.lists(st.sampled_from(sorted(WRITTEN)), min_size=1, max_size=4))
def test_any_order_of_steps_gives_the_rows_and_the_way_back_of_the_naive_version(segments, texts):
    expected, source = naive_preparation(segments, [WRITTEN[text] for text in texts])
    if not expected:
        with pytest.raises(InputError, match="none is left after"):
            prepare(log_of(*segments), *texts)
        return
    prepared = prepare(log_of(*segments), *texts)
    assert len(prepared.segments) == len(expected)
    for run, rows in zip(prepared.segments, expected, strict=True):
        np.testing.assert_allclose(run.values, rows, atol=1e-12)
    assert [None if s < 0 else s for s in prepared.source.tolist()] == source


def test_rows_with_a_missing_cell_are_left_out_and_interrupt_the_run():
    log = log_of([(1, 2), (np.nan, 2), (3, 4), (5, 6)])
    prepared = prepare(log, drop_missing=True)
    assert [run.values.tolist() for run in prepared.segments] == [[[1, 2]], [[3, 4], [5, 6]]]
    assert prepared.source.tolist() == [0, -1, 1, 2]


def test_no_step_leaves_the_log_as_it_is():
    log = log_of([(1, 2)])
    assert prepare(log) is log


def test_a_row_left_out_has_no_result_and_the_rows_after_an_average_keep_the_last_one():
    log = log_of([(2, 1), (4, 1), (0, 1), (6, 1), (8, 1), (9, 1)])
    prepared = prepare(log, "idle:torque", "average:2")
    assert [run.values[:, 0].tolist() for run in prepared.segments] == [[3.0], [7.0]]
    scores = prepared.expand(np.array([30.0, 70.0]), np.nan)
    np.testing.assert_array_equal(scores, [np.nan, 30, np.nan, np.nan, 70, 70])


def test_time_and_labels_of_an_averaged_row_are_those_of_its_end():
    run = Run(
        np.arange(8.0).reshape(4, 2),
        NAMES,
        time=np.array([0.0, 1.0, 2.0, 3.0]),
        row_labels=np.array([0, 1, 0, 0]),
    )
    [averaged] = prepare(Log((run,), (4,)), "average:2").segments
    assert averaged.time.tolist() == [1.0, 3.0]
    assert averaged.row_labels.tolist() == [1, 0]


def test_the_callers_values_stay_untouched():
    run = Run(np.array([[1.0, 5.0], [2.0, 6.0], [4.0, 8.0]]), NAMES)
    before = run.values.copy()
    prepare(Log((run,), (3,)), "clip:load=..6", "difference:torque", "log:load")
    np.testing.assert_array_equal(run.values, before)


# -- the written form ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        *WRITTEN,
        *(step.example for step in STEPS.values()),
        "clip:a,b*=-1.5..",
        "idle:spindle torque [N m]<=-0.125",
        "mode:x>=1e-07",
        "clip:x=0.1234567891..2",
    ],
)
def test_a_step_survives_being_written_and_read(text):
    step = parse_step(text)
    assert parse_step(str(step)) == step
    assert parse_steps(describe_steps([step])) == (step,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("smooth:5", "prepare step 'smooth:5' is unknown; write one of idle:COLUMN"),
        ("average:1.5", "'1.5' is no whole number from 2 to 1000000; it is written average:FACTOR"),
        ("average:1", "'1' is no whole number"),
        ("decimate:", "'' is no whole number"),
        ("idle:", "the column is missing; it is written idle:COLUMN[<=LEVEL][,join]"),
        ("idle:torque<=low", "'low' is no number"),
        ("mode:load", "'load' is no condition such as load>50"),
        ("clip:flow", "the range is missing"),
        ("clip:flow=..", "the range is missing"),
        ("clip:flow=5..1", "5 is not below 1"),
        ("log:", "the column is missing; it is written log:COLUMNS, as log:pressure"),
    ],
)
def test_a_step_that_cannot_be_read_says_how_it_is_written(text, words):
    with pytest.raises(ParameterError) as caught:
        DCCA(prepare=[text]).fit(np.zeros((50, 2)))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("prepare", ["average:10", 5, [7]])
def test_prepare_that_is_no_list_of_steps_is_refused(prepare):
    with pytest.raises(ParameterError, match="'average:10'"):
        DCCA(prepare=prepare).fit(np.zeros((50, 2)))


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (
            ["clip:flow=0..1"],
            "no sensor 'flow' for the prepare steps; the log has 'torque', 'load'",
        ),
        (["log:torque"], "'torque' is 0 in run 'log', and only values above 0 have a logarithm"),
        (["mode:load>100"], "of 3 rows none is left after mode:load>100"),
        (["average:4"], "of 3 rows none is left after average:4"),
    ],
)
def test_a_step_that_meets_what_it_cannot_take_says_so(steps, words):
    with pytest.raises(InputError) as caught:
        prepare(log_of([(1, 1), (0, 1), (2, 1)]), *steps)
    assert words in str(caught.value)


# -- in the detector -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def machine():
    """240 rows of torque and load; idle in rows 100 to 119; the level rises at row 180."""
    rng = np.random.default_rng(3)
    values = rng.normal(5.0, 0.3, size=(240, 2))
    values[180:, 0] += 3.0
    values[100:120, 0] = 0.0
    return Run(values, NAMES, "machine")


STEPS_OF_FIT = ("idle:torque", "average:2", "clip:load=4..6")


@pytest.fixture(scope="module")
def detector(machine):
    return DCCA(**{**FAST, "window": 8, "prepare": STEPS_OF_FIT}).fit(machine)


def test_scores_come_back_to_the_rows_of_the_log(detector, machine):
    scores = detector.decision_function(machine)
    assert scores.shape == (240,)
    missing = np.isnan(scores)
    # 8 averaged rows of 2 fill a window: row 15 is the first one with a score in each stretch
    expected = np.ones(240, dtype=bool)
    expected[15:100] = expected[135:] = False
    np.testing.assert_array_equal(missing, expected)
    assert (scores[16:99:2] == scores[15:98:2]).all()
    regions = detector.predict_region(machine)
    np.testing.assert_array_equal(regions == -1, expected)
    assert not detector.predict(machine)[missing].any()
    np.testing.assert_array_equal(detector.decision_scores_, scores)


def test_scores_equal_those_of_a_log_prepared_by_hand(detector, machine):
    by_hand = []
    for part in (machine.values[:100], machine.values[120:]):
        means = part.reshape(-1, 2, 2).mean(axis=1)
        means[:, 1] = np.clip(means[:, 1], 4, 6)
        by_hand.append(Run(means, NAMES, "part"))
    plain = DCCA(**{**FAST, "window": 8}).fit(by_hand)
    assert plain.threshold_ == detector.threshold_
    expected = np.concatenate(plain.decision_function(by_hand))
    found = detector.decision_function(machine)
    np.testing.assert_array_equal(found[[*range(1, 100, 2), *range(121, 240, 2)]], expected)


def test_a_saved_model_prepares_as_the_fitted_one(detector, machine, tmp_path):
    detector.save(tmp_path / "model")
    loaded = dccad.load(tmp_path / "model")
    assert loaded.prepare == STEPS_OF_FIT
    # 20 idle rows, and the first row of each stretch, whose average is not complete
    assert loaded.left_out_share_ == 22 / 240
    np.testing.assert_array_equal(
        loaded.decision_function(machine), detector.decision_function(machine)
    )
    loaded.set_params(prepare=())  # says how a next fit prepares, not how this one did
    np.testing.assert_array_equal(
        loaded.decision_function(machine), detector.decision_function(machine)
    )


def test_no_row_of_a_prepared_log_sees_its_future(detector, machine):
    changed = machine.values.copy()
    changed[200:] += 2
    before, after = (
        detector.decision_function(Run(values, NAMES)) for values in (machine.values, changed)
    )
    np.testing.assert_array_equal(before[:200], after[:200])
    assert (before[202:] != after[202:]).any()


def test_held_out_rows_reach_training_through_no_average():
    # the reference is rows 1 to 180 of the log, so that blocks of two do not fall together
    values = np.random.default_rng(1).normal(size=(300, 2))
    reference = values[1:181]
    fitted = DCCA(**{**FAST, "window": 8, "prepare": ("average:2",)}).fit(values, normal=reference)
    changed = values.copy()
    changed[1 + 126 : 181] += 100.0  # the held-out third
    again = DCCA(**{**FAST, "window": 8, "prepare": ("average:2",)}).fit(
        changed, normal=changed[1:181]
    )
    np.testing.assert_array_equal(
        fitted.model_.representation.scaling.shift, again.model_.representation.scaling.shift
    )
    for first, second in zip(
        fitted.model_.network.parameters(), again.model_.network.parameters(), strict=True
    ):
        np.testing.assert_array_equal(first.detach().numpy(), second.detach().numpy())


def test_missing_rows_left_out_have_no_score_and_the_others_do(two_regimes):
    log = two_regimes.copy()
    log[50, 1] = np.nan
    detector = DCCA(**{**FAST, "on_missing": "drop"}).fit(log)
    missing = np.isnan(detector.decision_scores_)
    expected = np.zeros(len(log), dtype=bool)
    expected[:7] = expected[50:58] = True
    np.testing.assert_array_equal(missing, expected)


def test_what_was_filled_is_counted_and_kept_with_the_model(two_regimes, tmp_path):
    log = two_regimes.copy()
    log[50:52, 1] = np.nan
    log[60, 2] = np.nan
    detector = DCCA(**{**FAST, "on_missing": "hold"}).fit(log)
    assert detector.filled_share_ == {"sensor_1": 2 / 400, "sensor_2": 1 / 400}
    detector.save(tmp_path / "model")
    assert dccad.load(tmp_path / "model").filled_share_ == detector.filled_share_
    held = check_log(log, Reading(on_missing="hold")).segments[0].values
    np.testing.assert_array_equal(held[50:52, 1], [log[49, 1]] * 2)
    assert math.isclose(held[60, 2], log[59, 2])


def test_a_long_hole_is_refused_with_the_remedy(two_regimes):
    log = two_regimes.copy()
    log[50:60, 1] = np.nan
    with pytest.raises(InputError) as caught:
        DCCA(**{**FAST, "on_missing": "hold"}).fit(log)
    assert "longer than fill_limit" in str(caught.value)
    assert caught.value.table == [
        {
            "run": "log",
            "sensor": "sensor_1",
            "missing": 10,
            "share": 0.025,
            "first_row": 50,
            "longest": 10,
        }
    ]
