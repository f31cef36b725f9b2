"""Logs that are read in blocks: any block has the rows that checking the whole log gives."""

import numpy as np
import pytest

from dccad.errors import InputError, MissingValuesError
from dccad.logs import source as module
from dccad.logs.inputs import check_log
from dccad.logs.runs import Reading, Run, split_at_gaps
from dccad.logs.source import RowSource, Segment, checked_blocks, read_checked

NAN = np.nan
CELLS = np.array([1.0, NAN, 3, 4, NAN, NAN, 7, 8, 9, NAN, 11, 12, 13, 14, NAN, 16])
TIME = np.array([0.0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 100, 101, 102, 103, 104, 105])


class InMemory:
    """A row source over runs in memory, which remembers the most rows that were read at a time."""

    def __init__(self, *runs):
        self.runs, self.most = runs, 0

    columns = property(lambda self: self.runs[0].columns)
    run_names = property(lambda self: tuple(run.name for run in self.runs))
    run_lengths = property(lambda self: tuple(len(run) for run in self.runs))

    def segments(self, max_gap=None):
        found = []
        for number, run in enumerate(self.runs):
            start = 0
            for part in split_at_gaps(run, max_gap):
                found.append(Segment(number, start, start + len(part)))
                start += len(part)
        return tuple(found)

    def read(self, run, start, stop):
        self.most = max(self.most, stop - start)
        return self.runs[run].rows(start, stop)

    def identity(self):
        return []

    def refuse_if_changed(self):
        """Nothing changes rows in memory."""


def source_of(cells=CELLS):
    second = np.column_stack([np.arange(5.0), np.arange(5.0)])
    first = Run(np.column_stack([cells, np.arange(16.0)]), ("a", "b"), "first", TIME)
    return InMemory(first, Run(second, ("a", "b"), "second"))


def reading(on_missing="interpolate", fill_limit=2, causal=False):
    return Reading(None, on_missing, fill_limit, causal)


def test_the_segments_of_a_source_have_the_length_of_their_rows():
    source = source_of()
    assert isinstance(source, RowSource)
    assert source.segments() == (Segment(0, 0, 10), Segment(0, 10, 16), Segment(1, 0, 5))
    assert [len(segment) for segment in source.segments()] == [10, 6, 5]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("rule", ["interpolate", "hold"])
@pytest.mark.parametrize("block_rows", [1, 2, 3, 7, 100])
def test_blocks_have_the_rows_of_the_log_in_memory(monkeypatch, block_rows, rule, causal):
    monkeypatch.setattr(module, "BLOCK_CELLS", 2 * block_rows + 1)  # two sensors
    source = source_of()
    settings = reading(rule, causal=causal)
    blocks = list(checked_blocks(source, source.segments(), settings))
    whole = check_log(list(source.runs), settings)
    expected = np.concatenate([segment.values for segment in whole.segments])
    np.testing.assert_array_equal(np.concatenate([block.values for block in blocks]), expected)
    assert max(map(len, blocks)) == min(block_rows, 10)
    assert source.most <= block_rows + 2 * 3  # fill_limit + 1 rows on either side
    assert [block.name for block in blocks][-1] == "second"


def test_blocks_bring_along_the_rows_before_them_of_their_own_segment_only(monkeypatch):
    monkeypatch.setattr(module, "BLOCK_CELLS", 8)  # four rows
    source = source_of(np.arange(16.0))
    blocks = checked_blocks(source, source.segments()[:2], reading("error"), before=2)
    assert [(block.values[0, 1], block.values[-1, 1]) for block in blocks] == [
        (0, 3), (2, 7), (6, 9), (10, 13), (12, 15)
    ]  # fmt: skip


def test_a_hole_too_long_to_fill_is_too_long_wherever_a_block_cuts_it():
    cells = np.arange(16.0)
    cells[3:6] = NAN
    source = source_of(cells)
    segment = source.segments()[0]
    for start in range(10):
        for stop in range(start + 1, 11):
            if start < 6 and stop > 3:
                with pytest.raises(MissingValuesError, match=f"at row {max(start, 3)}, column 'a'"):
                    read_checked(source, segment, start, stop, reading(fill_limit=2))
            else:
                found = read_checked(source, segment, start, stop, reading(fill_limit=2))
                assert found.values[:, 1].tolist() == list(range(start, stop))
    filled = read_checked(source, segment, 4, 5, reading(fill_limit=3))
    assert filled.values.tolist() == [[4.0, 4.0]]


def test_a_bad_value_is_named_by_its_row_in_the_run():
    cells = np.arange(16.0)
    cells[13] = np.inf
    source = source_of(cells)
    with pytest.raises(InputError, match=r"run 'first' has infinite values .*first at row 13"):
        list(checked_blocks(source, source.segments(), reading("drop")))
