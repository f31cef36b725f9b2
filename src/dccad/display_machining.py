"""Print what the machining demonstration found, for people, within 80 columns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from dccad.console import PlainConsole, percent, three_digits


def print_machining_demo(metrics: Mapping[str, Any], folder: Path) -> None:
    """Show what the demo found per kind of anomaly, and where its files are."""
    console = PlainConsole()
    table = Table(
        title="Test part of the simulated machine (synthetic)",
        title_justify="left",
        padding=(0, 1, 0, 0),
        box=None,
        pad_edge=False,
    )
    table.add_column("kind")
    for name in ("rows", "partition\nROC-AUC", "anomalous\nregion", "monitor\nROC-AUC", "flagged"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in metrics["per_kind"]:
        partition, monitor = row["partition"], row["monitor"]
        table.add_row(
            row["kind"],
            str(row["scored_rows"]),
            three_digits(partition["roc_auc"]),
            percent(partition["anomalous_region"]),
            three_digits(monitor["roc_auc"]),
            percent(monitor["flagged"]),
        )
    console.print(table)
    partition, monitor = metrics["partition"], metrics["monitor"]
    console.print()
    console.say(
        f"Partition: fitted on the training part, unlabelled, in {partition['fit_seconds']:.0f} s; "
        f"all test rows: ROC-AUC {partition['roc_auc']:.3f}."
    )
    console.say(
        f"Monitor: fitted on the normal runs of the training part in {monitor['fit_seconds']:.0f} "
        f"s; all test rows: ROC-AUC {monitor['roc_auc']:.3f}; asked for "
        f"{monitor['false_alarm_rate']:.0%} false alarms, got "
        f"{monitor['realised_false_alarm_rate']:.1%}."
    )
    console.say(f"Workbooks, models, scores, metrics and figures are in {folder}.")
