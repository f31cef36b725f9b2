"""Print benchmark tables for people, within 80 columns."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill
from typing import Any

from rich.table import Table

from dccad.cli.printing.console import PlainConsole
from dccad.evaluation.record import at_best_window, main_figure, ranked

METHOD_WIDTH = 14
"""Characters of a method's name on one line; seven figures with their spread stand beside it."""

SECTIONS: dict[str, tuple[tuple[str, dict[str, str]], ...]] = {
    "tep-many": (
        (
            "monitor",
            {
                "AP": "average_precision",
                "AUC": "roc_auc",
                "F1\noracle*": "best_f1_oracle_threshold",
                "TPR": "tpr_calibrated",
                "FAR": "far_calibrated_1",
                "TPR at\n0.14 %": "tpr_at_fpr_0_14",
            },
        ),
        (
            "rows to detection, share of runs missed",
            {
                "delay": "delay_calibrated",
                "ADD": "add_calibrated",
                "missed": "missed_calibrated",
                "delay at\n0.14 %": "delay_at_fpr_0_14",
                "ADD at\n0.14 %": "add_at_fpr_0_14",
                "missed at\n0.14 %": "missed_at_fpr_0_14",
            },
        ),
        (
            "regions, K = 21",
            {"ACC": "acc_k21", "NMI": "nmi_k21", "ARI": "ari_k21"},
        ),
    ),
    "skab": (
        (
            "monitor",
            {
                "AUC": "roc_auc_per_file",
                "AUC\nvalve1": "roc_auc_valve1",
                "AUC\nvalve2": "roc_auc_valve2",
                "FAR": "far_calibrated_1",
                "MAR": "mar_calibrated_1",
                "F1": "f1",
            },
        ),
    ),
    "peeling": (
        (
            "partition",
            {
                "ACC": "acc",
                "NMI": "nmi",
                "ARI": "ari",
                "balanced": "balanced_acc",
                "FDR": "region_fdr",
                "FAR": "region_far",
            },
        ),
        (
            "monitor",
            {
                "AUC": "roc_auc",
                "AP": "average_precision",
                "FAR": "far_calibrated_1",
                "FDR": "fdr_calibrated_1",
                "events": "events_detected",
            },
        ),
    ),
}
"""Tables of a protocol that judges more than a partition: title, and figure by its column."""

MONITOR_COLUMNS = {
    "FDR{all}\n@1%": "fdr_{all}_at_far_1",
    "FDR{some}\n@1%": "fdr_{some}_at_far_1",
    "FDR{all}\n@5%": "fdr_{all}_at_far_5",
    "FDR{some}\n@5%": "fdr_{some}_at_far_5",
    "FAR": "far_calibrated_1",
    "AUC": "roc_auc",
    "delay": "delay_{some}_at_far_1",
}
"""Of ``tep-monitor`` and ``tep-adapt``; the data set decides how many faults there are."""

BEST_WINDOW = (
    "name@window: of several windows the one with the best {figure} here,\n"
    "a choice in the baselines' favour; the record has them all."
)

FOOTNOTES = {
    "tep-many": "TPR, FAR: flagged share of anomalous, of normal rows, threshold for 1 %.\n"
    "At 0.14 %: threshold that flags this share of the normal test rows.\n"
    "delay: rows to 3 flagged in a row, 800 if never; ADD: to the first flagged row,\n"
    "without missed runs.\n"
    "* threshold chosen with the test labels; flagging every row gives 90 as well.",
    "skab": "AUC: mean over files; FAR, MAR, F1: over the rows of all files, threshold for 1 %.\n"
    "rows-…, all-rows: rules that read no sensor; what beats them says something.",
    "tep-monitor": "FDR21: flagged share of faulty rows, mean of 21 faults, where 1 or 5 % of the\n"
    "fault-free test rows are flagged; FAR: share of these, threshold of the fit for\n"
    "1 %; delay: rows to the first of 3 flagged in a row at 1 %, 800 if never.",
    "peeling": "balanced: mean of the shares right among anomalous and among normal rows.\n"
    "FDR, FAR: flagged share of anomalous, of normal rows; monitor: threshold for 1 %.",
}

IN_ROWS = ("delay_", "add_")
"""How the names of figures begin that are rows; the others are shares."""


def print_benchmark(record: Mapping[str, Any]) -> None:
    """Show the main figures of every method of a protocol, mean ± standard deviation."""
    console = PlainConsole()
    protocol, seeds = record["protocol"], record["seeds"]
    console.say(
        f"{protocol} on {record['dataset']}: in percent, "
        + (
            f"seed {seeds[0]}"
            if len(seeds) == 1
            else f"mean±standard deviation over seeds {', '.join(map(str, seeds))}"
        )
    )
    figure = main_figure(protocol, next(iter(record["results"].values()), {}))
    results = ranked(at_best_window(record["results"], figure), figure)
    if protocol in ("tep-monitor", "tep-adapt"):
        _print_faults(console, results, len(seeds) > 1)
    elif protocol in SECTIONS:
        for title, columns in SECTIONS[protocol]:
            console.print(_table(title, columns, results, len(seeds) > 1))
        _print_kinds(console, record)
        console.print(FOOTNOTES[protocol], highlight=False)
    else:
        _print_partition(console, results, len(seeds) > 1)
    if any("@" in method for method in results):
        console.print(BEST_WINDOW.format(figure=figure), highlight=False)
    for message, count in record["warnings"].items():
        console.say(f"{count} fits warned: {message}")


def _table(
    title: str, columns: Mapping[str, str], results: Mapping[str, Any], spread: bool
) -> Table:
    table = Table(title=title, title_justify="left", pad_edge=False, box=None, padding=(0, 1, 0, 0))
    table.add_column("method", no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    for method, found in results.items():
        if not any(name in found for name in columns.values()):
            continue  # it has no part in this table
        varies = spread and not found.get("deterministic")
        figures = (
            _percent(found.get(name), varies, 1 if name.startswith(IN_ROWS) else 100)
            for name in columns.values()
        )
        table.add_row(fill(method, METHOD_WIDTH), *figures)  # it breaks names at hyphens
    return table


def _print_faults(console: PlainConsole, results: Mapping[str, Any], spread: bool) -> None:
    """Figures of ``tep-monitor`` and ``tep-adapt``; methods that read no unlabelled row say so."""
    numbers = sorted(
        {
            int(name.split("_")[1])
            for found in results.values()
            for name in found
            if name.startswith("missed_")
        }
    )
    names = {"all": numbers[-1], "some": numbers[0]} if numbers else {"all": 0, "some": 0}
    columns = {
        title.format(**names): figure.format(**names) for title, figure in MONITOR_COLUMNS.items()
    }
    console.print(_table("monitor", columns, results, spread))
    console.print(FOOTNOTES["tep-monitor"].replace("21", str(names["all"])), highlight=False)
    reference = [name for name, found in results.items() if found.get("fit_on") == "reference"]
    if reference:
        console.say(f"no use of the unlabelled rows: {', '.join(reference)}")


def _print_kinds(console: PlainConsole, record: Mapping[str, Any]) -> None:
    """ROC-AUC against normal rows and detected share, per kind of anomaly."""
    for figure, title in (
        ("roc_auc", "AUC of the score per kind of anomaly, against normal rows"),
        ("fdr_calibrated_1", "flagged share of each kind's rows, threshold for 1 %"),
        ("balanced_acc", "partition: share right, the kind's rows and normal rows alike"),
    ):
        rows = {
            method: found["per_kind"]
            for method, found in record["results"].items()
            if figure in found.get("per_kind", {})
        }
        if not rows:
            continue
        table = Table(
            title=title, title_justify="left", pad_edge=False, box=None, padding=(0, 1, 0, 0)
        )
        table.add_column("method", no_wrap=True)
        for kind in next(iter(rows.values()))["kind"]:
            table.add_column(fill(kind, 10), justify="right", no_wrap=True)
        for method, found in rows.items():
            cells = ("–" if value is None else f"{100 * value:.1f}" for value in found[figure])
            table.add_row(fill(method, METHOD_WIDTH), *cells)
        console.print(table)


def _print_partition(console: PlainConsole, results: Mapping[str, Any], spread: bool) -> None:
    """ACC, NMI, ARI of regions, and of activation maps, once per choice of faults or of K."""
    groups = ("mean_clustering_maps", "mean_reconstruction_maps", "top_map", "oracle_map")
    shown = ("acc", "nmi", "ari", *(f"{group}_acc" for group in groups))
    suffixes = sorted(
        {
            name.removeprefix("acc")
            for found in results.values()
            for name in found
            if name[:3] == "acc"
        }
    )
    for suffix in suffixes:
        table = Table(
            title=_suffix_title(suffix),
            title_justify="left",
            pad_edge=False,
            box=None,
            padding=(0, 1, 0, 0),
        )
        table.add_column("method", no_wrap=True)
        for name in ("ACC", "NMI", "ARI", "clust.\nmaps", "recon.\nmaps", "top map", "oracle*"):
            table.add_column(name, justify="right", no_wrap=True)
        for method, found in results.items():
            varies = spread and not found.get("deterministic")
            figures = (_percent(found.get(name + suffix), varies) for name in shown)
            table.add_row(fill(method, METHOD_WIDTH), *figures)  # it breaks names at hyphens
        console.print(table)
    console.print(
        "clust./recon. maps: mean ACC of single maps; top map: largest centre distance.\n"
        "* best map by the test labels: no label-free choice of a map can do better.",
        highlight=False,
    )


def _suffix_title(suffix: str) -> str:
    if suffix.startswith("_k"):
        return f"\nK = {suffix[2:]}, one class per fault"
    return f"\nmean of {suffix[1:]} faults, K = 2" if suffix else "\nK = 2, faulty or not"


def _percent(figure: Mapping[str, Any] | None, spread: bool, factor: int = 100) -> str:
    if figure is None or figure["mean"] is None:
        return "–"
    mean, deviation = factor * figure["mean"], factor * figure["std"]
    shown = f"{mean:.{1 if mean < 99.95 or not spread else 0}f}"
    return shown + (f"±{deviation:.{1 if deviation < 9.95 else 0}f}" if spread else "")
