import multiprocessing
import os
import threading

import numpy as np
import pytest
import torch

from conftest import RTOL, windows_of
from dccad.errors import InputError
from dccad.method.scoring import batches as scoring
from dccad.method.scoring import whole_runs as dense
from dccad.method.scoring.batches import score_window_set
from dccad.method.scoring.scale import ScoreScale, fit_score_scale
from dccad.support import threads
from dccad.support.threads import map_in_threads
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


def test_the_published_score_is_the_mean_of_two_standardised_statistics(published, two_regimes):
    results = published.score_windows(two_regimes)
    normal = results.regions == 0
    values = results.statistics
    expected = (values - values[normal].mean(axis=0)) / values[normal].std(axis=0)
    expected = expected.mean(axis=1)
    np.testing.assert_allclose(published.decision_function(two_regimes)[7:], expected, rtol=1e-6)
    assert expected[normal].mean() == pytest.approx(0.0, abs=1e-9)


def test_the_score_is_the_mean_of_the_standardised_logarithms(trained, two_regimes):
    """Held-out calibration without a reference: standardised on the stretches of region 0."""
    scale = trained.model_.score_scale
    values = np.log(trained.score_windows(two_regimes).statistics + scale.floor)
    expected = ((values - scale.mean) / scale.std).mean(axis=1)
    np.testing.assert_allclose(trained.decision_function(two_regimes)[7:], expected, rtol=1e-9)
    normal = trained.regions_[7:] == 0
    np.testing.assert_allclose(scale.mean, values[normal].mean(axis=0), atol=0.1)
    np.testing.assert_allclose(scale.std, values[normal].std(axis=0), rtol=0.15)


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


def test_what_goes_wrong_on_a_thread_reaches_the_caller():
    torch.set_num_threads(2)
    seen = []

    def fail(item):
        seen.append((item, torch.get_num_threads()))
        if item == 2:
            raise InputError("row 2")
        return item

    with pytest.raises(InputError, match="row 2"):
        list(map_in_threads(fail, [1, 2, 3]))
    assert {threads for _, threads in seen} == {1}


def test_threads_keep_to_one_each_and_leave_the_setting_of_later_ones():
    threads._pool.cache_clear()
    torch.set_num_threads(2)
    list(map_in_threads(abs, [-1, -2, -3]))  # nothing of torch: a thread might not have begun
    torch.set_num_threads(2)
    assert set(map_in_threads(lambda _: torch.get_num_threads(), [1, 2, 3])) == {1}
    later = []
    other = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    other.start()
    other.join()
    assert later == [2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_scores_on_threads_of_its_own():
    torch.set_num_threads(2)
    assert list(map_in_threads(abs, [-1, -2, -3])) == [1, 2, 3]
    child = multiprocessing.get_context("fork").Process(target=_map_or_fail)
    child.start()
    child.join(20)
    child.kill()
    assert child.exitcode == 0


def _map_or_fail():
    os._exit(0 if list(map_in_threads(abs, [-1, -2, -3])) == [1, 2, 3] else 1)


def test_a_statistic_that_does_not_vary_is_not_divided_by_zero():
    values = np.stack((np.ones(5), np.arange(5.0)), axis=1)
    scale = fit_score_scale(("a", "b"), values, logarithmic=False)
    spread = pytest.approx(np.arange(5.0).std())
    assert scale == ScoreScale(("a", "b"), (1.0, 2.0), (1.0, spread), None)
    np.testing.assert_allclose(scale.combine(values), (np.arange(5.0) - 2) / np.sqrt(2) / 2)


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
