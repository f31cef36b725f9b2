"""Write and read a fitted model as a folder: ``weights.safetensors`` and ``model.json``.

No pickle: loading a model from a stranger runs nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dccad.errors import ModelFileError
from dccad.support.versions import versions

FORMAT = 4
"""Version of the folder's layout; raised whenever an older reader could misread it."""

MODEL, WEIGHTS, LATENTS = "model.json", "weights.safetensors", "latents.safetensors"

Arrays: TypeAlias = Mapping[str, NDArray[Any]]


def save(path: str | Path, arrays: Arrays, record: Mapping[str, Any], latents: Any = None) -> None:
    """Write a fitted model as a folder.

    Everything is written into a new folder beside the target, which takes its place only when
    complete: a full disk or a crash leaves an earlier model as it was.

    Parameters
    ----------
    path : str or Path
        A new folder, or a model folder to replace.
    arrays : mapping of str to ndarray
        For safetensors.
    record : mapping of str to JSON values
        Parameters and everything else that is no array.
    latents : ndarray of shape (n_windows, n_maps, map_length), optional
        Latents of the training windows; they get a file of their own.

    Raises
    ------
    ModelFileError
        The path holds something that is not a dccad model.
    OSError
        The disk is full or the folder cannot be written; nothing is left behind.
    """
    check_target(Path(path))
    target = Path(path).resolve()  # a link stays; what it points to is replaced
    new_parents = [parent for parent in target.parents if not parent.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        _write(folder, arrays, record, latents)
        folder.chmod(0o755)
        _replace_folder(folder, target)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        for parent in new_parents:
            parent.rmdir()
        raise


def check_target(target: Path) -> None:
    """Refuse to write over anything but a dccad model or an empty folder.

    Raises
    ------
    ModelFileError
        Something else is there, or no folder can be made there.
    """
    problem = ""
    if target.is_dir():
        names = {path.name for path in target.iterdir()}
        if names and MODEL not in names:
            problem = "exists and is not a dccad model"
        elif others := sorted(names - {MODEL, WEIGHTS, LATENTS}):
            problem = f"holds other files than the model ({others[0]!r})"
    elif target.exists():
        problem = "exists and is not a dccad model"
    if problem:
        raise ModelFileError(f"{target} {problem}, so it is left alone: name another folder")
    nearest = next(parent for parent in target.resolve().parents if parent.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK)):
        reason = "is not writable" if nearest.is_dir() else "is a file"
        raise ModelFileError(
            f"{target} cannot be made, because {nearest} {reason}: name another folder"
        )


def _replace_folder(new: Path, target: Path) -> None:
    """Replace ``target`` by ``new``; the old folder goes only when the new one stands."""
    if not target.exists():
        new.rename(target)
        return
    if not any(target.iterdir()):  # it stays: it may be the working directory or a mount
        for name in sorted((path.name for path in new.iterdir()), reverse=True):  # model.json last
            (new / name).rename(target / name)
        new.rmdir()
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    try:
        target.replace(old)
        new.rename(target)
    except BaseException:
        if not target.exists():
            old.rename(target)
        shutil.rmtree(old, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _write(folder: Path, arrays: Arrays, parts: Mapping[str, Any], latents: Any) -> None:
    weights = _to_bytes(arrays)
    (folder / WEIGHTS).write_bytes(weights)
    record = {"format": FORMAT, "weights_sha256": sha256(weights).hexdigest(), **parts}
    record["versions"] = versions()
    if latents is not None:
        content = _to_bytes({"latents": latents})
        (folder / LATENTS).write_bytes(content)
        record["latents_sha256"] = sha256(content).hexdigest()
    # the record comes last: a folder without it is not a model
    record["record_sha256"] = record_digest(record)
    (folder / MODEL).write_text(
        json.dumps(record, indent=1, allow_nan=False) + "\n", encoding="utf-8"
    )


def _to_bytes(arrays: Arrays) -> bytes:
    from safetensors.numpy import save as to_bytes

    content = {name: np.ascontiguousarray(value) for name, value in arrays.items()}
    return bytes(to_bytes(content))


def load(path: str | Path) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """Read what :func:`save` wrote.

    Returns
    -------
    record : dict
    arrays : dict of str to ndarray
    latents : ndarray or None

    Raises
    ------
    ModelFileError
        The folder is missing, damaged, truncated, of a later version, or of an earlier one with a
        network that this one does not have.
    """
    folder = Path(path)
    record = _read_record(folder)
    _refuse_output_activation(folder, record)
    arrays = _read_arrays(folder / WEIGHTS, record.get("weights_sha256"))
    latents = None
    if "latents_sha256" in record:
        latents = _read_arrays(folder / LATENTS, record["latents_sha256"])["latents"]
    return record, arrays, latents


def read_record(path: str | Path) -> dict[str, Any]:
    """The contents of a model folder's ``model.json``, after the checks that :func:`load` makes."""
    folder = Path(path)
    record = _read_record(folder)
    _read_bytes(folder / WEIGHTS, record.get("weights_sha256"))
    return record


def record_digest(record: dict[str, Any]) -> str:
    """SHA-256 of a record's canonical JSON, so that one changed digit is noticed.

    Examples
    --------
    >>> record_digest({"a": 1, "b": (2,)}) == record_digest({"b": [2], "a": 1})
    True
    """
    content = {name: value for name, value in record.items() if name != "record_sha256"}
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def model_digest(arrays: Arrays, parts: Mapping[str, Any], reading: Any) -> str:
    """SHA-256 over all that decides the scores of a fitted model, saved or not."""
    digest = sha256(record_digest(dict(parts)).encode())
    digest.update(repr(reading).encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"{name}:{array.dtype.str}:{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _read_record(folder: Path) -> dict[str, Any]:
    remedy = "fit it again or restore a backup"
    if not folder.is_dir():
        raise ModelFileError(f"no model folder at {folder}; pass the folder that fit -o wrote")
    try:
        record = json.loads((folder / MODEL).read_text(encoding="utf-8"))
        format_version = int(record["format"])
    except FileNotFoundError:
        raise ModelFileError(f"{folder} holds no {MODEL}, so it is not a dccad model") from None
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise ModelFileError(f"{folder / MODEL} is damaged or truncated; {remedy}") from None
    if format_version > FORMAT:
        raise ModelFileError(
            f"{folder} has model format {format_version}, written by dccad {_writer(record)}; "
            f"this dccad reads up to format {FORMAT}: upgrade dccad"
        )
    if format_version < FORMAT:
        raise ModelFileError(
            f"{folder} has model format {format_version} of a dccad before its first release, "
            f"which this one (format {FORMAT}) does not read: fit it again"
        )
    if record.get("record_sha256") != record_digest(record):
        raise ModelFileError(
            f"{folder / MODEL} is damaged or was edited (its checksum differs); {remedy}"
        )
    return dict(record)


def _writer(record: dict[str, Any]) -> str:
    """The version of dccad that wrote a record."""
    made_by = record.get("versions")
    wrote = made_by.get("dccad") if isinstance(made_by, dict) else None
    return wrote or "(unknown)"


def _refuse_output_activation(folder: Path, record: dict[str, Any]) -> None:
    """Refuse a network whose reconstruction this version would compute otherwise."""
    network = record.get("network")
    activation = network.get("output_activation", "none") if isinstance(network, dict) else "none"
    if activation != "none":
        raise ModelFileError(
            f"{folder} was fitted with output_activation={activation!r}, which dccad no longer "
            "has, so its scores would differ: fit it again without, or score with dccad "
            f"{_writer(record)}, which wrote it"
        )


def _read_bytes(path: Path, digest: Any) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ModelFileError(f"{path} is missing; fit again or restore a backup") from None
    if sha256(content).hexdigest() != digest:
        raise ModelFileError(
            f"{path} is damaged or truncated ({len(content)} bytes, its checksum differs from "
            f"{MODEL}); fit again or restore a backup"
        )
    return content


def _read_arrays(path: Path, digest: Any) -> dict[str, Any]:
    from safetensors.numpy import load as from_bytes

    return dict(from_bytes(_read_bytes(path, digest)))
