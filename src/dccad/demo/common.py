"""What both demonstrations do: fit a partition and a monitor, score, write and draw."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from dccad.detector import DCCA
from dccad.logs.runs import Run
from dccad.results.files import write_scores
from dccad.results.table import score_table
from dccad.saving.folder import check_target
from dccad.support.extras import require
from dccad.support.files import replace_files
from dccad.support.progress import progress_bar
from dccad.support.versions import versions

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def begin(folder: Path, **extras: str) -> None:
    """Make the folder of a demo, once all that it needs is there.

    ``extras``: packages, and the extra that installs each.

    Raises
    ------
    MissingExtraError, ModelFileError
        A package is missing, or something else stands where a model will be written.
    """
    for package, extra in extras.items():
        require(package, extra=extra)
    for name in ("model", "monitor"):
        check_target(folder / name)
    folder.mkdir(parents=True, exist_ok=True)


def fit(
    path: Path, seed: int, settings: Mapping[str, Any], **data: Any
) -> tuple[DCCA, dict[str, Any]]:
    """Fit a detector and save it in the folder ``path``; ``data`` is what its ``fit`` takes.

    The dict has the seconds of the fit, the threshold and what it promises, and the states.
    """
    started = perf_counter()
    detector = DCCA(random_state=seed, verbose=True, **settings).fit(**data)
    seconds = perf_counter() - started
    detector.save(path)
    names = ("name", "normal", "share", "reason")
    return detector, {
        "fit_seconds": round(seconds, 1),
        "threshold": detector.threshold_,
        "false_alarm_rate": detector.false_alarm_rate,
        "states": [{name: state[name] for name in names} for state in detector.states_],
    }


def score(
    folder: Path, partition: DCCA, monitor: DCCA, runs: Mapping[str, Run]
) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """Tables of both detectors as ``score_table`` gives them; writes ``scores.parquet``."""
    table, monitored = (score_table(detector, runs) for detector in (partition, monitor))
    more = {f"monitor_{name}": monitored[name] for name in ("score", "p_value", "flag")}
    write_scores(folder / "scores.parquet", table | more)
    return table, monitored


def finish(
    folder: Path, metrics: Mapping[str, Any], figures: Mapping[str, Callable[[], Figure]]
) -> dict[str, Any]:
    """Write ``metrics.json``, whose contents are returned, and each figure as PNG."""
    metrics = {"versions": versions(), **metrics}
    replace_files({folder / "metrics.json": (json.dumps(metrics, indent=1) + "\n").encode()})
    with progress_bar("figures", len(figures)) as advance:
        for done, (name, draw) in enumerate(figures.items(), start=1):
            draw().savefig(folder / f"{name}.png", dpi=150)
            advance(done, name)
    return metrics
