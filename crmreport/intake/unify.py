"""One line per key: master lines with the same key become one, and disagreements are listed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import polars as pl

from crmreport.intake.batch import LINE
from crmreport.intake.model import Conflicts
from crmreport.intake.shape import FILE
from crmreport.intake.tables import KEY, Table

SOURCE = "__source"


@dataclass(frozen=True, slots=True)
class Unified:
    """A table with unique keys.

    Args:
        frame: One line per key, in the order keys first appear.
        merged: Source position → lines that went into another line of the same key.
        conflicts: Per column, keys whose lines disagree.
        listed: Every disagreeing value with its file and line, and whether it was kept.
    """

    frame: pl.DataFrame
    merged: Counter[int]
    conflicts: list[Conflicts]
    listed: pl.DataFrame


def unify(lines: pl.DataFrame, table: Table, *, keep: Literal["first", "last"]) -> Unified:
    """Merge lines with the same key, column by column: the first or last value that is not blank.

    Args:
        lines: All sources' lines in the order of the client file, with source, file and line.
        table: ``customers`` or ``products``.
        keep: Whose value stands when two disagree.
    """
    key = KEY[table]
    columns = [c for c in lines.columns if c not in (key, SOURCE, FILE, LINE)]
    doubled = lines.filter(pl.col(key).is_duplicated())
    if doubled.is_empty():
        return Unified(lines.select(key, *columns), Counter(), [], _list([]))
    stands = pl.col(key).is_first_distinct() if keep == "first" else pl.col(key).is_last_distinct()
    merged = Counter(lines.filter(~stands)[SOURCE].to_list())

    def choose(column: str) -> pl.Expr:
        given = pl.col(column).drop_nulls()
        return (given.first() if keep == "first" else given.last()).alias(column)

    once = doubled.group_by(key, maintain_order=True).agg([choose(c) for c in columns])
    frame = lines.filter(pl.col(key).is_first_distinct()).select(key)
    single = lines.filter(~pl.col(key).is_duplicated()).select(key, *columns)
    frame = frame.join(
        pl.concat([single, once.select(key, *columns)]), on=key, how="left", maintain_order="left"
    )
    conflicts, listed = [], []
    for column in columns:
        disagree = (
            doubled.group_by(key).agg(pl.col(column).drop_nulls().n_unique()).filter(pl.col(column) > 1)
        )
        if disagree.is_empty():
            continue
        conflicts.append(Conflicts(table=table, column=column, keys=disagree.height, kept=keep))
        kept = once.select(key, kept_value=column)
        listed.append(
            doubled.join(disagree.select(key), on=key, how="semi")
            .filter(pl.col(column).is_not_null())
            .join(kept, on=key, how="left")
            .select(
                table=pl.lit(table),
                key=pl.col(key),
                column=pl.lit(column),
                value=pl.col(column).cast(pl.String),
                kept=pl.col(column) == pl.col("kept_value"),
                file=pl.col(FILE),
                line=pl.col(LINE),
            )
        )
    return Unified(frame, merged, conflicts, _list(listed))


def _list(frames: list[pl.DataFrame]) -> pl.DataFrame:
    schema = {
        "table": pl.String,
        "key": pl.String,
        "column": pl.String,
        "value": pl.String,
        "kept": pl.Boolean,
        "file": pl.String,
        "line": pl.Int64,
    }
    return pl.concat(frames).sort("column", "key", "file", "line") if frames else pl.DataFrame(schema=schema)
