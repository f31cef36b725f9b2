"""The commands under ``dccad data``: look at a log, and at the benchmark data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dccad.cli.options import (
    JobsOption,
    JsonOption,
    LogArgument,
    SeedOption,
    command,
    count_processes,
    grouped_options,
)
from dccad.tables import TableOptions

data_app = typer.Typer(
    help="Check a log; list, download, show and simulate benchmark data.",
    epilog="Example: dccad data check plant.csv",
    rich_markup_mode=None,
)


@command(data_app, "check", "dccad data check historian.csv --resample 60")
@grouped_options
def data_check(*, log: LogArgument, json: JsonOption = False, tables: TableOptions) -> None:
    """Show on one page what a log holds and how it is read.

    Nothing is fitted or written.
    """
    from dccad.cli.printing.as_json import print_json
    from dccad.cli.printing.tables import print_check
    from dccad.tables import check_log_tables, read_tables

    report = check_log_tables(read_tables(log, tables), tables.max_gap)
    print_json(report) if json else print_check(report)


@command(data_app, "list", "dccad data list")
def data_list(json: JsonOption = False) -> None:
    """List the benchmark data sets, and whether they are here."""
    from dccad.cli.printing.as_json import print_json
    from dccad.cli.printing.datasets import print_datasets
    from dccad.datasets.registry import list_datasets

    found = list_datasets()
    print_json(found) if json else print_datasets(found)


@command(data_app, "get", "dccad data get tep-many --jobs 2")
def data_get(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="Name from dccad data list: tep is downloaded, tep-many is simulated.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Folder to write; by default one in DCCAD_DATA, or in the cache of this system.",
        ),
    ] = None,
    jobs: JobsOption = 0,
    json: JsonOption = False,
) -> None:
    """Download a data set, or simulate it.

    tep needs the extra "data"; tep-many needs the extra "simulate" and about 50 minutes of one
    core. Every file is checked, and an interrupted command goes on where it stopped.
    """
    from dccad.cli.printing.as_json import print_json
    from dccad.cli.printing.datasets import print_download
    from dccad.datasets.registry import get_dataset

    folder = get_dataset(name, output, progress=True, jobs=count_processes(jobs))
    print_json({"name": name, "folder": str(folder)}) if json else print_download(name, folder)


@command(data_app, "show", "dccad data show --data tep/")
def data_show(
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Folder of the classic .dat files; by default the embedded set."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """List the runs of the embedded or the classic set."""
    from dccad.cli.printing.as_json import print_json
    from dccad.cli.printing.datasets import describe_dataset, print_dataset
    from dccad.datasets import load_tep, load_tep_simulated

    described = describe_dataset(load_tep_simulated() if data is None else load_tep(data))
    print_json(described) if json else print_dataset(described)


@command(data_app, "simulate", "dccad data simulate sets/plant --fault 0 --fault 1")
def data_simulate(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH", help="Path without a suffix: PATH.parquet and PATH.json are written."
        ),
    ],
    fault: Annotated[
        list[int] | None,
        typer.Option(
            metavar="N",
            help="Number of a fault, from 0 (none) to 28 (repeatable); by default 0 to 20.",
        ),
    ] = None,
    train_hours: Annotated[
        float, typer.Option(metavar="HOURS", help="Length of a training run.")
    ] = 25.0,
    train_onset: Annotated[
        float,
        typer.Option(metavar="HOUR", help="Hour of a training run at which its fault starts."),
    ] = 1.0,
    test_hours: Annotated[
        float, typer.Option(metavar="HOURS", help="Length of a test run.")
    ] = 48.0,
    test_onset: Annotated[
        float, typer.Option(metavar="HOUR", help="Hour of a test run at which its fault starts.")
    ] = 8.0,
    warm_up: Annotated[
        float,
        typer.Option(metavar="HOURS", help="Hours simulated before each run but not recorded."),
    ] = 30.0,
    seed: SeedOption = 0,
    jobs: JobsOption = 0,
    json: JsonOption = False,
) -> None:
    """Simulate Tennessee Eastman runs (needs the extra "simulate")."""
    from dccad.cli.printing.as_json import print_json
    from dccad.cli.printing.datasets import print_simulated
    from dccad.datasets.tep.simulator import simulate_to
    from dccad.support.progress import progress_bar

    with progress_bar("simulating", 1) as advance:
        records = simulate_to(
            path,
            faults=fault if fault is not None else range(21),
            seed=seed,
            jobs=count_processes(jobs),
            train_hours=train_hours,
            train_onset_hours=train_onset,
            test_hours=test_hours,
            test_onset_hours=test_onset,
            warm_up_hours=warm_up,
            progress=lambda done, total, name: advance(done, name, total),
        )
    described = [vars(record) for record in records]
    print_json(described) if json else print_simulated(described, path)
