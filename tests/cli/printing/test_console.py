"""Words and numbers for a terminal: wrapped, rounded, in the singular or plural."""

import sys

import pytest

from dccad.cli.printing.console import (
    PlainConsole,
    count_of,
    describe_promise,
    percent,
    three_digits,
)


def test_text_is_wrapped_and_indented_and_nothing_in_it_is_markup(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    PlainConsole().say("columns not chosen: '[bold]flow', 'level', 'pressure'", indent=2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 1
    assert all(line.startswith("  ") and len(line) <= 30 for line in lines)
    words = " ".join(" ".join(lines).split())
    assert words == "columns not chosen: '[bold]flow', 'level', 'pressure'"


def test_a_reader_that_has_gone_is_left_to_the_caller(monkeypatch):
    class Closed:
        encoding = "utf-8"

        def write(self, text):
            raise BrokenPipeError

        def flush(self):
            raise BrokenPipeError

        def isatty(self):
            return False

    monkeypatch.setattr(sys, "stdout", Closed())
    with pytest.raises(BrokenPipeError):
        PlainConsole().say("anything")


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        (percent, 0.0, "0%"),
        (percent, 0.996, "100%"),
        (percent, None, "–"),
        (three_digits, 0.0, "0.000"),
        (three_digits, -0.98765, "-0.988"),
        (three_digits, None, "–"),
        (count_of, 0, "0 episodes"),
        (count_of, 1, "1 episode"),
        (count_of, 2, "2 episodes"),
    ],
)
def test_a_number_is_written_as_people_read_it(function, value, text):
    assert function(value) == text


def test_a_promise_without_an_interval_says_what_it_rests_on():
    promise = {"rate": 0.005, "rows": 100, "lower": None, "upper": None, "level": 0.9}
    assert describe_promise(promise) == (
        "0.5% of new normal rows on average, as if rows were independent of one another; how far "
        "it may be off is not known without calibration='cross-fitted'"
    )
