"""Outputs that cannot or must not be written, and disks that fill up meanwhile."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import dccad
from command_line import CHEAP
from dccad.errors import ModelFileError
from refusals import contents, raised, says, write

pytestmark = pytest.mark.filterwarnings("ignore::dccad.errors.DccadWarning")


@pytest.fixture
def no_work(monkeypatch):
    """Fail if anything is trained, scored or benchmarked."""

    def never(*_, **__):
        raise AssertionError("the work began before the output was checked")

    monkeypatch.setattr("dccad.detector.DCCA.fit", never)
    monkeypatch.setattr("dccad.detector.DCCA.score_rows", never)
    monkeypatch.setattr("dccad.evaluation.benchmark.run_benchmark", never)
    monkeypatch.setattr("dccad.demo.tep.fit", never)


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("mine", ["mine exists and is not a dccad model", "name another folder"]),
        (".", ["exists and is not a dccad model"]),
        ("log.csv", ["log.csv exists and is not a dccad model"]),
        ("log.csv/model", ["cannot be made", "log.csv is a file"]),
        ("model", ["holds other files than the model ('scores.csv')", "name another folder"]),
    ],
)
def test_a_folder_with_other_files_is_not_replaced_by_a_model(
    log, model, detector, refused, no_work, output, words
):
    write(log)
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("ten years of work")
    Path("model/scores.csv").write_text("row,score\n")
    says(refused("fit", "log.csv", "-o", output), *words)
    before = contents(Path())
    says(raised(ModelFileError, detector.save, output), *words)
    assert contents(Path()) == before


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("log.csv", ["log itself", "overwritten", "another file"]),
        ("nope/scores.csv", ["folder nope does not exist", "create it"]),
        ("log.csv/scores.csv", ["folder log.csv does not exist"]),
        ("scores.txt", ["suffix '.txt'", ".csv or .parquet"]),
        ("scores", ["suffix ''", ".csv or .parquet"]),
        ("-", ["suffix ''", ".csv or .parquet"]),
        ("folder.csv", ["folder.csv is a folder", "name a file"]),
    ],
)
def test_scores_that_could_not_be_written_are_refused_before_scoring(
    log, trained_folder, refused, no_work, output, words
):
    write(log)
    Path("folder.csv").mkdir()
    says(refused("score", trained_folder, "log.csv", "-o", output), *words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tep-pair"], ["unknown protocol 'tep-pair'", "tep-pooled", "did you mean 'tep-pairs'"]),
        (["tep-pairs", "--method", "dcad"], ["unknown method 'dcad'", "did you mean 'dccad'"]),
        (["tep-pairs", "--method", "lw-maen@10"], ["'lw-maen'", "did you mean 'lw-mean'"]),
        (["tep-pairs", "--method", "lw-mean"], ["'lw-mean' cannot stand", "gives no regions"]),
        (["tep-monitor", "--method", "dccad@0"], ["unknown method 'dccad@0'"]),
        (["tep-monitor", "--set", "false_alarm_rate=0.1"], ["the protocol sets it"]),
        (["tep-pairs", "--data", "nope"], ["folder 'nope' does not exist", "d00.dat"]),
        (["tep-pairs", "--data", "empty"], ["lacks 44 of the 44", "d00.dat"]),
        (["tep-pairs", "-o", "nope/x.json"], ["folder nope does not exist", "create it"]),
        (["tep-pairs", "-o", "empty"], ["empty is a folder", "name a file"]),
        (["tep-pairs", "--seed", "-1"], ["random_state=-1", "from 0 to"]),
        (["tep-pairs", "--jobs", "-1"], ["--jobs -1", "0: one per core"]),
        (["tep-pairs", "--set", "alpha=3"], ["alpha=3", "0 ≤ alpha < 1"]),
        (["tep-pairs", "--set", "alhpa=0.5"], ["'alhpa'", "did you mean 'alpha'"]),
        (["tep-pairs", "--set", "n_clusters=3"], ["n_clusters", "the protocol sets it"]),
        (["tep-pairs", "--set", "random_state=3"], ["random_state", "--seed sets it"]),
        (["skab"], ["SKAB files are not part of dccad", "pass their folder 'data' with --data"]),
        (["skab", "--data", "empty"], ["folder 'empty' has no CSV file in valve1, valve2, other"]),
        (["skab", "--set", "false_alarm_rate=0.1"], ["false_alarm_rate", "the protocol sets it"]),
        (["peeling", "--data", "empty"], ["empty: the folder holds no workbook (.xlsx, "]),
    ],
)
def test_a_benchmark_that_cannot_run_is_refused_before_it_begins(
    refused, no_work, arguments, words
):
    Path("empty").mkdir()
    says(refused("benchmark", *arguments), *words)


def test_a_demo_leaves_other_files_alone(refused, no_work):
    Path("mine").mkdir()
    Path("mine/model").write_text("not a folder")
    says(refused("demo", "-o", "mine"), "mine/model exists and is not a dccad model")


RECORD = {
    "protocol": "tep-pairs",
    "dataset": "tiny",
    "seeds": [0],
    "results": {"dccad": {"acc_20": {"mean": 0.5, "std": 0.0}, "note": "long " * 2000}},
    "warnings": {},
}


COMMANDS = {
    "fit": ["fit", "log.csv", "-o", "model", *CHEAP],
    "a new fit": ["fit", "log.csv", "-o", "some/new/model", *CHEAP],
    "score": ["score", "model", "log.csv", "-o", "scores.csv"],
    "a new score": ["score", "model", "log.csv", "-o", "new.parquet"],
    "benchmark": ["benchmark", "tep-pairs", "-o", "figures.json"],
}


@pytest.fixture
def earlier_results(log, model, monkeypatch, tmp_path):
    """A working directory with a model, scores and figures of an earlier day."""
    monkeypatch.chdir(tmp_path)
    write(log)
    Path("scores.csv").write_text("earlier scores\n")
    Path("figures.json").write_text("earlier figures\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk_leaves_the_earlier_results(earlier_results, refused, monkeypatch, command):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    def half(path, content, *_, **__):
        with path.open("wb") as stream:
            stream.write(content[: len(content) // 2])
        full()

    monkeypatch.setattr("os.fsync", full)
    monkeypatch.setattr(Path, "write_bytes", half)
    monkeypatch.setattr("dccad.evaluation.benchmark.run_benchmark", lambda *_, **__: RECORD)
    text = refused(*COMMANDS[command])
    says(text, "cannot write", "No space left on device", "free space or write elsewhere")


def test_a_file_that_outgrows_its_limit_leaves_the_earlier_results(
    earlier_results, detector, tmp_path
):
    script = f"""
import json, resource, sys, warnings
import dccad, dccad.evaluation.benchmark as benchmark
from dccad.cli.main import main
benchmark.run_benchmark = lambda *_, **__: json.loads({json.dumps(RECORD)!r})
detector = dccad.load("model")
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
for command in json.loads(sys.argv[1]):
    print(main(command))
try:
    detector.save("from_python")
except OSError as error:
    print(error.errno)
"""
    before = contents(tmp_path)
    arguments = [sys.executable, "-B", "-c", script, json.dumps(list(COMMANDS.values()))]
    variables = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, env=variables)
    assert done.stdout.split() == ["2"] * len(COMMANDS) + [str(errno.EFBIG)]
    lines = [line for line in done.stderr.splitlines() if not line.startswith("dccad: warning: ")]
    assert len(lines) == len(COMMANDS)
    for line in lines:
        assert line == (
            "dccad: error: cannot write the result: File too large; free space or write elsewhere"
        )
    assert contents(tmp_path) == before


def test_an_interrupted_save_leaves_the_earlier_model(earlier_results, detector, monkeypatch):
    before = contents(Path())

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_text", interrupt)
    for target in ("model", "some/new/model"):
        with pytest.raises(KeyboardInterrupt):
            detector.save(target)
    assert contents(Path()) == before


def test_a_model_behind_a_link_is_replaced_and_the_link_stays(model, detector):
    link = model.with_name("latest")
    link.symlink_to(model)
    (model / "model.json").write_text("{}")
    detector.save(link)
    assert link.is_symlink()
    assert dccad.load(model).threshold_ == detector.threshold_


def test_the_working_directory_can_become_the_model(log, detector, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    detector.save(".")
    assert dccad.load(".").threshold_ == detector.threshold_
    assert sorted(contents(tmp_path)) == ["model.json", "weights.safetensors"]
