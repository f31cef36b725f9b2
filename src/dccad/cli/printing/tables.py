"""Printing what was read and what a log holds, for people, within 80 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from dccad.cli.printing.console import PlainConsole, count_of

if TYPE_CHECKING:
    from dccad.tables.runs import TableSummary

MOST_TABLES = 8
"""Most tables that a terminal shows with their notes."""

MOST_SENSORS = 60
"""Most sensors that a terminal shows."""


def print_tables(summaries: Sequence[TableSummary]) -> None:
    """Show what was read and every decision that was taken about it."""
    told = []
    for summary in summaries:
        runs, sensors = count_of(len(summary.runs), "run"), count_of(len(summary.sensors), "sensor")
        interval = "" if summary.interval is None else f", a row every {_seconds(summary.interval)}"
        headline = f"{summary.source}: {summary.format}, {runs}, {summary.rows} rows, {sensors}"
        told.append((headline + interval, summary.notes))
    _say_tables(PlainConsole(), told)


def _say_tables(console: PlainConsole, told: Sequence[tuple[str, Sequence[str]]]) -> None:
    """A headline and the notes of each table."""
    for headline, notes in told[:MOST_TABLES]:
        console.say(headline)
        for note in notes:
            console.say(note, indent=2)
    if len(told) > MOST_TABLES:
        console.say(f"and {len(told) - MOST_TABLES} more tables")


def print_check(report: Mapping[str, Any]) -> None:
    """Show a log on one page: what it holds, how it was read, and its sensors."""
    console, runs = PlainConsole(), report["runs"]
    headline = "{source}: {format}, {rows} rows"
    _say_tables(console, [(headline.format(**table), table["notes"]) for table in report["tables"]])
    facts = {
        "rows": str(report["rows"]),
        "runs": f"{len(runs)}: "
        + ", ".join(f"{run['name']} ({run['rows']})" for run in runs[:4])
        + (" …" if len(runs) > 4 else ""),
    }
    stamped = [run for run in runs if run["start"] is not None]
    if stamped:
        facts["time"] = (
            f"{min(run['start'] for run in stamped)} to {max(run['end'] for run in stamped)}"
            if len({type(run["start"]) for run in stamped}) == 1
            else "of several kinds"
        )
    interval = report["interval"]
    none = "a single row" if stamped else "no time stamps"
    facts["interval"] = none if interval is None else _seconds(interval)
    facts["gaps"] = _gap_text(report["gaps"]) if report["gaps"] else "none"
    if report["labels"]:
        facts["labels"] = ", ".join(report["labels"])
    for key, title in (("stuck", "stuck"), ("nearly_empty", "nearly empty")):
        if report[key]:
            names = report[key]
            facts[title] = f"{len(names)}: {', '.join(names[:6])}{' …' if len(names) > 6 else ''}"
    window = report["suggested_window"]
    facts["window"] = f"{window} rows to start with" if window else "too few rows for a window"
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, value)
    console.print(table)
    console.print(_sensor_table(report["sensors"]))
    hidden = len(report["sensors"]) - MOST_SENSORS
    if hidden > 0:
        console.say(f"and {hidden} more sensors without a remark (--json has all)")


def _sensor_table(sensors: Sequence[Mapping[str, Any]]) -> Table:
    """Range of each sensor; those with a remark come first if not all can be shown."""
    shown = list(sensors)
    if len(shown) > MOST_SENSORS:
        remarked = [sensor for sensor in sensors if _remark(sensor)]
        plain = [sensor for sensor in sensors if not _remark(sensor)]
        shown = (remarked + plain)[:MOST_SENSORS]
    table = Table(box=None, pad_edge=False)
    table.add_column("sensor", max_width=24, overflow="ellipsis", no_wrap=True)
    has_units = any(sensor["unit"] for sensor in sensors)
    if has_units:
        table.add_column("unit", max_width=10, overflow="ellipsis", no_wrap=True)
    for name in ("min", "mean", "max", "missing"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("remark", no_wrap=True)
    for sensor in shown:
        cells = [
            "–" if sensor[key] is None else f"{sensor[key]:.5g}" for key in ("min", "mean", "max")
        ]
        missing = f"{sensor['missing']:.2%}" if sensor["missing"] else "–"
        unit = [sensor["unit"]] * has_units
        table.add_row(sensor["name"], *unit, *cells, missing, _remark(sensor))
    return table


def _remark(sensor: Mapping[str, Any]) -> str:
    remarks = {
        "empty": sensor["min"] is None,
        "nearly empty": sensor["nearly_empty"] and sensor["min"] is not None,
        "stuck": sensor["stuck"],
        "infinite": sensor["infinite"] > 0,
    }
    return ", ".join(name for name, holds in remarks.items() if holds)


def _gap_text(gaps: Sequence[Mapping[str, Any]]) -> str:
    longest = max(gaps, key=lambda gap: gap["seconds"])
    return (
        f"{count_of(len(gaps), 'gap')}, the longest of {_seconds(longest['seconds'])} "
        f"from {longest['start']} to {longest['end']} (run {longest['run']})"
    )


def _seconds(seconds: float) -> str:
    """A length of time in its largest fitting unit.

    Examples
    --------
    >>> _seconds(180.0), _seconds(0.01), _seconds(5400.0), _seconds(172800.0)
    ('3 min', '0.01 s', '1.5 h', '2 d')
    """
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.4g} {unit}"
    return f"{seconds:.4g} s"
