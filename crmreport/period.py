"""Reporting periods: half-open stretches of whole days in the client's time zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from crmreport.errors import ConfigError

_FORMS = "2026-10, 2026-Q3, FY2026 or 2026-04-01..2026-09-30"


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open stretch of days ``[start, end)`` with the name it was asked for by.

    Args:
        name: The text the period was parsed from; safe as a folder name.
        start: First day inside.
        end: First day after.
        months: Length in calendar months; None for a free range of days.

    Examples:
        >>> p = Period.parse("2026-10")
        >>> p.start, p.end, p.as_of
        (datetime.date(2026, 10, 1), datetime.date(2026, 11, 1), datetime.date(2026, 10, 31))
        >>> p.previous().name, p.year_ago().name
        ('2026-09', '2025-10')
        >>> Period.parse("FY2026", fiscal_year_start=4).start
        datetime.date(2026, 4, 1)
    """

    name: str
    start: date
    end: date
    months: int | None
    fiscal_year_start: int = 1

    @classmethod
    def parse(cls, text: str, *, fiscal_year_start: int = 1) -> Period:
        """Read a period from its name.

        Args:
            text: One of ``YYYY-MM``, ``YYYY-Qn`` (calendar quarter), ``FYYYYY`` (fiscal year
                beginning in that calendar year) or ``YYYY-MM-DD..YYYY-MM-DD`` (both days inside).
            fiscal_year_start: Month, 1 to 12, in which a fiscal year begins.

        Raises:
            ConfigError: The text has none of these forms, or names no real date.
        """
        try:
            if m := re.fullmatch(r"(\d{4})-(\d{2})", text):
                return cls._of_months(text, date(int(m[1]), int(m[2]), 1), 1, fiscal_year_start)
            if m := re.fullmatch(r"(\d{4})-Q([1-4])", text):
                return cls._of_months(text, date(int(m[1]), 3 * int(m[2]) - 2, 1), 3, fiscal_year_start)
            if m := re.fullmatch(r"FY(\d{4})", text):
                return cls._of_months(text, date(int(m[1]), fiscal_year_start, 1), 12, fiscal_year_start)
            if m := re.fullmatch(r"(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})", text):
                first, last = date.fromisoformat(m[1]), date.fromisoformat(m[2])
                if first <= last:
                    return cls(text, first, last + timedelta(days=1), None, fiscal_year_start)
        except (ValueError, OverflowError):
            pass
        raise ConfigError(f"period {text!r} is not a period; write it as {_FORMS}")

    @classmethod
    def _of_months(cls, name: str, start: date, months: int, fiscal_year_start: int) -> Period:
        return cls(name, start, add_months(start, months), months, fiscal_year_start)

    @property
    def as_of(self) -> date:
        """The last day inside; what every analysis takes as its observation date."""
        return self.end - timedelta(days=1)

    @property
    def days(self) -> int:
        """Length in days."""
        return (self.end - self.start).days

    def previous(self) -> Period:
        """The period of equal length that ends where this one starts."""
        if self.months is None:
            return self._range(self.start - timedelta(days=self.days), self.days)
        return self._shift(-self.months)

    def year_ago(self) -> Period:
        """The same period one calendar year earlier (29 February falls back to the 28th)."""
        if self.months is None:
            first = _same_day(self.start, -1)
            return self._range(first, (_same_day(self.end, -1) - first).days)
        return self._shift(-12)

    def trailing(self, months: int) -> Period:
        """The ``months`` calendar months up to and including this period's end."""
        start = add_months(self.end, -months)
        return Period(f"{start}..{self.as_of}", start, self.end, months, self.fiscal_year_start)

    def _shift(self, months: int) -> Period:
        start = add_months(self.start, months)
        assert self.months is not None
        names = {1: f"{start:%Y-%m}", 3: f"{start.year}-Q{(start.month + 2) // 3}"}
        if self.name.startswith("FY"):
            name = f"FY{start.year}"
        else:
            name = names.get(self.months, f"{start}..{add_months(start, self.months) - timedelta(days=1)}")
        return Period._of_months(name, start, self.months, self.fiscal_year_start)

    def _range(self, start: date, days: int) -> Period:
        last = start + timedelta(days=days - 1)
        return Period(f"{start}..{last}", start, last + timedelta(days=1), None, self.fiscal_year_start)


def add_months(day: date, months: int) -> date:
    """Move by whole months, keeping the day of month where it exists.

    Examples:
        >>> add_months(date(2026, 3, 31), -1)
        datetime.date(2026, 2, 28)
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))


def _same_day(day: date, years: int) -> date:
    return add_months(day, 12 * years)
