"""The names that the help shows are those that the benchmark knows, and cost nothing to import."""

import subprocess
import sys

from dccad.evaluation import names
from dccad.evaluation.methods import METHODS
from dccad.evaluation.registry import PROTOCOLS


def test_every_name_has_a_method_and_a_protocol_in_the_same_order():
    assert list(METHODS) == list(names.METHOD_NAMES)
    assert len(set(names.METHOD_NAMES)) == len(names.METHOD_NAMES)
    assert list(PROTOCOLS) == list(names.PROTOCOLS)


def test_the_groups_say_what_their_methods_can_do():
    assert all(METHODS[name].partition for name in (*names.DETECTORS, *names.PARTITIONS))
    assert not any(METHODS[name].partition for name in (*names.MONITORS, *names.SLOW_MONITORS))
    assert [n for n, spec in METHODS.items() if spec.ablation] == list(names.ABLATIONS)
    assert [n for n, spec in METHODS.items() if spec.slow] == list(names.SLOW_MONITORS)
    assert [n for n in names.PARTITIONS if not METHODS[n].monitor] == ["statistic-selection"]


def test_names_are_known_without_numpy_or_torch():
    code = "import sys, dccad.evaluation.names; print({'numpy', 'torch'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"
