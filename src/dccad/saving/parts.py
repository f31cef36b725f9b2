"""The parts of a fitted model as arrays and plain numbers, and back: what a model folder holds.

Each part writes its arrays under its own prefix and its numbers under its own name, and is read
back from the same; where a part comes in two kinds, the record says which.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dccad.calibration.kinds import AnyCalibration, calibration_from_record
from dccad.logs.preparation.pipeline import Preparation
from dccad.method.network.depthwise import DirectionalSettings
from dccad.method.network.make import make_network
from dccad.method.network.published import NetworkSettings
from dccad.method.regions.centres import CentrePartition
from dccad.method.regions.partition import Partition
from dccad.method.regions.vote import Consensus, ConsensusPartition, from_record, to_record
from dccad.method.representation.scaling import Scaling
from dccad.method.representation.whitening import Representation
from dccad.method.scoring.distances import Mahalanobis, Signatures
from dccad.method.scoring.model import FittedModel
from dccad.method.scoring.scale import ScoreScale
from dccad.method.scoring.statistics import CentreStatistics, Statistics, WindowStatistics
from dccad.support.tensors import to_array

Arrays = dict[str, NDArray[Any]]
Record = dict[str, Any]

_SCORES = "calibration.scores"
_SETTINGS: dict[str, Any] = {"dense": NetworkSettings, "depthwise": DirectionalSettings}


def model_to_parts(model: FittedModel) -> tuple[Arrays, Record]:
    """Take a fitted model apart; its preparation is told by the detector's parameters.

    Parameters
    ----------
    model : FittedModel

    Returns
    -------
    arrays : dict of str to ndarray
        For safetensors, by dotted names.
    record : dict
        For JSON: ``representation``, ``network``, ``partition``, ``statistics``, ``score_scale``.
    """
    seen = model.representation
    settings: Any = model.network.settings
    arrays: Arrays = {
        "scaling.shift": seen.scaling.shift,
        "scaling.scale": seen.scaling.scale,
        "scaling.constant": seen.scaling.constant,
    }
    if seen.whitening is not None:
        arrays["representation.whitening"] = seen.whitening
    state = model.network.state_dict()
    arrays |= {f"network.{name}": to_array(value) for name, value in state.items()}
    kind = next(kind for kind, known in _SETTINGS.items() if isinstance(settings, known))
    partition, of_partition = _take_partition(model.partition)
    statistics, of_statistics = _take_statistics(model.statistics)
    record = {
        "representation": {
            "kind": seen.kind,
            "scaling": seen.scaling.kind,
            "sensors": seen.sensors,
            "taming": None if seen.taming is None else float(seen.taming),
        },
        "network": {
            "kind": kind,
            **vars(settings),
            "n_maps": settings.n_maps,
            "map_length": settings.map_length,
        },
        "partition": of_partition,
        "statistics": of_statistics,
        "score_scale": vars(model.score_scale),
    }
    return arrays | partition | statistics, record


def model_from_parts(
    arrays: Mapping[str, NDArray[Any]],
    record: Mapping[str, Any],
    preparation: Preparation,
    device: torch.device,
) -> FittedModel:
    """Undo :func:`model_to_parts`.

    Raises
    ------
    LookupError, TypeError, ValueError, RuntimeError
        A part is missing or does not fit the others.
    """
    settings = _make_settings(record["network"])
    representation = _make_representation(arrays, record["representation"])
    dense = isinstance(settings, NetworkSettings)
    channels = settings.n_sensors if dense else settings.n_directions
    if channels != representation.n_directions:
        raise ValueError(f"{representation.n_directions} directions for {channels} channels")
    network = make_network(settings)
    prefix = "network."
    network.load_state_dict(
        {
            name.removeprefix(prefix): torch.tensor(value)
            for name, value in arrays.items()
            if name.startswith(prefix)
        }
    )
    return FittedModel(
        window=settings.window,
        preparation=preparation,
        representation=representation,
        network=network.to(device).eval(),
        partition=_make_partition(arrays, record["partition"]).to(device),
        statistics=_make_statistics(arrays, record["statistics"]).to(device),
        score_scale=_make_score_scale(record["score_scale"]),
    )


def calibration_to_parts(calibration: AnyCalibration) -> tuple[Arrays, Record]:
    """Arrays and plain numbers of a calibration, with its kind.

    Examples
    --------
    >>> from dccad.calibration.conformal import ConformalCalibration
    >>> arrays, record = calibration_to_parts(ConformalCalibration((1.0, 2.0)))
    >>> record, calibration_from_parts(arrays, record).scores
    ({'kind': 'conformal'}, (1.0, 2.0))
    """
    record = calibration.to_record()
    scores = record.pop("scores", None)  # one per normal row: not for JSON
    return {} if scores is None else {_SCORES: np.array(scores)}, record


def calibration_from_parts(
    arrays: Mapping[str, NDArray[Any]], record: Mapping[str, Any]
) -> AnyCalibration:
    """Undo :func:`calibration_to_parts`."""
    scores = {"scores": arrays[_SCORES].tolist()} if _SCORES in arrays else {}
    return calibration_from_record({**record, **scores})


def _make_representation(
    arrays: Mapping[str, NDArray[Any]], record: Mapping[str, Any]
) -> Representation:
    whitened = record["kind"] != "sensors"
    return Representation(
        Scaling(
            record["scaling"],
            arrays["scaling.shift"],
            arrays["scaling.scale"],
            arrays["scaling.constant"],
        ),
        arrays["representation.whitening"] if whitened else None,
        bool(record["sensors"]),
        record["taming"],
    )


def _make_settings(record: Mapping[str, Any]) -> Any:
    known = _SETTINGS[record["kind"]]
    shape = {name: record[name] for name in known.__dataclass_fields__}
    if "strides" in shape:
        shape["strides"] = tuple(shape["strides"])
    return known(**shape)


def _take_partition(partition: Partition) -> tuple[Arrays, Record]:
    if isinstance(partition, ConsensusPartition):
        consensus = partition.consensus
        arrays = {
            "partition.centres": to_array(partition.centres),
            "partition.order": consensus.order,
        }
        return arrays, {"kind": "vote", "cuts": to_record(consensus.cuts)}
    return _take_tensors("partition", partition), {"kind": "centres"}


def _make_partition(arrays: Mapping[str, NDArray[Any]], record: Mapping[str, Any]) -> Partition:
    centres = torch.tensor(arrays["partition.centres"])
    if record["kind"] == "vote":
        consensus = Consensus(from_record(record["cuts"]), arrays["partition.order"])
        if len(consensus.order) != consensus.n_regions:
            raise ValueError(f"{len(consensus.order)} regions for {len(consensus.cuts)} cuts")
        return ConsensusPartition(centres, consensus)
    return CentrePartition(
        centres,
        torch.tensor(arrays["partition.clustering_maps"]),
        torch.tensor(arrays["partition.region_centres"]),
    )


def _take_statistics(statistics: Statistics) -> tuple[Arrays, Record]:
    if isinstance(statistics, CentreStatistics):
        return _take_tensors("statistics", statistics), {"kind": "centres"}
    arrays: Arrays = {}
    for name, part in statistics.parts.items():
        arrays |= _take_tensors(f"statistics.{name}", part)
    known = statistics.signatures
    if known is not None:
        arrays |= _take_tensors("signatures.metric", known.metric)
        arrays["signatures.shifts"] = to_array(known.shifts)
    record = {
        "kind": "statistics",
        "parts": list(statistics.parts),
        "signatures": known is not None,
        "names": list(statistics.names),
    }
    return arrays, record


def _make_statistics(arrays: Mapping[str, NDArray[Any]], record: Mapping[str, Any]) -> Statistics:
    if record["kind"] == "centres":
        return CentreStatistics(
            torch.tensor(arrays["statistics.clustering_maps"]),
            torch.tensor(arrays["statistics.centres"]),
        )
    parts = {name: _make_mahalanobis(arrays, f"statistics.{name}") for name in record["parts"]}
    if not record["signatures"]:
        return WindowStatistics(parts)
    metric = _make_mahalanobis(arrays, "signatures.metric")
    return WindowStatistics(parts, Signatures(metric, torch.tensor(arrays["signatures.shifts"])))


def _make_mahalanobis(arrays: Mapping[str, NDArray[Any]], prefix: str) -> Mahalanobis:
    mean, whitening = (torch.tensor(arrays[f"{prefix}.{name}"]) for name in ("mean", "whitening"))
    return Mahalanobis(mean, whitening)


def _make_score_scale(record: Mapping[str, Any]) -> ScoreScale:
    names, mean, std = (tuple(record[name]) for name in ("names", "mean", "std"))
    floor = None if record["floor"] is None else tuple(record["floor"])
    if not len(names) == len(mean) == len(std) == len(floor or names):
        raise ValueError("the score scale has figures for other statistics")
    return ScoreScale(names, mean, std, floor)


def _take_tensors(prefix: str, part: Any) -> Arrays:
    return {
        f"{prefix}.{name}": to_array(value)
        for name, value in vars(part).items()
        if isinstance(value, Tensor)
    }
