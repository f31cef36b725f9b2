"""Files of any content, and a folder to work in."""

import pytest


@pytest.fixture
def file(tmp_path):
    def write(content, name="log.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory, so that messages name files as a user does."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
