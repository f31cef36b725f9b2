"""What ``fit`` and ``score`` do with a log that is read in pieces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dccad.errors import DccadWarning, ParameterError, warn
from dccad.tables.options import TableOptions

if TYPE_CHECKING:
    from dccad.datasets import ParquetLog
    from dccad.detector import DCCA
    from dccad.logs.preparation.pipeline import Preparation
    from dccad.tables import TableSummary


def open_stream(
    inputs: Sequence[str],
    options: TableOptions,
    wanted: bool | None,
    resume: bool,
    preparation: Preparation | None,
    with_alarms: bool = False,
) -> ParquetLog | None:
    """A log that is read in pieces, or None if it is to be read as a whole.

    ``wanted`` is what ``--stream`` or ``--no-stream`` says. Without them the size decides, and a
    large log that cannot be read in pieces is read as a whole, with a warning that says why.
    ``preparation`` is the one of the model; an ONNX file has none.
    """
    from dccad.logs.preparation.pipeline import check_streamable
    from dccad.tables.parquet.scan import NotStreamedError, is_large

    if resume and wanted is False:
        raise ParameterError("--resume goes with logs that are read in pieces: drop --no-stream")
    asked = wanted or resume
    if not asked and (wanted is False or not is_large(inputs, options)):
        return None
    from dccad.datasets import ParquetLog

    try:
        if with_alarms:
            raise ParameterError(
                "alarms are found in scores that are in memory: leave the options of alarms out, "
                "or --stream and --resume"
            )
        if preparation is None:
            raise ParameterError(
                "an ONNX file scores logs in memory: pass the model folder, or leave out --stream "
                "and --resume"
            )
        check_streamable(preparation)
        return ParquetLog(inputs, options)
    except (NotStreamedError, ParameterError) as reason:
        if asked:
            raise
        warn(f"the log is read into memory: {reason}", DccadWarning)
        return None


def score_stream(detector: DCCA, source: ParquetLog, output: Path, resume: bool) -> dict[str, Any]:
    """Score the log into the output, show the progress, and return the summary."""
    from dccad.results.in_pieces import score_source
    from dccad.support.progress import progress_bar

    with progress_bar("scoring", 1) as advance:
        return score_source(
            detector,
            source,
            output,
            resume=resume,
            on_piece=lambda done, total: advance(done, "pieces", total),
        )


def read_for_fit(
    inputs: Sequence[str] | None, options: TableOptions, stream: bool | None, detector: DCCA
) -> tuple[Any, list[TableSummary]]:
    """A log for :meth:`dccad.DCCA.fit`, in memory or in pieces, and a summary of its tables."""
    from dccad.logs.preparation.pipeline import Preparation
    from dccad.logs.runs import Reading
    from dccad.tables import read_tables

    if not inputs:
        return None, []
    reading = Reading(detector.max_gap, detector.on_missing, detector.fill_limit)
    preparation = Preparation.of(detector.prepare, reading)
    source = open_stream(inputs, options, stream, False, preparation)
    if source is not None:
        return source, list(source.summaries())
    tables = read_tables(inputs, options)
    return tables.runs, list(tables.summaries)
