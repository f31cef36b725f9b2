"""What a score means: p-values, thresholds for a false-alarm rate, and how sure they are.

The reference is short and its scores are autocorrelated over a window and more, so 500 rows are
worth ten independent ones. An empirical quantile of them does not know that; a Student-t predictive
distribution with the effective number of scores does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from dccad.calibration.autocorrelation import (
    correlation_time,
    draw_gaussian,
    estimate_autocorrelation,
)
from dccad.errors import CalibrationWarning, InputError, ParameterError, warn

FEWEST_INDEPENDENT = 3.0
"""Below this effective sample size, the predictive distribution would have no variance."""

USES_OF_THE_REFERENCE = 2.0
"""The same rows make the model and calibrate it. A reference that lacks a slow mode of the plant
misleads both in the same direction: over 36 simulated Tennessee Eastman references, the level of
new scores scatters twice as much as the autocorrelation of the out-of-fold scores says. Intervals
count each independent score half for that; thresholds do not, because with half the scores the
rate that was asked for would on average not be reached (0.6 % instead of 1 %)."""

DRIFT_NOISE = 1.0
"""In spreads: scatter, without any drift, of the difference between rows ahead of 500 training rows
and rows between them (0.9 to 1.5 over simulated references). Only what exceeds it is drift."""

STRONG_DRIFT = 3.0
"""In spreads: a drift beyond this is reported."""

KNOT_TAILS = (0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
"""Tail probabilities at which the distribution may bend away from the normal one."""

PRIOR_TAIL_COUNT = 10.0
"""Independent scores in a tail at which its empirical quantile counts as much as the model's."""

N_DRAWS = 1000
"""Draws of the parametric bootstrap."""

MOST_LAGS = 400
"""Lags of the autocorrelation that are kept."""

TINY = float(np.finfo(float).tiny)
"""Smallest p-value that is given."""

_FORMER_FIELDS = {"scale": "identity", "aim": "expected"}
"""Fields of earlier versions' records, with the only value that this version computes with."""


@dataclass(frozen=True)
class Calibration:
    """Distribution of new normal scores, as far as the reference tells it.

    A new normal score y, standardised to z = (y - ``location``) / ``spread`` and brought to normal
    quantiles u = g(z) (``knots``; the identity for short references), follows
    u ~ sqrt((1 + 1/n) n / (n - 1)) t(n - 1), where n is ``sample_size``. Averaged over references
    like this one, new rows exceed ``threshold(rate)`` with this rate; a typical reference gives
    fewer, because the rare one that lacks a slow mode of the plant gives many more.

    Attributes
    ----------
    location, spread : float
        Mean and standard deviation of the out-of-fold scores.
    sample_size : float
        Effective number n of independent scores.
    correlation_time : float, in rows
        Integrated autocorrelation time of the scores.
    n_scores : int
        Out-of-fold scores behind all this.
    knots : tuple of (float, float)
        Pairs (u, z) of g, increasing in both.
    autocorrelation : tuple of float
        Autocorrelation of the scores, from lag 0 until it has died out.
    drift : float
        By how much rows after the training rows score higher than rows between them, beyond chance
        (``DRIFT_NOISE``); contained in ``location``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> calibration = fit_calibration([rng.normal(size=5000)])
    >>> bool(abs(calibration.threshold(0.01) - 2.326) < 0.1)
    True
    >>> round(float(calibration.p_value(calibration.threshold(0.01))), 6)
    0.01

    References
    ----------
    S. Geisser: Predictive Inference. Chapman & Hall, 1993 (Student-t predictive distribution);
    H. J. Thiébaux, F. W. Zwiers: The interpretation and estimation of effective sample size. J.
    Climate Appl. Meteorol. 23, 1984; C. J. Geyer: Practical Markov chain Monte Carlo. Statistical
    Science 7, 1992 (where to cut the sum of autocorrelations).
    """

    KIND: ClassVar[str] = "predictive"

    location: float
    spread: float
    sample_size: float
    correlation_time: float
    n_scores: int
    knots: tuple[tuple[float, float], ...] = ()
    autocorrelation: tuple[float, ...] = (1.0,)
    drift: float = 0.0

    def threshold(self, rate: float) -> float:
        """Score that new normal rows exceed with the rate.

        Parameters
        ----------
        rate : float, 0 < rate < 1

        Raises
        ------
        ParameterError
            The rate is no probability between 0 and 1.
        """
        _check_share("false_alarm_rate", rate)
        return float(self.score_at(self._quantile(rate)))

    def p_value(self, scores: Any) -> NDArray[np.float64]:
        """Probability that a new normal row scores at least this much.

        Parameters
        ----------
        scores : array_like, float
            NaN where a row has no score.

        Returns
        -------
        ndarray of the same shape
            In (0, 1], falling with the score; NaN stays NaN.
        """
        u = self.normal_quantile(scores)
        with np.errstate(under="ignore"):
            tail = stats.t.sf(u / self._widening, self.sample_size - 1)
        values: NDArray[np.float64] = np.maximum(tail, TINY)
        return values

    def rate_interval(
        self, rate: float, n_rows: int, level: float = 0.9, seed: int = 0
    ) -> tuple[float, float]:
        """Interval for the share of new normal rows above ``threshold(rate)``.

        Accounts for what the reference leaves open (location and spread are drawn from their
        posterior) and for the chance in ``n_rows`` autocorrelated new rows (Gaussian paths with
        the autocorrelation of the reference): a parametric bootstrap with a fixed seed.

        Parameters
        ----------
        rate : float, 0 < rate < 1
        n_rows : int
            New rows, in one run.
        level : float, 0 < level < 1
            Coverage.
        seed : int

        Returns
        -------
        (lower, upper) : float
        """
        _check_share("false_alarm_rate", rate)
        _check_share("level", level)
        (location, spread), paths = self.draw_normal_rows(n_rows, seed)
        realised = (paths * spread + location > self._quantile(rate)).mean(axis=1)
        lower, upper = np.quantile(realised, [(1 - level) / 2, (1 + level) / 2])
        return float(lower), float(upper)

    def draw_normal_rows(
        self, n_rows: int, seed: int, n_draws: int = N_DRAWS
    ) -> tuple[tuple[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]:
        """What new normal scores may look like, in normal quantiles u of the reference.

        Parameters
        ----------
        n_rows : int
            Length of a path; paths of more than 4000 rows are drawn with a step between rows.
        seed : int
        n_draws : int

        Returns
        -------
        (location, spread) : ndarrays of shape (n_draws, 1)
            True values that the reference leaves possible (their posterior under a flat prior).
        paths : ndarray of shape (n_draws, min(n_rows, 4000))
            Standard Gaussian, with the autocorrelation of the reference;
            ``paths * spread + location`` are new scores.
        """
        rng = np.random.default_rng(seed)
        size = max(self.sample_size / USES_OF_THE_REFERENCE, FEWEST_INDEPENDENT)
        spread = np.sqrt(size / rng.chisquare(size - 1, (n_draws, 1)))
        location = spread * rng.normal(size=(n_draws, 1)) / np.sqrt(size)
        step = max(-(-n_rows // 4000), 1)
        paths = draw_gaussian(self.autocorrelation[::step], n_draws, n_rows // step, rng)
        return (location, spread), paths

    def normal_quantile(self, scores: Any) -> NDArray[np.float64]:
        """Scores as normal quantiles u of the reference's own distribution."""
        values = np.asarray(scores, dtype=np.float64)
        return _bend((values - self.location) / self.spread, self.knots, towards_normal=True)

    def score_at(self, u: Any) -> NDArray[np.float64]:
        """Inverse of :meth:`normal_quantile`."""
        return self.location + self.spread * _bend(np.asarray(u, float), self.knots)

    @property
    def ordered(self) -> Calibration:
        """The calibration itself, because it knows how normal scores follow one another."""
        return self

    def to_record(self) -> dict[str, Any]:
        """Kind, plain numbers and lists, for JSON."""
        record = {"kind": self.KIND, **asdict(self)}
        record["knots"] = [list(knot) for knot in self.knots]
        record["autocorrelation"] = list(self.autocorrelation)
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Calibration:
        """Inverse of :meth:`to_record`.

        Raises
        ------
        LookupError, TypeError
            A field is missing, or unknown, as one of an earlier version that decided otherwise.
        """
        ignored = {"kind": cls.KIND, **_FORMER_FIELDS}.items()
        values = {name: value for name, value in record.items() if (name, value) not in ignored}
        values["knots"] = tuple((float(u), float(z)) for u, z in values["knots"])
        values["autocorrelation"] = tuple(values["autocorrelation"])
        return cls(**values)

    @property
    def _widening(self) -> float:
        size = self.sample_size
        return float(np.sqrt((1 + 1 / size) * size / (size - 1)))

    def _quantile(self, rate: float) -> float:
        return float(self._widening * stats.t.isf(rate, self.sample_size - 1))


def fit_calibration(
    scores: Sequence[NDArray[np.float64]],
    *,
    ahead: Sequence[NDArray[np.float64]] = (),
    between: Sequence[NDArray[np.float64]] = (),
) -> Calibration:
    """Distribution of new normal scores from out-of-fold scores of the reference.

    Raises
    ------
    InputError
        Fewer than two scores.


    Warns
    -----
    CalibrationWarning
        The reference is worth fewer than ``FEWEST_INDEPENDENT`` independent scores, or drifts by
        more than ``STRONG_DRIFT`` spreads.


    Examples
    --------
    >>> calibration = fit_calibration([np.tile([1.0, 2.0, 4.0, 2.0], 50)])
    >>> calibration.location
    2.25
    """
    runs = _finite(scores)
    pooled = np.concatenate(runs) if runs else np.empty(0)
    if len(pooled) < 2:
        raise InputError(
            f"{len(pooled)} scores cannot be calibrated on: pass reference-normal rows with at "
            "least two full windows"
        )
    later, inner = (np.concatenate([*_finite(part), np.empty(0)]) for part in (ahead, between))
    location = float(pooled.mean())
    spread = max(float(pooled.std()), 1e-9 * (1 + abs(location)))  # constant scores
    rise = float(later.mean() - inner.mean()) if len(later) and len(inner) else 0.0
    drift = max(rise - DRIFT_NOISE * spread, 0.0)
    if rise > STRONG_DRIFT * spread:
        warn(
            f"the reference drifts: rows after the training rows score {rise / spread:.1f} "
            "standard deviations higher than rows between them; the threshold allows for one such "
            "step, but a drift that goes on will raise false alarms: pass a longer reference, or "
            "one that begins after warm-up",
            CalibrationWarning,
        )
    autocorrelation = estimate_autocorrelation(runs)
    time = correlation_time(autocorrelation)
    independent = len(pooled) / time
    if independent < FEWEST_INDEPENDENT:
        warn(
            f"the {len(pooled)} reference scores are worth only {independent:.1f} independent "
            f"ones (autocorrelation time {time:.0f} rows): thresholds are high and false-alarm "
            "rates uncertain; pass a longer reference",
            CalibrationWarning,
        )
    return Calibration(
        location + drift,
        spread,
        max(independent, FEWEST_INDEPENDENT),
        time,
        len(pooled),
        _fit_knots((pooled - location) / spread, independent),
        tuple(autocorrelation[:MOST_LAGS].tolist()),
        drift,
    )


def _finite(runs: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    arrays = [np.asarray(run, dtype=np.float64) for run in runs]
    return [run[np.isfinite(run)] for run in arrays]


def _fit_knots(z: NDArray[np.float64], independent: float) -> tuple[tuple[float, float], ...]:
    """Where the reference is long enough to know better than the normal distribution."""
    tails = [tail for tail in KNOT_TAILS if independent * tail >= PRIOR_TAIL_COUNT]
    if not tails:
        return ()
    u = stats.norm.isf(tails)
    count = independent * np.array(tails)
    weight = count**2 / (count**2 + PRIOR_TAIL_COUNT**2)
    bent = (1 - weight) * u + weight * np.quantile(z, 1 - np.array(tails))
    bent = np.maximum.accumulate(bent)
    bent += 1e-6 * np.arange(len(bent))  # strictly increasing, so that g has an inverse
    return tuple(zip(u.tolist(), bent.tolist(), strict=True))


def _bend(
    values: NDArray[np.float64],
    knots: tuple[tuple[float, float], ...],
    towards_normal: bool = False,
) -> NDArray[np.float64]:
    """Piecewise linear map u → z through the knots, or back; slope 1 below, mean slope above."""
    if not knots:
        return values
    u, z = np.array(knots).T
    slope = (z[-1] - z[0]) / (u[-1] - u[0]) if len(u) > 1 else 1.0
    x, y = (z, u) if towards_normal else (u, z)
    slope = 1 / slope if towards_normal else slope
    inner = np.interp(values, x, y)
    below, above = np.minimum(values - x[0], 0), np.maximum(values - x[-1], 0)
    bent: NDArray[np.float64] = inner + below + slope * above
    return bent


def _check_share(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ParameterError(f"{name} is {value:g}, but must lie between 0 and 1")
