"""Write docs/results.md from the records that `dccad benchmark --output` leaves.

Usage: python benchmarks/render_results.py RECORD.json [RECORD.json ...] > docs/results.md
"""

import json
import sys

HEAD = """# Results

Every table was printed by a command of this repository; the JSON record behind it also has the
figures of every single activation map on training and test rows, and the lists per fault and seed.
Figures are means over seeds ± one standard deviation, in percent. No method sees a label or a test
row during its fit. Windows are 30 rows, labelled by their last row.

* **regions**: one region per window. For the DCCA methods: the consensus of all clustering maps.
* **clustering maps**, **reconstruction maps**: mean ACC of the single maps of each group.
* **top map**: the map with the largest centre distance.
* **oracle map**: the best map *chosen with the test labels*. It is no result of the method, but
  what a label-free choice of one map could reach at most.

On 2 cores `tep-pairs` took 14.5 minutes, and `tep-pooled` 20.5 minutes while the machine also ran
test suites (its last fits, on the machine alone, were a fifth to a third faster than its first).

Regenerate: run the command under each heading with `--output FILE.json`, then
`python benchmarks/render_results.py FILE.json … > docs/results.md`.
"""

COLUMNS = {
    "ACC": "acc",
    "NMI": "nmi",
    "ARI": "ari",
    "ACC clustering maps": "mean_clustering_maps_acc",
    "ACC reconstruction maps": "mean_reconstruction_maps_acc",
    "ACC top map": "top_map_acc",
    "*ACC oracle map*": "oracle_map_acc",
}


def cell(figure):
    if figure is None:
        return "–"
    return f"{100 * figure['mean']:.1f} ± {100 * figure['std']:.1f}"


def table(results, prefix, suffix):
    yield "| method | " + " | ".join(COLUMNS) + " |"
    yield "| --- |" + " --- |" * len(COLUMNS)
    for method, found in results.items():
        cells = [cell(found.get(prefix + name + suffix)) for name in COLUMNS.values()]
        yield f"| `{method}` | " + " | ".join(cells) + " |"


def title_of(suffix):
    if suffix.startswith("_k"):
        return f"K = {suffix[2:]}: one class per fault, 0 before the onset"
    if suffix:
        return f"Mean of {suffix[1:]} faults, K = 2"
    return "K = 2: faulty or not"


def section(record):
    environment = record["environment"]
    data = "" if record["dataset"] == "tep-simulated" else " --data FOLDER"
    packages = environment["versions"].items()
    versions = ", ".join(f"{name} {version}" for name, version in packages if name != "dccad")
    yield f"\n## `{record['protocol']}`, {record['dataset']}\n"
    yield f"`dccad benchmark {record['protocol']}{data}`, {environment['date']}, seeds"
    yield f"{', '.join(map(str, record['seeds']))}; {environment['cores']} cores,"
    yield f"{environment['processes']} processes; {versions}."
    results = record["results"]
    first = next(iter(results.values()))
    suffixes = [name.removeprefix("acc") for name in first if name.startswith("acc")]
    for suffix in suffixes:
        for prefix, where in (("", "test rows"), ("train_", "training rows")):
            yield f"\n**{title_of(suffix)}, {where}**\n"
            yield from table(results, prefix, suffix)
    yield "\n| method | seconds of a fit | seconds to judge it |\n| --- | --- | --- |"
    for method, found in results.items():
        times = [found[name]["mean"] for name in ("fit_seconds", "judge_seconds")]
        yield f"| `{method}` | {times[0]:.1f} | {times[1]:.1f} |"
    if "per_fault" in first:
        yield "\nACC of the regions per fault, test rows:\n"
        yield "| fault | " + " | ".join(f"`{name}`" for name in results) + " |"
        yield "| --- |" + " --- |" * len(results)
        for position, fault in enumerate(first["per_fault"]["fault"]):
            accs = [100 * found["per_fault"]["acc"][position] for found in results.values()]
            yield f"| {fault} | " + " | ".join(f"{acc:.1f}" for acc in accs) + " |"
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
