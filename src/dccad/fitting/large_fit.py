"""Logs of a fit that are read in pieces: a sample of their rows, and figures of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dccad.fitting.sample import gather_statistics, read_stretches
from dccad.logs.preparation.pipeline import Preparation, check_streamable
from dccad.logs.source import BLOCK_CELLS, RowSource
from dccad.method.representation.row_moments import RowStatistics
from dccad.support.progress import progress_bar


@dataclass(frozen=True)
class DrawnLogs:
    """What a fit gets in the place of logs that are read in pieces.

    Attributes
    ----------
    log, normal : Log, or what the caller passed
        Stretches of a source; other logs as they came.
    figures : dict or None
        ``rows`` and ``windows`` of the sources, and windows ``drawn``; None without a source.
    source : RowSource or None
        Whose rows decide the representation, where it is read in pieces.
    """

    log: Any
    normal: Any
    figures: dict[str, int] | None
    parameters: Mapping[str, Any]
    preparation: Preparation
    source: RowSource | None = None
    reading: Mapping[str, Any] = field(default_factory=dict)

    def gather_statistics(self) -> RowStatistics | None:
        """Figures of all rows of the source; None without one."""
        source, max_gap = self.source, self.parameters["max_gap"]
        if source is None:
            return None
        n_blocks = -(-sum(source.run_lengths) * len(source.columns) // BLOCK_CELLS)
        with progress_bar("reading", n_blocks, enabled=self.parameters["verbose"]) as advance:
            found = gather_statistics(
                source,
                max_gap,
                self.preparation,
                self.reading,
                lambda done: advance(done, "parts of the log", max(done, n_blocks)),
            )
        source.refuse_if_changed()
        return found


def draw_logs(
    X: Any, normal: Any, parameters: Mapping[str, Any], seed: int, preparation: Preparation
) -> DrawnLogs:
    """Draw stretches of the logs that are read in pieces; the others stay as they are.

    Parameters
    ----------
    X, normal : log, RowSource or None
    parameters : mapping
        As ``DCCA.get_params`` gives them.
    seed : int
    preparation : Preparation

    Raises
    ------
    InputError
        A row cannot be used.
    ParameterError
        A step of the preparation needs a log in memory.
    """
    reading = {name: parameters[name] for name in ("on_missing", "fill_limit")}
    reading["causal"] = False
    figures: dict[str, int] | None = None

    def draw(log: Any, own_seed: int) -> Any:
        nonlocal figures
        if not isinstance(log, RowSource):
            return log
        check_streamable(preparation)
        drawn, found = read_stretches(
            log,
            parameters["max_gap"],
            parameters["window"],
            parameters["stride"],
            parameters["max_windows"],
            own_seed,
            reading,
        )
        figures = {key: found[key] + (figures or {}).get(key, 0) for key in found}
        return drawn

    log = draw(X, seed)
    reference = log if normal is X and normal is not None else draw(normal, seed + 1)
    source = X if normal is None else normal
    if normal is not None and parameters["calibration"] == "held-out":
        source = None  # rows that are held out must not decide the scaling
    return DrawnLogs(
        log,
        reference,
        figures,
        parameters,
        preparation,
        source if isinstance(source, RowSource) else None,
        reading,
    )
