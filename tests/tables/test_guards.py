"""Damage and changes of files end in one line, and other errors pass through."""

import os
import threading
import time

import numpy as np
import polars as pl
import pytest

from dccad.errors import InputError
from dccad.tables.guards import file_stamp, refuse_damage, refuse_if_changed
from opened_files import (
    opened,
    write_arrow,
    write_parquet,
)


def test_other_errors_and_what_others_print_pass_through(capfd):
    def mistake():
        os.write(2, b"a warning of another library\n")
        raise KeyError("a mistake of ours")

    with pytest.raises(KeyError), refuse_damage("a.parquet", "Parquet"):
        mistake()
    assert capfd.readouterr().err == "a warning of another library\n"
    with pytest.raises(KeyboardInterrupt), refuse_damage("a.parquet", "Parquet"):
        raise KeyboardInterrupt


# Changing files -----------------------------------------------------------------------------------


def changed(path, stamp):
    with pytest.raises(InputError) as caught:
        refuse_if_changed(path, stamp)
    return str(caught.value).replace(str(path), "FILE")


def test_file_that_is_written_while_it_is_read_is_refused(file, tmp_path):
    path = file("a\n1\n")
    stamp = file_stamp(path)
    refuse_if_changed(path, stamp)
    with path.open("a") as stream:
        stream.write("2\n")
    assert changed(path, stamp) == (
        "FILE changed while it was read (4 bytes before, 6 after); copy it and read the copy"
    )
    stamp = file_stamp(path)
    os.utime(path, ns=(0, 0))
    assert changed(path, stamp) == (
        "FILE changed while it was read (it was written again); copy it and read the copy"
    )
    stamp = file_stamp(path)
    other = tmp_path / "other.csv"
    other.write_text(path.read_text())
    os.utime(other, ns=(0, 0))
    other.replace(path)
    assert "it was written again" in changed(path, stamp)
    path.unlink()
    assert changed(path, stamp) == (
        "FILE changed while it was read (it is gone); copy it and read the copy"
    )


@pytest.mark.parametrize("write", [write_parquet, write_arrow])
def test_file_that_shrinks_while_it_is_read_does_not_end_the_process(
    tmp_path, monkeypatch, capfd, write
):
    monkeypatch.setattr("opened_files.FRAME", pl.DataFrame({c: np.arange(2e5) for c in "abcd"}))
    path = tmp_path / "a.dat"
    for delay in (0.0, 0.001, 0.004):
        write(path)
        stamp = file_stamp(path)
        table = opened(path)
        thread = threading.Thread(target=lambda: (time.sleep(delay), os.truncate(path, 1000)))  # noqa: B023  # joined below, within the loop
        thread.start()
        try:
            with refuse_damage(table.source, table.format):
                table.frame.collect()
        except InputError as error:
            message = str(error)
        else:
            message = str(path)
        thread.join()
        assert message.startswith(str(path))
        assert "changed while it was read" in changed(path, stamp)
    assert "panicked" not in capfd.readouterr().err
