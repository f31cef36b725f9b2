"""Save and load a fitted detector as a folder: ``weights.safetensors`` and ``model.json``.

No pickle: loading a model from a stranger runs nothing.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dccad.errors import ModelFileError

if TYPE_CHECKING:
    from dccad.detector import DCCA

FORMAT = 4
"""Version of the folder's layout; raised whenever an older reader could misread it."""

MODEL, WEIGHTS, LATENTS = "model.json", "weights.safetensors", "latents.safetensors"

_ARRAYS = (
    "cluster_centers_",
    "map_distances_",
    "map_ranks_",
    "map_qualities_",
    "clustering_maps_",
    "clustering_kernels_",
    "reconstruction_kernels_",
    "assignment_counts_",
    "labels_",
    "decision_scores_",
    "regions_",
)
_RECORDS = (
    "columns_",
    "n_features_in_",
    "threshold_",
    "n_calibration_windows_",
    "data_digest_",
    "filled_share_",
    "left_out_share_",
    "reading_",
    "reference_digest_",
    "sample_",
    "seed_",
    "history_",
    "updates_",
)


def save(detector: DCCA, path: str | Path, include_latents: bool = False) -> None:
    """Write a fitted detector as a model folder.

    Everything is written into a new folder beside the target, which takes its place only when
    complete: a full disk or a crash leaves an earlier model as it was.

    Parameters
    ----------
    detector : DCCA
        Fitted.
    path : str or Path
        A new folder, or a model folder to replace.
    include_latents : bool
        Write ``latents_`` too (fit with ``keep_latents=True``).

    Raises
    ------
    ModelFileError
        The path holds something that is not a dccad model, or the latents were not kept.
    OSError
        The disk is full or the folder cannot be written; nothing is left behind.
    """
    check_target(Path(path))
    target = Path(path).resolve()  # a link stays; what it points to is replaced
    if include_latents and detector.latents_ is None:
        raise ModelFileError("the latents were not kept; fit with keep_latents=True to save them")
    new_parents = [parent for parent in target.parents if not parent.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        _write(detector, folder, include_latents)
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
    """Put ``new`` in the place of ``target``; the old one goes only when the new one stands."""
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


def _write(detector: DCCA, folder: Path, include_latents: bool) -> None:
    from safetensors.numpy import save as to_bytes

    from dccad.persistence_parts import calibration_to_parts, model_to_parts

    arrays, parts = model_to_parts(detector.model_)
    scores, calibration = calibration_to_parts(detector.calibration_)
    arrays |= scores | {name: np.asarray(getattr(detector, name)) for name in _ARRAYS}
    weights = to_bytes({name: np.ascontiguousarray(value) for name, value in arrays.items()})
    (folder / WEIGHTS).write_bytes(weights)
    record = {
        "format": FORMAT,
        "weights_sha256": sha256(weights).hexdigest(),
        "parameters": _json_parameters(detector),
        **parts,
        "regions_of_fit": vars(detector.region_report_),
        "calibration": calibration,
        "named": hasattr(detector, "feature_names_in_"),
        "versions": versions(),
        **{name.rstrip("_"): getattr(detector, name) for name in _RECORDS},
    }
    if include_latents:
        assert detector.latents_ is not None
        latents = to_bytes({"latents": np.ascontiguousarray(detector.latents_)})
        (folder / LATENTS).write_bytes(latents)
        record["latents_sha256"] = sha256(latents).hexdigest()
    # the record comes last: a folder without it is not a model
    record["record_sha256"] = record_digest(record)
    (folder / MODEL).write_text(
        json.dumps(record, indent=1, allow_nan=False) + "\n", encoding="utf-8"
    )


def load(path: str | Path, device: str = "auto") -> DCCA:
    """Read a model folder written by :func:`save`.

    Parameters
    ----------
    path : str or Path
    device : str
        Where to score: "auto" takes CUDA if there is one, else the CPU.

    Returns
    -------
    DCCA
        Fitted; its scores equal those of the detector that was saved.

    Raises
    ------
    ModelFileError
        The folder is missing, damaged, truncated, or of a later version.
    """
    from dccad.parameters import resolve_device

    folder = Path(path)
    record = _read_record(folder)
    where = resolve_device(device)  # an unknown device is no fault of the folder
    arrays = _read_arrays(folder / WEIGHTS, record.get("weights_sha256"))
    latents = None
    if "latents_sha256" in record:
        latents = _read_arrays(folder / LATENTS, record["latents_sha256"])["latents"]
    try:
        return _rebuild(record, arrays, latents, where)
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RuntimeError) as e:
        reason = str(e).splitlines()[0] if str(e) else type(e).__name__
        raise ModelFileError(
            f"{folder} is not a complete dccad model ({reason}); fit it again or restore a backup"
        ) from e


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


def model_digest(detector: DCCA) -> str:
    """SHA-256 over all that decides the scores of a fitted detector, saved or not."""
    from dccad.persistence_parts import calibration_to_parts, model_to_parts

    arrays, parts = model_to_parts(detector.model_)
    more, calibration = calibration_to_parts(detector.calibration_)
    digest = sha256(record_digest({**parts, "calibration": calibration}).encode())
    reading = (detector.columns_, detector.max_gap, detector.on_missing, detector.fill_limit)
    digest.update(repr((detector.threshold_, detector.states_, reading)).encode())
    for name, array in sorted({**arrays, **more}.items()):
        digest.update(f"{name}:{array.dtype.str}:{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result."""
    from importlib.metadata import version

    packages = ("dccad", "torch", "numpy", "scikit-learn", "scipy")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


def _json_parameters(detector: DCCA) -> dict[str, Any]:
    from dccad.preparation import describe_steps

    parameters = detector.get_params(deep=False)
    strides = parameters["strides"]
    parameters["strides"] = list(strides) if not isinstance(strides, str) else strides
    parameters["prepare"] = describe_steps(detector.model_.preparation.steps)
    if not isinstance(parameters["random_state"], int | None):
        parameters["random_state"] = detector.seed_  # a generator object is gone after the fit
    return {k: v.item() if isinstance(v, np.generic) else v for k, v in parameters.items()}


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
        made_by = record.get("versions")
        wrote = made_by.get("dccad") if isinstance(made_by, dict) else None
        raise ModelFileError(
            f"{folder} has model format {format_version}, written by dccad {wrote or '(unknown)'}; "
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


def _rebuild(record: dict[str, Any], arrays: dict[str, Any], latents: Any, device: Any) -> DCCA:
    from dccad.detector import DCCA
    from dccad.persistence_parts import calibration_from_parts, model_from_parts
    from dccad.preparation import Preparation, parse_steps
    from dccad.regions import RegionReport

    parameters = dict(record["parameters"])
    parameters["prepare"] = tuple(parameters["prepare"])
    if not isinstance(parameters["strides"], str):
        parameters["strides"] = tuple(parameters["strides"])
    detector = DCCA(**parameters)
    detector.calibration_ = calibration_from_parts(arrays, record["calibration"])
    preparation = Preparation(
        parse_steps(parameters["prepare"]), parameters["on_missing"] == "drop"
    )
    detector.model_ = model_from_parts(arrays, record, preparation, device)
    report: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in record["regions_of_fit"].items()
    }
    detector.region_report_ = RegionReport(**report)
    for name in _ARRAYS:
        setattr(detector, name, arrays[name])
    for name in _RECORDS:
        setattr(detector, name, record[name.rstrip("_")])
    detector.columns_ = tuple(detector.columns_)
    if record["named"]:
        detector.feature_names_in_ = np.array(detector.columns_, dtype=object)
    detector.latents_ = latents
    return detector
