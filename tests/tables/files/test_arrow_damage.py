"""Damaged Arrow files are refused before a reader asks for more memory than there is."""

import io

import numpy as np
import polars as pl
import pytest

from dccad.tables.files.arrow_damage import arrow_damage
from opened_files import opened, refusal


@pytest.mark.parametrize("kind", ["file", "stream"])
def test_arrow_column_that_would_unpack_to_more_than_there_is_is_refused(tmp_path, kind):
    path = tmp_path / "a.arrow"
    frame = pl.DataFrame({"a": np.arange(1000.0)})
    write = frame.write_ipc if kind == "file" else frame.write_ipc_stream
    write(path, compression="zstd")
    assert opened(path).frame.collect().equals(frame)
    content = bytearray(path.read_bytes())
    size = content.index(b"\x28\xb5\x2f\xfd") - 8  # before the compressed data
    assert int.from_bytes(content[size : size + 8], "little") == 8000
    content[size + 6] = 60  # the reader would ask for this many bytes, and the process end
    path.write_bytes(content)
    assert f"a damaged Arrow {kind} (a column of " in refusal(path)
    assert " unpacks to 16888498602647360); copy or export it again" in refusal(path)


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
@pytest.mark.parametrize("kind", ["file", "stream"])
def test_a_sound_file_of_any_compression_has_no_damage(compression, kind):
    frame = pl.DataFrame({"a": np.arange(1000.0), "s": ["x", None] * 500, "none": [None] * 1000})
    for content in (frame, frame.clear()):
        stream = io.BytesIO()
        write = content.write_ipc if kind == "file" else content.write_ipc_stream
        write(stream, compression=compression)
        assert arrow_damage(stream) is None


@pytest.mark.parametrize("kind", ["file", "stream"])
def test_a_file_that_was_cut_off_within_its_rows_is_damaged(kind):
    stream = io.BytesIO()
    frame = pl.DataFrame({"a": np.random.default_rng(0).random(1000)})
    write = frame.write_ipc if kind == "file" else frame.write_ipc_stream
    write(stream, compression="zstd")
    content = stream.getvalue()
    assert arrow_damage(stream) is None
    for size in range(len(content) // 3, len(content) - 500, 97):
        assert arrow_damage(io.BytesIO(content[:size])) in (
            "a batch of rows lies outside of the file",
            "its table of contents is damaged",
        )
