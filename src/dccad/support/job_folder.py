"""Finished pieces of a long job, kept in a folder so that the job can be killed at any moment.

A piece is a file that is written under another name and then renamed, and its name holds its
checksum: it is whole or absent, and damage is noticed. A manifest says what the pieces were made
from, so that pieces of another job are never used.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from dccad.errors import InputError
from dccad.support.files import UNFINISHED, replace_files

MANIFEST = "manifest.json"
_PIECE = re.compile(r"([\w-]+)\.([0-9a-f]{16})\.piece")


class PieceFolder:
    """Named pieces of one job in a folder beside its output.

    Parameters
    ----------
    folder : Path
        Created if it does not exist.
    identity : mapping of str to JSON values
        What the pieces depend on, each under a name that a message can show.
    resume : bool
        Whether to use pieces of an earlier process. Without it they are refused, so that nobody
        loses hours of work by a forgotten option.

    Raises
    ------
    InputError
        Pieces exist and ``resume`` is False; they were made from something else; or the folder
        holds other files.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     first = PieceFolder(Path(folder, "job"), {"log": "a"}, resume=False)
    ...     first.put("row-1", b"scores")
    ...     again = PieceFolder(Path(folder, "job"), {"log": "a"}, resume=True)
    ...     again.get("row-1"), again.get("row-2")
    (b'scores', None)
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any], resume: bool) -> None:
        self.folder = folder
        self._paths: dict[str, Path] = {}
        identity = json.loads(json.dumps(identity))  # as the manifest will give it back
        found = self._look()
        if found is None:
            folder.mkdir(parents=True, exist_ok=True)
            replace_files({folder / MANIFEST: (json.dumps(identity, indent=1) + "\n").encode()})
            return
        if not resume:
            raise InputError(
                f"{folder} holds the finished part of a job that was interrupted: add --resume to "
                "go on with it, or delete the folder to begin again"
            )
        names = sorted({*identity, *found})
        other = [name for name in names if identity.get(name) != found.get(name)]
        if other:
            raise InputError(
                f"{folder} was begun with another {', another '.join(other)}, so its parts do not "
                "fit: go on with what it was begun with, or delete the folder to begin again"
            )

    def _look(self) -> dict[str, Any] | None:
        """The manifest of pieces that exist, or None; unfinished files are removed."""
        if not os.path.lexists(self.folder):
            return None
        if not self.folder.is_dir():
            raise InputError(f"{self.folder} is in the way: a folder of that name is needed")
        for path in list(self.folder.iterdir()):
            piece = _PIECE.fullmatch(path.name)
            if piece is not None:
                self._take(piece[1], path)
            elif path.name.endswith(UNFINISHED):
                path.unlink()
            elif path.name != MANIFEST:
                raise InputError(
                    f"{self.folder} holds {path.name!r}, which does not belong there: move that "
                    "file, or name another output"
                )
        try:
            manifest = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
            return dict(manifest)
        except FileNotFoundError:
            if not self._paths:  # killed before the manifest stood
                return None
            reason = "has no manifest"
        except (ValueError, TypeError):
            reason = "has a damaged manifest"
        raise InputError(f"{self.folder} {reason}: delete the folder to begin again")

    def _take(self, name: str, path: Path) -> None:
        """Keep the newer of two pieces of one name, which a kill between two steps leaves."""
        other = self._paths.get(name)
        if other is not None:
            older, path = sorted((other, path), key=lambda file: file.stat().st_mtime_ns)
            older.unlink()
        self._paths[name] = path

    def put(self, name: str, content: bytes) -> None:
        """Keep a piece, instead of an earlier one of that name.

        Parameters
        ----------
        name : str
            Letters, digits, ``_`` and ``-``.
        content : bytes

        Raises
        ------
        OSError
            The disk is full or not writable. Earlier pieces stay; a folder without any is removed.
        """
        path = self.folder / f"{name}.{sha256(content).hexdigest()[:16]}.piece"
        try:
            replace_files({path: content})
        except OSError:
            if not self._paths:
                self.remove()
            raise
        earlier, self._paths[name] = self._paths.get(name), path
        if earlier is not None and earlier != path:
            earlier.unlink(missing_ok=True)

    def get(self, name: str) -> bytes | None:
        """Content of a piece; None if it is missing or damaged."""
        path = self._paths.get(name)
        if path is None:
            return None
        content = path.read_bytes()
        piece = _PIECE.fullmatch(path.name)
        if piece is None or sha256(content).hexdigest()[:16] != piece[2]:
            path.unlink()
            del self._paths[name]
            return None
        return content

    def path(self, name: str) -> Path:
        """File of a piece that exists."""
        return self._paths[name]

    def remove(self) -> None:
        """Remove the folder once the job is done or its pieces are useless."""
        for path in self.folder.iterdir():
            if path.name != MANIFEST:  # last: pieces without it would be refused after a kill
                path.unlink()
        shutil.rmtree(self.folder)
