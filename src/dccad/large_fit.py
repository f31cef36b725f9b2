"""Logs of a fit that are read in pieces: a sample of their rows, and figures of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from dccad.checkpoint import Checkpoint
from dccad.preparation import Preparation
from dccad.progress import progress_bar
from dccad.row_source import BLOCK_CELLS, RowSource, check_streamable
from dccad.running_statistics import RowStatistics
from dccad.sampling import gather_statistics, read_stretches

_FIGURES = ("mean", "comoment", "lowest", "highest")


@dataclass(frozen=True)
class DrawnLogs:
    """What a fit gets in the place of logs that are read in pieces.

    Attributes
    ----------
    log, normal : Log, or what the caller passed
        Stretches of a source; other logs as they came.
    figures : dict or None
        ``rows`` and ``windows`` of the sources, and windows ``drawn``; None without a source.
    identity : dict
        Identity of the sources, under "log" and "reference".
    source : RowSource or None
        Whose rows decide the representation, where it is read in pieces.
    """

    log: Any
    normal: Any
    figures: dict[str, int] | None
    identity: dict[str, Any]
    parameters: Mapping[str, Any]
    preparation: Preparation
    source: RowSource | None = None
    reading: Mapping[str, Any] = field(default_factory=dict)

    def gather_statistics(self, checkpoint: Checkpoint | None) -> RowStatistics | None:
        """Figures of all rows of the source; None without one."""
        source, max_gap = self.source, self.parameters["max_gap"]
        if source is None:
            return None
        kept = None if checkpoint is None else checkpoint.load("statistics")
        begun: tuple[int, RowStatistics | None] = (0, None)
        if kept is not None:
            begun = kept["blocks"], _unpack(kept)
        n_blocks = -(-sum(source.run_lengths) * len(source.columns) // BLOCK_CELLS)
        with progress_bar("reading", n_blocks, enabled=self.parameters["verbose"]) as advance:

            def on_block(done: int, statistics: RowStatistics) -> None:
                advance(done, "parts of the log", max(done, n_blocks))
                if checkpoint is not None and checkpoint.due:
                    checkpoint.keep("statistics", _pack(done, statistics))
                    checkpoint.write()

            found = gather_statistics(
                source, max_gap, self.preparation, self.reading, begun, on_block
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
    identity = {}

    def draw(log: Any, name: str, own_seed: int) -> Any:
        nonlocal figures
        if not isinstance(log, RowSource):
            return log
        check_streamable(preparation)
        identity[name] = log.identity()
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

    log = draw(X, "log", seed)
    reference = log if normal is X and normal is not None else draw(normal, "reference", seed + 1)
    source = X if normal is None else normal
    if normal is not None and parameters["calibration"] == "held-out":
        source = None  # rows that are held out must not decide the scaling
    return DrawnLogs(
        log,
        reference,
        figures,
        identity,
        parameters,
        preparation,
        source if isinstance(source, RowSource) else None,
        reading,
    )


def _pack(blocks: int, statistics: RowStatistics) -> dict[str, Any]:
    figures = {name: torch.from_numpy(getattr(statistics, name)) for name in _FIGURES}
    return {"blocks": blocks, "n_rows": statistics.n_rows, **figures}


def _unpack(kept: Mapping[str, Any]) -> RowStatistics:
    return RowStatistics(kept["n_rows"], **{name: kept[name].numpy() for name in _FIGURES})
