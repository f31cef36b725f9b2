"""Scores of rows as they arrive: what :meth:`dccad.DCCA.stream` gives.

The results are those of scoring the rows so far in one log. What needs the future or the past in
another way than a batch does is decided here: gaps, missing values, order, and conditioning steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dccad.errors import InputError, ParameterError
from dccad.logs.missing import LARGEST
from dccad.logs.runs import Run
from dccad.streaming.arriving_rows import ArrivingRows, StreamPolicy
from dccad.streaming.newest_window import Reader, make_reader
from dccad.support.files import replace_files

if TYPE_CHECKING:
    from dccad.calibration.conformal import ConformalCalibration
    from dccad.calibration.predictive import Calibration
    from dccad.method.scoring.model import FittedModel

STATE_FORMAT = 1


class Stream:
    """A run that is still being recorded: push its rows, get their scores.

    Made by :meth:`dccad.DCCA.stream`. A score equals that of :meth:`dccad.DCCA.decision_function`
    on the rows so far, within float32 rounding. One stream is one run; it is not safe to push from
    several threads.

    Attributes
    ----------
    n_rows : int
        Rows taken so far, over all gaps and resets.
    score : float or None
        Score of the newest row; None where no window is full.

    Examples
    --------
    >>> import numpy as np
    >>> from dccad import DCCA
    >>> log = np.sin(np.arange(300.0))[:, None] + np.random.default_rng(0).normal(size=(300, 3))
    >>> detector = DCCA(window=8, pretrain_epochs=1, joint_epochs=1, calibration="held-out",
    ...                 random_state=0).fit(log[:200])
    >>> stream = detector.stream()
    >>> scores = [stream.push(row) for row in log[200:]]
    >>> scores[6] is None, bool(np.isclose(scores[50], detector.decision_function(log[200:])[50]))
    (True, True)
    """

    def __init__(
        self,
        model: FittedModel,
        calibration: Calibration | ConformalCalibration,
        threshold: float,
        policy: StreamPolicy,
    ) -> None:
        self._model, self._calibration = model, calibration
        self._threshold, self._policy = threshold, policy
        unfit = [str(step) for step in model.preparation.steps if not step.row_by_row]
        if unfit:
            raise ParameterError(
                f"prepare step {unfit[0]!r} combines rows, which a stream does not: do it before "
                "the rows are pushed, with a model fitted without it"
            )
        self._joined = any(step.join for step in model.preparation.steps)
        self.n_rows = 0
        self._arriving = ArrivingRows(policy)
        self.reset()

    def reset(self) -> None:
        """Forget the rows so far, as after a gap: the next score comes after a full window."""
        model = self._model
        self._reader: Reader = make_reader(
            model.network, model.partition, model.statistics, model.window
        )
        self._arriving.forget()
        self._full = False
        self.score: float | None = None

    # -- rows in, scores out ---------------------------------------------------------------------

    def push(self, row: Any, time: Any = None) -> float | None:
        """Take the next row.

        Parameters
        ----------
        row : array-like of shape (n_sensors,), or mapping from sensor to value
            In plant units; NaN where a value is missing.
        time : datetime, datetime64, or float in seconds, optional
            With every row or with none. A step longer than the detector's ``max_gap`` (default: 5
            times the median of the last 100 steps) resets the stream.

        Returns
        -------
        float or None
            The row's score; None until a window is full, and for rows that conditioning or
            ``on_missing="drop"`` leaves out.

        Raises
        ------
        InputError
            The row has other sensors, is infinite, comes out of order, or misses values that the
            model's policy does not fill. The stream stays as it was: the next row may follow.
        """
        arriving = self._arriving
        values, seconds = arriving.check(row), arriving.seconds(time)
        gap = arriving.is_gap(seconds)
        filled, absent = arriving.fill(values, forget=gap)
        if gap:
            self.reset()
        arriving.remember_time(seconds)
        self.n_rows += 1
        self.score = None
        if filled is None:  # "drop": the rows before and after are stretches of their own
            self.reset()
            return None
        arriving.last, arriving.absent = filled, absent
        prepared = self._prepare(filled)
        if prepared is None:
            return None
        self._full = self._reader.push(self._model.representation.apply(prepared[None])[0])
        if self._full:
            self.score = float(self._model.score_scale.combine(self._reader.judge()[None])[0])
        return self.score

    def push_many(self, rows: Any, times: Any = None) -> NDArray[np.float64]:
        """Take several rows at once; faster than one by one.

        Parameters
        ----------
        rows : array-like of shape (n_rows, n_sensors)
        times : array-like of shape (n_rows,), optional

        Returns
        -------
        ndarray of shape (n_rows,), float64
            NaN where :meth:`push` gives None.

        Raises
        ------
        InputError
            As :meth:`push`, which names the row; the rows before it have been taken.
        """
        table = np.asarray(rows, dtype=np.float64)
        if table.ndim != 2:
            raise InputError(
                f"rows have shape {table.shape}; needed is (n_rows, {len(self._policy.columns)}): "
                "push one row with push"
            )
        stamps: Sequence[Any] = [None] * len(table) if times is None else list(times)
        if len(stamps) != len(table):
            raise InputError(f"{len(stamps)} time stamps for {len(table)} rows; pass one per row")
        scores = np.full(len(table), np.nan)
        simple = (
            len(table) > 1
            and times is None
            and not self._arriving.timed
            and not self._model.preparation.steps
            and table.shape[1] == len(self._policy.columns)
            and bool((np.abs(table) <= LARGEST).all())
        )
        if simple:
            self._arriving.timed = False
            return self._take(table)
        for number, (row, stamp) in enumerate(zip(table, stamps, strict=True)):
            try:
                score = self.push(row, stamp)
            except InputError as error:
                raise InputError(f"row {number} of {len(table)}: {error}") from None
            scores[number] = np.nan if score is None else score
        return scores

    def _take(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rows without gaps, missing values or conditioning."""
        statistics, _ = self._reader.take(self._model.representation.apply(table))
        scores = np.full(len(table), np.nan)
        if len(statistics):
            scores[-len(statistics) :] = self._model.score_scale.combine(statistics)
        self.n_rows += len(table)
        self._arriving.forget()
        self._arriving.last = table[-1].copy()
        self._full = not np.isnan(scores[-1])
        self.score = float(scores[-1]) if self._full else None
        return scores

    # -- what else is known of the newest row ----------------------------------------------------

    @property
    def p_value(self) -> float | None:
        """How often a normal row scores at least as high; see :meth:`dccad.DCCA.p_value`."""
        if self.score is None:
            return None
        return float(self._calibration.p_value(np.array([self.score]))[0])

    @property
    def flag(self) -> int:
        """1 where the score exceeds the detector's ``threshold_``, else 0."""
        return int(self.score is not None and self.score > self._threshold)

    @property
    def region(self) -> int:
        """Consensus region, 0 is normal; -1 where there is no score."""
        return -1 if self.score is None else self._reader.region()

    # -- conditioning ----------------------------------------------------------------------------

    def _prepare(self, row: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """The conditioned row; None where it is left out."""
        preparation = self._model.preparation
        if not preparation.steps:
            return row
        kept = preparation.apply_to_runs([Run(row[None], self._policy.columns, "row")])
        if kept:
            return np.asarray(kept[0].values[0], dtype=np.float64)
        if not self._joined:
            last, absent = self._arriving.last, self._arriving.absent
            self.reset()
            self._arriving.last, self._arriving.absent = last, absent
        return None

    # -- state -----------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next scores depend on, as arrays and numbers."""
        return {
            "format": STATE_FORMAT,
            "fingerprint": self._policy.fingerprint,
            "rows": self._reader.rows,
            "last": self._arriving.last.copy(),
            "absent": self._arriving.absent.copy(),
            "steps": np.array(self._arriving.steps),
            "time": self._arriving.time,
            "timed": self._arriving.timed,
            "n_rows": self.n_rows,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken.

        Raises
        ------
        InputError
            The state is of another model or format; the stream stays as it was.
        """
        if state.get("format") != STATE_FORMAT:
            raise InputError(
                f"the state has format {state.get('format')}; this version reads {STATE_FORMAT}"
            )
        if state["fingerprint"] != self._policy.fingerprint:
            raise InputError("the state belongs to another model; load it with the model it is of")
        self.reset()
        if len(state["rows"]):
            self._reader.take(np.asarray(state["rows"], dtype=np.float32))
        arriving = self._arriving
        arriving.last = np.array(state["last"], dtype=np.float64)
        arriving.absent = np.array(state["absent"], dtype=np.int64)
        arriving.steps.clear()
        arriving.steps.extend(np.asarray(state["steps"], dtype=float).tolist())
        arriving.time, arriving.timed = state["time"], state["timed"]
        self.n_rows = int(state["n_rows"])

    def save(self, path: str | Path) -> None:
        """Write the state as one file (safetensors: no pickle), whole or not at all."""
        from safetensors.numpy import save

        state = self.state_dict()
        arrays = {name: np.ascontiguousarray(state[name]) for name in _ARRAYS}
        plain = {name: repr(value) for name, value in state.items() if name not in _ARRAYS}
        replace_files({Path(path): save(arrays, metadata=plain)})

    def load(self, path: str | Path) -> None:
        """Go on where :meth:`save` was called.

        Raises
        ------
        InputError
            The file is not there, is no such state, or belongs to another model.
        """
        self.load_state_dict(_read_state(Path(path)))


_ARRAYS = ("rows", "last", "absent", "steps")


def _read_state(path: Path) -> dict[str, Any]:
    from ast import literal_eval

    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            plain = {name: literal_eval(text) for name, text in (file.metadata() or {}).items()}
            return {**plain, **{name: file.get_tensor(name) for name in _ARRAYS}}
    except FileNotFoundError:
        raise InputError(
            f"there is no file {str(path)!r}; pass one that Stream.save wrote"
        ) from None
    except (SafetensorError, ValueError, SyntaxError, OSError) as error:
        raise InputError(
            f"{str(path)!r} is no state of a stream ({error}); pass a file that Stream.save wrote"
        ) from None


def fingerprint(model: FittedModel, columns: Sequence[str]) -> str:
    """SHA-256 of sensors and network, by which a stream knows the states of its own model."""
    digest = sha256("\x1f".join(columns).encode())
    for name, values in sorted(model.network.state_dict().items()):
        digest.update(name.encode())
        digest.update(values.cpu().numpy().tobytes())
    return digest.hexdigest()
