"""The figures of the README are those of docs/results.md and docs/performance.md."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
PERFORMANCE = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")

OURS = ("dccad", "dccad-published", "autoencoder-kmeans")
"""Methods that are no baselines."""

# row of the README's table: (protocol, [(title of the table or "", column)], which is best)
SOURCES = {
    "faulty rows found, mean of 21 faults": (
        "tep-monitor",
        [("", "FDR 21 at 1 %"), ("", "FDR 21 at 5 %")],
        max,
    ),
    "the same, 18 faults": (
        "tep-monitor",
        [("", "FDR 18 at 1 %"), ("", "FDR 18 at 5 %")],
        max,
    ),
    "rows to detection, 18 faults": ("tep-monitor", [("", "delay 18 at 1 %")], min),
    "regions of pairs of runs": (
        "tep-pairs",
        [(f"Mean of {n} faults, K = 2, test rows", "ACC") for n in (21, 18)],
        max,
    ),
    "regions of one run": (
        "tep-runs",
        [(f"Mean of {n} faults, K = 2, test rows", "ACC") for n in (21, 18)],
        max,
    ),
}

# what the README says below its table: (words around the figures, their cells in results.md)
PROSE = [
    (
        r"average precision ([\d.]+) % both; ([\d.]+) % against ([\d.]+) % at 0\.14 %",
        [
            ("tep-many", "Monitor", "average precision", "dccad"),
            ("tep-many", "Monitor", "average precision", "lw-stats@30"),
            ("tep-many", "Monitor", "TPR at 0.14 %", "lw-stats@30"),
            ("tep-many", "Monitor", "TPR at 0.14 %", "dccad"),
        ],
    ),
    (
        r"\(([\d.]+) % for 1 % on the classic test run\)",
        [("tep-monitor", "", "FAR calibrated", "dccad")],
    ),
]


def cells_of(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def column_of(protocol, title, column):
    """Figure of each method in a column of docs/results.md, as a number."""
    [section] = [part for part in RESULTS.split("\n## ") if part.startswith(f"`{protocol}`")]
    if title:
        heading = f"**{title}**"
        assert heading in section, f"docs/results.md, {protocol}: no table {title!r}"
        section = section.partition(heading)[2]
    for table in re.findall(r"(?:^\|.*\n)+", section, flags=re.M):
        header, _, *rows = map(cells_of, table.splitlines())
        if header[0] == "method" and column in header:
            place = header.index(column)
            found = {row[0].strip("`"): row[place].split(" ± ")[0] for row in rows}
            return {name: float(text) for name, text in found.items() if text != "–"}
    raise AssertionError(f"docs/results.md, {protocol} {title}: no column {column!r}")


def rows_of_the_readme(text):
    """Cells of the table under "How good is it?", bold marks included."""
    section = text.partition("## How good is it?")[2].partition("\n## ")[0]
    table = re.search(r"(?:^\|.*\n)+", section, flags=re.M)[0]
    header, _, *rows = map(cells_of, table.splitlines())
    assert header == ["", "dccad", "best baseline", "as published"]
    return rows


def figures_in(cell):
    """The figures of a cell as they are written, and whether each is bold.

    >>> figures_in("**90.9** / 96.0 %")
    [('90.9', True), ('96.0', False)]
    """
    figures, bold = [], False
    for mark, text in re.findall(r"(\*\*)|(\d+(?:\.\d+)?)", cell):
        bold ^= bool(mark)
        if text:
            figures.append((text, bold))
    return figures


def differs(written, value):
    """Whether a value, rounded as the figure is, is another one."""
    decimals = len(written.partition(".")[2])
    return f"{value:.{decimals}f}" != written


def differences(readme):
    """A line for each figure of the README's table that is not what docs/results.md says."""
    found, seen = [], set()
    for label, *cells in rows_of_the_readme(readme):
        [name] = [name for name in SOURCES if label.startswith(name)] or [None]
        if name is None:
            found.append(f"README, row {label!r}: no table of docs/results.md is known for it")
            continue
        seen.add(name)
        protocol, columns, best = SOURCES[name]
        written = [figures_in(cell) for cell in cells]
        for place, (title, column) in enumerate(columns):
            methods = column_of(protocol, title, column)
            baseline = best((n for n in methods if n not in OURS), key=methods.get)
            sources = ("dccad", baseline, "dccad-published")
            winner = best(sources, key=methods.get)
            for figures, source in zip(written, sources, strict=True):
                where = f"{protocol}, {title + ', ' if title else ''}{column}, {source}"
                if len(figures) != len(columns):
                    found.append(f"README, row {label!r}: {len(figures)} figures of {len(columns)}")
                    continue
                text, bold = figures[place]
                if differs(text, methods[source]):
                    found.append(
                        f"README, row {label!r}: {text}; docs/results.md, {where}: "
                        f"{methods[source]}"
                    )
                if bold != (source == winner):
                    found.append(f"README, row {label!r}: {text} is {'' if bold else 'not '}bold")
    found += [f"README: no row {name!r}" for name in SOURCES if name not in seen]
    return found


def test_the_table_of_the_readme_holds_the_figures_of_the_results():
    assert differences(README) == []


def test_a_figure_that_parts_from_the_results_is_named_with_its_cell():
    rows = rows_of_the_readme(README)
    [cell] = [row[1] for row in rows if row[0].startswith("faulty rows found")]
    [(first, _), _] = figures_in(cell)
    changed = README.replace(cell, cell.replace(first, "12.3"))
    assert changed != README
    [line] = differences(changed)
    assert line.startswith("README, row 'faulty rows found, mean of 21 faults")
    assert f"12.3; docs/results.md, tep-monitor, FDR 21 at 1 %, dccad: {first}" in line


@pytest.mark.parametrize(("words", "cells"), PROSE)
def test_figures_below_the_table_are_those_of_the_results(words, cells):
    prose = " ".join(README.partition("## How good is it?")[2].split())
    match = re.search(words, prose)
    assert match, f"the README no longer says {words!r}"
    # "both" stands for two cells
    figures = list(match.groups())
    figures = [figures[0]] * (len(cells) - len(figures)) + figures
    for written, (protocol, title, column, method) in zip(figures, cells, strict=True):
        value = column_of(protocol, title, column)[method]
        assert not differs(written, value), (
            f"README: {written}; docs/results.md, {protocol}, {title}, {column}, {method}: {value}"
        )


def test_where_the_readme_says_that_a_baseline_wins_it_does():
    for title in ("Mean of 21 faults, K = 2, test rows", "Mean of 18 faults, K = 2, test rows"):
        methods = column_of("tep-runs", title, "ACC")
        assert max(methods, key=methods.get).startswith("statistic-selection")


def test_the_time_of_a_streamed_row_is_that_of_the_measurement():
    [written] = re.findall(r"rows as they arrive: ([\d.]+) ms each", README)
    [row] = [
        cells_of(line)
        for line in PERFORMANCE.partition("| push, median |")[2].splitlines()
        if line.startswith("| 30 |")
    ]
    measured = float(row[1].removesuffix(" ms"))
    assert not differs(written, measured), (
        f"README: {written} ms; docs/performance.md, window 30, push, median: {measured} ms"
    )
