"""Every number of a finding is read back from the table cell it names."""

from __future__ import annotations

import csv
import io
import math
from typing import Any

from crmreport.errors import RunError
from crmreport.produce.binding.outputs import Item

_EMPTY = ("", "nan", "None", "<NA>")


def trace(findings: list[Item], tables: list[Item]) -> int:
    """Compare every fact with its cell in the delivered tables.

    Args:
        findings: Items of kind finding.
        tables: Items of kind table, with their CSV.

    Returns:
        How many facts were read back.

    Raises:
        RunError: A fact names a cell that is not there, or says another value.
    """
    rows = {item.id: _rows(item) for item in tables}
    count = 0
    for item in findings:
        assert item.finding is not None
        for name, fact in item.finding.facts.items():
            cell = fact.get("cell")
            if cell is None:
                continue
            where = f"finding {item.finding.id}: {name}"
            if cell["table"] not in rows:
                raise RunError(f"{where}: table {cell['table']!r} is not shown; show it in the chapter")
            key = tuple(_text(part) for part in cell["row"])
            row = rows[cell["table"]].get(key)
            if row is None or cell["column"] not in row:
                raise RunError(
                    f"{where}: table {cell['table']} has no cell {'/'.join(key)}, {cell['column']}; "
                    "name the cell the number stands in"
                )
            if not _equal(fact["value"], row[cell["column"]]):
                raise RunError(
                    f"{where}: says {fact['value']!r}, the table {cell['table']} says "
                    f"{row[cell['column']]!r}; take both from one result"
                )
            count += 1
    return count


def _rows(item: Item) -> dict[tuple[str, ...], dict[str, str]]:
    read = csv.DictReader(io.StringIO(item.csv or ""))
    return {tuple(_text(row[column]) for column in item.key): row for row in read}


def _text(value: Any) -> str:
    """A key as text: 3 and 3.0 and "3" are one row, and a day is a day at midnight too."""
    text = str(value)
    if text.endswith(" 00:00:00"):
        return text.removesuffix(" 00:00:00")
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() else repr(number)


def _equal(fact: Any, cell: str) -> bool:
    if fact is None or (isinstance(fact, float) and math.isnan(fact)):
        return cell in _EMPTY
    if isinstance(fact, bool) or not isinstance(fact, (int, float)):
        return _text(fact) == _text(cell)
    try:
        return math.isclose(float(fact), float(cell), rel_tol=1e-9, abs_tol=1e-12)
    except ValueError:
        return False
