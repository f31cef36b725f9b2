"""The RData files of Rieth et al.: every run in its place, and every way a file can be wrong.

The files are written in the published form, smaller. Each cell tells its fault, run, sample and
column, so that a slip by one anywhere shows as another number.
"""

import bz2
import gzip
import itertools
import lzma
import random
import struct
import tracemalloc
from collections import Counter

import numpy as np
import pytest

from dccad.datasets.tep import r_data
from dccad.datasets.tep import rieth as tep_rieth
from dccad.datasets.tep.classic import COLUMNS, UNITS
from dccad.datasets.tep.rieth import load_tep_rieth
from dccad.errors import DccadWarning, InputError, MissingExtraError, ParameterError
from rdata_writer import MISSING_INTEGER, Factor, Sequence, Wrapped, write_rdata

pytest.importorskip("rdata", reason="rdata, which the extra 'rdata' installs")

pytestmark = pytest.mark.filterwarnings("ignore:not the published:dccad.errors.DccadWarning")

TRAIN_ROWS, TEST_ROWS = 24, 165  # just beyond the onsets 20 and 160
FAULT_FREE_TRAINING = "TEP_FaultFree_Training.RData"
FAULTY_TRAINING = "TEP_Faulty_Training.RData"
FAULT_FREE_TESTING = "TEP_FaultFree_Testing.RData"
FAULTY_TESTING = "TEP_Faulty_Testing.RData"


def cell(fault, run, sample, column):
    return 1e6 * fault + 1e4 * run + sample + column / 100


def frame(faults, runs, n_samples):
    keys = np.array(list(itertools.product(faults, runs, range(1, n_samples + 1))), dtype=float)
    table = {
        "faultNumber": keys[:, 0],
        "simulationRun": keys[:, 1],
        "sample": keys[:, 2].astype(np.int32),  # as published: an integer beside doubles
    }
    for position, name in enumerate(COLUMNS):
        table[name] = cell(*keys.T, position)
    return table


def write(path, table, name="faulty_training", **options):
    write_rdata(path, {name: table}, **options)


def select(table, rows):
    return {name: column[rows] for name, column in table.items()}


@pytest.fixture(scope="module")
def published_form(tmp_path_factory):
    """All four files with 3 runs a fault; tests must not change them."""
    folder = tmp_path_factory.mktemp("rieth")
    runs, faulty = [1, 2, 3], range(1, 21)
    write(folder / FAULT_FREE_TRAINING, frame([0], runs, TRAIN_ROWS), "fault_free_training")
    write(folder / FAULTY_TRAINING, frame(faulty, runs, TRAIN_ROWS))
    write(folder / FAULT_FREE_TESTING, frame([0], runs, TEST_ROWS), "fault_free_testing")
    write(folder / FAULTY_TESTING, frame(faulty, runs, TEST_ROWS), "faulty_testing")
    return folder


def assert_run_is(run, fault, number, n_samples):
    samples = np.arange(1, n_samples + 1)[:, None]
    np.testing.assert_array_equal(run.values, cell(fault, number, samples, np.arange(52)))


# Reading ------------------------------------------------------------------------------------------


def test_every_cell_of_every_run_is_where_the_file_has_it(published_form):
    data = load_tep_rieth(published_form, runs=None)
    pairs = list(itertools.product(range(21), [1, 2, 3]))
    assert len(data.train) == len(data.test) == len(pairs)
    for (fault, number), train, test in zip(pairs, data.train, data.test, strict=True):
        assert_run_is(train, fault, number, TRAIN_ROWS)
        assert_run_is(test, fault, number, TEST_ROWS)
        assert (train.fault, test.fault) == (fault, fault)
        assert train.name == f"fault-{fault:02d}-run-{number:03d}"
        assert test.name == f"fault-{fault:02d}-run-{number:03d}_te"
        assert train.columns == test.columns == COLUMNS
        assert train.units == test.units == UNITS
        assert train.values.dtype == np.float64
        assert train.values.flags.c_contiguous


def test_default_is_one_run_of_each_condition(published_form):
    data = load_tep_rieth(published_form)
    assert data.name == "tep-rieth"
    assert [run.name for run in data.train] == [f"fault-{fault:02d}-run-001" for fault in range(21)]
    assert [run.fault for run in data.test] == list(range(21))
    assert data.faults == tuple(range(1, 21))


def test_fault_starts_with_the_sample_after_the_first_hour_or_the_eighth(published_form):
    data = load_tep_rieth(published_form, faults=[0, 7])
    normal, faulty = data.train
    assert (normal.onset, faulty.onset) == (None, 20)
    assert faulty.labels.tolist() == [0] * 20 + [1] * (TRAIN_ROWS - 20)
    # 20 samples of 3 minutes are the first hour; the next one, numbered 21, is faulty
    assert faulty.values[faulty.onset, 0] == cell(7, 1, 21, 0)
    normal, faulty = data.test
    assert (normal.onset, faulty.onset) == (None, 160)
    assert faulty.values[faulty.onset, 0] == cell(7, 1, 161, 0)
    assert normal.labels.sum() == 0


def test_selection_is_what_comes_back_and_nothing_else(published_form):
    data = load_tep_rieth(published_form, faults=[13, 0, 2, 13], runs=(3, 1), parts=["test"])
    assert data.train == ()
    assert [(run.fault, run.name[-6:-3]) for run in data.test] == [
        (0, "001"),
        (0, "003"),
        (2, "001"),
        (2, "003"),
        (13, "001"),
        (13, "003"),
    ]
    assert_run_is(data.test[3], 2, 3, TEST_ROWS)


@pytest.mark.parametrize(
    ("faults", "parts", "needed"),
    [
        ([0], ("train", "test"), [FAULT_FREE_TRAINING, FAULT_FREE_TESTING]),
        ([4, 5], "train", [FAULTY_TRAINING]),
        ([0, 4], ["test"], [FAULT_FREE_TESTING, FAULTY_TESTING]),
    ],
)
def test_only_the_needed_files_are_read_and_each_once(
    published_form, tmp_path, monkeypatch, faults, parts, needed
):
    for name in needed:
        (tmp_path / name).symlink_to(published_form / name)
    parsed = []

    def count(path, take):
        parsed.append(path.name)
        return r_data.parse_data_frame(path, take)

    monkeypatch.setattr(tep_rieth, "parse_data_frame", count)
    data = load_tep_rieth(tmp_path, faults=faults, parts=parts)
    assert parsed == needed
    assert {run.fault for run in (*data.train, *data.test)} == set(faults)


@pytest.mark.parametrize("by", ["run", "row"])
def test_order_of_the_rows_in_the_file_does_not_matter(tmp_path, by):
    rows = np.arange(6 * TRAIN_ROWS).reshape(6, TRAIN_ROWS)
    if by == "row":
        rows = np.random.default_rng(0).permutation(rows.ravel())
    else:
        rows = rows[[4, 0, 5, 2, 1, 3]].ravel()
    write(tmp_path / FAULTY_TRAINING, select(frame([1, 2], [1, 2, 3], TRAIN_ROWS), rows))
    data = load_tep_rieth(tmp_path, faults=[1, 2], runs=None, parts="train")
    for (fault, number), run in zip(itertools.product([1, 2], [1, 2, 3]), data.train, strict=True):
        assert_run_is(run, fault, number, TRAIN_ROWS)


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress, bytes])
@pytest.mark.parametrize("version", [2, 3])
def test_compression_and_version_of_the_format_do_not_matter(tmp_path, pack, version):
    table = frame([6], [1], TRAIN_ROWS)
    write(tmp_path / FAULTY_TRAINING, table, version=version, pack=pack)
    [run] = load_tep_rieth(tmp_path, faults=[6], parts="train").train
    assert_run_is(run, 6, 1, TRAIN_ROWS)


def test_integers_and_doubles_are_read_alike(tmp_path):
    table = frame([6], [1], TRAIN_ROWS)
    for name in ("faultNumber", "simulationRun", "xmv_11"):
        table[name] = table[name].astype(int)
    table["sample"] = table["sample"].astype(float)
    write(tmp_path / FAULTY_TRAINING, table)
    [run] = load_tep_rieth(tmp_path, faults=[6], parts="train").train
    expected = cell(6, 1, np.arange(1, TRAIN_ROWS + 1)[:, None], np.arange(52))
    expected[:, 51] = np.floor(expected[:, 51])
    np.testing.assert_array_equal(run.values, expected)
    assert run.values.dtype == np.float64


def test_short_forms_of_a_column_are_read(tmp_path):
    table = frame([6], [1], TRAIN_ROWS)
    table["sample"] = Sequence(TRAIN_ROWS)
    table["xmeas_1"] = Wrapped(table["xmeas_1"])
    write(tmp_path / FAULTY_TRAINING, table, version=3)
    [run] = load_tep_rieth(tmp_path, faults=[6], parts="train").train
    assert_run_is(run, 6, 1, TRAIN_ROWS)


def test_published_lengths_give_no_warning_and_others_do(tmp_path, recwarn):
    write(tmp_path / FAULT_FREE_TRAINING, frame([0], [1], 500))
    write(tmp_path / FAULT_FREE_TESTING, frame([0], [1], 960))
    load_tep_rieth(tmp_path, faults=[0])
    assert not [w for w in recwarn if issubclass(w.category, DccadWarning)]
    write(tmp_path / FAULT_FREE_TESTING, frame([0], [1], 480))
    with pytest.warns(DccadWarning, match="the test runs have 480 rows instead of 960"):
        load_tep_rieth(tmp_path, faults=[0])


def test_memory_is_needed_for_the_selection_not_for_the_file(tmp_path):
    path = tmp_path / FAULTY_TRAINING
    table = frame([1, 2], range(1, 101), 200)  # 40 000 rows, 17 MB
    write(path, table, pack=bytes)
    in_file = path.stat().st_size
    del table

    def peak(runs):
        tracemalloc.start()
        load_tep_rieth(tmp_path, faults=[1, 2], runs=runs, parts="train")
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest / in_file

    load_tep_rieth(tmp_path, faults=[1], parts="train")  # what importing rdata takes is not counted
    assert peak([1]) < 0.25
    assert peak(None) < 1.25  # the values themselves are 0.95 of the file


# Refusing -----------------------------------------------------------------------------------------


def refusal(folder, kind=InputError, **options):
    with pytest.raises(kind) as caught:
        load_tep_rieth(folder, **{"faults": [1], "parts": "train", **options})
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(folder), "FOLDER")


def without(table, run, sample):
    return select(table, ~((table["simulationRun"] == run) & (table["sample"] == sample)))


def put(table, name, row, value):
    column = table[name].copy()
    column[row] = value
    return {**table, name: column}


def whole(table, name):
    return {**table, name: table[name].astype(int)}


GOOD = frame([1], [1, 2], TRAIN_ROWS)

WRONG_FRAMES = {
    "missing sample": (
        without(GOOD, run=2, sample=9),
        "run 2 of fault 1 has no sample 9; every run needs its samples 1 to 24 once",
    ),
    "missing first sample": (
        without(GOOD, run=1, sample=1),
        "run 1 of fault 1 has no sample 1; every run needs its samples 1 to 24 once",
    ),
    "missing last sample": (
        without(GOOD, run=2, sample=TRAIN_ROWS),
        "run 2 of fault 1 has no sample 24; every run needs its samples 1 to 24 once",
    ),
    "sample twice": (
        put(GOOD, "sample", 4, 4),
        "run 1 of fault 1 has sample 4 twice; every run needs its samples 1 to 24 once",
    ),
    "samples counted from 0": (
        {**GOOD, "sample": GOOD["sample"] - 1},
        "run 1 of fault 1 has no sample 1; every run needs its samples 1 to 24 once",
    ),
    "NaN": (
        put(GOOD, "xmeas_7", TRAIN_ROWS + 2, np.nan),
        "column 'xmeas_7' holds no finite number in sample 3 of run 2 of fault 1",
    ),
    "infinite": (
        put(GOOD, "xmv_11", 0, -np.inf),
        "column 'xmv_11' holds no finite number in sample 1 of run 1 of fault 1",
    ),
    "missing whole number": (
        put(whole(GOOD, "xmeas_1"), "xmeas_1", 5, MISSING_INTEGER),
        "column 'xmeas_1' holds no finite number in sample 6 of run 1 of fault 1",
    ),
    "missing column": (
        {name: GOOD[name] for name in GOOD if name != "xmeas_30"},
        "other columns than in the published file (missing: 'xmeas_30')",
    ),
    "another name": (
        {"run" if name == "simulationRun" else name: GOOD[name] for name in GOOD},
        "other columns than in the published file (missing: 'simulationRun'; not expected: 'run')",
    ),
    "one column more": (
        {**GOOD, "xmv_12": GOOD["xmv_11"]},
        "other columns than in the published file (not expected: 'xmv_12')",
    ),
    "another order": (
        {name: GOOD[name] for name in (*list(GOOD)[1:], "faultNumber")},
        "(the order differs: 'simulationRun' stands where 'faultNumber' is expected)",
    ),
    "text": (
        {**GOOD, "xmeas_2": ["1.5"] * 2 * TRAIN_ROWS},
        "column 'xmeas_2' holds no numbers",
    ),
    "categories": (  # their codes are whole numbers, but not the fault numbers
        {**GOOD, "faultNumber": Factor([1] * 2 * TRAIN_ROWS, ["IDV 4"])},
        "column 'faultNumber' holds no numbers",
    ),
    "true and false": (
        {**GOOD, "xmv_3": np.array([True, False] * TRAIN_ROWS)},
        "column 'xmv_3' holds no numbers",
    ),
    "fractional run": (
        put(GOOD, "simulationRun", 3, 1.5),
        "column 'simulationRun' holds something else than whole numbers",
    ),
    "missing fault number": (
        put(GOOD, "faultNumber", 3, np.nan),
        "column 'faultNumber' holds something else than whole numbers",
    ),
    "missing sample number": (
        put(GOOD, "sample", 3, MISSING_INTEGER),
        "column 'sample' holds something else than whole numbers",
    ),
    "columns of unequal length": (
        {**GOOD, "xmv_3": GOOD["xmv_3"][:-1]},
        "column 'xmv_3' has 47 rows, the first has 48",
    ),
    "key of another length": (
        {**GOOD, "sample": GOOD["sample"][:-1]},
        "column 'sample' has 47 rows, the first has 48",
    ),
    "no rows": (select(GOOD, slice(0)), "no run 1 of fault 1; it has no rows: choose others"),
    "another fault": (
        frame([2, 3], [1], TRAIN_ROWS),
        "no run 1 of fault 1; it has faults 2 to 3: choose others",
    ),
    "no row after the onset": (
        frame([1], [1, 2], 20),
        "run 1 of fault 1 has 20 rows, but the fault starts at row 20 (counted from 0)",
    ),
}


@pytest.mark.parametrize("case", WRONG_FRAMES)
def test_frame_that_is_not_the_published_one_is_refused_with_its_reason(tmp_path, case):
    table, reason = WRONG_FRAMES[case]
    write(tmp_path / FAULTY_TRAINING, table)
    message = refusal(tmp_path, runs=[1] if case in ("no rows", "another fault") else None)
    assert message.startswith(f"FOLDER/{FAULTY_TRAINING}: ")
    assert reason in message


def test_cell_outside_the_selection_is_not_looked_at(tmp_path):
    write(tmp_path / FAULTY_TRAINING, WRONG_FRAMES["NaN"][0])  # in run 2
    [run] = load_tep_rieth(tmp_path, faults=[1], runs=[1], parts="train").train
    assert_run_is(run, 1, 1, TRAIN_ROWS)


def test_run_or_fault_that_the_file_lacks_is_named_with_what_it_has(published_form, tmp_path):
    message = refusal(published_form, faults=[3], runs=[2, 501])
    assert message == (
        f"FOLDER/{FAULTY_TRAINING}: no run 501 of fault 3; it has runs 1 to 3 of it: choose others"
    )
    write(tmp_path / FAULTY_TRAINING, frame([2, 5, 9], [1], TRAIN_ROWS))
    message = refusal(tmp_path, faults=[2, 3], runs=None)
    assert "no run of fault 3; it has faults 2, 5, 9: choose others" in message


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"faults": [21]}, "faults: 21, but needed are whole numbers from 0 to 20"),
        ({"faults": [1, -1]}, "faults: -1, but needed"),
        ({"faults": []}, "faults: [], but needed"),
        ({"faults": 2.5}, "faults: 2.5, but needed"),
        ({"faults": [True]}, "faults: True, but needed"),
        ({"faults": "12"}, "faults: '1', but needed"),
        ({"runs": [0]}, "runs: 0, but needed are whole numbers from 1, for example runs=[1, 2]"),
        ({"runs": ["1"]}, "runs: '1', but needed"),
        (
            {"parts": ["train", "testing"]},
            "parts: 'testing', but needed is 'train', 'test' or both",
        ),
        ({"parts": ()}, "parts: (), but needed is"),
    ],
)
def test_selection_that_cannot_be_is_refused(published_form, options, reason):
    assert refusal(published_form, ParameterError, **options).startswith(reason)


def test_single_number_selects_as_a_list_of_one(published_form):
    [run] = load_tep_rieth(published_form, faults=4, runs=2, parts="train").train
    assert_run_is(run, 4, 2, TRAIN_ROWS)


def test_missing_files_and_folders_are_named(published_form, tmp_path):
    need = "pass the folder with the RData files of Rieth et al. (2017), https://doi.org/"
    assert refusal(tmp_path / "none").startswith("folder 'FOLDER' does not exist; " + need)
    assert refusal(published_form / FAULTY_TRAINING).startswith("'FOLDER' is a file, not a folder;")
    message = refusal(tmp_path, faults=[0, 1], parts=["train", "test"])
    assert message.startswith(
        "folder 'FOLDER' lacks TEP_FaultFree_Training.RData, TEP_Faulty_Training.RData, "
        "TEP_FaultFree_Testing.RData, TEP_Faulty_Testing.RData; pass"
    )
    (tmp_path / FAULTY_TRAINING).mkdir()
    assert "lacks TEP_Faulty_Training.RData" in refusal(tmp_path)


@pytest.mark.parametrize(
    "objects",
    [
        {"a": GOOD, "b": GOOD},
        {"a": np.array([1.0, 2.0]), "b": GOOD},
        {"a": np.array([1.0, 2.0])},
        {"a": ["text"]},
        {},
    ],
    ids=["two frames", "vector and frame", "vector", "text", "nothing"],
)
def test_other_objects_than_one_data_frame_are_refused(tmp_path, objects):
    write_rdata(tmp_path / FAULTY_TRAINING, objects)
    assert refusal(tmp_path) == (
        f"FOLDER/{FAULTY_TRAINING}: the file does not hold one data frame; save one data frame "
        "and nothing else"
    )


def test_files_that_are_no_rdata_say_so(tmp_path):
    path = tmp_path / FAULTY_TRAINING
    path.write_bytes(b"")
    assert refusal(tmp_path) == (
        f"FOLDER/{FAULTY_TRAINING}: the file is empty; copy or download it again"
    )
    path.write_bytes(b"<!DOCTYPE html><title>Access denied</title>")
    assert "not an RData file (it begins with b'<!DOCTY')" in refusal(tmp_path)
    path.write_bytes(gzip.compress(b"faultNumber,simulationRun\n1,1\n"))
    assert "not an RData file (it begins with b'faultNu')" in refusal(tmp_path)
    write(path, GOOD, pack=lambda content: content[len(b"RDX2\n") :])  # as R's saveRDS
    assert "not an RData file (it begins with b'X" in refusal(tmp_path)
    path.write_bytes(b"RDA3\nA\n3\n262657\n197888\n5\nUTF-8\n")
    assert "R data in a form that is not read (it begins with b'RDA3" in refusal(tmp_path)


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bytes], ids=["gz", "xz", "plain"])
@pytest.mark.parametrize("keep", [0.02, 0.5, 0.97, 0.9999])
def test_download_that_broke_off_is_called_incomplete(tmp_path, pack, keep):
    path = tmp_path / FAULTY_TRAINING
    write(path, GOOD, pack=bytes)
    content = pack(path.read_bytes())
    path.write_bytes(content[: int(len(content) * keep)])
    assert "damaged or incomplete R data (" in refusal(tmp_path)


def test_flipped_byte_in_a_compressed_file_is_noticed(tmp_path):
    path = tmp_path / FAULTY_TRAINING
    write(path, GOOD, pack=bytes)
    # stored, not deflated: only the checksum tells that a number has changed
    content = bytearray(gzip.compress(path.read_bytes(), compresslevel=0))
    content[content.index(struct.pack(">d", cell(1, 2, 3, 17))) + 7] ^= 1
    path.write_bytes(content)
    assert "damaged or incomplete R data (CRC check failed" in refusal(tmp_path)
    content = content[: len(content) // 2] + b"\0\0" + content[len(content) // 2 :]
    path.write_bytes(content)
    assert "damaged or incomplete R data (" in refusal(tmp_path)


def test_no_damage_ends_in_anything_but_one_line(tmp_path):
    path = tmp_path / FAULTY_TRAINING
    write(path, frame([1], [1], TRAIN_ROWS), pack=bytes)
    whole = path.read_bytes()
    draw = random.Random(5)
    outcomes = Counter()
    for _ in range(150):
        content = bytearray(whole)
        # half of the damage in the structure at both ends, where lengths and types stand
        ends = [draw.randrange(90), len(content) - 1 - draw.randrange(900)]
        for _ in range(draw.choice([1, 1, 3])):
            position = draw.choice([*ends, draw.randrange(len(content))])
            content[position] ^= 1 << draw.randrange(8)
        path.write_bytes(content)
        try:
            load_tep_rieth(tmp_path, faults=[1], parts="train")
            outcomes["read"] += 1
        except InputError as error:
            outcomes["refused" if "\n" not in str(error) else "several lines"] += 1
    assert outcomes.keys() == {"read", "refused"}
    assert outcomes["refused"] > 50, outcomes
    assert outcomes["read"] > 5, outcomes  # a changed digit is no damage that a reader can see


def test_missing_package_is_named_with_its_extra(published_form, monkeypatch):
    def absent(module, extra):
        raise MissingExtraError(f"this step needs {module}: pip install 'dccad[{extra}]'")

    monkeypatch.setattr(r_data, "require", absent)
    assert "dccad[rdata]" in refusal(published_form, MissingExtraError)


def test_too_little_memory_is_no_traceback(published_form, monkeypatch):
    def exhausted(*_):
        raise MemoryError

    monkeypatch.setattr(r_data, "_parse", exhausted)
    assert refusal(published_form) == (
        f"FOLDER/{FAULTY_TRAINING}: not enough memory; select fewer runs, or, if the file may be "
        "damaged, copy or download it again"
    )
