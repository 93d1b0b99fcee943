"""Lines that could not be read: kept with file, line, column, value and reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from crmreport.errors import DataError
from crmreport.intake.batch import BadLine

_SCHEMA = {
    "table": pl.String,
    "source": pl.Int64,
    "file": pl.String,
    "line": pl.Int64,
    "column": pl.String,
    "header": pl.String,
    "value": pl.String,
    "reason": pl.String,
}
_LONGEST = 1000
FILES = ("lines.csv", "lines.parquet")


@dataclass(slots=True)
class Failures:
    """The unreadable cells of one source; a line with several of them is one line."""

    frames: list[pl.DataFrame] = field(default_factory=list)

    def add(
        self,
        file: str,
        lines: pl.Series,
        column: str,
        header: str,
        values: pl.Series | None,
        chosen: pl.Series,
        reason: str,
    ) -> None:
        """Note the chosen lines with what stands in the column."""
        picked = lines.filter(chosen)
        shown = values.filter(chosen) if values is not None else [None] * len(picked)
        self.frames.append(
            pl.DataFrame(
                {
                    "line": picked,
                    "value": pl.Series(shown, dtype=pl.String).str.slice(0, _LONGEST),
                },
            ).with_columns(
                file=pl.lit(file), column=pl.lit(column), header=pl.lit(header), reason=pl.lit(reason)
            )
        )

    def add_lines(self, file: str, bad: Sequence[BadLine]) -> None:
        """Note lines that are no records at all."""
        if bad:
            self.frames.append(
                pl.DataFrame(
                    {
                        "line": pl.Series([b.line for b in bad], dtype=pl.Int64),
                        "value": pl.Series([None] * len(bad), dtype=pl.String),
                        "reason": [b.reason for b in bad],
                    }
                ).with_columns(file=pl.lit(file), column=pl.lit(""), header=pl.lit(""))
            )

    def table(self, table: str, source: int) -> pl.DataFrame:
        """All of them, in order of file and line."""
        if not self.frames:
            return pl.DataFrame(schema=_SCHEMA)
        every = pl.concat(
            [f.select("file", "line", "column", "header", "value", "reason") for f in self.frames]
        )
        return (
            every.with_columns(table=pl.lit(table), source=pl.lit(source, dtype=pl.Int64))
            .select(list(_SCHEMA))
            .sort("file", "line", "column")
        )


def count_lines(failures: pl.DataFrame) -> int:
    """Distinct lines set aside.

    Examples:
        >>> count_lines(pl.DataFrame({"file": ["a", "a", "b"], "line": [1, 1, 1]}))
        2
    """
    return failures.select(pl.struct("file", "line").n_unique()).item() if failures.height else 0


def write_quarantine(failures: pl.DataFrame, folder: Path) -> None:
    """Write the set-aside lines as CSV (for people; no cell is a formula) and Parquet (as they were)."""
    folder.mkdir(parents=True, exist_ok=True)
    failures.write_parquet(folder / "lines.parquet")
    text = [c for c, kind in _SCHEMA.items() if kind == pl.String]
    # An apostrophe keeps a spreadsheet from running what a client's cell begins with.
    harmless = [
        pl.when(pl.col(c).str.contains(r"^[=+\-@\t\r]"))
        .then(pl.lit("'") + pl.col(c))
        .otherwise(pl.col(c))
        .str.replace_all("\x00", "", literal=True)
        .alias(c)
        for c in text
    ]
    failures.with_columns(harmless).write_csv(folder / "lines.csv", include_bom=True)


def refuse_too_many(failures: pl.DataFrame, *, lines: int, limit: float, path: str, kept_in: str) -> None:
    """Stop where more than the client's share of a source's lines could not be read.

    Raises:
        DataError: With the first line, its column and reason, and where all of them lie; never a value.
    """
    count = count_lines(failures)
    if count == 0 or count <= limit * lines:
        return
    first = failures.row(0, named=True)
    what = f"{first['column']} {first['reason']}" if first["column"] else first["reason"]
    raise DataError(
        f"{first['file']}: {count:,} of {lines:,} lines of {path} could not be read "
        f"({count / lines:.1%}, the limit is {limit:.1%}); first: line {first['line']}, {what}; "
        f"all are in {kept_in}; repair them, or raise policies.quarantine_limit"
    )
