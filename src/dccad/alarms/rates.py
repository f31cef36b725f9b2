"""How many false alarms a rule will raise, and the limit for a wanted rate."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from dccad.alarms.rules import AlarmRule, find_alarms
from dccad.calibration.predictive import Calibration
from dccad.errors import ParameterError

SECONDS_PER_DAY = 86400.0


class AlarmRate(NamedTuple):
    """False alarms per day, or per 1000 rows where the time between rows is not known."""

    expected: float
    lower: float
    upper: float
    unit: str


def predict_false_alarms(
    calibration: Calibration,
    rule: AlarmRule,
    row_seconds: float | None = None,
    level: float = 0.9,
    seed: int = 0,
) -> AlarmRate:
    """Alarms per day to expect on new normal rows, beyond what the reference has shown.

    Paths of normal scores are drawn with the autocorrelation of the reference, each under a
    location and a spread that the reference leaves possible, and their alarms are counted. Where
    a limit is too high to be counted, alarms are taken to fall with the exceedance probability,
    which is on the safe side for k of n rows.


    Examples
    --------
    >>> from dccad.calibration.predictive import fit_calibration
    >>> calibration = fit_calibration([np.random.default_rng(0).normal(size=5000)])
    >>> single = predict_false_alarms(calibration, AlarmRule(calibration.threshold(0.01)))
    >>> 8 < single.expected < 12                         # 10 of 1000 independent rows
    True
    """
    rates = _PathAlarms(calibration, seed).rates(rule)
    per, unit = _unit(row_seconds)
    lower, upper = np.quantile(rates, [(1 - level) / 2, (1 + level) / 2])
    return AlarmRate(float(rates.mean()) * per, float(lower) * per, float(upper) * per, unit)


def choose_limit(
    calibration: Calibration,
    alarms: float,
    *,
    k: int = 1,
    n: int = 1,
    off_delay: int = 1,
    clear_rate: float | None = None,
    row_seconds: float | None = None,
    seed: int = 0,
) -> AlarmRule:
    """Rule with the lowest limit that raises at most the wanted number of false alarms.

    Examples
    --------
    >>> from dccad.calibration.predictive import fit_calibration
    >>> calibration = fit_calibration([np.random.default_rng(0).normal(size=5000)])
    >>> rule = choose_limit(calibration, alarms=1.0, k=2, n=3)
    >>> bool(rule.limit < calibration.threshold(0.01))   # two of three rows: a lower limit will do
    True
    """
    if alarms <= 0:
        raise ParameterError(f"alarms is {alarms:g}, but a positive number is needed")
    wanted = alarms / _unit(row_seconds)[0]
    clear = np.inf if clear_rate is None else calibration.threshold(clear_rate)

    def rule_at(u: float) -> AlarmRule:
        limit = float(calibration.score_at(u))
        return AlarmRule(limit, k, n, min(limit, clear), off_delay)

    paths = _PathAlarms(calibration, seed)
    low, high = 0.0, 1.0
    while paths.rates(rule_at(high)).mean() > wanted and high < 1e6:
        low, high = high, 2 * high
    for _ in range(30):
        middle = (low + high) / 2
        if paths.rates(rule_at(middle)).mean() > wanted:
            low = middle
        else:
            high = middle
        if high - low < 1e-3 * high:
            break
    return rule_at(high)


class _PathAlarms:
    """Alarm rates of one set of drawn paths, for rules that differ in their limits."""

    N_DRAWS = 200
    N_ROWS = 4000
    COUNTABLE = 3.0
    """Standard Gaussian quantile up to which alarms are counted on the paths."""

    def __init__(self, calibration: Calibration, seed: int) -> None:
        self._calibration = calibration
        (self._location, self._spread), self._paths = calibration.draw_normal_rows(
            self.N_ROWS, seed, self.N_DRAWS
        )

    def rates(self, rule: AlarmRule) -> NDArray[np.float64]:
        """Alarms per row, one for each draw."""
        limit, clear = (
            float(self._calibration.normal_quantile(score))
            for score in (rule.limit, rule.lower_limit)
        )
        limits = (limit - self._location) / self._spread
        clears = (clear - self._location) / self._spread
        counted = np.minimum(limits, self.COUNTABLE)
        beyond = stats.norm.sf(limits) / stats.norm.sf(counted)
        found = [
            len(find_alarms(path, AlarmRule(a, rule.k, rule.n, min(a, b), rule.off_delay)))
            for path, a, b in zip(self._paths, counted.ravel(), clears.ravel(), strict=True)
        ]
        rates: NDArray[np.float64] = np.array(found) / self.N_ROWS * beyond.ravel()
        return rates


def _unit(row_seconds: float | None) -> tuple[float, str]:
    """Rows per unit of an alarm rate, and its name."""
    if row_seconds is None:
        return 1000.0, "per 1000 rows"
    if not row_seconds > 0:
        raise ParameterError(f"row_seconds is {row_seconds:g}, but a positive time is needed")
    return SECONDS_PER_DAY / row_seconds, "per day"
