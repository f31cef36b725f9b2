"""Printing scores and alarms for people, within 80 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from dccad.cli.printing.console import PlainConsole, count_of, describe_promise

MOST_EPISODES = 10
"""Most episodes or alarms that a terminal shows; ``--json`` has all of them."""


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
        console.say(f"false alarms: {describe_promise(summary['promise'])}")
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
    """Share of each state, number of its episodes, and the longest of these."""
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
    """Show the alarms of an :class:`dccad.alarms.report.AlarmReport`, and those due to chance."""
    console, alarms, rate = PlainConsole(), report["alarms"], report["false_alarms"]
    console.say(
        f"{count_of(len(alarms), 'alarm')} "
        f"({report['pattern']}, above {report['rule']['limit']:.3f})"
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
