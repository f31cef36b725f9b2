"""Statistics of normal windows: distances by runs, signatures of regimes, rows."""

import numpy as np
import pytest
import torch

from conftest import windows_of
from dccad.fitting.statistics import fit_statistics, measure_rows, persistence_share
from dccad.logs.windows import window_starts
from dccad.method.scoring import batches as scoring
from dccad.method.scoring.batches import read_batch
from dccad.method.scoring.distances import fit_mahalanobis, fit_signatures
from dccad.method.scoring.statistics import PERSISTENCE_WEIGHTS, window_features
from fit_parts import WINDOW, make_run
from naive import naive_rows, naive_windows


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
    found = fit_statistics(network, mine)
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
    found = fit_statistics(state.network, windows, share=1.0).parts["mean"]
    values = features_of(state.network, windows)["mean"]
    expected = fit_mahalanobis(np.split(values, 6), PERSISTENCE_WEIGHTS["mean"], 2)
    assert torch.allclose(found.whitening, expected.whitening, rtol=1e-6)
    kept = windows.select(torch.arange(3, 9)).to(torch.device("cpu"))
    assert kept.runs.tolist() == [0, 1, 1, 1, 1, 2]


def test_signatures_are_those_of_the_regimes_means(learned):
    network, representation = learned[0].network, learned[0].representation
    normal = representation.windows(learned[1][:1], WINDOW)
    regimes = [representation.windows([run], WINDOW) for run in learned[1][1:]]
    found = fit_statistics(network, normal, regimes).signatures
    means = [features_of(network, windows)["mean"] for windows in (normal, *regimes)]
    expected = fit_signatures(means[:1], means[1:], bandwidth=10)
    assert torch.allclose(found.shifts, expected.shifts, rtol=1e-5, atol=1e-8)
    assert found.shifts[1].norm() > 3 > found.shifts[0].norm()  # the last run is 4 away


def test_each_row_has_the_statistics_of_the_window_that_ends_there(learned, monkeypatch):
    state, training = learned
    statistics = fit_statistics(state.network, state.normal_windows)
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
    statistics = fit_statistics(state.network, state.normal_windows)
    (found,) = measure_rows([make_run(3)], state.representation, state.network, statistics, WINDOW)
    assert found.shape == (3, 5)
    assert np.isnan(found).all()


def test_a_long_reference_discounts_slow_directions_less():
    shares = []
    for n_rows in (50, 17 * WINDOW + WINDOW - 1, 34 * WINDOW + WINDOW - 1):
        windows = windows_of([np.zeros((n_rows, 1), dtype=np.float32)], WINDOW)
        shares.append(persistence_share(windows))
    assert shares == [1.0, 1.0, 0.25]
