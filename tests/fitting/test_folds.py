"""Learning from parts of a reference: what a fold sees, and what it never sees."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from dccad import DCCA
from dccad.calibration import folds as plans
from dccad.calibration.cross_fitting import cross_fit
from dccad.datasets import load_tep_simulated
from dccad.fitting import folds
from dccad.fitting import recipe as recipes
from dccad.fitting.folds import FoldScorer, StretchScorer, hastened, regime_windows
from dccad.fitting.model import N_FITS
from dccad.fitting.statistics import fit_statistics, measure_rows
from dccad.logs.runs import Run
from dccad.logs.windows import window_starts
from dccad.method.network.make import make_network
from fit_parts import WINDOW, make_recipe, make_run


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
    monkeypatch.setattr(plans, "N_FOLDS", 3)
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
        seen["training"], seen["stride"] = windows, windows.stride
        return type("Result", (), {"network": make_network(network_settings)})

    def spy(network, windows, regimes=(), share=None):
        seen["normal"], seen["regimes"], seen["share"] = windows, regimes, share
        return fit_statistics(network, windows, regimes, share)

    monkeypatch.setattr(recipes, "fit_jointly", fake_training)
    monkeypatch.setattr(folds, "fit_statistics", spy)
    return seen


@pytest.mark.parametrize("stride", [1, 2])
def test_many_windows_are_thinned_for_training_but_not_for_the_distances(
    spied, monkeypatch, stride
):
    monkeypatch.setattr(folds, "FOLD_WINDOWS", 20)
    monkeypatch.setattr(folds, "FOLD_NORMAL_WINDOWS", 30)
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


def test_a_fold_discounts_slow_directions_as_the_final_model_does(spied):
    FoldScorer(make_recipe(), share=0.125)([make_run(60)], [make_run(20, 4)])
    assert spied["share"] == 0.125


def test_a_network_of_thinned_windows_scores_at_the_level_of_the_final_one(monkeypatch):
    """Or a long reference, whose folds are thinned, gets a threshold of another level."""
    monkeypatch.setattr(folds, "FOLD_NORMAL_WINDOWS", 30)
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
    monkeypatch.setattr(folds, "FOLD_NORMAL_WINDOWS", 2000)  # nothing is thinned: as it is
    (every,) = FoldScorer(make_recipe(), levels=levels)(training, held_out)
    (expected,) = FoldScorer(make_recipe())(training, held_out)
    np.testing.assert_array_equal(every, expected)


def test_a_stretch_scorer_fits_distances_alone(learned):
    state, training = learned
    before = {k: v.clone() for k, v in state.network.state_dict().items()}
    scorer = StretchScorer(state.recipe, state.representation, state.network)
    (found,) = scorer(training[:1], [training[1]])
    windows = state.representation.windows(training[:1], WINDOW)
    statistics = fit_statistics(state.network, windows)
    (expected,) = measure_rows(
        [training[1]], state.representation, state.network, statistics, WINDOW
    )
    assert np.array_equal(found, expected, equal_nan=True)
    for name, value in state.network.state_dict().items():
        assert torch.equal(value, before[name])


def test_regimes_without_a_full_window_are_left_out(learned):
    representation = learned[0].representation
    found = regime_windows(
        [[], [make_run(4)], [make_run(7), make_run(4), make_run(8)]], representation, WINDOW, 1
    )
    assert [windows.starts.tolist() for windows in found] == [[0, 1, 11, 12, 13]]


@pytest.fixture
def epochs_trained(monkeypatch):
    """Epochs that each network has really trained, in the order of the fits."""
    counts = []
    train = recipes.fit_jointly

    def counted(*arguments):
        result = train(*arguments)
        counts.append(len(result.history))
        return result

    monkeypatch.setattr("dccad.fitting.recipe.fit_jointly", counted)
    return counts


def test_a_fit_on_a_day_of_rows_does_not_wait_for_its_folds(epochs_trained):
    """Of 500 rows x 52: 30 epochs, then 17 folds of 6 epochs each, not of 30 again."""
    log = load_tep_simulated().train_run(0)
    assert log.values.shape == (500, 52)
    DCCA(random_state=0).fit(None, normal=log)
    assert epochs_trained == [30, *[6] * N_FITS]


def test_folds_of_an_untrained_network_do_not_train(epochs_trained):
    recipe = make_recipe(pretrain_epochs=0, joint_epochs=0)
    FoldScorer(recipe)([make_run(70)], [make_run(10, 5)])
    assert epochs_trained == [0]


@pytest.mark.parametrize(
    ("asked", "hastened_to"),
    [
        ((10, 20, 0.001), (2, 4, 0.005)),  # the default: as far, in a fifth of the steps
        ((100, 200, 0.0001), (20, 40, 0.0005)),
        ((15, 0, 0.0001), (3, 0, 0.0005)),
        ((6, 1, 0.0002), (2, 1, 0.0002 * 7 / 3)),  # no phase that was asked for is left out
        ((1, 1, 0.001), (1, 1, 0.001)),
        ((0, 0, 0.001), (0, 0, 0.001)),
        ((10, 20, 0.002), (2, 4, 0.005)),  # steps that are large already grow less or not at all
        ((10, 20, 0.05), (2, 4, 0.05)),
    ],
)
def test_a_fold_goes_as_far_as_the_final_network_in_fewer_steps(asked, hastened_to):
    names = ("pretrain_epochs", "joint_epochs", "learning_rate")
    training = make_recipe(**dict(zip(names, asked, strict=True))).training
    found = hastened(training)
    assert tuple(getattr(found, name) for name in names) == pytest.approx(hastened_to)
    assert replace(found, **dict(zip(names, asked, strict=True))) == training  # all else stays
