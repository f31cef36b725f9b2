"""The command line as people and scripts use it: every command, its text, its JSON, its exit codes.

Wrong input is in ``test_bad_input.py``.
"""

import datetime as dt
import hashlib
import json
import os
import re
import resource
import sqlite3
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import xlsxwriter

import dccad
from conftest import FAST, caller
from dccad import DCCA, Run
from dccad.cli.main import main
from dccad.cli.printing.as_json import to_json
from dccad.cli.printing.benchmark import print_benchmark
from dccad.cli.printing.scores import print_scores
from dccad.detector import AS_PUBLISHED
from dccad.saving.folder import FORMAT, read_record

COMMANDS = [
    [],
    ["demo"],
    ["fit"],
    ["score"],
    ["export"],
    ["info"],
    ["benchmark"],
    ["data"],
    ["data", "check"],
    ["data", "list"],
    ["data", "get"],
    ["data", "show"],
    ["data", "simulate"],
]
NAMES = ["flow", "pressure", "level"]
CHEAP = ["--window", "8", "--false-alarm-rate", "0.05", "--set=n_kernels=2", "--set=n_init=1"]
CHEAP += ["--set=pretrain_epochs=1", "--set=joint_epochs=1", "--set=calibration=held-out"]
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
    return caller(capsys)


def process(*arguments, input=None, **variables):
    """``dccad`` in a process of its own, its output in pipes, with environment variables."""
    command = [sys.executable, "-m", "dccad", *map(str, arguments)]
    environment = {k: v for k, v in os.environ.items() if k not in ("FORCE_COLOR", "NO_COLOR")}
    environment |= {"OMP_NUM_THREADS": "1"} | variables
    return subprocess.run(
        command, input=input, capture_output=True, text=True, check=False, env=environment
    )


def widest(text):
    return max(map(len, text.splitlines()))


# -- help -----------------------------------------------------------------------------------------


def test_help_takes_less_than_three_tenths_of_a_second():
    def seconds():  # of the processor, which other work on this machine does not lengthen
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    taken = []
    for _ in range(3):
        start = seconds()
        assert process("--help").returncode == 0
        taken.append(seconds() - start)
        if taken[-1] < 0.3:
            break
    assert min(taken) < 0.3


@pytest.mark.parametrize(
    "script",
    [
        "import dccad",
        "from dccad.cli.main import main; main(['--help'])",
        "from dccad.cli.main import main; main(['--version'])",
        "from dccad.cli.main import main; main(['fit', '--help'])",
        "from dccad.cli.main import main; main(['fit'])",
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
        "dccad.demo.tep.run_demo",
        "dccad.saving.folder.check_target",
        "dccad.detector.load",
        "dccad.saving.folder.read_record",
        "dccad.tables.read_tables",
        "dccad.datasets.registry.list_datasets",
        "dccad.datasets.registry.get_dataset",
        "dccad.datasets.load_tep",
        "dccad.datasets.tep.simulator.simulate_to",
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
            [*FIT, "--set", "alpha=1", "--set", "learning_rate=0"],
            "alpha=1: needed is 0 ≤ alpha < 1; le",
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
    assert table.columns == ["run", "row", "time", "score", "p_value", "flag", "region", "state"]
    assert table["run"].to_list() == ["a"] * 110 + ["b"] * 90
    assert table["row"].to_list() == [*range(110), *range(90)]
    for name in ("score", "p_value", "flag", "region"):
        np.testing.assert_array_equal(
            table[name].to_numpy(), np.concatenate([*found[name].values()])
        )
    states = np.concatenate([*detector.predict_state(runs).values()])
    assert (table["state"].fill_null("") == states.tolist()).all()
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
    Path("spare").mkdir()
    for name, part in (("monday", log[:110]), ("tuesday", log[110:]), ("spare/monday", log[:110])):
        part.drop("unit").write_csv(f"{name}.csv")
    Path("main").symlink_to(".")
    files = ["main/monday.csv", "tuesday.csv", "spare/monday.csv"]
    code, out, _ = call("score", "model", *files, "-o", "s.csv", "--json")
    assert (code, json.loads(out)["rows"]) == (0, 310)
    table = pl.read_csv("s.csv")
    names = ["main/monday", "tuesday", "spare/monday"]
    assert table["run"].unique(maintain_order=True).to_list() == names
    first, again = (table.filter(run=name)["score"] for name in (names[0], names[2]))
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
    options += [f"--set={name}={json.dumps(value)}" for name, value in AS_PUBLISHED.items()]
    code, out, _ = call(*FIT[:5], "new", *CHEAP, *options)
    assert code == 0
    parameters = dccad.load("new").get_params()
    expected = {"n_clusters": 3, "strides": (2, 1, 1), "batch_norm": False, "max_gap": 90.0}
    expected |= {"routing": "two-step", "keep_latents": True, "window": 8, "n_kernels": 2}
    expected |= AS_PUBLISHED
    assert {name: parameters[name] for name in expected} == expected
    assert dccad.load("new").latents_.shape == (186, 8, 4)
    assert "densest of 3 regions" in out
    names = [state["name"] for state in dccad.load("new").states_]
    assert len(set(names)) == 3
    assert all(f"{name} " in " ".join(out.split()) for name in names)
    code, out, _ = call("score", "new", "log.csv", "--run", "unit", "-o", "s.csv", "--json")
    assert set(json.loads(out)["region_share"]) == {"0", "1", "2"}


def test_info_shows_what_fit_showed(call):
    code, shown, err = call("info", "model")
    assert (code, err) == (0, "")
    record = read_record("model")
    for words in (
        "3: flow, pressure, level",
        "8 rows; the first 7 rows of a run have no score",
        "2 epochs, L_R ",
        f"{record['threshold']:.3f}, for a false-alarm rate of 0.05, from ",
        record["data_digest"][:16],
        "dccad ",
    ):
        assert words in shown
    network = "depthwise, 2 kernels on each of 6 directions (sensors+whitened), 42 pooled maps"
    assert network in " ".join(shown.split())
    assert "energy, recent energy, mean, log-variance, residual" in " ".join(shown.split())
    assert widest(shown) <= 80
    code, fitted, err = call(*FIT[:5], "again", *CHEAP)
    assert (code, err) == (0, "")
    read, mark, model = fitted.partition("model ")
    assert read == (
        "log.csv: CSV, 2 runs, 200 rows, 3 sensors, a row every 1 min\n"
        "  separator ',' (from the first 200 lines)\n"
        "  time is column 'time'\n"
    )
    assert (mark + model).split() == shown.replace(" model ", " again ", 1).split()


def test_score_shows_counts_and_flagged_stretches(call):
    code, shown, err = call(*SCORE)
    assert (code, err) == (0, "")
    table = pl.read_csv("scores.csv")
    flagged = table["flag"].sum()
    assert shown.startswith("log.csv: CSV, 2 runs, 200 rows, 3 sensors, a row every 1 min\n  sep")
    assert f"\n200 rows, 186 with a score, {flagged} flagged ({flagged / 186:.2%}) above " in shown
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


# -- any plant's tables ---------------------------------------------------------------------------


def scores_of(file):
    return pl.read_csv(file)["score"].to_numpy()


def said(out):
    """Text of a terminal without its line breaks."""
    return " ".join(out.split())


@pytest.fixture(scope="module")
def wide(log):
    """The log as one run without a run column."""
    return log.drop("unit")


@pytest.fixture(scope="module")
def historian(wide):
    """Lines of a long export in German; each tag every third minute, the last row of each bad."""
    stamps, values = wide["time"].to_list(), wide.select(NAMES).to_numpy()
    lines = ["Zeitpunkt;Messpunkt;Zahl;Zustand"]
    held = {}
    for i, stamp in enumerate(stamps):
        for k, name in enumerate(NAMES):
            if i == 0 or (i + k) % 3 == 0:
                bad = i >= 195
                number = f"{values[i, k]:.4f}"
                held |= {} if bad else {(i, k): float(number)}
                number = number.replace(".", ",")
                lines.append(f"{stamp:%d.%m.%Y %H:%M};{name};{number};{'Ausfall' if bad else 'ok'}")
    return "\n".join(lines) + "\n", held


def test_a_historian_export_is_scored_as_it_was_fitted_without_saying_how_again(
    call, wide, historian
):
    text, held = historian
    Path("plant.csv").write_text(text)
    how = ["--time", "Zeitpunkt", "--time-format", "%d.%m.%Y %H:%M", "--tag", "Messpunkt"]
    how += ["--value", "Zahl", "--quality", "Zustand", "--good", "ok", "--good", "gut"]
    how += ["--timezone", "Europe/Berlin", "--resample", "120", "--max-gap", "3600"]
    rate = ["--false-alarm-rate", "0.1"]  # few windows of 98 rows of noise are in region 0
    code, out, err = call("fit", "plant.csv", "-o", "new", *how, *CHEAP, *rate)
    assert (code, err) == (0, "")
    for words in (
        "plant.csv: CSV, 1 run, 98 rows, 3 sensors, a row every 2 min",
        "decimal comma",
        "time stamps are taken in Europe/Berlin: brought to UTC",
        "dropped 5 of 202 values of bad quality (Ausfall 5): most in ",
        "rows every 120 s, the last value held",
        "resample 120.0",
    ):
        assert words in said(out)
    assert widest(out) <= 80
    record = read_record("new")
    assert record["reading"] == {
        "time": "Zeitpunkt",
        "time_format": "%d.%m.%Y %H:%M",
        "timezone": "Europe/Berlin",
        "tag": "Messpunkt",
        "value": "Zahl",
        "quality": "Zustand",
        "good": ["ok", "gut"],
        "resample": 120.0,
        "max_gap": 3600.0,
    }

    # by hand: the last good value of each tag, every second minute until the last report
    rows = []
    last = [None] * 3
    for i in range(195):
        last = [held.get((i, k), last[k]) for k in range(3)]
        rows.append(list(last))
    grid = pl.DataFrame(rows[::2], schema=NAMES, orient="row").select(sorted(NAMES))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = DCCA(**FAST).fit(grid)
    assert record["threshold"] == expected.threshold_
    code, out, err = call("score", "new", "plant.csv", "-o", "s.csv")
    assert (code, err) == (0, "")
    np.testing.assert_array_equal(scores_of("s.csv"), expected.decision_scores_)
    assert pl.read_csv("s.csv")["time"].to_list()[:2] == [
        "2023-12-31T23:00:00",
        "2023-12-31T23:02:00",
    ]

    # what is said anew counts; another table that has the sensors will do
    assert call("score", "new", "plant.csv", "-o", "t.csv", "--resample", "240")[0] == 0
    assert len(scores_of("t.csv")) == 49
    code, out, err = call("score", "new", "log.csv", "-o", "t.csv")
    assert (code, out) == (2, "")
    assert err.startswith("dccad: error: log.csv: no column 'Zeitpunkt' for --time; it has 'time'")


def test_rows_that_were_prepared_get_their_scores_back_where_they_stand(call):
    rng = np.random.default_rng(3)
    torque = 5.0 + rng.normal(size=200)
    torque[30:41] = torque[120:150] = 0.0
    table = pl.DataFrame({"torque": torque, "speed": rng.normal(size=200)})
    table.write_csv("lathe.csv")
    steps = ["idle:torque", "average:2", "clip:speed=-2..2"]
    arguments = [argument for step in steps for argument in ("--prepare", step)]
    code, out, _ = call("fit", "lathe.csv", "-o", "new", *arguments, *CHEAP)
    assert code == 0
    assert re.search(r"^prepared by +idle:torque, average:2, clip:speed=-2..2 *$", out, re.M)
    assert read_record("new")["parameters"]["prepare"] == steps

    code, out, err = call("score", "new", "lathe.csv", "-o", "s.csv")
    assert (code, err) == (0, "")
    scores = pl.read_csv("s.csv")
    assert scores["row"].to_list() == list(range(200))
    found, idle = scores["score"].to_numpy(), torque == 0.0
    assert np.isnan(found[idle]).all()
    assert scores.filter(pl.Series(idle))["flag"].sum() == 0
    assert scores.filter(pl.Series(idle))["region"].unique().to_list() == [-1]
    first = [start + 2 * 8 - 1 for start in (0, 41, 150)]  # when 8 pairs of rows are full
    assert [np.flatnonzero(~np.isnan(found[start:]))[0] + start for start in (0, 41, 150)] == first
    assert (~np.isnan(found)).sum() == (30 - 15) + (120 - 41 - 15) + (50 - 15)
    np.testing.assert_array_equal(found[15:29:2], found[16:30:2])  # a pair has one score
    assert f"200 rows, {(~np.isnan(found)).sum()} with a score, " in out
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = DCCA(**FAST, prepare=steps).fit(table).decision_function(table)
    np.testing.assert_array_equal(found, expected)


@pytest.fixture
def week(wide):
    """A folder of three days and a note in the working directory."""
    Path("week").mkdir()
    for name, part in (("2.csv", wide[:80]), ("10.csv", wide[80:150]), ("11.csv", wide[150:])):
        part.write_csv(f"week/{name}")
    Path("week/shift book.md").write_text("# nothing happened\n")


def test_a_folder_and_a_pattern_are_a_run_of_each_file_in_natural_order(call, week, wide):
    code, out, _ = call("fit", "week", "-o", "new", *CHEAP)
    assert code == 0
    assert out.index("week/2.csv: CSV, 1 run, 80 rows") < out.index("week/10.csv: CSV, 1 run, 70")
    assert "folder week: 3 of 4 entries are read, left out: shift book.md" in said(out)
    days = {"2": wide[:80], "10": wide[80:150], "11": wide[150:]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = DCCA(**FAST).fit(days)
    assert read_record("new")["threshold"] == expected.threshold_
    assert call("score", "new", "week/*.csv", "-o", "s.csv")[0] == 0
    assert pl.read_csv("s.csv")["run"].unique(maintain_order=True).to_list() == [2, 10, 11]
    np.testing.assert_array_equal(scores_of("s.csv"), expected.decision_scores_)


def test_many_tables_do_not_flood_the_terminal(call, wide):
    Path("days").mkdir()
    for day in range(12):
        wide[10 * day : 10 * day + 10].write_csv(f"days/{day}.csv")
    code, out, _ = call("score", "model", "days", "-o", "s.csv")
    assert code == 0
    assert len(re.findall(r"^days/\d+\.csv: CSV, 1 run, 10 rows", out, re.M)) == 8
    assert "\nand 4 more tables\n" in out
    assert (
        len(json.loads(call("score", "model", "days", "-o", "s.csv", "--json")[1])["tables"]) == 12
    )


def test_joined_files_are_one_log_without_an_interruption(call, week, wide):
    wide.write_csv("whole.csv")
    assert call("score", "model", "whole.csv", "-o", "whole_scores.csv")[0] == 0
    code, out, _ = call("score", "model", "week", "--join", "-o", "s.csv")
    assert code == 0
    assert re.search("^  3 (tables|runs) joined to one", out, re.M)
    assert pl.read_csv("s.csv")["run"].unique().to_list() == ["2 … 11"]
    np.testing.assert_array_equal(scores_of("s.csv"), scores_of("whole_scores.csv"))
    assert np.isnan(scores_of("s.csv")).sum() == 7


def test_sensors_are_chosen_by_name_range_and_pattern_and_labels_kept_apart(call, wide):
    heat = wide["flow"] + 3.0
    more = wide.with_columns(
        heat=heat, heat_2=-heat, note=pl.lit("ok"), bad=(pl.int_range(pl.len()) > 160).cast(int)
    )
    more.write_csv("more.csv")
    choice = ["--columns", "heat*", "--columns", "flow:level", "--drop", "pressure"]
    code, out, _ = call("fit", "more.csv", "-o", "new", *choice, "--label", "bad", *CHEAP, "--json")
    assert code == 0
    record = json.loads(out)
    [table] = record["tables"]
    assert record["columns"] == table["sensors"] == ["heat", "heat_2", "flow", "level"]
    assert table["labels"] == ["bad"]
    assert table["notes"][1:] == [
        "time is column 'time'",
        "columns not chosen: 'note'",
        "left out: 'pressure'",
    ]

    # the model's sensors are found by name: in any order, whatever else is there
    assert call("score", "new", "more.csv", "-o", "s.csv")[0] == 0
    other = ["note", "level", "heat_2", "time", "flow", "heat"]
    more.select(other).with_columns(spare=pl.lit(1.5)).write_parquet("other.parquet")
    code, out, _ = call("score", "new", "other.parquet", "-o", "t.csv", "--json")
    assert code == 0
    np.testing.assert_array_equal(scores_of("t.csv"), scores_of("s.csv"))
    [table] = json.loads(out)["tables"]
    assert table["format"] == "Parquet"
    assert table["sensors"] == ["heat", "heat_2", "flow", "level"]
    assert table["notes"] == ["time is column 'time'", "columns not chosen: 'note', 'spare'"]
    more.rename({"heat_2": "heat 2"}).write_csv("renamed.csv")
    code, out, err = call("score", "new", "renamed.csv", "-o", "t.csv")
    assert (code, out) == (2, "")
    assert err == "dccad: error: renamed.csv: no sensor 'heat_2'; did you mean 'heat 2'?\n"


def test_a_database_is_read_by_a_query(call, log):
    with sqlite3.connect("plant.db") as database:
        database.execute("CREATE TABLE log (stamp TEXT, unit TEXT, flow, pressure, level)")
        rows = log.with_columns(pl.col("time").dt.to_string("%Y-%m-%d %H:%M:%S")).rows()
        database.executemany("INSERT INTO log VALUES (?, ?, ?, ?, ?)", rows)
    database.close()
    query = "SELECT * FROM log ORDER BY unit, stamp"
    arguments = ["sqlite:///plant.db", "--query", query, "--run", "unit"]
    code, out, _ = call("fit", *arguments, "-o", "new", *CHEAP)
    assert code == 0
    assert out.startswith("sqlite:///plant.db: SQLite, 2 runs, 200 rows, 3 sensors, a row every ")
    assert "\n  rows in the order of the query\n" in out
    assert read_record("new")["threshold"] == read_record("model")["threshold"]
    query = "SELECT * FROM log WHERE unit = 'b' ORDER BY stamp"
    assert (
        call("score", "new", "plant.db", "--query", query, "-o", "s.csv", "--drop", "unit")[0] == 0
    )
    assert call(*SCORE)[0] == 0
    np.testing.assert_array_equal(scores_of("s.csv"), scores_of("scores.csv")[110:])
    query = "SELECT * FROM log WHERE unit = 'c'"
    code, out, err = call("score", "new", "plant.db", "--query", query, "-o", "s.csv")
    assert (code, out) == (2, "")
    assert err == "dccad: error: plant.db: the query gives no rows; it holds 'log'\n"


def test_a_workbook_is_read_with_its_units(call, wide):
    with xlsxwriter.Workbook("pump.xlsx") as book:
        book.add_worksheet("Notes").write(0, 0, "export of line 3")
        sheet, stamp = (
            book.add_worksheet("Log"),
            book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
        )
        sheet.write_row(0, 0, ["Time", *NAMES])
        sheet.write_row(1, 0, ["", "m³/h", "bar", "%"])
        for row, (time, *cells) in enumerate(wide.rows(), start=2):
            sheet.write_datetime(row, 0, time, stamp)
            sheet.write_row(row, 1, cells)
    code, out, _ = call("fit", "pump.xlsx", "--sheet", "Log", "-o", "new", *CHEAP, "--json")
    assert code == 0
    [table] = json.loads(out)["tables"]
    assert table["units"] == {"flow": "m³/h", "pressure": "bar", "level": "%"}
    assert (table["format"], table["rows"], table["interval"]) == ("Excel workbook", 200, 60.0)
    assert "units in line 2" in table["notes"]
    wide.write_csv("pump.csv")
    assert call("score", "new", "pump.xlsx", "--sheet", "2", "-o", "s.csv")[0] == 0
    assert call("score", "new", "pump.csv", "-o", "t.csv")[0] == 0
    np.testing.assert_allclose(scores_of("s.csv"), scores_of("t.csv"), rtol=1e-9)  # 15 digits
    code, out, _ = call("data", "check", "pump.xlsx", "--sheet", "Log")
    assert code == 0
    assert re.search(r"^pressure  bar +-?\d", out, re.M)


def test_the_night_when_clocks_go_back_is_neither_gap_nor_repetition(call, wide):
    before = [dt.datetime(2024, 10, 27) + dt.timedelta(minutes=i) for i in range(180)]
    after = [dt.datetime(2024, 10, 27, 2) + dt.timedelta(minutes=i) for i in range(20)]
    stamps = pl.Series(before + after).dt.to_string("%d.%m.%Y %H:%M")
    wide.with_columns(time=stamps).write_csv("night.csv")
    code, out, _ = call("fit", "night.csv", "-o", "new", "--timezone", "Europe/Berlin", *CHEAP)
    assert code == 0
    assert (
        "the hour from 2024-10-27 02:00:00 occurs twice: by their order 60 rows are summer, 20 "
        "winter time in Europe/Berlin"
    ) in said(out)
    code, out, _ = call("score", "new", "night.csv", "-o", "s.parquet")
    assert code == 0
    assert "200 rows, 193 with a score, " in out
    times = pl.read_parquet("s.parquet")["time"].to_numpy().astype("datetime64[s]")
    assert str(times[0]) == "2024-10-26T22:00:00"
    assert set(np.diff(times) / np.timedelta64(1, "m")) == {1.0}


def test_what_was_decided_about_a_table_fits_the_terminal(call, wide):
    name = "temperature of the bearing on the drive end, channel "
    many = wide.select("time", *(pl.col("flow").alias(f"{name}{i:02d}") for i in range(12)))
    many = many.with_columns(remark=pl.lit("nothing to report, all quiet"))
    folder = Path("export of the historian on the second server", "line 3")
    folder.mkdir(parents=True)
    log = folder / "all the channels of the week before the revision.csv"
    many.sample(fraction=1.0, shuffle=True, seed=1).write_csv(log)
    choice = ["--columns", f"{name}0*", "--drop", "remark"]
    code, fitted, _ = call("fit", log, "-o", "new", *choice, *CHEAP)
    assert code == 0
    assert "rows are earlier than a row above them (first: row " in said(fitted)
    assert "and 2 more" not in said(fitted)
    assert f"columns not chosen: '{name}10', '{name}11'" in said(fitted)
    code, checked, _ = call("data", "check", log, "--drop", "remark")
    assert code == 0
    code, scored, _ = call("score", "new", log, "-o", "s.csv")
    assert code == 0
    for shown in (fitted, checked, scored.partition("written to")[0]):
        assert str(log) in said(shown)
        assert widest(shown) <= 80


def test_json_of_score_tells_what_was_decided_about_each_table(call, wide):
    wide[:60].reverse().write_csv("late.csv")
    gap = wide[60:].with_columns(
        time=pl.col("time") + pl.duration(hours=(pl.int_range(pl.len()) > 99).cast(int) * 2)
    )
    gap.write_csv("gap.csv")
    code, out, _ = call("score", "model", "late.csv", "gap.csv", "-o", "s.csv", "--json")
    assert code == 0
    late, gap = json.loads(out)["tables"]
    assert "the newest row comes first: all rows are sorted by time" in late["notes"]
    assert (late["start"], late["end"]) == ("2024-01-01T00:00:00", "2024-01-01T00:59:00")
    assert gap["gaps"] == [
        {
            "run": "gap",
            "row": 100,
            "start": "2024-01-01T02:39:00",
            "end": "2024-01-01T04:40:00",
            "seconds": 7260.0,
        }
    ]
    assert late["sensors"] == gap["sensors"] == NAMES
    shown = said(call("score", "model", "gap.csv", "-o", "s.csv")[1].partition("written to")[0])
    assert shown.count("2024-01-01 02:39:00 to 2024-01-01 04:40:00") == 1
    assert "2024-01-01T02:39:00" not in shown  # nobody reads of one gap twice


# -- missing values -------------------------------------------------------------------------------


@pytest.fixture
def gaps(wide):
    """A file with three missing values of one sensor and one of another."""
    row = pl.int_range(pl.len())
    flow = pl.when(~row.is_between(50, 52)).then("flow").alias("flow")
    level = pl.when(row != 7).then("level").alias("level")
    wide.with_columns(flow, level).write_csv("gaps.csv")


def test_missing_values_are_refused_with_a_table_of_where(call, gaps):
    code, out, err = call("fit", "gaps.csv", "-o", "new", *CHEAP)
    assert (code, out) == (2, "")
    assert err == (
        "  missing   share first row  longest  sensor\n"
        "        3   1.50%        50        3  flow\n"
        "        1   0.50%         7        1  level\n"
        "dccad: error: run 'gaps' has missing values, NaN (4 in 2 of 3 columns, first at row 7, "
        "column 'level'); fill or leave out with on_missing='interpolate', 'hold' or 'drop' "
        "(command line: --on-missing)\n"
    )
    code, out, err = call(
        "fit", "gaps.csv", "-o", "new", *CHEAP, "--on-missing", "hold", "--fill-limit", "2"
    )
    assert (code, out) == (2, "")
    assert err.splitlines()[1:-1] == ["        3   1.50%        50        3  flow"]
    assert err.splitlines()[-1].startswith("dccad: error: run 'gaps' has missing values, NaN (3 in")
    assert not Path("new").exists()


def test_what_was_filled_is_told_and_kept_with_the_model(call, gaps):
    code, out, err = call("fit", "gaps.csv", "-o", "new", *CHEAP, "--on-missing", "interpolate")
    assert (code, err) == (0, "")
    filled = r"^filled +interpolate: cells of 2 of 3 sensors, most in flow \(1\.50%\) *$"
    assert re.search(filled, out, re.M)
    assert re.search(filled, call("info", "new")[1], re.M)
    assert read_record("new")["filled_share"] == {"flow": 3 / 200, "level": 1 / 200}
    assert read_record("new")["parameters"]["fill_limit"] == 5


# -- looking at a log -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("lgo.csv", None, "lgo.csv: no such file; did you mean log.csv?"),
        ("empty.csv", b"", "empty.csv: the file is empty (0 bytes); pass a file with sensor rows"),
        (
            "page.xlsx",
            b"<html><body><table><tr><td>1</td></tr></table></body></html>",
            "page.xlsx is an HTML page named .xlsx; open it in a spreadsheet programme and save it "
            "as .xlsx or CSV",
        ),
        (
            "words.csv",
            b"flow,state\n1,on\n2,off\n",
            "words.csv: columns that hold no numbers: 'state' ('on' in row 0, counted from 0); "
            "leave them out with --drop",
        ),
        (
            "ragged.csv",
            b"a,b\n1,2\n1,2,3\n",
            "ragged.csv: line 3 has 3 fields, but line 1 names 2 columns; correct the line or "
            "export the file again",
        ),
    ],
)
def test_a_log_that_cannot_be_used_is_refused_by_looking_at_it(call, name, content, message):
    if content is not None:
        Path(name).write_bytes(content)
    for more in ([], ["--json"]):
        code, out, err = call("data", "check", name, *more)
        assert (code, out) == (2, "")
        assert err == f"dccad: error: {message}\n"


def test_looking_at_a_log_tells_how_to_read_it(call, log):
    code, out, err = call("data", "check", "log.csv", "--run", "unit")
    assert (code, err) == (0, "")
    for line in (
        r"log\.csv: CSV, 200 rows",
        r"  time is column 'time'",
        r"rows +200",
        r"runs +2: a \(110\), b \(90\)",
        r"time +2024-01-01T00:00:00 to 2024-01-01T03:19:00",
        r"interval +1 min",
        r"gaps +none",
        r"window +8 rows to start with",
    ):
        assert re.search(f"^{line} *$", out, re.M), line
    low, mean, high = (getattr(log["level"], kind)() for kind in ("min", "mean", "max"))
    assert re.search(rf"^level +{low:.5g} +{mean:.5g} +{high:.5g} +–", out, re.M)
    assert widest(out) <= 80
    document = json.loads(call("data", "check", "log.csv", "--run", "unit", "--json")[1])
    assert document["suggested_window"] == 8
    assert [run["name"] for run in document["runs"]] == ["a", "b"]
    code, out, err = call("data", "check", "log.csv")
    assert (code, out) == (2, "")
    assert "log.csv: columns that hold no numbers: 'unit' ('a' in row 0, counted from 0)" in err


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
    "score": (SCORE, {"rows", "scored", "flagged", "threshold", "episodes", "tables"}),
    "data check": (["data", "check", "log.csv", "--run", "unit"], {"rows", "runs", "sensors"}),
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
    [table] = fitted.pop("tables")
    assert fitted == read_record("new") == json.loads(call("info", "new", "--json")[1])
    assert fitted["format"] == FORMAT
    assert (table["source"], table["runs"], table["interval"]) == ("log.csv", ["a", "b"], 60.0)


def test_json_is_ascii_so_that_any_terminal_can_carry_it():
    text = to_json({"température °C": float("nan"), "share": np.float32(0.5)})
    assert text.isascii()
    assert json.loads(text) == {"température °C": None, "share": 0.5}


def test_a_log_comes_through_a_pipe_and_no_bar_or_colour_goes_into_one(call):
    text = Path("log.csv").read_text()
    done = process("fit", "-", *FIT[2:5], "new", *CHEAP, input=text)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert done.stdout.startswith("standard input: CSV, 2 runs, 200 rows, 3 sensors, a row every ")
    assert re.search("^training +2 epochs", done.stdout, re.M)
    assert read_record("new")["data_digest"] == read_record("model")["data_digest"]
    assert dccad.load("new").threshold_ == dccad.load("model").threshold_


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


def test_a_benchmark_prints_and_writes_its_figures(call, tiny_benchmark, monkeypatch):
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
    assert "tep-pairs on tep-simulated: in percent, seed 3\n" in shown
    assert re.search(r"^method +ACC +NMI +ARI +maps +maps +top map +oracle\*", shown, re.M)
    accuracy = record["results"]["dccad"]["acc_2"]["mean"]
    assert re.search(rf"^dccad +{100 * accuracy:.1f} ", shown, re.M)
    assert widest(shown) <= 80
    monkeypatch.setattr("dccad.evaluation.benchmark.run_benchmark", lambda *_, **__: record)
    code, out, _ = call(*arguments, "--json")
    assert (code, json.loads(out)) == (0, record)


def test_baselines_are_shown_at_their_best_window(call, tiny_benchmark, monkeypatch):
    monkeypatch.setattr(
        "dccad.evaluation.protocol.Protocol.methods",
        lambda plan, slow: ["lw-mean@5", "lw-mean@20", *(["pca-spe@5"] if slow else [])],
    )
    arguments = ["benchmark", "tep-adapt", "--seed", "0", "--jobs", "1", "-o", "figures.json"]
    code, shown, _ = call(*arguments)
    assert code == 0
    found = json.loads(Path("figures.json").read_text())["results"]
    assert list(found) == ["lw-mean@5", "lw-mean@20"]
    rates = {name: entry["fdr_2_at_far_1"]["mean"] for name, entry in found.items()}
    best = max(rates, key=rates.get)
    [row] = re.findall(r"^lw-mean@.*$", shown, re.M)
    delay = found[best]["delay_2_at_far_1"]["mean"]
    assert row.split()[:2] == [best, f"{100 * rates[best]:.1f}"]
    assert row.split()[-1] == f"{delay:.1f}"
    assert "the best fdr_2_at_far_1 here" in shown
    assert "no use of the unlabelled rows: lw-mean@" in shown
    assert widest(shown) <= 80
    call(*arguments, "--method", "all")
    assert list(json.loads(Path("figures.json").read_text())["results"])[-1] == "pca-spe@5"


def test_the_help_of_the_benchmark_names_every_protocol_and_method(call):
    from dccad.evaluation.methods import METHODS
    from dccad.evaluation.registry import PROTOCOLS

    _, shown, _ = call("benchmark", "--help")
    words = set(re.findall(r"[\w-]+", re.sub(r"-\n\s+", "-", shown)))
    assert set(METHODS) | set(PROTOCOLS) <= words


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


def test_data_list_says_what_there_is_and_how_to_come_by_it(call, monkeypatch, tmp_path):
    monkeypatch.setenv("DCCAD_DATA", str(tmp_path / "data"))
    code, shown, err = call("data", "list")
    assert (code, err) == (0, "")
    entries = json.loads(call("data", "list", "--json")[1])
    assert [entry["name"] for entry in entries if entry["available"]] == ["tep-simulated"]
    assert {"tep", "tep-rieth", "skab", "peeling"} < {entry["name"] for entry in entries}
    for entry in entries:
        assert re.search(rf"^{entry['name']}\b", shown, re.M)
        assert entry["description"] in said(shown)
        if not entry["available"]:
            assert entry["obtain"] in said(shown)
    assert widest(shown) <= 80


def test_data_get_says_where_the_files_are_and_how_to_use_them(call, monkeypatch, tmp_path):
    asked = []

    def download(name, folder, *, progress, jobs):
        asked.append((name, folder, progress, jobs))
        return tmp_path / ("a long folder name " * 6)

    monkeypatch.setattr("dccad.datasets.registry.get_dataset", download)
    code, shown, err = call("data", "get", "tep", "-o", "tep", "--jobs", "3")
    folder = tmp_path / ("a long folder name " * 6)
    assert (code, err, asked) == (0, "", [("tep", Path("tep"), True, 3)])
    assert f"dccad benchmark tep-pairs --data {folder}" in shown  # a path stays whole
    assert "dccad benchmark tep-many --data" in call("data", "get", "tep-many")[1]
    code, out, _ = call("data", "get", "tep", "--json")
    assert (code, json.loads(out)) == (0, {"name": "tep", "folder": str(folder)})
    assert asked[2][1] is None


@pytest.mark.parametrize(
    ("arguments", "function", "folder"),
    [
        ([], "dccad.demo.tep.run_demo", "runs/demo"),
        (["tep", "-o", "here"], "dccad.demo.tep.run_demo", "here"),
        (["machining"], "dccad.demo.machining.run_machining_demo", "runs/demo-machining"),
        (["machining", "-o", "here"], "dccad.demo.machining.run_machining_demo", "here"),
    ],
)
def test_each_demo_has_a_folder_of_its_own(call, monkeypatch, arguments, function, folder):
    asked = []

    def arrive(*given):
        asked.append(given)
        return {"figures": []}

    monkeypatch.setattr(function, arrive)
    code, out, err = call("demo", *arguments, "--seed", "5", "--json")
    assert (code, json.loads(out), err) == (0, {"figures": []}, "")
    assert asked == [(Path(folder), 5)]


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


def test_a_monitor_is_learned_from_normal_rows_alone(call, runs):
    code, _, _ = call("fit", "--normal", "log.csv", "--run", "unit", "-o", "monitor", *CHEAP)
    assert code == 0
    expected = DCCA(**{**FAST, "window": 8}).fit(None, normal=runs)
    assert dccad.load("monitor").threshold_ == expected.threshold_
