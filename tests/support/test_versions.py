"""A model says with which versions it was made."""

import platform

import numpy
import torch

import dccad
from dccad.support.versions import versions


def test_python_and_every_package_that_decides_a_result_are_named():
    found = versions()
    assert list(found) == ["python", "dccad", "torch", "numpy", "scikit-learn", "scipy"]
    assert found["python"] == platform.python_version()
    assert found["dccad"] == dccad.__version__
    assert found["numpy"] == numpy.__version__
    assert found["torch"].partition("+")[0] == torch.__version__.partition("+")[0]
