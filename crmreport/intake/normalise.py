"""One value at a time: what a written form means, or None where it cannot be read."""

# ruff: noqa: DTZ001 - clients write times without a zone; the zone is put to them in shape.to_instant

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import Literal

from crmreport.intake.vocabulary import FLAG_WORDS, PREFECTURE_FORMS, PREFECTURE_NAMES, TOTALS_WORDS

DateOrder = Literal["ymd", "mdy", "dmy"]

BLANK_WORDS = ("null", "nan", "nat", "none", "n/a", "#n/a", "na", "\\n")
"""What databases and spreadsheets write for "nothing"; compared without case."""

MONEY_LIMIT = 1e12
"""Amounts at or beyond this are misreadings (a date or a telephone number in the money column)."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_SPACES = re.compile(r"\s+")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_HYPHENS = re.compile("[\u2010-\u2015\u2212\u2500\ufe58\ufe63]")
# The long-vowel mark is a letter in names; between ASCII letters or digits it was typed for a hyphen.
_LONG_VOWEL_AS_HYPHEN = re.compile("(?<=[0-9A-Za-z])\u30fc(?=[0-9A-Za-z])")


def read_text(text: str) -> str:
    """NFKC, no control characters, single spaces.

    Examples:
        >>> read_text(" ﾊﾟｰﾌﾟﾙ　ＡＢＣ ")
        'パープル ABC'
    """
    text = unicodedata.normalize("NFKC", _CONTROL.sub(" ", text))
    return _SPACES.sub(" ", text).strip()


def read_code(text: str) -> str:
    """A key as it is meant: :func:`read_text`, every dash a hyphen, no invisible marks. Zeros stay.

    Examples:
        >>> read_code("００１２−Ａ"), read_code("A—0012")
        ('0012-A', 'A-0012')
    """
    text = read_text(_INVISIBLE.sub("", text))
    return _LONG_VOWEL_AS_HYPHEN.sub("-", _HYPHENS.sub("-", text))


_MONEY_MARKS = re.compile(r"[¥\\円$€£\s]|jpy|usd|eur|gbp|税込|税抜", re.IGNORECASE)
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d*)?")
_PLAIN = re.compile(r"\d+(\.\d*)?(e[+-]?\d{1,2})?|\.\d+", re.IGNORECASE)


def read_number(text: str) -> float | None:
    """A number or an amount; negative as ``-``, ``△``, ``▲``, trailing ``-`` or in brackets.

    A comma must stand where a thousands separator stands: ``12,5`` is refused, not read as 125.

    Examples:
        >>> [read_number(t) for t in ("￥１，２３４", "△500円", "(1,200)", "300-", "12,5", "x")]
        [1234.0, -500.0, -1200.0, -300.0, None, None]
    """
    text = _MONEY_MARKS.sub("", read_text(text))
    text = _HYPHENS.sub("-", text)
    negative = False
    if len(text) > 2 and text[0] == "(" and text[-1] == ")":
        negative, text = True, text[1:-1]
    elif text[:1] in ("-", "△", "▲"):
        negative, text = True, text[1:]
    elif text[-1:] == "-":
        negative, text = True, text[:-1]
    elif text[:1] == "+":
        text = text[1:]
    if _GROUPED.fullmatch(text):
        text = text.replace(",", "")
    if not _PLAIN.fullmatch(text):
        return None
    value = float(text)
    return -value if negative and value else value


_ERAS = {"明治": 1868, "大正": 1912, "昭和": 1926, "平成": 1989, "令和": 2019}
_ERAS |= {"M": 1868, "T": 1912, "S": 1926, "H": 1989, "R": 2019}
_ERA = re.compile(
    r"(明治|大正|昭和|平成|令和|[MTSHR])\s*(\d{1,2}|元)\s*[年./-]\s*(\d{1,2})\s*[月./-]\s*(\d{1,2})\s*日?",
    re.I,
)
_ERA_PACKED = re.compile(r"([MTSHR])(\d{2})(\d{2})(\d{2})", re.I)
_YEAR_FIRST = re.compile(r"(\d{4})\s*[年./-]\s*(\d{1,2})\s*[月./-]\s*(\d{1,2})\s*日?")
_YEAR_LAST = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})")
_PACKED = re.compile(r"(\d{4})(\d{2})(\d{2})(?=$|\D|\d{4}$|\d{6}$)")
_SERIAL = re.compile(r"\d{5}(\.\d+)?")
_WEEKDAY = re.compile(r"\(?[日月火水木金土]曜日?\)?|\([日月火水木金土]\)")
_TIME = re.compile(
    r"(午前|午後|am|pm)?\s*(\d{1,2})\s*[:時]\s*(\d{1,2})\s*[:分]?\s*(?:(\d{1,2})(?:\.(\d{1,9}))?\s*秒?)?\s*(am|pm)?"
    r"\s*(z|utc|[+-]\d{2}:?\d{2})?",
    re.I,
)
_EXCEL_EPOCH = datetime(1899, 12, 30)
_FIRST_SERIAL, _LAST_SERIAL = 20_000, 80_000  # 1954 to 2119: five digits outside are not days


def read_when(text: str, *, order: DateOrder = "ymd") -> tuple[datetime, bool] | None:
    """A day or an instant, and whether a time of day was written.

    Reads ISO, ``/``, ``.``, 年月日, packed digits, Japanese eras, Excel serials, with or
    without a time and an offset. The result is aware only where an offset was written.

    Args:
        text: What stands in the cell.
        order: How to read ``10/11/2026``; ``ymd`` refuses it.

    Examples:
        >>> read_when("令和8年10月31日")
        (datetime.datetime(2026, 10, 31, 0, 0), False)
        >>> read_when("R8.10.31 午後3時05分"), read_when("46326"), read_when("10/31/2026")
        ((datetime.datetime(2026, 10, 31, 15, 5), True), (datetime.datetime(2026, 10, 31, 0, 0), False), None)
    """
    text = _WEEKDAY.sub("", _HYPHENS.sub("-", read_text(text))).strip()
    try:
        if _SERIAL.fullmatch(text):
            return _from_serial(float(text))
        day, rest = _day(text, order)
        if day is None:
            return None
        rest = rest.strip().lstrip("Tt").strip()
        if not rest:
            return day, False
        return _with_time(day, rest)
    except (ValueError, OverflowError):
        return None


def _from_serial(serial: float) -> tuple[datetime, bool] | None:
    if not _FIRST_SERIAL <= serial <= _LAST_SERIAL:
        return None
    return _EXCEL_EPOCH + timedelta(seconds=round(serial * 86_400)), serial % 1 != 0


def _day(text: str, order: DateOrder) -> tuple[datetime | None, str]:
    for pattern in (_ERA, _ERA_PACKED):
        if m := pattern.match(text):
            year = _ERAS[m[1].upper()] - 1 + (1 if m[2] == "元" else int(m[2]))
            return datetime(year, int(m[3]), int(m[4])), text[m.end() :]
    for pattern in (_YEAR_FIRST, _PACKED):
        if m := pattern.match(text):
            return datetime(int(m[1]), int(m[2]), int(m[3])), text[m.end() :]
    if order != "ymd" and (m := _YEAR_LAST.match(text)):
        month, day = (m[1], m[2]) if order == "mdy" else (m[2], m[1])
        return datetime(int(m[3]), int(month), int(day)), text[m.end() :]
    return None, text


def _with_time(day: datetime, rest: str) -> tuple[datetime, bool] | None:
    if re.fullmatch(r"\d{4}|\d{6}", rest):
        rest = ":".join(re.findall(r"\d\d", rest))
    m = _TIME.fullmatch(rest)
    if not m:
        return None
    half = (m[1] or m[6] or "").lower()
    hour = int(m[2])
    if half in ("pm", "午後") and hour < 12:
        hour += 12
    elif half in ("am", "午前") and hour == 12:
        hour = 0
    micro = int((m[5] or "").ljust(6, "0")[:6])
    when = day.replace(hour=hour, minute=int(m[3]), second=int(m[4] or 0), microsecond=micro)
    if m[7]:
        when = when.replace(tzinfo=_offset(m[7]))
    return when, True


def _offset(text: str) -> timezone:
    if text.lower() in ("z", "utc"):
        return UTC
    digits = text[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def read_flag(text: str) -> bool | None:
    """Yes or no.

    Examples:
        >>> [read_flag(t) for t in ("１", "○", "許諾", "不可", "×", "maybe")]
        [True, True, True, False, False, None]
    """
    return FLAG_WORDS.get(read_text(text).lower())


def read_postal(text: str) -> str:
    """``123-4567`` where there are seven digits; anything else stays as it is written.

    Examples:
        >>> read_postal("〒１２３４５６７"), read_postal("10001")
        ('123-4567', '10001')
    """
    code = read_code(text).removeprefix("〒").strip()
    digits = code.replace("-", "").replace(" ", "")
    return f"{digits[:3]}-{digits[3:]}" if len(digits) == 7 and digits.isdigit() else code


def read_prefecture(text: str) -> str:
    """The JIS name, from a name with or without 都道府県, a JIS code, a romanised name or a full address.

    What is none of these stays as written (a client abroad has regions of its own).

    Examples:
        >>> [read_prefecture(t) for t in ("東京", "13", "Tokyo-to", "京都府京都市中京区", "Ohio")]
        ['東京都', '東京都', '東京都', '京都府', 'Ohio']
    """
    name = read_text(text)
    key = re.sub(r"[- ]?(to|fu|ken|pref\.?|prefecture)$", "", name.lower()) if name.isascii() else name
    for form in (name, name.lower(), key):
        if form in PREFECTURE_FORMS:
            return PREFECTURE_FORMS[form]
    # 3 or 4 characters, longest first; no prefecture's name begins another's.
    return next((name[:n] for n in (4, 3) if name[:n] in PREFECTURE_NAMES), name)


def is_totals_word(text: str) -> bool:
    """Whether a cell says that its line is a sum of others.

    Examples:
        >>> [is_totals_word(t) for t in ("合 計", "Grand Total:", "合計金額")]
        [True, True, False]
    """
    return read_text(text).lower().rstrip(":").replace(" ", "") in TOTALS_WORDS
