"""Printing what a model is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from dccad.cli.printing.console import PlainConsole, count_of, describe_promise
from dccad.errors import ModelFileError

INFO_ROWS = 1000
"""Number of new rows for which ``info`` tells the interval of the false-alarm rate."""


def print_model(record: Mapping[str, Any], path: Path) -> None:
    """Show what a model folder holds.

    Raises
    ------
    ModelFileError
        The record lacks what every model has.
    """
    try:
        rows = _model_rows(record, path)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(
            f"{path} is not a complete dccad model ({error}); fit it again or restore a backup"
        ) from error
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, value)
    PlainConsole().print(table)


def print_export(record: Mapping[str, Any]) -> None:
    """Show what an exported file takes and gives."""
    console, window = PlainConsole(), record["window"]
    console.say(f"{record['file']}: {record['bytes'] / 1000:.0f} kB")
    console.say(f"in:  rows (batch, n_rows, {record['n_sensors']}), float64, in plant units", 2)
    console.say(f"out: score, flag, region (batch, n_rows - {window - 1})", 2)
    console.say(f"threshold {record['threshold']:.3f}", 2)


def _model_rows(record: Mapping[str, Any], path: Path) -> dict[str, str]:
    report, parameters = record["regions_of_fit"], record["parameters"]
    columns = record["columns"]
    return {
        "model": str(path),
        "sensors": f"{len(columns)}: {', '.join(columns[:4])}{', …' if len(columns) > 4 else ''}",
        "window": f"{parameters['window']} rows; the first {parameters['window'] - 1} rows of a "
        "run have no score",
        "network": _describe_network(record["network"], record["representation"]),
        "training": _describe_training(record["history"]),
        **_conditioning_rows(record),
        **_sample_row(record),
        **{
            state["name"]: f"{state['share']:.1%} of the rows, {count_of(state['n_episodes'])}: "
            f"{state['reason']}"
            for state in report["states"]
        },
        "score": f"{record['statistics']['kind']}: {', '.join(record['score_scale']['names'])}",
        "threshold": f"{record['threshold']:.3f}, for a false-alarm rate of "
        f"{parameters['false_alarm_rate']:g}, from {record['n_calibration_windows']} windows",
        "false alarms": describe_promise(_promise_of(record)),
        "data digest": record["data_digest"][:16],
        "seed": str(record["seed"]),
        "versions": ", ".join(f"{name} {v}" for name, v in record["versions"].items()),
    }


def _describe_training(history: Sequence[Mapping[str, Any]]) -> str:
    """Number of epochs, and the losses of the last one."""
    if not history:
        return "none"
    text = f"{count_of(len(history), 'epoch')}, L_R {history[-1]['reconstruction_loss']:.3g}"
    loss = history[-1]["clustering_loss"]
    return text if loss is None else f"{text}, L_C {loss:.3g}"


def _sample_row(record: Mapping[str, Any]) -> dict[str, str]:
    """What the fit drew from a log that was read in pieces; empty for a log in memory."""
    sample = record.get("sample")
    if sample is None:
        return {}
    text = f"{sample['drawn']} of {sample['windows']} windows; scaling: all {sample['rows']} rows"
    return {"drawn": text}


def _promise_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the false-alarm rate of a model means for ``INFO_ROWS`` new rows."""
    from dccad.calibration.kinds import calibration_from_record
    from dccad.results.table import promised_rate

    calibration, rate = record["calibration"], record["parameters"]["false_alarm_rate"]
    scores = (
        {"scores": ()} if calibration["kind"] == "conformal" else {}
    )  # they are with the weights
    return promised_rate(calibration_from_record({**calibration, **scores}), rate, INFO_ROWS)


def _describe_network(shape: Mapping[str, Any], seen: Mapping[str, Any]) -> str:
    if shape["kind"] == "dense":
        maps, positions = shape["n_maps"], shape["map_length"]
        return f"dense, {maps} activation maps, each of {positions} positions"
    return (
        f"depthwise, {shape['kernels_per_direction']} kernels on each of {shape['n_directions']} "
        f"directions ({seen['kind']}), {shape['n_maps']} pooled maps"
    )


def _conditioning_rows(record: Mapping[str, Any]) -> dict[str, str]:
    """What was done to the log before it was cut into windows; empty if nothing was."""
    rows = {}
    steps, filled = record["parameters"]["prepare"], record["filled_share"]
    if reading := record["reading"]:
        rows["read with"] = ", ".join(
            f"{name} {', '.join(value) if isinstance(value, list) else value}"
            for name, value in reading.items()
        )
    if steps:
        rows["prepared by"] = ", ".join(steps)
    if record["left_out_share"]:
        rows["left out"] = f"{record['left_out_share']:.2%} of the rows"
    if filled:
        most = sorted(filled.items(), key=lambda item: -item[1])
        rows["filled"] = (
            f"{record['parameters']['on_missing']}: cells of {len(filled)} of "
            f"{len(record['columns'])} sensors, most in {most[0][0]} ({most[0][1]:.2%})"
        )
    return rows
