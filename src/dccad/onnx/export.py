"""Write a fitted detector as one ONNX file: rows in plant units in, scores, flags, regions out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dccad.logs.preparation.pipeline import describe_steps
from dccad.onnx.graph import Graph
from dccad.onnx.judging import add_regions, add_score, add_statistics
from dccad.onnx.network import add_directions, make_network_graph
from dccad.onnx.record import FORMAT, KEY
from dccad.saving.folder import record_digest
from dccad.support.files import replace_files
from dccad.support.tensors import to_array
from dccad.support.versions import versions

if TYPE_CHECKING:
    from dccad.detector import DCCA
    from dccad.method.scoring.model import FittedModel


def export_onnx(detector: DCCA, path: str | Path) -> dict[str, Any]:
    """Write a fitted detector as an ONNX file.

    The graph takes ``rows`` of shape (batch, n_rows, n_sensors), float64, in plant units and after
    the conditioning of ``prepare``, and gives ``score`` (float64), ``flag`` (1 above the
    threshold) and ``region`` (int64) of shape (batch, n_rows − window + 1): one for each row that
    ends a window. Both the batch and the number of rows are free. What is done to a log before
    (columns, gaps, missing values, ``prepare``) and the p-value stand in the file's metadata, and
    :func:`dccad.onnx.load_onnx` applies them.

    Parameters
    ----------
    detector : DCCA
        Fitted.
    path : str or Path
        An existing file is replaced.

    Returns
    -------
    dict
        The metadata that the file holds.

    Raises
    ------
    MissingExtraError
        The package onnx is not installed.
    OSError
        The file cannot be written; nothing is left behind.

    Examples
    --------
    >>> import tempfile
    >>> from dccad import DCCA
    >>> from dccad.onnx import export_onnx, load_onnx
    >>> log = np.random.default_rng(0).normal(size=(300, 3))
    >>> detector = DCCA(window=10, calibration="held-out", false_alarm_rate=0.05, random_state=0)
    >>> detector = detector.fit(None, normal=log)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     record = export_onnx(detector, Path(folder) / "model.onnx")
    ...     scores = load_onnx(Path(folder) / "model.onnx").decision_function(log)
    >>> bool(np.nanmax(np.abs(scores - detector.decision_function(log))) < 1e-4)
    True
    """
    detector._check_fitted()
    model = build_graph(detector.model_, detector.threshold_)
    record = make_record(detector)
    entry = model.metadata_props.add()
    entry.key, entry.value = KEY, json.dumps(record, allow_nan=False)
    model.producer_name, model.producer_version = "dccad", record["versions"]["dccad"]
    model.doc_string = f"rows (batch, n_rows, {record['n_sensors']}) in plant units to scores"
    replace_files({Path(path): model.SerializeToString()})
    return record


def build_graph(fitted: FittedModel, threshold: float) -> Any:
    """The graph of a fitted model, an onnx ModelProto without metadata."""
    graph, seen = Graph(), fitted.representation
    inputs = add_directions(graph, seen, "rows")
    state = fitted.network.state_dict()
    arrays = {name: to_array(value) for name, value in state.items()}
    settings: Any = fitted.network.settings
    network = make_network_graph(fitted.network.kind, graph, inputs, arrays, settings)
    score = add_score(graph, add_statistics(graph, network, fitted.statistics), fitted.score_scale)
    flag = graph.cast(graph.add("Greater", score, np.float64(threshold)), np.int64)
    graph.name(score, "score")
    graph.name(flag, "flag")
    graph.name(add_regions(graph, network, fitted.partition, score), "region")
    shape = ["batch", "n_windows"]
    return graph.finish(
        {"rows": ["batch", "n_rows", len(seen.scaling.shift)]},
        {
            "score": (np.float64, shape),
            "flag": (np.int64, shape),
            "region": (np.int64, shape),
        },
    )


def make_record(detector: DCCA) -> dict[str, Any]:
    """What scoring needs beside the graph, as plain numbers; with a checksum of itself."""
    record = {
        "format": FORMAT,
        "window": detector.model_.window,
        "n_sensors": detector.n_features_in_,
        "columns": list(detector.columns_),
        "named": hasattr(detector, "feature_names_in_"),
        "prepare": describe_steps(detector.model_.preparation.steps),
        "max_gap": detector.max_gap,
        "on_missing": detector.on_missing,
        "fill_limit": detector.fill_limit,
        "false_alarm_rate": detector.false_alarm_rate,
        "threshold": detector.threshold_,
        "calibration": detector.calibration_.to_record(),
        "states": detector.states_,
        "reading": detector.reading_,
        "data_digest": detector.data_digest_,
        "versions": versions(),
    }
    record["record_sha256"] = record_digest(record)
    return record
