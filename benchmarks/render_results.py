"""Write docs/results.md from the records that `dccad benchmark --output` leaves.

Usage: python benchmarks/render_results.py RECORD.json [RECORD.json ...] > docs/results.md
"""

import json
import sys

from dccad.evaluation.record import at_best_window, main_figure, ranked

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

A name with `@` is a baseline at that window, in rows; for `pca-t2`, `pca-spe`,
`lw-rows`, `contrast-rows` and `pyod-deepsvdd` it is the number of row scores that are averaged. Of
1, 10 and 30 the window with the best main figure *on the rows judged* stands in the tables, **which
favours the baselines**; the records have all. Methods without randomness are fitted once and have
no deviation.

Regenerate: `python benchmarks/results.py --data FOLDER`, or one protocol with `--only PROTOCOL`.
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
no sensor and flag file rows 570 to 969, every row from 570 on, and every row. 1 % false alarms
were asked for; what comes of that stands under FAR: 400 rows of a pump that drifts are not the
normal state of the next 700."""

SKAB = {
    "ROC-AUC per file": "roc_auc_per_file",
    "… valve1": "roc_auc_valve1",
    "… valve2": "roc_auc_valve2",
    "… other": "roc_auc_other",
    "FAR": "far_calibrated_1",
    "MAR": "mar_calibrated_1",
    "F1": "f1",
}

FAULTS_INTRO = {
    "tep-monitor": """
Fitted on the fault-free training run alone. A baseline is fitted twice: on all of it for the
scores, and on its first 70 % for the threshold and so for the flags, which come from the rest.""",
    "tep-adapt": """
Fitted on the fault-free training run as reference and on all faulty training runs without labels.
Methods of which the table says *reference* do not read the unlabelled runs.""",
}

FAULTS_NOTES = """
FDR is the share of faulty rows that are flagged, a mean over faults. *At 1 %* and *at 5 %* the
threshold is the one that so many rows of the fault-free *test* run pass, for every method alike;
*calibrated* says that the fit alone decided it, for 1 %: FAR is what became of that on the
fault-free test run. Delay: rows from the onset to the first of 3 flagged rows in a row, 800 where
there are none. Missed: share of the faults that are never detected so. ROC-AUC and average
precision are over the rows of the faulty runs before and after the onset (0.833 is what average
precision gives to chance); rows before a run's first score get that score."""

RUNS_INTRO = """
Each faulty test run alone, without labels: fitted and judged on the same rows, 160 normal and 800
faulty ones in a whole run."""

FAULTS = {
    "FDR {all} at 1 %": "fdr_{all}_at_far_1",
    "FDR {some} at 1 %": "fdr_{some}_at_far_1",
    "FDR {all} at 5 %": "fdr_{all}_at_far_5",
    "FDR {some} at 5 %": "fdr_{some}_at_far_5",
    "FAR calibrated": "far_calibrated_1",
    "FDR {all} calibrated": "fdr_{all}_calibrated",
    "ROC-AUC": "roc_auc",
    "average precision": "average_precision",
    "missed {all}": "missed_{all}",
}

DELAYS = {
    "delay_{some}_at_far_1": ("delay {some} at 1 %", "{:.1f}"),
    "delay_{all}_at_far_1": ("delay {all} at 1 %", "{:.1f}"),
    "delay_{some}_calibrated": ("delay {some} calibrated", "{:.1f}"),
    "fit_seconds": ("seconds of a fit", "{:.1f}"),
    "rows_per_second": ("rows scored a second", "{:,.0f}"),
}

IN_LISTS = 8
"""Methods whose figures per fault or file are listed: the detector's, and the best baselines."""

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


def cell(figure, deterministic=False, scale=100):
    if figure is None or figure["mean"] is None:
        return "–"
    alone = deterministic or len(figure["per_seed"]) == 1
    spread = "" if alone else f" ± {scale * figure['std']:.1f}"
    return f"{scale * figure['mean']:.1f}{spread}"


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
        fixed = found.get("deterministic", False)
        cells = [
            cell(found.get(name), fixed, 1 if name.startswith(IN_ROWS) else 100)
            for name in shown.values()
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


def windows(results, figure):
    """The main figure of every baseline at every window."""
    families = {}
    for name, found in results.items():
        family, at, window = name.partition("@")
        if at:
            fixed = found.get("deterministic", False)
            families.setdefault(family, {})[int(window)] = cell(found.get(figure), fixed)
    lengths = sorted({window for found in families.values() for window in found})
    if len(lengths) < 2:
        return
    yield f"\n`{figure}` at every window:\n"
    yield "| method | " + " | ".join(map(str, lengths)) + " |"
    yield "| --- |" + " --- |" * len(lengths)
    for family, found in families.items():
        yield f"| `{family}` | " + " | ".join(found.get(n, "–") for n in lengths) + " |"


def lists(results, key, label, figure):
    """Entries of lists per fault, file or kind, one column per method."""
    listed = [name for name, result in results.items() if key in result]
    unfitted = [name for name in listed if "fit_seconds" not in results[name]]
    fitted = [name for name in listed if name not in unfitted]
    own, others = ([name for name in fitted if ("@" in name) is at] for at in (False, True))
    listed = [*own, *others[: max(IN_LISTS - len(own), 0)], *unfitted]
    found = {name: results[name][key] for name in listed}
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


def tep(results, **_):
    first = next(iter(results.values()))
    suffixes = [name.removeprefix("acc") for name in first if name.startswith("acc")]
    for suffix in suffixes:
        for prefix, where in (("", "test rows"), ("train_", "training rows")):
            if not any(f"{prefix}acc{suffix}" in found for found in results.values()):
                continue  # fitted and judged on the same rows
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


def tep_many(results, **_):
    monitors = {name: found for name, found in results.items() if "average_precision" in found}
    first = next(iter(monitors.values()))
    suffixes = {name[3:] for found in results.values() for name in found if name[:4] == "acc_"}
    yield TEP_MANY_INTRO
    f1, precision = (cell(first[name], True) for name in ("f1_flagging_all", "share_anomalous"))
    yield f"{rows_judged(first)} Flagging every row has F1 {f1}, average precision {precision}."
    yield "\n**Monitor**\n"
    yield from table(monitors, TEP_MANY_MONITOR)
    yield "\n**Rows to detection**\n"
    yield from table(monitors, TEP_MANY_DELAYS)
    yield from times(
        monitors,
        {
            "fit_seconds": ("seconds of a monitor fit", "{:.1f}"),
            "rows_per_second": ("rows scored a second", "{:,.0f}"),
        },
    )
    for suffix in suffixes:
        divided = {name: found for name, found in results.items() if "acc" + suffix in found}
        yield f"\n**{title_of(suffix)}; fitted without labels on other runs**\n"
        yield from table(divided, REGIONS, suffix=suffix)
        yield from times(divided, {"fit_seconds" + suffix: ("seconds of a fit", "{:.1f}")})
    yield "\nTPR per fault at 0.14 %:\n"
    yield from lists(monitors, "per_fault", "fault", "tpr_at_fpr_0_14")


def runs(results, **_):
    yield RUNS_INTRO
    yield from tep(results)


def faults(results, protocol):
    first = next(iter(results.values()))
    numbers = sorted({int(name.split("_")[1]) for name in first if name.startswith("missed_")})
    names = {"all": numbers[-1], "some": numbers[0]}
    yield FAULTS_INTRO[protocol]
    yield FAULTS_NOTES
    yield f"\n**Mean of {names['all']} and of {names['some']} faults**\n"
    columns = {title.format(**names): name.format(**names) for title, name in FAULTS.items()}
    yield from table(results, columns)
    yield from times(
        results,
        {
            name.format(**names): (title.format(**names), form)
            for name, (title, form) in DELAYS.items()
        },
    )
    reference = [name for name, found in results.items() if found.get("fit_on") == "reference"]
    if reference:
        yield "\nReference only: " + ", ".join(f"`{name}`" for name in reference) + "."
    yield "\nFDR per fault at 1 %:\n"
    yield from lists(results, "per_fault", "fault", "fdr_at_far_1")


def skab(results, **_):
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


def peeling(results, **_):
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
    "tep-runs": runs,
    "tep-monitor": faults,
    "tep-adapt": faults,
    "tep-many": tep_many,
    "skab": skab,
    "peeling": peeling,
}
WITHOUT_FOLDER = ("tep-simulated", "tep-many", "peeling-simulated")


def section(records):
    """One protocol on one data set; its methods may have been run in several parts."""
    first = records[0]
    protocol = first["protocol"]
    data = "" if first["dataset"] in WITHOUT_FOLDER else " --data FOLDER"
    yield f"\n## `{protocol}`, {first['dataset']}\n"
    yield f"`dccad benchmark {protocol}{data}`:\n"
    everything, warned = {}, {}
    for record in records:
        environment = record["environment"]
        seeds = "seed" if len(record["seeds"]) == 1 else "seeds"
        seeds += " " + ", ".join(map(str, record["seeds"]))
        packages = environment["versions"].items()
        versions = ", ".join(f"{name} {version}" for name, version in packages if name != "dccad")
        new = [name for name in record["results"] if name not in everything]
        what = f"{len(new)} methods" if len(new) > 3 else ", ".join(f"`{name}`" for name in new)
        yield (
            f"* {what}: {environment['date']}, {seeds}; {environment['cores']} cores, "
            f"{environment['processes']} processes; {versions}."
        )
        everything |= {name: record["results"][name] for name in new}
        for kind, count in record["warnings"].items():
            warned[kind] = warned.get(kind, 0) + count
    figure = main_figure(protocol, next(iter(everything.values())))
    best = ranked(at_best_window(everything, figure), figure)
    yield from BODIES[protocol](best, protocol=protocol)
    yield from windows(everything, figure)
    if warned:
        counts = ", ".join(f"{kind} in {n} fits" for kind, n in warned.items())
        yield f"\nWarnings: {counts}."


def main():
    print(HEAD, end="")
    records = {}
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            record = json.load(file)
        records.setdefault((record["protocol"], record["dataset"]), []).append(record)
    for parts in records.values():
        print("\n".join(section(parts)))


if __name__ == "__main__":
    main()
