"""The peeling machine's workbooks: written, read, refused; and cut into runs as promised."""

import datetime as dt
import itertools
import os
import re
import warnings

import fastexcel
import numpy as np
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import FAST
from dccad import DCCA
from dccad.datasets.machining.preparation import load_peeling, prepare_peeling
from dccad.datasets.machining.recordings import find_workbooks, read_peeling_workbooks
from dccad.datasets.machining.simulation import simulate_peeling
from dccad.datasets.machining.workbooks import MOST_ROWS, write_peeling_workbooks
from dccad.errors import DccadWarning, InputError, MissingExtraError, ParameterError

HEADER = ["Date", "Time", "Order", "Bar", "Torque", "Label"]
JUNK = [["", "hh:mm", "", "", "N m", "0/1"], ["logger 3", "", 17, "", "", ""]]


def read_one(path, label=None):
    [recording] = read_peeling_workbooks([path], label)
    return recording


@pytest.fixture(scope="module")
def log():
    return simulate_peeling(4, sampling_rate=20.0, seed=2)


@pytest.fixture
def workbook(tmp_path):
    """Write torque and label cells, or whole rows, as the company's logger does."""

    def write(torque=(), labels=None, *, name="log.xlsx", rows=None, header=None, sheets=("log",)):
        path = tmp_path / name
        if rows is None:
            rows = [
                ["2024-03-04", f"06:00:{k:02}", "PO-1", k]
                + [value]
                + ([] if labels is None else [labels[k]])
                for k, value in enumerate(torque)
            ]
        width = 5 if labels is None and header is None else len(header or HEADER)
        with xlsxwriter.Workbook(path, {"nan_inf_to_errors": True}) as book:
            date = book.add_format({"num_format": "yyyy-mm-dd"})
            for sheet_name in sheets:
                sheet = book.add_worksheet(sheet_name)
                above = [(header or HEADER)[:width], *(row[:width] for row in JUNK)]
                for r, row in enumerate([*above, *rows]):
                    for c, cell in enumerate(row):
                        if isinstance(cell, dt.date):
                            sheet.write_datetime(r, c, cell, date)
                        elif cell not in (None, ""):
                            sheet.write(r, c, cell)
        return path

    return write


def refusal(path, **options):
    with pytest.raises(InputError) as caught:
        load_peeling(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(path), "FILE")


def values(runs):
    return [run.values.ravel().tolist() for run in runs]


# The preparation, written out with loops ----------------------------------------------------------


def naive_preparation(recordings, downsample, fraction, split_at_idle, rate=None):
    """(name, label, values, times) of each training and each test run.

    ``recordings`` are lists of (torque, label) rows; a stretch does not go on in the next one.
    """
    kept = []
    for number, rows in enumerate(recordings):
        for row, (torque, label) in enumerate(rows):
            if torque != 0:
                kept.append((number, row, torque, label))
    n_train = round(fraction * len(kept))
    stretches = []
    for position, (number, row, _, label) in enumerate(kept):
        new = position == 0 or position == n_train
        if not new:
            last_number, last_row, _, last_label = kept[position - 1]
            new = number != last_number or label != last_label
            new = new or (split_at_idle and row != last_row + 1)
        if new:
            stretches.append([])
        stretches[-1].append(position)
    parts = ([], [])
    for number, stretch in enumerate(stretches, start=1):
        means, times = [], []
        for start in range(0, len(stretch) - downsample + 1, downsample):
            block = [kept[position] for position in stretch[start : start + downsample]]
            means.append(sum(row[2] for row in block) / downsample)
            times.append(None if rate is None else block[-1][1] / rate)
        if means:
            part = parts[0] if stretch[0] < n_train else parts[1]
            part.append((f"stretch {number}", kept[stretch[0]][3], means, times))
    return parts


def prepared(torque, labels, **options):
    """The data set, or what is said instead."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DccadWarning)
        try:
            return prepare_peeling(torque, labels, **options)
        except InputError as error:
            return str(error)


def found_preparation(dataset):
    return tuple(
        [
            (
                run.name,
                run.fault,
                run.values[:, 0].tolist(),
                [None] * len(run) if run.time is None else run.time.tolist(),
            )
            for run in runs
        ]
        for runs in (dataset.train, dataset.test)
    )


# quarters, whose sums and means over 1, 2 and 4 rows are exact
torques = st.one_of(st.just(0.0), st.integers(1, 4000).map(lambda n: n / 4))
rows_of_a_log = st.lists(
    st.tuples(torques, st.integers(0, 1), st.integers(1, 9)), min_size=1, max_size=25
).map(lambda parts: [(torque, label) for torque, label, n in parts for _ in range(n)])


@settings(deadline=None, max_examples=150)
@given(
    rows=rows_of_a_log,
    downsample=st.sampled_from([1, 2, 4]),
    fraction=st.floats(0.2, 1.0),
    split_at_idle=st.booleans(),
)
def test_the_preparation_is_the_one_written_out_with_loops(
    rows, downsample, fraction, split_at_idle
):
    expected = naive_preparation([rows], downsample, fraction, split_at_idle, rate=200.0)
    found = prepared(
        *zip(*rows, strict=True),
        downsample=downsample,
        train_fraction=fraction,
        sampling_rate=200.0,
        split_at_idle=split_at_idle,
    )
    if expected[0]:
        assert found_preparation(found) == expected
    else:
        assert re.search("no stretch for training|the machine is idle", found)


@settings(deadline=None, max_examples=100)
@given(rows=rows_of_a_log, downsample=st.integers(1, 7), split_at_idle=st.booleans())
def test_every_cutting_row_is_in_one_run_or_in_a_remainder(rows, downsample, split_at_idle):
    torque, labels = (np.array(column) for column in zip(*rows, strict=True))
    cutting = np.flatnonzero(torque != 0)
    dataset = prepared(
        # each row's torque is its own number, so that a run tells which rows it is of
        np.where(torque != 0, np.arange(len(torque)) + 1.0, 0.0),
        labels,
        downsample=downsample,
        split_at_idle=split_at_idle,
        sampling_rate=1.0,
    )
    if not naive_preparation([rows], downsample, 0.7, split_at_idle)[0]:
        assert isinstance(dataset, str)
        return
    used = set()
    for run in (*dataset.train, *dataset.test):
        for mean, last in zip(run.values[:, 0], run.time.astype(int), strict=True):
            place = int(np.searchsorted(cutting, last))
            block = cutting[place - downsample + 1 : place + 1]
            assert mean == pytest.approx(block.mean() + 1)
            assert set(labels[block].tolist()) == {run.fault}
            assert not used & set(block.tolist())
            used |= set(block.tolist())
            if split_at_idle:
                assert block[-1] - block[0] == downsample - 1
        assert run.labels.tolist() == [run.fault] * len(run)
    n_stretches = 2 + int((np.diff(labels[cutting]) != 0).sum())
    if split_at_idle:
        n_stretches += int((np.diff(cutting) != 1).sum())
    assert len(cutting) - len(used) <= n_stretches * (downsample - 1)


def test_stretches_by_hand():
    #        idle | one stretch over idle time | anomaly | normal | cut | normal  | anomaly
    torque = [0, 0, 2, 4, 6, 0, 0, 8, 10, 99, 5, 7, 0, 1, 3, 5, 9, 0, 4, 4, 6, 6]
    labels = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1]
    dataset = prepare_peeling(torque, labels, downsample=2, train_fraction=0.625)
    assert dataset.name == "peeling"
    # 16 rows of cutting, 10 to train; 99 is the incomplete block, 3 | 5 the cut
    assert values(dataset.train) == [[3.0, 7.0, 54.5], [6.0], [2.0]]
    assert values(dataset.test) == [[7.0], [4.0, 6.0]]
    assert [run.name for run in dataset.train] == ["stretch 1", "stretch 2", "stretch 3"]
    assert [run.name for run in dataset.test] == ["stretch 4", "stretch 5"]
    assert [run.fault for run in dataset.train] == [0, 1, 0]
    assert [run.onset for run in dataset.train] == [None, 0, None]
    assert dataset.train[0].units == ("N m",)


def test_idle_time_can_end_a_stretch():
    torque = [1, 1, 1, 0, 3, 3, 3, 0, 0, 5, 5]
    joined = prepare_peeling(torque, [0] * 11, train_fraction=1.0)
    assert values(joined.train) == [[1.0, 2.0, 3.0, 5.0]]
    split = prepare_peeling(torque, [0] * 11, train_fraction=1.0, split_at_idle=True)
    assert values(split.train) == [[1.0], [3.0], [5.0]]
    assert joined.test == split.test == ()


def test_without_labels_idle_time_ends_a_stretch_unless_told_otherwise():
    torque = [1, 1, 0, 3, 3]
    dataset = prepare_peeling(torque, train_fraction=1.0)
    assert values(dataset.train) == [[1.0], [3.0]]
    assert [(r.fault, r.onset, r.row_labels) for r in dataset.train] == [(None, None, None)] * 2
    joined = prepare_peeling(torque, train_fraction=1.0, split_at_idle=False)
    assert values(joined.train) == [[1.0, 3.0]]


def test_time_is_that_of_the_last_row_of_each_block():
    dataset = prepare_peeling(
        [0, 1, 1, 1, 1, 0, 0, 2, 2], [0] * 9, sampling_rate=10.0, train_fraction=1.0
    )
    assert dataset.train[0].time.tolist() == [0.2, 0.4, 0.8]
    assert prepare_peeling([1, 1], [0, 0], train_fraction=1.0).train[0].time is None


def test_stretches_too_short_to_average_are_left_out_with_a_warning():
    with pytest.warns(DccadWarning) as caught:
        dataset = prepare_peeling(
            [5, 5, 5, 9, 5, 5, 5, 5], [0, 0, 0, 1, 0, 0, 0, 0], downsample=3, train_fraction=1.0
        )
    assert [str(w.message) for w in caught] == [
        "1 of 3 stretches have fewer than downsample=3 rows and are left out; average over fewer "
        "rows to keep them"
    ]
    assert [run.name for run in dataset.train] == ["stretch 1", "stretch 3"]


# Writing ------------------------------------------------------------------------------------------


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


def test_the_order_of_many_files_is_that_of_time(log, tmp_path):
    write_peeling_workbooks(log, tmp_path, n_files=11)
    assert sorted(path.name for path in tmp_path.iterdir())[:2] == [
        "peeling_01.xlsx",
        "peeling_02.xlsx",
    ]
    dataset = load_peeling(tmp_path, sampling_rate=20.0, downsample=1, train_fraction=1.0)
    torque = np.concatenate([run.values[:, 0] for run in dataset.train])
    np.testing.assert_array_equal(torque, log.torque[log.cutting])


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


# Reading ------------------------------------------------------------------------------------------


def test_files_become_the_runs_that_the_loops_give(log, tmp_path):
    write_peeling_workbooks(log, tmp_path, n_files=3)
    rows = list(zip(log.torque.tolist(), log.labels.tolist(), strict=True))
    dataset = load_peeling(tmp_path, downsample=1, sampling_rate=20.0)
    assert found_preparation(dataset) == naive_preparation([rows], 1, 0.7, False, rate=20.0)
    assert dataset.train[0].columns == ("Torque",)

    edges = np.linspace(0, len(rows), 4).round().astype(int)
    parts = [rows[start:stop] for start, stop in itertools.pairwise(edges)]
    dataset = load_peeling(tmp_path, downsample=1, sampling_rate=20.0, as_runs=True)
    expected = naive_preparation(parts, 1, 0.7, False, rate=20.0)
    found = found_preparation(dataset)
    assert [[run[1:] for run in runs] for runs in found] == [
        [run[1:] for run in runs] for runs in expected
    ]
    names = [run[0] for runs in found for run in runs]
    assert names[0] == "peeling_1 stretch 1"
    assert names[-1].startswith("peeling_3 stretch ")
    assert len(set(names)) == len(names)


def test_files_are_taken_in_the_order_of_their_names_numbers_by_value(workbook):
    paths = [
        workbook([k, k], [0, 0], name=f"shift_{k}.xlsx") for k in (10, 9, 2)
    ]  # given in another order
    [run] = load_peeling(paths, downsample=1, train_fraction=1.0).train
    assert run.values.ravel().tolist() == [2, 2, 9, 9, 10, 10]


def test_a_folder_is_all_its_workbooks_and_nothing_else(workbook, tmp_path):
    workbook([3, 3], [0, 0], name="a.xlsx")
    workbook([4, 4], [0, 0], name="B.XLSX")
    for name in ("notes.txt", "~$a.xlsx", ".b.xlsx"):
        (tmp_path / name).write_text("not a workbook")
    [run] = load_peeling(tmp_path, train_fraction=1.0).train
    assert run.values.ravel().tolist() == [3, 4]


def test_the_two_rows_under_the_header_and_the_leading_columns_do_not_matter(workbook):
    rows = [[dt.date(2024, 3, 4), 0.25, "free text", None, 7, 0], [1, "x", None, 9, 8.5, 1]]
    path = workbook(rows=rows, header=["", "", "", "", "Spindle torque", "bad"])
    found = read_one(path, label="bad")
    assert found.torque.tolist() == [7, 8.5]
    assert found.labels.tolist() == [0, 1]
    assert found.column == "Spindle torque"


def test_label_is_found_by_its_values_or_named_or_denied(workbook):
    header = ["a", "b", "c", "d", "torque", "state", "mark"]
    rows = [["", "", "", k, 7.0, k % 2, 1 - k % 2] for k in range(4)]
    path = workbook(rows=rows, header=header)
    assert read_one(path).labels.tolist() == [0, 1, 0, 1]
    assert read_one(path, label=True).labels.tolist() == [0, 1, 0, 1]
    assert read_one(path, label="mark").labels.tolist() == [1, 0, 1, 0]
    assert read_one(path, label=False).labels is None


def test_another_channel_after_the_torque_is_no_label(workbook):
    path = workbook([7, 8, 9], [0, 1, 2.5], header=[*HEADER[:5], "Power"])
    assert read_one(path).labels is None
    path = workbook([7, 8, 9], [None, None, None], header=[*HEADER[:5], "Remark"])
    assert read_one(path).labels is None


def test_truth_values_and_numbers_in_text_count(workbook):
    found = read_one(workbook(["7.5", 8, " 9 "], [True, False, True]))
    assert found.torque.tolist() == [7.5, 8, 9]
    assert found.labels.tolist() == [1, 0, 1]
    assert read_one(workbook([7, 8], ["0", 1])).labels.tolist() == [0, 1]


def test_blank_rows_at_the_end_are_no_samples(workbook):
    rows = [["", "", "", 1, 7, 0], ["", "", "", 1, 8, 1], [None] * 6, [None] * 6]
    assert read_one(workbook(rows=rows)).torque.tolist() == [7, 8]


def test_an_idle_file_among_others_is_no_error(workbook):
    paths = [workbook([0, 0], [0, 0], name="a.xlsx"), workbook([5, 5], [0, 0], name="b.xlsx")]
    for as_runs in (False, True):
        dataset = load_peeling(paths, as_runs=as_runs, train_fraction=1.0)
        assert values(dataset.train) == [[5.0]]


# What a fit may see -------------------------------------------------------------------------------


def test_nothing_of_the_test_part_reaches_the_fit(log, tmp_path):
    def fitted(log, name):
        write_peeling_workbooks(log, tmp_path / name, n_files=2)
        dataset = load_peeling(tmp_path / name, sampling_rate=20.0)
        detector = DCCA(**FAST).fit(list(dataset.train))
        scaling = detector.model_.representation.scaling
        return dataset, scaling.shift.tolist() + scaling.scale.tolist(), detector.threshold_

    cutting = np.flatnonzero(log.cutting)
    n_train = round(0.7 * len(cutting))
    changed = {
        "test": cutting[n_train + 1 :],
        "train": cutting[:n_train],
    }
    dataset, scaling, threshold = fitted(log, "as_it_is")
    for part, rows in changed.items():
        torque = log.torque.copy()
        torque[rows] += 1000.0
        other = type(log)(**{**vars(log), "torque": torque})
        other_dataset, other_scaling, other_threshold = fitted(other, part)
        assert max(run.values.max() for run in getattr(other_dataset, part)) > 1500
        same = (other_scaling, other_threshold) == (scaling, threshold)
        assert same == (part == "test")
    rows = np.concatenate([run.values for run in dataset.train])
    np.testing.assert_allclose(scaling, [rows.mean(), rows.std()])


def test_the_loader_scales_nothing(workbook):
    path = workbook([7.25, 7.25, 800, 800], [0, 0, 0, 0])
    assert values(load_peeling(path, train_fraction=1.0).train) == [[7.25, 800.0]]


def test_windows_go_on_over_idle_time_only_with_a_long_max_gap(log):
    dataset = prepare_peeling(log.torque, log.labels, sampling_rate=20.0)
    longest = max(dataset.train, key=len)
    jumps = int((np.diff(longest.time) > 0.5).sum())
    assert jumps >= 1
    for max_gap, without_score in ((None, 7 * (jumps + 1)), (3600.0, 7)):
        detector = DCCA(**FAST, max_gap=max_gap).fit([longest])
        assert int(np.isnan(detector.decision_scores_).sum()) == without_score


# Bad input ----------------------------------------------------------------------------------------


def test_paths_that_are_no_workbooks(tmp_path, workbook):
    assert refusal(tmp_path / "no.xlsx") == "FILE: no such file; check the path"
    assert refusal(tmp_path) == (
        "FILE: the folder holds no workbook (.xlsx, .xlsm, .xlsb, .xls, .ods); pass the folder "
        "with the machine's spreadsheets"
    )
    (tmp_path / "log.csv").write_text("a,b\n")
    assert refusal(tmp_path / "log.csv") == (
        "FILE: a peeling log is a spreadsheet (.xlsx, .xlsm, .xlsb, .xls, .ods), not .csv; read "
        "other tables with read_table"
    )
    path = workbook([7], [0])
    assert refusal([path, tmp_path]).endswith(" is a folder; pass workbooks, or one folder alone")
    again = tmp_path / ".." / tmp_path.name / path.name
    assert refusal([path, again]).endswith("is given more than once; pass each workbook once")
    assert refusal([]) == "no workbook was given; pass at least one, or a folder of them"


@pytest.mark.parametrize(
    "content", [b"", b"<html><table><tr><td>7</td></tr></table></html>", b"PK\x03\x04" + 99 * b"x"]
)
def test_a_workbook_that_is_none(tmp_path, content):
    path = tmp_path / "log.xlsx"
    path.write_bytes(content)
    assert re.match("FILE: .*workbook", refusal(path))


def test_a_workbook_that_was_cut_short(workbook):
    path = workbook([7, 8], [0, 1])
    path.write_bytes(path.read_bytes()[:-500])
    assert re.match("FILE: .*workbook", refusal(path))


def test_sheets_without_samples(workbook):
    assert refusal(workbook(sheets=())).startswith("FILE: ")
    assert "has no rows below the column names" in refusal(workbook())
    assert "has no rows below the column names" in refusal(workbook(rows=[[None] * 6], labels=[]))


def test_too_few_columns(workbook):
    path = workbook(rows=[["2024-03-04", "06:00", "PO-1", 7.0]], header=HEADER[:4])
    assert refusal(path) == (
        "FILE: 4 columns; needed are 4 about the recording, then the torque, then, where there is "
        "one, the label"
    )
    assert refusal(workbook([7, 8]), label=True) == (
        "FILE: no column after the torque, where the label is expected; pass label=False for files "
        "without one"
    )


def test_a_label_column_that_is_not_there(workbook):
    path = workbook([7, 8], [0, 1])
    assert refusal(path, label="label") == "FILE: no label column 'label'; did you mean 'Label'?"
    assert refusal(path, label="wear") == (
        "FILE: no label column 'wear'; columns after the torque: 'Label'"
    )
    assert refusal(workbook([7, 8]), label="wear") == (
        "FILE: no label column 'wear'; columns after the torque: none"
    )


def test_a_missing_leading_column_is_not_taken_for_torque(workbook):
    path = workbook(
        rows=[["06:00", "PO-1", 1, 7.0, 0], ["06:00", "PO-1", 1, 8.0, 1]], header=HEADER[1:]
    )
    assert refusal(path) == (
        "FILE: column E ('Label') holds nothing but 0 and 1, as a label does; needed is the torque "
        "there, after 4 other columns"
    )


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("see note", "holds 'see note'"),
        ("7,5", "holds '7,5'"),
        (None, "holds no value"),
        (float("nan"), "holds no value"),
        ("#DIV/0!", "holds no value"),
        (dt.date(2024, 3, 4), "holds '2024-03-04"),
    ],
)
@pytest.mark.parametrize("place", [0, 2, 3])
def test_torque_that_is_no_number_is_named_with_its_cell(workbook, cell, shown, place):
    torque = [7, 8, 9, 10]
    torque[place] = cell
    message = refusal(workbook(torque, [0, 0, 1, 1]))
    assert message.startswith(
        f"FILE: torque 'Torque' in row {4 + place} (cell E{4 + place}) {shown}"
    )
    assert message.endswith("; needed is a number: correct the cells, or delete these rows")


def test_more_bad_cells_are_counted(workbook):
    message = refusal(workbook([7, "a", "b", 10, None, 3], [0] * 6))
    assert message == (
        "FILE: torque 'Torque' in row 5 (cell E5) holds 'a' (2 more like it); needed is a number: "
        "correct the cells, or delete these rows"
    )


def test_a_column_of_dates_is_no_torque(workbook):
    message = refusal(workbook([dt.date(2024, 3, 4)] * 3, [0, 0, 1]))
    assert message.startswith("FILE: torque 'Torque' in row 4 (cell E4) holds '2024-03-04")


@pytest.mark.parametrize(
    ("cell", "shown"),
    [(2, "holds '2'"), (0.5, "holds '0.5'"), ("ok", "holds 'ok'"), (None, "holds no value")],
)
def test_labels_other_than_0_and_1_are_named_with_their_cell(workbook, cell, shown):
    path = workbook([7, 8, 9], [0, cell, 1], header=[*HEADER[:5], "State"])
    message = refusal(path, label=True)
    assert message.startswith(f"FILE: label 'State' in row 5 (cell F5) {shown}")
    assert message.endswith("; needed is 0 or 1: correct the cells, or delete these rows")


def test_a_column_named_label_is_not_passed_over_for_one_bad_cell(workbook):
    message = refusal(workbook([7, 8, 9], [0, 2, 1]))
    assert message.startswith(
        "FILE: label 'Label' (taken for one by its name) in row 5 (cell F5) holds '2'"
    )


def test_a_blank_among_labels_is_not_passed_over(workbook):
    path = workbook([7, 8, 9], [0, None, 1], header=[*HEADER[:5], "State"])
    assert refusal(path).startswith("FILE: label 'State' in row 5 (cell F5) holds no value")


def test_files_of_different_columns(workbook):
    paths = [
        workbook([7], [0], name="a.xlsx"),
        workbook([7], [0], name="b.xlsx", header=[*HEADER[:5], "State"]),
    ]
    assert refusal(paths) == (
        f"{paths[1]}: other columns than a.xlsx: missing: 'Label'; not expected: 'State'; pass "
        "files of one form together"
    )


def test_files_of_which_only_some_are_labelled(workbook):
    header = [*HEADER[:5], "State"]
    paths = [
        workbook([7, 8], [0, 1], name="a.xlsx", header=header),
        workbook([7, 8], [0, 3], name="b.xlsx", header=header),
    ]
    assert refusal(paths) == (
        f"{paths[1]}: the column after the torque holds other values than 0 and 1, unlike in "
        "a.xlsx; say whether there is a label (label=True or False)"
    )
    assert refusal(paths, label=True).startswith(f"{paths[1]}: label 'State' in row 5")
    assert len(load_peeling(paths, label=False, train_fraction=1.0).train) == 1


def test_a_machine_that_never_cuts(workbook):
    assert refusal(workbook([0, 0, 0], [0, 1, 0])) == (
        "all 3 torque values are 0, so the machine is idle throughout; pass a log in which it cuts"
    )


def test_nothing_long_enough_to_average(workbook):
    with pytest.warns(DccadWarning, match="2 of 2 stretches"):
        message = refusal(workbook([7, 8, 9], [0, 0, 1]), downsample=3)
    assert message == (
        "no stretch for training has downsample=3 rows; average over fewer rows, or pass a longer "
        "log"
    )


def test_options_out_of_range_are_all_listed(workbook):
    with pytest.raises(ParameterError) as caught:
        load_peeling(workbook([7], [0]), downsample=0, train_fraction=1.5, sampling_rate=-1)
    assert str(caught.value) == (
        "downsample=0: needed is a whole number, at least 1; train_fraction=1.5: needed is "
        "0 < fraction ≤ 1; sampling_rate=-1: needed is a positive number"
    )


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match=r"torque has shape \(2, 1\) or NaN"):
        prepare_peeling([[1], [2]])
    with pytest.raises(InputError, match=r"torque has shape .* or NaN"):
        prepare_peeling([1.0, float("nan")])
    for labels in ([0], [0, 2], [0.0, float("nan")]):
        with pytest.raises(InputError, match="labels must be 2 times 0 or 1"):
            prepare_peeling([1.0, 2.0], labels)
