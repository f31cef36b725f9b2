"""Names and stamps in messages: quoted, counted, cut, and never two lines."""

import numpy as np
import pytest

from dccad.logs.wording import describe_column_difference, quote_names, shorten, show_stamp


def test_names_beyond_the_fifth_are_counted():
    names = ["a", "b", "c", "d", "e"]
    assert quote_names(names) == "'a', 'b', 'c', 'd', 'e'"
    assert quote_names([*names, "f", "g"]) == "'a', 'b', 'c', 'd', 'e' and 2 more"
    assert quote_names(names, most=1) == "'a' and 4 more"


def test_a_line_break_or_quote_in_a_name_cannot_break_the_message():
    assert quote_names(["two\nlines", "it's"]) == "'two\\nlines', \"it's\""


@pytest.mark.parametrize(("length", "shown"), [(60, 60), (61, 60), (1000, 60)])
def test_a_long_name_is_cut_to_the_limit_and_shows_that_it_is(length, shown):
    text = shorten("x" * length)
    assert len(text) == shown
    assert text.endswith("…") == (length > 60)


@pytest.mark.parametrize(
    ("expected", "found", "words"),
    [
        (["a", "b"], ["a"], "missing: 'b'"),
        (["a"], ["a", "c"], "not expected: 'c'"),
        (["a", "b"], ["c", "a"], "missing: 'b'; not expected: 'c'"),
        (["a", "b", "c"], ["a", "c", "b"], "the order differs: 'c' stands where 'b' is expected"),
        (["a", "b"], ["a", "b", "b"], "3 columns where 2 are expected"),
    ],
)
def test_a_difference_of_columns_names_the_columns(expected, found, words):
    assert describe_column_difference(expected, found) == words


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (np.datetime64("2024-01-01T02:45:00.000000000"), "2024-01-01T02:45:00"),
        (np.datetime64("2024-01-01T02:45:00.120"), "2024-01-01T02:45:00.12"),
        (np.datetime64("2024-01-01"), "2024-01-01"),
        (np.float64(20.50), "20.5"),
        (7, "7"),
    ],
)
def test_a_stamp_loses_only_zeros(instant, text):
    assert show_stamp(instant) == text
