"""Clients × periods: which report stands in which column, and which month has none."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from crmreport.produce.shelf.standing import Standing

Kind = Literal["month", "quarter", "year", "range"]
_KINDS: dict[Kind, str] = {
    "month": r"\d{4}-(0[1-9]|1[0-2])",
    "quarter": r"\d{4}-Q[1-4]",
    "year": r"FY\d{4}",
    "range": r".*",
}
# A client nobody reports on any more is not missing for ever.
_MONTHS_AWAITED = 3


@dataclass(frozen=True, slots=True)
class Row:
    """One report of one client over time; a cell is None where no report is awaited."""

    client: str
    report: str
    cells: list[Standing | None]


@dataclass(frozen=True, slots=True)
class Grid:
    """All periods of one kind, newest first."""

    kind: Kind
    columns: list[str]
    rows: list[Row]


def grids_of(standings: Iterable[Standing]) -> list[Grid]:
    """Lay the reports out, one grid per kind of period that occurs.

    A month without a report is ``missing`` when it lies between two reports of its row, or up to
    three months after the last one while another row already has that month.
    """
    found: dict[Kind, dict[tuple[str, str], dict[str, Standing]]] = defaultdict(lambda: defaultdict(dict))
    for stands in standings:
        found[kind_of(stands.period)][stands.client, stands.report][stands.period] = stands
    return [_grid(kind, found[kind]) for kind in _KINDS if kind in found]


def kind_of(period: str) -> Kind:
    """What kind of period a name is.

    Examples:
        >>> [kind_of(p) for p in ("2026-10", "2026-Q3", "FY2026", "2026-04-01..2026-09-30")]
        ['month', 'quarter', 'year', 'range']
    """
    return next(kind for kind, form in _KINDS.items() if re.fullmatch(form, period, re.DOTALL))


def _grid(kind: Kind, found: Mapping[tuple[str, str], Mapping[str, Standing]]) -> Grid:
    awaited = {row: set(stands) for row, stands in found.items()}
    if kind == "month":
        newest = max(max(periods) for periods in awaited.values())
        awaited = {row: periods | _months(periods, newest) for row, periods in awaited.items()}
    columns = sorted(set().union(*awaited.values()), reverse=True)
    rows = [
        Row(client, report, _cells(client, report, columns, found[client, report], awaited[client, report]))
        for client, report in sorted(found)
    ]
    return Grid(kind, columns, rows)


def _cells(
    client: str, report: str, columns: Sequence[str], stands: Mapping[str, Standing], awaited: set[str]
) -> list[Standing | None]:
    return [
        stands.get(period) or (Standing(client, report, period, "missing") if period in awaited else None)
        for period in columns
    ]


def _months(periods: set[str], newest: str) -> set[str]:
    """The months from the first of a row to its last, and those awaited after it."""
    first, last = _count(min(periods)), _count(max(periods))
    end = min(_count(newest), last + _MONTHS_AWAITED)
    return {f"{month // 12:04d}-{month % 12 + 1:02d}" for month in range(first, end + 1)}


def _count(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:]) - 1
