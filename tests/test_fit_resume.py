"""A fit that is killed at any moment goes on from its checkpoint to the very same model."""

import json
import shutil

import numpy as np
import polars as pl
import pytest
import torch

from conftest import caller
from dccad import DCCA
from dccad.checkpoint import Checkpoint
from dccad.errors import InputError, ParameterError
from dccad.persistence import WEIGHTS, read_record
from killing import finish, kill_after

NAMES = ["flow", "pressure", "level"]
ALWAYS = {"dccad.checkpoint.SECONDS": 0.0}
SETTINGS = ["--window", "8", "--set=pretrain_epochs=3", "--set=joint_epochs=4", "--set=n_init=2"]
SETTINGS += ["--set=update_interval=2", "--set=schedule=cosine"]
FIT = {
    "window": 8,
    "pretrain_epochs": 2,
    "joint_epochs": 5,
    "update_interval": 2,
    "n_init": 2,
    "random_state": 0,
}


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(3)
    values = np.cumsum(rng.normal(size=(360, 3)), axis=0) * 0.05 + rng.normal(size=(360, 3))
    values[270:] += [3.0, 0.0, -3.0]
    return values


@pytest.fixture(scope="module")
def plant(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plant")
    pl.DataFrame(rows, schema=NAMES).write_parquet(folder / "log.parquet")
    pl.DataFrame(rows[:240], schema=NAMES).write_parquet(folder / "quiet.parquet")
    return folder


def contents(model):
    """Weights and record of a model folder, but for the seconds that its epochs took."""
    record = read_record(model)
    for epoch in record["history"]:
        del epoch["seconds"]
    del record["record_sha256"]
    return (model / WEIGHTS).read_bytes(), record


def kill_and_resume(folder, arguments, kills, seed):
    """Kill a fit at so many random moments, some fits twice, and compare the models."""
    for _ in range(2):  # the first process also pays for the imports
        shutil.rmtree(folder / "whole", ignore_errors=True)
        code, _, err, seconds = finish([*arguments, "-o", folder / "whole"], ALWAYS)
        assert code == 0, err
    expected = contents(folder / "whole")
    rng = np.random.default_rng(seed)
    number = at_work = 0
    while at_work < kills:
        output = folder / f"killed{number}"
        call = [*arguments, "--resume", "-o", output]
        at_work += kill_after(rng.uniform(0, seconds), call, ALWAYS)
        if number % 3 == 2:
            at_work += kill_after(rng.uniform(0, seconds), call, ALWAYS)
        code, _, err, _ = finish(call, ALWAYS)
        assert code == 0, err
        assert contents(output) == expected
        assert not output.with_name(output.name + ".checkpoint").exists()
        number += 1


def fit_of(plant, *, reference):
    logs = [plant / "log.parquet"]
    logs += ["--normal", plant / "quiet.parquet"] if reference else []
    return ["fit", *logs, *SETTINGS]


@pytest.mark.parametrize("reference", [True, False])
def test_a_killed_fit_goes_on_to_the_same_model(plant, tmp_path, reference):
    kill_and_resume(tmp_path, fit_of(plant, reference=reference), kills=2, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("reference", [True, False])
def test_a_fit_killed_at_any_moment_goes_on(plant, tmp_path, reference):
    kill_and_resume(tmp_path, fit_of(plant, reference=reference), kills=20, seed=1)


# -- every state ----------------------------------------------------------------------------------


class StopError(Exception):
    """Ends a fit after a number of writings."""


@pytest.mark.parametrize("settings", [
    {},
    {"optimizer": "sgd", "schedule": "step"},
    {"patience": 1, "tol": 0.5},
    {"encoder": "dense", "n_kernels": 4, "consensus": "centres", "scoring": "centres",
     "calibration": "held-out", "routing": "two-step"},
])  # fmt: skip
def test_a_fit_goes_on_from_every_state(rows, tmp_path, monkeypatch, settings):
    settings = {**FIT, **settings}
    whole = DCCA(**settings).fit(rows)
    monkeypatch.setattr("dccad.checkpoint.SECONDS", 0.0)
    write = Checkpoint.write
    states = 0
    while True:
        count = 0

        def stop(self, wanted=states):
            nonlocal count
            write(self)
            if count == wanted:
                raise StopError
            count += 1

        folder = tmp_path / f"fit{states}"
        with monkeypatch.context() as patch:
            patch.setattr(Checkpoint, "write", stop)
            try:
                DCCA(**settings).fit(rows, checkpoint=folder)
                break
            except StopError:
                pass
        resumed = DCCA(**settings).fit(rows, checkpoint=folder)
        assert resumed.digest() == whole.digest()
        assert len(resumed.history_) == len(whole.history_)
        np.testing.assert_array_equal(resumed.decision_scores_, whole.decision_scores_)
        states += 1
    epochs = len(whole.history_)
    assert states >= epochs


def test_finished_fits_of_the_cross_fitting_are_not_made_again(rows, tmp_path, monkeypatch):
    from dccad.learning import FoldScorer

    monkeypatch.setattr("dccad.checkpoint.SECONDS", 0.0)
    score, calls = FoldScorer.__call__, []

    def counted(self, *runs):
        calls.append(len(calls))
        if len(calls) == 8:
            raise KeyboardInterrupt
        return score(self, *runs)

    monkeypatch.setattr(FoldScorer, "__call__", counted)
    with pytest.raises(KeyboardInterrupt):
        DCCA(**FIT).fit(None, normal=rows, checkpoint=tmp_path / "fit")
    DCCA(**FIT).fit(None, normal=rows, checkpoint=tmp_path / "fit")
    assert len(calls) == 17 + 1  # the eighth was begun twice


def test_a_short_fit_makes_no_checkpoint(rows, tmp_path):
    DCCA(**FIT).fit(rows, checkpoint=tmp_path / "fit")
    assert not (tmp_path / "fit").exists()


def test_a_checkpoint_runs_nothing(tmp_path):
    import pickle

    class Evil:
        def __reduce__(self):
            return (print, ("ran",))

    checkpoint = Checkpoint(tmp_path / "fit", {})
    checkpoint.keep("training", {"a": torch.ones(1)})
    checkpoint.write()
    checkpoint._pieces.put("training", pickle.dumps({"a": Evil()}))
    with pytest.raises(pickle.UnpicklingError):
        checkpoint.load("training")


# -- what is refused ------------------------------------------------------------------------------


@pytest.fixture
def interrupted(rows, tmp_path, monkeypatch):
    """A folder with the checkpoint of a fit that was stopped in its fourth epoch."""
    folder = tmp_path / "fit"
    write, count = Checkpoint.write, []

    def stop(self):
        write(self)
        count.append(1)
        if len(count) == 4:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("dccad.checkpoint.SECONDS", 0.0)
        patch.setattr(Checkpoint, "write", stop)
        with pytest.raises(KeyboardInterrupt):
            DCCA(**FIT).fit(rows, checkpoint=folder)
    return folder


def change_version(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["set of package versions"]["torch"] = "1.0"
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("settings", "shift", "change", "message"),
    [
        ({"alpha": 0.4}, 0.0, None, "was begun with another set of parameters"),
        ({"random_state": 1}, 0.0, None, "was begun with another set of parameters"),
        ({}, 1.0, None, "was begun with another log"),
        ({}, 0.0, change_version, "was begun with another set of package versions"),
    ],
)
def test_a_checkpoint_of_another_fit_is_refused(
    rows, interrupted, settings, shift, change, message
):
    if change is not None:
        change(interrupted)
    with pytest.raises(InputError, match=f"{message}, so its parts do not fit"):
        DCCA(**{**FIT, **settings}).fit(rows + shift, checkpoint=interrupted)
    assert (interrupted / "manifest.json").exists()  # it is still good for what it was


def test_a_damaged_state_is_not_taken(rows, interrupted):
    for path in interrupted.glob("split-*"):
        path.write_bytes(b"")
    resumed = DCCA(**FIT).fit(rows, checkpoint=interrupted)
    assert resumed.digest() == DCCA(**FIT).fit(rows).digest()


def test_a_checkpoint_needs_a_seed(rows, tmp_path):
    with pytest.raises(ParameterError, match="a fit with a checkpoint needs a whole number"):
        DCCA(**{**FIT, "random_state": None}).fit(rows, checkpoint=tmp_path / "fit")


def test_a_forgotten_resume_is_refused_before_any_work(plant, interrupted, capsys):
    model = interrupted.rename(interrupted.with_name("model.checkpoint")).with_name("model")
    code, out, err = caller(capsys)("fit", plant / "log.parquet", "-o", model)
    assert (code, out) == (2, "")
    assert "holds the finished part of a job that was interrupted: add --resume to go on" in err
    assert not model.exists()
