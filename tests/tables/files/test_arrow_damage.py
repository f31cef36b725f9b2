"""Damaged Arrow files are refused before a reader asks for more memory than there is."""

import numpy as np
import polars as pl
import pytest

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
