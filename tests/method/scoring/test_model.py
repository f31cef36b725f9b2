"""Runs in, one score and one region per row out: what each row gets, by loops and by hand."""

import numpy as np
import pytest
import torch

from dccad.logs.runs import Log, Run
from dccad.method.scoring.batches import score_window_set


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


@pytest.mark.parametrize("fixture", ["trained", "with_signatures", "published"])
def test_each_row_gets_score_and_region_of_the_window_that_ends_with_it(
    fixture, two_regimes, request
):
    model = request.getfixturevalue(fixture).model_
    parts = [two_regimes[:90], two_regimes[90:95], two_regimes[240:300]]
    segments = [Run(part, ("a", "b", "c"), f"r{i}") for i, part in enumerate(parts)]
    scores, regions = model.score_rows(segments)
    assert len(scores) == len(regions) == 155
    windows = model.windows(segments)
    each = [score_window_set(windows.select(torch.tensor([i])), *arguments(model)) for i in (0, 90)]
    first, later = 7, 95 + 14
    for row, found in zip((first, later), each, strict=True):
        assert scores[row] == pytest.approx(model.scores(found)[0], abs=1e-4)
        assert regions[row] == found.regions[0]
    ends = np.concatenate([np.arange(len(part)) >= model.window - 1 for part in parts])
    np.testing.assert_array_equal(np.isfinite(scores), ends)
    np.testing.assert_array_equal(regions >= 0, ends)
    alone = [model.score_rows([segment]) for segment in segments if len(segment) >= model.window]
    np.testing.assert_allclose(scores[ends], np.concatenate([s[7:] for s, _ in alone]), atol=1e-4)
    np.testing.assert_array_equal(regions[ends], np.concatenate([r[7:] for _, r in alone]))


def arguments(model):
    return model.network, model.partition, model.statistics


@pytest.mark.parametrize("fixture", ["trained", "published"])
def test_latents_of_a_row_are_the_pooled_maps_of_its_window(fixture, two_regimes, request):
    model = request.getfixturevalue(fixture).model_
    segments = [Run(two_regimes[:30], ("a", "b", "c")), Run(two_regimes[250:280], ("a", "b", "c"))]
    found = model.latent_rows(segments)
    assert found.dtype == np.float32
    rows = model.representation.apply(two_regimes[250:280])
    for last in (7, 19, 29):
        window = torch.from_numpy(rows[last - 7 : last + 1].T[None].copy())
        with torch.no_grad():
            expected = model.network.pool(model.network.encode(window)).flatten()
        np.testing.assert_allclose(found[30 + last], expected, rtol=1e-4, atol=1e-5)
    assert np.isnan(found[[*range(7), *range(30, 37)]]).all()
    assert np.isfinite(np.delete(found, [*range(7), *range(30, 37)], axis=0)).all()


def test_rows_that_preparation_left_out_have_no_score_and_others_their_own(trained, two_regimes):
    """Of 40 rows, the first 10 and row 25 were left out; the others were kept in their order."""
    model = trained.model_
    kept = np.array([*range(10, 25), *range(26, 40)])
    source = np.full(40, -1)
    source[kept] = np.arange(29)
    segments = (
        Run(two_regimes[kept[:15]], ("a", "b", "c")),
        Run(two_regimes[kept[15:]], ("a", "b", "c")),
    )
    scores, regions = model.score_log(Log(segments, (40,), source=source))
    inner = model.score_rows(segments)
    np.testing.assert_array_equal(scores[kept], inner[0])
    np.testing.assert_array_equal(regions[kept], inner[1])
    assert np.isnan(scores[[*range(17), *range(25, 33)]]).all()
    assert np.isfinite(scores[[*range(17, 25), *range(33, 40)]]).all()
    assert set(regions[[*range(17), *range(25, 33)]]) == {-1}


@pytest.mark.parametrize("fixture", ["with_signatures", "published"])
def test_a_copy_on_a_device_scores_alike_and_shares_no_weight(fixture, two_regimes, request):
    model = request.getfixturevalue(fixture).model_
    segments = [Run(two_regimes[:60], ("a", "b", "c"))]
    before = model.score_rows(segments)
    copy = model.to(torch.device("cpu"))
    np.testing.assert_array_equal(copy.score_rows(segments), before)
    with torch.no_grad():
        for parameter in copy.network.parameters():
            parameter.zero_()
    np.testing.assert_array_equal(model.score_rows(segments), before)
    assert not np.allclose(copy.score_rows(segments)[0][7:], before[0][7:])
