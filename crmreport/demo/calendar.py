"""Days of the demo shop, and how busy each of them is."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

START = date(2023, 11, 1)
LAST = date(2026, 10, 31)
DAYS = (LAST - START).days + 1

# January to December: year-end gifts, spring renewal, early-summer bonus.
_MONTH = np.array([0.92, 0.88, 1.10, 1.00, 0.97, 1.09, 1.03, 0.88, 0.94, 1.00, 1.08, 1.36])
_WEEKDAY = np.array([0.86, 0.84, 0.86, 0.88, 1.02, 1.32, 1.28])


def day_of(day: date) -> int:
    """Days since the first one.

    Examples:
        >>> day_of(date(2023, 11, 1)), day_of(date(2026, 10, 31))
        (0, 1095)
    """
    return (day - START).days


def date_of(day: int) -> date:
    """The other way round."""
    return START + timedelta(days=int(day))


def months() -> np.ndarray:
    """Calendar month, 1 to 12, of each day."""
    return np.array([date_of(d).month for d in range(DAYS)])


def busyness() -> np.ndarray:
    """How busy each day is against the mean day (mean about 1)."""
    weekday = np.array([date_of(d).weekday() for d in range(DAYS)])
    busy = _MONTH[months() - 1] * _WEEKDAY[weekday]
    return busy / busy.mean()


class BusyTime:
    """A clock that runs faster on busy days: even gaps on it are seasonal on the calendar."""

    def __init__(self) -> None:
        self._clock = np.concatenate([[0.0], np.cumsum(busyness())])
        self._days = np.arange(DAYS + 1, dtype=float)

    @property
    def end(self) -> float:
        """Reading of the clock at the end of the last day."""
        return float(self._clock[-1])

    def at(self, day: np.ndarray) -> np.ndarray:
        """Reading at calendar days (fractions allowed)."""
        return np.interp(day, self._days, self._clock)

    def day(self, reading: np.ndarray) -> np.ndarray:
        """Calendar day, with its fraction, at a reading."""
        return np.interp(reading, self._clock, self._days)
