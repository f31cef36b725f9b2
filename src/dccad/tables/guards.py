"""Read files that may be damaged, or that something else writes meanwhile."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dccad.errors import DccadError, InputError


@dataclass(frozen=True)
class FileStamp:
    """What changes when a file is written: size in bytes, time of the last change, inode."""

    size: int
    mtime_ns: int
    inode: int


def file_stamp(path: Path) -> FileStamp:
    """Take the stamp of a file before it is opened, for :func:`refuse_if_changed`.

    Raises
    ------
    InputError
        The file is not there or cannot be looked at.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise InputError(f"{path}: {system_reason(error)}; check the path") from error
    return FileStamp(status.st_size, status.st_mtime_ns, status.st_ino)


def refuse_if_changed(path: Path, stamp: FileStamp) -> None:
    r"""Refuse rows that were read from a file while something wrote it.

    Parameters
    ----------
    path : Path
    stamp : FileStamp
        Taken before the file was opened; call this after its rows have been read.

    Raises
    ------
    InputError
        The file is another one now, or none.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "log.csv")
    ...     _ = file.write_text("flow\n1\n")
    ...     stamp = file_stamp(file)
    ...     refuse_if_changed(file, stamp)
    """
    try:
        now = file_stamp(path)
    except InputError as error:
        what = "it is gone"
        raise InputError(
            f"{path} changed while it was read ({what}); copy it and read the copy"
        ) from error
    if now != stamp:
        what = (
            f"{stamp.size} bytes before, {now.size} after"
            if now.size != stamp.size
            else "it was written again"
        )
        raise InputError(f"{path} changed while it was read ({what}); copy it and read the copy")


@contextmanager
def refuse_damage(source: str, format_: str) -> Iterator[None]:
    """Turn what a reader raises about a damaged file into one line.

    Wrap every step that reads: opening, and later collecting, a lazy frame.

    Parameters
    ----------
    source, format_ : str
        ``source`` and ``format`` of the table.

    Raises
    ------
    InputError
        The reader raised, or panicked (its traceback is kept from the screen).

    Examples
    --------
    >>> with refuse_damage("a.parquet", "Parquet"):
    ...     raise OSError("failed to fill whole buffer")
    Traceback (most recent call last):
    dccad.errors.InputError: a.parquet: not readable as Parquet (failed ... buffer); export it again
    """
    try:
        with _quiet_panics():
            yield
    except DccadError:
        raise
    except BaseException as error:  # a panic derives from BaseException alone
        if not _tells_damage(error):
            raise
        raise InputError(
            f"{source}: not readable as {format_} ({reason(error)}); export it again"
        ) from error


def _tells_damage(error: BaseException) -> bool:
    import polars as pl

    return (
        isinstance(error, pl.exceptions.PolarsError | OSError | EOFError)
        # every extension module has a panic class of its own, and readers their own errors
        or type(error).__name__ == "PanicException"
        or type(error).__module__ == "_fastexcel"
    )


def reason(error: BaseException, most: int = 120) -> str:
    r"""Short cause of an error, for the brackets of a message.

    Examples
    --------
    >>> reason(ValueError("bad page\nbacktrace: ..."))
    'bad page'
    """
    if type(error).__name__ == "PanicException":
        return "its parts contradict each other"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else type(error).__name__
    # what the library says about its own source is no help
    text = text.partition(" Error { source_location")[0].rstrip(" :")
    return text if len(text) <= most else text[:most] + "…"


def system_reason(error: OSError) -> str:
    """What the operating system says, in one line."""
    return (error.strerror or str(error)).splitlines()[0]


_quieting = threading.Lock()


@contextmanager
def _quiet_panics() -> Iterator[None]:
    """Keep the trace that a panicking reader prints by itself from the screen.

    It is written by native code to file descriptor 2, so that is where it has to be caught;
    anything else written meanwhile is passed on.
    """
    if not _quieting.acquire(blocking=False):  # another thread does, and would be undone
        yield
        return
    try:
        try:
            kept = os.dup(2)
            caught = tempfile.TemporaryFile()  # noqa: SIM115  # closed by the with below
        except OSError:  # there is no standard error, or no room to keep it
            yield
            return
        with caught:
            os.dup2(caught.fileno(), 2)
            try:
                yield
            finally:
                if os.fstat(caught.fileno()).st_size:
                    _settle(caught.fileno())  # other threads of the reader may still be failing
                os.dup2(kept, 2)
                os.close(kept)
                caught.seek(0)
                written = caught.read()
                if b"panicked at" not in written:
                    os.write(2, written)
    finally:
        _quieting.release()


def _settle(descriptor: int) -> None:
    """Wait until nothing more is written to a file."""
    size = -1
    while size != (size := os.fstat(descriptor).st_size):
        time.sleep(0.1 if size else 0.01)
