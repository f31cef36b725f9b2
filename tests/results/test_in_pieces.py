"""Scores of a log that is read in pieces equal those of the log in memory, whatever interrupts."""

import datetime as dt
import json
import shutil
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from conftest import FAST, caller
from dccad import DCCA
from dccad.datasets import ParquetLog, TableOptions, read_tables
from dccad.errors import InputError
from dccad.logs.runs import split_at_gaps
from dccad.results.in_pieces import score_source
from dccad.results.table import score_table, summarise_scores
from dccad.tables.parquet.scan import is_large, median_of
from killing import finish, kill_after
from pump_log import NAMES, make_frame

SMALL_PIECES = {"dccad.results.in_pieces.PIECE_ROWS": 300}


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    """A folder with a model and a log of four files, of which one has a gap."""
    folder = tmp_path_factory.mktemp("plant")
    (folder / "log").mkdir()
    for day in range(4):
        frame = make_frame(1000 + day, day, 100_000 * day, gap_at=411 if day == 1 else None)
        frame.write_parquet(folder / "log" / f"day{day}.parquet", row_group_size=270)
    DCCA(**FAST).fit(make_frame(300, 9, 0).drop("time")).save(folder / "model")
    return folder


@pytest.fixture
def call(plant, tmp_path, monkeypatch, capsys):
    """Call ``dccad`` in a fresh folder with the log and the model, in small pieces."""
    shutil.copytree(plant / "log", tmp_path / "log", copy_function=shutil.copy2)
    (tmp_path / "model").symlink_to(plant / "model")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dccad.results.in_pieces.PIECE_ROWS", 300)
    return caller(capsys)


def assert_same_table(found, expected):
    assert found.schema == expected.schema
    for name in expected.columns:
        if expected[name].dtype == pl.Float64:
            # pieces are scored in batches of other sizes than the whole log
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-4, atol=1e-6)
        else:
            assert found[name].equals(expected[name], null_equal=True), name


# -- the same scores as in memory -----------------------------------------------------------------


@pytest.mark.parametrize("options", [[], ["--join"], ["--drop", "time"], ["--max-gap", "4000"]])
@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_streamed_scores_equal_those_in_memory(call, options, suffix):
    for way in ("stream", "no-stream"):
        code, _, err = call("score", "model", "log", *options, f"--{way}", "-o", f"{way}.{suffix}")
        assert (code, err) == (0, "")
    read = pl.read_parquet if suffix == "parquet" else pl.read_csv
    assert_same_table(read(f"stream.{suffix}"), read(f"no-stream.{suffix}"))


def test_a_column_of_runs_separates_them_as_in_memory(call, tmp_path):
    unit = np.repeat(["a", "b", "c"], [500, 7, 493])  # 7 rows are fewer than a window
    make_frame(1000, 3, 0, unit=unit).write_parquet("runs.parquet", row_group_size=130)
    for way in ("stream", "no-stream"):
        arguments = ["score", "model", "runs.parquet", "--run", "unit", f"--{way}"]
        assert call(*arguments, "-o", f"{way}.parquet")[0] == 0
    found = pl.read_parquet("stream.parquet")
    assert_same_table(found, pl.read_parquet("no-stream.parquet"))
    assert found.filter(pl.col("run") == "b")["score"].is_nan().all()


def test_the_summary_is_that_of_the_table(call, plant, tmp_path):
    streamed = json.loads(call("score", "model", "log", "--stream", "-o", "a.csv", "--json")[1])
    whole = json.loads(call("score", "model", "log", "-o", "b.csv", "--json")[1])
    assert streamed["n_episodes"] == len(whole["episodes"])
    for name in ("rows", "scored", "flagged", "share_flagged", "region_share", "promise"):
        assert streamed[name] == pytest.approx(whole[name])
    for mine, other in zip(streamed["states"], whole["states"], strict=True):
        assert mine["n_episodes"] == other["n_episodes"]
        assert mine["share"] == pytest.approx(other["share"])
        longest = max(other["episodes"], key=lambda episode: episode["rows"])
        assert longest in mine["episodes"]


def test_filled_and_left_out_rows_are_those_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("dccad.results.in_pieces.PIECE_ROWS", 100)
    frame = make_frame(900, 5, 0)
    rows = np.arange(900)
    missing = (rows % 97 < 3) & (rows > 10)  # stretches that begin in one piece and end in the next
    frame = frame.with_columns(pl.Series("flow", np.where(missing, np.nan, frame["flow"])))
    frame.write_parquet(tmp_path / "log.parquet", row_group_size=64)
    for settings in (
        {"on_missing": "interpolate"},
        {"on_missing": "drop"},
        {"on_missing": "hold", "prepare": ("mode:pressure>-1.5", "difference:level")},
    ):
        detector = DCCA(**FAST, **settings).fit(make_frame(300, 9, 0).drop("time"))
        target = tmp_path / "scores.parquet"
        summary = score_source(detector, ParquetLog(tmp_path / "log.parquet"), target)
        tables = read_tables(tmp_path / "log.parquet")
        whole = score_table(detector, tables.runs)
        assert_same_table(pl.read_parquet(target), pl.DataFrame(whole))
        assert summary["flagged"] == summarise_scores(whole, detector.threshold_)["flagged"]


# -- killed and resumed ---------------------------------------------------------------------------


def kill_and_resume(plant, folder, kills, seed):
    """Kill at so many random moments, go on, and compare with what nothing interrupted."""
    arguments = ["score", plant / "model", plant / "log", "--join", "--resume", "-o"]
    for _ in range(2):  # the first process also pays for the imports
        code, _, err, seconds = finish([*arguments, folder / "whole.parquet"], SMALL_PIECES)
        assert (code, err) == (0, "")
    expected = pl.read_parquet(folder / "whole.parquet")
    rng = np.random.default_rng(seed)
    at_work = 0
    while at_work < kills:
        output = folder / "killed.parquet"
        at_work += kill_after(rng.uniform(0, seconds), [*arguments, output], SMALL_PIECES)
        assert not output.exists() or pl.read_parquet(output).equals(expected)
        assert finish([*arguments, output], SMALL_PIECES)[0] == 0
        assert pl.read_parquet(output).equals(expected, null_equal=True)
        assert not output.with_name(output.name + ".parts").exists()
        output.unlink()
    assert [path.name for path in folder.iterdir()] == ["whole.parquet"]


def test_a_killed_score_goes_on_and_loses_no_row(plant, tmp_path):
    kill_and_resume(plant, tmp_path, kills=3, seed=0)


@pytest.mark.slow
def test_a_score_killed_at_any_moment_goes_on(plant, tmp_path):
    kill_and_resume(plant, tmp_path, kills=20, seed=1)


def interrupt(monkeypatch, call, *arguments, pieces=5):
    """Stop a score after so many pieces, as Ctrl-C does."""
    from dccad.results.in_pieces import PiecePlan

    score = PiecePlan.score

    def stop(self, piece):
        if piece == pieces:
            raise KeyboardInterrupt
        return score(self, piece)

    with monkeypatch.context() as patch:
        patch.setattr(PiecePlan, "score", stop)
        assert call(*arguments)[0] == 130


SCORE = ["score", "model", "log", "-o", "scores.parquet"]


def test_pieces_of_an_interrupted_score_are_not_scored_again(call, monkeypatch, tmp_path):
    interrupt(monkeypatch, call, *SCORE, "--stream")
    parts = tmp_path / "scores.parquet.parts"
    kept = {path.name: path.stat().st_mtime_ns for path in parts.glob("*.piece")}
    assert len(kept) == 5
    interrupt(monkeypatch, call, *SCORE, "--resume", pieces=7)
    found = {path.name: path.stat().st_mtime_ns for path in parts.glob("*.piece")}
    assert kept.items() <= found.items()
    assert len(found) == 7
    assert call(*SCORE, "--resume")[0] == 0
    assert call("score", "model", "log", "--no-stream", "-o", "whole.parquet")[0] == 0
    assert_same_table(pl.read_parquet("scores.parquet"), pl.read_parquet("whole.parquet"))


def test_a_damaged_piece_is_scored_again(call, monkeypatch, tmp_path):
    interrupt(monkeypatch, call, *SCORE, "--stream")
    piece = next((tmp_path / "scores.parquet.parts").glob("000002.*.piece"))
    piece.write_bytes(piece.read_bytes()[:-1])
    assert call(*SCORE, "--resume")[0] == 0
    assert pl.read_parquet("scores.parquet")["row"].len() == 4006


def change_log(folder):
    make_frame(1000, 77, 0).write_parquet(folder / "log" / "day0.parquet")


def change_model(folder):
    (folder / "model").unlink()
    DCCA(**{**FAST, "random_state": 1}).fit(make_frame(300, 8, 0).drop("time")).save("model")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_log, "was begun with another log, so its parts do not fit"),
        (change_model, "was begun with another model, so its parts do not fit"),
        (
            lambda folder: (folder / "scores.parquet.parts" / "manifest.json").write_text("{"),
            "has a damaged manifest: delete the folder to begin again",
        ),
    ],
)
def test_a_resume_of_something_else_is_refused(call, monkeypatch, tmp_path, change, message):
    interrupt(monkeypatch, call, *SCORE, "--stream")
    change(tmp_path)
    code, out, err = call(*SCORE, "--resume")
    assert (code, out) == (2, "")
    assert f"scores.parquet.parts {message}" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "scores.parquet").exists()


def test_pieces_are_not_taken_or_overwritten_unasked(call, monkeypatch):
    interrupt(monkeypatch, call, *SCORE, "--stream")
    code, _, err = call(*SCORE, "--stream")
    assert code == 2
    assert "holds the finished part of a job that was interrupted: add --resume to go on" in err


# -- what is refused ------------------------------------------------------------------------------


def test_a_bad_row_leaves_nothing_behind(call, tmp_path):
    frame = make_frame(1000, 3, 0)
    values = frame["level"].to_numpy().copy()
    values[777] = np.inf
    frame.with_columns(pl.Series("level", values)).write_parquet("log/day2.parquet")
    code, out, err = call(*SCORE, "--stream")
    assert (code, out) == (2, "")
    assert "run 'day2' has infinite values (1 in 1 of 3 columns, first at row 777, column" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "model"]


def reversed_rows(frame):
    return frame.reverse()


def clock_change(frame):
    stamps = [dt.datetime(2020, 3, 29, 0) + dt.timedelta(minutes=10 * i) for i in range(12)]
    stamps += [dt.datetime(2020, 3, 29, 3) + dt.timedelta(minutes=10 * i) for i in range(88)]
    return frame.head(100).with_columns(pl.Series("time", stamps))


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (reversed_rows, [], "the time stamp of row 1 of run 'bad' (counted from 0) is not later"),
        (clock_change, [], "time stamps of run 'bad' show daylight saving, which takes the whole"),
        (lambda f: f.cast({"time": pl.String}), [], "time column 'time' is text, whose form is t"),
        (lambda f: f.cast({"flow": pl.String}), [], "columns that are not stored as numbers: 'fl"),
        (lambda f: f, ["--resample", "60"], "--resample takes the whole log; leave it out, or res"),
        (
            lambda f: f,
            ["--timezone", "Europe/Berlin"],
            "--timezone moves time stamps by what stand",
        ),
        (lambda f: f, ["--alarm", "3 of 5"], "alarms are found in scores that are in memory: lea"),
        (lambda f: f.head(5), [], "run 'bad' has 5 rows but window=8 needs at least 8"),
        (lambda f: f.drop("flow"), [], "bad.parquet: no sensor 'flow'; it has 'time', 'pressure'"),
    ],
)
def test_what_takes_the_whole_log_is_refused_in_one_line(call, tmp_path, change, options, message):
    change(make_frame(1000, 3, 0)).write_parquet("bad.parquet")
    arguments = ["score", "model", "bad.parquet", *options, "-o", "scores.csv"]
    code, out, err = call(*arguments, "--stream")
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert not list(tmp_path.glob("scores*"))


def test_only_parquet_is_read_in_pieces(call):
    make_frame(100, 3, 0).write_csv("log.csv")
    code, _, err = call("score", "model", "log.csv", "--stream", "-o", "scores.csv")
    assert code == 2
    assert "log.csv is of format CSV, and only Parquet is read in pieces: convert it" in err
    code, _, err = call(*SCORE, "--resume", "--no-stream")
    assert (code, "--resume goes with logs that are read in pieces" in err) == (2, True)


def test_a_large_log_is_streamed_by_itself_and_read_whole_where_it_cannot(call, monkeypatch):
    assert not is_large(["log"], TableOptions())
    assert is_large(["log"], TableOptions(), least=4006 * 4 * 8)
    monkeypatch.setattr("dccad.tables.parquet.scan.STREAM_FROM", 1000)
    assert "read in pieces" in call(*SCORE)[1]
    code, out, err = call(*SCORE, "--alarm", "3 of 5")
    assert code == 0
    assert "read in pieces" not in out
    assert "warning: the log is read into memory: alarms are found in scores" in err


# -- the log itself -------------------------------------------------------------------------------


def test_segments_are_those_of_the_log_in_memory(tmp_path):
    rng = np.random.default_rng(0)
    for position in range(3):
        steps = rng.choice([1.0, 1.001, 1.002, 0.999, 30.0], 2000, p=[0.5, 0.2, 0.2, 0.09, 0.01])
        frame = pl.DataFrame(
            {"time": np.cumsum(steps) + 1e5 * position, "a": rng.normal(size=2000)}
        )
        frame.write_parquet(tmp_path / f"{position}.parquet", row_group_size=333)
    for options in (TableOptions(), TableOptions(join=True)):
        log = ParquetLog(tmp_path, options)
        runs = read_tables(tmp_path, options).runs
        assert log.run_names == tuple(runs)
        for max_gap in (None, 2.0):
            expected = [len(part) for run in runs.values() for part in split_at_gaps(run, max_gap)]
            assert [len(segment) for segment in log.segments(max_gap)] == expected


@pytest.mark.parametrize(
    "time",
    [
        pl.Series(np.arange(500) * 250 + 1_700_000_000_000),
        pl.Series(np.arange(500) * 0.25),
        pl.Series([dt.timedelta(seconds=i) for i in range(500)]),
        pl.Series([dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc) + dt.timedelta(hours=i)
                   for i in range(500)]),
        pl.Series([dt.date(2020, 1, 1) + dt.timedelta(days=i) for i in range(500)]),
    ],
)  # fmt: skip
def test_rows_and_times_are_those_of_the_reader(tmp_path, time):
    values = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
    frame = pl.DataFrame({"timestamp": time, "a": values[:, 0], "b": values[:, 1]})
    frame.write_parquet(tmp_path / "pump.parquet", row_group_size=77)
    options = TableOptions(time="timestamp")
    [expected] = read_tables(tmp_path / "pump.parquet", options).runs.values()
    found = ParquetLog(tmp_path / "pump.parquet", options).read(0, 60, 170)
    assert found.columns == expected.columns
    assert found.values.dtype == expected.values.dtype == np.float32
    np.testing.assert_array_equal(found.values, expected.values[60:170])
    np.testing.assert_array_equal(found.time, expected.time[60:170])


def test_the_median_is_exact():
    rng = np.random.default_rng(0)
    for count in (1, 2, 999, 1000):
        numbers = np.exp(rng.normal(scale=5, size=count))
        parts = np.array_split(numbers, 7)
        assert median_of(lambda parts=parts: parts) == np.median(numbers)


def test_a_log_that_changes_meanwhile_is_refused(tmp_path, trained):
    path = tmp_path / "pump.parquet"
    frame = pl.DataFrame(np.random.default_rng(0).normal(size=(90, 3)), schema=NAMES)
    frame.write_parquet(path)
    log = ParquetLog(path)
    frame.head(80).write_parquet(path)
    with pytest.raises(InputError, match="changed"):
        log.refuse_if_changed()


# -- memory ---------------------------------------------------------------------------------------

# not ru_maxrss, which a process inherits from the one that starts it
PEAK = """
import sys
from pathlib import Path
from dccad import load
from dccad.datasets import ParquetLog
from dccad.results.in_pieces import score_source
score_source(load("model"), ParquetLog(sys.argv[1]), "scores.parquet")
status = Path("/proc/self/status").read_text()
print(int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


def test_the_memory_does_not_grow_with_the_log(plant, tmp_path):
    (tmp_path / "model").symlink_to(plant / "model")
    rng = np.random.default_rng(0)
    values = rng.normal(size=(200_000, 3)).astype(np.float32)
    pl.DataFrame(values, schema=NAMES).write_parquet(tmp_path / "part.parquet")
    peaks = []
    for parts in (4, 16):  # a log of one part varies by 20 MB from run to run
        folder = tmp_path / f"log{parts}"
        folder.mkdir()
        for part in range(parts):
            (folder / f"{part}.parquet").hardlink_to(tmp_path / "part.parquet")
        done = subprocess.run(
            [sys.executable, "-c", PEAK, str(folder)],
            capture_output=True, text=True, check=True, cwd=tmp_path,
        )  # fmt: skip
        peaks.append(int(done.stdout))
    # in memory, 2,400,000 rows more would take 360 MB of values, directions and results
    assert peaks[1] - peaks[0] < 60
