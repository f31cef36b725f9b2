"""A peeling log is cut into runs as plain loops cut it."""

import itertools
import re
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import FAST
from dccad import DCCA
from dccad.datasets.machining.preparation import load_peeling, prepare_peeling
from dccad.datasets.machining.simulation import simulate_peeling
from dccad.datasets.machining.workbooks import write_peeling_workbooks
from dccad.errors import DccadWarning, InputError, ParameterError
from peeling_books import refusal, values


@pytest.fixture(scope="module")
def log():
    return simulate_peeling(4, sampling_rate=20.0, seed=2)


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


def test_the_order_of_many_files_is_that_of_time(log, tmp_path):
    write_peeling_workbooks(log, tmp_path, n_files=11)
    assert sorted(path.name for path in tmp_path.iterdir())[:2] == [
        "peeling_01.xlsx",
        "peeling_02.xlsx",
    ]
    dataset = load_peeling(tmp_path, sampling_rate=20.0, downsample=1, train_fraction=1.0)
    torque = np.concatenate([run.values[:, 0] for run in dataset.train])
    np.testing.assert_array_equal(torque, log.torque[log.cutting])


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


def test_an_idle_file_among_others_is_no_error(workbook):
    paths = [workbook([0, 0], [0, 0], name="a.xlsx"), workbook([5, 5], [0, 0], name="b.xlsx")]
    for as_runs in (False, True):
        dataset = load_peeling(paths, as_runs=as_runs, train_fraction=1.0)
        assert values(dataset.train) == [[5.0]]


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
