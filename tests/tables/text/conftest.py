"""Files of text, read from memory and as large ones are."""

import pytest

from dccad.tables.text import encodings
from dccad.tables.text import lines as csv_lines
from dccad.tables.text import reader as csv_files


@pytest.fixture
def csv_file(tmp_path):
    def write(content, encoding="utf-8"):
        path = tmp_path / "pump.csv"
        path.write_bytes(content.encode(encoding) if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture(params=["in memory", "in pieces"])
def both_ways(request, monkeypatch):
    """Read as large files are read, too: from disk, in pieces that end anywhere in a line."""
    if request.param == "in pieces":
        monkeypatch.setattr(encodings, "MEMORY_BYTES", 0)
        for module in (encodings, csv_files, csv_lines):
            monkeypatch.setattr(module, "CHUNK", 7)
