"""Files appear whole or not at all."""

import os
import subprocess
import sys

import pytest

from dccad.support.files import replace_files


def test_files_hold_what_was_written(tmp_path):
    replace_files({tmp_path / "a": b"one", tmp_path / "b": b"two"})
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"a": b"one", "b": b"two"}


def test_failure_on_the_second_file_leaves_the_first_as_it_was(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(FileNotFoundError):
        replace_files({tmp_path / "a": b"new", tmp_path / "no" / "b": b"two"})
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"a": b"old"}


def test_failed_rename_leaves_no_part_files(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="directory"):
        replace_files({tmp_path / "a": b"new"})
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


# A limit on the size of files stands in for a full disk: both fail inside write().
FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from dccad.results.files import write_scores
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    write_scores(sys.argv[1], {"score": np.random.default_rng(0).normal(size=100_000)})
except OSError as error:
    sys.exit(f"OSError: {error}")
"""


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_full_disk_leaves_the_old_scores_and_nothing_else(tmp_path, suffix):
    target = tmp_path / f"scores.{suffix}"
    target.write_text("old")
    child = subprocess.run(
        [sys.executable, "-c", FULL_DISK, os.fspath(target)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "OSError: [Errno 27] File too large" in child.stderr
    assert [p.name for p in tmp_path.iterdir()] == [target.name]
    assert target.read_text() == "old"
