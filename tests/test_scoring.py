import numpy as np
import pytest
import torch

from conftest import RTOL
from dccad import scoring
from dccad.scoring import ScoreScale, WindowResults, fit_score_scale, score_window_set
from reference import naive_assign, naive_statistics


def test_statistics_equal_the_naive_ones_window_by_window(trained, two_regimes):
    results = trained.score_windows(two_regimes, keep_latents=True)
    model = trained.model_
    scaled = model.scaling.apply(two_regimes)
    centres = trained.cluster_centers_
    for i in (0, 100, 240, 392):
        window = scaled[i : i + 8].T
        with torch.no_grad():
            latents, output = model.network(torch.tensor(window[None]))
        region, distance, error = naive_statistics(
            latents[0].numpy(),
            output[0].numpy(),
            window,
            model.partition.region_centres.numpy(),
            trained.clustering_kernels_.tolist(),
        )
        assert results.regions[i] == region
        assert results.distance[i] == pytest.approx(distance, rel=1e-4)
        assert results.error[i] == pytest.approx(error, rel=1e-4)
        expected = [naive_assign([z], c)[0] for z, c in zip(latents[0], centres, strict=True)]
        assert results.assignments[i].tolist() == expected


def test_the_score_is_the_mean_of_two_standardised_statistics(trained, two_regimes):
    results = trained.score_windows(two_regimes)
    normal = results.regions == 0
    parts = [
        (values - values[normal].mean()) / values[normal].std()
        for values in (results.distance, results.error)
    ]
    expected = (parts[0] + parts[1]) / 2
    np.testing.assert_allclose(trained.decision_function(two_regimes)[7:], expected, rtol=1e-6)
    assert expected[normal].mean() == pytest.approx(0.0, abs=1e-9)


def test_the_size_of_a_chunk_changes_no_score(trained, two_regimes, monkeypatch):
    whole = trained.decision_function(two_regimes)
    monkeypatch.setattr(scoring, "CHUNK", 7)
    np.testing.assert_allclose(trained.decision_function(two_regimes), whole, rtol=RTOL["chunks"])


def test_a_statistic_that_does_not_vary_is_not_divided_by_zero():
    ones = np.ones(5)
    results = WindowResults(None, np.zeros((5, 2), int), np.zeros(5, int), ones, np.arange(5.0))
    scale = fit_score_scale(results, np.ones(5, bool))
    assert scale == ScoreScale(1.0, 1.0, 2.0, pytest.approx(np.arange(5.0).std()))
    assert np.isfinite(scale.combine(results.distance, results.error)).all()


def test_scoring_leaves_the_network_in_evaluation_mode(trained, two_regimes):
    before = trained.decision_function(two_regimes)
    trained.model_.network.train()  # batch normalisation would now depend on the other windows
    after = trained.decision_function(two_regimes)
    np.testing.assert_array_equal(after, before)
    trained.decision_function(two_regimes)
    assert not trained.model_.network.training


def test_latents_are_returned_only_on_request(trained, two_regimes):
    assert trained.score_windows(two_regimes).latents is None
    found = trained.score_windows(two_regimes, keep_latents=True).latents
    model = trained.model_
    segments = [model.scaling.apply(two_regimes)]
    from dccad.windows import WindowSet

    again = score_window_set(
        WindowSet.from_segments(segments, 8), model.network, model.partition, True
    )
    np.testing.assert_array_equal(found, again.latents)
