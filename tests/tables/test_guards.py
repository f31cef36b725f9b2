"""Damage and changes of files end in one line, and other errors pass through."""

import os
import threading
import time

import numpy as np
import polars as pl
import pytest

from dccad.errors import InputError
from dccad.tables.guards import file_stamp, reason, refuse_damage, refuse_if_changed, system_reason
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


class PanicException(BaseException):  # named as those of extension modules are
    pass


def panic():
    os.write(2, b"thread 'main' panicked at src/lib.rs:1:\n")
    raise PanicException("index out of bounds")


def test_a_reader_that_panics_is_a_damaged_file_and_its_trace_is_not_shown(capfd):
    with pytest.raises(InputError) as caught, refuse_damage("a.xlsx", "Excel workbook"):
        panic()
    assert str(caught.value) == (
        "a.xlsx: not readable as Excel workbook (its parts contradict each other); export it again"
    )
    assert capfd.readouterr().err == ""


def test_a_refusal_within_a_reader_stays_as_it_is():
    with (
        pytest.raises(InputError, match=r"^a.csv: line 2 has 3 fields$"),
        refuse_damage("a.csv", "CSV"),
    ):
        raise InputError("a.csv: line 2 has 3 fields")


@pytest.mark.parametrize(
    ("error", "short"),
    [
        (ValueError("bad page\nbacktrace"), "bad page"),
        (ValueError(" "), "ValueError"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (ValueError("cut: Error { source_location: x.rs }"), "cut"),
        (ValueError("x" * 121), "x" * 120 + "…"),
        (ValueError("x" * 120), "x" * 120),
    ],
)
def test_the_reason_of_a_refusal_is_one_short_line(error, short):
    assert reason(error) == short


def test_what_the_system_says_is_one_line():
    assert system_reason(OSError(2, "No such file or directory")) == "No such file or directory"
    assert system_reason(OSError("cut off\nsecond line")) == "cut off"


def test_a_file_that_cannot_be_looked_at_is_refused_by_its_path(tmp_path):
    with pytest.raises(InputError) as caught:
        file_stamp(tmp_path / "no.csv")
    assert str(caught.value) == (
        f"{tmp_path / 'no.csv'}: No such file or directory; check the path"
    )
