"""Runs of a data set by their fault."""

import numpy as np
import pytest

from dccad import Run
from dccad.datasets import Dataset
from dccad.errors import InputError


def run_of(name, fault):
    return Run(np.zeros((3, 1)), ("a",), name, fault=fault)


DATA = Dataset(
    "mini",
    (run_of("d00", 0), run_of("d07", 7), run_of("first", 2), run_of("second", 2)),
    (run_of("d00_te", 0), run_of("d11_te", 11), run_of("other", None)),
)


def test_faults_are_those_of_both_parts_without_the_fault_free_runs():
    assert DATA.faults == (2, 7, 11)


def test_the_run_of_a_fault_is_found_in_its_own_part():
    assert DATA.train_run(7).name == "d07"
    assert DATA.test_run(0).name == "d00_te"


def test_a_fault_without_a_run_or_with_several_is_refused_by_its_number():
    with pytest.raises(InputError, match=r"no test run of fault 7; it has these: 0, 11$"):
        DATA.test_run(7)
    with pytest.raises(InputError, match="has 2 training runs of fault 2, and one is needed"):
        DATA.train_run(2)
    with pytest.raises(InputError, match=r"no training run of fault 1; it has these: none$"):
        Dataset("empty", (), ()).train_run(1)
