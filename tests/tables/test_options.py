"""Options of tables: nothing is decided unless the user says so, and a model keeps what matters."""

from dataclasses import FrozenInstanceError, asdict, fields

import pytest

from dccad.tables.options import REMEMBERED, TableOptions

OF_ONE_FILE = {
    *("separator", "decimal", "encoding", "header", "sheet", "query"),  # how it is stored
    *("run", "columns", "drop", "label", "join"),  # which rows and columns of it are wanted
}


def test_nothing_is_decided_by_default_but_that_values_are_held():
    decided = {name: value for name, value in asdict(TableOptions()).items() if value}
    assert decided == {"fill": "hold"}


def test_what_a_model_keeps_is_what_does_not_belong_to_one_file():
    names = {field.name for field in fields(TableOptions)}
    assert set(REMEMBERED) == names - OF_ONE_FILE
    assert len(REMEMBERED) == len(set(REMEMBERED))


def test_options_in_use_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        TableOptions().time = "stamp"


def test_equal_options_are_equal_so_that_a_model_can_compare_them():
    assert TableOptions(good=("Good",), resample=5) == TableOptions(good=("Good",), resample=5.0)
    assert TableOptions(good=("Good",)) != TableOptions(good=("good",))
