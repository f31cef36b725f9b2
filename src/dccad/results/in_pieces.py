"""Score a log that is not in memory: piece by piece, each written when it is done.

Scores are causal, so a piece that brings along the ``window - 1`` rows before it gets the scores
that the whole run would give. Pieces begin at fixed rows: which of them an interrupted process had
finished changes no score.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dccad.calibration.kinds import AnyCalibration
from dccad.errors import DccadError, InputError
from dccad.logs.episodes import state_names
from dccad.logs.inputs import check_sensors_of_fit
from dccad.logs.preparation.pipeline import check_streamable, rows_before
from dccad.logs.runs import Log, OnMissing, Reading, Run
from dccad.logs.source import RowSource, Segment, read_checked
from dccad.logs.windows import check_window_count
from dccad.method.scoring.model import FittedModel
from dccad.results.summary import StreamSummary
from dccad.support.job_folder import PieceFolder
from dccad.support.versions import versions

PIECE_ROWS = 1 << 17
"""Rows of a piece, at most: what is lost when a process is killed."""

PIECE_CELLS = 1 << 23
"""Sensor values of a piece, at most: bounds the memory (64 MiB in double precision)."""


class PieceScorer(Protocol):
    """What scoring in pieces needs of a detector: a fitted :class:`dccad.DCCA`."""

    max_gap: float | None
    on_missing: OnMissing
    fill_limit: int
    model_: FittedModel
    calibration_: AnyCalibration
    threshold_: float
    columns_: tuple[str, ...]

    @property
    def states_(self) -> list[dict[str, Any]]:
        """Regions as named states."""

    def digest(self) -> str:
        """SHA-256 over all that decides the scores."""


def score_source(
    detector: PieceScorer,
    source: RowSource,
    output: str | os.PathLike[str],
    *,
    resume: bool = False,
    on_piece: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Score every row of a log of any size into a table file.

    Finished pieces stand in the folder ``OUTPUT.parts`` until the whole table is written; then the
    table takes its place at once, and the folder goes.

    Parameters
    ----------
    detector : DCCA
        Fitted.
    source : RowSource
        As :class:`dccad.datasets.ParquetLog`.
    output : str or path
        A .parquet or .csv file, with the columns of :func:`dccad.results.table.score_table`.
    resume : bool
        Go on where a process was interrupted, or begin where none was.
    on_piece : callable (done, total), optional
        Called after each piece, for progress.

    Returns
    -------
    dict
        As :func:`dccad.results.table.summarise_scores`, with the number of all episodes as
        ``n_episodes`` and only the longest ``MOST_EPISODES`` of them.

    Raises
    ------
    InputError
        A row cannot be used; the pieces to go on from are of another model or log; or there are
        pieces, and ``resume`` is not asked for.
    ParameterError
        The detector's preparation needs a log in memory.

    Examples
    --------
    >>> import tempfile
    >>> import polars as pl
    >>> from dccad import DCCA
    >>> from dccad.datasets import ParquetLog
    >>> rows = pl.DataFrame(np.random.default_rng(0).normal(size=(300, 2)), schema=["a", "b"])
    >>> detector = DCCA(window=8, random_state=0).fit(rows)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rows.write_parquet(Path(folder, "pump.parquet"))
    ...     found = score_source(detector, ParquetLog(folder), Path(folder, "scores.parquet"))
    ...     found["rows"], found["scored"], len(pl.read_parquet(Path(folder, "scores.parquet")))
    (300, 293, 300)
    """
    target = Path(output)
    if target.suffix.lower() not in (".csv", ".parquet"):
        raise InputError(f"{target}: scores are written as .csv or .parquet; name such a file")
    named = hasattr(detector, "feature_names_in_")
    check_sensors_of_fit(detector.columns_, named, source.columns, found_named=True)
    plan = PiecePlan(detector, source)
    identity = {
        "model": detector.digest(),
        "log": source.identity(),
        "way to read it": repr(getattr(source, "options", None)),
        "version of dccad": versions()["dccad"],
        "division into pieces": [plan.rows, plan.n_rows],
    }
    folder = PieceFolder(target.with_name(target.name + ".parts"), identity, resume)
    try:
        for piece in range(len(plan)):
            name = f"{piece:06d}"
            if folder.get(name) is None:
                folder.put(name, _to_parquet(plan.score(piece)))
            if on_piece is not None:
                on_piece(piece + 1, len(plan))
        source.refuse_if_changed()
    except DccadError:  # the rows are at fault: other rows will need other pieces
        folder.remove()
        raise
    paths = [folder.path(f"{piece:06d}") for piece in range(len(plan))]
    summary = StreamSummary(detector.threshold_, detector.states_)
    for path in paths:
        summary.add(_read(path))
    _assemble(paths, folder.folder / "whole.unfinished", target)
    folder.remove()
    return summary.as_record()


class PiecePlan:
    """Division of all rows of a log, run after run, into pieces of equal length.

    Parameters
    ----------
    detector : DCCA
    source : RowSource

    Raises
    ------
    InputError
        No segment is as long as a window.
    """

    def __init__(self, detector: PieceScorer, source: RowSource) -> None:
        self.detector, self.source = detector, source
        self.preparation = detector.model_.preparation
        check_streamable(self.preparation)
        self.reading = Reading(
            detector.max_gap, detector.on_missing, detector.fill_limit, causal=True
        )
        self.segments = source.segments(self.reading.max_gap)
        self.n_rows = sum(source.run_lengths)
        self.rows = max(1, min(PIECE_ROWS, PIECE_CELLS // len(source.columns)))
        self._starts = np.concatenate(([0], np.cumsum([len(s) for s in self.segments])))
        window = detector.model_.window
        if max(len(segment) for segment in self.segments) < window:
            names = source.run_names
            empty = [Run(np.empty((len(s), 0)), (), names[s.run]) for s in self.segments]
            check_window_count(empty, window)
        self.before = window - 1 + rows_before(self.preparation)

    def __len__(self) -> int:
        return -(-self.n_rows // self.rows)

    def stretches(self, piece: int) -> Iterator[tuple[Segment, int, int]]:
        """Segments of a piece, and which rows of their runs it scores."""
        first, last = piece * self.rows, min((piece + 1) * self.rows, self.n_rows)
        number = int(np.searchsorted(self._starts, first, side="right")) - 1
        while number < len(self.segments) and self._starts[number] < last:
            segment, offset = self.segments[number], int(self._starts[number])
            start = segment.start + max(first - offset, 0)
            yield segment, start, segment.start + min(last - offset, len(segment))
            number += 1

    def score(self, piece: int) -> dict[str, NDArray[Any]]:
        """Columns of the rows of a piece, as :func:`dccad.results.table.score_table` names them."""
        detector, runs, context, rows = self.detector, [], [], []
        for segment, start, stop in self.stretches(piece):
            first = max(segment.start, start - self.before)
            runs.append(read_checked(self.source, segment, first, stop, self.reading))
            context.append(start - first)
            rows.append(np.arange(start, stop))
        scores, regions = self._score_runs(runs, context)
        names = [run.name for run in runs]
        table: dict[str, NDArray[Any]] = {
            "run": np.repeat(np.array(names), [len(part) for part in rows]),
            "row": np.concatenate(rows),
        }
        if getattr(self.source, "has_time", False):
            parts = zip(runs, context, strict=True)
            table["time"] = np.concatenate(
                [run.time[n:] for run, n in parts if run.time is not None]
            )
        table["score"] = scores
        table["p_value"] = detector.calibration_.p_value(scores)
        # NaN compares as False: a row without a score is not flagged
        table["flag"] = (scores > detector.threshold_).astype(np.int64)
        table["region"] = regions
        table["state"] = state_names(detector.states_, regions)
        return table

    def _score_runs(
        self, runs: Sequence[Run], context: Sequence[int]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Scores and regions of the runs' rows after those that only came along."""
        model, lengths = self.detector.model_, [len(run) for run in runs]
        log = self.preparation.apply(Log(tuple(runs), tuple(lengths)), may_be_empty=True)
        scores, regions = np.full(log.n_rows, np.nan), np.full(log.n_rows, -1)
        if max((len(segment) for segment in log.segments), default=0) >= model.window:
            scores, regions = model.score_log(log)
        kept = np.concatenate([np.arange(n) >= c for n, c in zip(lengths, context, strict=True)])
        return scores[kept], regions[kept]


def _to_parquet(table: Mapping[str, NDArray[Any]]) -> bytes:
    import polars as pl

    frame = pl.DataFrame({name: pl.Series(name, array) for name, array in table.items()})
    content = io.BytesIO()
    frame.write_parquet(content)
    return content.getvalue()


def _read(path: Path) -> dict[str, NDArray[Any]]:
    import polars as pl

    frame = pl.read_parquet(path.read_bytes())
    unused = ("p_value", "state")
    return {name: frame[name].to_numpy() for name in frame.columns if name not in unused}


def _assemble(paths: Sequence[Path], unfinished: Path, target: Path) -> None:
    """Write all pieces as one table, whole or not at all."""
    import polars as pl

    rows = pl.scan_parquet(list(paths), glob=False, hive_partitioning=False)
    if target.suffix.lower() == ".csv":
        rows.sink_csv(unfinished, datetime_format="%Y-%m-%dT%H:%M:%S%.f")
    else:
        rows.sink_parquet(unfinished)
    with unfinished.open("rb+") as stream:
        os.fsync(stream.fileno())
    unfinished.replace(target)
