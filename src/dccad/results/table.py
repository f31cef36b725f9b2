"""Results as tables and summaries for files, terminals and machines; no printing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dccad.calibration.kinds import AnyCalibration
from dccad.logs.episodes import RowTable, describe_states, find_stretches, insert_peak, state_names
from dccad.logs.runs import Run

LEVEL = 0.9
"""Coverage of the intervals that are reported."""


class Scorer(Protocol):
    """What a table of scores needs: a fitted :class:`dccad.DCCA`, or an exported model."""

    @property
    def states_(self) -> list[dict[str, Any]]:
        """Regions as named states."""

    def score_rows(self, X: Any) -> dict[str, Any]:
        """Scores, p-values, flags and regions of a log."""


def score_table(detector: Scorer, runs: Mapping[str, Run]) -> dict[str, NDArray[Any]]:
    """Score runs and lay the rows of all of them under one another.

    Parameters
    ----------
    detector : Scorer
        A fitted detector or an exported model.
    runs : mapping of str to Run

    Returns
    -------
    dict of ndarray of shape (n_rows,)
        ``run``, ``row`` (from 0 within the run), ``time`` (only if every run has stamps),
        ``score`` (NaN while no window is full), ``p_value`` (of the score among normal rows),
        ``flag`` (0 / 1), ``region`` (0 is normal), ``state`` (its name).
    """
    found = detector.score_rows(dict(runs))
    table: dict[str, NDArray[Any]] = {
        "run": np.concatenate([np.full(len(run), name) for name, run in runs.items()]),
        "row": np.concatenate([np.arange(len(run)) for run in runs.values()]),
    }
    stamps = [run.time for run in runs.values() if run.time is not None]
    if len(stamps) == len(runs):
        table["time"] = np.concatenate(stamps)
    for name, per_run in found.items():
        table[name] = np.concatenate(list(per_run.values()))
    table["state"] = state_names(detector.states_, table["region"])
    return table


def find_episodes(table: Mapping[str, NDArray[Any]]) -> list[dict[str, Any]]:
    """Stretches of consecutive flagged rows, in order.

    Examples
    --------
    >>> table = {"run": np.array(["a"] * 4), "row": np.arange(4), "flag": np.array([0, 1, 1, 0]),
    ...          "score": np.array([np.nan, 3.0, 5.0, 0.0])}
    >>> find_episodes(table)
    [{'run': 'a', 'first_row': 1, 'last_row': 2, 'rows': 2, 'peak': 5.0}]
    """
    rows = _rows_of(table)
    return [
        insert_peak(rows.describe(first, last), table["score"][first : last + 1])
        for first, last in find_stretches(table["flag"], rows.run, 1)
    ]


def _rows_of(table: Mapping[str, NDArray[Any]]) -> RowTable:
    names, run = np.unique(table["run"], return_inverse=True)
    return RowTable(run, table["row"], names.tolist(), table.get("time"))


def summarise_scores(
    table: Mapping[str, NDArray[Any]],
    threshold: float,
    states: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Counts and episodes of a score table.

    Examples
    --------
    >>> table = {"run": np.array(["a"] * 3), "row": np.arange(3), "flag": np.array([0, 0, 1]),
    ...          "score": np.array([np.nan, 0.0, 5.0]), "region": np.array([-1, 0, 1])}
    >>> states = [{"name": "normal", "region": 0}, {"name": "anomalous 1", "region": 1}]
    >>> summary = summarise_scores(table, threshold=2.0, states=states)
    >>> summary["scored"], summary["flagged"], summary["share_flagged"], summary["region_share"]
    (2, 1, 0.5, {'0': 0.5, '1': 0.5})
    >>> [(state["name"], state["share"], state["n_episodes"]) for state in summary["states"]]
    [('normal', 0.5, 1), ('anomalous 1', 0.5, 1)]
    """
    scored = ~np.isnan(table["score"])
    regions = table["region"][scored]
    return {
        "rows": len(scored),
        "scored": int(scored.sum()),
        "flagged": int(table["flag"].sum()),
        "share_flagged": float(table["flag"][scored].mean()),
        "threshold": threshold,
        "region_share": {str(r): float((regions == r).mean()) for r in np.unique(regions)},
        "episodes": find_episodes(table),
        "states": describe_states(states, table["region"], _rows_of(table)),
    }


def promised_rate(calibration: AnyCalibration, rate: float, n_rows: int) -> dict[str, Any]:
    """What a false-alarm rate means for ``n_rows`` new normal rows in one run.

    Returns
    -------
    dict
        ``rate``, ``rows``, and ``lower`` and ``upper`` of a 90 % interval for the realised rate,
        with ``level``; None where the calibration knows no interval.

    Examples
    --------
    >>> from dccad.calibration.conformal import ConformalCalibration
    >>> promised_rate(ConformalCalibration((0.0, 1.0)), 0.4, 100)["lower"] is None
    True
    """
    interval = calibration.rate_interval(rate, n_rows, LEVEL) if n_rows > 0 else None
    lower, upper = interval or (None, None)
    return {"rate": rate, "rows": n_rows, "lower": lower, "upper": upper, "level": LEVEL}
