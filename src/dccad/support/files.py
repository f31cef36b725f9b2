"""Write files whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

UNFINISHED = ".unfinished"
"""Suffix of a file that is still being written; a kill may leave it behind."""


def replace_files(contents: Mapping[Path, bytes]) -> None:
    """Write files beside their targets, then rename them all into place.

    No target is touched until every byte of every file is on disk: a full disk leaves the old files
    as they were, and no new ones.

    Parameters
    ----------
    contents : mapping of Path to bytes
        Content of each target.

    Raises
    ------
    OSError
        The disk is full, or the folder is missing or not writable. No unfinished file is left.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = Path(folder) / "scores.csv"
    ...     replace_files({target: b"row,score"})
    ...     [path.name for path in Path(folder).iterdir()], target.read_text()
    (['scores.csv'], 'row,score')
    """
    unfinished = {
        target: target.with_name(f".{target.name}.{secrets.token_hex(4)}{UNFINISHED}")
        for target in contents
    }
    try:
        for target, path in unfinished.items():
            with path.open("wb") as stream:
                stream.write(contents[target])
                stream.flush()
                os.fsync(stream.fileno())  # some file systems report a full disk only here
        for target, path in unfinished.items():
            path.replace(target)
    finally:
        for path in unfinished.values():
            path.unlink(missing_ok=True)
