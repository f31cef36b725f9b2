"""A missing optional package is named together with the extra that installs it."""

import sys

import pytest

from dccad.errors import DccadError, MissingExtraError
from dccad.support.extras import require


def test_an_installed_module_is_imported():
    assert require("json.decoder", extra="plots") is sys.modules["json.decoder"]


def test_a_missing_package_is_named_with_its_extra():
    with pytest.raises(MissingExtraError) as caught:
        require("no_such_package.module", extra="plots")
    text = "this step needs no_such_package, which is not installed: pip install 'dccad[plots]'"
    assert str(caught.value) == text
    assert isinstance(caught.value, DccadError)
    assert isinstance(caught.value, ImportError)  # what callers of optional packages catch
