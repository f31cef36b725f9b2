"""Text in any encoding is read as it was written, or refused with the line."""

import os
import subprocess
import sys

import numpy as np
import pytest

from dccad.errors import ParameterError
from text_tables import notes_of, refusal, rows_of


def test_empty_file_is_refused(csv_file, both_ways):
    assert refusal(csv_file("")) == (
        "FILE: the file is empty (0 bytes); pass a file with sensor rows"
    )
    assert "begins with nothing but blank lines" in refusal(csv_file("\n  \n\n"))
    assert "begins with nothing but blank lines" in refusal(csv_file("\ufeff\n"))


@pytest.mark.parametrize(
    ("encoding", "note"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-16", "encoding UTF-16 (byte-order mark)"),
        ("utf-16-le", "encoding UTF-16-LE (without byte-order mark)"),
        ("utf-16-be", "encoding UTF-16-BE (without byte-order mark)"),
        ("utf-32", "encoding UTF-32 (byte-order mark)"),
        ("cp1252", "encoding Windows-1252 (not UTF-8)"),
    ],
)
def test_encodings_are_found(csv_file, both_ways, encoding, note):
    path = csv_file("flow °C;Größe µ\r\n1;2,5\r\n3;4,5\r\n", encoding)
    assert rows_of(path) == (["flow °C", "Größe µ"], [(1, 2.5), (3, 4.5)])
    assert [text for text in notes_of(path) if "encoding" in text] == ([note] if note else [])


def test_given_encoding_is_taken(csv_file, both_ways):
    path = csv_file("Größe ж;b\n1;2\n")
    assert rows_of(path, encoding="UTF8")[0] == ["Größe ж", "b"]
    path = csv_file("поток;b\n1;2\n", "koi8-r")
    assert rows_of(path, encoding="koi8-r")[0] == ["поток", "b"]
    assert "encoding koi8-r (as given)" in notes_of(path, encoding="koi8-r")


def test_wrong_encoding_is_refused_with_the_line(csv_file, both_ways):
    path = csv_file("a,b\n1,2\n3,°\n", "latin-1")
    assert refusal(path, encoding="utf-8") == (
        "FILE: line 3 is not UTF-8 text (byte 0xb0); name another --encoding, or leave it out to "
        "have it found"
    )
    assert refusal(path, encoding="ascii").startswith("FILE: line 3 is not ascii text (byte 0xb0);")
    assert "is not utf-16 text" in refusal(csv_file("a,b\n1,2\n3,4"), encoding="utf-16")
    assert refusal(csv_file(b"a,b\n1,\x81\n")) == (
        "FILE: line 2 is neither UTF-8 nor Windows-1252 text (byte 0x81); name its encoding with "
        "--encoding"
    )


@pytest.mark.parametrize("name", ["klingon", "base64", "", "utf-8\0"])
def test_unknown_encoding_is_refused(csv_file, name):
    assert refusal(csv_file("a\n1\n"), ParameterError, encoding=name) == (
        f"encoding {name!r} is not known; name it as Python does: utf-8, cp1252, utf-16 …"
    )


def test_binary_files_are_refused(csv_file, both_ways):
    assert refusal(csv_file("a,b\n1,2\n3,\0\0\n4,5\n")) == (
        "FILE is not text: line 3 holds a NUL byte; export it as CSV, or cut the damaged lines out"
    )
    noise = np.random.default_rng(0).integers(1, 256, 5000, dtype=np.uint8).tobytes()
    assert "FILE is not text: " in refusal(csv_file(noise))


def test_temporary_copy_of_a_large_file_goes_with_the_process(csv_file, tmp_path):
    path = csv_file("a b\n" + "1 2.5\n" * 1000)
    code = (
        "import os, pathlib, tempfile\n"
        "from dccad.tables.text import encodings\n"
        "from dccad.tables.text.reader import open_csv\n"
        "from dccad.tables.options import TableOptions\n"
        "encodings.MEMORY_BYTES = 0\n"
        f"frame = open_csv(pathlib.Path({str(path)!r}), TableOptions()).frame\n"
        "print(len(os.listdir(tempfile.gettempdir())), frame.collect().height)\n"
    )
    folder = tmp_path / "temporary"
    folder.mkdir()
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.split() == ["1", "1000"]
    assert list(folder.iterdir()) == []
