"""Dates in Japanese eras, as they stand in real member masters."""

from __future__ import annotations

from datetime import date

_ERAS = (
    (date(2019, 5, 1), "令和", "R"),
    (date(1989, 1, 8), "平成", "H"),
    (date(1926, 12, 25), "昭和", "S"),
)


def wareki(day: date, *, short: bool = False) -> str:
    """Write a day in its era.

    Args:
        day: From 1926-12-25 on.
        short: ``S55.4.1`` instead of ``昭和55年4月1日``.

    Examples:
        >>> wareki(date(1980, 4, 1)), wareki(date(1980, 4, 1), short=True)
        ('昭和55年4月1日', 'S55.4.1')
        >>> wareki(date(2019, 5, 1))
        '令和元年5月1日'
    """
    start, name, letter = next(era for era in _ERAS if day >= era[0])
    year = day.year - start.year + 1
    if short:
        return f"{letter}{year}.{day.month}.{day.day}"
    return f"{name}{'元' if year == 1 else year}年{day.month}月{day.day}日"
