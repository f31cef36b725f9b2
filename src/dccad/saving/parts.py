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

from dccad.calibration.kinds import AnyCalibration, calibration_from_record
from dccad.logs.preparation.pipeline import Preparation
from dccad.method.network.depthwise import DirectionalSettings
from dccad.method.network.make import make_network
from dccad.method.network.published import NetworkSettings
from dccad.method.regions.centres import CentrePartition
from dccad.method.regions.vote import ConsensusPartition
from dccad.method.representation.scaling import Scaling
from dccad.method.representation.whitening import Representation
from dccad.method.scoring.model import FittedModel
from dccad.method.scoring.scale import ScoreScale
from dccad.method.scoring.statistics import CentreStatistics, WindowStatistics
from dccad.support.tensors import to_array

Arrays = dict[str, NDArray[Any]]
Record = dict[str, Any]

_SCORES = "calibration.scores"
_SETTINGS: dict[str, Any] = {"dense": NetworkSettings, "depthwise": DirectionalSettings}
_PARTITIONS: dict[str, Any] = {"centres": CentrePartition, "vote": ConsensusPartition}
_STATISTICS: dict[str, Any] = {"centres": CentreStatistics, "statistics": WindowStatistics}


def model_to_parts(model: FittedModel) -> tuple[Arrays, Record]:
    """Take a fitted model apart; its preparation is told by the detector's parameters."""
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
    partition, of_partition = model.partition.to_record()
    statistics, of_statistics = model.statistics.to_record()
    record = {
        "representation": {
            "kind": seen.kind,
            "scaling": seen.scaling.kind,
            "sensors": seen.sensors,
            "taming": None if seen.taming is None else float(seen.taming),
        },
        "network": {
            "kind": model.network.kind,
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
    dense = record["network"]["kind"] == "dense"
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
        partition=_read(_PARTITIONS, arrays, record["partition"]).to(device),
        statistics=_read(_STATISTICS, arrays, record["statistics"]).to(device),
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


def _read(kinds: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], record: Any) -> Any:
    """The part of the kind that the record tells."""
    return kinds[record["kind"]].from_record(arrays, record)


def _make_score_scale(record: Mapping[str, Any]) -> ScoreScale:
    names, mean, std = (tuple(record[name]) for name in ("names", "mean", "std"))
    floor = None if record["floor"] is None else tuple(record["floor"])
    if not len(names) == len(mean) == len(std) == len(floor or names):
        raise ValueError("the score scale has figures for other statistics")
    return ScoreScale(names, mean, std, floor)
