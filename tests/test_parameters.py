"""Parameters are checked all at once, before any work."""

import json

import numpy as np
import pytest

from dccad import DCCA
from dccad.errors import ParameterError
from dccad.logs.preparation.pipeline import parse_steps
from dccad.parameters import (
    AS_PUBLISHED,
    check_parameters,
    parameters_from_record,
    parameters_to_record,
)


def test_all_bad_parameters_are_listed_at_once():
    with pytest.raises(ParameterError) as caught:
        DCCA(window=0, alpha=1.0, routing="one_pass", n_clusters=1.5).fit(np.zeros((50, 2)))
    message = str(caught.value)
    assert "\n" not in message
    for part in ("window=0", "alpha=1.0", "did you mean 'one-pass'?", "n_clusters=1.5"):
        assert part in message


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ({"strides": (2, 3)}, "3 strides, one for each of depth=3"),
        ({"strides": (4, 4, 1), "window": 30}, "nearest windows that work are 16 and 32"),
        ({**AS_PUBLISHED, "n_clustering_kernels": 65}, "at most 64, the number of maps"),
        ({"n_clustering_kernels": 0.0}, "a count of at least 1 or a share"),
        ({"device": "gpu"}, "device='gpu' cannot be used here"),
        ({"device": "cuda:99"}, "device='cuda:99' cannot be used here"),
        ({"false_alarm_rate": 0}, "0 < false_alarm_rate < 1"),
        ({"batch_size": 1}, "batch_size=1: needed is a whole number of at least 2"),
        ({"depth": 6}, "3, 4 or 5 encoder blocks"),
        ({"max_gap": -1.0}, "None or a positive number"),
        ({"verbose": "yes"}, "True or False"),
        ({"encoder": "dense"}, "set consensus='centres' with encoder='dense'"),
        ({"scoring": "centres"}, "scoring='centres' needs consensus='centres'"),
        (
            {"consensus": "centres", "n_clusters": "auto"},
            "n_clusters='auto' needs consensus='vote'",
        ),
        ({"n_clusters": "many"}, "a whole number of at least 2 or 'auto'"),
        ({"taming": 0}, "taming=0: needed is None or above 0"),
        ({"bottleneck": "wide"}, "a whole number of at least 1 or 'auto'"),
        ({"calibration": "crossfitted"}, r"\(did you mean 'cross-fitted'\?\)"),
    ],
)
def test_a_bad_parameter_says_what_is_needed(parameter, message):
    with pytest.raises(ParameterError, match=message):
        DCCA(**parameter).fit(np.zeros((60, 2)))


def test_good_parameters_are_let_through():
    check_parameters(DCCA().get_params())
    check_parameters(DCCA.as_published(strides=(2, np.int64(3), 1)).get_params())
    check_parameters(DCCA(random_state=np.random.RandomState(0), n_clusters="auto").get_params())


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ({"window": True}, "window=True: needed is a whole number of at least 1"),
        ({"learning_rate": float("inf")}, "learning_rate=inf: needed is a positive number"),
        ({"random_state": -1}, "random_state=-1: needed is None, a whole number from 0"),
        ({"prepare": "average:3"}, "prepare='average:3': needed is a list of steps"),
        ({"prepare": ["mean:3"]}, "prepare step 'mean:3' is unknown"),
        ({"scoring": "centres", "consensus": "centres"}, "needs calibration='held-out'"),
        ({"on_missing": "drops"}, r"\(did you mean 'drop'\?\)"),
    ],
)
def test_what_cannot_be_used_is_refused_before_any_row_is_seen(parameter, message):
    with pytest.raises(ParameterError, match=message):
        check_parameters(DCCA(**parameter).get_params())


def test_the_published_method_is_a_choice_of_parameters():
    published = DCCA.as_published(window=12, alpha=0.3).get_params()
    changed = {name for name, value in DCCA().get_params().items() if published[name] != value}
    assert changed == {*AS_PUBLISHED, "window", "alpha"}
    assert DCCA.as_published(calibration="held-out", ranking="separation").ranking == "separation"


def test_parameters_come_back_from_the_record_of_a_model():
    detector = DCCA.as_published(
        window=np.int64(24), strides=(2, 3, 1), prepare=["average:10", "log:pressure"], max_gap=2.5
    )
    steps = parse_steps(detector.prepare)
    record = json.loads(json.dumps(parameters_to_record(detector.get_params(), steps, seed=5)))
    assert (record["strides"], record["random_state"]) == ([2, 3, 1], None)
    found = parameters_from_record(record)
    assert found == {**detector.get_params(), "prepare": ("average:10", "log:pressure")}


def test_a_generator_is_recorded_as_the_seed_that_it_gave():
    parameters = DCCA(random_state=np.random.RandomState(0)).get_params()
    assert parameters_to_record(parameters, (), seed=17)["random_state"] == 17


def test_parameters_that_earlier_versions_had_are_left_out():
    record = parameters_to_record(DCCA().get_params(), (), seed=0)
    older = {**record, "optimizer": "adam", "momentum": 0.9, "tol": 1e-4}
    assert parameters_from_record(older) == parameters_from_record(record)
    DCCA(**parameters_from_record(older))
