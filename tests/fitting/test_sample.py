"""Fits on logs read in pieces: figures of all rows, a sample of windows, bounded memory."""

import json
import re
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from conftest import FAST, caller
from dccad import DCCA, load
from dccad.cli import pieces
from dccad.datasets import ParquetLog, TableOptions
from dccad.errors import InputError, ParameterError
from dccad.fitting.recipe import FitSettings
from dccad.fitting.sample import (
    count_windows,
    draw_sample,
    draw_stretches,
    gather_statistics,
    sample_logs,
)
from dccad.logs.preparation.pipeline import Preparation, parse_steps
from dccad.logs.source import RowSource, Segment
from dccad.saving.folder import WEIGHTS, read_record
from pump_log import make_frame

FEW = {**FAST, "max_windows": 300, "calibration": "cross-fitted"}


@pytest.fixture
def folder(tmp_path):
    """A log of three files, one of which has a gap."""
    (tmp_path / "log").mkdir()
    for day in range(3):
        frame = make_frame(1500, day, 100_000 * day, gap_at=700 if day == 1 else None)
        frame.write_parquet(tmp_path / "log" / f"day{day}.parquet", row_group_size=400)
    return tmp_path


# -- figures of all rows --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "steps", [[], ["mode:flow>-1"], ["difference:level"], ["clip:flow=-1..1", "difference:flow"]]
)
def test_figures_of_a_log_are_those_of_its_prepared_rows(folder, monkeypatch, steps):
    monkeypatch.setattr("dccad.logs.source.BLOCK_CELLS", 3 * 256)
    settings = FitSettings.of(DCCA(prepare=steps).get_params())
    log = ParquetLog(folder / "log")
    runs = [log.read(*segment) for segment in log.segments()]
    rows = np.concatenate([run.values for run in settings.preparation.apply_to_runs(runs)])
    found = gather_statistics(log, settings)
    assert found.n_rows == len(rows)
    np.testing.assert_allclose(found.mean, rows.mean(axis=0), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.comoment / len(rows), np.cov(rows.T, bias=True), rtol=1e-9)


# -- the sample -----------------------------------------------------------------------------------


def windows_of(stretch, window, stride):
    return range(stretch.start, stretch.stop - window + 1, stride)


def test_every_window_is_as_likely_to_be_drawn():
    segments = [Segment(0, 0, 150), Segment(0, 150, 153), Segment(1, 0, 90)]
    counts = {}
    for seed in range(4000):
        drawn = draw_stretches(segments, 4, 1, 40, np.random.default_rng(seed))
        assert count_windows(drawn, 4) == 40
        for stretch in drawn:
            for start in windows_of(stretch, 4, 1):
                counts[stretch.run, start] = counts.get((stretch.run, start), 0) + 1
    found = np.array([count for _, count in sorted(counts.items())])
    assert len(found) == count_windows(segments, 4) == 147 + 87
    inner = found[40:-40] / 4000
    np.testing.assert_allclose(inner, 40 / len(found), rtol=0.25)


@pytest.mark.parametrize("stride", [1, 3, 11])
def test_stretches_keep_to_segments_and_to_the_windows_of_the_log(stride):
    segments = [Segment(0, 0, 5000), Segment(0, 5000, 5003), Segment(1, 0, 7000), Segment(2, 0, 90)]
    whole = {(s.run, start) for s in segments for start in windows_of(s, 7, stride)}
    drawn = draw_stretches(segments, 7, stride, 1100, np.random.default_rng(0))
    found = [(s.run, start) for s in drawn for start in windows_of(s, 7, stride)]
    assert len(found) == len(set(found)) == count_windows(drawn, 7, stride) <= 1100
    assert set(found) <= whole
    assert all(
        any(s.run == d.run and s.start <= d.start and d.stop <= s.stop for s in segments)
        for d in drawn
    )
    assert list(drawn) == sorted(drawn)


def test_a_log_with_few_windows_is_taken_whole():
    segments = [Segment(0, 0, 50), Segment(1, 0, 3)]
    assert draw_stretches(segments, 4, 1, 47, np.random.default_rng(0)) == segments


# -- the fit --------------------------------------------------------------------------------------


def test_a_log_that_is_taken_whole_gives_the_fit_in_memory(folder):
    log = ParquetLog(folder / "log")
    settings = {**FAST, "max_windows": 10_000}
    streamed = DCCA(**settings).fit(log)
    tables = {name: log.read(run, 0, n) for run, (name, n) in enumerate(
        zip(log.run_names, log.run_lengths, strict=True))}  # fmt: skip
    whole = DCCA(**settings).fit(tables)
    assert streamed.sample_["drawn"] == streamed.sample_["windows"]
    np.testing.assert_allclose(
        streamed.model_.representation.scaling.scale, whole.model_.representation.scaling.scale
    )
    assert streamed.decision_scores_.shape == whole.decision_scores_.shape
    known = np.isfinite(whole.decision_scores_)
    # signs of whitened directions may differ, and with them what training starts from
    assert np.corrcoef(streamed.decision_scores_[known], whole.decision_scores_[known])[0, 1] > 0.8


@pytest.mark.parametrize("way", ["log", "normal", "both", "same"])
def test_logs_and_references_may_both_be_read_in_pieces(folder, way):
    log = ParquetLog(folder / "log")
    rows = make_frame(900, 7, 0)
    rows.write_parquet(folder / "quiet.parquet")
    quiet = ParquetLog(folder / "quiet.parquet")
    X, normal = {
        "log": (log, None), "normal": (None, quiet), "both": (log, quiet), "same": (quiet, quiet)
    }[way]  # fmt: skip
    assert isinstance(log, RowSource)
    fitted = DCCA(**FEW).fit(X, normal=normal)
    shift = fitted.model_.representation.scaling.shift
    stored = quiet if normal is not None else log
    values = np.concatenate([stored.read(*s).values for s in stored.segments()])
    np.testing.assert_allclose(shift, values.mean(axis=0), rtol=1e-9)  # of all rows, not the sample
    assert fitted.sample_["drawn"] <= 600
    again = DCCA(**FEW).fit(X, normal=normal)
    assert again.digest() == fitted.digest()
    other = DCCA(**{**FEW, "random_state": 1}).fit(X, normal=normal)
    assert other.digest() != fitted.digest()


def test_the_command_streams_fits_and_scores(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    call = caller(capsys)
    fit = ["fit", "log", "--join", "--stream", "--window", "8", "--set", "max_windows=300"]
    code, out, err = call(*fit, "-o", "model")
    assert code == 0, err
    assert "read in pieces: the log is not kept in memory" in out
    assert "300 of 4472 windows; scaling: all 4500 rows" in " ".join(out.split())
    record = json.loads(call("info", "model", "--json")[1])
    assert record["sample"] == {"rows": 4500, "windows": 4472, "drawn": 300}
    assert load("model").sample_["drawn"] == 300
    assert call("score", "model", "log", "--join", "--stream", "-o", "scores.parquet")[0] == 0
    assert len(pl.read_parquet("scores.parquet")) == 4500
    assert sorted(path.name for path in folder.iterdir()) == ["log", "model", "scores.parquet"]


def test_the_command_checks_a_streamed_fit_with_its_own_way_to_read_missing_values(
    folder, monkeypatch
):
    seen = []
    monkeypatch.setattr(pieces, "open_stream", lambda *given: seen.append(given[4]))
    detector = DCCA(on_missing="drop", prepare=["clip:flow=0..1"])
    pieces.read_for_fit([str(folder / "log")], TableOptions(), None, detector)
    assert seen == [Preparation(parse_steps(["clip:flow=0..1"]), drop_missing=True)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"prepare": ("average:4",)}, "prepare step 'average:4' needs a log in memory"),
        ({"prepare": ("decimate:4",)}, "prepare step 'decimate:4' needs a log in memory"),
        ({"prepare": ("idle:flow,join",)}, "prepare step 'idle:flow,join' needs a log in memory"),
        ({"max_windows": 1}, "max_windows=1: needed is a whole number of at least 2"),
    ],
)
def test_what_a_streamed_fit_cannot_do_is_refused(folder, settings, message):
    with pytest.raises(ParameterError, match=message):
        DCCA(**{**FEW, **settings}).fit(ParquetLog(folder / "log"))


def test_a_bad_row_far_from_the_sample_is_refused(folder, monkeypatch):
    monkeypatch.setattr("dccad.logs.source.BLOCK_CELLS", 3 * 256)
    frame = make_frame(1500, 2, 0)
    values = frame["level"].to_numpy().copy()
    values[-1] = np.nan
    frame.with_columns(pl.Series("level", values)).write_parquet(folder / "log" / "day2.parquet")
    with pytest.raises(InputError, match=r"run 'day2' has missing values, NaN \(1 in 1 of 3 colum"):
        DCCA(**FEW).fit(ParquetLog(folder / "log"))


# -- memory ---------------------------------------------------------------------------------------

# not ru_maxrss, which a process inherits from the one that starts it
PEAK = """
import sys
from pathlib import Path
from dccad import DCCA
from dccad.datasets import ParquetLog, TableOptions
DCCA(window=8, pretrain_epochs=1, joint_epochs=1, n_init=1, random_state=0, max_windows=2000).fit(
    ParquetLog(sys.argv[1], TableOptions(join=True)))
status = Path("/proc/self/status").read_text()
print(int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


def test_the_memory_of_a_fit_does_not_grow_with_the_log(tmp_path):
    values = np.random.default_rng(0).normal(size=(200_000, 5)).astype(np.float32)
    pl.DataFrame(values, schema=list("abcde")).write_parquet(tmp_path / "part.parquet")
    peaks = []
    for parts in (1, 4):
        log = tmp_path / f"log{parts}"
        log.mkdir()
        for part in range(parts):
            (log / f"{part}.parquet").hardlink_to(tmp_path / "part.parquet")
        done = subprocess.run(
            [sys.executable, "-c", PEAK, str(log)], capture_output=True, text=True, check=True
        )
        peaks.append(int(done.stdout))
    # in memory, 600,000 rows more would take 12 MB of values, 24 of directions, 48 of latents
    assert peaks[1] - peaks[0] < 30


def contents(model):
    """Weights and record of a model folder, but for the seconds that its epochs took."""
    record = read_record(model)
    for epoch in record["history"]:
        del epoch["seconds"]
    del record["record_sha256"]
    return (model / WEIGHTS).read_bytes(), record


def test_models_of_the_same_log_are_the_same_files(folder):
    for number in range(2):
        log = ParquetLog(folder / "log", TableOptions(join=True))
        DCCA(**FEW).fit(log).save(folder / f"model{number}")
    assert contents(folder / "model0") == contents(folder / "model1")
    assert (folder / "model0" / WEIGHTS).exists()


# -- the logs of a fit ----------------------------------------------------------------------------


def settings_of(**parameters):
    return FitSettings.of(DCCA(**{**FEW, **parameters}).get_params())


def test_a_sample_has_the_rows_of_the_log_under_their_numbers(folder):
    log = ParquetLog(folder / "log")
    sample = draw_sample(log, settings_of(), seed=0)
    assert sample.n_rows == 4500
    assert sample.n_windows == count_windows(log.segments(), 8) == 1493 * 2 + 693 + 793
    assert 0 < sample.n_drawn <= 300
    assert sum(max(len(run) - 7, 0) for run in sample.log.segments) == sample.n_drawn
    for run in sample.log.segments:
        name, start, stop = re.fullmatch(r"(\w+)\[(\d+):(\d+)\]", run.name).groups()
        stored = log.read(log.run_names.index(name), int(start), int(stop))
        np.testing.assert_array_equal(run.values, stored.values)
        np.testing.assert_array_equal(run.time, stored.time)


def test_another_seed_draws_other_rows_and_the_same_seed_the_same(folder):
    log = ParquetLog(folder / "log")
    names = [[run.name for run in draw_sample(log, settings_of(), seed).log.segments]
             for seed in (0, 0, 1)]  # fmt: skip
    assert names[0] == names[1] != names[2]


def test_runs_that_are_taken_whole_keep_their_names(folder):
    sample = draw_sample(ParquetLog(folder / "log"), settings_of(max_windows=10_000), seed=0)
    assert sample.n_drawn == sample.n_windows
    names = [run.name for run in sample.log.segments]
    assert names == ["day0", "day1[0:700]", "day1[700:1500]", "day2"]  # one run has a gap


def test_logs_in_memory_stay_as_they_came():
    log, normal = np.zeros((30, 2)), np.ones((20, 2))
    found = sample_logs(log, normal, settings_of(), seed=0)
    assert found.log is log
    assert found.normal is normal
    assert (found.report(), found.scaled_by) == (None, None)


def test_a_log_that_is_its_own_reference_is_drawn_once(folder):
    log = ParquetLog(folder / "log")
    found = sample_logs(log, log, settings_of(), seed=0)
    assert found.log is found.normal
    assert found.report() == {"rows": 4500, "windows": 4472, "drawn": found.samples[0].n_drawn}


def test_two_logs_are_drawn_by_themselves_and_reported_together(folder):
    log, other = ParquetLog(folder / "log"), ParquetLog(folder / "log" / "day0.parquet")
    found = sample_logs(log, other, settings_of(), seed=0)
    assert found.report()["rows"] == 4500 + 1500
    assert found.report()["windows"] == 4472 + 1493
    assert found.report()["drawn"] == sum(sample.n_drawn for sample in found.samples) <= 600


@pytest.mark.parametrize(
    ("with_normal", "calibration", "by"),
    [
        (False, "cross-fitted", "log"),
        (False, "held-out", "log"),
        (True, "cross-fitted", "normal"),
        (True, "held-out", None),  # rows that are held out must not decide the scaling
    ],
)
def test_the_scaling_is_of_all_rows_unless_some_are_held_out(folder, with_normal, calibration, by):
    log, other = ParquetLog(folder / "log"), ParquetLog(folder / "log" / "day0.parquet")
    normal = other if with_normal else None
    found = sample_logs(log, normal, settings_of(calibration=calibration), seed=0)
    assert found.scaled_by is {"log": log, "normal": other, None: None}[by]
