"""What every benchmark loader promises, whichever it is, and the registry that names them.

A data set added to the registry is tested here as soon as it has a writer of a small folder in its
true layout.
"""

import hashlib
import json
import subprocess
import sys
import warnings

import numpy as np
import pytest

from dccad.datasets import download, registry
from dccad.datasets.dataset import Dataset
from dccad.datasets.registry import (
    DATASETS,
    find_dataset,
    get_dataset,
    list_datasets,
    load_dataset,
)
from dccad.datasets.skab import SENSORS
from dccad.datasets.tep.classic import COLUMNS
from dccad.datasets.tep.rieth import FILES
from dccad.errors import DccadWarning, InputError
from dccad.logs.inputs import check_log
from dccad.logs.runs import Reading
from rdata_writer import write_rdata

# Small folders in the true layout -----------------------------------------------------------------


def write_tep(folder):
    draw = np.random.default_rng(0)
    for fault in range(22):
        for part, n_rows in (("", 30), ("_te", 170)):
            values = draw.normal(size=(n_rows, 52))
            np.savetxt(
                folder / f"d{fault:02d}{part}.dat", values.T if (fault, part) == (0, "") else values
            )


def write_tep_rieth(folder):
    pytest.importorskip("rdata", reason="rdata, which the extra 'rdata' installs")
    draw = np.random.default_rng(0)
    for part, n_samples in (("train", 25), ("test", 165)):
        for name, faults in zip(FILES[part], (range(1), range(1, 21)), strict=True):
            n_rows = len(faults) * n_samples
            table = {
                "faultNumber": np.repeat(np.array(faults, dtype=float), n_samples),
                "simulationRun": np.ones(n_rows),
                "sample": np.tile(np.arange(1, n_samples + 1), len(faults)),
            }
            write_rdata(
                folder / name,
                {"frame": table | {name: draw.normal(size=n_rows) for name in COLUMNS}},
            )


FILES_OF_SKAB = (
    ("valve1", "0", 420),
    ("valve2", "1", 410),
    ("anomaly-free", "anomaly-free", 90),
)


def write_skab(folder):
    draw = np.random.default_rng(0)
    for group, name, n_rows in FILES_OF_SKAB:
        labelled = group != "anomaly-free"
        header = ["datetime", *SENSORS, *(["anomaly", "changepoint"] if labelled else [])]
        lines = [";".join(header)]
        for row in range(n_rows):
            cells = [f"2020-03-09 10:{row // 60:02d}:{row % 60:02d}"]
            cells += [f"{value:.6g}" for value in draw.normal(size=8)]
            cells += [f"{float(row > 405)}", f"{float(row == 406)}"] if labelled else []
            lines.append(";".join(cells))
        (folder / group).mkdir(exist_ok=True)
        (folder / group / f"{name}.csv").write_text("\n".join(lines) + "\n")


def write_peeling(folder):
    pytest.importorskip("xlsxwriter", reason="XlsxWriter, which the extra 'spreadsheets' installs")
    from dccad.datasets.machining.simulation import simulate_peeling
    from dccad.datasets.machining.workbooks import write_peeling_workbooks

    write_peeling_workbooks(simulate_peeling(10, sampling_rate=20.0, seed=0), folder, n_files=2)


def write_tep_many(folder):
    pytest.importorskip("tep_studio", reason="tep-studio, which the extra 'simulate' installs")
    from dccad.datasets.tep.many import get_tep_many
    from dccad.datasets.tep.simulated_files import RunPlan

    plans = [
        RunPlan("fault-00-run-001", "train", 0, 0.3, 0.0, None, 3),
        RunPlan("fault-01-run-001_te", "test", 1, 0.3, 0.0, 0.1, 5),
    ]
    get_tep_many(folder, plans=plans)


WRITERS = {
    "tep": write_tep,
    "tep-simulated": None,  # embedded
    "tep-many": write_tep_many,
    "tep-rieth": write_tep_rieth,
    "skab": write_skab,
    "peeling": write_peeling,
}

FROM_FOLDERS = sorted(name for name, info in DATASETS.items() if not info.embedded)


@pytest.fixture(scope="module")
def layouts(tmp_path_factory):
    """Write each layout once; tests must not change it."""
    written = {}

    def give(name):
        if name not in written:
            folder = tmp_path_factory.mktemp("data") / name
            folder.mkdir()
            WRITERS[name](folder)
            written[name] = folder
        return written[name]

    return give


def load(name, folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DccadWarning)  # the small sets have unusual lengths
        return load_dataset(name, folder)


@pytest.fixture(params=sorted(DATASETS))
def loaded(request, layouts):
    name = request.param
    return name, load(name, None if DATASETS[name].embedded else layouts(name))


# The contract -------------------------------------------------------------------------------------


def test_every_data_set_has_a_layout_to_be_tested_on():
    assert WRITERS.keys() == DATASETS.keys()


def test_loader_gives_runs_that_can_be_used_as_they_are(loaded):
    name, dataset = loaded
    assert isinstance(dataset, Dataset)
    assert dataset.name == name
    runs = (*dataset.train, *dataset.test)
    assert dataset.train
    assert dataset.test
    names = [run.name for run in runs]
    assert len(set(names)) == len(names)
    [columns] = {run.columns for run in runs}
    assert columns
    assert len(set(columns)) == len(columns)
    assert all(isinstance(column, str) and column for column in columns)
    [units] = {run.units for run in runs}
    assert len(units) == len(columns)
    for run in runs:
        assert run.values.shape == (len(run), len(columns))
        assert len(run) > 0
        assert run.values.dtype in (np.float32, np.float64)
        assert np.isfinite(run.values).all()
        assert run.labels.shape == (len(run),)
        assert set(run.labels.tolist()) <= {0, 1}
        assert run.onset is None or 0 <= run.onset < len(run)
        assert run.fault is None or run.fault >= 0
        if run.fault == 0:
            assert run.onset is None
            assert not run.labels.any()
        if run.time is not None:
            assert run.time.shape == (len(run),)
            assert (run.time[1:] > run.time[:-1]).all()
    assert any(run.labels.any() for run in dataset.test)
    assert any(not run.labels.all() for run in runs)


def test_runs_go_into_a_detector_as_they_are(loaded):
    _, dataset = loaded
    for part in (dataset.train, dataset.test):
        log = check_log(list(part), Reading(max_gap=1e9))
        assert log.n_rows == sum(len(run) for run in part)
        assert log.columns == part[0].columns


def fingerprint(dataset):
    digest = hashlib.sha256()
    for part in (dataset.train, dataset.test):
        for run in part:
            digest.update(repr((run.name, run.fault, run.onset, run.units)).encode())
            digest.update(np.ascontiguousarray(run.values).data)
            digest.update(run.labels.data)
            digest.update(b"" if run.time is None else np.ascontiguousarray(run.time).tobytes())
    return digest.hexdigest()


def contents(folder):
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_loading_twice_gives_the_same_and_leaves_the_folder_alone(loaded, layouts):
    name, dataset = loaded
    folder = None if DATASETS[name].embedded else layouts(name)
    before = None if folder is None else contents(folder)
    again = load(name, folder)
    assert fingerprint(again) == fingerprint(dataset)
    assert before == (None if folder is None else contents(folder))
    # runs belong to the caller: writing into one changes no other load
    run = again.train[0]
    if run.values.flags.writeable:
        run.values[:] = 0
    assert fingerprint(load(name, folder)) == fingerprint(dataset)


def refusal(name, folder):
    with pytest.raises(InputError) as caught:
        load(name, folder)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 500
    return message


@pytest.mark.parametrize("name", FROM_FOLDERS)
def test_what_is_no_folder_of_the_data_set_is_refused_by_its_name(name, tmp_path):
    pytest.importorskip("rdata" if name == "tep-rieth" else "polars")
    assert "nowhere" in refusal(name, tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("no data")
    assert "notes.txt" in refusal(name, tmp_path / "notes.txt")
    assert tmp_path.name in refusal(name, tmp_path)


def complaint(name, folder):
    try:
        load(name, folder)
    except InputError as error:
        return str(error)
    return None


@pytest.mark.parametrize("damage", ["empty", "noise", "half"])
@pytest.mark.parametrize("name", FROM_FOLDERS)
def test_damaged_file_is_one_line_with_its_name(name, damage, layouts, tmp_path):
    intact = layouts(name)
    files = sorted(path.relative_to(intact) for path in intact.rglob("*") if path.is_file())
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).symlink_to(intact / file)
    for file in {files[0], files[len(files) // 2], files[-1]}:
        content = (intact / file).read_bytes()
        (tmp_path / file).unlink()
        (tmp_path / file).write_bytes(
            {
                "empty": b"",
                "noise": np.random.default_rng(3).bytes(3000),
                "half": content[: len(content) // 2 + 3],  # ends within a cell
            }[damage]
        )
        message = complaint(name, tmp_path)
        if message is None:  # a text file may also be cut to a shorter one
            assert damage == "half"
            assert file.suffix in (".csv", ".dat")
        else:
            assert file.name in message
            assert "\n" not in message
        (tmp_path / file).unlink()
        (tmp_path / file).symlink_to(intact / file)


# The registry -------------------------------------------------------------------------------------


@pytest.fixture
def data_folder(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("DCCAD_DATA", str(folder))
    return folder


def test_only_the_embedded_set_is_there_at_first(data_folder):
    entries = {entry["name"]: entry for entry in list_datasets()}
    assert list(entries) == list(DATASETS)
    assert [name for name, entry in entries.items() if entry["available"]] == ["tep-simulated"]
    assert [name for name, entry in entries.items() if entry["download"]] == ["tep", "tep-many"]
    assert entries["tep"]["obtain"] == "run: dccad data get tep"
    assert entries["tep-rieth"]["extra"] == "rdata"
    assert entries["skab"]["licence"] == "GPL-3.0"
    assert entries["skab"]["loader"] == "dccad.datasets.skab.load_skab"
    assert json.loads(json.dumps(list(entries.values()))) == list(entries.values())
    assert all("\n" not in str(value) for entry in entries.values() for value in entry.values())


@pytest.mark.parametrize("name", FROM_FOLDERS)
def test_set_in_the_data_folder_is_found_and_loaded_by_name_alone(name, layouts, data_folder):
    assert find_dataset(name) is None
    with pytest.raises(InputError, match=f"the files of {name} are not there; pass the folder"):
        load_dataset(name)
    (data_folder / name).mkdir()
    assert find_dataset(name) is None  # an empty folder is no data set
    (data_folder / name).rmdir()
    (data_folder / name).symlink_to(layouts(name))
    assert find_dataset(name) == data_folder / name
    [entry] = [entry for entry in list_datasets() if entry["name"] == name]
    assert entry["available"]
    assert entry["folder"] == str(data_folder / name)
    assert fingerprint(load(name, None)) == fingerprint(load(name, layouts(name)))


def test_options_reach_the_loader(layouts):
    folder = layouts("tep-rieth")
    with pytest.warns(DccadWarning):
        dataset = load_dataset("tep-rieth", folder, faults=[3], parts=["test"])
    assert [run.name for run in dataset.test] == ["fault-03-run-001_te"]


def test_unknown_name_is_answered_with_the_nearest_or_all():
    for function in (load_dataset, find_dataset, get_dataset):
        with pytest.raises(InputError, match=r"^no data set 'skap'; did you mean 'skab'\?$"):
            function("skap")
    with pytest.raises(InputError, match=r"^no data set 'x'; there are tep, tep-simulated, "):
        load_dataset("x")


def test_embedded_set_takes_no_folder(tmp_path):
    with pytest.raises(InputError, match="tep-simulated is part of dccad and read from no folder"):
        load_dataset("tep-simulated", tmp_path)


def test_download_goes_to_the_set_that_has_one(monkeypatch, tmp_path):
    calls = []

    def fetch(folder, *, progress):
        calls.append((folder, progress))
        return tmp_path

    monkeypatch.setattr(download, "get_tep", fetch)
    assert get_dataset("tep", tmp_path, progress=True) == tmp_path
    assert calls == [(tmp_path, True)]


def test_simulation_gets_the_number_of_processes(monkeypatch, tmp_path):
    calls = []

    def simulate(folder, *, progress, jobs):
        calls.append((folder, progress, jobs))
        return tmp_path

    monkeypatch.setattr("dccad.datasets.tep.many.get_tep_many", simulate)
    assert get_dataset("tep-many", tmp_path, jobs=3) == tmp_path
    assert calls == [(tmp_path, False, 3)]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("skab", "skab is not downloaded by dccad; download the folder data of https://github"),
        ("tep-rieth", "tep-rieth is not downloaded by dccad; download its four RData files from"),
        ("tep-simulated", "tep-simulated is part of dccad"),
        ("peeling", "peeling is not downloaded by dccad; the company's workbooks are private"),
    ],
)
def test_set_without_download_says_how_to_come_by_it(name, answer):
    with pytest.raises(InputError) as caught:
        get_dataset(name)
    assert str(caught.value).startswith(answer)


def test_nothing_is_found_where_there_is_no_data_folder(monkeypatch):
    monkeypatch.delenv("DCCAD_DATA", raising=False)
    monkeypatch.setitem(sys.modules, "pooch", None)
    assert [entry["name"] for entry in list_datasets() if entry["available"]] == ["tep-simulated"]


def test_listing_imports_nothing_heavy():
    heavy = ["torch", "polars", "pandas", "rdata", "requests", "sklearn", "scipy", "numpy"]
    code = (
        "import sys, dccad.datasets.registry as r; r.list_datasets(); "
        f"print(*(m for m in {heavy!r} if m in sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


def test_every_loader_and_download_of_the_registry_can_be_imported():
    for info in DATASETS.values():
        for place in filter(None, (info.loader, info.download)):
            assert callable(registry._import(place))
