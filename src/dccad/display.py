"""Print results for people, within 80 columns, and as JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from dccad.console import PlainConsole
from dccad.errors import ModelFileError

MOST_EPISODES = 10
"""Episodes that a terminal shows; the file has every row and ``--json`` every episode."""


def to_json(document: Any) -> str:
    r"""One JSON document in ASCII; NaN becomes null, numpy numbers become numbers.

    Examples
    --------
    >>> to_json({"a": float("nan"), "b": np.float32(0.5)})
    '{"a": null, "b": 0.5}\n'
    """
    return json.dumps(_plain(document), allow_nan=False) + "\n"


def print_json(document: Any) -> None:
    """Print one JSON document on standard output and nothing else."""
    print(to_json(document), end="")  # noqa: T201  # unwrapped, for machines


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


def _model_rows(record: Mapping[str, Any], path: Path) -> dict[str, str]:
    report, parameters = record["regions_of_fit"], record["parameters"]
    columns, history = record["columns"], record["history"]
    return {
        "model": str(path),
        "sensors": f"{len(columns)}: {', '.join(columns[:4])}{', …' if len(columns) > 4 else ''}",
        "window": f"{parameters['window']} rows; the first {parameters['window'] - 1} rows of a "
        "run have no score",
        "network": _describe_network(record["network"], record["representation"]),
        "training": f"{len(history)} epochs, L_R {history[-1]['reconstruction_loss']:.3g}"
        + (f", L_C {loss:.3g}" if (loss := history[-1]["clustering_loss"]) is not None else "")
        if history
        else "none",
        **_conditioning_rows(record),
        "regions": ", ".join(
            f"{'normal' if region == 0 else f'region {region}'} {share:.1%}"
            for region, share in enumerate(report["share"])
        ),
        "normal region": report["rule"],
        "score": f"{record['statistics']['kind']}: {', '.join(record['score_scale']['names'])}",
        "threshold": f"{record['threshold']:.3f}, for a false-alarm rate of "
        f"{parameters['false_alarm_rate']:g}, from {record['n_calibration_windows']} windows",
        "data digest": record["data_digest"][:16],
        "seed": str(record["seed"]),
        "versions": ", ".join(f"{name} {v}" for name, v in record["versions"].items()),
    }


def _describe_network(shape: Mapping[str, Any], seen: Mapping[str, Any]) -> str:
    if shape["kind"] == "dense":
        maps, positions = shape["n_maps"], shape["map_length"]
        return f"dense, {maps} activation maps, each of {positions} positions"
    return (
        f"depthwise, {shape['kernels_per_direction']} kernels on each of {shape['n_directions']} "
        f"directions ({seen['kind']}), {shape['n_maps']} pooled maps"
    )


def _conditioning_rows(record: Mapping[str, Any]) -> dict[str, str]:
    """What was done to the log before it was windowed, where anything was."""
    rows = {}
    steps, filled, reading = (
        record["parameters"]["prepare"],
        record["filled_share"],
        record["reading"],
    )
    if reading:
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


def print_scores(summary: Mapping[str, Any], path: Path) -> None:
    """Show counts and the longest flagged stretches of a scored log."""
    console = PlainConsole()
    console.print(
        f"{summary['rows']} rows, {summary['scored']} with a score, {summary['flagged']} flagged "
        f"({summary['share_flagged']:.2%}) above {summary['threshold']:.3f}",
        highlight=False,
    )
    if summary.get("missing_cells"):
        console.say(f"{summary['missing_cells']} missing cells, taken as the model's fit took them")
    console.print(f"written to {path}", highlight=False, soft_wrap=True)  # a path stays whole
    episodes = sorted(summary["episodes"], key=lambda episode: -episode["rows"])[:MOST_EPISODES]
    if not episodes:
        return
    has_time = "start" in episodes[0]
    count = len(summary["episodes"])
    title = f"{count} flagged stretch{'es' * (count > 1)}, the longest first"
    if count > len(episodes):
        title = f"{len(episodes)} longest of {count} flagged stretches"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in ("run", "rows", "first row", "last row", "peak score", *(["start"] * has_time)):
        table.add_column(name, justify="left" if name in ("run", "start") else "right")
    for e in episodes:
        cells = [e["run"], e["rows"], e["first_row"], e["last_row"], f"{e['peak']:.2f}"]
        table.add_row(*map(str, cells), *([e["start"]] if has_time else []))
    console.print(table)


def print_demo(metrics: Mapping[str, Any], folder: Path) -> None:
    """Show what the demo found per fault, and where its files are."""
    console = PlainConsole()
    table = Table(
        title=f"Test runs of {metrics['dataset']}: one fault each, from hour 8 on",
        title_justify="left",
        padding=(0, 1, 0, 0),
        box=None,
        pad_edge=False,
    )
    table.add_column("fault", max_width=33)
    names = ("partition\nROC-AUC", "anomalous\nregion", "monitor\nROC-AUC", "false\nalarms")
    for name in (*names, "detected"):
        table.add_column(name, justify="right", no_wrap=True, min_width=7)
    for row in metrics["per_fault"]:
        partition, monitor = row["partition"], row["monitor"]
        table.add_row(
            f"{row['fault']} {row['description']}",
            _number(partition["roc_auc"]),
            _share(partition["anomalous_region_after"]),
            _number(monitor["roc_auc"]),
            _share(monitor["flagged_before"]),
            _share(monitor["flagged_after"]),
        )
    console.print(table)
    partition, monitor = metrics["partition"], metrics["monitor"]
    figures = partition["figures"]
    console.print(
        f"\nPartition: fitted on all training runs, unlabelled, in {partition['fit_seconds']:.0f} "
        f"s; all test rows: ACC {figures['acc']:.3f}, NMI {figures['nmi']:.3f}, ARI "
        f"{figures['ari']:.3f}, ROC-AUC {partition['roc_auc']:.3f}.\n"
        f"Monitor: fitted on the fault-free training run alone in {monitor['fit_seconds']:.0f} s; "
        f"all test rows: ROC-AUC {monitor['roc_auc']:.3f}; asked for "
        f"{monitor['false_alarm_rate']:.0%} false alarms, got "
        f"{monitor['realised_false_alarm_rate']:.1%}.\n"
        f"Models, scores, metrics and figures are in {folder}.",
        highlight=False,
    )


def print_dataset(described: Mapping[str, Any]) -> None:
    """Show the runs of a data set."""
    splits = [run["split"] for run in described["runs"]]
    console = PlainConsole()
    console.print(
        f"{described['name']}: {splits.count('train')} training and {splits.count('test')} test "
        "runs (fault 0: none)",
        highlight=False,
    )
    table = Table(box=None, pad_edge=False)
    _add_records(table, described["runs"], ("run", "split", "fault", "rows", "sensors", "onset"))
    console.print(table)


def print_simulated(records: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Show the runs that were simulated, and which ended in a plant shutdown."""
    console = PlainConsole()
    table = Table(box=None, pad_edge=False)
    names = ("name", "split", "fault", "rows", "onset", "seed", "shutdown_hours")
    _add_records(table, records, names)
    console.print(table)
    console.print(f"written to {path}.parquet and {path}.json", highlight=False, soft_wrap=True)


def _add_records(table: Table, records: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    for name in names:
        is_text = bool(records) and isinstance(records[0][name], str)
        table.add_column(name.replace("_", " "), justify="left" if is_text else "right")
    for record in records:
        table.add_row(*("–" if record[name] is None else str(record[name]) for name in names))


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
