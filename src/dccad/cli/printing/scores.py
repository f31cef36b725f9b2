"""Print results for people, within 80 columns, and as JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from dccad.cli.printing.console import PlainConsole
from dccad.errors import ModelFileError

MOST_EPISODES = 10
"""Episodes that a terminal shows; the file has every row and ``--json`` every episode."""

INFO_ROWS = 1000
"""New rows that the interval for the realised false-alarm rate is told for by ``info``."""


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


def print_export(record: Mapping[str, Any]) -> None:
    """Show what an exported file takes and gives."""
    console, window = PlainConsole(), record["window"]
    console.say(f"{record['file']}: {record['bytes'] / 1000:.0f} kB")
    console.say(f"in:  rows (batch, n_rows, {record['n_sensors']}), float64, in plant units", 2)
    console.say(f"out: score, flag, region (batch, n_rows - {window - 1})", 2)
    console.say(f"threshold {record['threshold']:.3f}", 2)


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
        **_sample_row(record),
        **{
            state["name"]: f"{state['share']:.1%} of the rows, {_count(state['n_episodes'])}: "
            f"{state['reason']}"
            for state in report["states"]
        },
        "score": f"{record['statistics']['kind']}: {', '.join(record['score_scale']['names'])}",
        "threshold": f"{record['threshold']:.3f}, for a false-alarm rate of "
        f"{parameters['false_alarm_rate']:g}, from {record['n_calibration_windows']} windows",
        "false alarms": _describe_promise(
            _promise_of(record["calibration"], parameters["false_alarm_rate"])
        ),
        "data digest": record["data_digest"][:16],
        "seed": str(record["seed"]),
        "versions": ", ".join(f"{name} {v}" for name, v in record["versions"].items()),
    }


def _sample_row(record: Mapping[str, Any]) -> dict[str, str]:
    """How much of a log that was read in pieces the fit has seen; nothing for one in memory."""
    sample = record.get("sample")
    if sample is None:
        return {}
    text = f"{sample['drawn']} of {sample['windows']} windows; scaling: all {sample['rows']} rows"
    return {"drawn": text}


def _promise_of(calibration: Mapping[str, Any], rate: float) -> dict[str, Any]:
    """What the rate means for ``INFO_ROWS`` new rows, from the calibration's record."""
    from dccad.calibration.conformal import ConformalCalibration
    from dccad.calibration.predictive import Calibration
    from dccad.results.table import promised_rate

    numbers = {name: value for name, value in calibration.items() if name != "kind"}
    known: Calibration | ConformalCalibration = ConformalCalibration(())
    if calibration["kind"] == "predictive":
        known = Calibration.from_dict(numbers)
    return promised_rate(known, rate, INFO_ROWS)


def _describe_promise(promise: Mapping[str, Any]) -> str:
    """The promised false-alarm rate and how sure it is, in plain words.

    Examples
    --------
    >>> _describe_promise({"rate": 0.01, "rows": 500, "lower": 0.0, "upper": 0.04, "level": 0.9})
    '1% of new normal rows on average; of 500 in a row, 0.0% to 4.0% in 90 of 100 cases'
    """
    asked = f"{promise['rate'] * 100:.3g}% of new normal rows on average"
    if promise["lower"] is None:
        return (
            f"{asked}, as if rows were independent of one another; how far it may be off is not "
            "known without calibration='cross-fitted'"
        )
    return (
        f"{asked}; of {promise['rows']} in a row, {promise['lower']:.1%} to "
        f"{promise['upper']:.1%} in {promise['level'] * 100:.0f} of 100 cases"
    )


def _count(number: int, what: str = "episode") -> str:
    return f"{number} {what}{'s' * (number != 1)}"


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
    if summary.get("promise"):
        console.say(f"false alarms: {_describe_promise(summary['promise'])}")
    console.print(f"written to {path}", highlight=False, soft_wrap=True)  # a path stays whole
    if summary.get("states"):
        console.print(_state_table(summary["states"]))
    episodes = sorted(summary["episodes"], key=lambda episode: -episode["rows"])[:MOST_EPISODES]
    if not episodes:
        return
    has_time = "start" in episodes[0]
    count = summary.get("n_episodes", len(summary["episodes"]))
    title = f"{count} flagged stretch{'es' * (count > 1)}, the longest first"
    if count > len(episodes):
        title = f"{len(episodes)} longest of {count} flagged stretches"
    console.print(title, style="italic", highlight=False)
    table = _stretch_table(("start",) * has_time)
    for episode in episodes:
        _add_stretch(table, episode, ("start",) * has_time)
    console.print(table)


def _state_table(states: Sequence[Mapping[str, Any]]) -> Table:
    """Share of each state, its episodes and the longest of them."""
    longest = [max(s["episodes"], key=lambda e: e["rows"], default=None) for s in states]
    has_time = any(episode and "start" in episode for episode in longest)
    table = Table(box=None, pad_edge=False)
    for name in ("state", "share", "episodes", "longest", "of run", "from row"):
        table.add_column(name, justify="left" if name in ("state", "of run") else "right")
    if has_time:
        table.add_column("start")
    for state, episode in zip(states, longest, strict=True):
        cells = [state["name"], f"{state['share']:.1%}", str(state["n_episodes"])]
        if episode is not None:
            rows = f"{episode['rows']} row{'s' * (episode['rows'] != 1)}"
            cells += [rows, episode["run"], str(episode["first_row"]), episode.get("start", "")]
        table.add_row(*cells[: 6 + has_time])
    return table


def print_alarms(report: Mapping[str, Any]) -> None:
    """Show how many alarms there are and when, and how many of them to expect by chance.

    Parameters
    ----------
    report : mapping
        :meth:`dccad.alarms.report.AlarmReport.to_dict`.
    """
    console, alarms, rate = PlainConsole(), report["alarms"], report["false_alarms"]
    console.say(
        f"{_count(len(alarms), 'alarm')} ({report['pattern']}, above {report['rule']['limit']:.3f})"
    )
    if rate is None:
        console.say(
            "false alarms to expect: not known without calibration='cross-fitted', because rows "
            "are not independent of one another",
            indent=2,
        )
    else:
        console.say(
            f"false alarms to expect: {rate['expected']:.2g} {rate['unit']} ({rate['lower']:.2g} "
            f"to {rate['upper']:.2g} in 90 of 100 cases), "
            f"{report['false_alarms_expected']:.2g} in a log as long as this",
            indent=2,
        )
    if not alarms:
        return
    stamps = tuple(name for name in ("start", "end") if name in alarms[0])
    if len(alarms) > MOST_EPISODES:
        console.print(f"the first {MOST_EPISODES}", style="italic", highlight=False)
    table = _stretch_table(stamps)
    for alarm in alarms[:MOST_EPISODES]:
        _add_stretch(table, alarm, stamps)
    console.print(table)


def _stretch_table(stamps: tuple[str, ...]) -> Table:
    table = Table(box=None, pad_edge=False)  # a title of its own would wrap at the table's width
    for name in ("run", "rows", "from", "to", "peak"):
        table.add_column(name, justify="left" if name == "run" else "right")
    for name in stamps:
        table.add_column(name, no_wrap=True)
    return table


def _add_stretch(table: Table, stretch: Mapping[str, Any], stamps: tuple[str, ...]) -> None:
    cells = [stretch[name] for name in ("run", "rows", "first_row", "last_row")]
    table.add_row(
        *map(str, cells), f"{stretch['peak']:.2f}", *(str(stretch[name]) for name in stamps)
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
