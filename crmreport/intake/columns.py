"""A whole column at once: Polars on the usual forms, one look per distinct value on the rest."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, field, replace
from datetime import MAXYEAR, MINYEAR
from typing import Any

import polars as pl

from crmreport.errors import DataError
from crmreport.intake import normalise as n
from crmreport.intake.tables import Kind
from crmreport.intake.vocabulary import SEX_WORDS

FIRST_YEAR, LAST_YEAR = 1900, 2100


@dataclass(frozen=True, slots=True)
class Parsed:
    """A column's values, which of them could not be read, and what was changed on the way.

    Args:
        values: One value per line; null where blank or unreadable.
        unreadable: True where something is written that cannot be read.
        reason: Why, in words for the quarantine file.
        changed: How the values were changed → number of lines.
        has_time: For instants: True where a time of day was written.
    """

    values: pl.Series
    unreadable: pl.Series
    reason: str
    changed: dict[str, int] = field(default_factory=dict)
    has_time: pl.Series | None = None

    def only(self, stay: pl.Series) -> Parsed:
        """Some of the lines; what a line means may hang on all of them."""
        has_time = None if self.has_time is None else self.has_time.filter(stay)
        return replace(
            self, values=self.values.filter(stay), unreadable=self.unreadable.filter(stay), has_time=has_time
        )


def on_distinct(values: pl.Series, chosen: pl.Series, read: Callable[[str], Any], dtype: Any) -> pl.Series:
    """Apply ``read`` once per distinct chosen text; null elsewhere. Keeps the order of lines."""
    distinct = values.filter(chosen).unique().drop_nulls()
    if distinct.is_empty():
        return pl.Series([None], dtype=dtype).new_from_index(0, len(values))
    known = pl.DataFrame(
        {"text": distinct, "value": pl.Series([read(text) for text in distinct], dtype=dtype, strict=False)}
    )
    frame = pl.DataFrame({"text": values, "chosen": chosen})
    joined = frame.join(known, on="text", how="left", maintain_order="left")
    return joined.select(pl.when("chosen").then("value"))["value"]


def to_text(values: pl.Series) -> pl.Series:
    """Any typed column as text; whole floats without the ``.0`` (ids that passed a spreadsheet)."""
    kind = values.dtype
    if kind == pl.String:
        return values
    if kind.is_float():
        whole = (values == values.round(0)) & (values.abs() < 2**53)
        return (
            pl.DataFrame({"v": values, "whole": whole})
            .select(
                pl.when(pl.col("whole"))
                .then(pl.col("v").cast(pl.Int64, strict=False).cast(pl.String))
                .when(pl.col("v").is_not_nan())
                .then(pl.col("v").cast(pl.String))
            )
            .to_series()
        )
    if kind == pl.Boolean:
        return values.cast(pl.Int8).cast(pl.String)
    if kind == pl.Binary:
        return values.cast(pl.String, strict=False)
    if kind.is_nested():
        return pl.Series([None if v is None else str(v) for v in values.to_list()], dtype=pl.String)
    return values.cast(pl.String)


def naming(ids: pl.Series, whom: Container[str]) -> pl.Series:
    """True where a column of customer ids, as a file gives it, names one of some customers.

    Args:
        whom: Knows an id in any written form.
    """
    text = to_text(ids)
    return on_distinct(text, text.is_not_null(), whom.__contains__, pl.Boolean).fill_null(False)


def without_blanks(values: pl.Series, *, words: bool) -> tuple[pl.Series, int]:
    """Trimmed text with blanks as null, and how many blank *words* such as NULL there were."""
    text = values.str.strip_chars()
    text = text.set(text == "", None)
    if not words:
        return text, 0
    # Only short texts can be such a word; lowering everything would cost more than all the rest.
    short = text.str.len_bytes() <= max(map(len, n.BLANK_WORDS))
    blank = (short & text.str.to_lowercase().is_in(n.BLANK_WORDS)).fill_null(False)
    found = int(blank.sum())
    return (text.set(blank, None) if found else text), found


def parse(values: pl.Series, kind: Kind, *, date_order: n.DateOrder = "ymd", where: str = "") -> Parsed:
    """Read a column of any type as ``kind``.

    Args:
        values: A source column, text or typed.
        kind: What it should hold.
        date_order: How ``10/11/2026`` is meant.
        where: File and column for errors.

    Raises:
        DataError: Sex is coded in digits whose meaning cannot be known.
    """
    if kind in ("money", "number"):
        return _numbers(values)
    if kind in ("instant", "day"):
        return _whens(values, date_order)
    if kind == "flag" and values.dtype == pl.Boolean:
        return Parsed(values, _none(values), "")
    text, blanks = without_blanks(to_text(values), words=kind != "text")
    changed = {"blank_word": blanks} if blanks else {}
    if kind == "flag":
        found = on_distinct(text, text.is_not_null(), n.read_flag, pl.Boolean)
        return Parsed(
            found, text.is_not_null() & found.is_null(), "is neither yes nor no; list it under codes", changed
        )
    if kind == "sex":
        return _sexes(text, changed, where)
    return _texts(text, kind, changed)


def _none(values: pl.Series) -> pl.Series:
    return pl.Series([False], dtype=pl.Boolean).new_from_index(0, len(values))


def _texts(text: pl.Series, kind: Kind, changed: dict[str, int]) -> Parsed:
    readers: dict[str, tuple[str, Callable[[str], str]]] = {
        "code": (r"[^!-~]", n.read_code),
        "text": (r"[^ -~]|  ", n.read_text),
        "postal": (r"", n.read_postal),
        "prefecture": (r"", n.read_prefecture),
    }
    pattern, read = readers[kind]
    rest = text.str.contains(pattern).fill_null(False) if pattern else text.is_not_null()
    if rest.any():
        clean = on_distinct(text, rest, read, pl.String)
        frame = pl.DataFrame({"text": text, "clean": clean, "rest": rest})
        value = frame.select(pl.when("rest").then("clean").otherwise("text"))["clean"]
        value = value.set(value == "", None)
        count = int((value.ne_missing(text)).sum())
        if count:
            changed = {**changed, "form": count}
        text = value
    if kind == "code":
        text, count = _without_decimal_point(text)
        if count:
            changed = {**changed, "decimal_point": count}
    return Parsed(text, _none(text), "", changed)


def _without_decimal_point(codes: pl.Series) -> tuple[pl.Series, int]:
    """``17850.0`` → ``17850`` where every code of the column has it: a number column went through floats."""
    given = codes.drop_nulls()
    if given.is_empty() or not str(given[0]).endswith(".0") or not given.str.contains(r"^\d+\.0$").all():
        return codes, 0
    return codes.str.strip_suffix(".0"), len(given)


def _numbers(values: pl.Series) -> Parsed:
    changed: dict[str, int] = {}
    if values.dtype.is_numeric():
        number = values.cast(pl.Float64).fill_nan(None)
        given = number.is_not_null()
    else:
        text, blanks = without_blanks(to_text(values), words=True)
        given = text.is_not_null()
        number = text.cast(pl.Float64, strict=False)
        rest = given & number.is_null()
        if rest.any():
            slow = on_distinct(text, rest, n.read_number, pl.Float64)
            number = number.fill_null(slow)
            changed["form"] = int(slow.is_not_null().sum())
        if blanks:
            changed["blank_word"] = blanks
    # NaN and infinities compare false or beyond the limit: both end as unreadable.
    fine = (number.abs() < n.MONEY_LIMIT).fill_null(False)
    number = number.set(~fine, None)
    return Parsed(number, given & number.is_null(), "is not a number below 10^12", changed)


_FAST = {
    r"^\d{4}-\d\d?-\d\d?$": ("%Y-%m-%d", False),
    r"^\d{4}-\d\d?-\d\d? \d\d?:\d\d:\d\d(\.\d+)?$": ("%Y-%m-%d %H:%M:%S%.f", True),
    r"^\d{4}-\d\d?-\d\d?T\d\d?:\d\d:\d\d(\.\d+)?$": ("%Y-%m-%dT%H:%M:%S%.f", True),
    r"^\d{4}/\d\d?/\d\d?$": ("%Y/%m/%d", False),
    r"^\d{4}/\d\d?/\d\d? \d\d?:\d\d:\d\d$": ("%Y/%m/%d %H:%M:%S", True),
    r"^\d{4}/\d\d?/\d\d? \d\d?:\d\d$": ("%Y/%m/%d %H:%M", True),
    r"^\d{8}$": ("%Y%m%d", False),
}
_ISO_FORMS = 3


def _whens(values: pl.Series, order: n.DateOrder) -> Parsed:
    """Naive microsecond datetimes as they are written.

    A column with a zone, or text of which every time has an offset, comes back in UTC.
    """
    kind = values.dtype
    if kind == pl.Date:
        return _in_range(values.cast(pl.Datetime("us")), values.is_not_null(), _none(values), {})
    if isinstance(kind, pl.Datetime):
        when = values.cast(pl.Datetime("us", kind.time_zone))
        if kind.time_zone is not None:
            when = when.dt.convert_time_zone("UTC")
        return _in_range(when, values.is_not_null(), values.is_not_null(), {})
    text, blanks = without_blanks(to_text(values), words=True)
    changed = {"blank_word": blanks} if blanks else {}
    given = text.is_not_null()
    found = pl.Series([None], dtype=pl.Datetime("us")).new_from_index(0, len(text))
    has_time = _none(text)
    for position, (pattern, (form, timed)) in enumerate(_FAST.items()):
        left = given & found.is_null()
        if not left.any():
            break
        hit = left & text.str.contains(pattern).fill_null(False)
        if not hit.any():
            continue
        candidates = text.set(~hit, None)
        if timed:
            some = candidates.str.to_datetime(form, strict=False, time_unit="us")
            has_time = has_time | some.is_not_null()
        else:
            some = candidates.str.to_date(form, strict=False).cast(pl.Datetime("us"))
        found = found.fill_null(some)
        if position >= _ISO_FORMS and (count := int(some.is_not_null().sum())):
            changed["form"] = changed.get("form", 0) + count
    left = given & found.is_null()
    if left.any():
        found, has_time = _slow_whens(text, left, found, has_time, order, changed)
    return _in_range(found, given, has_time, changed)


def _slow_whens(
    text: pl.Series,
    left: pl.Series,
    found: pl.Series,
    has_time: pl.Series,
    order: n.DateOrder,
    changed: dict[str, int],
) -> tuple[pl.Series, pl.Series]:
    read = {t: n.read_when(t, order=order) for t in text.filter(left).unique().drop_nulls()}
    # The first and last years there are have no counterpart in UTC, and are out of range in any zone.
    read = {t: r if r and MINYEAR < r[0].year < MAXYEAR else None for t, r in read.items()}
    aware = [r for r in read.values() if r and r[0].tzinfo]
    if aware and len(aware) == sum(r is not None for r in read.values()) and found.null_count() == len(found):
        stamp: Any = pl.Datetime("us", "UTC")
        found = found.dt.replace_time_zone("UTC")
        value = on_distinct(text, left, lambda t: (r := read[t]) and r[0].astimezone(n.UTC), stamp)
    else:
        # An offset on some lines only: those lines are unreadable beside naive ones.
        naive = {t: r for t, r in read.items() if r and not r[0].tzinfo}
        value = on_distinct(text, left, lambda t: naive[t][0] if t in naive else None, pl.Datetime("us"))
    timed = on_distinct(text, left, lambda t: bool((r := read[t]) and r[1]), pl.Boolean).fill_null(False)
    if count := int(value.is_not_null().sum()):
        changed["form"] = changed.get("form", 0) + count
    return found.fill_null(value), has_time | timed


def _in_range(when: pl.Series, given: pl.Series, has_time: pl.Series, changed: dict[str, int]) -> Parsed:
    year = when.dt.year()
    fine = ((year >= FIRST_YEAR) & (year < LAST_YEAR)).fill_null(False)
    when = when.set(~fine, None)
    reason = f"is not a date between {FIRST_YEAR} and {LAST_YEAR - 1}"
    return Parsed(when, given & when.is_null(), reason, changed, has_time)


def _sexes(text: pl.Series, changed: dict[str, int], where: str) -> Parsed:
    clean = on_distinct(text, text.is_not_null(), lambda t: n.read_text(t).lower(), pl.String)
    written = set(clean.drop_nulls().unique().to_list())
    words = dict(SEX_WORDS) | {"9": ""}
    if "2" in written:  # ISO 5218 / JIS X 0303; without a 2 a column of 0 and 1 may mean either
        words |= {"1": "male", "2": "female", "0": ""}
    elif written & {"0", "1"}:
        codes = ", ".join(sorted(written & {"0", "1", "9"}))
        raise DataError(
            f"{where}: sex is coded as {codes}, which may mean either; "
            "say what they mean: codes: {sex: {'0': male, '1': female}}"
        )
    known = on_distinct(clean, clean.is_not_null(), lambda t: words.get(t), pl.String)
    unreadable = clean.is_not_null() & known.is_null()
    value = known.set(known == "", None)
    count = int((value.ne_missing(text) & ~unreadable).sum())
    if count:
        changed = {**changed, "form": count}
    return Parsed(value, unreadable, "is no known word for a sex; list it under codes", changed)
