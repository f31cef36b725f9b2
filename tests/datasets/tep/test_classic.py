"""The classic Tennessee Eastman files: what they hold, and every way in which they can be wrong."""

import re
import time

import numpy as np
import pytest

from dccad.datasets.dataset import Dataset
from dccad.datasets.tep.classic import COLUMNS, FAULTS, SAMPLE_SECONDS, UNITS, VARIABLES, load_tep
from dccad.errors import DccadWarning, InputError

pytestmark = pytest.mark.filterwarnings("ignore:not the published:dccad.errors.DccadWarning")


def naive_table(path):
    return [[float(cell) for cell in line.split()] for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def classic(classic_folder):
    return load_tep(classic_folder)


def test_fault_free_training_run_is_turned_the_right_way_round(classic, classic_folder):
    stored = naive_table(classic_folder / "d00.dat")  # one line per variable
    run = classic.train_run(0)
    assert (len(stored), len(stored[0])) == (52, 500)
    assert run.values.shape == (500, 52)
    assert run.values[:3, 0].tolist() == [0.24987, 0.25118, 0.25185] == stored[0][:3]
    assert run.values[499, 51] == stored[51][499]
    assert run.values.flags.c_contiguous


@pytest.mark.parametrize(("name", "fault", "split"), [("d01", 1, "train"), ("d14_te", 14, "test")])
def test_values_are_those_of_a_naive_parser(classic, classic_folder, name, fault, split):
    run = classic.train_run(fault) if split == "train" else classic.test_run(fault)
    assert run.name == name
    assert run.values.dtype == np.float64
    assert run.values.tolist() == naive_table(classic_folder / f"{name}.dat")


def test_variables_stand_in_the_documented_columns(classic):
    normal = dict(zip(COLUMNS, classic.test_run(0).values.mean(axis=0), strict=True))
    assert normal["xmeas_7"] == pytest.approx(2705, abs=2)  # reactor pressure, kPa gauge
    assert normal["xmeas_9"] == pytest.approx(120.4, abs=0.1)  # reactor temperature, °C
    assert normal["xmeas_40"] == pytest.approx(53.7, abs=0.5)  # G in the product, mol %
    assert normal["xmv_10"] == pytest.approx(41.1, abs=0.5)  # reactor cooling water, %


def test_onset_of_every_run_is_where_its_fault_starts(classic):
    assert classic.name == "tep"
    assert classic.faults == tuple(range(1, 22))
    assert [run.fault for run in classic.train] == list(range(22))
    assert [run.onset for run in classic.train] == [None] + [0] * 21
    assert [run.onset for run in classic.test] == [None] + [160] * 21
    assert [len(run) for run in classic.train] == [500] + [480] * 21
    assert [len(run) for run in classic.test] == [960] * 22
    assert classic.test_run(6).labels.sum() == 800


def test_published_files_give_no_warning(classic_folder, recwarn):
    load_tep(classic_folder)
    assert not [w for w in recwarn if issubclass(w.category, DccadWarning)]


def test_loading_all_44_files_does_not_keep_the_user_waiting(classic_folder):
    start = time.process_time()
    load_tep(classic_folder)
    assert time.process_time() - start < 2


def test_every_variable_has_name_unit_and_description():
    assert len(VARIABLES) == len(set(COLUMNS)) == len(UNITS) == 52
    assert COLUMNS[:2] + COLUMNS[40:42] + COLUMNS[51:] == (
        "xmeas_1",
        "xmeas_2",
        "xmeas_41",
        "xmv_1",
        "xmv_11",
    )
    by_name = {v.name: (v.unit, v.description) for v in VARIABLES}
    assert by_name["xmeas_13"] == ("kPa gauge", "separator pressure")
    assert by_name["xmeas_30"] == ("mol %", "component B in the purge gas")
    assert by_name["xmeas_41"] == ("mol %", "component H in the product")
    assert by_name["xmv_4"] == ("%", "A and C feed valve (stream 4)")
    assert sorted(FAULTS) == list(range(1, 22))
    assert SAMPLE_SECONDS == 180


# Small files in the true layout; every cell tells its run, row and column.


def cells(fault, n_rows):
    return 1000.0 * fault + np.arange(n_rows)[:, None] + np.arange(52) / 100


def write(path, matrix):
    lines = ["   " + "   ".join(f"{cell:.7e}" for cell in row) for row in matrix]
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "d00.dat", cells(0, 50).T)
    write(tmp_path / "d00_te.dat", cells(0, 170))
    for fault in range(1, 22):
        write(tmp_path / f"d{fault:02d}.dat", cells(fault, 40))
        write(tmp_path / f"d{fault:02d}_te.dat", cells(fault, 170))
    return tmp_path


def refusal(folder):
    with pytest.raises(InputError) as caught:
        load_tep(folder)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(folder), "FOLDER")


def replace_line(path, number, line):
    lines = path.read_text().splitlines()
    lines[number - 1] = line(lines[number - 1])
    path.write_text("\n".join(lines) + "\n")


def test_rows_and_columns_keep_their_places(folder):
    dataset = load_tep(str(folder))
    np.testing.assert_allclose(dataset.train_run(0).values, cells(0, 50), rtol=1e-7)
    np.testing.assert_allclose(dataset.test_run(21).values, cells(21, 170), rtol=1e-7)


def test_fault_free_run_already_turned_round_reads_the_same(folder):
    before = load_tep(folder).train_run(0).values
    write(folder / "d00.dat", cells(0, 50))
    np.testing.assert_array_equal(load_tep(folder).train_run(0).values, before)


@pytest.mark.filterwarnings("default:not the published:dccad.errors.DccadWarning")
def test_truncated_files_are_reported(folder):
    with pytest.warns(DccadWarning, match=r"d00\.dat has 50 rows instead of 500, and 43 more"):
        load_tep(folder)


def test_missing_folder_is_refused():
    assert refusal("no/such/folder") == (
        "folder 'FOLDER' does not exist; pass the folder that holds d00.dat … d21.dat and "
        "d00_te.dat … d21_te.dat"
    )


def test_file_in_place_of_the_folder_is_refused(folder):
    assert "is a file, not a folder" in refusal(folder / "d00.dat")


def test_missing_files_are_named(folder):
    (folder / "d07.dat").unlink()
    (folder / "d21_te.dat").unlink()
    assert "lacks 2 of the 44 Tennessee Eastman files: d07.dat, d21_te.dat;" in refusal(folder)
    for fault in range(10, 15):
        (folder / f"d{fault}.dat").unlink()
    assert "d10.dat, d11.dat, d12.dat, d13.dat and 2 more;" in refusal(folder)


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_empty_file_is_refused(folder, content):
    (folder / "d03.dat").write_text(content)
    assert refusal(folder) == "FOLDER/d03.dat: the file is empty; copy it again"


@pytest.mark.parametrize("width", [51, 53])
def test_wrong_number_of_columns_is_refused(folder, width):
    write(folder / "d05_te.dat", np.ones((170, width)))
    assert refusal(folder) == (
        f"FOLDER/d05_te.dat: {width} columns; needed are 52: XMEAS(1) to XMEAS(41), then XMV(1) "
        "to XMV(11)"
    )


def test_wrong_shape_of_the_transposed_file_names_both_orientations(folder):
    write(folder / "d00.dat", np.ones((51, 50)))
    assert "50 columns; needed are 52 (or 52 rows, as published)" in refusal(folder)


def test_only_the_fault_free_training_run_may_be_transposed(folder):
    write(folder / "d01.dat", cells(1, 40).T)
    assert "d01.dat: 40 columns; needed are 52:" in refusal(folder)


def test_ragged_row_is_refused(folder):
    replace_line(folder / "d02.dat", 17, lambda line: line.rsplit(None, 1)[0])
    assert refusal(folder) == (
        "FOLDER/d02.dat: row 17 (counted from 1) has 51 columns, the first has 52; every row needs "
        "the same number: copy the file again"
    )


@pytest.mark.parametrize("cell", ["abc", "nan", "-inf", "1.0D+00", "2,5"])
def test_cell_that_is_no_finite_number_is_named(folder, cell):
    def spoil(line):
        parts = line.split()
        return " ".join([*parts[:43], cell, *parts[44:]])

    replace_line(folder / "d11.dat", 9, spoil)
    assert refusal(folder) == (
        f"FOLDER/d11.dat: row 9, column 44 (xmv_3; counted from 1) holds {cell!r}, which is not a "
        "finite number; correct the cell or copy the file again"
    )


def test_cell_of_the_transposed_file_is_named_by_its_own_variable(folder):
    replace_line(folder / "d00.dat", 42, lambda line: "oops " + line.split(None, 1)[1])
    assert "row 42, column 1 (xmv_1; counted from 1) holds 'oops'" in refusal(folder)


def test_binary_file_is_refused(folder):
    (folder / "d04.dat").write_bytes(bytes(range(256)))
    assert "d04.dat: row 1, column 1 (xmeas_1; counted from 1) holds" in refusal(folder)


def test_test_run_that_ends_before_its_fault_is_refused(folder):
    write(folder / "d08_te.dat", cells(8, 160))
    assert "d08_te.dat: 160 rows, but the fault starts at row 160" in refusal(folder)


def test_unknown_fault_is_refused_with_those_there_are(folder):
    dataset = load_tep(folder)
    with pytest.raises(InputError, match=re.escape("no test run of fault 22; it has these: 0, 1,")):
        dataset.test_run(22)
    with pytest.raises(InputError, match="no training run of fault 0; it has these: none"):
        Dataset("nothing", (), ()).train_run(0)
