"""Print what the demonstrations found, for people, within 80 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from dccad.cli.printing.console import PlainConsole, percent, three_digits

COLUMNS = ("partition\nROC-AUC", "anomalous\nregion", "monitor\nROC-AUC")


def print_demo(metrics: Mapping[str, Any], folder: Path) -> None:
    """Show what the demo found per fault, and where its files are."""
    console = PlainConsole()
    title = f"Test runs of {metrics['dataset']}: one fault each, from hour 8 on"
    table = _start_table(title, "fault", (*COLUMNS, "false\nalarms", "detected"))
    for row in metrics["per_fault"]:
        partition, monitor = row["partition"], row["monitor"]
        table.add_row(
            f"{row['fault']} {row['description']}",
            three_digits(partition["roc_auc"]),
            percent(partition["anomalous_region_after"]),
            three_digits(monitor["roc_auc"]),
            percent(monitor["flagged_before"]),
            percent(monitor["flagged_after"]),
        )
    console.print(table, "")
    partition = metrics["partition"]
    figures = partition["figures"]
    console.say(
        "Partition: fitted on all training runs, unlabelled, in "
        f"{partition['fit_seconds']:.0f} s; {_name_states(partition['states'])}. All test rows, "
        f"normal or anomalous: ACC {figures['acc']:.3f}, NMI {figures['nmi']:.3f}, ARI "
        f"{figures['ari']:.3f}, ROC-AUC {partition['roc_auc']:.3f}."
    )
    _say_monitor(console, "the fault-free training run alone", metrics["monitor"])
    console.say(f"Models, scores, metrics and figures are in {folder}.")


def print_machining_demo(metrics: Mapping[str, Any], folder: Path) -> None:
    """Show what the demo found per kind of anomaly, and where its files are."""
    console = PlainConsole()
    table = _start_table(
        "Test part of the simulated machine (synthetic)", "kind", ("rows", *COLUMNS, "flagged")
    )
    for row in metrics["per_kind"]:
        partition, monitor = row["partition"], row["monitor"]
        table.add_row(
            row["kind"],
            str(row["rows"]),
            three_digits(partition["roc_auc"]),
            percent(partition["anomalous_region"]),
            three_digits(monitor["roc_auc"]),
            percent(monitor["flagged"]),
        )
    console.print(table, "")
    partition = metrics["partition"]
    console.say(
        f"Partition: fitted on the training part, unlabelled, in {partition['fit_seconds']:.0f} s; "
        f"all test rows: ROC-AUC {partition['roc_auc']:.3f}."
    )
    _say_monitor(console, "the normal runs of the training part", metrics["monitor"])
    console.say(f"Workbooks, models, scores, metrics and figures are in {folder}.")


def _start_table(title: str, first: str, names: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", padding=(0, 1, 0, 0), box=None, pad_edge=False)
    table.add_column(first, max_width=33)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True, min_width=7)
    return table


def _say_monitor(console: PlainConsole, rows: str, monitor: Mapping[str, Any]) -> None:
    console.say(
        f"Monitor: fitted on {rows} in {monitor['fit_seconds']:.0f} s; all test rows: ROC-AUC "
        f"{monitor['roc_auc']:.3f}; asked for {monitor['false_alarm_rate']:.0%} false alarms, got "
        f"{monitor['realised_false_alarm_rate']:.1%}."
    )


def _name_states(states: Sequence[Mapping[str, Any]]) -> str:
    """States and their shares in a few words.

    Examples
    --------
    >>> shares = {"normal": 0.5, "normal 2": 0.3, "anomalous 1": 0.15, "anomalous 2": 0.05}
    >>> _name_states([{"name": name, "share": share} for name, share in shares.items()])
    '4 states: normal 50%, normal 2 30%, anomalous 1 15%, anomalous 2 5%'
    """
    return f"{len(states)} state{'s' * (len(states) != 1)}: " + ", ".join(
        f"{state['name']} {state['share']:.0%}" for state in states
    )
