"""``dccad fit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from dccad.cli.options import (
    Json,
    OptionalLog,
    Seed,
    Settings,
    Stream,
    read_settings,
    remembered_options,
    takes_tables,
)
from dccad.tables.options import TableOptions


@takes_tables
def fit(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Model folder to write.")
    ],
    options: TableOptions,
    log: OptionalLog = None,
    normal: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LOG",
            help="Log of rows known to be normal (repeatable); without LOG, learn from it alone.",
        ),
    ] = None,
    window: Annotated[int, typer.Option(metavar="ROWS", help="Rows per window.")] = 30,
    n_clusters: Annotated[
        str,
        typer.Option(
            "--clusters",
            metavar="K",
            help="Regions to divide the log into; auto: as many as are clear. From 3 on, or with "
            "auto, several may be normal.",
        ),
    ] = "2",
    false_alarm_rate: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of normal rows that may be flagged.")
    ] = 0.01,
    prepare: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STEP",
            help="Condition the log, in order: idle:torque, mode:load>50, average:10, "
            "decimate:10, clip:flow=0..100, difference:level, log:pressure (repeatable).",
        ),
    ] = None,
    on_missing: Annotated[
        Literal["error", "interpolate", "hold", "drop"],
        typer.Option(help="Missing values: refuse, fill short gaps, or leave their rows out."),
    ] = "error",
    fill_limit: Annotated[int, typer.Option(metavar="ROWS", help="Longest gap to fill.")] = 5,
    settings: Settings = None,
    keep_latents: Annotated[
        bool, typer.Option("--keep-latents", help="Store the latents of the training windows too.")
    ] = False,
    seed: Seed = 0,
    stream: Stream = None,
    json: Json = False,
) -> None:
    """Learn regions, scores and a threshold from an unlabelled log.

    Parquet of 1 GiB or more is read in pieces: the scaling is that of all rows, the rest is learned
    from 50,000 windows drawn all over it (--set max_windows=N).
    """
    from dccad.cli.pieces import read_for_fit
    from dccad.cli.printing.as_json import print_json
    from dccad.cli.printing.model import print_model
    from dccad.cli.printing.tables import print_tables
    from dccad.detector import DCCA
    from dccad.errors import ParameterError
    from dccad.parameters import check_parameters
    from dccad.saving.folder import check_target, read_record

    if not (log or normal):
        raise ParameterError("nothing to fit: pass a LOG, --normal LOG, or both")
    check_target(output)
    parameters: dict[str, Any] = {
        "window": window,
        "n_clusters": int(n_clusters) if n_clusters.isdecimal() else n_clusters,
        "false_alarm_rate": false_alarm_rate,
        "prepare": tuple(prepare or ()),
        "on_missing": on_missing,
        "fill_limit": fill_limit,
        "max_gap": options.max_gap,
        "keep_latents": keep_latents,
        "random_state": seed,
        "verbose": True,
    }
    detector = DCCA(**{**parameters, **read_settings(settings)})
    check_parameters(detector.get_params())
    reference, summaries = read_for_fit(normal, options, stream, detector)
    unlabelled, more = read_for_fit(log, options, stream, detector)
    detector.fit(unlabelled, normal=reference)
    detector.reading_ = remembered_options(options)
    detector.save(output, include_latents=detector.keep_latents)
    record, summaries = read_record(output), [*more, *summaries]
    if json:
        print_json({**record, "tables": [summary.as_record() for summary in summaries]})
    else:
        print_tables(summaries)
        print_model(record, output)
