"""The command line: parse, call, print. Everything heavy is imported inside the commands."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import typer
from typer.core import TyperCommand

from dccad.cli_options import (
    check_choice,
    check_output,
    count_processes,
    read_logs,
    read_settings,
)

Function = TypeVar("Function", bound=Callable[..., Any])

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
data_app = typer.Typer(
    help="Show and simulate benchmark data.",
    epilog="Example: dccad data show",
    rich_markup_mode=None,
)
app.add_typer(data_app, name="data")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Log = Annotated[
    list[Path],
    typer.Argument(
        metavar="LOG", help="CSV or Parquet files: column names, then one row per time step."
    ),
]
Model = Annotated[Path, typer.Argument(metavar="MODEL", help="Model folder that fit wrote.")]
Time = Annotated[
    str | None,
    typer.Option(
        "--time", metavar="COLUMN", help="Column of times; default: the only column of dates."
    ),
]
RunColumn = Annotated[
    str | None,
    typer.Option("--run", metavar="COLUMN", help="Column whose values separate runs."),
]
Drop = Annotated[
    list[str] | None,
    typer.Option("--drop", metavar="COLUMN", help="Column to leave out (repeatable)."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Any other parameter of DCCA, as alpha=0.9 (repeatable).",
    ),
]
Seed = Annotated[int, typer.Option(metavar="N", help="Random seed.")]
Jobs = Annotated[int, typer.Option(metavar="N", help="Processes side by side; 0: one per core.")]


class _Command(TyperCommand):
    """A command whose warnings are one line each; its ``--help`` imports nothing for that."""

    def invoke(self, ctx: Any) -> Any:
        from dccad.progress import warnings_in_one_line

        with warnings_in_one_line():
            return super().invoke(ctx)


def _command(group: typer.Typer, name: str, example: str) -> Callable[[Function], Function]:
    return group.command(name, cls=_Command, epilog=f"Example: {example}")


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


@_command(app, "demo", "dccad demo --output runs/demo")
def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder to write.")
    ] = Path("runs/demo"),
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Train on the embedded Tennessee Eastman set, without labels.

    Writes two models, their scores, metrics and figures.
    """
    from dccad.demo import run_demo
    from dccad.display import print_demo, print_json

    metrics = run_demo(output, seed)
    print_json(metrics) if json else print_demo(metrics, output)


@_command(app, "fit", "dccad fit week1.csv week2.csv --normal quiet.csv -o models/plant")
def fit(
    log: Log,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Model folder to write.")
    ],
    normal: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Log of rows known to be normal (repeatable)."),
    ] = None,
    window: Annotated[int, typer.Option(metavar="ROWS", help="Rows per window.")] = 30,
    n_clusters: Annotated[
        int, typer.Option("--clusters", metavar="K", help="Regions to divide the log into.")
    ] = 2,
    false_alarm_rate: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of normal rows that may be flagged.")
    ] = 0.01,
    on_missing: Annotated[
        Literal["error", "interpolate"],
        typer.Option(help="Refuse blank cells and NaN, or fill short gaps."),
    ] = "error",
    fill_limit: Annotated[int, typer.Option(metavar="ROWS", help="Longest gap to fill.")] = 5,
    max_gap: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", help="Longest time between two rows; default: 1.5 x the median."
        ),
    ] = None,
    settings: Settings = None,
    keep_latents: Annotated[
        bool, typer.Option("--keep-latents", help="Store the latents of the training windows too.")
    ] = False,
    seed: Seed = 0,
    time: Time = None,
    run: RunColumn = None,
    drop: Drop = None,
    json: Json = False,
) -> None:
    """Learn regions, scores and a threshold from an unlabelled log."""
    from dccad.detector import DCCA
    from dccad.display import print_json, print_model
    from dccad.parameters import check_parameters
    from dccad.persistence import check_target, read_record

    check_target(output)
    options: dict[str, Any] = {
        "window": window,
        "n_clusters": n_clusters,
        "false_alarm_rate": false_alarm_rate,
        "on_missing": on_missing,
        "fill_limit": fill_limit,
        "max_gap": max_gap,
        "keep_latents": keep_latents,
        "random_state": seed,
        "verbose": True,
    }
    detector = DCCA(**{**options, **read_settings(settings)})
    check_parameters(detector.get_params())
    reference = None if normal is None else read_logs(normal, time, run, drop)
    detector.fit(read_logs(log, time, run, drop), normal=reference)
    detector.save(output, include_latents=detector.keep_latents)
    record = read_record(output)
    print_json(record) if json else print_model(record, output)


@_command(app, "score", "dccad score models/plant today.csv -o scores.parquet")
def score(
    model: Model,
    log: Log,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="Scores, as .csv or .parquet."),
    ],
    time: Time = None,
    run: RunColumn = None,
    drop: Drop = None,
    json: Json = False,
) -> None:
    """Give every row of a log its score, flag and region."""
    from dccad.datasets.tables import write_scores
    from dccad.display import print_json, print_scores
    from dccad.persistence import load
    from dccad.results import score_table, summarise_scores

    check_output(output, (".csv", ".parquet"), inputs=log)
    detector = load(model)
    table = score_table(detector, read_logs(log, time, run, drop))
    write_scores(output, table)
    summary = summarise_scores(table, detector.threshold_)
    print_json(summary) if json else print_scores(summary, output)


@_command(app, "info", "dccad info models/plant --json")
def info(model: Model, json: Json = False) -> None:
    """Show what a model was fitted on, its regions and threshold."""
    from dccad.display import print_json, print_model
    from dccad.persistence import read_record

    record = read_record(model)
    print_json(record) if json else print_model(record, model)


@_command(app, "benchmark", "dccad benchmark tep-pairs --data tep/ --seed 0 -o pairs.json")
def benchmark(
    protocol: Annotated[str, typer.Argument(metavar="PROTOCOL", help="tep-pooled or tep-pairs.")],
    data: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Classic .dat files; default: the embedded set."),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METHOD",
            help="Of dccad, dccad-no-split, autoencoder-kmeans, kmeans-windows (repeatable); "
            "default: all.",
        ),
    ] = None,
    seed: Annotated[
        list[int] | None,
        typer.Option(metavar="N", help="Random seed (repeatable); default: 0 to 4."),
    ] = None,
    settings: Settings = None,
    jobs: Jobs = 0,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="JSON file to write."),
    ] = None,
    json: Json = False,
) -> None:
    """Run an evaluation protocol and print its table."""
    from dccad.datasets import load_tep, load_tep_simulated
    from dccad.datasets.files import replace_files
    from dccad.detector import DCCA
    from dccad.display import print_benchmark, print_json, to_json
    from dccad.evaluation.benchmark import run_benchmark
    from dccad.evaluation.methods import METHODS
    from dccad.evaluation.protocols import PROTOCOLS
    from dccad.parameters import check_parameters
    from dccad.progress import progress_bar

    check_choice("protocol", protocol, PROTOCOLS)
    methods, seeds = method or list(METHODS), seed or [0, 1, 2, 3, 4]
    for name in methods:
        check_choice("method", name, METHODS)
    given = read_settings(settings, fixed={"n_clusters": "the protocol", "random_state": "--seed"})
    for number in seeds:
        check_parameters(DCCA(random_state=number, **given).get_params())
    processes = count_processes(jobs)
    if output is not None:
        check_output(output)
    dataset = load_tep_simulated() if data is None else load_tep(data)
    with progress_bar(protocol, 1) as advance:
        record = run_benchmark(
            protocol,
            dataset,
            methods=methods,
            seeds=seeds,
            settings=given,
            n_processes=processes,
            report=advance,
        )
    if output is not None:
        replace_files({output: to_json(record).encode()})
    print_json(record) if json else print_benchmark(record)


@_command(data_app, "show", "dccad data show --data tep/")
def data_show(
    data: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Classic .dat files; default: the embedded set."),
    ] = None,
    json: Json = False,
) -> None:
    """List the runs of the embedded or the classic set."""
    from dccad.datasets import load_tep, load_tep_simulated
    from dccad.display import print_dataset, print_json
    from dccad.results import describe_dataset

    described = describe_dataset(load_tep_simulated() if data is None else load_tep(data))
    print_json(described) if json else print_dataset(described)


@_command(data_app, "simulate", "dccad data simulate sets/plant --fault 0 --fault 1")
def data_simulate(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH", help="Without suffix: PATH.parquet and PATH.json are written."
        ),
    ],
    fault: Annotated[
        list[int] | None,
        typer.Option(metavar="N", help="Fault, 0 (none) to 28 (repeatable); default: 0 to 20."),
    ] = None,
    train_hours: Annotated[
        float, typer.Option(metavar="HOURS", help="Length of a training run.")
    ] = 25.0,
    train_onset: Annotated[
        float, typer.Option(metavar="HOUR", help="When its fault starts.")
    ] = 1.0,
    test_hours: Annotated[
        float, typer.Option(metavar="HOURS", help="Length of a test run.")
    ] = 48.0,
    test_onset: Annotated[float, typer.Option(metavar="HOUR", help="When its fault starts.")] = 8.0,
    warm_up: Annotated[
        float, typer.Option(metavar="HOURS", help="Simulated before each run, not recorded.")
    ] = 30.0,
    seed: Seed = 0,
    jobs: Jobs = 0,
    json: Json = False,
) -> None:
    """Simulate Tennessee Eastman runs (needs the extra "simulate")."""
    from dccad.datasets.simulation import simulate_to
    from dccad.display import print_json, print_simulated
    from dccad.progress import progress_bar

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


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 2 bad usage or input, 1 the rest."""
    try:
        code = app(arguments, prog_name="dccad", standalone_mode=False)
        sys.stdout.flush()  # while a full disk can still be reported
    except (BrokenPipeError, SystemExit):  # the reader of our output has gone, as in `| head`
        _drop_broken_output()
        return 0
    except typer.TyperException as error:
        return _fail(_explain_usage(error), 2)
    except (typer.Abort, KeyboardInterrupt):
        return _fail("stopped", 130)
    except Exception as error:
        return _explain(error)
    if code == 130:  # typer's answer to Ctrl-C
        return _fail("stopped", 130)
    return code if isinstance(code, int) else 0


def _explain_usage(error: Any) -> str:
    """What typer says of a wrong call: what came, what is needed, and where to read on."""
    context: Any = getattr(error, "ctx", None)
    message = str(error.format_message()).rstrip(".")
    cause = error.__cause__
    if hasattr(cause, "errors"):  # a value of the wrong type; typer's text leaves the value out
        found = cause.errors()[0]
        kind = found["type"].partition("_")[0]
        needed = {"int": "needed is a whole number", "float": "needed is a number"}
        reason = needed.get(kind, found["msg"].removeprefix("Value error, ").rstrip("."))
        message = f"{error.param.opts[0]} {found['input']!r}: {reason}"
    elif hasattr(error, "possibilities"):
        message = f"no such option {error.option_name}"
        if error.possibilities:
            message += f"; did you mean {' or '.join(error.possibilities)}?"
    elif message.startswith(("Missing command", "No such command")) and "?" not in message:
        message += f"; choose from {', '.join(context.command.commands)}"
    message = message[:1].lower() + message[1:]
    return message + (f" (see {context.command_path} --help)" if context is not None else "")


def _explain(error: Exception) -> int:
    from dccad.errors import DccadError

    if isinstance(error, DccadError):
        return _fail(str(error), 2)
    if isinstance(error, OSError):
        _drop_broken_output()
        reason = error.strerror or str(error)
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return _fail(f"cannot write the result: {reason}; free space or write elsewhere", 2)
        where = f" {error.filename}" if error.filename else ""
        return _fail(f"cannot read or write{where}: {reason}", 2)
    if os.environ.get("DCCAD_DEBUG"):
        raise error
    first = str(error).splitlines()[0] if str(error) else "no message"
    return _fail(
        f"unexpected {type(error).__name__}: {first}; set DCCAD_DEBUG=1 for a traceback to report",
        1,
    )


def _fail(message: str, code: int) -> int:
    typer.echo(f"dccad: error: {' '.join(message.splitlines())}", err=True)
    return code


def _drop_broken_output() -> None:
    """Keep the interpreter, as it exits, from writing to an output that takes no more."""
    try:
        sys.stdout.flush()
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # open until the process ends


def run() -> None:
    """Entry point of the ``dccad`` command."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal that lacks a character gets \\u2026
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main())
