"""What both demonstrations do: fit and save a detector, score with two of them, write and draw."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from dccad.datasets.score_files import write_scores
from dccad.detector import DCCA
from dccad.extras import require
from dccad.files import replace_files
from dccad.persistence import check_target, versions
from dccad.progress import progress_bar
from dccad.results import score_table
from dccad.runs import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Table = dict[str, NDArray[Any]]


def begin(folder: Path, **extras: str) -> None:
    """Make the folder of a demonstration, once it is sure that everything can be written there.

    Parameters
    ----------
    folder : Path
        Made if it does not exist; files of an earlier demonstration will be replaced.
    **extras : str
        Packages that are needed, and the extra of dccad that installs each.

    Raises
    ------
    MissingExtraError
        A package is not installed.
    ModelFileError
        Something that is not a model stands where a model will be written.
    """
    for package, extra in extras.items():
        require(package, extra=extra)
    for name in ("model", "monitor"):
        check_target(folder / name)
    folder.mkdir(parents=True, exist_ok=True)


def fit(
    path: Path, seed: int, settings: Mapping[str, Any], **data: Any
) -> tuple[DCCA, dict[str, Any]]:
    """Fit a detector and save it.

    Parameters
    ----------
    path : Path
        The model folder to write.
    seed : int
    settings : mapping
        Parameters of :class:`dccad.DCCA` that differ from its defaults.
    **data
        What ``fit`` takes.

    Returns
    -------
    detector : DCCA
    record : dict
        How long the fit took (s), the threshold and the rate that it was asked for, and the states.
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


def score_both(
    path: Path, partition: DCCA, monitor: DCCA, runs: Mapping[str, Run], **columns: Any
) -> tuple[Table, Table]:
    """Score runs with both detectors and write one table.

    Parameters
    ----------
    path : Path
        The score file to write.
    partition, monitor : DCCA
        Fitted.
    runs : mapping of str to Run
    **columns : callable
        Further columns, each found from the time stamps of all rows.

    Returns
    -------
    (partition's, monitor's) : dicts of ndarray of shape (n_rows,)
        As :func:`dccad.results.score_table` gives them.
    """
    table, monitored = (score_table(detector, runs) for detector in (partition, monitor))
    more = {f"monitor_{name}": monitored[name] for name in ("score", "p_value", "flag")}
    write_scores(path, table | more | {k: find(table["time"]) for k, find in columns.items()})
    return table, monitored


def finish(
    folder: Path,
    dataset: str,
    seed: int,
    found: Mapping[str, Any],
    figures: Mapping[str, Callable[[], Figure]],
) -> dict[str, Any]:
    """Write ``metrics.json`` and the figures as PNG; the progress bar counts them.

    Returns
    -------
    dict
        The contents of ``metrics.json``: data set, seed, versions, and what was found.
    """
    metrics = {"dataset": dataset, "seed": seed, "versions": versions(), **found}
    replace_files({folder / "metrics.json": (json.dumps(metrics, indent=1) + "\n").encode()})
    with progress_bar("figures", len(figures)) as advance:
        for done, (name, draw) in enumerate(figures.items(), start=1):
            draw().savefig(folder / f"{name}.png", dpi=150)
            advance(done, name)
    return metrics
