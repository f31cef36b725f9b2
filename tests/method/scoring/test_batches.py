import numpy as np
import pytest
import torch

from conftest import RTOL, windows_of
from dccad.method.scoring import batches as scoring
from dccad.method.scoring import whole_runs as dense
from dccad.method.scoring.batches import score_window_set
from naive import naive_assign, naive_statistics, naive_window_statistics


def test_published_statistics_equal_the_naive_ones_window_by_window(published, two_regimes):
    results = published.score_windows(two_regimes, keep_latents=True)
    model = published.model_
    scaled = model.representation.apply(two_regimes)
    centres = published.cluster_centers_
    assert results.names == ("distance", "error")
    for i in (0, 100, 240, 392):
        window = scaled[i : i + 8].T
        with torch.no_grad():
            latents, output = model.network(torch.tensor(window[None]))
        region, distance, error = naive_statistics(
            latents[0].numpy(),
            output[0].numpy(),
            window,
            model.partition.region_centres.numpy(),
            published.clustering_kernels_.tolist(),
        )
        assert results.regions[i] == region
        assert results.statistics[i] == pytest.approx((distance, error), rel=1e-4)
        expected = [naive_assign([z], c)[0] for z, c in zip(latents[0], centres, strict=True)]
        assert results.assignments[i].tolist() == expected


@pytest.mark.parametrize("fixture", ["trained", "with_signatures", "single_sensor"])
def test_the_statistics_equal_the_naive_ones_window_by_window(fixture, two_regimes, request):
    detector = request.getfixturevalue(fixture)
    log = two_regimes[:, : detector.n_features_in_]
    found = detector.score_windows(log)
    model = detector.model_
    rows = model.representation.apply(log)
    signatures = model.statistics.signatures
    for i in (0, 100, 240, 300, 392):
        window = rows[i : i + 8].T
        with torch.no_grad():
            maps, output = (part[0].numpy() for part in model.network(torch.tensor(window[None])))
        expected = naive_window_statistics(
            window,
            maps,
            output,
            {
                name: (part.mean.numpy(), part.whitening.numpy())
                for name, part in model.statistics.parts.items()
            },
            detector.kernels_per_direction,
            model.representation.n_sensor_directions,
            None
            if signatures is None
            else (
                signatures.metric.mean.numpy(),
                signatures.metric.whitening.numpy(),
                signatures.shifts.numpy(),
            ),
        )
        assert len(expected) == len(found.names)
        np.testing.assert_allclose(found.statistics[i], expected, rtol=2e-4)


@pytest.mark.parametrize("fixture", ["trained", "published"])
def test_the_size_of_a_chunk_changes_no_score(fixture, two_regimes, monkeypatch, request):
    detector = request.getfixturevalue(fixture)
    whole = detector.decision_function(two_regimes)
    monkeypatch.setattr(scoring, "CHUNK", 7)
    np.testing.assert_allclose(
        detector.decision_function(two_regimes), whole, rtol=RTOL["chunks"], atol=1e-5
    )


def test_the_number_of_threads_changes_no_digit_of_a_score(trained, two_regimes, monkeypatch):
    monkeypatch.setattr(dense, "AT_ONCE", 50)  # several pieces
    alone = trained.decision_function(two_regimes)
    torch.set_num_threads(3)
    together = trained.decision_function(two_regimes)
    assert torch.get_num_threads() == 3  # the caller's setting stays
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("fixture", ["trained", "published"])
def test_scoring_leaves_the_network_in_evaluation_mode(fixture, two_regimes, request):
    detector = request.getfixturevalue(fixture)
    before = detector.decision_function(two_regimes)
    detector.model_.network.train()  # batch normalisation would depend on the other windows
    after = detector.decision_function(two_regimes)
    np.testing.assert_array_equal(after, before)
    assert not detector.model_.network.training


def test_latents_are_returned_only_on_request(trained, two_regimes):
    assert trained.score_windows(two_regimes).latents is None
    found = trained.score_windows(two_regimes, keep_latents=True).latents
    model = trained.model_
    windows = windows_of([model.representation.apply(two_regimes)], 8)
    again = score_window_set(windows, model.network, model.partition, model.statistics, True)
    np.testing.assert_array_equal(found, again.latents)
    assert again.assignments is None
