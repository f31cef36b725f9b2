"""Score logs with an exported model: needs onnxruntime, and no torch.

Columns, gaps, missing values and ``prepare`` are those of the package; everything from a checked
row to its score is the graph's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dccad.alarms.report import AlarmPattern, AlarmReport, parse_pattern, report_alarms
from dccad.calibration.kinds import calibration_from_record
from dccad.errors import ModelFileError
from dccad.logs.inputs import check_scoring_log
from dccad.logs.preparation.pipeline import Preparation
from dccad.logs.runs import Log, Reading
from dccad.logs.windows import check_window_count
from dccad.onnx.record import FORMAT, KEY
from dccad.saving.folder import record_digest
from dccad.support.extras import require

CHUNK = 2048
"""Windows scored at a time; bounds the memory."""


class OnnxDetector:
    """Scores, flags and regions of logs by an exported model.

    Has of :class:`dccad.DCCA` what scoring needs, under the same names; arguments, results and
    refusals are the same.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
        Session of the exported file.
    record : mapping
        Its metadata.

    Attributes
    ----------
    threshold_, calibration_, states_, columns_, reading_, feature_names_in_
        As those of the detector that was exported.
    window, false_alarm_rate
        Its parameters.
    """

    feature_names_in_: NDArray[np.object_]

    def __init__(self, session: Any, record: Mapping[str, Any]) -> None:
        self._session = session
        self.window = int(record["window"])
        self.columns_ = tuple(record["columns"])
        if record["named"]:
            self.feature_names_in_ = np.array(self.columns_, dtype=object)
        self.false_alarm_rate, self.threshold_ = record["false_alarm_rate"], record["threshold"]
        self.states_: list[dict[str, Any]] = record["states"]
        self.reading_: dict[str, Any] | None = record["reading"]
        self.calibration_ = calibration_from_record(record["calibration"])
        self._reading = Reading(
            record["max_gap"], record["on_missing"], record["fill_limit"], causal=True
        )
        self._preparation = Preparation.of(record["prepare"], self._reading)

    def decision_function(self, X: Any) -> Any:
        """Anomaly score of each row; see :meth:`dccad.DCCA.decision_function`."""
        return self.score_rows(X)["score"]

    def predict(self, X: Any) -> Any:
        """Flag rows whose score exceeds ``threshold_``; see :meth:`dccad.DCCA.predict`."""
        return self.score_rows(X)["flag"]

    def p_value(self, X: Any) -> Any:
        """Probability that a normal row scores as high; see :meth:`dccad.DCCA.p_value`."""
        return self.score_rows(X)["p_value"]

    def predict_region(self, X: Any) -> Any:
        """Region of each row; see :meth:`dccad.DCCA.predict_region`."""
        return self.score_rows(X)["region"]

    def score_rows(self, X: Any) -> dict[str, Any]:
        """Scores, p-values, flags and regions; see :meth:`dccad.DCCA.score_rows`."""
        log = self._check_log(X)
        found = self._score_log(log)
        found["p_value"] = self.calibration_.p_value(found["score"])
        order = ("score", "p_value", "flag", "region")
        return {name: log.restore(found[name]) for name in order}

    def find_alarms(
        self,
        X: Any,
        rule: str | AlarmPattern = "1 of 1",
        *,
        per_day: float | None = None,
        per_1000_rows: float | None = None,
        scores: NDArray[np.float64] | None = None,
    ) -> AlarmReport:
        """Alarms that an operator counts; see :meth:`dccad.DCCA.find_alarms`."""
        pattern = parse_pattern(rule)
        log = self._check_log(X)
        if scores is None:
            scores = self._score_log(log)["score"]
        return report_alarms(
            log, scores, self.calibration_, self.threshold_, pattern, per_day, per_1000_rows
        )

    def _check_log(self, X: Any) -> Log:
        named = "feature_names_in_" in vars(self)
        log = self._preparation.apply(check_scoring_log(X, self.columns_, named, self._reading))
        check_window_count(log.segments, self.window)
        return log

    def _score_log(self, log: Log) -> dict[str, NDArray[Any]]:
        fills: dict[str, Any] = {"score": np.nan, "flag": 0, "region": -1}
        parts: dict[str, list[NDArray[Any]]] = {name: [] for name in fills}
        for segment in log.segments:
            early = min(self.window - 1, len(segment))
            for name, fill in fills.items():
                kind = np.float64 if name == "score" else np.int64
                parts[name].append(np.full(early, fill, dtype=kind))
            for first in range(0, len(segment) - self.window + 1, CHUNK):
                rows = segment.values[first : first + CHUNK + self.window - 1]
                found = self._session.run(list(fills), {"rows": rows[None].astype(np.float64)})
                for name, values in zip(fills, found, strict=True):
                    parts[name].append(values[0])
        return {name: log.expand(np.concatenate(parts[name]), fills[name]) for name in fills}


def load_onnx(path: str | Path) -> OnnxDetector:
    """Read a file that :func:`dccad.onnx.export_onnx` or ``dccad export`` wrote.

    It is computed on the CPU, by as many threads as OMP_NUM_THREADS says, else one per core.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    MissingExtraError
        The package onnxruntime is not installed.
    ModelFileError
        The file is missing, no ONNX file, not from dccad, damaged, or of a later version.
    """
    runtime = require("onnxruntime", extra="onnx")
    file = Path(path)
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise ModelFileError(
            f"no file at {file}; pass a model folder, or the file that export -o wrote"
        ) from None
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # what is wrong is said below, in one line
    threads = os.environ.get("OMP_NUM_THREADS", "")
    options.intra_op_num_threads = int(threads) if threads.isdecimal() else 0
    try:
        session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a class of its own for each reason
        raise ModelFileError(
            f"{file} is not an ONNX file that this onnxruntime ({runtime.__version__}) can read, "
            "or it is damaged: export the model again"
        ) from error
    record = _read_record(file, session)
    try:
        return OnnxDetector(session, record)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(f"{file} is incomplete ({error}): export the model again") from error


def _read_record(file: Path, session: Any) -> dict[str, Any]:
    properties = session.get_modelmeta().custom_metadata_map
    try:
        record = json.loads(properties[KEY])
        version = int(record["format"])
    except (LookupError, ValueError, TypeError):
        raise ModelFileError(
            f"{file} is an ONNX file, but not of a dccad model: pass one that dccad export wrote"
        ) from None
    if version > FORMAT:
        raise ModelFileError(
            f"{file} has format {version} of exported models; this dccad reads up to format "
            f"{FORMAT}: upgrade dccad"
        )
    if record.get("record_sha256") != record_digest(record):
        raise ModelFileError(
            f"{file} is damaged or was edited (the checksum of its metadata differs): export the "
            "model again"
        )
    return dict(record)
