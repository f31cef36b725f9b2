"""Which logs ``fit`` and ``score`` read in pieces, and why not."""

import json
import warnings
from pathlib import Path

import polars as pl
import pytest

import dccad
from command_line import NAMES
from dccad import DCCA
from dccad.cli.pieces import open_stream, read_for_fit
from dccad.datasets import ParquetLog, TableOptions
from dccad.errors import DccadWarning, ParameterError

LOG = ["log.parquet"]
RUNS = TableOptions(run="unit")


@pytest.fixture
def preparation(call):
    """How the model of the working directory prepares a log: not at all."""
    return dccad.load("model").model_.preparation


@pytest.fixture
def everything_is_large(monkeypatch):
    monkeypatch.setattr("dccad.tables.parquet.scan.STREAM_FROM", 1)


def test_the_size_decides_until_an_option_does(preparation, monkeypatch):
    for wanted, resume, streamed in (
        (None, False, False),
        (True, False, True),
        (None, True, True),
        (False, False, False),
    ):
        found = open_stream(LOG, RUNS, wanted, resume, preparation)
        assert isinstance(found, ParquetLog) == streamed
    monkeypatch.setattr("dccad.tables.parquet.scan.STREAM_FROM", 8 * 200 * 5)
    assert isinstance(open_stream(LOG, RUNS, None, False, preparation), ParquetLog)
    assert open_stream(LOG, RUNS, False, False, preparation) is None
    monkeypatch.setattr("dccad.tables.parquet.scan.STREAM_FROM", 8 * 200 * 5 + 1)
    assert open_stream(LOG, RUNS, None, False, preparation) is None


@pytest.mark.parametrize(
    ("has_folder", "with_alarms", "reason"),
    [
        (True, True, "alarms are found in scores that are in memory"),
        (False, False, "an ONNX file scores logs in memory: pass the model folder"),
    ],
)
def test_what_cannot_be_streamed_is_refused_if_asked_for_and_else_read_whole(
    preparation, everything_is_large, has_folder, with_alarms, reason
):
    how = preparation if has_folder else None
    for wanted, resume in ((True, False), (None, True)):
        with pytest.raises(ParameterError, match=reason):
            open_stream(LOG, RUNS, wanted, resume, how, with_alarms)
    with pytest.warns(DccadWarning, match=f"the log is read into memory: {reason}"):
        assert open_stream(LOG, RUNS, None, False, how, with_alarms) is None


def test_resume_and_no_stream_contradict_each_other(preparation):
    with pytest.raises(ParameterError, match=r"--resume goes with logs .* drop --no-stream"):
        open_stream(LOG, RUNS, False, True, preparation)


def test_a_fit_reads_the_same_rows_either_way_and_says_what_it_read(call):
    detector = DCCA(window=8)
    streamed, told = read_for_fit(LOG, RUNS, True, detector)
    whole, also_told = read_for_fit(LOG, RUNS, False, detector)
    assert isinstance(streamed, ParquetLog)
    assert {name: len(run) for name, run in whole.items()} == {"a": 110, "b": 90}
    for summaries in (told, also_told):
        [summary] = summaries
        assert (summary.rows, summary.sensors) == (200, tuple(NAMES))
    assert read_for_fit(None, RUNS, True, detector) == (None, [])


def test_a_fit_whose_steps_need_the_whole_log_reads_it_with_a_warning(call, everything_is_large):
    detector = DCCA(window=8, prepare=("average:4",))
    with pytest.warns(DccadWarning, match="read into memory: prepare step 'average:4' needs"):
        found, _ = read_for_fit(LOG, RUNS, None, detector)
    assert set(found) == {"a", "b"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert set(read_for_fit(LOG, RUNS, False, detector)[0]) == {"a", "b"}


def test_scores_in_pieces_are_those_in_memory(call):
    code, out, err = call("score", "model", *LOG, "--run", "unit", "--stream", "-o", "s.csv")
    assert (code, err) == (0, "")
    assert "read in pieces" in out
    assert not Path("s.csv.parts").exists()
    whole = ["score", "model", *LOG, "--run", "unit", "-o", "whole.csv", "--json"]
    code, document, _ = call(*whole)
    assert (code, json.loads(document)["rows"]) == (0, 200)
    streamed, expected = pl.read_csv("s.csv"), pl.read_csv("whole.csv")
    for name in ("run", "row", "time", "flag", "region", "state"):
        assert streamed[name].equals(expected[name], null_equal=True), name
