"""Download the classic Tennessee Eastman files: checked, resumed, from the first good mirror.

pooch keeps the files and checks them by SHA-256; what is added here is that a file cut off half-way
is gone on with (pooch starts it again), and that another mirror is asked where one fails.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from dccad.errors import DccadError, DccadWarning, InputError, warn
from dccad.support.extras import require
from dccad.support.progress import progress_bar

MIRRORS = (
    "https://raw.githubusercontent.com/camaramm/tennessee-eastman-profBraatz/master",
    "https://cdn.jsdelivr.net/gh/camaramm/tennessee-eastman-profBraatz@master",
    "https://raw.githubusercontent.com/robmip/tennessee-eastman-profBraatz/master",
)
"""Folders with the 44 files, in the order in which they are asked."""

ENVIRONMENT = "DCCAD_DATA"
"""Environment variable that names the folder of downloaded data."""

_ATTEMPTS = 4
"""How often a mirror that cuts the connection is asked for the rest, while there is progress."""


class DownloadError(DccadError, OSError):
    """No mirror gave a file; the message says what each of them answered."""


def data_folder() -> Path:
    """Folder in which downloads are kept, each data set in a folder of its own.

    Returns
    -------
    Path
        The environment variable ``DCCAD_DATA``, or the platform's folder for caches (Linux:
        ``~/.cache/dccad``). It need not exist yet.

    Raises
    ------
    MissingExtraError
        ``DCCAD_DATA`` is not set and pooch, which knows the platforms, is not installed.

    Examples
    --------
    >>> import os
    >>> os.environ["DCCAD_DATA"] = "/plant/data"
    >>> data_folder().as_posix()
    '/plant/data'
    >>> del os.environ["DCCAD_DATA"]
    """
    chosen = os.environ.get(ENVIRONMENT)
    if chosen:
        return Path(chosen).expanduser()
    return Path(require("pooch", extra="data").os_cache("dccad"))


def tep_checksums() -> dict[str, str]:
    """SHA-256 of the 44 classic Tennessee Eastman files, by file name.

    Examples
    --------
    >>> checksums = tep_checksums()
    >>> len(checksums), min(checksums), max(checksums)
    (44, 'd00.dat', 'd21_te.dat')
    """
    # in the form of sha256sum, so that copies made by hand can be checked with `sha256sum -c`
    text = files("dccad.datasets").joinpath("data/tep_sha256.txt").read_text(encoding="ascii")
    pairs = (line.split() for line in text.splitlines())
    return {name: checksum for checksum, name in pairs}


def find_tep(folder: str | os.PathLike[str] | None = None) -> Path | None:
    """Find the classic Tennessee Eastman files on this machine; nothing is downloaded.

    Parameters
    ----------
    folder : str or path, optional
        Default: ``tep`` in :func:`data_folder`.

    Returns
    -------
    Path or None
        The folder, if all 44 files are in it. Their contents are not checked.

    Examples
    --------
    >>> find_tep("no/such/folder") is None
    True
    """
    if folder is None:
        try:
            folder = data_folder() / "tep"
        except DccadError:  # without pooch nothing was downloaded either
            return None
    root = Path(folder)
    return root if all((root / name).is_file() for name in tep_checksums()) else None


def get_tep(
    folder: str | os.PathLike[str] | None = None,
    *,
    mirrors: Sequence[str] = MIRRORS,
    progress: bool = False,
    timeout: float = 30.0,
) -> Path:
    """Download the classic Tennessee Eastman files, or those of them that are missing.

    Parameters
    ----------
    folder : str or path, optional
        Default: ``tep`` in :func:`data_folder`.
    mirrors : sequence of str
        Addresses of folders with the files, in the order in which to ask them.
    progress : bool
        Show a progress bar on a terminal.
    timeout : float, in s
        How long to wait for an answer, and for each further piece of a file.

    Returns
    -------
    Path
        The folder, for :func:`dccad.datasets.load_tep`. All 44 files in it are the published ones.

    Raises
    ------
    DownloadError
        A file could not be had from any mirror. Files that are complete stay, and what has come of
        the others too: the next call goes on from there.
    InputError
        ``folder`` is a file.
    OSError
        The disk is full or the folder not writable.
    MissingExtraError
        pooch is not installed.

    Warns
    -----
    DccadWarning
        A file of that name was there but is not the published one; it is replaced.
    """
    root = data_folder() / "tep" if folder is None else Path(folder)
    return fetch_files(tep_checksums(), root, mirrors, progress=progress, timeout=timeout)


def fetch_files(
    checksums: Mapping[str, str],
    folder: Path,
    mirrors: Sequence[str],
    *,
    progress: bool = False,
    timeout: float = 30.0,
) -> Path:
    """Download text files into a folder, see :func:`get_tep`."""
    pooch = require("pooch", extra="data")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file, not a folder; name another folder for the download")
    wanted = {name: sha for name, sha in checksums.items() if not _is_there(folder / name, sha)}
    if not wanted:
        return folder
    replaced = [name for name in wanted if (folder / name).exists()]
    if isinstance(mirrors, str):
        mirrors = [mirrors]
    if replaced:
        more = f" and {len(replaced) - 1} more" if len(replaced) > 1 else ""
        warn(
            f"{replaced[0]}{more} in {folder} is not the published file (wrong checksum) and is "
            "replaced once that has come",
            DccadWarning,
        )
    folder.mkdir(parents=True, exist_ok=True)
    silent: dict[str, str] = {}  # mirrors that do not answer at all, and how that showed
    with _quiet(pooch.get_logger()), progress_bar("downloading", len(checksums), progress) as show:
        for done, (name, sha) in enumerate(wanted.items(), start=len(checksums) - len(wanted)):
            show(done, name)
            answers = _fetch(pooch, folder, name, sha, mirrors, silent, timeout)
            if answers is not None:
                raise DownloadError(_explain(name, answers, silent, folder, done, len(checksums)))
        show(len(checksums), "")
    return folder


def _is_there(path: Path, checksum: str) -> bool:
    if not path.is_file():
        return False
    return hashlib.sha256(_unix_line_ends(path.read_bytes())).hexdigest() == checksum


def _unix_line_ends(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n")


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Keep pooch from writing a line about every file to standard error."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _fetch(
    pooch: Any,
    folder: Path,
    name: str,
    checksum: str,
    mirrors: Sequence[str],
    silent: dict[str, str],
    timeout: float,
) -> dict[str, str] | None:
    """Fetch one file from the first mirror that serves it; else give what each answered."""
    import requests

    part = folder / f".{name}.part"
    answers = {}
    for mirror in mirrors:
        if mirror in silent:
            answers[mirror] = silent[mirror]
            continue
        for _ in range(_ATTEMPTS):
            download = _ResumedDownload(part, timeout)
            try:
                pooch.retrieve(
                    f"{mirror.rstrip('/')}/{name}",
                    known_hash=f"sha256:{checksum}",
                    fname=name,
                    path=folder,
                    downloader=download,
                )
            except requests.HTTPError as error:
                answers[mirror] = str(error).partition(" for url")[0]  # "404 Client Error: Not …"
            except requests.RequestException as error:
                if not download.answered:
                    answers[mirror] = silent[mirror] = _why(error, timeout)
                    break
                answers[mirror] = "the connection was cut"
                if download.received:
                    continue  # ask for the rest
            except ValueError:  # pooch found another checksum and has thrown the file away
                answers[mirror] = "wrong checksum"
                if download.resumed:
                    continue  # the first part may come from another mirror: start again
            else:
                return None
            break
    return answers


class _ResumedDownload:
    """Downloader for pooch that goes on where an earlier one was cut off.

    What arrives is kept in ``part`` until the file is complete; only then is it handed to pooch,
    which checks it and renames it into place.
    """

    def __init__(self, part: Path, timeout: float) -> None:
        self.part = part
        self.timeout = timeout
        self.answered = False
        self.received = 0  # bytes
        self.resumed = False

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        start = self.part.stat().st_size if self.part.is_file() else 0
        with self._ask(url, start) as response:
            self.answered = True
            self.resumed = start > 0 and _starts_at(response, start)
            if start and not self.resumed and response.status_code in (206, 416):
                self.part.unlink()  # the file is no longer than that, or another piece came
                return self(url, output_file, pooch)
            response.raise_for_status()
            with self.part.open("ab" if self.resumed else "wb") as stream:
                # small, because the beginning of a piece that does not end is lost
                for chunk in response.iter_content(chunk_size=1024):
                    stream.write(chunk)
                    self.received += len(chunk)
        Path(output_file).write_bytes(_unix_line_ends(self.part.read_bytes()))
        self.part.unlink()

    def _ask(self, url: str, start: int) -> Any:
        import requests

        # compressed on the way, the file would have other positions to go on from
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        return requests.get(url, headers=headers, stream=True, timeout=self.timeout)


def _starts_at(response: Any, start: int) -> bool:
    found = response.headers.get("Content-Range", "")
    return bool(response.status_code == 206 and found.startswith(f"bytes {start}-"))


def _why(error: Exception, timeout: float) -> str:
    import requests

    if isinstance(error, requests.Timeout):
        return f"no answer within {timeout:g} s"
    if isinstance(error, requests.exceptions.SSLError):
        return "the secure connection failed"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy cannot be reached"
    if isinstance(error, requests.ConnectionError):
        return "cannot be reached"
    return f"not usable ({type(error).__name__})"


def _explain(
    name: str,
    answers: Mapping[str, str],
    silent: Mapping[str, str],
    folder: Path,
    n_there: int,
    n_files: int,
) -> str:
    said = "; ".join(f"{mirror}: {answer}" for mirror, answer in answers.items()) or "no mirror"
    by_hand = (
        f"copy the files by hand into {folder}, or set {ENVIRONMENT} to a folder that has them"
    )
    if answers.keys() == silent.keys():
        return (
            f"cannot reach a mirror ({said}); connect to the internet, or {by_hand} as "
            f"{folder.name}/"
        )
    return (
        f"{name} cannot be downloaded ({said}); {n_there} of {n_files} files are there; try again "
        f"later to go on, or {by_hand} as {folder.name}/"
    )
