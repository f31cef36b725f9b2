"""Score files: exact, readable by others, whole or not at all."""

import datetime as dt

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dccad.errors import InputError
from dccad.results.files import write_scores
from dccad.tables import read_table


@settings(deadline=None, max_examples=50)  # the first example pays for imports
@given(
    st.lists(
        st.tuples(
            st.floats(allow_infinity=True),
            st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2200, 1, 1)),
        ),
        min_size=1,
        max_size=20,
        unique_by=lambda row: row[1],
    ).map(lambda rows: sorted(rows, key=lambda row: row[1])),
    st.sampled_from(["csv", "parquet"]),
)
def test_scores_come_back_to_the_last_bit(tmp_path_factory, rows, suffix):
    path = tmp_path_factory.mktemp("scores") / f"scores.{suffix}"
    score = np.array([score for score, _ in rows])
    stamp = np.array([stamp for _, stamp in rows], dtype="datetime64[ns]")
    write_scores(path, {"stamp": stamp, "score": score})
    [run] = read_table(path, time="stamp")
    np.testing.assert_array_equal(run.values[:, 0], score)
    np.testing.assert_array_equal(run.time.astype("datetime64[us]"), stamp.astype("datetime64[us]"))


def test_scores_file_is_readable_by_others(tmp_path):
    columns = {
        "run": np.array(["d01", "d01"], dtype=object),
        "time": np.array(["2020-01-01T00:00", "2020-01-01T00:03"], dtype="datetime64[ns]"),
        "score": np.array([np.nan, 0.25], dtype=np.float32),
        "anomaly": np.array([0, 1], dtype=np.int8),
    }
    write_scores(tmp_path / "s.csv", columns)
    assert (tmp_path / "s.csv").read_text() == (
        "run,time,score,anomaly\nd01,2020-01-01T00:00:00,NaN,0\nd01,2020-01-01T00:03:00,0.25,1\n"
    )
    write_scores(tmp_path / "s.parquet", columns)
    table = pq.read_table(tmp_path / "s.parquet")
    assert table.column_names == list(columns)
    assert table["score"].to_pylist()[1] == 0.25
    assert np.isnan(table["score"].to_pylist()[0])
    assert table["anomaly"].to_pylist() == [0, 1]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s.csv", "s.parquet"]


def test_scores_of_unknown_suffix_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(InputError, match=r"scores are written as \.csv or \.parquet, not '\.xlsx'"):
        write_scores(tmp_path / "s.xlsx", {"score": [1.0]})
    assert not list(tmp_path.iterdir())


def test_score_columns_of_different_length_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"differ in length: 'row' \(2,\), 'score' \(1,\); pass"):
        write_scores(tmp_path / "s.csv", {"row": [0, 1], "score": [1.0]})
    assert not list(tmp_path.iterdir())


def test_missing_folder_passes_the_systems_error_through(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_scores(tmp_path / "no" / "s.csv", {"score": [1.0]})
