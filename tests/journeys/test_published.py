"""The method as its authors describe it: ``DCCA.as_published``."""

import numpy as np
import pandas as pd
import pytest
import torch

from conftest import SMALL
from dccad import DCCA
from dccad.evaluation.metrics import cluster_accuracy

pytestmark = pytest.mark.filterwarnings("ignore::dccad.errors.CalibrationWarning")

ROWS = [7, 50, 120, 249, 255, 300, 399]

# Figures of the release that had only this method, on ``two_regimes`` with the settings of SMALL.
# fmt: off
KNOWN = {
    "one-pass": {
        "scores": [-0.28999, -0.16304, -0.21128, 0.55467, 2.88188, 3.68151, 5.73594],
        "threshold": 1.41088,
        "regions": [7, 252, 141],
        "clustering": [9, 8, 10, 7, 3, 1, 5, 14],
        "distances": [3.3371, 3.74848, 2.82093, 3.93102, 2.65488, 3.43208, 2.16097, 4.02419,
                      4.20737, 4.20753, 4.1351, 2.81543, 2.92027, 2.33072, 3.39358, 2.84276],
    },
    "two-step": {
        "scores": [-0.35091, -0.43762, 0.19421, 0.66809, 3.7597, 4.66256, 6.67648],
        "threshold": 1.46284,
        "regions": [7, 251, 142],
        "clustering": [8, 9, 10, 3, 1, 7, 5, 0],
        "distances": [3.49882, 4.07716, 3.2998, 4.08101, 2.98474, 3.73588, 2.77128, 3.77388,
                      4.34326, 4.28252, 4.26651, 2.97367, 3.18497, 2.90648, 3.34025, 3.05611],
    },
    "no-split": {
        "scores": [-0.48228, -0.32159, 0.0116, 0.58827, 3.13133, 3.6614, 5.66061],
        "threshold": 1.5215,
        "regions": [7, 252, 141],
        "clustering": [8, 9, 10, 11, 7, 3, 1, 2, 5, 12, 15, 14, 0, 6, 4, 13],
        "distances": [3.33756, 3.84177, 3.75921, 3.90506, 3.02464, 3.63334, 3.19405, 3.97835,
                      4.30582, 4.20775, 4.18251, 4.07726, 3.62721, 2.5607, 3.34039, 3.5186],
    },
    "monitor": {
        "scores": [-0.4973, -1.33336, 0.11984, 0.82012, 9.70519, 9.76354, 14.60038],
        "threshold": 1.15629,
        "regions": [7, 215, 28],
        "clustering": [8, 7, 14, 1, 5, 10, 15, 13],
        "distances": [0.96563, 1.443, 0.8085, 1.04322, 0.86744, 1.36764, 0.75727, 1.96186,
                      2.53464, 0.94569, 1.33272, 0.84971, 1.04598, 1.11347, 1.92165, 1.20482],
    },
}
# fmt: on
SETTINGS = {"two-step": {"routing": "two-step"}, "no-split": {"n_clustering_kernels": 1.0}}


def fit(log, normal=None, **changed):
    return DCCA.as_published(**{**SMALL, **changed}).fit(log, normal=normal)


@pytest.mark.parametrize("case", KNOWN)
def test_the_method_gives_the_figures_of_the_earlier_release(two_regimes, case):
    known = KNOWN[case]
    if case == "monitor":
        detector = fit(None, normal=two_regimes[:250])
    else:
        detector = fit(two_regimes, **SETTINGS.get(case, {}))
    found = detector.decision_function(two_regimes)[ROWS]
    np.testing.assert_allclose(found, known["scores"], atol=1e-3)
    assert detector.threshold_ == pytest.approx(known["threshold"], abs=1e-3)
    assert np.bincount(detector.regions_ + 1).tolist() == known["regions"]
    assert detector.clustering_kernels_.tolist() == known["clustering"]
    np.testing.assert_allclose(detector.map_distances_, known["distances"], atol=1e-3)


def test_the_default_is_another_method(trained, published, two_regimes):
    default, theirs = DCCA().get_params(), DCCA.as_published().get_params()
    differing = {name for name in default if default[name] != theirs[name]}
    assert differing == {
        "representation",
        "taming",
        "encoder",
        "ranking",
        "consensus",
        "scoring",
        "calibration",
    }
    ours = trained.decision_function(two_regimes)[ROWS]
    assert (np.abs(ours - KNOWN["one-pass"]["scores"]) > 0.01).all()
    assert trained.score_windows(two_regimes).names != published.score_windows(two_regimes).names


def test_without_reference_the_threshold_comes_from_the_normal_region(published):
    scores = published.decision_scores_[7:][published.regions_[7:] == 0]
    rank = int(np.ceil((len(scores) + 1) * 0.95))
    assert published.threshold_ == pytest.approx(np.sort(scores)[rank - 1])
    assert published.n_calibration_windows_ == len(scores)


def test_the_threshold_comes_from_held_out_reference_rows(two_regimes):
    detector = fit(None, normal=two_regimes[:240])
    held_out = two_regimes[round(240 * 0.7) : 240]
    scores = detector.decision_function(held_out)[7:]
    assert detector.n_calibration_windows_ == len(scores) == 72 - 7
    rank = int(np.ceil((len(scores) + 1) * 0.95))
    assert detector.threshold_ == pytest.approx(np.sort(scores)[rank - 1])


def test_transform_gives_the_activation_maps_of_each_rows_window(published, two_regimes):
    latents = published.transform(two_regimes)
    maps, _, length = published.cluster_centers_.shape
    assert latents.shape == (400, maps * length)
    assert np.isnan(latents[:7]).all()
    rows = published.model_.representation.scaling.apply(two_regimes)
    with torch.no_grad():
        expected = published.model_.network.encode(torch.tensor(rows[93:101].T[None]))
    np.testing.assert_allclose(latents[100], expected.flatten().numpy(), rtol=1e-3, atol=1e-5)


def test_what_a_fit_leaves_behind_is_complete(two_regimes):
    detector = fit(pd.DataFrame(two_regimes, columns=list("abc")), keep_latents=True)
    assert detector.cluster_centers_.shape == (16, 2, 4)
    assert detector.map_ranks_[detector.clustering_kernels_].tolist() == list(range(1, 9))
    assert detector.map_ranks_[detector.reconstruction_kernels_].tolist() == list(range(9, 17))
    assert detector.clustering_maps_.tolist() == detector.clustering_kernels_.tolist()
    np.testing.assert_array_equal(detector.map_qualities_, detector.map_distances_)
    assert detector.assignment_counts_.sum(axis=1).tolist() == [393] * 16
    assert detector.latents_.shape == (393, 16, 4)


@pytest.mark.parametrize(
    "changed",
    [
        {"alpha": 0.0},
        {"n_clustering_kernels": 4},
        {"batch_norm": False},
        {"scaling": "minmax"},
        {"learning_rate": 3e-3},
        {"depth": 4, "kernel_size": 4, "strides": (2, 1, 2, 1)},
        {"depth": 5, "window": 7},
        {"stride": 3},
        {"joint_epochs": 0},
        {"pretrain_epochs": 0},
    ],
)
@pytest.mark.filterwarnings("ignore::dccad.errors.DccadWarning")
def test_every_setting_separates_the_two_regimes(two_regimes, changed):
    detector = fit(two_regimes, **{"joint_epochs": 8, **changed})
    first = detector.window - 1
    truth = (np.arange(400) >= 250).astype(int)
    assert cluster_accuracy(truth[first:], detector.regions_[first:]) > 0.85


@pytest.mark.parametrize("n_clusters", [3, 4])
def test_more_clusters_give_more_regions(two_regimes, n_clusters):
    detector = fit(two_regimes, n_clusters=n_clusters)
    assert set(np.unique(detector.regions_)) == {-1, *range(n_clusters)}
    assert detector.cluster_centers_.shape[1] == n_clusters
