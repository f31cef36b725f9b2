"""The protocol ``peeling``: partition and monitor on the torque of a bar-peeling machine.

Runs have one label each, so that no window has rows of two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dccad.datasets import Dataset
from dccad.errors import InputError
from dccad.evaluation.methods import Method
from dccad.evaluation.monitoring import MONITOR_SETTINGS, judge_monitor
from dccad.evaluation.partition import judge, judge_kinds, map_columns, region_columns
from dccad.evaluation.protocol import RATE, SECONDS, Column, Listing, Protocol, Section
from dccad.evaluation.record import Found, mean_of, rounded, summarise
from dccad.evaluation.tasks import Task, by_own_labels

if TYPE_CHECKING:
    from dccad.datasets.machining.simulation import PeelingLog

DATA_SEED = 0
N_BARS = 96
"""Bars of the simulated log: every kind of anomaly occurs several times among the rows judged."""

STRIDE = 7
"""Rows between two training windows, unless the user says otherwise. Neighbouring windows are
nearly the same, and 7 has no factor in common with the 10 rows that a revolution of the simulated
spindle takes, so that windows of every angle are trained on."""

MONITOR_FIGURES = {
    "roc_auc": "roc_auc",
    "average_precision": "average_precision",
    "far_calibrated_1": "far",
    "fdr_calibrated_1": "fdr",
    "monitor_fit_seconds": "fit_seconds",
}
"""Name in the record, and what the monitor's judge calls the figure."""


@dataclass(frozen=True)
class PeelingData(Dataset):
    """Runs of a peeling machine, and what is wrong in each.

    Attributes
    ----------
    kinds : mapping of str to str
        Kind of anomaly of each anomalous run, by its name.
    """

    kinds: Mapping[str, str] = field(default_factory=dict)


def load(folder: Path | None) -> Dataset:
    """Read the labelled workbooks of a folder, or simulate a log where none is given.

    Raises
    ------
    InputError
        The folder cannot be used, or its workbooks have no labels.
    """
    from dccad.datasets.machining.preparation import load_peeling
    from dccad.datasets.machining.simulation import simulate_peeling

    if folder is None:
        return prepare(simulate_peeling(N_BARS, seed=DATA_SEED))
    return load_peeling(folder)


def prepare(log: PeelingLog) -> PeelingData:
    """Cut a simulated log into runs as workbooks are, and note the kind of each.

    Examples
    --------
    >>> from dccad.datasets.machining.simulation import simulate_peeling
    >>> log = simulate_peeling(3, seed=1)
    >>> data = prepare(log)
    >>> set(data.kinds.values()) == {anomaly.kind for anomaly in log.anomalies}
    True
    """
    from dccad.datasets.machining.preparation import prepare_peeling

    return name_kinds(prepare_peeling(log.torque, log.labels, sampling_rate=log.sampling_rate), log)


def name_kinds(dataset: Dataset, log: PeelingLog) -> PeelingData:
    """Note what is wrong in each run of a data set that was cut from a simulated log."""
    from dccad.datasets.machining.plan import KINDS

    kinds = {
        run.name: KINDS[int(log.kinds_at(run.time)[0])]  # a bar has one kind at most
        for run in (*dataset.train, *dataset.test)
        if run.fault
    }
    return PeelingData("peeling-simulated", dataset.train, dataset.test, kinds)


def make_tasks(dataset: Dataset) -> list[Task]:
    """One fit on all training runs without labels, and one on the normal training runs.

    Raises
    ------
    InputError
        The runs are not labelled, or a label does not occur in one of the parts.
    """
    for part, runs in (("training", dataset.train), ("test", dataset.test)):
        if any(run.row_labels is None for run in runs):
            raise InputError(
                f"data set {dataset.name!r} has no labels to judge by; needed is a column of 0 and "
                "1 after the torque"
            )
        missing = {0, 1} - {run.fault for run in runs}
        if missing:
            raise InputError(
                f"data set {dataset.name!r} has no {part} run of label {missing.pop()}; pass a "
                "longer log"
            )
    kinds = dataset.kinds if isinstance(dataset, PeelingData) else {}
    test = tuple(by_own_labels(run, kind=kinds.get(run.name, "")) for run in dataset.test)
    normal = tuple(run for run in dataset.train if not run.fault)
    return [
        Task("partition", 2, tuple(by_own_labels(run) for run in dataset.train), test),
        Task("monitor", 2, (), test, normal),
    ]


def judge_task(method: Method, task: Task) -> dict[str, Any]:
    """Figures of a partition or of a monitor."""
    if task.normal:
        return judge_monitor(method, task)
    figures, per_map = judge(method, task)
    kinds = judge_kinds(method, task)
    return {**kinds, "figures": {**figures, **kinds["figures"]}, "per_map": per_map}


def gather(found: Found, seeds: Sequence[int]) -> dict[str, Any]:
    """Figures of the partition, of the monitor, and of both for each kind of anomaly.

    ``fit_seconds`` and ``judge_seconds`` are those of the partition.
    """
    partitions = [result for key, _, result in found if key == "partition"]
    monitors = [result for key, _, result in found if key == "monitor"]
    gathered: dict[str, Any] = {
        name: summarise([result["figures"][name] for result in partitions])
        for name in partitions[0]["figures"]
    }
    for name, given in MONITOR_FIGURES.items():
        gathered[name] = summarise([result["figures"][given] for result in monitors])
    if monitors[0]["events"]:
        detections = [_detection(result["events"]) for result in monitors]
        gathered["events_detected"] = summarise([share for share, _ in detections])
        gathered["delay_seconds"] = summarise([delay for _, delay in detections])
    gathered["rows_per_second"] = summarise(
        [result["rows_scored"] / result["score_seconds"] for result in monitors]
    )
    for name in ("rows_judged", "rows_without_score"):
        gathered[name] = monitors[0][name]
    if "per_kind" in monitors[0]:
        gathered["per_kind"] = _gather_kinds(partitions, monitors)
    per_map = [
        {"seed": seed, **rounded(result["per_map"])}
        for key, seed, result in found
        if key == "partition" and result["per_map"] is not None
    ]
    return gathered | ({"per_map": per_map} if per_map else {})


def _gather_kinds(
    partitions: Sequence[dict[str, Any]], monitors: Sequence[dict[str, Any]]
) -> dict[str, list[Any]]:
    """Columns with one entry per kind, means over seeds."""
    first = monitors[0]["per_kind"]
    columns: dict[str, list[Any]] = {"kind": first["kind"], "rows": first["rows"]}

    def add(results: Sequence[dict[str, Any]], names: Mapping[str, str]) -> None:
        for name, given in names.items():
            per_seed = zip(*(result["per_kind"][given] for result in results), strict=True)
            columns[name] = [mean_of(values) for values in per_seed]

    add(partitions, {name: name for name in ("balanced_acc", "nmi", "ari", "region_fdr")})
    names = ("roc_auc", "average_precision", "fdr_calibrated_1")
    add(monitors, {name: MONITOR_FIGURES[name] for name in names})
    if monitors[0]["events"]:
        columns["events"] = [len(_of_kind(monitors[0]["events"], kind)) for kind in first["kind"]]
        found = [
            [_detection(_of_kind(result["events"], kind)) for result in monitors]
            for kind in first["kind"]
        ]
        columns["events_detected"] = [mean_of(share for share, _ in seeds) for seeds in found]
        columns["delay_seconds"] = [mean_of(delay for _, delay in seeds) for seeds in found]
    return columns


def _of_kind(events: Sequence[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    return [event for event in events if event["kind"] == kind]


def _detection(events: Sequence[Mapping[str, Any]]) -> tuple[float | None, float | None]:
    """Share of events that are detected, and mean delay (s) of these.

    Examples
    --------
    >>> _detection([{"delay_seconds": 0.5}, {"delay_seconds": None}]), _detection([])
    ((0.5, 0.5), (None, None))
    """
    delays = [event["delay_seconds"] for event in events]
    return mean_of([float(delay is not None) for delay in delays]), mean_of(delays)


def table(results: Mapping[str, Any]) -> list[Section]:
    """Figures of the partition, on the page also of its maps, and of the monitor."""
    partition = (
        *region_columns(),
        Column("balanced_acc", "balanced ACC", "balanced"),
        Column("region_fdr", "anomalous rows outside region 0", "FDR"),
        Column("region_far", "normal rows outside region 0", "FAR"),
        *(replace(column, terminal="") for column in map_columns()),
    )
    monitor = (
        Column("roc_auc", "ROC-AUC", "AUC"),
        Column("average_precision", "average precision", "AP"),
        Column("far_calibrated_1", "FAR", "FAR"),
        Column("fdr_calibrated_1", "FDR", "FDR"),
        Column("events_detected", "events detected", "events"),
    )
    times = (
        replace(SECONDS, page="seconds of a partition fit"),
        replace(SECONDS, figure="monitor_fit_seconds", page="seconds of a monitor fit"),
        RATE,
    )
    return [
        Section(partition, "partition", "Partition, test rows"),
        Section(monitor, "monitor", "Monitor, test rows"),
        Section(times),
    ]


def _of_kinds(figure: str, page: str, terminal: str = "", form: str = "") -> Listing:
    return Listing("per_kind", "kind", figure, page, terminal, form)


PROTOCOL = Protocol(
    load,
    make_tasks,
    judge_task,
    gather,
    "acc",
    table,
    (
        _of_kinds(
            "balanced_acc",
            "Partition: balanced ACC of the rows of a kind against all normal rows",
            "partition: share right, the kind's rows and normal rows alike",
        ),
        _of_kinds(
            "roc_auc",
            "Monitor: ROC-AUC of the rows of a kind against all normal rows",
            "AUC of the score per kind of anomaly, against normal rows",
        ),
        _of_kinds(
            "fdr_calibrated_1",
            "Monitor: FDR",
            "flagged share of each kind's rows, threshold for 1 %",
        ),
        _of_kinds(
            "events_detected", "Monitor: share of the events detected (3 flagged rows in a row)"
        ),
        _of_kinds(
            "delay_seconds", "Monitor: mean delay of the detected events, in s", "", "{:.2f}"
        ),
    ),
    "balanced: mean of the shares right among anomalous and among normal rows.\n"
    "FDR, FAR: flagged share of anomalous, of normal rows; monitor: threshold for 1 %.",
    settings=MONITOR_SETTINGS,
    defaults={"stride": STRIDE},
    partition=True,
    monitor=True,
    variants=False,
)
