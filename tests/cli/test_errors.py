"""What a user sees when something is wrong: one line, and an exit code."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import CHEAP, FIT, SCORE, process
from dccad.cli.errors import LONGEST_LINE, MOST_MISSING, explain, fail
from dccad.cli.main import main
from dccad.errors import InputError, MissingValuesError
from dccad.saving.folder import read_record


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "missing command; choose from demo, fit, score, export, info, benchmark, data (see"),
        (["data"], "missing command; choose from check, list, get, show, simulate (see dccad da"),
        (["demo", "pump"], "unknown demo 'pump'; choose from tep, machining"),
        (
            ["frobnicate"],
            "no such command 'frobnicate'; choose from demo, fit, score, export, info, bench",
        ),
        (["ft"], "no such command 'ft'. Did you mean 'fit'? (see dccad --help)"),
        (["data", "shwo"], "no such command 'shwo'. Did you mean 'show'? (see dccad data --help)"),
        (["fit"], "missing option '--output' / '-o' (see dccad fit --help)"),
        (["fit", "-o", "new"], "nothing to fit: pass a LOG, --normal LOG, or both"),
        (["score", "model"], "missing argument 'LOG' (see dccad score --help)"),
        (["fit", "log.csv"], "missing option '--output' / '-o' (see dccad fit --help)"),
        (["info"], "missing argument 'MODEL' (see dccad info --help)"),
        (["info", "model", "more"], "got unexpected extra argument(s) (more) (see dccad info"),
        (["fit", "log.csv", "-o"], "option '-o' requires an argument"),
        ([*FIT, "--windw", "9"], "no such option --windw; did you mean --window"),
        ([*FIT, "--zzz"], "no such option --zzz (see dccad fit --help)"),
        ([*FIT, "--resume"], "no such option --resume; did you mean --resample"),
        ([*FIT, "--window", "8.5"], "--window '8.5': needed is a whole number (see dccad fit"),
        ([*FIT, "--window", "eight"], "--window 'eight': needed is a whole number (see dccad fit"),
        ([*FIT, "--window", ""], "--window '': needed is a whole number (see dccad fit --help)"),
        ([*FIT, "--max-gap", "1h"], "--max-gap '1h': needed is a number (see dccad fit --help)"),
        ([*FIT, "--on-missing", "fill"], "--on-missing 'fill': 'fill' is not one of 'error', 'in"),
        ([*FIT, "--window", "-8"], "window=-8: needed is a whole number of at least 1"),
        ([*FIT, "--clusters", "1"], "n_clusters=1: needed is a whole number of at least 2"),
        ([*FIT, "--false-alarm-rate", "nan"], "false_alarm_rate=nan: needed is 0 < false_alarm_r"),
        ([*FIT, "--max-gap", "-1"], "max_gap=-1.0: needed is None or a positive number"),
        ([*FIT, "--seed", "-1"], "random_state=-1: needed is None, a whole number from 0 to 4294"),
        ([*FIT, "--set", "random_state=x"], "random_state='x': needed is None, a whole number fr"),
        ([*FIT, "--set", "alhpa=1"], "'alhpa' is no parameter of DCCA (did you mean 'alpha'?)"),
        ([*FIT, "--set", "frobnicate=1"], "'frobnicate' is no parameter of DCCA; known: alpha, "),
        ([*FIT, "--set", "alpha"], "--set 'alpha' has no value; write NAME=VALUE, as alpha=0.9"),
        (
            [*FIT, "--set", "alpha=1", "--set", "n_init=0"],
            "n_init=0: needed is a whole number of at least 1; alpha=1: needed is 0 ≤ ",
        ),
        ([*FIT, "--set", "optimizer=sgd"], "'optimizer' is no parameter of DCCA; known: alpha"),
        ([*FIT, "--set", "device=gpu"], "device='gpu' cannot be used here"),
        ([*FIT, "--time", "tiem"], "log.csv: no column 'tiem' for --time; did you mean 'time'?"),
        ([*FIT, "--run", "uint"], "log.csv: no column 'uint' for --run; did you mean 'unit'?"),
        ([*FIT, "--drop", "heat"], "log.csv: no column 'heat' for --drop; it has 'time', 'unit'"),
        ([*FIT, "--columns", "flw"], "log.csv: no sensor 'flw'; did you mean 'flow'?"),
        ([*FIT, "--label", "unit"], "log.csv: column 'unit' is named for both --run and --label;"),
        ([*FIT, "--label", "flow"], "log.csv: label column 'flow' holds '0.00123015335748257"),
        ([*FIT, "--resample", "1h"], "--resample '1h': needed is a number (see dccad fit --help)"),
        ([*FIT, "--resample", "0"], "the interval to resample to is 0.0 s; it needs to be a num"),
        ([*FIT, "--fill", "cubic"], "--fill 'cubic': 'cubic' is not one of 'hold', 'linear', 'm"),
        ([*FIT, "--timezone", "Europe/Berln"], "timezone 'Europe/Berln' is not known; did you me"),
        ([*FIT, "--time-format", "%d.%m.%Y"], "log.csv: time column 'time' holds '2024-01-01T00:"),
        ([*FIT, "--header", "first"], "--header 'first': needed is a whole number (see dccad fi"),
        ([*FIT, "--decimal", ";"], "decimal sign ';' is not usable; give , or ."),
        ([*FIT, "--encoding", "utf-9"], "encoding 'utf-9' is not known; name it as Python does: "),
        ([*FIT, "--sheet", "2"], "--sheet is for spreadsheets; log.csv is"),
        ([*FIT, "--query", "SELECT 1"], "--query is for databases; log.csv is"),
        ([*FIT, "--long"], "log.csv: a long table needs a column of tag and one of value, and it"),
        ([*FIT, "--prepare", "averge:2"], "prepare step 'averge:2' is unknown; write one of idle:"),
        ([*FIT, "--prepare", "average:1"], "prepare step 'average:1': '1' is no whole number from"),
        ([*FIT, "--prepare", "idle:torque"], "no sensor 'torque' for the prepare steps; the log h"),
        ([*FIT, "--prepare", "idle:flow<=99"], "of 200 rows none is left after idle:flow<=99; ch"),
        ([*FIT, "--fill-limit", "0"], "fill_limit=0: needed is a whole number of at least 1"),
        (["data", "check"], "missing argument 'LOG' (see dccad data check --help)"),
        (["data", "get", "tpe"], "no data set 'tpe'; did you mean 'tep'?"),
        (["data", "get", "skab"], "skab is not downloaded by dccad; download the folder data of"),
        (["data", "show", "--data", "nope"], "folder 'nope' does not exist; pass the folder that"),
        (["data", "simulate", "x", "--fault", "99"], "faults holds 99; needed are 0 to 28"),
        (["data", "simulate", "no/x"], "folder 'no' does not exist; create it before simulating"),
        (["data", "simulate", "x", "--train-hours", "-1"], "hours=-1.0 is not a positive number"),
        (["data", "simulate", "x", "--jobs", "-1"], "--jobs -1: needed is a number of processes"),
    ],
)
def test_a_wrong_call_ends_with_code_2_and_says_why(call, arguments, message):
    model = read_record("model")
    here = sorted(os.listdir())
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"dccad: error: {message}")
    assert err.count("\n") == 1
    assert sorted(os.listdir()) == here
    assert read_record("model") == model


def test_an_unforeseen_error_ends_with_code_1_and_one_line(call, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError("float division by zero\nand a second line")

    monkeypatch.setattr("dccad.detector.DCCA.fit", fail)
    code, out, err = call(*FIT)
    assert (code, out) == (1, "")
    assert err == (
        "dccad: error: unexpected ZeroDivisionError: float division by zero; "
        "set DCCAD_DEBUG=1 for a traceback to report\n"
    )
    monkeypatch.setenv("DCCAD_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(FIT)


def test_ctrl_c_ends_with_code_130_and_leaves_nothing_half_written(call, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    here = sorted(os.listdir())
    for target in (
        "dccad.fitting.recipe.fit_jointly",
        "dccad.saving.folder._write",
        "os.fsync",
    ):
        with monkeypatch.context() as patch:
            patch.setattr(target, stop)
            arguments = SCORE if target == "os.fsync" else [*FIT[:5], "new/model", *CHEAP]
            code, out, err = call(*arguments)
        assert (code, out, err) == (130, "", "dccad: error: stopped\n")
        assert sorted(os.listdir()) == here


@pytest.mark.parametrize("arguments", ["data show", "data show --json", "--help", "--version"])
def test_a_reader_that_goes_away_ends_the_command_quietly(arguments):
    command = f"{sys.executable} -m dccad {arguments}"
    script = f"{command} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_first_line_of_a_table_can_be_taken():
    script = f"set -o pipefail; {sys.executable} -m dccad data show | head -1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "tep-simulated: 21 training and 21 test runs (fault 0: none)\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_standard_output_is_reported():
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "dccad", "data", "show"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("dccad: error: cannot write the result: No space left on device")
    assert done.stderr.count("\n") == 1


def test_a_terminal_without_the_characters_still_gets_the_table():
    done = process("data", "show", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert r"\u2013" in done.stdout
    assert done.stdout.count("\n") == 44


# -- one line, whatever is in it -------------------------------------------------------------------


def test_a_message_is_one_printable_line_that_keeps_its_end(capsys):
    assert fail("a\tb\nc\x1b[31m\N{ZERO WIDTH SPACE}é", 2) == 2
    assert capsys.readouterr() == ("", "dccad: error: a b c\\x1b[31m\\u200bé\n")
    assert fail("x" * 5000 + "; leave it out", 7) == 7
    line = capsys.readouterr().err
    assert line.startswith("dccad: error: " + "x" * (LONGEST_LINE - 300) + " … ")
    assert line.endswith("; leave it out\n")
    assert len(line) == len("dccad: error: ") + LONGEST_LINE + len(" … ") + 1


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (InputError("no rows"), 2, "no rows"),
        (OSError(errno.ENOSPC, "No space left on device"), 2, "cannot write the result: No space"),
        (OSError(errno.EFBIG, "File too large"), 2, "cannot write the result: File too large; fr"),
        (
            PermissionError(13, "Permission denied", "a.csv"),
            2,
            "cannot read or write a.csv: Perm",
        ),
        (OSError("no number"), 2, "cannot read or write: no number"),
        (ValueError(), 1, "unexpected ValueError: no message; set DCCAD_DEBUG=1 for a traceback"),
    ],
)
def test_each_kind_of_error_has_its_code_and_its_words(capsys, error, code, message):
    assert explain(error) == code
    assert capsys.readouterr().err.startswith(f"dccad: error: {message}")


def test_the_table_of_missing_values_stands_above_the_line_and_is_cut(capsys):
    row = {"missing": 3, "share": 0.5, "first_row": 7, "longest": 2}
    table = [row | {"sensor": f"{i}" * 50} for i in range(MOST_MISSING + 2)]
    assert explain(MissingValuesError("fill them", table)) == 2
    *above, cut, last = capsys.readouterr().err.splitlines()
    assert above[0].split() == ["missing", "share", "first", "row", "longest", "sensor"]
    assert len(above) == 1 + MOST_MISSING
    assert above[1].split() == ["3", "50.00%", "7", "2", "0" * 39 + "…"]
    assert (cut.strip(), last) == ("and 2 more sensors", "dccad: error: fill them")
