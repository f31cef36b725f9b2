"""Write docs/results.md from the records that `dccad benchmark --output` leaves.

Usage: python benchmarks/render_results.py RECORD.json [RECORD.json ...] > docs/results.md
"""

import json
import sys

HEAD = """# Results

Every table was printed by a command of this repository; the JSON record behind it also has the
figures of every single activation map on training and test rows, and the lists per fault, file,
kind and seed. Figures are means over seeds ± one standard deviation, in percent unless another
unit is given. No method sees a label or a test row during its fit. Windows are 30 rows, labelled
by their last row; rows before the first full window of a run are not judged.

Partition (a fit without labels or reference):

* **regions**: one region per window. For the DCCA methods: the consensus of all clustering maps.
* **clustering maps**, **reconstruction maps**: mean ACC of the single maps of each group.
* **top map**: the map with the largest centre distance.
* **oracle map**: the best map *chosen with the test labels*. It is no result of the method, but
  what a label-free choice of one map could reach at most.

Monitor (a fit on normal rows alone): **FAR** is the share of normal rows that are flagged, **FDR**
the share of anomalous rows, **MAR** = 1 − FDR, all at the threshold for which 1 % false alarms were
asked and which held-out normal rows alone decide. Scores are causal.

On 2 cores `tep-pairs` took 14.5 minutes, and `tep-pooled` 20.5 minutes while the machine also ran
test suites (its last fits, on the machine alone, were a fifth to a third faster than its first).
`skab` (6 minutes) and `peeling` (21) ran beside test suites throughout: read their seconds as upper
bounds.

Regenerate: run the command under each heading with `--output FILE.json`, then
`python benchmarks/render_results.py FILE.json … > docs/results.md`.
"""

MAPS = {
    "ACC clustering maps": "mean_clustering_maps_acc",
    "ACC reconstruction maps": "mean_reconstruction_maps_acc",
    "ACC top map": "top_map_acc",
    "*ACC oracle map*": "oracle_map_acc",
}
REGIONS = {"ACC": "acc", "NMI": "nmi", "ARI": "ari"}

SKAB_INTRO = """
One fit per file, on its first 400 rows; the others are judged. ROC-AUC is a mean over files, FAR,
MAR and F1 are those of the rows of all files together, as on SKAB's leader board. **F1 says little
here**, because the anomaly always stands at about the same place: the last rows are rules that read
no sensor and flag file rows 570 to 969, every row from 570 on, and every row. The first of them
beats every method in ROC-AUC per file, too. 1 % false alarms were asked for and about 60 % come:
400 rows of a pump that drifts are not the normal state of the next 700."""

SKAB = {
    "ROC-AUC per file": "roc_auc_per_file",
    "… valve1": "roc_auc_valve1",
    "… valve2": "roc_auc_valve2",
    "… other": "roc_auc_other",
    "FAR": "far_calibrated_1",
    "MAR": "mar_calibrated_1",
    "F1": "f1",
}

SIMULATED_INTRO = """
**Synthetic data**: a simulated log, the same for every seed. It says how methods compare on
anomalies of known kind, and nothing of how well they do on a real machine."""

PEELING_INTRO = """
The first 70 % of the rows are for training. Region 0 is what a method takes for normal; balanced
ACC gives both labels the same weight, so that 50 is chance."""

DELAY_INTRO = """
Mean delay of the detected events, in s. An event is detected wherever in it the alarm falls, also
in the ramp at the end of its bar: a delay as long as the event says that the ramp was noticed.
"""

PEELING_PARTITION = {
    **REGIONS,
    "balanced ACC": "balanced_acc",
    "anomalous rows outside region 0": "region_fdr",
    "normal rows outside region 0": "region_far",
    **MAPS,
}

PEELING_MONITOR = {
    "ROC-AUC": "roc_auc",
    "average precision": "average_precision",
    "FAR": "far_calibrated_1",
    "FDR": "fdr_calibrated_1",
    "events detected": "events_detected",
}

PEELING_KINDS = {
    "Partition: balanced ACC of the rows of a kind against all normal rows": "balanced_acc",
    "Monitor: ROC-AUC of the rows of a kind against all normal rows": "roc_auc",
    "Monitor: FDR": "fdr_calibrated_1",
    "Monitor: share of the events detected (3 flagged rows in a row)": "events_detected",
}


TEP_MANY_INTRO = """
A monitor is fitted on the fault-free training runs and judged on all test runs, whose rows are
pooled. **TPR**, **FAR**: flagged share of anomalous, of normal rows, at the calibrated threshold
(1 % asked, from training data alone) and at the threshold that flags at most 0.14 % of the normal
test rows. **delay**: rows from the onset to the first of 3 flagged rows in a row, 800 if there is
none. **ADD**: rows to the first flagged row, runs without one left out; **missed** is their share.
"""

TEP_MANY_MONITOR = {
    "average precision": "average_precision",
    "ROC-AUC": "roc_auc",
    "*best F1, oracle threshold*": "best_f1_oracle_threshold",
    "TPR": "tpr_calibrated",
    "FAR": "far_calibrated_1",
    "TPR at 0.14 %": "tpr_at_fpr_0_14",
}
TEP_MANY_DELAYS = {
    "delay": "delay_calibrated",
    "ADD": "add_calibrated",
    "missed, in %": "missed_calibrated",
    "delay at 0.14 %": "delay_at_fpr_0_14",
    "ADD at 0.14 %": "add_at_fpr_0_14",
    "missed at 0.14 %, in %": "missed_at_fpr_0_14",
}
IN_ROWS = ("delay_", "add_")


def cell(figure, scale=100):
    if figure is None or figure["mean"] is None:
        return "–"
    return f"{scale * figure['mean']:.1f} ± {scale * figure['std']:.1f}"


def table(results, columns, prefix="", suffix=""):
    """One row per method; columns that no method has are left out."""
    shown = {
        title: prefix + name + suffix
        for title, name in columns.items()
        if any(prefix + name + suffix in found for found in results.values())
    }
    yield "| method | " + " | ".join(shown) + " |"
    yield "| --- |" + " --- |" * len(shown)
    for method, found in results.items():
        cells = [
            cell(found.get(name), 1 if name.startswith(IN_ROWS) else 100) for name in shown.values()
        ]
        yield f"| `{method}` | " + " | ".join(cells) + " |"


def times(results, titles):
    """Seconds and rates, for methods that have them."""
    yield "\n| method | " + " | ".join(title for title, _ in titles.values()) + " |"
    yield "| --- |" + " --- |" * len(titles)
    for method, found in results.items():
        if all(name in found for name in titles):
            values = [form.format(found[name]["mean"]) for name, (_, form) in titles.items()]
            yield f"| `{method}` | " + " | ".join(values) + " |"


def lists(results, key, label, figure):
    """Entries of lists per fault, file or kind, one column per method."""
    found = {name: result[key] for name, result in results.items() if key in result}
    yield f"| {label} | " + " | ".join(f"`{name}`" for name in found) + " |"
    yield "| --- |" + " --- |" * len(found)
    entries = next(iter(found.values()))[label]
    for position, entry in enumerate(entries):
        values = [columns[figure][position] for columns in found.values()]
        shown = ["–" if value is None else f"{100 * value:.1f}" for value in values]
        yield f"| {entry} | " + " | ".join(shown) + " |"


def title_of(suffix):
    if suffix.startswith("_k"):
        return f"K = {suffix[2:]}: one class per fault, 0 before the onset"
    if suffix:
        return f"Mean of {suffix[1:]} faults, K = 2"
    return "K = 2: faulty or not"


def tep(results):
    first = next(iter(results.values()))
    suffixes = [name.removeprefix("acc") for name in first if name.startswith("acc")]
    for suffix in suffixes:
        for prefix, where in (("", "test rows"), ("train_", "training rows")):
            yield f"\n**{title_of(suffix)}, {where}**\n"
            yield from table(results, {**REGIONS, **MAPS}, prefix, suffix)
    yield from times(
        results,
        {
            "fit_seconds": ("seconds of a fit", "{:.1f}"),
            "judge_seconds": ("seconds to judge it", "{:.1f}"),
        },
    )
    if "per_fault" in first:
        yield "\nACC of the regions per fault, test rows:\n"
        yield from lists(results, "per_fault", "fault", "acc")


def tep_many(results):
    first = next(iter(results.values()))
    yield TEP_MANY_INTRO
    f1, precision = (cell(first[name]) for name in ("f1_flagging_all", "share_anomalous"))
    yield f"{rows_judged(first)} Flagging every row has F1 {f1}, average precision {precision}."
    yield "\n**Monitor**\n"
    yield from table(results, TEP_MANY_MONITOR)
    yield "\n**Rows to detection**\n"
    yield from table(results, TEP_MANY_DELAYS)
    suffix = next(name.removeprefix("acc") for name in first if name.startswith("acc_"))
    yield f"\n**{title_of(suffix)}; fitted without labels on other runs**\n"
    yield from table(results, REGIONS, suffix=suffix)
    yield from times(
        results,
        {
            "fit_seconds": ("seconds of a monitor fit", "{:.1f}"),
            f"fit_seconds{suffix}": ("seconds of a regions fit", "{:.1f}"),
            "rows_per_second": ("rows scored a second", "{:,.0f}"),
        },
    )
    yield "\nTPR per fault at 0.14 %:\n"
    yield from lists(results, "per_fault", "fault", "tpr_at_fpr_0_14")


def skab(results):
    first = next(iter(results.values()))
    yield SKAB_INTRO
    yield f"\n{rows_judged(first)}\n"
    yield from table(results, SKAB)
    yield from times(
        results,
        {
            "fit_seconds": ("seconds of a fit", "{:.1f}"),
            "rows_per_second": ("rows scored a second", "{:,.0f}"),
        },
    )
    yield "\nROC-AUC per file:\n"
    yield from lists(results, "per_file", "file", "roc_auc")


def peeling(results):
    first = next(iter(results.values()))
    if "per_kind" in first:
        yield SIMULATED_INTRO
    yield PEELING_INTRO
    yield f"\n{rows_judged(first)}"
    yield "\n**Partition, test rows**\n"
    yield from table(results, PEELING_PARTITION)
    yield "\n**Monitor, test rows**\n"
    yield from table(results, PEELING_MONITOR)
    yield from times(
        results,
        {
            "fit_seconds": ("seconds of a partition fit", "{:.1f}"),
            "monitor_fit_seconds": ("seconds of a monitor fit", "{:.1f}"),
            "rows_per_second": ("rows scored a second", "{:,.0f}"),
        },
    )
    if "per_kind" in first:
        kinds = first["per_kind"]
        for title, figure in PEELING_KINDS.items():
            yield f"\n{title}:\n"
            yield from lists(results, "per_kind", "kind", figure)
        counts = zip(kinds["kind"], kinds["events"], kinds["rows"], strict=True)
        yield "\nJudged: " + "; ".join(f"{k} {n} events, {m} rows" for k, n, m in counts) + "."
        yield DELAY_INTRO
        yield "| kind | " + " | ".join(f"`{name}`" for name in results) + " |"
        yield "| --- |" + " --- |" * len(results)
        for position, kind in enumerate(kinds["kind"]):
            delays = [found["per_kind"]["delay_seconds"][position] for found in results.values()]
            shown = ["–" if delay is None else f"{delay:.2f}" for delay in delays]
            yield f"| {kind} | " + " | ".join(shown) + " |"


def rows_judged(found):
    return (
        f"{found['rows_judged']:,} rows are judged; {found['rows_without_score']:,} have no score."
    )


BODIES = {
    "tep-pooled": tep,
    "tep-pairs": tep,
    "tep-many": tep_many,
    "skab": skab,
    "peeling": peeling,
}
WITHOUT_FOLDER = ("tep-simulated", "tep-many", "peeling-simulated")


def section(record):
    environment = record["environment"]
    data = "" if record["dataset"] in WITHOUT_FOLDER else " --data FOLDER"
    packages = environment["versions"].items()
    versions = ", ".join(f"{name} {version}" for name, version in packages if name != "dccad")
    yield f"\n## `{record['protocol']}`, {record['dataset']}\n"
    yield f"`dccad benchmark {record['protocol']}{data}`, {environment['date']}, seeds"
    yield f"{', '.join(map(str, record['seeds']))}; {environment['cores']} cores,"
    yield f"{environment['processes']} processes; {versions}."
    yield from BODIES[record["protocol"]](record["results"])
    if record["warnings"]:
        counts = ", ".join(f"{kind} in {n} fits" for kind, n in record["warnings"].items())
        yield f"\nWarnings: {counts}."


def main():
    print(HEAD, end="")
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            print("\n".join(section(json.load(file))))


if __name__ == "__main__":
    main()
