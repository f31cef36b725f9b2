"""The command ``dccad benchmark``: an evaluation protocol and its table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dccad.cli.options import (
    JobsOption,
    JsonOption,
    SettingsOption,
    check_choice,
    check_output,
    count_processes,
    read_settings,
)
from dccad.evaluation import names

*_PROTOCOLS, _LAST = names.PROTOCOLS

METHOD_HELP = (
    f"One of {', '.join(names.DETECTORS)}; ablations: {', '.join(names.ABLATIONS)}; partitions: "
    f"{', '.join(names.PARTITIONS)}; monitors: most of these and {', '.join(names.MONITORS)}; "
    f"monitors that train long: {', '.join(names.SLOW_MONITORS)}. Each also at another window, as "
    "lw-mean@10. all: every one of the protocol but the ablations (repeatable); default: all but "
    "the ablations and those that train long."
)


def benchmark(
    protocol: Annotated[
        str,
        typer.Argument(
            metavar="PROTOCOL",
            help=f"{', '.join(_PROTOCOLS)} or {_LAST}.",
        ),
    ],
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="The data; default: the embedded or the simulated set (skab needs a folder; "
            "tep-many comes from dccad data get).",
        ),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METHOD",
            help=METHOD_HELP,
        ),
    ] = None,
    seed: Annotated[
        list[int] | None,
        typer.Option(metavar="N", help="Random seed (repeatable); default: 0 to 4."),
    ] = None,
    settings: SettingsOption = None,
    jobs: JobsOption = 0,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="JSON file to write."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Run an evaluation protocol and print its table."""
    from dccad.cli.printing.as_json import print_json, to_json
    from dccad.cli.printing.benchmark import print_benchmark
    from dccad.detector import DCCA
    from dccad.evaluation.benchmark import run_benchmark
    from dccad.evaluation.methods import METHODS, split_name
    from dccad.evaluation.registry import PROTOCOLS, check_protocol
    from dccad.parameters import check_parameters
    from dccad.support.files import replace_files
    from dccad.support.progress import progress_bar

    check_choice("protocol", protocol, PROTOCOLS)
    plan, seeds = PROTOCOLS[protocol], seed or [0, 1, 2, 3, 4]
    for name in method or ():
        check_choice("method", split_name(name)[0], [*METHODS, "all"])
    slow = "all" in (method or ())
    methods = plan.methods(slow) if slow or not method else list(dict.fromkeys(method))
    check_protocol(protocol, methods, {})
    decided = dict.fromkeys(("n_clusters", "prepare", *plan.settings), "the protocol")
    given = read_settings(settings, fixed={**decided, "random_state": "--seed"})
    for number in seeds:
        check_parameters(DCCA(random_state=number, **given).get_params())
    processes = count_processes(jobs)
    if output is not None:
        check_output(output)
    dataset = plan.load(data)
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
