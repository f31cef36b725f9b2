"""Write docs/results.md from the records that `dccad benchmark --output` leaves.

Usage: python benchmarks/render_results.py RECORD.json [RECORD.json ...] > docs/results.md
"""

import json
import sys

from dccad.evaluation.record import at_best_window, ranked
from dccad.evaluation.registry import PROTOCOLS

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

FAULTS_NOTES = """

FDR is the share of faulty rows that are flagged, a mean over faults. *At 1 %* and *at 5 %* the
threshold is that which 1 % or 5 % of the rows of the fault-free *test* run exceed, for every method
alike; *calibrated* says that the fit alone decided it, for 1 %: FAR is what became of that on the
fault-free test run. Delay: rows from the onset to the first of 3 flagged rows in a row, 800 where
there are none. Missed: share of the faults that are never detected so. ROC-AUC and average
precision are over the rows of the faulty runs before and after the onset (0.833 is what average
precision gives to chance); rows before a run's first score get that score."""

INTRODUCTIONS = {
    "tep-runs": """\
Each faulty test run alone, without labels: fitted and judged on the same rows, 160 normal and 800
faulty ones in a whole run.""",
    "tep-monitor": """\
Fitted on the fault-free training run alone. A baseline is fitted twice: on all of it for the
scores, and on its first 70 % for the threshold and so for the flags, which come from the rest."""
    + FAULTS_NOTES,
    "tep-adapt": """\
Fitted on the fault-free training run as reference and on all faulty training runs without labels.
Methods of which the table says *reference* do not read the unlabelled runs."""
    + FAULTS_NOTES,
    "tep-many": """\
A monitor is fitted on the fault-free training runs and judged on all test runs, whose rows are
pooled. **TPR**, **FAR**: flagged share of anomalous, of normal rows, at the calibrated threshold
(1 % asked, from training data alone) and at the threshold that flags at most 0.14 % of the normal
test rows. **delay**: rows from the onset to the first of 3 flagged rows in a row, 800 if there is
none. **ADD**: rows to the first flagged row, without runs that have none, whose share is
**missed**.

The figures are those by which Golyadkin et al. (SensorSCAN, Artificial Intelligence 324:104012,
2023) compare methods (their evaluation code is public:
AIRI-Institute/sensorscan with AIRI-Institute/fddbenchmark). There:

* windows of 100 rows, at every row (at every tenth in the fit of their PCA + k-means), labelled by
  their last row; ACC by the best one-to-one match of clusters to the 21 classes on the test rows,
  NMI with the arithmetic mean, ARI: as here, where windows are 30 rows unless `window` says
  otherwise, of 52 variables instead of 30 (analysers and valves that hardly move are left out);
* training without labels on 500 fault-free runs and 5 runs of each fault; the test runs are others.
  Faulty runs are a minority of the fit there, and the larger part of it here;
* detection TPR and FPR: pooled over rows, flagged is what falls in no cluster called normal, and
  *labels of the training rows* name the clusters. TPR 0.732 at FPR 0.0014 is that one point; here
  the same FPR is set by the score, and labels serve the judge only;
* average detection delay: as ADD above, 57 rows;
* data of Rieth et al. (2017), of the original model; here those of the revised model, whose faults
  16 to 20 are others. Their figures and ours are near each other in kind, not to be subtracted.
""",
    "skab": """\
One fit per file, on its first 400 rows; the others are judged. ROC-AUC is a mean over files, FAR,
MAR and F1 are those of the rows of all files together, as on SKAB's leader board. **F1 says little
here**, because the anomaly always stands at about the same place: the last rows are rules that read
no sensor and flag file rows 570 to 969, every row from 570 on, and every row. 1 % false alarms
were asked for; what comes of that stands under FAR: 400 rows of a pump that drifts are not the
normal state of the next 700.""",
    "peeling": """\
The first 70 % of the rows are for training. Region 0 is what a method takes for normal; balanced
ACC gives both labels the same weight, so that 50 is chance.

A delay is a mean over the detected events. An event is detected wherever in it the alarm falls,
also in the ramp at the end of its bar: a delay as long as the event says that the ramp was
noticed.""",
}
"""What a section says before its tables; a protocol without an entry has its tables alone."""

SYNTHETIC = """\
**Synthetic data**: a simulated log, the same for every seed. It says how methods compare on
anomalies of known kind, and nothing of how well they do on a real machine."""

IN_LISTS = 8
"""Methods whose figures per fault or file are listed: the detector's, and the best baselines."""

WITHOUT_FOLDER = ("tep-simulated", "tep-many", "peeling-simulated")


def cell(figure, deterministic=False, scale=100):
    if figure is None or figure["mean"] is None:
        return "–"
    alone = deterministic or len(figure["per_seed"]) == 1
    spread = "" if alone else f" ± {scale * figure['std']:.1f}"
    return f"{scale * figure['mean']:.1f}{spread}"


def table(section, results):
    """One row per method that has part in a section; columns that no method has are left out."""
    columns = [
        column
        for column in section.columns
        if column.page and any(column.figure in found for found in results.values())
    ]
    if not columns:
        return
    yield f"\n**{section.page}**\n" if section.page else ""
    yield "| method | " + " | ".join(column.page for column in columns) + " |"
    yield "| --- |" + " --- |" * len(columns)
    for method, found in results.items():
        if any(column.figure in found for column in columns):
            cells = [shown(column, found) for column in columns]
            yield f"| `{method}` | " + " | ".join(cells) + " |"


def shown(column, found):
    figure = found.get(column.figure)
    if column.form:
        return "–" if figure is None else column.form.format(figure["mean"])
    return cell(figure, found.get("deterministic", False), column.scale)


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


def lists(listing, results):
    """Entries of a list per fault, file or kind, one column per method."""
    listed = [n for n, found in results.items() if listing.figure in found.get(listing.key, {})]
    if not listed:
        return
    unfitted = [name for name in listed if "fit_seconds" not in results[name]]
    fitted = [name for name in listed if name not in unfitted]
    own, others = ([name for name in fitted if ("@" in name) is at] for at in (False, True))
    listed = [*own, *others[: max(IN_LISTS - len(own), 0)], *unfitted]
    found = {name: results[name][listing.key] for name in listed}
    yield f"\n{listing.page}:\n"
    yield f"| {listing.label} | " + " | ".join(f"`{name}`" for name in found) + " |"
    yield "| --- |" + " --- |" * len(found)
    for position, entry in enumerate(found[listed[0]][listing.label]):
        cells = [listing.cell(columns[listing.figure][position]) for columns in found.values()]
        yield f"| {entry} | " + " | ".join(cells) + " |"


def introduction(protocol, results):
    """What is to be known before the tables, and how many rows are judged."""
    entries = list(results.values())
    if any("per_kind" in found for found in entries):
        yield "\n" + SYNTHETIC
    if protocol in INTRODUCTIONS:
        yield "\n" + INTRODUCTIONS[protocol]
    judged = [found for found in entries if "rows_judged" in found]
    for found in judged[:1]:
        counts = (found["rows_judged"], found["rows_without_score"])
        words = "\n{:,} rows are judged; {:,} have no score.".format(*counts)
        if "f1_flagging_all" in found:
            f1, precision = (cell(found[n], True) for n in ("f1_flagging_all", "share_anomalous"))
            words += f" Flagging every row has F1 {f1}, average precision {precision}."
        yield words


def body(protocol, results):
    plan = PROTOCOLS[protocol]
    yield from introduction(protocol, results)
    for section in plan.table(results):
        yield from table(section, results)
    reference = [name for name, found in results.items() if found.get("fit_on") == "reference"]
    if reference:
        yield "\nReference only: " + ", ".join(f"`{name}`" for name in reference) + "."
    for listing in plan.listings:
        if listing.page:
            yield from lists(listing, results)
    kinds = next((found["per_kind"] for found in results.values() if "per_kind" in found), {})
    if "events" in kinds:
        counts = zip(kinds["kind"], kinds["events"], kinds["rows"], strict=True)
        yield "\nJudged: " + "; ".join(f"{k} {n} events, {m} rows" for k, n, m in counts) + "."


def section(records):
    """One protocol on one data set; of a method in several records, the first one is shown."""
    first = records[0]
    protocol = first["protocol"]
    data = "" if first["dataset"] in WITHOUT_FOLDER else " --data FOLDER"
    yield f"\n## `{protocol}`, {first['dataset']}\n"
    yield f"`dccad benchmark {protocol}{data}`:\n"
    everything, warned = {}, {}
    for record in records:
        new = [name for name in record["results"] if name not in everything]
        if not new:
            continue  # an earlier record has them all
        environment = record["environment"]
        seeds = "seed" if len(record["seeds"]) == 1 else "seeds"
        seeds += " " + ", ".join(map(str, record["seeds"]))
        packages = environment["versions"].items()
        versions = ", ".join(f"{name} {version}" for name, version in packages if name != "dccad")
        what = f"{len(new)} methods" if len(new) > 3 else ", ".join(f"`{name}`" for name in new)
        yield (
            f"* {what}: {environment['date']}, {seeds}; {environment['cores']} cores, "
            f"{environment['processes']} processes; {versions}."
        )
        everything |= {name: record["results"][name] for name in new}
        for kind, count in record["warnings"].items():
            warned[kind] = warned.get(kind, 0) + count
    figure = PROTOCOLS[protocol].main_figure(everything)
    best = ranked(at_best_window(everything, figure), figure)
    yield from body(protocol, best)
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
