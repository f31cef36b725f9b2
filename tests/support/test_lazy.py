"""Names of packages are imported on first use, and only names that exist."""

import subprocess
import sys

import pytest

import dccad
import dccad.datasets
import dccad.onnx
import dccad.plots
import dccad.tables
from dccad.support.lazy import lazy_names


def test_a_name_is_imported_only_when_it_is_asked_for():
    code = (
        "import sys; from dccad.support.lazy import lazy_names\n"
        "find, names = lazy_names('here', {'Decimal': 'decimal', 'Fraction': 'fractions'})\n"
        "print(names(), 'fractions' in sys.modules)\n"
        "print(find('Fraction')(1, 2), 'fractions' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["['Decimal', 'Fraction'] False", "1/2 True"]


def test_an_unknown_name_is_missing_as_in_any_module():
    find, _ = lazy_names("here", {"Decimal": "decimal"})
    with pytest.raises(AttributeError, match="module 'here' has no attribute 'decimal'"):
        find("decimal")


PACKAGES = [dccad, dccad.datasets, dccad.onnx, dccad.plots, dccad.tables]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_every_public_name_is_there_and_listed(package):
    assert set(package.__all__) - {"__version__"} <= set(dir(package))
    for name in package.__all__:
        assert getattr(package, name) is not None
