"""What a user names as a log: files, globs, folders, databases, standard input.

Nothing is opened here; :mod:`dccad.tables.opening` finds out what a file holds.
"""

from __future__ import annotations

import difflib
import glob
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NoReturn
from urllib.parse import unquote

from dccad.errors import InputError

TABLE_SUFFIXES = (
    *(".csv", ".tsv", ".txt", ".dat", ".asc", ".log"),
    *(".parquet", ".pq", ".arrow", ".feather", ".ipc"),
    *(".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"),
)
"""Suffixes of the files that are taken from a folder; a file named itself may have any."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
# what people put beside their logs
_ABOUT = re.compile(r"(read.?me|licen[cs]e|change.?log|copying)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Source:
    """One file, database or stream to read.

    Attributes
    ----------
    kind : {"file", "database", "stdin"}
    path : Path or None
        The file; also that of a SQLite database given by its address.
    url : str or None
        Address of a database, with its password.
    label : str
        What messages call it: the path as it was given, or the address without password.
    name : str
        Name of its run: the file name without suffix, longer where two would be the same.
    notes : tuple of str
        What was decided while it was found, for the summary.
    """

    kind: Literal["file", "database", "stdin"]
    path: Path | None
    url: str | None
    label: str
    name: str
    notes: tuple[str, ...] = ()


def expand_sources(
    inputs: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
) -> list[Source]:
    r"""Find what the given names stand for, in the order in which runs are to be read.

    Parameters
    ----------
    inputs : sequence of str or path
        Files; globs ("logs/\*.csv", "\*\*" for folders in folders) and folders, whose files come in
        natural order (2.csv before 10.csv); databases
        ("sqlite:///relative.db", "sqlite:////absolute.db", "postgresql://user@host:5432/plant");
        "-" for standard input. What exists under a name is that file, whatever characters the name
        has. From a folder come the files directly in it whose suffix is that of a table; what is
        left out is noted.

    Returns
    -------
    list of Source
        At least one; no two with the same name.

    Raises
    ------
    InputError
        Nothing is there under a name, or the same thing is named twice.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for file in ("day10.csv", "day9.csv", "notes.docx"):
    ...         _ = Path(folder, file).write_text("flow\n1\n")
    ...     sources = expand_sources([folder])
    >>> [source.name for source in sources], sources[0].notes[0].partition(", ")[2]
    (['day9', 'day10'], 'left out: notes.docx')
    """
    given = [inputs] if isinstance(inputs, str | os.PathLike) else list(inputs)
    sources = [source for name in given for source in _expand(os.fspath(name))]
    if not sources:
        raise InputError("no log is named; name files, folders, a database address, or - for stdin")
    _refuse_repeats(sources)
    return _with_own_names(sources)


def natural_key(text: str) -> tuple[tuple[tuple[int, str] | str, ...], str]:
    """Key that sorts numbers within names by their value.

    Examples
    --------
    >>> sorted(["run10", "Run9", "run2b", "run2a"], key=natural_key)
    ['run2a', 'run2b', 'Run9', 'run10']
    """
    pieces = re.split(r"([0-9]+)", text.casefold())
    # even pieces are text, odd ones digits: two keys never compare one with the other;
    # length before digits is the order of numbers of any length
    return tuple(
        (len(piece.lstrip("0")), piece.lstrip("0")) if i % 2 else piece
        for i, piece in enumerate(pieces)
    ), text


def without_password(url: str) -> str:
    """Address of a database as it may be shown.

    Examples
    --------
    >>> without_password("postgresql://ann:s/cret@db.plant:5432/log?password=x")
    'postgresql://ann@db.plant:5432/log'
    >>> without_password("postgresql://ann:s@cret@db.plant:5432/log")
    'postgresql://ann@…'
    """
    scheme, mark, rest = url.partition("://")
    account, at, place = rest.rpartition("@")
    user = re.split("[:/?#]", account)[0]
    if rest.count("@") > 1 or "?" in account:  # no telling where the password ends
        return f"{scheme}{mark}{user}@…"
    return f"{scheme}{mark}{user}{at}{place.partition('?')[0]}"


def sqlite_path(url: str) -> Path:
    """File of a SQLite address: three slashes for a relative path, four for an absolute one.

    Raises
    ------
    InputError
        There are only two slashes, or no path after them.

    Examples
    --------
    >>> sqlite_path("sqlite:///logs/plant.db").as_posix()
    'logs/plant.db'
    >>> sqlite_path("sqlite:////var/plant.db").as_posix()
    '/var/plant.db'
    """
    rest = url.partition("://")[2]
    if not rest.startswith("/") or not rest[1:]:
        raise InputError(
            f"{_shown(without_password(url))}: a SQLite file is addressed by three slashes and its "
            "path (sqlite:///relative.db), four if it is absolute (sqlite:////data/plant.db)"
        )
    literal = Path(rest[1:])
    return literal if literal.exists() else Path(unquote(rest[1:]))


def _expand(text: str) -> list[Source]:
    if text == "-":
        return [Source("stdin", None, None, "standard input", "stdin")]
    if _URL.match(text):
        return [_database(text)]
    if not text.strip() or "\0" in text:
        raise InputError(f"{text!r} is no path; name a file, a folder, or - for standard input")
    path = Path(text)
    if not os.path.lexists(path) and text.startswith("~"):
        path = Path(os.path.expanduser(text))
    if path.is_dir():
        return _folder(path)
    if os.path.lexists(path):
        return [_file(path)]
    if glob.has_magic(text):
        return _matches(text)
    _refuse_missing(path)


def _database(url: str) -> Source:
    path = sqlite_path(url) if url.lower().startswith("sqlite://") else None
    shown = without_password(url)
    database = shown.partition("://")[2].partition("/")[2].strip("/")
    name = path.stem if path is not None else unquote(database) or "database"
    return Source("database", path, url, _shown(shown), name)


def _file(path: Path, notes: tuple[str, ...] = ()) -> Source:
    return Source("file", path, None, _shown(str(path)), path.stem, notes)


def _folder(folder: Path) -> list[Source]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: natural_key(entry.name))
        folders = {entry.name for entry in entries if entry.is_dir()}
    except OSError as error:
        raise InputError(
            f"{_shown(str(folder))}: the folder cannot be read ({error.strerror}); check its "
            "permissions"
        ) from error
    taken, left_out = [], []
    for entry in entries:
        if entry.name in folders:
            left_out.append(f"{entry.name}/")
        elif _is_table(entry.name):
            taken.append(folder / entry.name)
        else:
            left_out.append(entry.name)
    label = _shown(str(folder))
    if not taken:
        held = f"it holds {_listed(left_out)}" if left_out else "it is empty"
        raise InputError(
            f"{label}: no table file in this folder, {held}; needed are files with one of the "
            f"suffixes {', '.join(TABLE_SUFFIXES)}"
        )
    note = f"folder {label}: {len(taken)} of {len(entries)} entries are read, left out: "
    notes = (note + _listed(left_out),) if left_out else ()
    return [_file(path, () if i else notes) for i, path in enumerate(taken)]


def _is_table(name: str) -> bool:
    """A file that a folder gives: no hidden one, no lock of an office programme, no README."""
    hidden = name.startswith((".", "~$"))
    return not hidden and not _ABOUT.match(name) and Path(name).suffix.lower() in TABLE_SUFFIXES


def _matches(pattern: str) -> list[Source]:
    found = [Path(match) for match in glob.glob(os.path.expanduser(pattern), recursive=True)]
    # an office programme's lock file is no table; folders are what a wide pattern also meets
    files = [path for path in found if not path.is_dir() and not path.name.startswith("~$")]
    if not files:
        only = "only folders match" if found else "nothing matches"
        raise InputError(f"{_shown(pattern)}: {only}; check the pattern and the folder it is in")
    files.sort(key=lambda path: [natural_key(part) for part in path.parts])
    return [_file(path) for path in files]


def _refuse_missing(path: Path) -> NoReturn:
    label = _shown(str(path))
    # the first folder that is missing says more than the file that could not be in it
    missing = next((parent for parent in reversed(path.parents) if not parent.is_dir()), None)
    if missing is not None:
        what = "is no folder" if missing.exists() else "does not exist"
        raise InputError(f"{label}: folder {_shown(str(missing))} {what}; check the path")
    try:
        names = [entry.name for entry in os.scandir(path.parent)]
    except OSError:
        names = []
    near = difflib.get_close_matches(path.name, names, n=1, cutoff=0.6)
    near = near or [name for name in sorted(names) if Path(name).stem == path.name][:1]
    hint = f"did you mean {_shown(str(path.with_name(near[0])))}?" if near else "check the path"
    raise InputError(f"{label}: no such file; {hint}")


def _refuse_repeats(sources: list[Source]) -> None:
    seen: dict[str, Source] = {}
    for source in sources:
        same = source.kind if source.path is None else os.path.realpath(source.path)
        if source.url is not None and source.path is None:
            same = source.url
        if same in seen:
            other = seen[same].label
            also = f" (also as {other})" if other != source.label else ""
            raise InputError(f"{source.label} is named twice{also}; name every log once")
        seen[same] = source


def _with_own_names(sources: list[Source]) -> list[Source]:
    """Name runs after file name, folder or whole path where their short names are the same."""

    def longer(source: Source) -> list[str]:
        if source.path is None:
            return [source.label]
        path = source.path
        return [path.name, f"{path.absolute().parent.name}/{path.stem}", source.label]

    taken = Counter(source.name for source in sources)
    shared = {name for name, count in taken.items() if count > 1}
    names = {}
    for name in shared:
        group = [i for i, source in enumerate(sources) if source.name == name]
        for step in range(3):
            tried = {i: longer(sources[i])[min(step, len(longer(sources[i])) - 1)] for i in group}
            if len(set(tried.values())) == len(group) and not taken.keys() & set(tried.values()):
                break
        names.update(tried)
    return [
        replace(source, name=names[i]) if i in names else source for i, source in enumerate(sources)
    ]


def _shown(text: str) -> str:
    """Text for one line of a message."""
    return text if text.isprintable() else repr(text)


def _listed(names: list[str], most: int = 6) -> str:
    shown = ", ".join(_shown(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
