"""JSON that any program and any terminal can read."""

import json

import numpy as np

from dccad.cli.printing.as_json import to_json


def test_json_is_ascii_so_that_any_terminal_can_carry_it():
    text = to_json({"température °C": float("nan"), "share": np.float32(0.5)})
    assert text.isascii()
    assert json.loads(text) == {"température °C": None, "share": 0.5}
