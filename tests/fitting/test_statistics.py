"""Learning from parts of a reference: what a fold sees, what it never sees, and how scores fit."""

import itertools
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from conftest import windows_of
from dccad.calibration import cross_fitting
from dccad.calibration.cross_fitting import cross_fit
from dccad.fitting import statistics as learning
from dccad.fitting.folds import FoldScorer, StretchScorer, regime_windows
from dccad.fitting.recipe import Recipe
from dccad.fitting.score import Learned, fit_centre_score, fit_statistics_score
from dccad.fitting.statistics import fit_statistics, measure_rows, persistence_share
from dccad.logs.runs import Run
from dccad.logs.windows import WindowSet, join_windows, normal_stretches, window_starts
from dccad.method.network.depthwise import DirectionalSettings
from dccad.method.network.make import make_network
from dccad.method.regions.centres import CentrePartition
from dccad.method.scoring import batches as scoring
from dccad.method.scoring.batches import read_batch
from dccad.method.scoring.distances import fit_mahalanobis, fit_signatures
from dccad.method.scoring.statistics import PERSISTENCE_WEIGHTS, window_features
from dccad.method.training.algorithm import TrainingSettings
from naive import naive_rows, naive_statistics, naive_stretches, naive_windows

WINDOW = 6


def make_recipe(stride=1, **training):
    settings = {
        "n_clusters": 2,
        "n_clustering_kernels": 0.5,
        "ranking": "separation-persistence",
        "stride": stride,
        "alpha": 0.5,
        "routing": "one-pass",
        "pretrain_epochs": 1,
        "joint_epochs": 1,
        "update_interval": 1,
        "batch_size": 64,
        "learning_rate": 1e-3,
        "n_init": 1,
        "seed": 0,
    }
    return Recipe(
        WINDOW,
        stride,
        "standard",
        "sensors+whitened",
        4.0,
        DirectionalSettings(4, 2, WINDOW, 2, 3, 2),
        TrainingSettings(**{**settings, **training}),
        torch.device("cpu"),
    )


def make_run(n, seed=0, shift=0.0):
    values = np.random.default_rng(seed).normal(size=(n, 2)) @ np.array([[1.0, 0.6], [0.0, 0.8]])
    return Run(values + shift, ("a", "b"))


@pytest.fixture(scope="module")
def learned():
    """Two reference runs, and an unlabelled run with a shift."""
    recipe = make_recipe()
    training = [make_run(90), make_run(50, 1), make_run(60, 2, shift=4.0)]
    representation = recipe.represent(training[:2], ())
    windows = representation.windows(training, WINDOW)
    network = recipe.train(windows).network
    is_normal = windows.starts.numpy() < 140
    return Learned(recipe, representation, network, windows, is_normal), training


# -- statistics of windows and rows --------------------------------------------------------------


def features_of(network, windows):
    with torch.inference_mode():
        batch = windows[torch.arange(len(windows))]
        found = window_features(network, batch, *network(batch))
    return {k: (v[:, -1] if k == "row" else v).double().numpy() for k, v in found.items()}


@pytest.mark.parametrize("stride", [1, 4])
def test_distances_are_fitted_run_by_run_and_holes_end_a_run(learned, stride):
    recipe, network = learned[0].recipe, learned[0].network
    runs = learned[1][:2]
    windows = learned[0].representation.windows(runs, WINDOW, stride)
    counts = [len(window_starts([len(run)], WINDOW, stride)) for run in runs]
    kept = np.delete(np.arange(len(windows)), [5, counts[0] + 3])
    mine = windows.select(torch.from_numpy(kept))
    features = features_of(network, mine)
    first, second = counts
    groups = [range(5), range(6, first), range(first, first + 3), range(first + 4, first + second)]
    places = {int(index): place for place, index in enumerate(kept)}
    bandwidth = max(1, round(5 / 3 * WINDOW / stride))
    found = fit_statistics(network, mine, stride)
    share = min(1, 17 / (len(kept) * stride / WINDOW)) ** 2
    assert share < 1
    assert recipe.window == WINDOW
    assert list(found.parts) == list(PERSISTENCE_WEIGHTS)
    for name, part in found.parts.items():
        by_run = [features[name][[places[i] for i in group]] for group in groups]
        expected = fit_mahalanobis(by_run, share * PERSISTENCE_WEIGHTS[name], bandwidth)
        assert torch.allclose(part.mean, expected.mean, atol=1e-6)
        metric, naive = (p.whitening @ p.whitening.T for p in (part, expected))  # free of signs
        assert torch.allclose(metric, naive, rtol=1e-4)
    assert found.signatures is None


def test_runs_are_not_joined_where_one_ends_a_stride_before_the_next(learned):
    """With stride = window, the first rows of all windows are equally far apart."""
    state, _ = learned
    runs = [make_run(4 * WINDOW, seed, shift=seed) for seed in range(6)]
    windows = state.representation.windows(runs, WINDOW, WINDOW)
    assert set(windows.starts.diff().tolist()) == {WINDOW}
    found = fit_statistics(state.network, windows, WINDOW, share=1.0).parts["mean"]
    values = features_of(state.network, windows)["mean"]
    expected = fit_mahalanobis(np.split(values, 6), PERSISTENCE_WEIGHTS["mean"], 2)
    assert torch.allclose(found.whitening, expected.whitening, rtol=1e-6)
    kept = windows.select(torch.arange(3, 9)).to(torch.device("cpu"))
    assert kept.runs.tolist() == [0, 1, 1, 1, 1, 2]


def test_signatures_are_those_of_the_regimes_means(learned):
    network, representation = learned[0].network, learned[0].representation
    normal = representation.windows(learned[1][:1], WINDOW)
    regimes = [representation.windows([run], WINDOW) for run in learned[1][1:]]
    found = fit_statistics(network, normal, 1, regimes).signatures
    means = [features_of(network, windows)["mean"] for windows in (normal, *regimes)]
    expected = fit_signatures(means[:1], means[1:], bandwidth=10)
    assert torch.allclose(found.shifts, expected.shifts, rtol=1e-5, atol=1e-8)
    assert found.shifts[1].norm() > 3 > found.shifts[0].norm()  # the last run is 4 away


def test_each_row_has_the_statistics_of_the_window_that_ends_there(learned, monkeypatch):
    state, training = learned
    statistics = fit_statistics(state.network, state.normal_windows, 1)
    runs = [training[2], make_run(WINDOW - 1, 5), make_run(WINDOW, 6), training[0]]
    found = measure_rows(runs, state.representation, state.network, statistics, WINDOW)
    directions = [state.representation.apply(run.values) for run in runs]
    values = []
    with torch.inference_mode():
        for window, _ in naive_windows([d.tolist() for d in directions], WINDOW, 1):
            batch = torch.tensor([window])
            values.append(statistics.measure(read_batch(state.network, batch))[0])
    lengths = [len(run) for run in runs]
    expected = naive_rows(values, lengths, WINDOW, 1)
    for row, value in zip(np.concatenate(found), expected, strict=True):
        assert np.isnan(row).all() if value is None else np.allclose(row, value, rtol=1e-4)
    assert [len(part) for part in found] == lengths
    assert np.isnan(found[1]).all()
    monkeypatch.setattr(scoring, "CHUNK", 7)
    chunked = measure_rows(runs, state.representation, state.network, statistics, WINDOW)
    assert np.allclose(np.concatenate(chunked), np.concatenate(found), rtol=1e-4, equal_nan=True)


def test_runs_without_a_full_window_have_rows_without_statistics(learned):
    state, _ = learned
    statistics = fit_statistics(state.network, state.normal_windows, 1)
    (found,) = measure_rows([make_run(3)], state.representation, state.network, statistics, WINDOW)
    assert found.shape == (3, 5)
    assert np.isnan(found).all()


# -- folds ---------------------------------------------------------------------------------------


def test_held_out_rows_change_nothing_that_a_fold_learned():
    scorer = FoldScorer(make_recipe())
    training, fixed = [make_run(80)], make_run(20, 3)
    wild = Run(make_run(30, 4).values * 100, ("a", "b"))
    alone = scorer(training, [fixed])[0]
    beside = scorer(training, [fixed, wild])[0]
    # batches of another size are summed in another order
    assert np.allclose(alone, beside, rtol=1e-5, equal_nan=True)
    changed = Run(fixed.values.copy(), ("a", "b"))
    changed.values[12:] += 50
    again = scorer(training, [changed])[0]
    assert np.allclose(again[:12], alone[:12], rtol=1e-5, equal_nan=True)
    assert (again[12:] > alone[12:]).any(axis=1).all()
    other = scorer([make_run(80, 9)], [fixed])[0]  # the training rows do decide
    assert not np.allclose(other[WINDOW:], alone[WINDOW:], rtol=1e-3)


def test_no_row_has_a_part_in_the_model_that_scores_it(monkeypatch):
    """Rows of the first fold are changed: earlier rows of that fold keep their scores."""
    monkeypatch.setattr(cross_fitting, "N_FOLDS", 3)
    run = make_run(150)
    changed = Run(run.values.copy(), ("a", "b"))
    changed.values[30:40] += 20
    scorer = FoldScorer(make_recipe(joint_epochs=0))
    one, other = (cross_fit([log], scorer, WINDOW).scores[0] for log in (run, changed))
    assert np.allclose(one[:30], other[:30], rtol=1e-5, equal_nan=True)
    assert np.isfinite(one[WINDOW - 1 : 30]).all()
    late = slice(120, 150)  # scored by models that saw the changed rows
    assert not np.allclose(one[late], other[late], rtol=1e-2)


@pytest.fixture
def spied(monkeypatch):
    """What the fold trained on and fitted its distances on."""
    seen = {}

    def fake_training(windows, network_settings, settings, device, on_epoch=None):
        seen["training"], seen["stride"] = windows, settings.stride
        return type("Result", (), {"network": make_network(network_settings)})

    def spy(network, windows, stride, regimes=(), share=None):
        seen["normal"], seen["regimes"], seen["share"] = windows, regimes, share
        return fit_statistics(network, windows, stride, regimes, share)

    monkeypatch.setattr(learning, "fit_jointly", fake_training)
    monkeypatch.setattr(learning, "fit_statistics", spy)
    return seen


@pytest.mark.parametrize("stride", [1, 2])
def test_many_windows_are_thinned_for_training_but_not_for_the_distances(
    spied, monkeypatch, stride
):
    monkeypatch.setattr(learning, "FOLD_WINDOWS", 20)
    monkeypatch.setattr(learning, "FOLD_NORMAL_WINDOWS", 30)
    regimes = [[make_run(60, 1), make_run(3, 2)], [make_run(80, 3)], [make_run(2, 4)]]
    scorer = FoldScorer(make_recipe(stride), regimes)
    unlabelled = (55 + 75) // stride
    assert scorer.thinned == stride * -(-unlabelled // 20)
    scorer([make_run(200)], [make_run(10, 5)])
    normal = len(window_starts([200], WINDOW, stride))
    assert len(spied["normal"]) == normal
    thinned = stride * -(-normal // 30)
    shown = window_starts([200], WINDOW, thinned)
    assert 15 <= len(shown) <= 30
    starts = spied["training"].starts.numpy()
    assert starts[: len(shown)].tolist() == shown.tolist()
    assert len(starts) - len(shown) == sum(len(r) for r in spied["regimes"])
    assert len(starts) - len(shown) <= 22  # each run begins anew
    assert [len(r) for r in spied["regimes"]] == [
        len(window_starts([n], WINDOW, scorer.thinned)) for n in (60, 80)
    ]  # a regime without a full window is left out
    # persistence compares windows of one run: it must know how far apart they now are
    assert spied["stride"] == thinned
    assert set(np.diff(shown)) == {spied["stride"]}


def test_few_windows_are_all_shown(spied):
    FoldScorer(make_recipe(), [[make_run(50, 1)]])([make_run(70)], [make_run(10, 5)])
    assert spied["training"].starts.tolist() == [*range(65), *range(70, 115)]
    assert spied["stride"] == 1


def test_each_fit_of_a_fold_is_counted(spied):
    count = itertools.count()
    scorer = FoldScorer(make_recipe(), advance=lambda: next(count))
    scorer([make_run(50)], [make_run(10, 1)])
    scorer([make_run(50)], [make_run(10, 1)])
    assert next(count) == 2


def test_a_stretch_scorer_fits_distances_alone(learned):
    state, training = learned
    before = {k: v.clone() for k, v in state.network.state_dict().items()}
    scorer = StretchScorer(state.recipe, state.representation, state.network)
    (found,) = scorer(training[:1], [training[1]])
    windows = state.representation.windows(training[:1], WINDOW)
    statistics = fit_statistics(state.network, windows, 1)
    (expected,) = measure_rows(
        [training[1]], state.representation, state.network, statistics, WINDOW
    )
    assert np.array_equal(found, expected, equal_nan=True)
    for name, value in state.network.state_dict().items():
        assert torch.equal(value, before[name])


# -- windows and stretches -----------------------------------------------------------------------


def test_joined_windows_are_those_of_the_parts():
    parts = [
        windows_of([np.random.default_rng(i).normal(size=(n, 2))], 3, stride)
        for i, (n, stride) in enumerate([(9, 1), (4, 1), (3, 2), (12, 4)])
    ]
    parts[0] = parts[0].select(torch.tensor([0, 2, 5]))
    joined = join_windows(parts)
    expected = torch.cat([part[torch.arange(len(part))] for part in parts])
    assert torch.equal(joined[torch.arange(len(joined))], expected)
    assert joined.runs.tolist() == [0, 0, 0, 1, 1, 2, 3, 3, 3]
    bare = WindowSet(parts[0].rows, parts[0].starts, 3)
    assert join_windows([bare, parts[1]]).runs.tolist() == [0, 0, 0, 1, 1]


def test_regimes_without_a_full_window_are_left_out(learned):
    representation = learned[0].representation
    found = regime_windows(
        [[], [make_run(4)], [make_run(7), make_run(4), make_run(8)]], representation, WINDOW, 1
    )
    assert [windows.starts.tolist() for windows in found] == [[0, 1, 11, 12, 13]]


@pytest.mark.parametrize("stride", [1, 2, 5])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
def test_normal_stretches_are_the_rows_of_windows_that_share_some(stride, share):
    lengths, window = [40, 3, 25, 31], 6
    table = np.arange(sum(lengths), dtype=float)[:, None]
    runs = [Run(part, ("row",)) for part in np.split(table, np.cumsum(lengths)[:-1])]
    starts = window_starts(lengths, window, stride)
    rng = np.random.default_rng(int(10 * share) + stride)
    normal = rng.random(len(starts)) < share
    found = normal_stretches(runs, starts, normal, window)
    expected = naive_stretches(lengths, starts.tolist(), normal.tolist(), window)
    offsets = np.cumsum([0, *lengths])
    assert [run.values[:, 0].tolist() for run in found] == [
        list(range(offsets[r] + a, offsets[r] + b)) for r, a, b in expected
    ]


def test_neighbours_that_only_touch_are_one_stretch():
    """With stride = window no two windows share a row, and a stretch is still one."""
    runs = [Run(np.arange(20.0)[:, None], ("row",)), Run(np.arange(20.0, 30)[:, None], ("row",))]
    starts = window_starts([20, 10], 5, 5)
    normal = np.array([True, True, False, True, True, True])
    found = [run.values[:, 0].tolist() for run in normal_stretches(runs, starts, normal, 5)]
    assert found == [list(range(10)), list(range(15, 20)), list(range(20, 30))]


# -- from windows to a score ---------------------------------------------------------------------


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
    fitted = fit_statistics_score(state, training, 2, [], held_out, cross_fitted=False)
    measured = measure_rows(
        held_out, state.representation, state.network, fitted.statistics, WINDOW
    )
    check_scale(fitted, measured)
    assert fitted.unseen
    assert [len(part) for part in fitted.normal_scores] == [60, 30]
    for scores, part in zip(fitted.normal_scores, measured, strict=True):
        assert np.array_equal(scores, fitted.scale.combine(part), equal_nan=True)
    expected = fit_statistics(state.network, state.normal_windows, 1)  # the shifted run is not in
    for name, part in fitted.statistics.parts.items():
        assert torch.equal(part.mean, expected.parts[name].mean)


def test_seen_rows_stand_in_where_there_are_no_others_and_it_is_said(learned):
    state, training = learned
    fitted = fit_statistics_score(state, training, 2, [], [], cross_fitted=False)
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
        fitted = fit_statistics_score(state, training, n_reference, [], [], cross_fitted=True)
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
    fitted = fit_statistics_score(state, training, 2, [training[2:]], [make_run(60, 7)], False)
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


def test_a_fold_discounts_slow_directions_as_the_final_model_does(spied):
    FoldScorer(make_recipe(), share=0.125)([make_run(60)], [make_run(20, 4)])
    assert spied["share"] == 0.125


def test_a_long_reference_discounts_slow_directions_less():
    shares = []
    for n_rows in (50, 17 * WINDOW + WINDOW - 1, 34 * WINDOW + WINDOW - 1):
        windows = windows_of([np.zeros((n_rows, 1), dtype=np.float32)], WINDOW)
        shares.append(persistence_share(windows, 1))
    assert shares == [1.0, 1.0, 0.25]


def test_a_network_of_thinned_windows_scores_at_the_level_of_the_final_one(monkeypatch):
    """Or a long reference, whose folds are thinned, gets a threshold of another level."""
    monkeypatch.setattr(learning, "FOLD_NORMAL_WINDOWS", 30)
    training, held_out = [make_run(200)], [make_run(60, 4)]
    (plain,) = FoldScorer(make_recipe())(training, held_out)
    levels = np.array([2.0, 3.0, 5.0, 7.0, 11.0])
    scorer = FoldScorer(make_recipe(), levels=levels)
    (found,) = scorer(training, held_out)
    known = np.isfinite(plain).all(axis=1)
    ratio = found[known] / plain[known]
    np.testing.assert_allclose(ratio, np.tile(ratio[0], (known.sum(), 1)), rtol=1e-9)
    (own,) = scorer(training, training)  # of the rows that it has trained on
    own = own[np.isfinite(own).all(axis=1)]
    np.testing.assert_allclose(np.exp(np.log(own).mean(axis=0)), levels, rtol=1e-6)
    monkeypatch.setattr(learning, "FOLD_NORMAL_WINDOWS", 2000)  # nothing is thinned: as it is
    (every,) = FoldScorer(make_recipe(), levels=levels)(training, held_out)
    (expected,) = FoldScorer(make_recipe())(training, held_out)
    np.testing.assert_array_equal(every, expected)
