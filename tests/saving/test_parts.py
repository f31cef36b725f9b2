"""Every kind of each part is read back as it was written, and parts that do not fit are refused."""

import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

import dccad
from conftest import SMALL
from dccad import DCCA
from dccad.detector import AS_PUBLISHED
from dccad.errors import ModelFileError
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
