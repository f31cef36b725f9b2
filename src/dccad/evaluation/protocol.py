"""What a protocol consists of: data, tasks, a judge, figures, and the tables that show them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dccad.datasets import Dataset
from dccad.evaluation.methods import METHODS, MethodSpec
from dccad.evaluation.record import Found
from dccad.evaluation.tasks import Task

IN_ROWS = ("delay_", "add_")
"""How the names of figures begin that are rows; the others are shares."""


@dataclass(frozen=True)
class Column:
    """One figure in a table.

    Attributes
    ----------
    figure : str
        Its name in the record.
    page, terminal : str
        Its headings on the results page and on the terminal; it is left out where that is empty.
    form : str
        How its mean is written. Empty: a share in percent, or rows, with the spread over seeds.
    """

    figure: str
    page: str = ""
    terminal: str = ""
    form: str = ""

    @property
    def scale(self) -> int:
        """Factor from the record to the table."""
        return 1 if self.figure.startswith(IN_ROWS) else 100


@dataclass(frozen=True)
class Section:
    """One table: a row per method that has any of its figures.

    Attributes
    ----------
    columns : tuple of Column
    terminal, page : str
        Its titles.
    """

    columns: tuple[Column, ...]
    terminal: str = ""
    page: str = ""


@dataclass(frozen=True)
class Listing:
    """One figure of every entry of a list in the record, say per fault or per file.

    Attributes
    ----------
    key, label, figure : str
        Name of the list in a method's results, and of its columns with the entries and the figure.
    page, terminal : str
        Its titles; it is left out where that is empty.
    form : str
        How a figure is written. Empty: as a share in percent.
    """

    key: str
    label: str
    figure: str
    page: str = ""
    terminal: str = ""
    form: str = ""

    def cell(self, value: float | None) -> str:
        """Write one figure.

        Examples
        --------
        >>> listing = Listing("per_fault", "fault", "acc")
        >>> listing.cell(0.5), listing.cell(None)
        ('50.0', '–')
        """
        if value is None:
            return "–"
        return self.form.format(value) if self.form else f"{100 * value:.1f}"


SECONDS = Column("fit_seconds", "seconds of a fit", form="{:.1f}")
RATE = Column("rows_per_second", "rows scored a second", form="{:,.0f}")


@dataclass(frozen=True)
class Protocol:
    """One protocol, as plain functions.

    Attributes
    ----------
    load : callable (folder or None) -> Dataset
        Its data set: of a user's folder, or its own where none is given.
    make_tasks : callable (dataset) -> list of Task
    judge : callable (fitted method, task) -> dict
        ``figures`` (name to number) and whatever else ``gather`` needs.
    gather : callable (found, seeds) -> dict
        Results of one method over tasks and seeds to its entry in the record.
    main : str
        Pattern of its main figure's name: methods are sorted by it, and the best window is chosen
        by it. A group in it is a number, of which the highest counts.
    table : callable (results) -> sequence of Section
        Tables of a record's results, on the terminal and on the results page.
    listings : tuple of Listing
    footnote : str
        What stands below the tables on the terminal.
    settings : mapping
        Settings of DCCA that the protocol decides.
    defaults : mapping
        Settings of DCCA that differ from its defaults unless the user gives them.
    partition, monitor : bool
        What a method must be able to do.
    either : bool
        One of both is enough: what a method cannot do is left out of its figures.
    unlabelled : bool
        A monitor is given unlabelled rows beside its reference.
    variants : bool
        Its table shows baselines at each of their windows, and not only at the protocol's.
    floors : tuple of str
        Keys of :data:`dccad.evaluation.methods.POSITION_ONLY` that stand in its table.
    """

    load: Callable[[Path | None], Dataset]
    make_tasks: Callable[[Dataset], list[Task]]
    judge: Callable[[Any, Task], dict[str, Any]]
    gather: Callable[[Found, Sequence[int]], dict[str, Any]]
    main: str
    table: Callable[[Mapping[str, Any]], Sequence[Section]]
    listings: tuple[Listing, ...] = ()
    footnote: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    partition: bool = False
    monitor: bool = False
    either: bool = False
    unlabelled: bool = False
    variants: bool = True
    floors: tuple[str, ...] = ()

    def main_figure(self, results: Mapping[str, Mapping[str, Any]]) -> str | None:
        """Name of the main figure among those of all methods; None where there is none.

        Examples
        --------
        >>> from dccad.evaluation.registry import PROTOCOLS
        >>> PROTOCOLS["tep-pairs"].main_figure({"dccad": {"acc_18": {}, "acc_21": {}}})
        'acc_21'
        """
        names = {name for found in results.values() for name in found}
        matches = [match for name in names if (match := re.fullmatch(self.main, name))]
        best = max(matches, key=lambda match: [int(n) for n in match.groups()], default=None)
        return best and best[0]

    def refuse(self, method: MethodSpec) -> str | None:
        """Why a method cannot stand in the table; None where it can.

        Examples
        --------
        >>> from dccad.evaluation.registry import PROTOCOLS
        >>> PROTOCOLS["tep-pairs"].refuse(METHODS["pca-spe"])
        'it gives no regions'
        """
        if self.partition and not method.partition:
            return "it gives no regions"
        if self.monitor and not method.monitor:
            return "it gives no scores"
        if method.needs_unlabelled and not self.unlabelled:
            return "it needs unlabelled rows beside the reference"
        return None

    def takes(self, method: MethodSpec | None, task: Task) -> bool:
        """Tell whether a method is fitted on a task; None, a detector of one's own, is a monitor.

        Examples
        --------
        >>> from dccad.evaluation.registry import PROTOCOLS
        >>> regions = Task("regions-k3", 3, (), ())
        >>> plan = PROTOCOLS["tep-many"]
        >>> plan.takes(METHODS["pca-spe"], regions), plan.takes(METHODS["kmeans-windows"], regions)
        (False, True)
        """
        if not self.either:
            return True
        if task.normal:
            return method is None or method.monitor
        return method is not None and method.partition

    def methods(self, slow: bool = False) -> list[str]:
        """Names of the table's methods, those that train long only where ``slow`` is true.

        Examples
        --------
        >>> from dccad.evaluation.registry import PROTOCOLS
        >>> PROTOCOLS["tep-pairs"].methods()[:5]
        ['dccad', 'dccad-published', 'autoencoder-kmeans', 'kmeans-windows@1', 'kmeans-windows@10']
        """
        names = []
        for name, method in METHODS.items():
            if self.refuse(method) is not None or (method.slow and not slow) or method.ablation:
                continue
            windows = method.windows if self.variants else ()
            names += [f"{name}@{window}" for window in windows] or [name]
        return names
