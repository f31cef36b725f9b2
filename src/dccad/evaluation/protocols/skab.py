"""The protocol ``skab``: a monitor for each experiment on a real pump test bed.

A method is fitted on the first 400 rows of a file and judged on the others. Scores are causal, and
the training rows fill the first windows of the part that is judged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dccad.datasets import Dataset
from dccad.datasets.skab import SOURCE, TRAIN_ROWS, load_skab
from dccad.errors import InputError
from dccad.evaluation.methods import POSITION_ONLY
from dccad.evaluation.metrics import alarm_figures
from dccad.evaluation.monitoring import MONITOR_SETTINGS, judge_monitor
from dccad.evaluation.protocol import RATE, SECONDS, Column, Listing, Protocol, Section
from dccad.evaluation.record import Found, mean_of, summarise
from dccad.evaluation.tasks import Task, by_own_labels


def load(folder: Path | None) -> Dataset:
    """Read the files of a folder.

    Raises
    ------
    InputError
        No folder is given: the files are not part of the package.
    """
    if folder is None:
        raise InputError(
            "the SKAB files are not part of dccad; download them "
            f"({SOURCE}) and pass their folder 'data' with --data FOLDER"
        )
    return load_skab(folder)


def make_tasks(dataset: Dataset) -> list[Task]:
    """One task per labelled file.

    Raises
    ------
    InputError
        No file has rows to judge.
    """
    tasks = [
        Task(run.name, 2, (), (by_own_labels(run, TRAIN_ROWS),), (run.rows(0, TRAIN_ROWS),))
        for run in dataset.test
        if run.row_labels is not None and len(run) > TRAIN_ROWS
    ]
    if not tasks:
        raise InputError(
            f"data set {dataset.name!r} has no labelled file of more than {TRAIN_ROWS} rows"
        )
    return tasks


def gather(found: Found, seeds: Sequence[int]) -> dict[str, Any]:
    """Figures over all files, as means per file (ROC-AUC) or of the rows of all files together.

    FAR, MAR and F1 are pooled, as on the leader board of SKAB: counts are summed over the files
    first. ``roc_auc_valve1`` and the like are means over the files of one folder.
    """
    by_seed: dict[int, dict[str, dict[str, Any]]] = defaultdict(dict)
    for key, seed, result in found:
        by_seed[seed][key] = result
    files = list(by_seed[seeds[0]])
    folders = sorted({_folder(file) for file in files} - {""})
    per_seed = [_figures(by_seed[seed], folders) for seed in seeds]
    gathered: dict[str, Any] = {
        name: summarise([figures[name] for figures in per_seed]) for name in per_seed[0]
    }
    gathered["per_file"] = {
        "file": files,
        **{
            shown: [
                mean_of([by_seed[seed][file]["figures"][name] for seed in seeds]) for file in files
            ]
            for shown, name in (
                ("roc_auc", "roc_auc"),
                ("far_calibrated_1", "far"),
                ("mar_calibrated_1", "mar"),
            )
        },
        **{
            name: [by_seed[seeds[0]][file][name] for file in files]
            for name in ("rows_judged", "rows_without_score")
        },
    }
    for name in ("rows_judged", "rows_without_score"):
        gathered[name] = sum(gathered["per_file"][name])
    gathered["files_without_auc"] = gathered["per_file"]["roc_auc"].count(None)
    return gathered


def _figures(results: dict[str, dict[str, Any]], folders: Sequence[str]) -> dict[str, float | None]:
    """Figures of one seed, from the results by file."""
    counts = [result["counts"] for result in results.values()]
    pooled = alarm_figures({name: sum(count[name] for count in counts) for name in counts[0]})
    auc = {file: result["figures"]["roc_auc"] for file, result in results.items()}
    rows = sum(result["rows_scored"] for result in results.values())
    seconds = sum(result["score_seconds"] for result in results.values())
    return {
        "roc_auc_per_file": mean_of(auc.values()),
        **{
            f"roc_auc_{folder}": mean_of(auc[file] for file in auc if _folder(file) == folder)
            for folder in folders
        },
        "far_calibrated_1": pooled["far"],
        "mar_calibrated_1": pooled["mar"],
        "f1": pooled["f1"],
        "fit_seconds": mean_of(result["figures"]["fit_seconds"] for result in results.values()),
        "rows_per_second": rows / seconds,
    }


def _folder(file: str) -> str:
    return file.rpartition("/")[0]


def table(results: Mapping[str, Any]) -> list[Section]:
    """Figures over all files, and of single folders."""
    columns = (
        Column("roc_auc_per_file", "ROC-AUC per file", "AUC"),
        Column("roc_auc_valve1", "… valve1", "AUC\nvalve1"),
        Column("roc_auc_valve2", "… valve2", "AUC\nvalve2"),
        Column("roc_auc_other", "… other"),
        Column("far_calibrated_1", "FAR", "FAR"),
        Column("mar_calibrated_1", "MAR", "MAR"),
        Column("f1", "F1", "F1"),
    )
    return [Section(columns, "monitor"), Section((SECONDS, RATE))]


PROTOCOL = Protocol(
    load,
    make_tasks,
    judge_monitor,
    gather,
    "roc_auc_per_file",
    table,
    (Listing("per_file", "file", "roc_auc", "ROC-AUC per file"),),
    "AUC: mean over files; FAR, MAR, F1: over the rows of all files, threshold for 1 %.\n"
    "rows-…, all-rows: rules that read no sensor; what beats them says something.",
    settings=MONITOR_SETTINGS,
    monitor=True,
    floors=tuple(POSITION_ONLY),
)
