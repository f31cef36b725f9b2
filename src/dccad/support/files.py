"""Write files whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path


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
        The disk is full, or the folder is missing or not writable. No part file is left.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = Path(folder) / "scores.csv"
    ...     replace_files({target: b"row,score"})
    ...     [path.name for path in Path(folder).iterdir()], target.read_text()
    (['scores.csv'], 'row,score')
    """
    parts = {
        target: target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
        for target in contents
    }
    try:
        for target, part in parts.items():
            with part.open("wb") as stream:
                stream.write(contents[target])
                stream.flush()
                os.fsync(stream.fileno())  # some file systems report a full disk only here
        for target, part in parts.items():
            part.replace(target)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
