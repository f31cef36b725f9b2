"""The command line: parse, call, print. Everything heavy is imported inside the commands."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer

from dccad.cli.benchmark import benchmark
from dccad.cli.data import data_app
from dccad.cli.errors import drop_broken_output, explain, explain_usage, fail
from dccad.cli.export import export
from dccad.cli.options import (
    Json,
    Log,
    Model,
    OptionalLog,
    Resume,
    Scorer,
    Seed,
    Settings,
    Stream,
    check_choice,
    check_output,
    command,
    load_scorer,
    read_logs,
    read_settings,
    remembered_options,
    scoring_options,
    takes_tables,
)
from dccad.tables.options import TableOptions

app = typer.Typer(
    name="dccad",
    help="Find anomalies in unlabelled industrial sensor logs (deep convolutional clustering "
    "autoencoder).",
    epilog="Example: dccad fit log.csv -o model (dccad COMMAND --help says more)",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: no option name is cut at 80 columns
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data_app, name="data")


@app.callback(invoke_without_command=True)
def _root(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"dccad {version_of('dccad')}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        ctx.fail("Missing command.")


@command(app, "demo", "dccad demo --output runs/demo")
def demo(
    world: Annotated[
        str,
        typer.Argument(
            metavar="[WORLD]",
            help="tep: the embedded chemical plant; machining: a simulated peeling machine.",
        ),
    ] = "tep",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Folder to write; default: runs/demo[-WORLD]."
        ),
    ] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Train on a simulated plant or machine, and judge the result.

    No label is used. Writes models, their scores, metrics and figures.
    """
    from dccad.cli.printing.demo import print_demo, print_machining_demo
    from dccad.cli.printing.scores import print_json

    check_choice("demo", world, ("tep", "machining"))
    folder = output or Path("runs/demo" if world == "tep" else f"runs/demo-{world}")
    if world == "machining":
        from dccad.demo.machining import run_machining_demo

        metrics = run_machining_demo(folder, seed)
        print_json(metrics) if json else print_machining_demo(metrics, folder)
        return
    from dccad.demo.tep import run_demo

    metrics = run_demo(folder, seed)
    print_json(metrics) if json else print_demo(metrics, folder)


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
    from dccad.cli.printing.scores import print_json, print_model
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
    from dccad.cli.printing.scores import print_alarms, print_json, print_scores
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


command(app, "fit", "dccad fit week1.csv week2.csv --normal quiet.csv -o models/plant")(fit)
command(app, "score", "dccad score models/plant today.csv -o scores.parquet")(score)
command(app, "export", "dccad export models/plant -o plant.onnx")(export)


@command(app, "info", "dccad info models/plant --json")
def info(model: Model, json: Json = False) -> None:
    """Show what a model was fitted on, its regions and threshold."""
    from dccad.cli.printing.scores import print_json, print_model
    from dccad.saving.folder import read_record

    record = read_record(model)
    print_json(record) if json else print_model(record, model)


command(app, "benchmark", "dccad benchmark tep-pairs --data tep/ --seed 0 -o pairs.json")(benchmark)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 2 bad usage or input, 1 the rest."""
    try:
        code = app(arguments, prog_name="dccad", standalone_mode=False)
        sys.stdout.flush()  # while a full disk can still be reported
    except (BrokenPipeError, SystemExit):  # the reader of our output has gone, as in `| head`
        drop_broken_output()
        return 0
    except typer.TyperException as error:
        return fail(explain_usage(error), 2)
    except (typer.Abort, KeyboardInterrupt):
        return fail("stopped", 130)
    except Exception as error:
        return explain(error)
    if code == 130:  # typer's answer to Ctrl-C
        return fail("stopped", 130)
    return code if isinstance(code, int) else 0


def run() -> None:
    """Entry point of the ``dccad`` command."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal that lacks a character gets \\u2026
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main())
