"""What a user learns about a log before anything is fitted."""

import json

import numpy as np
import pytest

from dccad.cli.main import main
from dccad.datasets import TableOptions, check_log_tables, read_tables
from dccad.errors import InputError
from dccad.logs.runs import Run
from dccad.tables.check import describe_sensors, suggest_window


@pytest.fixture
def plant(tmp_path):
    """Three hours of minutes with an hour's gap, a stuck and a nearly empty tag, and labels."""
    minutes = [*range(120), *range(180, 240)]
    stamps = np.datetime64("2026-03-02T00:00") + np.array(minutes, dtype="timedelta64[m]")
    rng = np.random.default_rng(0)
    lines = ["stamp,flow,level,valve,spare,anomaly"]
    for i, stamp in enumerate(stamps):
        level = "" if i == 5 else f"{50 + rng.normal():.3f}"
        spare = "7" if i % 20 == 0 else ""
        lines.append(f"{stamp},{i},{level},12.5,{spare},{int(i > 150)}")
    path = tmp_path / "plant.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_one_report_has_rows_gaps_ranges_missing_and_stuck_tags(plant):
    report = check_log_tables(read_tables(plant))
    assert report["rows"] == 180
    assert report["interval"] == 60.0
    assert report["gaps"] == [
        {
            "run": "plant",
            "row": 120,
            "start": "2026-03-02T01:59:00",
            "end": "2026-03-02T03:00:00",
            "seconds": 3660.0,
        }
    ]
    assert report["runs"] == [
        {
            "name": "plant",
            "rows": 180,
            "start": "2026-03-02T00:00:00",
            "end": "2026-03-02T03:59:00",
            "stretches": 2,
        }
    ]
    sensors = {sensor["name"]: sensor for sensor in report["sensors"]}
    assert list(sensors) == ["flow", "level", "valve", "spare"]
    assert (sensors["flow"]["min"], sensors["flow"]["max"], sensors["flow"]["mean"]) == (
        0,
        179,
        89.5,
    )
    assert sensors["level"]["missing"] == pytest.approx(1 / 180)
    assert report["stuck"] == ["valve", "spare"]
    assert report["nearly_empty"] == ["spare"]
    assert sensors["spare"]["missing"] == pytest.approx(171 / 180)
    assert report["labels"] == ["anomaly"]


def test_a_longer_gap_is_allowed_when_asked(plant):
    report = check_log_tables(read_tables(plant, TableOptions(max_gap=4000.0)), 4000.0)
    assert report["gaps"] == []
    assert report["runs"][0]["stretches"] == 1


def test_statistics_do_not_depend_on_how_rows_are_divided():
    rng = np.random.default_rng(1)
    values = rng.normal(1e6, 1.0, size=(70_000, 3))
    values[rng.random(values.shape) < 0.1] = np.nan
    values[17, 1] = np.inf
    [a, b, c] = describe_sensors(
        [Run(values[:1], ("a", "b", "c")), Run(values[1:], ("a", "b", "c"))]
    )
    known = np.where(np.isfinite(values), values, np.nan)
    np.testing.assert_allclose(
        [s["mean"] for s in (a, b, c)], np.nanmean(known, axis=0), rtol=1e-12
    )
    assert [s["min"] for s in (a, b, c)] == np.nanmin(known, axis=0).tolist()
    assert [s["max"] for s in (a, b, c)] == np.nanmax(known, axis=0).tolist()
    np.testing.assert_allclose(
        [s["missing"] for s in (a, b, c)], np.isnan(values).mean(axis=0), atol=1e-12
    )
    assert [s["infinite"] for s in (a, b, c)] == [0, 1, 0]


@pytest.mark.parametrize(("rows", "window"), [(79, None), (80, 8), (200, 20), (5000, 30)])
def test_the_suggested_window_fits_the_log(rows, window):
    noise = np.random.default_rng(0).normal(size=(rows, 2))
    assert suggest_window([Run(noise, ("a", "b"))]) == window


def test_a_slow_process_gets_a_longer_window():
    walk = np.cumsum(np.random.default_rng(0).normal(size=(20_000, 3)), axis=0)
    assert suggest_window([Run(walk, ("a", "b", "c"))]) == 200


def test_files_with_other_columns_are_refused_by_name(tmp_path):
    (tmp_path / "a.csv").write_text("flow,level\n1,2\n")
    (tmp_path / "b.csv").write_text("flow\n1\n")
    with pytest.raises(
        InputError, match="run 'b' has other columns than run 'a': missing: 'level'"
    ):
        check_log_tables(read_tables(tmp_path))


# -- the command -----------------------------------------------------------------------------------


@pytest.fixture
def check(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")

    def call(*arguments):
        code = main(["data", "check", *map(str, arguments)])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_the_page_fits_a_terminal_and_says_what_matters(check, plant):
    code, out, err = check(plant)
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    assert len(out.splitlines()) < 40
    text = " ".join(out.split())
    for words in (
        "rows 180",
        "interval 1 min",
        "1 gap, the longest of 1.017 h from 2026-03-02T01:59:00 to 2026-03-02T03:00:00",
        "labels anomaly",
        "stuck 2: valve, spare",
        "nearly empty 1: spare",
        "window 12 rows to start with",
    ):
        assert words in text


def test_machines_get_one_document(check, plant):
    code, out, err = check(plant, "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["tables"][0]["format"] == "CSV"
    assert document["suggested_window"] == 12
    assert any("anomaly" in note for note in document["notes"])


def test_every_tag_with_a_remark_is_shown_among_many(check, tmp_path):
    names = [f"tag_{i:03}" for i in range(90)]
    rows = np.random.default_rng(0).normal(size=(100, 90))
    rows[:, 85] = 3.0
    path = tmp_path / "wide.csv"
    np.savetxt(path, rows, delimiter=",", header=",".join(names), comments="")
    code, out, _ = check(path)
    assert code == 0
    assert "tag_085" in out
    assert "and 30 more sensors without a remark (--json has all)" in out


def test_nothing_is_written(check, plant):
    before = {path: path.stat().st_mtime_ns for path in plant.parent.iterdir()}
    check(plant)
    assert {path: path.stat().st_mtime_ns for path in plant.parent.iterdir()} == before
