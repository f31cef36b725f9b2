"""A model folder is written whole or not at all, and holds what it says."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import dccad
from conftest import SMALL
from dccad import DCCA
from dccad.cli.printing.model import print_model
from dccad.errors import ModelFileError
from dccad.saving.folder import FORMAT, read_record
from model_folders import rewrite

pytestmark = pytest.mark.filterwarnings("ignore::dccad.errors.DccadWarning")


def test_a_reloaded_model_scores_what_training_made_of_it(trained, two_regimes, folder):
    untrained = DCCA(**{**SMALL, "pretrain_epochs": 0, "joint_epochs": 0}).fit(two_regimes)
    before = trained.decision_function(two_regimes)
    assert not np.allclose(untrained.decision_function(two_regimes)[7:], before[7:])
    np.testing.assert_array_equal(dccad.load(folder).decision_function(two_regimes), before)


def test_the_folder_holds_safetensors_and_json_and_no_pickle(trained, folder):
    assert sorted(path.name for path in folder.iterdir()) == ["model.json", "weights.safetensors"]
    arrays = load_file(folder / "weights.safetensors")
    np.testing.assert_array_equal(arrays["cluster_centers_"], trained.cluster_centers_)
    record = json.loads((folder / "model.json").read_text())
    assert record["format"] == FORMAT
    assert record["seed"] == 0
    assert record["threshold"] == trained.threshold_
    assert record["parameters"]["window"] == 8
    assert set(record["versions"]) == {"python", "dccad", "torch", "numpy", "scikit-learn", "scipy"}
    assert len(record["history"]) == 7
    assert [update["epoch"] for update in record["updates"]] == [3, 5, 7]


def test_a_random_state_object_is_stored_as_the_seed_it_gave(two_regimes, tmp_path):
    detector = DCCA(**{**SMALL, "random_state": np.random.RandomState(3)}).fit(two_regimes)
    detector.save(tmp_path / "m")
    assert dccad.load(tmp_path / "m").random_state == detector.seed_


def test_latents_that_were_not_kept_cannot_be_saved(trained, tmp_path):
    with pytest.raises(ModelFileError, match="fit with keep_latents=True"):
        trained.save(tmp_path / "m", include_latents=True)
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_model_is_replaced_whole(trained, two_regimes, folder):
    other = DCCA(**{**SMALL, "random_state": 1}).fit(two_regimes)
    other.save(folder)
    np.testing.assert_array_equal(
        dccad.load(folder).decision_function(two_regimes), other.decision_function(two_regimes)
    )
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_a_failed_write_leaves_the_earlier_model_as_it_was(
    trained, two_regimes, folder, monkeypatch
):
    other = DCCA(**{**SMALL, "random_state": 1}).fit(two_regimes)
    before = (folder / "weights.safetensors").read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    with pytest.raises(OSError, match="No space left"):
        other.save(folder)
    assert (folder / "weights.safetensors").read_bytes() == before
    assert [path.name for path in folder.parent.iterdir()] == ["model"]
    np.testing.assert_array_equal(
        dccad.load(folder).decision_function(two_regimes), trained.decision_function(two_regimes)
    )


def test_a_failed_rename_puts_the_earlier_model_back(trained, two_regimes, folder, monkeypatch):
    from pathlib import Path

    real = Path.rename

    def fail_once(self, target):
        monkeypatch.setattr(Path, "rename", real)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "rename", fail_once)
    with pytest.raises(OSError, match="Input/output"):
        trained.save(folder)
    assert dccad.load(folder).threshold_ == trained.threshold_
    assert os.listdir(folder.parent) == ["model"]


def test_reading_the_record_checks_the_weights_too(folder):
    assert read_record(folder)["named"] is False
    with (folder / "weights.safetensors").open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(ModelFileError, match=r"damaged or truncated \(1000 bytes"):
        read_record(folder)


CUT = {
    "optimizer": "sgd",
    "momentum": 0.5,
    "schedule": "cosine",
    "patience": 3,
    "tol": 0.1,
    "output_activation": "none",
}
"""Parameters that earlier versions wrote, with values that decided nothing after training."""


@pytest.mark.parametrize(
    ("fixture", "cut"),
    [
        ("published", CUT),
        ("trained", CUT),
        # the depthwise network never had an activation at its output
        ("trained", {**CUT, "output_activation": "sigmoid"}),
    ],
)
def test_a_model_of_an_earlier_version_scores_as_it_did(
    fixture, cut, two_regimes, tmp_path, request
):
    detector = request.getfixturevalue(fixture)
    detector.save(tmp_path / "model")
    record = json.loads((tmp_path / "model" / "model.json").read_text())
    record["parameters"].update(cut)
    if fixture == "published":
        record["network"]["output_activation"] = "none"
    rewrite(tmp_path / "model", record)
    again = dccad.load(tmp_path / "model")
    assert again.get_params() == detector.get_params()
    np.testing.assert_array_equal(
        again.decision_function(two_regimes), detector.decision_function(two_regimes)
    )


def test_a_model_with_a_sigmoid_at_its_output_is_refused_and_not_scored_wrongly(
    published, tmp_path
):
    folder = tmp_path / "model"
    published.save(folder)
    record = json.loads((folder / "model.json").read_text())
    record["parameters"].update(CUT, output_activation="sigmoid", scaling="minmax")
    record["network"]["output_activation"] = "sigmoid"
    record["versions"]["dccad"] = "0.0.9"
    rewrite(folder, record)
    with pytest.raises(ModelFileError) as caught:
        dccad.load(folder)
    assert str(caught.value) == (
        f"{folder} was fitted with output_activation='sigmoid', which dccad no longer has, so its "
        "scores would differ: fit it again without, or score with dccad 0.0.9, which wrote it"
    )


@pytest.mark.parametrize("fixture", ["trained", "with_signatures", "published"])
def test_a_models_own_record_is_printed_within_80_columns(fixture, tmp_path, request, capsys):
    request.getfixturevalue(fixture).save(tmp_path / "model")
    print_model(read_record(tmp_path / "model"), Path("model"))
    shown = capsys.readouterr().out
    words = " ".join(shown.split())
    assert max(map(len, shown.splitlines())) <= 80
    network = {
        "trained": "2 kernels on each of 6 directions (sensors+whitened), 42 pooled maps",
        "with_signatures": "depthwise, 2 kernels on each of 6 directions",
        "published": "dense, 16 activation maps, each of 4 positions",
    }
    assert network[fixture] in words
    assert ("signature" in words) == (fixture == "with_signatures")
    assert ("distance, error" in words) == (fixture == "published")
