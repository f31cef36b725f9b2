"""Printing data sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from dccad.cli.printing.console import PlainConsole
from dccad.logs.runs import Run

if TYPE_CHECKING:
    from dccad.datasets import Dataset


def describe_dataset(dataset: Dataset) -> dict[str, Any]:
    """Runs of a benchmark data set with their fault, length and onset."""

    def describe(runs: Sequence[Run], split: str) -> list[dict[str, Any]]:
        return [
            {
                "run": run.name,
                "split": split,
                "fault": run.fault,
                "rows": len(run),
                "sensors": len(run.columns),
                "onset": run.onset,
            }
            for run in runs
        ]

    runs = describe(dataset.train, "train") + describe(dataset.test, "test")
    return {"name": dataset.name, "runs": runs}


def print_dataset(described: Mapping[str, Any]) -> None:
    """Show the runs of a data set."""
    splits = [run["split"] for run in described["runs"]]
    console = PlainConsole()
    console.print(
        f"{described['name']}: {splits.count('train')} training and {splits.count('test')} test "
        "runs (fault 0: none)",
        highlight=False,
    )
    table = Table(box=None, pad_edge=False)
    _add_records(table, described["runs"], ("run", "split", "fault", "rows", "sensors", "onset"))
    console.print(table)


def print_simulated(records: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Show the runs that were simulated, and which ended in a plant shutdown."""
    console = PlainConsole()
    table = Table(box=None, pad_edge=False)
    names = ("name", "split", "fault", "rows", "onset", "seed", "shutdown_hours")
    _add_records(table, records, names)
    console.print(table)
    console.print(f"written to {path}.parquet and {path}.json", highlight=False, soft_wrap=True)


def _add_records(table: Table, records: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    for name in names:
        is_text = bool(records) and isinstance(records[0][name], str)
        table.add_column(name.replace("_", " "), justify="left" if is_text else "right")
    for record in records:
        table.add_row(*("–" if record[name] is None else str(record[name]) for name in names))


def print_datasets(datasets: Sequence[Mapping[str, Any]]) -> None:
    """List benchmark data sets: what each is, and where it is or how to come by it."""
    console = PlainConsole()
    for dataset in datasets:
        here = f"in {dataset['folder']}" if dataset["folder"] else "here"
        console.say(f"{dataset['name']}: {dataset['description']}")
        console.say(here if dataset["available"] else f"not here: {dataset['obtain']}", indent=2)


def print_download(name: str, folder: Path) -> None:
    """Say where a data set is now, and how to use it."""
    console = PlainConsole()
    protocol = "tep-pairs" if name == "tep" else name
    for text in (f"{name} is complete in {folder}", f"dccad benchmark {protocol} --data {folder}"):
        console.print(text, highlight=False, markup=False, soft_wrap=True)  # a path stays whole
