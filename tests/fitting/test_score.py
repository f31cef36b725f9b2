"""From windows to a score: its scale, and normal scores to judge it by."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from dccad.fitting.score import fit_centre_score, fit_statistics_score
from dccad.fitting.statistics import fit_statistics, measure_rows
from dccad.method.regions.centres import CentrePartition
from fit_parts import WINDOW, make_run, split
from naive import naive_statistics


def check_scale(fitted, statistics):
    """Standardised logarithms of the rows that the scale was taken from: mean 0, deviation 1."""
    rows = np.concatenate(statistics)
    rows = rows[np.isfinite(rows).all(axis=1)]
    for m, name in enumerate(fitted.scale.names):
        alone = replace(
            fitted.scale,
            names=(name,),
            mean=fitted.scale.mean[m : m + 1],
            std=fitted.scale.std[m : m + 1],
            floor=fitted.scale.floor[m : m + 1],
        )
        standard = alone.combine(rows[:, [m]])
        assert standard.mean() == pytest.approx(0, abs=1e-9)
        assert standard.std() == pytest.approx(1)
    scores = np.concatenate(fitted.normal_scores)
    assert np.nanmean(scores) == pytest.approx(0, abs=1e-9)
    assert 0.2 < np.nanstd(scores) <= 1


def test_held_out_rows_make_the_scale_and_the_normal_scores(learned):
    state, training = learned
    held_out = [make_run(60, 7), make_run(30, 8)]
    fitted = fit_statistics_score(state, split(training, 2, held_out), [], cross_fitted=False)
    measured = measure_rows(
        held_out, state.representation, state.network, fitted.statistics, WINDOW
    )
    check_scale(fitted, measured)
    assert fitted.unseen
    assert [len(part) for part in fitted.normal_scores] == [60, 30]
    for scores, part in zip(fitted.normal_scores, measured, strict=True):
        assert np.array_equal(scores, fitted.scale.combine(part), equal_nan=True)
    expected = fit_statistics(state.network, state.normal_windows)  # the shifted run is not in
    for name, part in fitted.statistics.parts.items():
        assert torch.equal(part.mean, expected.parts[name].mean)


def test_seen_rows_stand_in_where_there_are_no_others_and_it_is_said(learned):
    state, training = learned
    fitted = fit_statistics_score(state, split(training, 2), [], cross_fitted=False)
    assert not fitted.unseen
    measured = measure_rows(
        training[:2], state.representation, state.network, fitted.statistics, WINDOW
    )
    check_scale(fitted, measured)
    assert [len(part) for part in fitted.normal_scores] == [90, 50]


@pytest.mark.parametrize("n_reference", [2, 0])
def test_cross_fitted_rows_are_scored_by_models_that_did_not_see_them(
    learned, monkeypatch, n_reference
):
    state, training = learned
    used = []

    class Spy:
        def __init__(self, *arguments):
            self.arguments = arguments

        def __call__(self, fold_training, held_out):
            used.append((fold_training, held_out))
            rng = np.random.default_rng(len(used))
            return [rng.gamma(3.0, size=(len(run), 5)) for run in held_out]

    name = "FoldScorer" if n_reference else "StretchScorer"
    monkeypatch.setattr(f"dccad.fitting.score.{name}", Spy)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = fit_statistics_score(state, split(training, n_reference), [], cross_fitted=True)
    assert fitted.unseen
    assert used
    for fold_training, held_out in used:
        trained = {row.tobytes() for run in fold_training for row in run.values}
        assert not trained & {row.tobytes() for run in held_out for row in run.values}
    known = {row.tobytes() for run in training[:2] for row in run.values}
    assert {row.tobytes() for _, held in used for run in held for row in run.values} <= known
    assert [len(part) for part in fitted.normal_scores] == [90, 50]
    assert np.nanmean(np.concatenate(fitted.normal_scores)) == pytest.approx(0, abs=1e-9)


def test_known_regimes_give_a_signature_that_tells_their_windows(learned):
    state, training = learned
    fitted = fit_statistics_score(
        state, split(training, 2, [make_run(60, 7)]), [training[2:]], cross_fitted=False
    )
    assert fitted.scale.names[-1] == "signature"
    alike = [make_run(40, 11, shift=4.0), make_run(40, 12)]
    shifted, normal = measure_rows(
        alike, state.representation, state.network, fitted.statistics, WINDOW
    )
    assert np.nanmin(shifted[:, -1]) > np.nanmax(normal[:, -1])


@pytest.mark.parametrize("with_held_out", [True, False])
def test_published_score_is_scaled_on_the_fits_normal_windows_alone(learned, with_held_out):
    state, _ = learned
    maps = torch.tensor([0, 3, 9])
    n_maps = state.network.settings.n_maps
    centres = torch.tensor([[[0.1], [0.2], [-6.0]], [[3.0], [3.0], [1.0]]])
    partition = CentrePartition(torch.zeros(n_maps, 2, 1), maps, centres)
    held_out = [make_run(30, 7), make_run(20, 8)] if with_held_out else []
    fitted = fit_centre_score(state, partition, held_out)

    def measure(windows):
        batch = windows[torch.arange(len(windows))]
        with torch.inference_mode():
            activation, reconstruction = state.network(batch)
            latents = state.network.pool(activation).numpy()
        pairs = zip(latents, reconstruction.numpy(), batch.numpy(), strict=True)
        return np.array(
            [naive_statistics(*pair, centres.numpy(), maps.tolist())[1:] for pair in pairs]
        )

    normal = measure(state.normal_windows)
    assert fitted.scale.names == ("distance", "error")
    assert fitted.scale.mean == pytest.approx(normal.mean(axis=0), rel=1e-4)
    assert fitted.scale.std == pytest.approx(normal.std(axis=0), rel=1e-4)
    judged = measure(state.representation.windows(held_out, WINDOW)) if held_out else normal
    expected = ((judged - normal.mean(axis=0)) / normal.std(axis=0)).mean(axis=1)
    assert np.allclose(np.concatenate(fitted.normal_scores), expected, atol=1e-3)
    assert fitted.unseen == with_held_out
