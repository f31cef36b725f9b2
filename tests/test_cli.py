"""The command line as people and scripts use it: every command, its text, its JSON, its exit codes.

Wrong input is in ``test_bad_input.py``.
"""

import datetime as dt
import hashlib
import json
import os
import re
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import dccad
from conftest import FAST
from dccad import DCCA, Run
from dccad.cli import main
from dccad.display import print_benchmark, print_scores, to_json
from dccad.persistence import FORMAT, read_record

COMMANDS = [
    [],
    ["demo"],
    ["fit"],
    ["score"],
    ["info"],
    ["benchmark"],
    ["data"],
    ["data", "show"],
    ["data", "simulate"],
]
NAMES = ["flow", "pressure", "level"]
CHEAP = ["--window", "8", "--false-alarm-rate", "0.05", "--set=n_kernels=2", "--set=n_init=1"]
CHEAP += ["--set=pretrain_epochs=1", "--set=joint_epochs=1"]
FIT = ["fit", "log.csv", "--run", "unit", "-o", "model", *CHEAP]
SCORE = ["score", "model", "log.csv", "--run", "unit", "-o", "scores.csv"]


@pytest.fixture(scope="module")
def log():
    """Two runs of a pump, 110 and 90 rows, a row a minute; the second run ends elsewhere."""
    rng = np.random.default_rng(7)
    values = rng.normal(size=(200, 3))
    values[160:] += [4.0, 0.0, -4.0]
    stamps = [dt.datetime(2024, 1, 1) + dt.timedelta(minutes=i) for i in range(200)]
    columns = {"time": stamps, "unit": ["a"] * 110 + ["b"] * 90}
    return pl.DataFrame(columns | {name: values[:, i] for i, name in enumerate(NAMES)})


@pytest.fixture(scope="module")
def runs(log):
    """The same log as Python has it."""
    stamps = log["time"].to_numpy().astype("datetime64[ns]")
    values = log.select(NAMES).to_numpy()
    parts = {"a": slice(0, 110), "b": slice(110, 200)}
    return {
        name: Run(np.ascontiguousarray(values[part]), tuple(NAMES), name, stamps[part])
        for name, part in parts.items()
    }


@pytest.fixture(scope="module")
def workplace(log, tmp_path_factory):
    """A folder with the log and a model fitted on it; tests must not change these."""
    folder = tmp_path_factory.mktemp("cli")
    log.write_csv(folder / "log.csv")
    log.write_parquet(folder / "log.parquet")
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert main(FIT) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def call(workplace, tmp_path, monkeypatch, capsys):
    """Call ``dccad`` in a fresh folder that has the log and the model; (code, stdout, stderr)."""
    for name in ("log.csv", "log.parquet", "model"):
        (tmp_path / name).symlink_to(workplace / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments):
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def process(*arguments, **variables):
    """``dccad`` in a process of its own, its output in pipes, with environment variables."""
    command = [sys.executable, "-m", "dccad", *map(str, arguments)]
    environment = {k: v for k, v in os.environ.items() if k not in ("FORCE_COLOR", "NO_COLOR")}
    environment |= {"OMP_NUM_THREADS": "1"} | variables
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def widest(text):
    return max(map(len, text.splitlines()))


# -- help -----------------------------------------------------------------------------------------


def test_help_answers_within_three_tenths_of_a_second():
    seconds = []
    for _ in range(8):
        start = time.perf_counter()
        assert process("--help").returncode == 0
        seconds.append(time.perf_counter() - start)
        if seconds[-1] < 0.3:
            break
    assert min(seconds) < 0.3


@pytest.mark.parametrize(
    "script",
    [
        "import dccad",
        "from dccad.cli import main; main(['--help'])",
        "from dccad.cli import main; main(['--version'])",
        "from dccad.cli import main; main(['fit', '--help'])",
        "from dccad.cli import main; main(['fit'])",
    ],
)
def test_nothing_heavy_is_imported_before_there_is_work(script):
    heavy = {"torch", "sklearn", "scipy", "numpy", "polars", "pandas", "matplotlib", "rich"}
    code = f"import sys; {script}; sys.stderr.write('@' + ' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stderr.partition("@")[2].split()}
    assert "dccad" in loaded
    assert not heavy & loaded


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_help_has_an_example_and_fits_a_terminal(call, command):
    for option in ("--help", "-h"):
        code, out, err = call(*command, option)
        assert (code, err) == (0, "")
        assert out.startswith(" ".join(["Usage: dccad", *command]))
        assert f"Example: {' '.join(['dccad', *command])} " in out.rstrip() + " "
        assert widest(out) <= 80
        assert "…" not in out  # no option name or text is cut
        assert "..." not in out.partition("\n")[2]


@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in ([], ["data"])], ids=" ".join)
def test_the_example_of_every_help_is_a_valid_call(call, monkeypatch, command):
    example = call(*command, "--help")[1].partition("Example: dccad ")[2].split()
    reached = []

    def arrive(*_, **__):
        reached.append(True)
        raise KeyboardInterrupt

    for target in (
        "dccad.demo.run_demo",
        "dccad.persistence.check_target",
        "dccad.persistence.load",
        "dccad.persistence.read_record",
        "dccad.datasets.load_tep",
        "dccad.datasets.simulation.simulate_to",
    ):
        monkeypatch.setattr(target, arrive)
    assert call(*example)[0] == 130
    assert reached


def test_version_is_one_line(call):
    code, out, err = call("--version")
    assert (code, err) == (0, "")
    assert out == f"dccad {dccad.__version__}\n"


# -- wrong calls ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "missing command; choose from demo, fit, score, info, benchmark, data (see dccad"),
        (["data"], "missing command; choose from show, simulate (see dccad data --help)"),
        (["frobnicate"], "no such command 'frobnicate'; choose from demo, fit, score, info, bench"),
        (["ft"], "no such command 'ft'. Did you mean 'fit'? (see dccad --help)"),
        (["data", "shwo"], "no such command 'shwo'. Did you mean 'show'? (see dccad data --help)"),
        (["fit"], "missing argument 'LOG' (see dccad fit --help)"),
        (["fit", "log.csv"], "missing option '--output' / '-o' (see dccad fit --help)"),
        (["score", "model"], "missing argument 'LOG' (see dccad score --help)"),
        (["info"], "missing argument 'MODEL' (see dccad info --help)"),
        (["info", "model", "more"], "got unexpected extra argument(s) (more) (see dccad info"),
        (["fit", "log.csv", "-o"], "option '-o' requires an argument"),
        ([*FIT, "--windw", "9"], "no such option --windw; did you mean --window? (see dccad fit"),
        ([*FIT, "--zzz"], "no such option --zzz (see dccad fit --help)"),
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
        ([*FIT, "--set", "alpha=1", "--set", "tol=-1"], "alpha=1: needed is 0 ≤ alpha < 1; tol=-"),
        ([*FIT, "--set", "device=gpu"], "device='gpu' cannot be used here"),
        ([*FIT, "--time", "tiem"], "log.csv: no column 'tiem' for --time; did you mean 'time'?"),
        ([*FIT, "--run", "uint"], "log.csv: no column 'uint' for --run; did you mean 'unit'?"),
        ([*FIT, "--drop", "heat"], "log.csv: no column 'heat' for --drop; it has 'time', 'unit'"),
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
    for target in ("dccad.detector.fit_jointly", "dccad.persistence._write", "os.fsync"):
        with monkeypatch.context() as patch:
            patch.setattr(target, stop)
            arguments = SCORE if target == "os.fsync" else [*FIT[:5], "new/model", *CHEAP]
            code, out, err = call(*arguments)
        assert (code, out, err) == (130, "", "dccad: error: stopped\n")
        assert sorted(os.listdir()) == here


# -- fit, info, score -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def expected(runs):
    """The same fit in Python, and its scores."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        detector = DCCA(**FAST).fit(runs)
    return detector, detector.score_rows(runs)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_fit_and_score_give_what_python_gives(call, runs, expected, suffix):
    detector, found = expected
    log = f"log.{suffix}"
    assert call("fit", log, "--run", "unit", "-o", f"from_{suffix}", *CHEAP)[0] == 0
    again = dccad.load(f"from_{suffix}")
    assert again.threshold_ == detector.threshold_
    np.testing.assert_array_equal(again.decision_scores_, detector.decision_scores_)

    scores = f"scores.{suffix}"
    code, _, err = call("score", f"from_{suffix}", log, "--run", "unit", "-o", scores)
    assert (code, err) == (0, "")
    table = pl.read_csv(scores) if suffix == "csv" else pl.read_parquet(scores)
    assert table.columns == ["run", "row", "time", "score", "flag", "region"]
    assert table["run"].to_list() == ["a"] * 110 + ["b"] * 90
    assert table["row"].to_list() == [*range(110), *range(90)]
    for column, name in (("score", "score"), ("flag", "flag"), ("region", "region")):
        np.testing.assert_array_equal(
            table[column].to_numpy(), np.concatenate([*found[name].values()])
        )
    assert table["flag"].sum() > 0
    time = np.concatenate([run.time for run in runs.values()])
    written = table["time"].to_numpy() if suffix == "parquet" else table["time"].to_list()
    np.testing.assert_array_equal(np.array(written, dtype="datetime64[ns]"), time)


def test_a_time_column_in_seconds_and_one_left_out_are_no_sensors(call, log):
    seconds = log.drop("time").with_columns(t=60.0 * pl.int_range(pl.len()))
    seconds.with_columns(note=pl.lit("ok")).write_csv("seconds.csv")
    options = ["--run", "unit", "--time", "t", "--drop", "note"]
    assert call("fit", "seconds.csv", "-o", "new", *options, *CHEAP)[0] == 0
    assert read_record("new")["columns"] == NAMES
    assert call("score", "new", "seconds.csv", "-o", "s.csv", *options)[0] == 0
    assert pl.read_csv("s.csv")["time"].to_list() == [60.0 * i for i in range(200)]


def test_several_files_are_several_runs(call, log):
    for name, part in (("monday", log[:110]), ("tuesday", log[110:])):
        part.drop("unit").write_csv(f"{name}.csv")
    code, out, _ = call(
        "score", "model", "monday.csv", "tuesday.csv", "monday.csv", "-o", "s.csv", "--json"
    )
    assert (code, json.loads(out)["rows"]) == (0, 310)
    table = pl.read_csv("s.csv")
    assert table["run"].unique(maintain_order=True).to_list() == ["monday", "tuesday", "monday (2)"]
    first, again = (table.filter(run=name)["score"] for name in ("monday", "monday (2)"))
    np.testing.assert_array_equal(first.to_numpy(), again.to_numpy())


def test_reference_rows_set_the_threshold_on_what_was_held_out(call, log, runs):
    log.filter(unit="a").drop("unit").write_csv("quiet.csv")
    log.drop("unit").write_csv("all.csv")
    arguments = ["fit", "all.csv", "--normal", "quiet.csv", "-o", "new", *CHEAP]
    code, out, _ = call(*arguments, "--json")
    assert code == 0
    record = json.loads(out)
    assert record["reference_digest"] is not None
    assert "reference" in record["regions_of_fit"]["rule"]
    assert record["n_calibration_windows"] == 33 - 7  # the last 30 % of 110 rows
    whole = log.drop("unit")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        detector = DCCA(**FAST).fit(whole, normal=whole[:110])
    assert record["threshold"] == detector.threshold_
    assert record["threshold"] != read_record("model")["threshold"]


def test_the_same_seed_gives_the_same_files_and_another_does_not(call):
    def digests(name, seed):
        assert call(*FIT[:5], name, *CHEAP, "--seed", seed)[0] == 0
        assert call("score", name, "log.csv", "--run", "unit", "-o", f"{name}.csv")[0] == 0
        files = (f"{name}/weights.safetensors", f"{name}.csv")
        return [hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in files]

    first = digests("first", 0)
    assert digests("second", 0) == first
    other = digests("other", 1)
    assert other[0] != first[0]
    assert other[1] != first[1]


def test_settings_reach_the_model(call):
    options = ["--clusters", "3", "--set", "strides=[2, 1, 1]", "--set", "batch_norm=false"]
    options += ["--set", "routing=two-step", "--max-gap", "90", "--keep-latents"]
    code, out, _ = call(*FIT[:5], "new", *CHEAP, *options)
    assert code == 0
    parameters = dccad.load("new").get_params()
    expected = {"n_clusters": 3, "strides": (2, 1, 1), "batch_norm": False, "max_gap": 90.0}
    expected |= {"routing": "two-step", "keep_latents": True, "window": 8, "n_kernels": 2}
    assert {name: parameters[name] for name in expected} == expected
    assert dccad.load("new").latents_.shape == (186, 8, 4)
    assert "region 2 " in out
    assert "densest of 3 regions" in out
    code, out, _ = call("score", "new", "log.csv", "--run", "unit", "-o", "s.csv", "--json")
    assert set(json.loads(out)["region_share"]) == {"0", "1", "2"}


def test_info_shows_what_fit_showed(call):
    code, shown, err = call("info", "model")
    assert (code, err) == (0, "")
    record = read_record("model")
    for words in (
        "3: flow, pressure, level",
        "8 rows; the first 7 rows of a run have no score",
        "8, each of 4 positions",
        "2 epochs, L_R ",
        f"{record['threshold']:.3f}, for a false-alarm rate of 0.05, from ",
        record["data_digest"][:16],
        "dccad ",
    ):
        assert words in shown
    assert widest(shown) <= 80
    code, fitted, err = call(*FIT[:5], "again", *CHEAP)
    assert (code, err) == (0, "")
    assert fitted.split() == shown.replace(" model ", " again ", 1).split()


def test_score_shows_counts_and_flagged_stretches(call):
    code, shown, err = call(*SCORE)
    assert (code, err) == (0, "")
    table = pl.read_csv("scores.csv")
    flagged = table["flag"].sum()
    assert f"200 rows, 186 with a score, {flagged} flagged ({flagged / 186:.2%}) above " in shown
    assert "\nwritten to scores.csv\n" in shown
    assert widest(shown) <= 80
    summary = json.loads(call(*SCORE, "--json")[1])
    assert sum(episode["rows"] for episode in summary["episodes"]) == flagged
    longest = max(summary["episodes"], key=lambda episode: episode["rows"])
    first = table.row(
        by_predicate=(pl.col("run") == longest["run"]) & (pl.col("row") == longest["first_row"]),
        named=True,
    )
    assert first["time"].startswith(longest["start"])
    assert re.search(rf"^{longest['run']} +{longest['rows']} +{longest['first_row']} ", shown, re.M)


def test_many_flagged_stretches_are_shortened_and_a_long_path_is_not(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    episodes = [
        {"run": "a", "first_row": 9 * i, "last_row": 9 * i + i, "rows": i + 1, "peak": 2.0}
        for i in range(12)
    ]
    summary = {"rows": 200, "scored": 193, "flagged": 78, "share_flagged": 78 / 193}
    path = Path("a" * 50) / ("b" * 60 + ".csv")
    print_scores(summary | {"threshold": 1.5, "episodes": episodes}, path)
    shown = capsys.readouterr().out
    assert f"\nwritten to {path}\n" in shown
    assert "10 longest of 12 flagged stretches" in shown
    lengths = [int(line.split()[1]) for line in shown.splitlines() if line.startswith("a ")]
    assert lengths == [12, 11, 10, 9, 8, 7, 6, 5, 4, 3]
    print_scores(summary | {"threshold": 1.5, "episodes": []}, path)
    assert "stretch" not in capsys.readouterr().out


# -- warnings -------------------------------------------------------------------------------------


def test_each_warning_is_one_line_and_comes_once(call, log):
    log.with_columns(valve=pl.lit(3.0)).write_csv("stuck.csv")
    code, out, err = call(
        "fit", "stuck.csv", "--run", "unit", "-o", "new", *CHEAP, "--false-alarm-rate", "0.001"
    )
    assert code == 0
    lines = err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("dccad: warning: 1 of 4 sensors never change in the fit data: valve")
    assert lines[1].startswith("dccad: warning: a false-alarm rate of 0.001 needs at least 999")
    assert "warning" not in out


# -- machines -------------------------------------------------------------------------------------

DOCUMENTS = {
    "fit": ([*FIT[:5], "new", *CHEAP], {"format", "threshold", "columns", "parameters", "history"}),
    "info": (["info", "model"], {"format", "threshold", "columns", "versions"}),
    "score": (SCORE, {"rows", "scored", "flagged", "threshold", "episodes", "region_share"}),
    "data show": (["data", "show"], {"name", "runs"}),
}


@pytest.mark.parametrize("command", DOCUMENTS)
def test_json_is_one_document_and_nothing_else(call, command):
    arguments, keys = DOCUMENTS[command]
    code, out, err = call(*arguments, "--json")
    assert (code, err) == (0, "")
    assert out.endswith("}\n")
    assert out.count("\n") == 1
    document = json.loads(out, parse_constant=pytest.fail)  # NaN and Infinity are no JSON
    assert keys <= set(document)


def test_json_of_fit_is_the_record_of_the_model(call):
    fitted = json.loads(call(*FIT[:5], "new", *CHEAP, "--json")[1])
    assert fitted == read_record("new") == json.loads(call("info", "new", "--json")[1])
    assert fitted["format"] == FORMAT


def test_json_is_ascii_so_that_any_terminal_can_carry_it():
    text = to_json({"température °C": float("nan"), "share": np.float32(0.5)})
    assert text.isascii()
    assert json.loads(text) == {"température °C": None, "share": 0.5}


def test_a_pipe_gets_no_progress_bar_and_no_colours(call):
    done = process(*FIT[:5], "new", *CHEAP, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == read_record("new")
    done = process("info", "new")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert re.search("^training +2 epochs", done.stdout, re.M)


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


# -- benchmark and data ---------------------------------------------------------------------------


@pytest.fixture
def tiny_benchmark(monkeypatch):
    """Both protocols on the first 60 rows of three runs."""
    from dccad.datasets import Dataset, load_tep_simulated

    whole = load_tep_simulated()
    train = tuple(whole.train_run(fault).rows(0, 60) for fault in (0, 1, 2))
    test = tuple(whole.test_run(fault).rows(140, 200) for fault in (0, 1, 2))
    monkeypatch.setattr(
        "dccad.datasets.load_tep_simulated", lambda: Dataset("tep-simulated", train, test)
    )


def test_a_benchmark_prints_and_writes_its_figures(call, tiny_benchmark):
    arguments = ["benchmark", "tep-pairs", "--seed", "3", "--jobs", "1", *CHEAP[4:]]
    arguments += ["--set", "window=8", "--method", "dccad", "--method", "kmeans-windows"]
    code, shown, _ = call(*arguments, "-o", "figures.json")
    assert code == 0
    record = json.loads(Path("figures.json").read_text())
    assert set(record) == {
        "protocol",
        "dataset",
        "seeds",
        "environment",
        "settings",
        "results",
        "warnings",
    }
    assert record["seeds"] == [3]
    assert record["settings"]["window"] == 8
    assert set(record["results"]) == {"dccad", "kmeans-windows"}
    assert "tep-pairs on tep-simulated: ACC, NMI, ARI in percent, seed 3\n" in shown
    accuracy = record["results"]["dccad"]["acc_2"]["mean"]
    assert re.search(rf"^dccad +{100 * accuracy:.1f} ", shown, re.M)
    assert widest(shown) <= 80
    code, out, _ = call(*arguments, "--json")
    assert json.loads(out)["results"]["dccad"]["acc_2"]["mean"] == accuracy


def test_the_widest_benchmark_table_fits_a_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    groups = ("mean_clustering_maps", "mean_reconstruction_maps", "top_map", "oracle_map")
    names = ["acc", "nmi", "ari", *(f"{group}_acc" for group in groups)]
    figures = {name: {"mean": 0.789, "std": 0.1234} for name in names}
    methods = ("dccad", "dccad-no-split", "autoencoder-kmeans", "kmeans-windows")
    record = {
        "protocol": "tep-pooled",
        "dataset": "tep-simulated",
        "seeds": [0, 1, 2, 3, 4],
        "results": dict.fromkeys(methods, figures),
        "warnings": {"LatentCollapseWarning": 3},
    }
    print_benchmark(record)
    shown = capsys.readouterr().out
    assert widest(shown) <= 80
    assert "…" not in shown
    assert shown.count("78.9±12") == 28
    assert "autoencoder-" in shown
    assert "over seeds 0, 1, 2, 3, 4" in " ".join(shown.split())
    assert "3 fits warned: LatentCollapseWarning" in shown


def test_data_show_lists_every_run(call):
    code, shown, err = call("data", "show")
    assert (code, err) == (0, "")
    assert re.search(r"^d06 +train +6 +\d+ +52 +20 *$", shown, re.M)
    assert re.search(r"^d00_te +test +0 +960 +52 +– *$", shown, re.M)
    document = json.loads(call("data", "show", "--json")[1])
    assert len(document["runs"]) == 42
    assert document["runs"][0] == {
        "run": "d00",
        "split": "train",
        "fault": 0,
        "rows": 500,
        "sensors": 52,
        "onset": None,
    }


def test_data_show_lists_the_classic_files(call, classic_folder):
    classic = json.loads(call("data", "show", "--data", classic_folder, "--json")[1])
    assert len(classic["runs"]) == 44
    assert classic["runs"][1]["onset"] == 0


def test_data_simulate_writes_a_set_and_says_what_it_holds(call):
    hours = ["--train-hours", "0.5", "--train-onset", "0.1", "--test-hours", "0.4"]
    hours += ["--test-onset", "0.2", "--warm-up", "0.5", "--jobs", "1"]
    code, shown, err = call("data", "simulate", "set", "--fault", "0", "--fault", "6", *hours)
    assert (code, err) == (0, "")
    assert re.search(r"^d06_te +test +6 +8 +4 +\d+ +– *$", shown, re.M)
    assert shown.endswith("written to set.parquet and set.json\n")
    assert widest(shown) <= 80
    records = json.loads(Path("set.json").read_text())["runs"]
    assert [record["warm_up_hours"] for record in records] == [0.5] * 4
    assert pl.read_parquet("set.parquet").height == 10 + 10 + 8 + 8
