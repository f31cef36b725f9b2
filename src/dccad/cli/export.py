"""The command ``dccad export``: a model as one file for other runtimes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dccad.cli.options import JsonOption, ModelArgument, check_output


def export(
    model: ModelArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="ONNX file to write.")
    ],
    json: JsonOption = False,
) -> None:
    """Write a model as one ONNX file.

    Rows in plant units go in; scores, flags and regions come out. dccad score takes the file
    instead of the model folder, even where torch is not installed. This command needs the extra
    "onnx".
    """
    from dccad.cli.printing.as_json import print_json
    from dccad.cli.printing.model import print_export
    from dccad.support.extras import require

    check_output(output, (".onnx",))
    require("onnx", extra="onnx")
    from dccad.detector import load
    from dccad.onnx import export_onnx

    record = export_onnx(load(model, device="cpu"), output)
    described = {**record, "file": str(output), "bytes": output.stat().st_size}
    print_json(described) if json else print_export(described)
