"""Where a table begins: what a user would lose is the first row, the names or the units."""

import pytest

from dccad.errors import InputError
from dccad.tables.layout.headers import find_header


def rows_of(text, separator=";"):
    return [line.split(separator) if line else [] for line in text.splitlines()]


def refusal(text, given=None, **options):
    with pytest.raises(InputError) as caught:
        find_header(rows_of(text), given, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


# Names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names", "row", "first"),
    [
        ("a;b\n1;2\n3;4", "a b", 0, 1),
        ("a;b\n1;2", "a b", 0, 1),
        ("a;b", "a b", 0, 1),
        ("time;state\n2020-01-01;on\n2020-01-02;off", "time state", 0, 1),
        ("name;state\nx;on\ny;off", "name state", 0, 1),  # no number anywhere
        ("torque\n0\n7", "torque", 0, 1),
        ("a;2020;b\n1;2;3\n4;5;6", "a 2020 b", 0, 1),  # a number among the names
        ("t;0;1;2\n0.1;5;6;7\n0.2;5;6;7", "t 0 1 2", 0, 1),  # numbered columns
        ("time;0;1\n2020-01-01;5;6\n2020-01-02;5;6", "time 0 1", 0, 1),
        ("101FIC2001;10TIC20\n1;2\n3;4", "101FIC2001 10TIC20", 0, 1),  # tags are no dates
        ("time;run;NA\n1;2;3\n4;5;6", "time run NA", 0, 1),  # words that are cells elsewhere
    ],
)
def test_names_in_the_first_line(text, names, row, first):
    header = find_header(rows_of(text))
    assert (" ".join(header.names), header.row, header.first_data) == (names, row, first)
    assert (dict(header.units), header.notes) == ({}, ())


def test_columns_that_a_data_frame_numbered_are_names():
    header = find_header(rows_of("0;1;2\n0.5;1.5;2.5\n1;2;3"))
    assert (header.names, header.first_data) == (("0", "1", "2"), 1)
    assert header.notes == ("the column names are numbers",)
    for text in ["0;1\n1;2.5\n2;3", "0;1;2\n3;4;5"]:  # what may well be data
        header = find_header(rows_of(text))
        assert (header.names[0], header.first_data) == ("column_1", 0)
    assert refusal(";0;1;2\n0;0.5;1.5;2.5\n1;1;2;3").startswith("column 1 (counted from 1) has no")


def test_a_missing_value_in_the_first_row_is_no_reason_to_lose_it():
    for first in ["Bad;1.5", "1.5;Bad", ";2", "NA;NA", "Bad;No Data", ";", "1.5;kaputt"]:
        header = find_header(rows_of(f"a;b\n{first}\n1;2\n3;4\n5;6"))
        assert (header.row, header.first_data, header.notes) == (0, 1, ()), first


def test_a_blank_line_below_the_names_is_no_row_but_a_row_of_blanks_is():
    assert find_header(rows_of("a;b\n\n1;2\n3;4")).first_data == 2
    assert find_header(rows_of("a;b\n;\n1;2\n3;4")).first_data == 1


def test_names_lose_outer_blanks_and_line_ends():
    header = find_header([[" flow\n[kg/h] ", "p"], ["1", "2"]])
    assert header.names == ("flow [kg/h]", "p")


@pytest.mark.parametrize("given", [None, 0])
def test_without_names_columns_are_numbered(given):
    header = find_header(rows_of("0.5;2\n1;2"), given)
    assert (header.names, header.row, header.first_data) == (("column_1", "column_2"), None, 0)
    assert header.notes == ("no column names: column_1 … column_2",)


def test_without_names_titles_above_are_no_rows():
    header = find_header(rows_of("Export of pump 7\n\n0.5;2;3\n1;2;3"))
    assert (header.row, header.first_data) == (None, 2)
    assert header.notes == (
        "no column names: column_1 … column_3; 1 line above ignored: 'Export of pump 7'",
    )


def test_header_0_reads_a_line_of_text_as_a_row():
    header = find_header(rows_of("x;on\ny;off"), 0)
    assert (header.names, header.first_data) == (("column_1", "column_2"), 0)


# Titles above -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "titles",
    [
        "Historian export",
        "Historian export\n\nplant north",
        "Start;2020-01-01 00:00:00\nEnd;2020-02-01 00:00:00\nInterval [s];60",
        "Historian export;;;\n;;;\nInterval;60;;",  # as spreadsheet programmes write it
        "# made by logger\n# interval;60",
        "\n".join(f"property {i};{i}" for i in range(40)),
    ],
)
@pytest.mark.parametrize("units", [False, True])
def test_titles_above_the_names_are_ignored_and_noted(titles, units):
    below = ";kg/h;°C;bar\n" if units else ""
    text = f"{titles}\nTime;Flow;T;p\n{below}" + "".join(
        f"2020-01-01 00:{i:02}:00;{i},5;20;3\n" for i in range(59)
    )
    header = find_header(rows_of(text))
    n = titles.count("\n") + 1
    assert header.names == ("Time", "Flow", "T", "p")
    assert (header.row, header.first_data) == (n, n + 1 + units)
    assert dict(header.units) == ({"Flow": "kg/h", "T": "°C", "p": "bar"} if units else {})
    written = sum(any(line.strip(";")) for line in titles.splitlines())
    blank = sum(not line.strip(";") and bool(line) for line in titles.splitlines())
    assert header.notes[0].startswith(f"column names in line {n + 1}; {written + blank} line")


def test_titles_as_wide_as_the_table():
    header = find_header(
        rows_of("Plant;North\nUnit;Line 3\nTime;Flow\ns;kg/h\n0;1.5\n60;1.6\n120;1.7")
    )
    assert header.names == ("Time", "Flow")
    assert dict(header.units) == {"Time": "s", "Flow": "kg/h"}
    assert header.notes == (
        "column names in line 3; 2 lines above ignored: 'Plant North'",
        "units in line 4",
    )


def test_few_rows_below_many_titles_are_found():
    titles = "".join(f"property {i};value\n" for i in range(9))
    header = find_header(rows_of(titles + "Time;Flow;T\n10:00;1;2\n10:01;1;2"))
    assert (header.names, header.first_data) == (("Time", "Flow", "T"), 10)


def test_one_title_above_one_column():
    header = find_header(rows_of("Torque of the spindle\ntorque\nNm\n0\n1\n2"))
    assert (header.names, dict(header.units)) == (("torque",), {"torque": "Nm"})


def test_names_behind_a_comment_sign_are_taken_only_where_there_are_no_others():
    header = find_header([["# t", "flow"], ["0", "1.5"], ["1", "1.6"]])
    assert header.names == ("t", "flow")
    assert "the column names stand behind a #" in header.notes
    header = find_header([["#", "t", "flow"], ["0", "1.5"], ["1", "1.6"]])
    assert header.names == ("t", "flow")
    header = find_header([["# by", "logger"], ["t", "flow"], ["0", "1.5"], ["1", "1.6"]])
    assert (header.names, header.row) == (("t", "flow"), 1)


# Units and other lines below ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "units"),
    [
        (";kg/h;[bar];-", {"Flow": "kg/h", "p": "bar", "n": "-"}),
        ("yyyy-MM-dd HH:mm;m³/h;;rpm", {"Flow": "m³/h", "n": "rpm"}),
        ("[-];[m3/h];(mbar);{1/min}", {"Flow": "m3/h", "p": "mbar", "n": "1/min"}),
        (";Nm³/h;psi;%", {"Flow": "Nm³/h", "p": "psi", "n": "%"}),
        (";°C;°C;°C", {"Flow": "°C", "p": "°C", "n": "°C"}),
    ],
)
def test_units_below_the_names_are_kept(line, units):
    header = find_header(rows_of(f"Time;Flow;p;n\n{line}\n2020-01-01;1;2;3\n2020-01-02;1;2;3"))
    assert dict(header.units) == units
    assert (header.first_data, header.notes) == (2, ("units in line 2",))


def test_description_between_names_and_units_is_ignored_and_noted():
    text = "Time;FIC101;TIC102\n;Feed flow;Reactor temperature\n;kg/h;°C\n10:00;1;2\n10:01;1;2"
    header = find_header(rows_of(text))
    assert header.names == ("Time", "FIC101", "TIC102")
    assert dict(header.units) == {"FIC101": "kg/h", "TIC102": "°C"}
    assert header.notes == (
        "units in line 3",
        "line 2 below the column names ignored: 'Feed flow Reactor temperature'",
    )


def test_a_row_with_numbers_is_never_taken_for_units():
    header = find_header(rows_of("a;b\nm;5\n1;2\n3;4"))
    assert (dict(header.units), header.first_data) == ({}, 1)


# Separators at line ends, names of no column ------------------------------------------------------


@pytest.mark.parametrize("text", ["a;b;\n1;2;\n3;4;", "a;b\n1;2;\n3;4;", "a;b;\n1;2\n3;4"])
def test_separator_at_line_ends_is_no_column(text):
    header = find_header(rows_of(text))
    assert (header.names, header.notes) == (("a", "b"), ())
    assert header.width == len(rows_of(text)[1])


def test_unnamed_first_column_of_dates_is_the_time():
    header = find_header(rows_of(";flow\n2020-03-09;1\n2020-03-10;2"))
    assert header.names == ("time", "flow")
    assert header.notes == ("the first column has no name and holds dates: called 'time'",)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        (";a\n0;1\n1;2", 1),
        ("a;;b\n1;2;3\n4;5;6", 2),
        ("a;b;\n1;2;3\n4;5;6", 3),
        (";time\n2020-03-09;1\n2020-03-10;2", 1),  # the name is taken
    ],
)
def test_other_columns_without_name_are_refused(text, column):
    assert refusal(text) == (
        f"column {column} (counted from 1) has no name; name it in the header, or export without "
        "row numbers (pandas: index=False)"
    )


def test_repeated_names_are_refused():
    assert refusal("b;a;b;a;c\n1;2;3;4;5") == (
        "column names that occur more than once: 'b', 'a'; give every column its own name"
    )
    many = ";".join(f"a{i // 2}" for i in range(40))
    assert refusal(f"{many}\n{';'.join('1' * 40)}").endswith(
        "'a7' and 12 more; give every column its own name"
    )


@pytest.mark.parametrize("names", ["a;b;c", "a;b;c;d;e"])
def test_other_number_of_names_than_fields_is_refused(names):
    assert refusal(f"{names}\n1;2;3;4\n5;6;7;8") == (
        f"line 1 names {len(names.split(';'))} columns, but line 2 has 4 fields; correct the "
        "names, or say which line holds them with --header (0: none)"
    )


def test_data_line_of_wrong_length_at_the_start_is_left_for_the_line_check():
    assert find_header(rows_of("a;b\n1;2;3\n1;2\n3;4\n5;6")).first_data == 1


@pytest.mark.parametrize("rows", [[], [[]], [[""], [" "], []]])
def test_nothing_but_blank_lines_is_refused(rows):
    with pytest.raises(InputError, match="nothing but blank lines; pass a table with sensor rows"):
        find_header(rows)


# The line that the user gave ----------------------------------------------------------------------


def test_given_line_holds_the_names_whatever_they_are():
    text = "a;b\nc;d\n2019;2020\n1;2\n3;4"
    assert find_header(rows_of(text), 3).names == ("2019", "2020")
    header = find_header(rows_of(text), 2)
    assert (header.names, header.first_data) == (("c", "d"), 2)
    assert header.notes == ("column names in line 2; 1 line above ignored: 'a b'",)


def test_given_line_is_a_line_of_the_file_not_a_row():
    rows = [["title\nof two lines"], ["a", "b"], ["1", "2"]]
    assert find_header(rows, 3, lines=[1, 3, 4]).names == ("a", "b")
    with pytest.raises(InputError) as caught:
        find_header(rows, 2, lines=[1, 3, 4])
    assert str(caught.value) == (
        "--header 2: no row begins in line 2, it belongs to the one that begins in line 1; check "
        "the line"
    )


def test_given_line_that_is_missing_or_blank_is_refused():
    assert refusal("a;b\n1;2", 9) == (
        "--header 9: no row begins in line 9, there are only 2 lines; check the line"
    )
    assert refusal("x\n\na;b\n1;2", 2) == (
        "--header 2: line 2 is blank; give the line of the column names"
    )
    assert refusal("x;y;z\na;b\n1;2\n3;4", 1).startswith("line 1 names 3 columns, but line 3 has 2")
