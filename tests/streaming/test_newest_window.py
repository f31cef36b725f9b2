"""The newest window, read row by row, is judged as the same window of a whole run is."""

import numpy as np
import pytest

from conftest import windows_of
from dccad.method.scoring.batches import score_window_set
from dccad.streaming.newest_window import Ring, make_reader

FITTED = ["trained", "with_signatures", "single_sensor", "published"]


# -- the buffer ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 7, 40])
def test_a_ring_holds_the_newest_rows_however_often_it_turns_over(size):
    rng = np.random.default_rng(size)
    rows = rng.normal(size=(1000, 3)).astype(np.float32)
    ring = Ring(size, 3)
    for i, row in enumerate(rows):
        ring.append(row)
        held = min(i + 1, size)
        assert len(ring) == held
        np.testing.assert_array_equal(ring.last(held), rows[i + 1 - held : i + 1])


@pytest.mark.parametrize("n", [0, 3, 5, 12])
def test_a_ring_that_is_filled_anew_holds_the_last_of_these_rows_and_no_older_ones(n):
    ring = Ring(5, 1, np.float64)
    for value in range(100):
        ring.append(np.array([-1.0 - value]))
    rows = np.arange(n, dtype=float)[:, None]
    ring.fill(rows)
    assert len(ring) == min(n, 5)
    assert ring.last(len(ring)).ravel().tolist() == list(range(n))[-5:]
    ring.append(np.array([50.0]))
    assert ring.last(len(ring)).ravel().tolist() == [*range(n), 50][-5:]


# -- readers -------------------------------------------------------------------------------------


def prepare(detector, log):
    """The model's reader, the directions of a log, and what is known of each of its windows."""
    model = detector.model_
    rows = model.representation.apply(log[:, : detector.n_features_in_])
    parts = (model.network, model.partition, model.statistics)
    known = score_window_set(windows_of([rows], model.window), *parts)
    return make_reader(*parts, model.window), rows, known


@pytest.mark.parametrize("fixture", FITTED)
def test_pushed_rows_are_judged_as_the_windows_of_the_whole_run(fixture, two_regimes, request):
    reader, rows, known = prepare(request.getfixturevalue(fixture), two_regimes)
    full = [reader.push(row) for row in rows[:7]]
    assert full == [False] * 7
    for i, row in enumerate(rows[7:]):
        assert reader.push(row)
        np.testing.assert_allclose(reader.judge(), known.statistics[i], rtol=2e-4, atol=1e-6)
        assert reader.region() == known.regions[i]
    assert set(known.regions) == {0, 1}  # both were read right


@pytest.mark.parametrize("fixture", FITTED)
@pytest.mark.parametrize("sizes", [[400], [3, 4, 1, 392], [10, 0, 1, 389]])
def test_rows_taken_together_are_judged_as_the_same_windows(fixture, sizes, two_regimes, request):
    reader, rows, known = prepare(request.getfixturevalue(fixture), two_regimes)
    statistics, regions = [], []
    for part in np.split(rows, np.cumsum(sizes)[:-1]):
        found = reader.take(part)
        assert found[0].shape == (len(found[1]), len(known.names))
        statistics.append(found[0])
        regions.append(found[1])
    np.testing.assert_allclose(np.concatenate(statistics), known.statistics, rtol=2e-4, atol=1e-6)
    np.testing.assert_array_equal(np.concatenate(regions), known.regions)


@pytest.mark.parametrize("fixture", FITTED)
def test_pushing_goes_on_where_taking_stopped(fixture, two_regimes, request):
    reader, rows, known = prepare(request.getfixturevalue(fixture), two_regimes)
    reader.push(rows[0])
    reader.take(rows[1:100])
    for i in range(100, 120):
        assert reader.push(rows[i])
        np.testing.assert_allclose(reader.judge(), known.statistics[i - 7], rtol=2e-4, atol=1e-6)
    statistics, _ = reader.take(rows[120:150])
    np.testing.assert_allclose(statistics, known.statistics[113:143], rtol=2e-4, atol=1e-6)


@pytest.mark.parametrize("fixture", FITTED)
@pytest.mark.parametrize("stop", [1, 5, 7, 8, 60])
def test_the_rows_that_are_kept_are_all_that_the_next_window_needs(
    fixture, stop, two_regimes, request
):
    reader, rows, known = prepare(request.getfixturevalue(fixture), two_regimes)
    assert len(reader.rows) == 0
    for row in rows[:stop]:
        reader.push(row)
    kept = reader.rows
    np.testing.assert_array_equal(kept, rows[max(0, stop - 7) : stop])
    other = prepare(request.getfixturevalue(fixture), two_regimes)[0]
    other.take(kept)
    for i in range(stop, stop + 20):
        assert other.push(rows[i]) == (i >= 7)
        if i >= 7:
            np.testing.assert_allclose(other.judge(), known.statistics[i - 7], rtol=2e-4, atol=1e-6)
            assert other.region() == known.regions[i - 7]
