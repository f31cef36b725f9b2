"""What a protocol cannot be run with is refused before any fit."""

import pytest

from dccad.errors import InputError, ParameterError
from dccad.evaluation.benchmark import run_benchmark
from dccad.evaluation.registry import PROTOCOLS
from faulty_plant import shifted_plant


@pytest.fixture(scope="module")
def dataset():
    return shifted_plant()


@pytest.mark.parametrize(
    ("protocol", "methods", "message"),
    [
        ("tep-pears", ["dccad"], "unknown protocol 'tep-pears'; choose from tep-pooled, tep-pairs"),
        ("tep-pairs", ["pca"], "unknown method 'pca'; choose from dccad, "),
        ("tep-pairs", ["lw-mean@0"], "unknown method 'lw-mean@0'; choose .* also as NAME@WINDOW"),
        ("tep-pairs", ["lw-mean@10"], "method 'lw-mean@10' cannot stand .*: it gives no regions"),
        ("skab", ["statistic-selection"], "cannot stand in the table of skab: it gives no scores"),
        ("tep-monitor", ["contrast-mean"], "it needs unlabelled rows beside the reference"),
    ],
)
def test_an_unknown_name_lists_the_known_ones(dataset, protocol, methods, message):
    with pytest.raises(InputError, match=message):
        run_benchmark(protocol, dataset, methods=methods)


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
@pytest.mark.parametrize("setting", [{"n_clusters": 3}, {"random_state": 1}, {"prepare": []}])
def test_what_a_protocol_decides_is_no_setting(dataset, protocol, setting):
    [name] = setting
    with pytest.raises(ParameterError, match=f"{name}=.*: the protocol {protocol} decides it"):
        run_benchmark(protocol, dataset, settings=setting)
