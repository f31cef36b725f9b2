"""SKAB: experiments as they stand in the files, and one line for a file that is not one of them."""

import csv

import numpy as np
import pytest

from conftest import CLASSIC
from dccad.datasets.skab import SENSORS, TRAIN_ROWS, load_skab
from dccad.errors import InputError
from dccad.logs.runs import split_at_gaps

HEADER = ["datetime", *SENSORS, "anomaly", "changepoint"]
START = np.datetime64("2020-03-09T10:14:33")


def cell(number, row, sensor):
    return 1000 * number + row + sensor / 10


def rows(number, n_rows, labelled=True):
    """One file's lines; each cell tells its file, row and sensor."""
    lines = []
    for row in range(n_rows):
        stamp = str(START + np.timedelta64(row, "s")).replace("T", " ")
        line = [stamp, *(str(cell(number, row, sensor)) for sensor in range(8))]
        if labelled:
            line += [str(float(5 <= row < 8)), str(float(row in (5, 8)))]
        lines.append(line)
    return lines


def write(path, lines, header=HEADER, end="\r\n"):  # the published files have Windows line ends
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(end.join(";".join(line) for line in [header, *lines, []]).encode())


@pytest.fixture
def folder(tmp_path):
    for name in (0, 1, 2, 10):
        write(tmp_path / "valve1" / f"{name}.csv", rows(name, 12))
    write(tmp_path / "valve2" / "0.csv", rows(20, 15))
    write(tmp_path / "other" / "9.csv", rows(30, 11))
    write(tmp_path / "anomaly-free" / "anomaly-free.csv", rows(40, 30, False), HEADER[:9])
    return tmp_path


@pytest.fixture(scope="module")
def published():
    path = CLASSIC.parent / "skab"
    if not (path / "valve1").is_dir():
        pytest.skip(f"the SKAB files are not at {path}")
    return path


# Reading ------------------------------------------------------------------------------------------


def test_experiments_come_in_the_order_of_their_numbers(folder):
    data = load_skab(folder)
    assert data.name == "skab"
    assert [run.name for run in data.test] == [
        "valve1/0",
        "valve1/1",
        "valve1/2",
        "valve1/10",
        "valve2/0",
        "other/9",
    ]
    assert [run.name for run in data.train] == ["anomaly-free/anomaly-free"]


def test_every_cell_label_and_stamp_is_where_the_file_has_it(folder):
    data = load_skab(folder)
    numbers = [0, 1, 2, 10, 20, 30]
    for number, run in zip(numbers, data.test, strict=True):
        row = np.arange(len(run))
        np.testing.assert_allclose(run.values, cell(number, row[:, None], np.arange(8)), rtol=1e-15)
        assert run.labels.tolist() == [int(5 <= r < 8) for r in row]
        assert (run.time == START + row * np.timedelta64(1, "s")).all()
        assert run.time.dtype == "datetime64[ns]"
        assert run.columns == tuple(SENSORS)
        assert dict(zip(run.columns, run.units, strict=True)) == SENSORS
        assert (run.onset, run.fault) == (None, None)
    [quiet] = data.train
    assert quiet.values[29, 7] == cell(40, 29, 7)
    assert (quiet.fault, quiet.row_labels, quiet.labels.sum()) == (0, None, 0)


def test_labels_are_no_sensor(folder):
    for run in load_skab(folder).test:
        assert not {"anomaly", "changepoint", "datetime"} & set(run.columns)


def test_recording_without_anomalies_may_be_missing(folder):
    (folder / "anomaly-free" / "anomaly-free.csv").unlink()
    assert load_skab(folder).train == ()
    (folder / "anomaly-free").rmdir()
    data = load_skab(folder)
    assert data.train == ()
    assert len(data.test) == 6


def test_other_files_in_the_folders_are_left_alone(folder):
    (folder / "valve1" / "readme.txt").write_text("about")
    (folder / "valve1" / "3.csv").mkdir()
    assert len(load_skab(folder).test) == 6


def test_line_ends_of_another_system_do_not_matter(folder):
    write(folder / "valve2" / "0.csv", rows(20, 15), end="\n")
    np.testing.assert_array_equal(load_skab(folder).test[4].values[:, 0], 20000 + np.arange(15.0))


# The published files ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["valve1/15", "valve2/3"])
def test_published_values_are_those_of_a_naive_parser(published, name):
    with (published / f"{name}.csv").open(newline="") as stream:
        lines = list(csv.DictReader(stream, delimiter=";"))
    [run] = [run for run in load_skab(published).test if run.name == name]
    assert run.values.tolist() == [[float(line[name]) for name in SENSORS] for line in lines]
    assert run.labels.tolist() == [int(float(line["anomaly"])) for line in lines]
    assert [str(stamp)[:19] for stamp in run.time] == [
        line["datetime"].replace(" ", "T") for line in lines
    ]


def test_no_published_experiment_has_an_anomaly_in_the_rows_to_train_on(published):
    data = load_skab(published)
    assert len(data.test) >= 20
    for run in data.test:
        assert not run.labels[:TRAIN_ROWS].any()
        assert run.labels[TRAIN_ROWS:].any()
        assert not run.labels[-10:].any()
    [quiet] = data.train
    assert len(quiet) == 9405


def test_gaps_of_a_minute_are_there_for_windows_to_keep_away_from(published):
    runs = {run.name: run for run in load_skab(published).test}
    assert [len(part) for part in split_at_gaps(runs["valve1/7"], max_gap=10)] != [1094]
    assert len(split_at_gaps(runs["valve1/0"], max_gap=10)) == 1


# Refusing -----------------------------------------------------------------------------------------


def refusal(folder):
    with pytest.raises(InputError) as caught:
        load_skab(folder)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(folder), "FOLDER")


def test_missing_or_empty_folders_are_named(folder, tmp_path):
    need = "pass the folder 'data' of SKAB, with valve1, valve2 … in it (https://github.com/"
    assert refusal(tmp_path / "none").startswith(f"folder 'FOLDER' does not exist; {need}")
    file = folder / "valve1" / "0.csv"
    assert refusal(file).startswith(f"'FOLDER' is a file, not a folder; {need}")
    assert refusal(folder / "valve1").startswith(
        f"folder 'FOLDER' has no CSV file in valve1, valve2, other; {need}"
    )


def changed(line, column, text):
    lines = rows(1, 12)
    lines[line - 2][HEADER.index(column)] = text
    return lines


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (
            changed(5, "Pressure", "n/a"),
            "line 5, column 'Pressure' holds 'n/a', but needed is a finite number",
        ),
        (changed(13, "Voltage", ""), "line 13, column 'Voltage' is blank, but needed is a finite"),
        (changed(2, "Current", "inf"), "line 2, column 'Current' holds 'inf', but needed is a fi"),
        (changed(3, "Current", "nan"), "line 3, column 'Current' holds 'nan', but needed is a fi"),
        (changed(3, "Current", "0,25"), "line 3, column 'Current' holds '0,25', but needed is a"),
        (
            changed(4, "anomaly", "2.0"),
            "line 4, column 'anomaly' holds '2.0', but needed is 0 or 1",
        ),
        (changed(4, "anomaly", ""), "line 4, column 'anomaly' is blank, but needed is"),
        (
            changed(4, "changepoint", "0.5"),
            "line 4, column 'changepoint' holds '0.5', but needed is 0 or 1",
        ),
        (
            changed(6, "datetime", "09.03.2020 10:14:37"),
            "line 6, column 'datetime' holds '09.03.2020 10:14:37', but needed is a time stamp as",
        ),
        (changed(2, "datetime", ""), "line 2, column 'datetime' is blank, but needed is a time st"),
        (
            changed(6, "datetime", "2020-03-09 10:14:36"),  # that of line 5
            "line 6, column 'datetime' holds '2020-03-09 10:14:36', but needed is a time stamp "
            "later than the one before; correct the cell or copy the file again",
        ),
        (
            changed(6, "datetime", "2019-03-09 10:14:37"),
            "line 6, column 'datetime' holds '2019-03-09 10:14:37', but needed is a time stamp lat",
        ),
        ([], "no rows below the column names; copy it again"),
        ([*rows(1, 3), ["2020-03-09 10:14:36", "1"]], "line 5, column 'Accelerometer2RMS' is bla"),
        ([*rows(1, 3), ["x"] * 12], "not readable as CSV ("),
    ],
)
def test_bad_cell_is_shown_with_its_line(folder, lines, reason):
    write(folder / "valve1" / "1.csv", lines)
    message = refusal(folder)
    assert message.startswith(f"FOLDER/valve1/1.csv: {reason}")


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (HEADER[:-1], "(missing: 'changepoint')"),
        ([*HEADER, "note"], "(not expected: 'note')"),
        (HEADER[:9], "(missing: 'anomaly', 'changepoint')"),
        (["datetime", *HEADER[2:4], HEADER[1], *HEADER[4:]], "(the order differs: 'Acceleromete"),
        ([",".join(HEADER)], "(missing: 'datetime', "),
        (["", *HEADER[1:]], "(missing: 'datetime'; not expected: "),
    ],
)
def test_other_columns_than_the_published_are_refused(folder, header, reason):
    lines = [line[: len(header)] + ["0"] * (len(header) - len(line)) for line in rows(1, 5)]
    write(folder / "valve2" / "0.csv", lines, header)
    message = refusal(folder)
    assert message.startswith(f"FOLDER/valve2/0.csv: other columns than in SKAB {reason}")


def test_labels_in_the_recording_without_anomalies_are_refused(folder):
    write(folder / "anomaly-free" / "anomaly-free.csv", rows(1, 5))
    assert "anomaly-free.csv: other columns than in SKAB (not expected: 'anomaly'" in refusal(
        folder
    )


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00\x81;\xf0\n1;\xff\n", b"\x00" * 100, b"\n\n\n"]
)
def test_file_that_is_no_table_is_refused(folder, content):
    (folder / "valve1" / "2.csv").write_bytes(content)
    message = refusal(folder)
    assert message.startswith("FOLDER/valve1/2.csv: ")
    assert message.endswith("copy it again")
