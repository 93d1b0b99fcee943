"""What a reader hands on, whatever the format: records with their lines, and lines that are none."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

LINE = "__line"
"""Column of the line a record begins on (rows in Excel and Parquet), counted from 1."""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no record: too few or too many fields, or broken quotes."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Some records of one file, as text or typed, under the file's own headers, plus :data:`LINE`.

    Args:
        frame: The records.
        bad: Lines of this stretch that are no records.
        last: True where the file ends with this batch.
        found: What the reader made out: encoding, delimiter, sheet.
        blank: Lines with nothing in them so far; they are no lines.
    """

    frame: pl.DataFrame
    bad: tuple[BadLine, ...] = ()
    last: bool = True
    found: dict[str, str] = field(default_factory=dict)
    blank: int = 0
