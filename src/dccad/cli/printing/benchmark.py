"""Print benchmark tables for people, within 80 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

from rich.table import Table

from dccad.cli.printing.console import PlainConsole
from dccad.evaluation.protocol import Column, Listing
from dccad.evaluation.record import at_best_window, ranked
from dccad.evaluation.registry import PROTOCOLS

METHOD_WIDTH = 14
"""Characters of a method's name on one line; seven figures with their spread stand beside it."""

BEST_WINDOW = (
    "name@window: of several windows the one with the best {figure} here,\n"
    "a choice in the baselines' favour; the record has them all."
)


def print_benchmark(record: Mapping[str, Any]) -> None:
    """Show the main figures of every method of a protocol, mean ± standard deviation."""
    console = PlainConsole()
    plan, seeds = PROTOCOLS[record["protocol"]], record["seeds"]
    console.say(
        f"{record['protocol']} on {record['dataset']}: in percent, "
        + (
            f"seed {seeds[0]}"
            if len(seeds) == 1
            else f"mean±standard deviation over seeds {', '.join(map(str, seeds))}"
        )
    )
    figure = plan.main_figure(record["results"])
    results = ranked(at_best_window(record["results"], figure), figure)
    for section in plan.table(results):
        columns = [column for column in section.columns if column.terminal]
        if columns:
            console.print(_figures(section.terminal, columns, results, len(seeds) > 1))
    for listing in plan.listings:
        if listing.terminal:
            _print_listing(console, listing, record["results"])
    if plan.footnote:
        console.print(plan.footnote, highlight=False)
    reference = [name for name, found in results.items() if found.get("fit_on") == "reference"]
    if reference:
        console.say(f"no use of the unlabelled rows: {', '.join(reference)}")
    if any("@" in method for method in results):
        console.print(BEST_WINDOW.format(figure=figure), highlight=False)
    for message, count in record["warnings"].items():
        console.say(f"{count} fits warned: {message}")


def _figures(
    title: str, columns: Sequence[Column], results: Mapping[str, Any], spread: bool
) -> Table:
    table = _empty_table(title, [column.terminal for column in columns])
    for method, found in results.items():
        if not any(column.figure in found for column in columns):
            continue  # it has no part in this table
        varies = spread and not found.get("deterministic")
        cells = (_cell(found.get(column.figure), varies, column.scale) for column in columns)
        table.add_row(fill(method, METHOD_WIDTH), *cells)  # it breaks names at hyphens
    return table


def _print_listing(console: PlainConsole, listing: Listing, results: Mapping[str, Any]) -> None:
    """A row for each method, and a column for each entry."""
    rows = {
        method: found[listing.key]
        for method, found in results.items()
        if listing.figure in found.get(listing.key, {})
    }
    if not rows:
        return
    entries = next(iter(rows.values()))[listing.label]
    table = _empty_table(listing.terminal, [fill(str(entry), 10) for entry in entries])
    for method, found in rows.items():
        table.add_row(fill(method, METHOD_WIDTH), *map(listing.cell, found[listing.figure]))
    console.print(table)


def _empty_table(title: str, headings: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", pad_edge=False, box=None, padding=(0, 1, 0, 0))
    table.add_column("method", no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _cell(figure: Mapping[str, Any] | None, spread: bool, scale: int) -> str:
    if figure is None or figure["mean"] is None:
        return "–"
    mean, deviation = scale * figure["mean"], scale * figure["std"]
    shown = f"{mean:.{1 if mean < 99.95 or not spread else 0}f}"
    return shown + (f"±{deviation:.{1 if deviation < 9.95 else 0}f}" if spread else "")
