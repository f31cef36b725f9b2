"""Every benchmark data set by its name: what it is, where it comes from, which function reads it.

Behind ``dccad data list`` and ``dccad data get``. Nothing heavy is imported before a set is loaded.
"""

from __future__ import annotations

import difflib
import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dccad.errors import DccadError, InputError

if TYPE_CHECKING:
    from dccad.datasets.dataset import Dataset


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a data set without reading it.

    Attributes
    ----------
    description : str
        One line for people.
    loader : str
        Module and function that reads it. The function takes the folder, except for an embedded
        set, and gives a :class:`~dccad.datasets.dataset.Dataset` of the same name as the entry.
    files : tuple of str
        Patterns of the files that its folder holds; empty for an embedded set.
    obtain : str
        How to come by it, as the end of a sentence.
    source, citation, licence : str
        What holds for the data, not for their loader.
    extra : str, optional
        Extra of dccad that the loader needs.
    download : str, optional
        Module and function that fetch it into a folder.
    simulated : bool
        Whether ``download`` simulates it on this machine, in as many processes as ``jobs`` says.
    """

    description: str
    loader: str
    files: tuple[str, ...]
    obtain: str
    source: str
    citation: str
    licence: str
    extra: str | None = None
    download: str | None = None
    simulated: bool = False

    @property
    def embedded(self) -> bool:
        """Whether the data are part of the package."""
        return not self.files


DATASETS: dict[str, DatasetInfo] = {
    "tep": DatasetInfo(
        description="Tennessee Eastman process, classic files: 22 training and 22 test runs",
        loader="dccad.datasets.tep.classic:load_tep",
        files=("d00.dat", "d21_te.dat"),
        obtain="run: dccad data get tep",
        source="https://github.com/camaramm/tennessee-eastman-profBraatz",
        citation="Chiang, Russell and Braatz: Fault Detection and Diagnosis in Industrial Systems. "
        "Springer, 2001",
        licence="University of Illinois, permissive",
        download="dccad.datasets.download:get_tep",
    ),
    "tep-simulated": DatasetInfo(
        description="Tennessee Eastman process, simulated for dccad: 21 training and 21 test runs",
        loader="dccad.datasets.tep.embedded:load_tep_simulated",
        files=(),
        obtain="it is part of dccad",
        source="dccad data simulate (package tep-studio)",
        citation="Bathelt, Ricker and Jelali: Revision of the Tennessee Eastman Process Model. "
        "IFAC-PapersOnLine 48(8):309-314, 2015",
        licence="BSD-3-Clause",
    ),
    "tep-many": DatasetInfo(
        description="Tennessee Eastman process, simulated: 20 normal runs, 5 test runs per fault",
        loader="dccad.datasets.tep.many:load_tep_many",
        files=("tep_many.sha256", "tep_many.parquet", "tep_many.json"),
        obtain="run: dccad data get tep-many (simulates for about 50 minutes of one core)",
        source="dccad data get tep-many (package tep-studio)",
        citation="Bathelt, Ricker and Jelali: Revision of the Tennessee Eastman Process Model. "
        "IFAC-PapersOnLine 48(8):309-314, 2015",
        licence="BSD-3-Clause",
        download="dccad.datasets.tep.many:get_tep_many",
        simulated=True,
    ),
    "tep-rieth": DatasetInfo(
        description="Tennessee Eastman process, Rieth et al.: 500 runs for each of 21 conditions",
        loader="dccad.datasets.tep.rieth:load_tep_rieth",
        files=("TEP_*.RData",),
        obtain="download its four RData files from https://doi.org/10.7910/DVN/6C3JR1",
        source="https://doi.org/10.7910/DVN/6C3JR1",
        citation="Rieth, Amsel, Tran and Cook: Additional Tennessee Eastman Process Simulation "
        "Data for Anomaly Detection Evaluation. Harvard Dataverse, 2017",
        licence="CC0-1.0",
        extra="rdata",
    ),
    "skab": DatasetInfo(
        description="Skoltech anomaly benchmark: experiments on a pump test bed, 8 sensors, 1 Hz",
        loader="dccad.datasets.skab:load_skab",
        files=("valve*/*.csv",),
        obtain="download the folder data of https://github.com/waico/SKAB",
        source="https://github.com/waico/SKAB",
        citation="Katser and Kozitsin: Skoltech Anomaly Benchmark (SKAB). Kaggle, 2020, "
        "doi:10.34740/KAGGLE/DSV/1693952",
        licence="GPL-3.0",
    ),
    "peeling": DatasetInfo(
        description="spindle torque of a metal peeling machine, workbooks with idle zeros",
        loader="dccad.datasets.machining.preparation:load_peeling",
        files=("*.xlsx",),
        obtain="the company's workbooks are private; dccad demo machining shows a simulated log",
        source="dccad.datasets.machining.simulation (synthetic)",
        citation="Chadha, Islam, Schwung and Ding: Deep Convolutional Clustering-Based Time Series "
        "Anomaly Detection. Sensors 21(16):5488, 2021",
        licence="private; simulated logs are your own",
    ),
}
"""The registry. A new entry needs a writer in ``tests/datasets/test_registry.py``."""


def load_dataset(
    name: str, folder: str | os.PathLike[str] | None = None, **options: Any
) -> Dataset:
    """Load a data set by its name.

    Parameters
    ----------
    name : str
        A key of ``DATASETS``.
    folder : str or path, optional
        Folder with its files; default: where :func:`find_dataset` finds them. An embedded set
        takes none.
    **options
        Options of its loader, for example ``runs=[1, 2]`` for "tep-rieth".

    Returns
    -------
    Dataset

    Raises
    ------
    InputError
        There is no data set of that name, or its files are missing or damaged.

    Examples
    --------
    >>> load_dataset("tep-simulated").name
    'tep-simulated'
    >>> load_dataset("tep-simulate")
    Traceback (most recent call last):
        ...
    dccad.errors.InputError: no data set 'tep-simulate'; did you mean 'tep-simulated'?
    """
    info = _known(name)
    load = _import(info.loader)
    if info.embedded:
        if folder is not None:
            raise InputError(f"{name} is part of dccad and read from no folder; leave it out")
        dataset: Dataset = load(**options)
        return dataset
    where = Path(folder) if folder is not None else find_dataset(name)
    if where is None:
        raise InputError(
            f"the files of {name} are not there; pass the folder that holds them ({info.obtain})"
        )
    dataset = load(where, **options)
    return dataset


def find_dataset(name: str) -> Path | None:
    """Find the files of a data set on this machine; their contents are not checked.

    Parameters
    ----------
    name : str
        A key of ``DATASETS``.

    Returns
    -------
    Path or None
        The folder of that name in :func:`dccad.datasets.download.data_folder`, if it holds files
        of the data set. None for an embedded set.

    Raises
    ------
    InputError
        There is no data set of that name.

    Examples
    --------
    >>> find_dataset("tep-simulated") is None
    True
    """
    from dccad.datasets.download import data_folder, find_tep

    info = _known(name)
    if info.embedded:
        return None
    try:
        folder = data_folder() / name
    except DccadError:  # without pooch there is no folder for data unless DCCAD_DATA names one
        return None
    if name == "tep":
        return find_tep(folder)
    return folder if all(next(folder.glob(pattern), None) for pattern in info.files) else None


def get_dataset(
    name: str,
    folder: str | os.PathLike[str] | None = None,
    *,
    progress: bool = False,
    jobs: int = 1,
) -> Path:
    """Download or simulate a data set, or what of it is missing.

    Raises
    ------
    InputError
        There is no data set of that name, or dccad does not download it; the message says how to
        come by it.
    DownloadError
        See :func:`dccad.datasets.download.get_tep`.
    MissingExtraError
        The extra "data", or "simulate" for a simulated set, is not installed.


    Examples
    --------
    >>> get_dataset("skab")
    Traceback (most recent call last):
        ...
    dccad.errors.InputError: skab is not downloaded by dccad; download the folder data of ...
    """
    info = _known(name)
    if info.download is None:
        reason = "" if info.embedded else "is not downloaded by dccad; "
        raise InputError(f"{name} {reason}{info.obtain.removeprefix('it ')}")
    options = {"jobs": jobs} if info.simulated else {}
    path: Path = _import(info.download)(folder, progress=progress, **options)
    return path


def list_datasets() -> list[dict[str, Any]]:
    """Describe every data set, and say whether it is on this machine.

    Returns
    -------
    list of dict
        In the order of ``DATASETS``: ``name``, ``description``, ``available``, ``folder`` (where
        its files were found, or None), ``obtain``, ``download`` (whether ``dccad data get``
        fetches it), ``extra``, ``loader``, ``source``, ``citation``, ``licence``.

    Examples
    --------
    >>> "tep-simulated" in [entry["name"] for entry in list_datasets() if entry["available"]]
    True
    """
    entries = []
    for name, info in DATASETS.items():
        folder = find_dataset(name)
        entries.append(
            {
                "name": name,
                "description": info.description,
                "available": info.embedded or folder is not None,
                "folder": None if folder is None else str(folder),
                "obtain": info.obtain,
                "download": info.download is not None,
                "extra": info.extra,
                "loader": info.loader.replace(":", "."),
                "source": info.source,
                "citation": info.citation,
                "licence": info.licence,
            }
        )
    return entries


def _known(name: str) -> DatasetInfo:
    if name in DATASETS:
        return DATASETS[name]
    near = difflib.get_close_matches(name, DATASETS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(DATASETS)}"
    raise InputError(f"no data set {name!r}; {hint}")


def _import(place: str) -> Any:
    module, _, function = place.partition(":")
    return getattr(importlib.import_module(module), function)
