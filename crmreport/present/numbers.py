"""How a number is written: one rule per kind, language and currency."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import pandas as pd

Language = Literal["ja", "en"]
BLANK = "–"

# Column units, largest first: (smallest column maximum it serves, divisor, decimals).
_MONEY_STEPS: dict[str, tuple[tuple[float, float, int], ...]] = {
    "JPY": ((1e8, 1e6, 1), (1e6, 1e3, 0), (0, 1, 0)),
    "": ((1e7, 1e6, 2), (1e5, 1e3, 1), (1e3, 1, 0), (0, 1, 2)),
}
_SYMBOLS = {"JPY": "¥", "USD": "$", "GBP": "£", "EUR": "€"}
_JA_NAMES = {"JPY": "円", "USD": "ドル", "GBP": "ポンド", "EUR": "ユーロ"}
_JA_SCALES = {1: "", 1e3: "千", 1e6: "百万"}
_EN_SCALES = {1: "", 1e3: " thousand", 1e6: " million"}


def is_blank(value: Any) -> bool:
    """True for what was not observed: None, NaN, NaT."""
    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))


@dataclass(frozen=True, slots=True)
class MoneyUnit:
    """The one unit a money column is written in.

    Examples:
        >>> MoneyUnit.for_column([12_345_678.0], currency="JPY").header("ja")
        '千円'
        >>> MoneyUnit.for_column([12_345_678.0], currency="JPY").write(12_345_678.0)
        '12,346'
    """

    currency: str
    divisor: float
    decimals: int

    @classmethod
    def for_column(cls, values: Any, *, currency: str) -> MoneyUnit:
        """Choose the unit by the largest absolute value of the column, never mixed within it."""
        largest = max((abs(float(v)) for v in values if not is_blank(v)), default=0.0)
        steps = _MONEY_STEPS.get(currency, _MONEY_STEPS[""])
        _, divisor, decimals = next(step for step in steps if largest >= step[0])
        return cls(currency, divisor, decimals)

    def header(self, lang: Language) -> str:
        """The unit as a table header says it: 千円, $ thousand."""
        if lang == "ja":
            return _JA_SCALES[self.divisor] + _JA_NAMES.get(self.currency, self.currency)
        return _SYMBOLS.get(self.currency, self.currency) + _EN_SCALES[self.divisor]

    def write(self, value: float) -> str:
        """The amount in this unit, without the unit."""
        return f"{_tidy(value / self.divisor, self.decimals):,.{self.decimals}f}"


def money(value: float, *, lang: Language, currency: str, sign: bool = False, thousands: bool = False) -> str:
    """An amount inside a sentence, with its own unit.

    With ``thousands`` large amounts are in thousands: two of them whose difference matters stand side by
    side, and in millions they may look the same.

    Examples:
        >>> money(12_345_678, lang="ja", currency="JPY")
        '12.3百万円'
        >>> money(12_345_678, lang="en", currency="JPY")
        '¥12.3 million'
        >>> money(-980, lang="ja", currency="JPY", sign=True)
        '−980円'
        >>> money(1_334_150, lang="ja", currency="JPY", thousands=True)
        '1,334千円'
    """
    size = abs(float(value))
    if size >= 1e6 and thousands:
        divisor, decimals = 1e3, 0
    elif size >= 1e6:
        divisor, decimals = (1e9, 2) if lang == "en" and size >= 1e9 else (1e6, 1)
    else:
        divisor, decimals = 1, 0 if currency == "JPY" or size >= 1000 else 2
    body = f"{size / divisor:,.{decimals}f}"
    mark = _mark(value, sign)
    if lang == "ja":
        scale = _JA_SCALES[divisor]
        return f"{mark}{body}{scale}{_JA_NAMES.get(currency, currency)}"
    scale = {**_EN_SCALES, 1e9: " billion"}[divisor]
    symbol = _SYMBOLS.get(currency, currency + " ")
    return f"{mark}{symbol}{body}{scale}"


def plain(value: float, decimals: int, *, sign: bool = False) -> str:
    """A number with thousands separators; the minus is a real minus sign.

    Examples:
        >>> plain(-1234.56, 1), plain(0.0, 1, sign=True)
        ('−1,234.6', '±0.0')
    """
    tidy = _tidy(float(value), decimals)
    if sign and tidy == 0:
        return "±" + f"{0:.{decimals}f}"
    return _mark(tidy, sign) + f"{abs(tidy):,.{decimals}f}"


def day(value: Any) -> str:
    """A day as 2026-10-31."""
    return _as_date(value).isoformat()


def month(value: Any, *, lang: Language) -> str:
    """A month as 2026年10月 or October 2026."""
    when = _as_date(value)
    return f"{when.year}年{when.month}月" if lang == "ja" else f"{_MONTHS[when.month - 1]} {when.year}"


def short_month(value: Any, *, lang: Language) -> str:
    """A month below a chart, its year standing beside it.

    Examples:
        >>> short_month("2026-10-31", lang="ja"), short_month("2026-10-31", lang="en")
        ('10月', 'Oct')
    """
    when = _as_date(value)
    return f"{when.month}月" if lang == "ja" else _MONTHS[when.month - 1][:3]


def long_day(value: Any, *, lang: Language) -> str:
    """A day inside a sentence: 2026年10月31日 or 31 October 2026."""
    when = _as_date(value)
    if lang == "ja":
        return f"{when.year}年{when.month}月{when.day}日"
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


# Not strftime("%B"): the machine's locale must not change a report.
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def _as_date(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = str(value)
    return date.fromisoformat(text + "-01" if len(text) == 7 else text[:10])


def _tidy(value: float, decimals: int) -> float:
    # −0.04 must not be written "−0.0".
    rounded = round(value, decimals)
    return 0.0 if rounded == 0 or math.isnan(rounded) else value


def _mark(value: float, sign: bool) -> str:
    if value < 0:
        return "−"
    return "+" if sign and value > 0 else ""
