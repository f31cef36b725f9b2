"""The command ``dccad fit``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dccad.cli.options import (
    JsonOption,
    OptionalLogArgument,
    SeedOption,
    SettingsOption,
    StreamOption,
    grouped_options,
    read_settings,
    remembered_options,
)
from dccad.errors import ParameterError
from dccad.tables.options import TableOptions

if TYPE_CHECKING:
    from dccad.detector import DCCA


@dataclass(frozen=True)
class ModelOptions:
    """Options that are parameters of :class:`dccad.DCCA`."""

    window: Annotated[int, typer.Option(metavar="ROWS", help="Number of rows in a window.")] = 30
    n_clusters: Annotated[
        str,
        typer.Option(
            "--clusters",
            metavar="K",
            help="Number of regions to divide the log into, or auto for as many as are clear. From "
            "3 on, or with auto, several of them may be normal.",
        ),
    ] = "2"
    false_alarm_rate: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of normal rows that may be flagged.")
    ] = 0.01
    prepare: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STEP",
            help="Step that prepares the log, such as idle:torque, mode:load>50, average:10, "
            "decimate:10, clip:flow=0..100, difference:level or log:pressure (repeatable; the "
            "order counts).",
        ),
    ] = None
    on_missing: Annotated[
        Literal["error", "interpolate", "hold", "drop"],
        typer.Option(
            help="Refuse missing values, fill short gaps with a line or with the last value, or "
            "drop the rows that lack values."
        ),
    ] = "error"
    fill_limit: Annotated[int, typer.Option(metavar="ROWS", help="Longest gap to fill.")] = 5
    settings: SettingsOption = None
    keep_latents: Annotated[
        bool, typer.Option("--keep-latents", help="Store the latents of the training windows too.")
    ] = False
    seed: SeedOption = 0

    def detector(self, max_gap: float | None) -> DCCA:
        """An unfitted detector; what ``--set`` says comes last."""
        from dccad.detector import DCCA
        from dccad.parameters import check_parameters

        given = {**vars(self), "max_gap": max_gap, "verbose": True}
        given |= {"random_state": given.pop("seed"), "prepare": tuple(self.prepare or ())}
        if self.n_clusters.isdecimal():
            given["n_clusters"] = int(self.n_clusters)
        given |= read_settings(given.pop("settings"))
        detector = DCCA(**given)
        check_parameters(detector.get_params())
        return detector


@grouped_options
def fit(
    *,
    log: OptionalLogArgument = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Model folder to write.")
    ],
    normal: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LOG",
            help="Log of rows known to be normal (repeatable); without LOG the model learns from "
            "it alone.",
        ),
    ] = None,
    model: ModelOptions,
    stream: StreamOption = None,
    json: JsonOption = False,
    tables: TableOptions,
) -> None:
    """Learn regions, scores and a threshold from an unlabelled log.

    Parquet of 1 GiB or more is read in pieces: the scaling is learned from all rows, everything
    else from 50,000 windows drawn at random (--set max_windows=N draws N windows).
    """
    from dccad.cli.pieces import read_for_fit
    from dccad.cli.printing.as_json import print_json
    from dccad.cli.printing.model import print_model
    from dccad.cli.printing.tables import print_tables
    from dccad.saving.folder import check_target, read_record

    if not (log or normal):
        raise ParameterError("nothing to fit: pass a LOG, --normal LOG, or both")
    check_target(output)
    detector = model.detector(tables.max_gap)
    reference, of_reference = read_for_fit(normal, tables, stream, detector)
    unlabelled, of_unlabelled = read_for_fit(log, tables, stream, detector)
    detector.fit(unlabelled, normal=reference)
    detector.reading_ = remembered_options(tables)
    detector.save(output, include_latents=detector.keep_latents)
    record, summaries = read_record(output), [*of_unlabelled, *of_reference]
    if json:
        print_json({**record, "tables": [summary.as_record() for summary in summaries]})
    else:
        print_tables(summaries)
        print_model(record, output)
