"""``dccad fit`` learns what :class:`dccad.DCCA` learns, and says what it did to the log."""

import hashlib
import json
import re
import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import dccad
from command_line import CHEAP, CHEAP_MONITOR, FIT
from conftest import FAST
from dccad import DCCA
from dccad.detector import AS_PUBLISHED
from dccad.saving.folder import FORMAT, read_record


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


def test_json_of_fit_is_the_record_of_the_model(call):
    fitted = json.loads(call(*FIT[:5], "new", *CHEAP, "--json")[1])
    [table] = fitted.pop("tables")
    assert fitted == read_record("new") == json.loads(call("info", "new", "--json")[1])
    assert fitted["format"] == FORMAT
    assert (table["source"], table["runs"], table["interval"]) == ("log.csv", ["a", "b"], 60.0)


def test_a_monitor_is_learned_from_normal_rows_alone(call, runs):
    code, _, _ = call("fit", "--normal", "log.csv", "--run", "unit", "-o", "monitor", *CHEAP)
    assert code == 0
    expected = DCCA(**{**FAST, "window": 8}).fit(None, normal=runs)
    assert dccad.load("monitor").threshold_ == expected.threshold_


@pytest.mark.parametrize("given", [["--clusters", "auto"], ["--set", "n_clusters=auto"]])
def test_an_automatic_number_of_regions(alarm_call, given):
    fit = [
        "fit",
        "today.csv",
        *CHEAP_MONITOR,
        "--set=calibration=held-out",
        "-o",
        "new",
        *given,
        "--json",
    ]
    code, out, _ = alarm_call(*fit)
    assert code == 0
    record = json.loads(out)
    assert record["parameters"]["n_clusters"] == "auto"
    assert [state["region"] for state in record["regions_of_fit"]["states"]] == list(
        range(len(record["regions_of_fit"]["share"]))
    )


@pytest.mark.parametrize("number", ["few", "1", "2.5", "-3", ""])
def test_a_wrong_number_of_regions_is_refused(alarm_call, number):
    code, out, err = alarm_call("fit", "today.csv", "-o", "new", f"--clusters={number}")
    assert (code, out) == (2, "")
    assert "needed is a whole number of at least 2 or 'auto'" in err
    assert err.count("\n") == 1


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


def test_every_option_of_the_model_reaches_it_and_a_setting_counts_most(call, monkeypatch):
    asked = []

    def arrive(detector, *_, **__):
        asked.append(detector.get_params())
        raise KeyboardInterrupt

    monkeypatch.setattr("dccad.DCCA.fit", arrive)
    fit = ["fit", "log.csv", "--run", "unit", "-o", "new"]
    options = ["--window", "9", "--clusters", "4", "--false-alarm-rate", "0.2", "--seed", "7"]
    options += ["--prepare", "average:2", "--prepare", "clip:flow=0..1", "--on-missing", "hold"]
    options += ["--fill-limit", "3", "--keep-latents", "--max-gap", "90"]
    assert call(*fit, *options)[0] == 130
    assert call(*fit, *options, "--set", "window=11", "--set", "verbose=false")[0] == 130
    assert call(*fit)[0] == 130
    given = {"window": 9, "n_clusters": 4, "false_alarm_rate": 0.2, "random_state": 7}
    given |= {"prepare": ("average:2", "clip:flow=0..1"), "on_missing": "hold", "fill_limit": 3}
    given |= {"keep_latents": True, "max_gap": 90.0, "verbose": True}
    default = DCCA(random_state=0, verbose=True).get_params()
    assert asked == [
        default | given,
        default | given | {"window": 11, "verbose": False},
        default,
    ]
