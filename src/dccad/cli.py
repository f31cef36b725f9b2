"""The command line: parse, call, print. Everything heavy is imported inside the commands."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="dccad",
    help="Find anomalies in unlabelled industrial sensor logs (deep convolutional clustering "
    "autoencoder).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
data_app = typer.Typer(help="Show and simulate benchmark data.", no_args_is_help=True)
app.add_typer(data_app, name="data")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Log = Annotated[
    list[Path], typer.Argument(metavar="LOG...", help="CSV or Parquet, one row a step.")
]
Time = Annotated[str | None, typer.Option("--time", help="Column of time stamps.")]
RunColumn = Annotated[str | None, typer.Option("--run", help="Column that separates runs.")]
Drop = Annotated[list[str] | None, typer.Option("--drop", help="Column to leave out (repeat).")]


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"dccad {version_of('dccad')}")
        raise typer.Exit


@app.command(epilog="Example: dccad demo --output runs/demo")
def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")] = Path(
        "runs/demo"
    ),
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    json: Json = False,
) -> None:
    """Train without labels on the embedded Tennessee Eastman set; write model, scores, figures."""
    from dccad.demo import run_demo
    from dccad.display import print_demo, print_json

    metrics = run_demo(output, seed)
    print_json(metrics) if json else print_demo(metrics, output)


@app.command(epilog="Example: dccad fit week1.csv week2.csv --normal quiet.csv -o models/plant")
def fit(
    log: Log,
    output: Annotated[Path, typer.Option("--output", "-o", help="Model folder to write.")],
    normal: Annotated[
        list[Path] | None, typer.Option(help="Log of rows known to be normal (repeat).")
    ] = None,
    window: Annotated[int, typer.Option(help="Rows per window.")] = 30,
    n_clusters: Annotated[int, typer.Option("--clusters", help="Regions of the log.")] = 2,
    false_alarm_rate: Annotated[float, typer.Option(help="Share of normal rows to flag.")] = 0.01,
    on_missing: Annotated[str, typer.Option(help="NaN: 'error' or 'interpolate'.")] = "error",
    interpolate_limit: Annotated[int, typer.Option(help="Longest gap to fill, rows.")] = 5,
    max_gap: Annotated[
        float | None, typer.Option(help="Longest step of time within a run, seconds.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any other parameter of DCCA (repeat)."),
    ] = None,
    keep_latents: Annotated[bool, typer.Option(help="Store the training latents too.")] = False,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    time: Time = None,
    run: RunColumn = None,
    drop: Drop = None,
    json: Json = False,
) -> None:
    """Learn regions, scores and a threshold from an unlabelled log."""
    from dccad.detector import DCCA
    from dccad.display import print_json, print_model
    from dccad.parameters import parse_settings, refuse_unknown_settings
    from dccad.persistence import check_target, read_record

    check_target(output)
    given = parse_settings(settings or [])
    refuse_unknown_settings(given, DCCA().get_params())
    options: dict[str, Any] = {
        "window": window,
        "n_clusters": n_clusters,
        "false_alarm_rate": false_alarm_rate,
        "on_missing": on_missing,
        "interpolate_limit": interpolate_limit,
        "max_gap": max_gap,
        "keep_latents": keep_latents,
        "random_state": seed,
        "verbose": True,
    }
    detector = DCCA(**{**options, **given})
    reference = None if normal is None else _read(normal, time, run, drop)
    detector.fit(_read(log, time, run, drop), normal=reference)
    detector.save(output, include_latents=keep_latents)
    record = read_record(output)
    print_json(record) if json else print_model(record, output)


@app.command(epilog="Example: dccad score models/plant today.csv -o scores.parquet")
def score(
    model: Annotated[Path, typer.Argument(help="Model folder that fit wrote.")],
    log: Log,
    output: Annotated[Path, typer.Option("--output", "-o", help="CSV or Parquet to write.")],
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

    detector = load(model)
    table = score_table(detector, _read(log, time, run, drop))
    write_scores(output, table)
    summary = summarise_scores(table, detector.threshold_)
    print_json(summary) if json else print_scores(summary, output)


@app.command(epilog="Example: dccad info models/plant --json")
def info(
    model: Annotated[Path, typer.Argument(help="Model folder that fit wrote.")], json: Json = False
) -> None:
    """Show what a model was fitted on, its regions, threshold and settings."""
    from dccad.display import print_json, print_model
    from dccad.persistence import read_record

    record = read_record(model)
    print_json(record) if json else print_model(record, model)


@app.command(epilog="Example: dccad benchmark tep-pairs --data tep/ --seed 0 --output pairs.json")
def benchmark(
    protocol: Annotated[str, typer.Argument(help="tep-pooled or tep-pairs.")],
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of classic .dat files; default: the embedded simulated set."),
    ] = None,
    method: Annotated[
        list[str] | None, typer.Option(help="Method to run (repeat); default: all.")
    ] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Seed (repeat); default: 0 to 4.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Parameter of DCCA (repeat)."),
    ] = None,
    jobs: Annotated[int, typer.Option(help="Fits side by side; 0: one per core.")] = 0,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="JSON file to write.")
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
    from dccad.parameters import parse_settings, refuse_unknown_settings
    from dccad.progress import progress_bar

    methods, seeds = method or list(METHODS), seed or [0, 1, 2, 3, 4]
    given = parse_settings(settings or [])
    refuse_unknown_settings(given, DCCA().get_params())
    if output is not None and not output.resolve().parent.is_dir():
        raise typer.BadParameter(f"folder {output.parent} does not exist; create it first")
    dataset = load_tep_simulated() if data is None else load_tep(data)
    with progress_bar(protocol, 1) as advance:
        record = run_benchmark(
            protocol,
            dataset,
            methods=methods,
            seeds=seeds,
            settings=given,
            n_processes=jobs or os.cpu_count() or 1,
            report=advance,
        )
    if output is not None:
        replace_files({output: to_json(record).encode()})
    print_json(record) if json else print_benchmark(record)


@data_app.command("show", epilog="Example: dccad data show --data tep/")
def data_show(
    data: Annotated[
        Path | None, typer.Option(help="Folder of classic .dat files; default: embedded set.")
    ] = None,
    json: Json = False,
) -> None:
    """List the runs of the embedded or the classic Tennessee Eastman set."""
    from dccad.datasets import load_tep, load_tep_simulated
    from dccad.display import print_dataset, print_json
    from dccad.results import describe_dataset

    described = describe_dataset(load_tep_simulated() if data is None else load_tep(data))
    print_json(described) if json else print_dataset(described)


@data_app.command("simulate", epilog="Example: dccad data simulate sets/plant --fault 0 --fault 1")
def data_simulate(
    path: Annotated[Path, typer.Argument(help="Output without suffix: .parquet and .json follow.")],
    fault: Annotated[
        list[int] | None, typer.Option(help="Fault 0 to 28 (repeat); default: 0 to 20.")
    ] = None,
    train_hours: Annotated[float, typer.Option(help="Length of a training run.")] = 25.0,
    train_onset: Annotated[float, typer.Option(help="Hour at which its fault starts.")] = 1.0,
    test_hours: Annotated[float, typer.Option(help="Length of a test run.")] = 48.0,
    test_onset: Annotated[float, typer.Option(help="Hour at which its fault starts.")] = 8.0,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    jobs: Annotated[int, typer.Option(help="Simulations side by side; 0: one per core.")] = 0,
    json: Json = False,
) -> None:
    """Simulate a Tennessee Eastman set in closed loop (extra: simulate)."""
    from dccad.datasets.simulation import simulate_to
    from dccad.display import print_json, print_simulated
    from dccad.progress import progress_bar

    with progress_bar("simulating", 1) as advance:
        records = simulate_to(
            path,
            faults=fault if fault is not None else range(21),
            seed=seed,
            jobs=jobs or os.cpu_count() or 1,
            train_hours=train_hours,
            train_onset_hours=train_onset,
            test_hours=test_hours,
            test_onset_hours=test_onset,
            progress=lambda done, total, name: advance(done, name, total),
        )
    described = [vars(record) for record in records]
    print_json(described) if json else print_simulated(described, path)


def _read(
    paths: list[Path], time: str | None, run: str | None, drop: list[str] | None
) -> dict[str, Any]:
    """Runs of all files by name; two of one name are told apart by their file and a number."""
    from dccad.datasets.tables import read_table

    runs: dict[str, Any] = {}
    for path in paths:
        for found in read_table(path, time=time, run=run, drop=drop or ()):
            name, count = found.name, 2
            while name in runs:
                name, count = f"{found.name} ({count})", count + 1
            runs[name] = found
    return runs


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 2 bad usage or input, 1 the rest."""
    from dccad.progress import warnings_in_one_line

    try:
        with warnings_in_one_line():
            code = app(arguments, standalone_mode=False)
        return code if isinstance(code, int) else 0
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        hint = f" (see {context.command_path} --help)" if context is not None else ""
        return _fail(error.format_message().replace("\n", " ") + hint, 2)
    except typer.Abort:
        return _fail("stopped", 130)
    except KeyboardInterrupt:
        return _fail("stopped", 130)
    except BrokenPipeError:  # the reader of our output has gone, as in `| head`
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # keeps the exit handler quiet
        return 0
    except Exception as error:
        return _explain(error)


def _explain(error: Exception) -> int:
    from dccad.errors import DccadError

    if isinstance(error, DccadError):
        return _fail(str(error), 2)
    if isinstance(error, OSError):
        where = f" {error.filename}" if error.filename else ""
        return _fail(f"cannot read or write{where}: {error.strerror or error}", 2)
    if os.environ.get("DCCAD_DEBUG"):
        raise error
    first = str(error).splitlines()[0] if str(error) else "no message"
    return _fail(
        f"unexpected {type(error).__name__}: {first}; set DCCAD_DEBUG=1 for a traceback to report",
        1,
    )


def _fail(message: str, code: int) -> int:
    typer.echo(f"dccad: error: {message}", err=True)
    return code


def run() -> None:
    """Entry point of the ``dccad`` command."""
    sys.exit(main())
