"""Files, folders and pipes that hold no table, and logs that scores would overwrite."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import CHEAP
from refusals import contents, one_line, says, write

pytestmark = pytest.mark.filterwarnings("ignore::dccad.errors.DccadWarning")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("log.csv", b"", ["0 bytes", "pass a file with sensor rows"]),
        ("log.parquet", b"", ["0 bytes", "pass a file with sensor rows"]),
        ("log.csv", b"flow,pressure,level\n", ["no rows below the column names"]),
        ("log.csv", b"\n\n", ["nothing but blank lines", "pass a file with sensor rows"]),
        ("log.csv", b"\0" * 5000, ["nothing but NUL bytes", "export it again"]),
        ("log.csv", b"a,b\n1,2\n1,2,3\n", ["line 3 has 3 fields", "2 columns"]),
        ("log.csv", b"a,a\n1,2\n", ["more than once: 'a'"]),
        ("log.csv", b"<html><body><table>", ["is an HTML page named .csv", "save it as .xlsx or"]),
        ("log.csv", b'[{"flow": 1.5}]', ["is a JSON file", "export"]),
        ("log.csv", b"\x1f\x8b\x08" + bytes(range(200)), ["is compressed (gzip)", "unpack"]),
        ("log.parquet", b"PAR1\0\1\2" + bytes(200), ["the end of this Parquet file is missing"]),
        ("log.xlsx", b"PK\x03\x04" + bytes(200), ["a damaged workbook or ZIP archive"]),
        ("log.xlsx", b"<html><body><table>", ["is an HTML page named .xlsx", "save it as .xlsx"]),
        ("log", b"a,b\n", ["no rows below the column names"]),
    ],
)
def test_a_file_without_a_table_is_refused(trained_folder, refused, name, content, words):
    Path(name).write_bytes(content)
    says(refused("fit", name, "-o", "new", *CHEAP), name, *words)
    says(refused("score", trained_folder, name, "-o", "scores.csv"), name, *words)


def test_a_parquet_file_without_rows_is_refused(log, refused):
    name = write(log[:0], "log.parquet")
    says(refused("fit", name, "-o", "new"), name, "no rows below the column names")


def test_a_log_that_is_not_there_is_refused(trained_folder, refused):
    says(refused("fit", "nope.csv", "-o", "new"), "nope.csv: no such file")
    says(refused("fit", ".", "-o", "new"), ".: no table file in this folder, it is empty")
    says(refused("fit", "no/log.csv", "-o", "new"), "no/log.csv: folder no does not exist")
    says(
        refused("fit", "logs/*.csv", "-o", "new"), "logs/*.csv: nothing matches; check the pattern"
    )
    says(refused("score", trained_folder, "nope.csv", "-o", "s.csv"), "nope.csv: no such file")
    Path("notes.md").write_text("# shift book")
    says(
        refused("score", trained_folder, ".", "-o", "s.csv"), "it holds notes.md; needed are files"
    )
    Path("logs.csv").write_text("flow\n1\n")
    text = refused("score", trained_folder, "log.csv", "-o", "s.csv")
    says(text, "log.csv: no such file; did you mean logs.csv?")
    text = refused("score", trained_folder, "logs.csv", "logs.csv", "-o", "s.csv")
    says(text, "logs.csv is named twice; name every log once")


class Terminal(io.StringIO):
    """Standard input on which a person would have to type."""

    buffer = io.BytesIO()

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        (Terminal(), ["standard input is a terminal", "pipe a table into it"]),
        (io.TextIOWrapper(io.BytesIO(b"")), ["standard input is empty (0 bytes)"]),
        (
            io.TextIOWrapper(io.BytesIO(b"a,b\n")),
            ["standard input: no rows below the column names"],
        ),
    ],
    ids=["terminal", "empty", "only names"],
)
def test_a_pipe_without_a_table_is_refused(refused, monkeypatch, stream, words):
    monkeypatch.setattr(sys, "stdin", stream)
    says(refused("data", "check", "-"), *words)


@pytest.mark.parametrize("output", ["logs/monday.csv", "logs/../logs/monday.csv"])
@pytest.mark.parametrize("inputs", [["logs"], ["logs/*.csv"], ["logs/tuesday.csv", "logs"]])
def test_scores_never_overwrite_a_log_of_a_folder_or_pattern(
    log, trained_folder, refused, output, inputs
):
    Path("logs").mkdir()
    for name in ("logs/monday.csv", "logs/tuesday.csv"):
        write(log, name)
    inputs = inputs[1:] if len(inputs) > 1 else inputs
    text = refused("score", trained_folder, *inputs, "-o", output)
    says(text, f"{Path(output)} is the log itself and would be overwritten", "another file")


def test_a_line_break_in_a_column_name_stays_in_one_line(log, refused):
    Path("log.csv").write_text('flow,"the\nstate"\n1,on\n')
    text = refused("fit", "log.csv", "-o", "new")
    says(text, "columns that hold no numbers: 'the state' ('on' in row 0")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["data", "check", "page.csv"], ["page.csv is an HTML page named .csv"]),
        (["info", "nope"], ["no model folder at nope"]),
        (["score", "model"], ["missing argument 'LOG'", "dccad score --help"]),
    ],
)
def test_a_process_ends_with_code_2_and_one_line(tmp_path, arguments, words):
    (tmp_path / "page.csv").write_text("<html><body><table>")
    before = contents(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "dccad", *arguments], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    says(one_line(done.stderr), *words)
    assert contents(tmp_path) == before
