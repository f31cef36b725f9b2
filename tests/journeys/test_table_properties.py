"""Tables of any form: the same numbers give the same run, what is decided is said, and the rest is
refused with one line.
"""

import contextlib
import datetime as dt
import importlib.util
import io
import itertools
import json
import math
import os
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xlsxwriter
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

import table_writers as tw
from dccad.cli.main import main
from dccad.errors import InputError
from dccad.tables import TableOptions, read_tables
from table_writers import NAN, Form, Table

# no deadline: the first example pays for imports, and other work may slow the machine
patient = settings(deadline=None, max_examples=30)
FUZZ = Path(__file__).parents[2] / "benchmarks" / "fuzz_tables.py"

# what a note is about, by its words; every note is about one thing
SUBJECTS = {
    "separator": r"^(separator |no separator: )",
    "decimal": r"^decimal comma$",
    "encoding": r"^encoding ",
    "line ends": r"^carriage returns taken as line ends$",
    "header": r"^column names in line ",
    "no names": r"^no column names: ",
    "units": r"^units in line ",
    "blank lines": r"^\d+ blank lines? ignored$",
    "time": r"^time is column ",
    "day first": r"^dates such as .* are read ",
    "zone": r"^time stamps name their zone",
    "epoch": r"^time stamps are numbers since 1970",
    "sorted": r"all (rows )?are sorted by time$",
    "duplicates": r"the last one in the file counts$",
    "labels": r"^kept apart as labels: ",
    "query": r"^the query has no ORDER BY",
    "long": r"^long table: ",
    "rows": r"^the tags report at common times",
    "gaps": r"^\d+ gaps? longer than |^cut at \d+ times? where",
    "steps": r"^steps are irregular",
}
MEASURED = {"gaps", "steps", "line ends"}  # found, not decided


def read(path, **options):
    """The only run of a file, and what was said of it."""
    tables = read_tables(path, TableOptions(**options))
    [run] = tables.runs.values()
    [summary] = tables.summaries
    return run, summary.notes


def refusal(path, **options):
    with pytest.raises(InputError) as caught:
        read_tables(path, TableOptions(**options))
    message = str(caught.value)
    assert message.isprintable()
    return message.replace(str(path), "FILE")


def command(*arguments):
    """Exit code, standard output and standard error of ``dccad data check``."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["data", "check", *map(str, arguments)])
    return code, out.getvalue(), err.getvalue()


def refused(*arguments):
    """The one line with which a command refuses."""
    code, out, err = command(*arguments)
    assert (code, out) == (2, "")
    [line] = err.splitlines()
    assert line.startswith("dccad: error: ")
    assert line.isprintable()
    return line.removeprefix("dccad: error: ")


# The law ------------------------------------------------------------------------------------------


def check_same(table, form, run):
    values, names, time, units, labels = tw.expected(table, form)
    assert run.columns == names
    np.testing.assert_array_equal(run.values, values)
    if time is None:
        assert run.time is None
    else:
        assert run.time.dtype == time.dtype
        np.testing.assert_array_equal(run.time, time)
    assert run.units == units
    assert (None if run.row_labels is None else run.row_labels.tolist()) == labels


def check_said(table, form, notes):
    about = {}
    for note in notes:
        subjects = [subject for subject, words in SUBJECTS.items() if re.search(words, note)]
        assert len(subjects) == 1, (note, subjects)
        about[subjects[0]] = note
    said = tw.decisions(table, form)
    assert about.keys() - MEASURED == said.keys(), (said, notes)
    for subject, words in said.items():
        assert words in about[subject]


PUMP = Table(("flow", "level"), ((1.5, NAN), (2.25, -3.0), (NAN, 1e-7)))
SOON = dt.datetime(2026, 1, 13, 10, 0)


@settings(patient, max_examples=300)
@given(st.randoms(use_true_random=False).map(tw.random_case))
# blanks part where tabs do, and the words of a title besides
@example((PUMP, Form(separator="\t", titles=("Plant 7",), stamp="T", missing="NA")))
@example((replace(PUMP, stamps=(SOON,) * 3), Form(separator=";", stamp="month first")))
@example((Table(("flow",), ((1.5,), (math.inf,))), Form(separator=";", decimal=",")))
@example((Table(("flow",), ((1.5,), (2.5,))), Form(separator=";", decimal=",", quotes="names")))
def test_same_numbers_in_any_form_give_the_same_run_and_every_decision_is_said(case):
    table, form = case
    assume(tw.can_hold(table, form))
    # a workbook of names without a single value is refused as having no sensor
    assume(form.kind == "text" or any(v == v for row in table.rows for v in row))
    with tempfile.TemporaryDirectory() as folder:
        path = tw.write(Path(folder) / f"log{form.suffix}", table, form)
        run, notes = read(path, **tw.options_for(table, form))
    check_same(table, form, run)
    check_said(table, form, notes)


@patient
@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=40),
    st.sampled_from(["text", "parquet", "sqlite", "xlsx"]),
)
@example([0, 1, 2, 30, 31, 31, 5, 32], "text")
def test_rows_come_in_the_order_of_time_and_the_last_of_one_stamp_counts(places, kind):
    stamps = tuple(SOON + dt.timedelta(minutes=place) for place in places)
    table = Table(("row",), tuple((float(i),) for i in range(len(places))), stamps)
    with tempfile.TemporaryDirectory() as folder:
        path = tw.write(Path(folder) / "log", table, Form(kind))
        tables = read_tables(path, TableOptions(**tw.options_for(table, Form(kind))))
    [run], [summary] = tables.runs.values(), tables.summaries
    last = {place: row for row, place in enumerate(places)}
    ordered = sorted(last)
    assert run.values.ravel().tolist() == [last[place] for place in ordered]
    assert len(set(run.time.tolist())) == len(run.time)
    steps = [60 * (after - before) for before, after in itertools.pairwise(ordered)]
    usual = statistics.median(steps) if steps else None
    assert summary.interval == usual
    assert [(gap["row"], gap["seconds"]) for gap in summary.gaps] == [
        (row, step) for row, step in enumerate(steps, start=1) if step > 5 * usual
    ]


# Missing values -----------------------------------------------------------------------------------

HOLES = {
    "the first cell": lambda i, j: (i, j) == (0, 0),
    "the last cell": lambda i, j: (i, j) == (6, 2),
    "a cell in the middle": lambda i, j: (i, j) == (3, 1),
    "a stretch": lambda i, j: j == 1 and 2 <= i <= 4,
    "a stretch at the end": lambda i, j: j == 2 and i > 3,
    "a column": lambda i, j: j == 1,
    "the last column": lambda i, j: j == 2,
    "a row": lambda i, j: i == 3,
    "the first row": lambda i, j: i == 0,
    "the last row": lambda i, j: i == 6,
    "everywhere": lambda i, j: True,
}
WAYS = {
    "blank": Form(),
    "decimal comma": Form(separator=";", decimal=","),
    "marked": Form(separator=" ", missing="NA", stamp="T"),
    "NaN": Form(separator="\t", missing="NaN", quotes="all"),
    "Parquet null": Form("parquet"),
    "Parquet NaN": Form("parquet", nulls=False),
    "float32": Form("parquet", single=True, nulls=False),
    "Arrow": Form("arrow"),
    "Arrow stream": Form("stream"),
    "xlsx": Form("xlsx"),
    "ods": Form("ods"),
    "SQLite": Form("sqlite"),
}


@pytest.mark.parametrize("hole", HOLES)
@pytest.mark.parametrize("way", WAYS)
def test_missing_cells_are_nan_exactly_where_they_are(tmp_path, way, hole):
    form = WAYS[way]
    rows = [[i + j / 4 for j in range(3)] for i in range(7)]
    missing = np.array([[HOLES[hole](i, j) for j in range(3)] for i in range(7)])
    values = np.where(missing, NAN, rows)
    stamps = tuple(SOON + dt.timedelta(minutes=i) for i in range(7))
    table = Table(("a", "b", "c"), tuple(map(tuple, values.tolist())), stamps)
    path = tw.write(tmp_path / f"log{form.suffix}", table, form)
    options = tw.options_for(table, form)
    if way == "marked" and hole == "everywhere":  # as many words as in a sentence
        options["separator"] = " "
    run, _ = read(path, **options)
    assert run.columns == table.names
    np.testing.assert_array_equal(run.values, values)


# Mixed, empty and single-row tables ---------------------------------------------------------------

TABULAR = {
    "text": Form(separator=";"),
    "decimal comma": Form(separator=";", decimal=","),
    "xlsx": Form("xlsx"),
    "ods": Form("ods"),
    "SQLite": Form("sqlite"),
}


def write_mixed(path, form, cells, other):
    """Two columns and a time; ``cells`` may be words."""
    names = ["time", "mixed", "pure"]
    stamps = [dt.datetime(2026, 1, 13) + dt.timedelta(minutes=i) for i in range(len(cells))]
    rows = list(zip(stamps, cells, other, strict=True))
    if form.kind == "sqlite":
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("create table log (time, mixed, pure)")
            database.executemany(
                "insert into log values (?, ?, ?)", [(str(t), a, b) for t, a, b in rows]
            )
            database.commit()
    elif form.kind == "text":
        lines = [";".join(str(c).replace(".", form.decimal) for c in row) for row in rows]
        path.write_text("\n".join([";".join(names), *lines]))
    else:
        tw.write_book(path, [names, *map(list, rows)], form.kind)
    return path


@patient
@given(
    st.sampled_from(sorted(TABULAR)),
    st.lists(st.integers(-9000, 9000).map(lambda i: i / 8), min_size=3, max_size=12),
    st.data(),
)
def test_column_of_numbers_and_words_is_refused_by_name_and_read_without_it(kind, pure, data):
    form = TABULAR[kind]
    words = st.sampled_from(["Bad", "No Data", "1.2.3", "n/a?", "--", "0x1F", "12 bar"])
    cells = [float(i) for i in range(len(pure))]
    row = data.draw(st.integers(1, len(pure) - 1))
    cells[row] = data.draw(words)
    with tempfile.TemporaryDirectory() as folder:
        path = write_mixed(Path(folder) / "log", form, cells, pure)
        query = {"query": "select * from log"} if kind == "SQLite" else {}
        message = refusal(path, **query)
        run, _ = read(path, drop=("mixed",), **query)
    shown = cells[row].replace(".", form.decimal)
    assert f"'mixed' ({shown!r} in row {row}, counted from 0)" in message
    assert "'pure'" not in message
    assert run.columns == ("pure",)
    assert run.values.ravel().tolist() == pure


@pytest.mark.parametrize("kind", [kind for kind in tw.KINDS if kind not in ("long", "xlsb")])
def test_one_row_is_a_run_of_one_row(tmp_path, kind):
    table = Table(("flow", "level"), ((1.5, -2.0),), (SOON,), units=("m³/h", "mm"))
    form = Form(kind)
    run, _ = read(
        tw.write(tmp_path / f"log{form.suffix}", table, form), **tw.options_for(table, form)
    )
    check_same(table, form, run)


@pytest.mark.parametrize("kind", tw.KINDS)
def test_names_without_rows_are_refused_as_such(tmp_path, kind):
    table, form = Table(("flow", "level"), ()), Form(kind)
    path = tw.write(tmp_path / f"log{form.suffix}", table, form)
    options = ["--query", "select * from log"] if kind == "sqlite" else []
    assert "no rows" in refused(path, *options)


@pytest.mark.parametrize("suffix", sorted(set(tw.SUFFIXES.values())))
def test_empty_file_is_refused_as_such(tmp_path, suffix):
    path = tmp_path / f"log{suffix}"
    path.touch()
    assert refused(path) == f"{path}: the file is empty (0 bytes); pass a file with sensor rows"


# A million columns --------------------------------------------------------------------------------

MILLION = 1_000_000
WIDE = {
    "names": lambda: ",".join(f"sensor_{i}" for i in range(MILLION)) + "\n" + "1," * MILLION + "1",
    "one row": lambda: "a,b\n1,2\n" + "1," * MILLION + "1\n3,4\n",
    "no names": lambda: "\n".join(["0.5;" * MILLION + "1"] * 3),
    "blanks": lambda: "1 " * MILLION + "\n" + "2 " * MILLION,
    "one quoted cell": lambda: 'a,b\n"' + "1," * MILLION + '",2\n',
    "a line without an end": lambda: "a\n" + "x" * (20 * MILLION),
}


# the peak is asked of the process itself: what wait4 tells begins with the memory of its parent
CHECK = """
import sys
from pathlib import Path
from dccad.cli.main import main
code = main(["data", "check", sys.argv[1]])
status = Path("/proc/self/status").read_text()
print(status.partition("VmHWM:")[2].split()[0])
sys.exit(code)
"""


@pytest.mark.parametrize("shape", WIDE)
def test_million_columns_end_in_one_line_soon_and_without_much_memory(tmp_path, shape):
    path = tmp_path / "wide.csv"
    path.write_text(WIDE[shape]())
    child = subprocess.Popen(
        [sys.executable, "-c", CHECK, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with child.stderr as errors, child.stdout as peak:
        lines, kib = errors.read().splitlines(), int(peak.read())
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 2
    [line] = lines
    assert line.startswith(f"dccad: error: {path}: ")
    assert len(line) < 400
    assert used.ru_utime + used.ru_stime < 10  # seconds of work, however busy the machine
    assert kib < 1 << 20


# Files that change --------------------------------------------------------------------------------


def append(path):
    with path.open("ab") as stream:
        stream.write(b"\n4,5\n")


def shorten(path):
    os.truncate(path, path.stat().st_size // 2)


def rewrite(path):
    content = path.read_bytes()
    os.utime(path, ns=(0, 0))
    path.write_bytes(content)


def exchange(path):
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    os.replace(other, path)


@pytest.mark.parametrize("change", [append, shorten, rewrite, exchange, Path.unlink])
@pytest.mark.parametrize("kind", ["text", "parquet", "arrow", "stream", "xlsx", "sqlite"])
def test_file_that_changes_between_opening_and_reading_is_never_read_in_two_states(
    tmp_path, monkeypatch, kind, change
):
    from dccad.tables import runs as table_runs

    form = Form(kind)
    path = tw.write(tmp_path / f"log{form.suffix}", PUMP, form)
    read_opened = table_runs.read_opened

    def changed(opened, options):
        change(path)
        return read_opened(opened, options)

    monkeypatch.setattr(table_runs, "read_opened", changed)
    if kind == "sqlite":  # what a query gives is in memory
        run, _ = read(path, **tw.options_for(PUMP, form))
        check_same(PUMP, form, run)
        return
    message = refusal(path, **tw.options_for(PUMP, form))
    assert message.startswith("FILE changed while it was read (")
    assert message.endswith("); copy it and read the copy")


def test_log_that_is_written_meanwhile_is_read_up_to_some_line_or_refused(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("row,square\n0,0\n")
    stop = threading.Event()

    def write():
        row = 1
        while not stop.wait(0.002):
            with path.open("a") as stream:
                stream.write(f"{row},{row * row}\n")
            row += 1

    writer = threading.Thread(target=write)
    writer.start()
    runs, refusals = [], []
    try:
        for _ in range(40):
            try:
                runs.append(read(path)[0])
            except InputError as error:
                refusals.append(str(error))
    finally:
        stop.set()
        writer.join()
    assert len(runs) + len(refusals) == 40
    for message in refusals:
        assert "changed while it was read" in message
    for run in runs:
        rows = np.arange(len(run))
        np.testing.assert_array_equal(run.values, np.column_stack([rows, rows**2]))
    run, _ = read(path)
    assert len(run) > 1


# What is no table ---------------------------------------------------------------------------------

HEADS = ("", "\ufeff", "\n  ", "<!DOCTYPE html>\n", '<?xml version="1.0"?>', "<!-- export -->")


@patient
@given(
    st.sampled_from(HEADS),
    st.sampled_from(["html", "HTML", "table", 'html xmlns:x="urn:schemas"', "meta charset=utf-8"]),
    st.sampled_from(["utf-8", "utf-16", "cp1252"]),
    st.sampled_from([".xls", ".xlsx", ".csv", ".html", ""]),
)
def test_spreadsheet_that_is_a_web_page_is_refused_as_such(head, tag, encoding, suffix):
    assume("\ufeff" not in head or encoding == "utf-8")
    page = f"{head}<{tag}><table><tr><td>flow</td></tr><tr><td>1,5</td></tr></table>"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"log{suffix}"
        path.write_bytes(page.encode(encoding))
        message = refused(path).replace(str(path), "FILE")
    named = f" named {suffix}" if suffix else ""
    assert message == (
        f"FILE is an HTML page{named}; open it in a spreadsheet programme and save it as .xlsx or "
        "CSV"
    )


def folder_of_nothing(path):
    path.mkdir()


def folder_of_documents(path):
    path.mkdir()
    (path / "report.docx").touch()


def broken_link(path):
    path.symlink_to("nowhere.csv")


def pipe(path):
    os.mkfifo(path)


PLACES = {
    "missing": (lambda path: None, "no such file; check the path"),
    "empty folder": (folder_of_nothing, "no table file in this folder, it is empty"),
    "other folder": (folder_of_documents, "no table file in this folder, it holds report.docx"),
    "broken link": (broken_link, "a link to a file that does not exist"),
    "pipe": (pipe, "a pipe or a device"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("suffix", ["", ".csv", ".xlsx", ".parquet", ".db"])
def test_path_of_no_file_is_refused_by_its_name(tmp_path, place, suffix):
    path = tmp_path / f"log{suffix}"
    make, words = PLACES[place]
    make(path)
    message = refused(path)
    assert message.startswith(str(path))
    assert words in message


@settings(patient, max_examples=60)
@given(st.text(max_size=20))
@example("\x00")
@example("~nobody/log.csv")
@example("[")
@example("sqlite://")
@example("postgresql://[")
def test_any_text_for_a_path_ends_in_one_line(text):
    with tempfile.TemporaryDirectory() as folder:
        before = Path.cwd()
        os.chdir(folder)
        try:
            assume(not Path(text).is_absolute() and ".." not in text and text != "-")
            assume(not text.startswith("--"))
            refused("--", text)
        finally:
            os.chdir(before)


# Workbooks and databases --------------------------------------------------------------------------

cells = st.lists(
    st.lists(st.integers(-9000, 9000).map(lambda i: i / 8), min_size=3, max_size=3),
    min_size=2,
    max_size=8,
)


def write_workbook(path, rows, formulas=(), merged=None, title=None):
    """Names a, b and c above rows; merged: first and last row and a column of one group."""
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Log")
        top = 0 if title is None else 1
        if title is not None:
            sheet.merge_range(0, 0, 0, 2, title)
        sheet.write_row(top, 0, ["a", "b", "c"])
        for i, row in enumerate(rows):
            for j, value in enumerate(row):
                if (i, j) in formulas:
                    sheet.write_formula(top + 1 + i, j, "=1+1", None, value)
                elif merged is None or j != merged[2] or not merged[0] < i <= merged[1]:
                    sheet.write_number(top + 1 + i, j, value)
        if merged is not None:
            first, last, column = merged
            sheet.merge_range(top + 1 + first, column, top + 1 + last, column, rows[first][column])
    return path


@patient
@given(cells, st.sets(st.tuples(st.integers(0, 7), st.integers(0, 2))))
def test_formulas_give_their_stored_values_and_are_counted(rows, formulas):
    formulas = {(i, j) for i, j in formulas if i < len(rows)}
    with tempfile.TemporaryDirectory() as folder:
        run, notes = read(write_workbook(Path(folder) / "log.xlsx", rows, formulas))
    assert run.values.tolist() == rows
    # xlsxwriter gives every formula a value that the office programme is asked to replace
    said = [note for note in notes if "formula" in note]
    assert len(said) == bool(formulas)
    if formulas:
        s = "s" if len(formulas) > 1 else ""
        assert said[0].startswith(f"the stored values of {len(formulas)} formula{s} may be")


@patient
@given(cells, st.data())
def test_merged_cells_hold_their_value_once_and_are_named(rows, data):
    first = data.draw(st.integers(0, len(rows) - 2))
    last = data.draw(st.integers(first + 1, len(rows) - 1))
    column = data.draw(st.integers(0, 2))
    title = data.draw(st.sampled_from([None, "Export of line 3"]))
    with tempfile.TemporaryDirectory() as folder:
        path = write_workbook(
            Path(folder) / "log.xlsx", rows, merged=(first, last, column), title=title
        )
        run, notes = read(path)
    values = np.array(rows)
    values[first + 1 : last + 1, column] = NAN
    np.testing.assert_array_equal(run.values, values)
    top = 2 if title is None else 3
    letter = "ABC"[column]
    assert [note for note in notes if "merged" in note] == [
        f"1 group of merged cells ({letter}{top + first}:{letter}{top + last}): only the first "
        "cell of each holds the value, the others are blank"
    ]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("select * from log where flow > 100", "the query gives no rows"),
        ("select * from empty", "the query gives no rows"),
        ("select flow from log limit 0", "the query gives no rows"),
        ("with none as (select * from log) select * from none where 0", "the query gives no rows"),
        ("delete from log", "--query begins with 'delete from log', which gives no table"),
        ("drop table log", "which gives no table"),
        ("create table more (x)", "which gives no table"),
        ("pragma user_version", "which gives no table"),
        ("-- nothing", "which gives no table"),
        ("", "a database needs a query"),
        ("select * from logs", "did you mean 'log'?"),
        ("select * from log; select 1", "several statements"),
    ],
)
def test_query_that_returns_nothing_is_refused_and_changes_nothing(tmp_path, query, words):
    path = tmp_path / "plant.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.executescript("create table log (flow); insert into log values (1), (2);")
        database.executescript("create table empty (flow)")
    before = path.read_bytes()
    assert words in refused(path, "--query", query)
    assert path.read_bytes() == before


# Damage -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fuzz_tables():
    spec = importlib.util.spec_from_file_location("fuzz_tables", FUZZ)
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz_tables"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["fuzz_tables"]


def test_fuzz_makes_the_same_files_for_the_same_seed(fuzz_tables):
    for number in range(40):
        assert fuzz_tables.make_case(3, number) == fuzz_tables.make_case(3, number)
    assert fuzz_tables.make_case(3, 0) != fuzz_tables.make_case(4, 0)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ({"code": 0, "out": '{"rows": 1}', "err": ""}, "result"),
        ({"code": 0, "out": '{"rows": NaN}', "err": ""}, "failure"),
        ({"code": 0, "out": "{}", "err": "thread panicked"}, "failure"),
        ({"code": 2, "out": "", "err": "dccad: error: log.csv: damaged\n"}, "refused"),
        ({"code": 2, "out": "", "err": "dccad: error: a\ndccad: error: b\n"}, "failure"),
        ({"code": 2, "out": "", "err": "dccad: error: \x1b[31mred\n"}, "failure"),
        ({"code": 2, "out": "", "err": "dccad: error: " + "x" * 5000}, "failure"),
        ({"code": 2, "out": "", "err": "Traceback (most recent call last)\n"}, "failure"),
        ({"code": 1, "out": "", "err": "dccad: error: unexpected KeyError\n"}, "failure"),
        ({"end": "no answer within 60 s"}, "failure"),
    ],
)
def test_fuzz_counts_only_results_and_single_lines_as_good(fuzz_tables, answer, verdict):
    assert fuzz_tables.judge({"place": "", **answer})[0] == verdict


def test_damaged_files_end_in_a_result_or_in_one_line(tmp_path):
    record = tmp_path / "fuzz.json"
    done = subprocess.run(
        [sys.executable, str(FUZZ), "--files", "120", "--seed", "7", "--output", str(record)],
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(record.read_text())
    assert found["failures"] == []
    assert done.returncode == 0
    counts = found["formats"].values()
    assert sum(count["results"] + count["refused"] for count in counts) == 120
    assert 10 < sum(count["results"] for count in counts) < 110
