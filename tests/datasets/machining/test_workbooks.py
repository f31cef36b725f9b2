"""The peeling machine's workbooks are written whole, and are read back as they were."""

import datetime as dt
import itertools
import os
import re

import fastexcel
import numpy as np
import pytest

from dccad.datasets.machining.preparation import load_peeling
from dccad.datasets.machining.recordings import find_workbooks
from dccad.datasets.machining.simulation import simulate_peeling
from dccad.datasets.machining.workbooks import MOST_ROWS, write_peeling_workbooks
from dccad.errors import InputError, MissingExtraError, ParameterError
from peeling_books import read_one


@pytest.fixture(scope="module")
def log():
    return simulate_peeling(4, sampling_rate=20.0, seed=2)


def test_what_is_written_is_read_back_to_the_last_digit(log, tmp_path):
    paths = write_peeling_workbooks(log, tmp_path / "books", n_files=3)
    assert [path.name for path in paths] == ["peeling_1.xlsx", "peeling_2.xlsx", "peeling_3.xlsx"]
    found = [read_one(path) for path in paths]
    np.testing.assert_array_equal(np.concatenate([r.torque for r in found]), log.torque)
    np.testing.assert_array_equal(np.concatenate([r.labels for r in found]), log.labels)
    assert {len(r.torque) - len(log) // 3 for r in found} <= {0, 1}


def test_the_workbooks_have_the_form_of_the_company(log, tmp_path):
    [path] = write_peeling_workbooks(log, tmp_path, n_files=1)
    sheet = fastexcel.read_excel(path).load_sheet(0, header_row=None, skip_rows=0, dtypes="string")
    rows = sheet.to_polars().rows()
    assert rows[0] == ("Date", "Time", "Order", "Bar", "Torque", "Label")
    assert rows[1][4] == "N m"
    assert len(rows) == 3 + len(log)
    first = int(np.argmax(log.cutting))
    stamp = dt.datetime(2024, 3, 4, 6) + dt.timedelta(seconds=first / 20)
    assert rows[3 + first][:4] == ("2024-03-04", f"{stamp:%H:%M:%S.%f}", "PO-1", "1")
    assert rows[3][3] is None  # no bar while idle


def test_the_same_log_gives_the_same_bytes(log, tmp_path):
    first = write_peeling_workbooks(log, tmp_path / "a", n_files=2)
    again = write_peeling_workbooks(log, tmp_path / "b", n_files=2)
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in again]


def test_workbooks_of_an_earlier_call_are_replaced_and_others_left_alone(log, tmp_path):
    write_peeling_workbooks(log, tmp_path, n_files=2)
    other = simulate_peeling(4, sampling_rate=20.0, seed=5)
    write_peeling_workbooks(other, tmp_path, n_files=2)
    assert load_peeling(tmp_path).train[0].values[0] != 0
    with pytest.raises(InputError) as caught:
        write_peeling_workbooks(log, tmp_path, n_files=1)
    assert str(caught.value) == (
        f"{tmp_path} holds other workbooks (peeling_2.xlsx), which would be read as parts of this "
        "log; remove them or choose another folder"
    )
    torque = np.concatenate([read_one(p).torque for p in find_workbooks(tmp_path)])
    np.testing.assert_array_equal(torque, other.torque)


def test_workbooks_are_written_all_or_not_at_all(log, tmp_path, monkeypatch):
    write_peeling_workbooks(log, tmp_path, n_files=2)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    calls = itertools.count()

    def full(descriptor):
        if next(calls) == 1:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_peeling_workbooks(simulate_peeling(4, sampling_rate=20.0), tmp_path, n_files=2)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(("n_files", "most"), [(0, 10**6), (1.5, 10**6), (10**9, 10**6), (2, 99)])
def test_a_number_of_files_that_cannot_hold_the_rows(log, tmp_path, monkeypatch, n_files, most):
    assert MOST_ROWS == 1_048_573
    monkeypatch.setattr("dccad.datasets.machining.workbooks.MOST_ROWS", most)
    needed = (
        f"n_files={n_files}: needed is a whole number from {-(-len(log) // most)} to {len(log)}"
    )
    with pytest.raises(ParameterError, match=f"^{re.escape(needed)}, because a sheet holds"):
        write_peeling_workbooks(log, tmp_path, n_files=n_files)
    assert not list(tmp_path.iterdir())


def test_writing_without_xlsxwriter_names_the_extra(log, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "xlsxwriter", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'dccad\[spreadsheets\]'"):
        write_peeling_workbooks(log, tmp_path)
