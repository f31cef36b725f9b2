"""Parameters are checked all at once, before any work."""

import numpy as np
import pytest

from dccad import DCCA
from dccad.detector import AS_PUBLISHED
from dccad.errors import (
    ParameterError,
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
