"""Tables of two reports joined on their keys: which values differ, and how far a table moved."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from crmreport.produce.diff.side import RowKey, Said, Side, TableData
from crmreport.produce.planning.causes import Cause

Fate = Literal["new", "gone", "changed"]
CausesOf = Callable[[str], tuple[Cause, ...]]
"""Chapter → what may have changed its numbers."""
# The same sum in another order differs in the last digits; nobody is shown those.
_RELATIVE, _ABSOLUTE = 1e-9, 1e-12


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table that says something else.

    Args:
        before, after: As they stand in the CSVs; None where the row or the column is not there.
        weight: Share of its column's sum (of itself, where rows are measures) that it moved by, 0–1; 0
            for a text.
    """

    row: RowKey
    column: str
    before: str | None
    after: str | None
    weight: float

    @property
    def ratio(self) -> float | None:
        """Relative change of a number, ``after / before - 1``."""
        old, new = number(self.before), number(self.after)
        return None if old is None or new is None or old == 0 else new / old - 1


@dataclass(frozen=True, slots=True)
class TableChange:
    """A table that differs.

    Args:
        cells: Changed cells of rows that are in both: amounts, then shares, words, changes and what is
            not printed, the weightiest first.
        rows_new, rows_gone: Keys of rows in one report only.
        columns_new, columns_gone: Columns in one report only.
        weight: The largest share of an amount's sum that moved, 0–1.
        causes: What may have changed it; empty when nothing recorded did.
    """

    id: str
    chapter: str
    title: Said
    fate: Fate
    cells: tuple[Cell, ...]
    rows_new: tuple[RowKey, ...]
    rows_gone: tuple[RowKey, ...]
    columns_new: tuple[str, ...]
    columns_gone: tuple[str, ...]
    weight: float
    causes: tuple[Cause, ...]


def changed_tables(old: Side, new: Side, causes_of: CausesOf) -> Iterator[TableChange]:
    """The tables that are not in both reports, or differ."""
    for name in (*new.tables, *(t for t in old.tables if t not in new.tables)):
        before, after = old.tables.get(name), new.tables.get(name)
        if before is None or after is None:
            only = before or after
            assert only is not None
            fate: Fate = "gone" if after is None else "new"
            causes = causes_of(only.chapter)
            yield TableChange(name, only.chapter, only.title, fate, (), (), (), (), (), 1.0, causes)
        elif change := _table(before, after, causes_of(after.chapter)):
            yield change


def _table(before: TableData, after: TableData, causes: tuple[Cause, ...]) -> TableChange | None:
    columns = [c for c in after.columns if c in before.columns and c not in after.key]
    # Rows joined by other columns would be other rows.
    same_key = before.key == after.key
    both = [key for key in after.rows if key in before.rows] if same_key else []
    rows_new = tuple(key for key in after.rows if not same_key or key not in before.rows)
    rows_gone = tuple(key for key in before.rows if not same_key or key not in after.rows)
    cells: list[tuple[int, Cell]] = []
    moves: dict[bool, float] = {}
    for column in columns:
        sizes = [abs(number(row[column]) or 0.0) for t in (before, after) for row in t.rows.values()]
        whole = max(math.fsum(sizes) / 2, _ABSOLUTE)
        mixed = after.spec(column).startswith("row:")
        moved = 0.0
        for key in both:
            was, now = before.rows[key][column], after.rows[key][column]
            if equal(was, now):
                continue
            old, new = number(was) or 0.0, number(now) or 0.0
            # A column of several measures has no sum.
            size = max(abs(old), abs(new), _ABSOLUTE) if mixed else whole
            rank = _rank(after.spec(column, key))
            cells.append((rank, Cell(key, column, was, now, min(1.0, abs(new - old) / size))))
            moved = max(moved, abs(new - old) / size) if mixed else moved + abs(new - old) / size
        if not mixed:
            moved += math.fsum(abs(number(after.rows[key][column]) or 0.0) for key in rows_new) / whole
            moved += math.fsum(abs(number(before.rows[key][column]) or 0.0) for key in rows_gone) / whole
        amount = mixed or _rank(after.spec(column)) == 0
        moves[amount] = max(moves.get(amount, 0.0), min(1.0, moved))
    weight = moves.get(True, moves.get(False, 0.0))
    if not both and (rows_new or rows_gone):
        weight = 1.0
    columns_new = tuple(c for c in after.columns if c not in before.columns)
    columns_gone = tuple(c for c in before.columns if c not in after.columns)
    if not (cells or rows_new or rows_gone or columns_new or columns_gone):
        return None
    cells.sort(key=lambda ranked: (ranked[0], -ranked[1].weight))
    return TableChange(
        after.id,
        after.chapter,
        after.title,
        "changed",
        tuple(cell for _, cell in cells),
        rows_new,
        rows_gone,
        columns_new,
        columns_gone,
        weight,
        causes,
    )


def _rank(spec: str) -> int:
    """Amounts first, then shares, then words, then what is itself a change, then what no page shows."""
    kind = spec.partition(":")[0]
    if kind in ("count", "money", "num0", "num1", "num2", "days"):
        return 0
    if kind in ("pct", "prob"):
        return 1
    if kind == "":
        return 4
    return 3 if kind in ("spct", "scount", "smoney", "snum2", "pt", "row") else 2


def number(text: str | None) -> float | None:
    """The finite number a cell holds, None when it holds none."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def equal(before: Any, after: Any) -> bool:
    """Whether two cells or facts say the same.

    Examples:
        >>> equal("0.1", "0.10000000000000002"), equal("1", "1.0"), equal("a", "b"), equal(None, 0)
        (True, True, False, False)
    """
    if before == after:
        return True
    if before is None or after is None:
        return False
    old, new = number(str(before)), number(str(after))
    if old is None or new is None:
        return str(before) == str(after)
    return math.isclose(old, new, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)
