"""The RData files of Rieth et al.: every run in its place, and every way a file can be wrong."""

import itertools

import numpy as np
import pytest

from dccad.datasets.tep import r_data
from dccad.datasets.tep import rieth as tep_rieth
from dccad.datasets.tep.classic import COLUMNS, UNITS
from dccad.datasets.tep.rieth import load_tep_rieth
from dccad.errors import DccadWarning, ParameterError
from rdata_writer import MISSING_INTEGER, Factor, Sequence, Wrapped
from rieth_files import (
    FAULT_FREE_TESTING,
    FAULT_FREE_TRAINING,
    FAULTY_TESTING,
    FAULTY_TRAINING,
    GOOD,
    TEST_ROWS,
    TRAIN_ROWS,
    assert_run_is,
    cell,
    frame,
    refusal,
    whole,
    write,
)

pytestmark = pytest.mark.filterwarnings("ignore:not the published:dccad.errors.DccadWarning")


def select(table, rows):
    return {name: column[rows] for name, column in table.items()}


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


def without(table, run, sample):
    return select(table, ~((table["simulationRun"] == run) & (table["sample"] == sample)))


def put(table, name, row, value):
    column = table[name].copy()
    column[row] = value
    return {**table, name: column}


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
