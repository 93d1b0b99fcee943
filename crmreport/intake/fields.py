"""Values as a database's driver gives them, as text a snapshot keeps, and what kind of value they were."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import polars as pl

from crmreport.errors import DataError

FieldKind = Literal["text", "int", "decimal", "float", "flag", "day", "clock", "instant", "time"]
"""``clock`` is a time without a zone, ``instant`` one with; a column of several kinds is text."""

_WHOLE_FLOATS = 2**53
_LARGEST_INT = 2**63 - 1


def _float(value: float) -> str | None:
    if math.isnan(value):
        return None
    # As columns.to_text has it: a key that went through floats.
    return str(int(value)) if abs(value) < _WHOLE_FLOATS and value == int(value) else repr(value)


def _decimal(value: Decimal) -> str | None:
    return None if value.is_nan() else format(value, "f")


def _when(value: datetime) -> str:
    return (value if value.tzinfo is None or _beyond(value) else value.astimezone(UTC)).isoformat(" ")


def _beyond(value: datetime) -> bool:
    """Whether a time with a zone has no year in UTC: 0001-01-01 in Tokyo."""
    if MINYEAR < value.year < MAXYEAR:
        return False
    try:
        value.astimezone(UTC)
    except OverflowError:
        return True
    return False


def _kind_of_time(value: datetime) -> FieldKind:
    if value.tzinfo is None:
        return "clock"
    return "text" if _beyond(value) else "instant"


_WRITTEN: dict[type, Callable[[Any], str | None]] = {
    str: str,
    int: str,
    Decimal: _decimal,
    float: _float,
    bool: lambda value: "1" if value else "0",
    datetime: _when,
    date: date.isoformat,
    time: time.isoformat,
    UUID: str,
}
_KINDS: dict[type, FieldKind] = {
    str: "text",
    int: "int",
    Decimal: "decimal",
    float: "float",
    bool: "flag",
    date: "day",
    time: "time",
    UUID: "text",
}


def written(values: Sequence[Any], column: str, where: str) -> tuple[list[str | None], set[FieldKind]]:
    """Some values of one column as text, None where there is none, and the kinds among them.

    Decimals keep every digit, times with a zone are put into UTC, floats without a fraction lose the ``.0``.

    Args:
        values: As the driver gives them.
        column: Its name, for errors.
        where: The source, for errors.

    Raises:
        DataError: A value is of a type that is no field, such as bytes.

    Examples:
        >>> written([Decimal("0.10"), None], "amount", "shop")
        (['0.10', None], {'decimal'})
        >>> written(["007", 7, 7.5], "id", "shop")[0]
        ['007', '7', '7.5']
    """
    types = set(map(type, values)) - {type(None)}
    if unknown := [kind for kind in types if kind not in _WRITTEN]:
        raise DataError(
            f"{where}: column {column!r} holds {_told(unknown[0])}, which is no text, number or time; "
            "name the columns needed in the query, and cast this one to text if it is"
        )
    kinds: set[FieldKind] = {_KINDS[kind] for kind in types - {datetime}}
    if datetime in types:
        kinds |= {_kind_of_time(v) for v in values if type(v) is datetime}
    if int in types and any(type(v) is int and abs(v) > _LARGEST_INT for v in values):
        kinds = {"text"}
    if types == {str}:
        return list(values), kinds
    if len(types) == 1:
        write = _WRITTEN[types.pop()]
        return [None if v is None else write(v) for v in values], kinds
    return [None if v is None else _WRITTEN[type(v)](v) for v in values], kinds


def _told(kind: type) -> str:
    return "bytes" if issubclass(kind, bytes | bytearray | memoryview) else f"values of type {kind.__name__}"


def typed(text: pl.Series, kind: FieldKind) -> pl.Series:
    """A column of a snapshot with the type it had, where intake makes something of it; else text.

    Examples:
        >>> typed(pl.Series(["2026-10-31 15:00:00+00:00", None]), "instant").to_list()
        [datetime.datetime(2026, 10, 31, 15, 0, tzinfo=zoneinfo.ZoneInfo(key='UTC')), None]
    """
    match kind:
        case "int":
            return text.cast(pl.Int64)
        case "float":
            return text.cast(pl.Float64)
        case "flag":
            return text == "1"
        case "day":
            return text.str.to_date("%Y-%m-%d")
        case "instant":
            naive = text.str.strip_suffix("+00:00").str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us")
            return naive.dt.replace_time_zone("UTC")
        case _:
            return text
