"""The command line: parse, call, print. Everything heavy is imported inside the commands."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from dccad.cli.benchmark import benchmark
from dccad.cli.data import data_app
from dccad.cli.errors import drop_broken_output, explain, explain_usage, fail
from dccad.cli.export import export
from dccad.cli.fit import fit
from dccad.cli.options import JsonOption, ModelArgument, SeedOption, check_choice, command
from dccad.cli.score import score

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
            metavar="WORLD",
            help="tep is the embedded chemical plant, machining a simulated peeling machine.",
        ),
    ] = "tep",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Folder to write; runs/demo or runs/demo-machining by default.",
        ),
    ] = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Train on a simulated plant or machine, and judge the result.

    The training uses no label. Models, their scores, metrics and figures are written.
    """
    from dccad.cli.printing.as_json import print_json
    from dccad.cli.printing.demo import print_demo, print_machining_demo

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


command(app, "fit", "dccad fit week1.csv week2.csv --normal quiet.csv -o models/plant")(fit)
command(app, "score", "dccad score models/plant today.csv -o scores.parquet")(score)
command(app, "export", "dccad export models/plant -o plant.onnx")(export)


@command(app, "info", "dccad info models/plant --json")
def info(model: ModelArgument, json: JsonOption = False) -> None:
    """Show what a model was fitted on, its regions and its threshold."""
    from dccad.cli.printing.as_json import print_json
    from dccad.cli.printing.model import print_model
    from dccad.saving.folder import read_record

    record = read_record(model)
    print_json(record) if json else print_model(record, model)


command(app, "benchmark", "dccad benchmark tep-pairs --data tep/ --seed 0 -o pairs.json")(benchmark)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code is 0 if all is done, 2 for bad usage or input, else 1."""
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
