"""What single cells are taken for: numbers, dates, blanks, units or words."""

import pytest

from dccad.tables.layout.cells import (
    Kind,
    bare_unit,
    is_status,
    is_time_format,
    is_unit,
    kind_of,
)


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        (Kind.NUMBER, "1 -1 +1 1.5 ,5 .5 5. 1e5 1,5E-03 nan -inf 1.234,5 1,234.5 1.234.567"),
        (
            Kind.DATE,
            "2020-03-09|2020-03-09 10:14:33.5|2020-03-09T10:14:33Z|2020-03-09T10:14:33+01:00|"
            "09.03.2020 10:14|3/9/2020 10:14:33 AM|10:14|10:14:33,250|09-Mar-20 10:14:33|"
            "9. Mär 2020|Mar 9, 2020|20200309T101433|20200309 101433",
        ),
        (Kind.MISSING, "NA N/A #N/A null NULL"),
        (Kind.TEXT, "Bad FIC101 101FIC2001 a 10:99x 1.2.3.4 kg/h -"),
    ],
)
def test_kind_of_a_cell(kind, cells):
    cells = cells.split("|") if "|" in cells else cells.split()
    assert {cell: kind_of(cell) for cell in cells} == dict.fromkeys(cells, kind)


@pytest.mark.parametrize(
    ("cells", "unit"),
    [
        ("kg/h m³/h °C % mbar kPa 1/min µm/s W/(m²K) mol-% Nm kWh [anything] - ppm m/s²", True),
        ("Flow FIC101 temperature state pump7 Feed_flow Reactor (a_long_remark)", False),
        ("(" + "m" * 60, False),  # in no time
    ],
)
def test_units_are_told_from_words(cells, unit):
    assert {cell: is_unit(cell) for cell in cells.split()} == dict.fromkeys(cells.split(), unit)


@pytest.mark.parametrize("cell", ["-1,234", "+1'234'567,5", "1.234.567", "12 345", "-1.234,"])
def test_numbers_in_groups_of_three_digits_are_numbers(cell):
    assert kind_of(cell) is Kind.NUMBER


@pytest.mark.parametrize("cell", ["1,23,456", "-12 34", "1.234.56", "+a"])
def test_digits_in_other_groups_are_no_number(cell):
    assert kind_of(cell) is not Kind.NUMBER


@pytest.mark.parametrize(
    ("cell", "status"),
    [("Bad", True), ("I/O TIMEOUT", True), ("No Result", True), ("bad pump", False), ("", False)],
)
def test_words_of_historians_are_known_in_any_case(cell, status):
    assert is_status(cell) is status


@pytest.mark.parametrize(
    ("cell", "bare"),
    [("[bar]", "bar"), ("( °C )", "°C"), ("/kg/", "kg"), ("[bar)", "[bar)"), ("[]", "[]")],
)
def test_only_brackets_that_belong_together_are_taken_off_a_unit(cell, bare):
    assert bare_unit(cell) == bare


@pytest.mark.parametrize(
    ("cell", "is_format"),
    [("dd.MM.yyyy HH:mm", True), ("%Y-%m-%d", False), ("hh:mm:ss", True), ("mm", False)],
)
def test_a_form_of_dates_in_a_row_of_units_is_told_from_a_unit(cell, is_format):
    assert is_time_format(cell) is is_format
