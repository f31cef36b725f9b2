"""``dccad score``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from dccad.cli.options import (
    Json,
    Log,
    Resume,
    Scorer,
    Stream,
    check_output,
    load_scorer,
    read_logs,
    scoring_options,
    takes_tables,
)
from dccad.tables.options import TableOptions


@takes_tables
def score(
    model: Scorer,
    log: Log,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="Scores, as .csv or .parquet."),
    ],
    options: TableOptions,
    alarm: Annotated[
        str | None,
        typer.Option(
            metavar="RULE",
            help='Report alarms, raised as "3 of 5" rows exceed a limit (5: five in a row); '
            '"3 of 5, off 10, clear 0.1": ended by 10 rows that a tenth of normal rows exceed.',
        ),
    ] = None,
    alarms_per_day: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            help="False alarms per day to choose that limit for; default: the threshold.",
        ),
    ] = None,
    alarms_per_1000: Annotated[
        float | None,
        typer.Option(metavar="N", help="The same per 1000 rows, for logs without time stamps."),
    ] = None,
    stream: Stream = None,
    resume: Resume = False,
    json: Json = False,
) -> None:
    """Score every row of a log.

    The log is read and conditioned as that of the fit was: only what differs needs an option.
    Parquet of 1 GiB or more is read and written in pieces, in bounded memory. A killed score
    --stream leaves OUTPUT.parts: score --resume with the same arguments goes on from there.
    """
    from dccad.alarms.report import check_wanted, parse_pattern
    from dccad.cli.pieces import open_stream, score_stream
    from dccad.cli.printing.as_json import print_json
    from dccad.cli.printing.scores import print_alarms, print_scores
    from dccad.cli.printing.tables import print_tables
    from dccad.logs.missing import count_missing
    from dccad.results.files import write_scores
    from dccad.results.table import promised_rate, score_table, summarise_scores

    check_output(output, (".csv", ".parquet"), inputs=log)
    check_wanted(alarms_per_day, alarms_per_1000)
    pattern = parse_pattern("1 of 1" if alarm is None else alarm)
    with_alarms = {alarm, alarms_per_day, alarms_per_1000} != {None}
    detector = load_scorer(model)
    named = detector.columns_ if hasattr(detector, "feature_names_in_") else None
    reading = scoring_options(options, detector.reading_, named)
    fitted = getattr(detector, "model_", None)  # an ONNX file has none
    conditioning = None if fitted is None else fitted.preparation
    source = open_stream(log, reading, stream, resume, conditioning, with_alarms)
    if source is not None:
        summary = score_stream(cast(Any, detector), source, output, resume)
        found, alarms = source.summaries(), None
    else:
        tables = read_logs(log, reading)
        found = tables.summaries
        table = score_table(detector, tables.runs)
        alarms = None
        if with_alarms:
            alarms = detector.find_alarms(
                tables.runs,
                pattern,
                per_day=alarms_per_day,
                per_1000_rows=alarms_per_1000,
                scores=table["score"],
            )
        write_scores(output, table)
        summary = summarise_scores(table, detector.threshold_, detector.states_)
        summary["missing_cells"] = count_missing(tables.runs.values())
    rate, scored = detector.false_alarm_rate, summary["scored"]
    summary["promise"] = promised_rate(detector.calibration_, rate, scored)
    summary["alarms"] = None if alarms is None else alarms.to_dict()
    if json:
        print_json({**summary, "tables": [summary.as_record() for summary in found]})
    else:
        print_tables(found)
        print_scores(summary, output)
        if alarms is not None:
            print_alarms(summary["alarms"])
