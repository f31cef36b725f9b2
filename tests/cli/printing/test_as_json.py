"""JSON that any program and any terminal can read."""

import json

import numpy as np
import pytest

from dccad.cli.printing.as_json import print_json, to_json


def test_json_is_ascii_so_that_any_terminal_can_carry_it():
    text = to_json({"température °C": float("nan"), "share": np.float32(0.5)})
    assert text.isascii()
    assert json.loads(text) == {"température °C": None, "share": 0.5}


def test_what_json_cannot_hold_becomes_null_or_a_plain_number():
    document = {
        "nested": [{"infinite": float("-inf")}, (np.int64(3), np.float64("nan"))],
        "flag": np.bool_(True),
        7: None,
    }
    assert json.loads(to_json(document), parse_constant=pytest.fail) == {
        "nested": [{"infinite": None}, [3, None]],
        "flag": True,
        "7": None,
    }


def test_one_document_is_one_line_however_narrow_the_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    print_json({"name": "x" * 100, "rows": [1, 2, 3]})
    out = capsys.readouterr().out
    assert out == '{"name": "' + "x" * 100 + '", "rows": [1, 2, 3]}\n'
