"""Every kind of each part is read back as it was written, and parts that do not fit are refused."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file

import dccad
from conftest import SMALL
from dccad import DCCA
from dccad.calibration.conformal import ConformalCalibration
from dccad.detector import AS_PUBLISHED
from dccad.errors import ModelFileError
from dccad.logs.runs import Run
from dccad.saving.parts import (
    calibration_from_parts,
    calibration_to_parts,
    model_from_parts,
    model_to_parts,
)
from model_folders import rewrite

pytestmark = pytest.mark.filterwarnings("ignore::dccad.errors.DccadWarning")


# every kind of each part: representation, network, partition, statistics, calibration
KINDS = {
    "default": {"calibration": "cross-fitted"},
    "held out": {},
    "sensors alone": {"representation": "sensors", "taming": None},
    "whitened alone": {"representation": "whitened", "scaling": "minmax", "stride": 3},
    "any number of regions": {"n_clusters": "auto"},
    "four regions": {"n_clusters": 4, "kernels_per_direction": 3, "bottleneck": 2},
    "centres": {"consensus": "centres", "n_clusters": 3},
    "as published": AS_PUBLISHED,
    "as published, three": {**AS_PUBLISHED, "n_clusters": 3, "strides": (2, 2, 1)},
    "dense on whitened": {**AS_PUBLISHED, "representation": "sensors+whitened"},
}


@pytest.mark.parametrize("reference", ["no reference", "beside", "alone"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_reloaded_model_of_each_kind_is_the_same(two_regimes, tmp_path, kind, reference):
    log = pd.DataFrame(two_regimes, columns=list("abc"))
    normal = None if reference == "no reference" else log[:200]
    detector = DCCA(**{**SMALL, "pretrain_epochs": 1, "joint_epochs": 1, **KINDS[kind]})
    detector.set_params(keep_latents=True)
    detector.fit(None if reference == "alone" else log, normal=normal)
    detector.save(tmp_path / "m", include_latents=True)
    again = dccad.load(tmp_path / "m")
    found, expected = again.score_windows(log), detector.score_windows(log)
    assert found.names == expected.names
    for name in ("assignments", "regions", "statistics"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)
    for method in ("decision_function", "predict", "predict_region", "transform"):
        np.testing.assert_array_equal(
            getattr(again, method)(log), getattr(detector, method)(log), err_msg=method
        )
    assert again.get_params() == detector.get_params()
    learned = [name for name in vars(detector) if name.endswith("_") and name != "model_"]
    assert len(learned) > 20
    for name in learned:
        before, after = getattr(detector, name), getattr(again, name)
        if isinstance(before, np.ndarray):
            np.testing.assert_array_equal(after, before, err_msg=name)
            assert after.dtype == before.dtype, name
        else:
            assert after == before, name
    p_values = [d.calibration_.p_value(d.decision_scores_) for d in (again, detector)]
    np.testing.assert_array_equal(*p_values)
    again.save(tmp_path / "again", include_latents=True)
    for file in (tmp_path / "m").iterdir():
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()


PARTS = ["representation", "network", "partition", "statistics", "score_scale", "calibration"]


@pytest.mark.parametrize("part", [*PARTS, "regions_of_fit", "threshold", "named"])
def test_a_missing_part_of_the_record_is_named(folder, part):
    record = json.loads((folder / "model.json").read_text())
    del record[part]
    rewrite(folder, record)
    with pytest.raises(ModelFileError, match=rf"not a complete dccad model \('{part}'\)"):
        dccad.load(folder)


@pytest.mark.parametrize("fixture", ["with_signatures", "published"])
def test_each_missing_array_is_noticed(fixture, tmp_path, request):
    folder = tmp_path / "model"
    request.getfixturevalue(fixture).save(folder)
    arrays = load_file(folder / "weights.safetensors")
    text = (folder / "model.json").read_text()
    assert len(arrays) > 25
    # torch fills in this counter, which no result depends on
    for name in (name for name in arrays if not name.endswith("num_batches_tracked")):
        rest = {other: value for other, value in arrays.items() if other != name}
        rewrite(folder, json.loads(text), rest)
        with pytest.raises(ModelFileError, match="not a complete dccad model") as caught:
            dccad.load(folder)
        assert "\n" not in str(caught.value)


MISFITS = {
    "a kind of network": lambda r: r["network"].update(kind="recurrent"),
    "a shape of the network": lambda r: r["network"].update(n_directions=5),
    "another network": lambda r: r["network"].update(kernels_per_direction=3),
    "sensors without whitening": lambda r: r["representation"].update(kind="sensors"),
    "a kind of partition": lambda r: r["partition"].update(kind="centres"),
    "a cut too few": lambda r: r["partition"]["cuts"].pop(),
    "a statistic without figures": lambda r: r["statistics"]["parts"].append("phase"),
    "signatures that are not there": lambda r: r["statistics"].update(signatures=True),
    "a scale of other statistics": lambda r: r["score_scale"]["mean"].pop(),
    "a kind of calibration": lambda r: r["calibration"].update(kind="guessed"),
    "another parameter": lambda r: r["parameters"].update(colour="red"),
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_parts_that_do_not_fit_together_are_refused_in_one_line(folder, misfit):
    record = json.loads((folder / "model.json").read_text())
    MISFITS[misfit](record)
    rewrite(folder, record)
    with pytest.raises(ModelFileError, match="not a complete dccad model") as caught:
        dccad.load(folder)
    assert "\n" not in str(caught.value)


# -- parts of one model --------------------------------------------------------------------------


def parts_of(detector):
    arrays, record = model_to_parts(detector.model_)
    return arrays, json.loads(json.dumps(record))  # as it is read from a file


@pytest.mark.parametrize("fixture", ["trained", "with_signatures", "single_sensor", "published"])
def test_a_model_that_was_taken_apart_and_put_together_scores_alike(fixture, two_regimes, request):
    detector = request.getfixturevalue(fixture)
    model = detector.model_
    again = model_from_parts(*parts_of(detector), model.preparation, torch.device("cpu"))
    assert not again.network.training
    segments = [Run(two_regimes[:, : detector.n_features_in_], detector.columns_)]
    np.testing.assert_array_equal(again.score_rows(segments), model.score_rows(segments))
    assert again.window == model.window == 8
    assert again.score_scale == model.score_scale
    once, twice = model_to_parts(model), model_to_parts(again)
    assert once[1] == twice[1]
    assert once[0].keys() == twice[0].keys()
    for name, values in once[0].items():
        np.testing.assert_array_equal(twice[0][name], values, err_msg=name)
        assert twice[0][name].dtype == values.dtype, name


def test_arrays_and_numbers_have_the_names_that_earlier_folders_have(with_signatures, published):
    arrays, record = parts_of(with_signatures)
    named = {name for name in arrays if not name.startswith("network.")}
    figures = ("mean", "whitening")
    features = ("row", "mean", "log-variance", "residual")
    assert named == {
        *(f"scaling.{name}" for name in ("shift", "scale", "constant")),
        "representation.whitening",
        "partition.centres",
        "partition.order",
        *(f"statistics.{feature}.{figure}" for feature in features for figure in figures),
        *(f"signatures.metric.{figure}" for figure in figures),
        "signatures.shifts",
    }
    assert record["representation"] == {
        "kind": "sensors+whitened",
        "scaling": "standard",
        "sensors": True,
        "taming": 4.0,
    }
    network, statistics = record["network"], record["statistics"]
    assert (network["kind"], network["n_directions"], network["window"]) == ("depthwise", 6, 8)
    assert record["partition"]["kind"] == "vote"
    assert set(record["partition"]["cuts"][0]) == {
        "region",
        "created",
        "maps",
        "thresholds",
        "scales",
        "weights",
        "quality",
    }
    assert statistics["parts"] == list(features)
    names = ["energy", "recent energy", "mean", "log-variance", "residual", "signature"]
    assert statistics["names"] == record["score_scale"]["names"] == names
    arrays, record = parts_of(published)
    assert {name for name in arrays if name.startswith(("partition.", "statistics."))} == {
        "partition.centres",
        "partition.clustering_maps",
        "partition.region_centres",
        "statistics.clustering_maps",
        "statistics.centres",
    }
    assert record["network"]["kind"] == "dense"
    assert record["partition"] == record["statistics"] == {"kind": "centres"}


def test_arrays_hold_the_models_own_figures(with_signatures):
    model = with_signatures.model_
    arrays, _ = parts_of(with_signatures)
    np.testing.assert_array_equal(arrays["scaling.shift"], model.representation.scaling.shift)
    np.testing.assert_array_equal(
        arrays["representation.whitening"], model.representation.whitening
    )
    np.testing.assert_array_equal(arrays["partition.centres"], model.partition.centres)
    np.testing.assert_array_equal(arrays["partition.order"], model.partition.consensus.order)
    metric = model.statistics.parts["residual"]
    np.testing.assert_array_equal(arrays["statistics.residual.mean"], metric.mean)
    np.testing.assert_array_equal(arrays["statistics.residual.whitening"], metric.whitening)
    np.testing.assert_array_equal(arrays["signatures.shifts"], model.statistics.signatures.shifts)
    np.testing.assert_array_equal(arrays["network.kernels"], model.network.kernels.detach())


def test_a_model_of_other_sensors_than_its_representation_is_not_put_together(trained):
    arrays, record = parts_of(trained)
    record["network"]["n_directions"] = 5
    with pytest.raises(ValueError, match="6 directions for 5 channels"):
        model_from_parts(arrays, record, trained.model_.preparation, torch.device("cpu"))


@pytest.mark.parametrize("fixture", ["trained", "published"])
def test_p_values_of_a_calibration_survive_its_parts(fixture, request):
    calibration = request.getfixturevalue(fixture).calibration_
    arrays, record = calibration_to_parts(calibration)
    again = calibration_from_parts(arrays, json.loads(json.dumps(record)))
    scores = np.linspace(-5, 50, 200)
    np.testing.assert_array_equal(again.p_value(scores), calibration.p_value(scores))
    assert "scores" not in record  # one per normal row: they are no matter for JSON
    assert len(set(again.p_value(scores))) > 10


def test_the_scores_of_a_conformal_calibration_are_an_array_in_their_order():
    arrays, record = calibration_to_parts(ConformalCalibration((1.0, 2.0, 2.5)))
    assert [values.tolist() for values in arrays.values()] == [[1.0, 2.0, 2.5]]
    assert record == {"kind": "conformal"}
    assert calibration_from_parts(arrays, record).scores == (1.0, 2.0, 2.5)
