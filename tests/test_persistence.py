import json
import os

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

import dccad
from conftest import SMALL
from dccad import DCCA
from dccad.errors import ModelFileError
from dccad.persistence import FORMAT, read_record, record_digest

pytestmark = pytest.mark.filterwarnings("ignore::dccad.errors.DccadWarning")


@pytest.fixture
def folder(trained, tmp_path):
    trained.save(tmp_path / "model")
    return tmp_path / "model"


def test_a_reloaded_model_scores_exactly_as_before(trained, two_regimes, folder):
    untrained = DCCA(**{**SMALL, "pretrain_epochs": 0, "joint_epochs": 0}).fit(two_regimes)
    before = trained.decision_function(two_regimes)
    assert not np.allclose(untrained.decision_function(two_regimes)[7:], before[7:])
    again = dccad.load(folder)
    np.testing.assert_array_equal(again.decision_function(two_regimes), before)
    np.testing.assert_array_equal(again.predict(two_regimes), trained.predict(two_regimes))
    np.testing.assert_array_equal(again.transform(two_regimes), trained.transform(two_regimes))
    np.testing.assert_array_equal(again.regions_, trained.regions_)


def test_everything_the_fit_left_behind_is_reloaded(two_regimes, tmp_path):
    detector = DCCA(**SMALL, keep_latents=True, strides=(2, 2, 1))
    detector.fit(pd.DataFrame(two_regimes, columns=list("abc")), normal=None)
    detector.save(tmp_path / "m", include_latents=True)
    again = dccad.load(tmp_path / "m")
    assert again.get_params() == detector.get_params()
    learned = [name for name in vars(detector) if name.endswith("_") and name != "model_"]
    assert len(learned) > 20
    for name in learned:
        expected, found = getattr(detector, name), getattr(again, name)
        if isinstance(expected, np.ndarray):
            np.testing.assert_array_equal(found, expected, err_msg=name)
            assert found.dtype == expected.dtype, name
        else:
            assert found == expected, name


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


def test_a_missing_part_of_the_record_is_named(folder):
    record = json.loads((folder / "model.json").read_text())
    del record["score_scale"]
    record["record_sha256"] = record_digest(record)
    (folder / "model.json").write_text(json.dumps(record))
    with pytest.raises(ModelFileError, match=r"not a complete dccad model \('score_scale'\)"):
        dccad.load(folder)
