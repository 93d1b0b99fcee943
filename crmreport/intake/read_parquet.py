"""Parquet: types are kept; only what a column lacks is read from its text."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from crmreport.errors import DataError
from crmreport.intake.batch import LINE, Batch
from crmreport.intake.source_file import SourceFile


def read_parquet(file: SourceFile) -> Iterator[Batch]:
    """All rows of one file.

    Raises:
        DataError: Cut off, damaged, or no Parquet.
    """
    size = file.path.stat().st_size
    with file.path.open("rb") as f:
        starts = f.read(4)
        f.seek(max(0, size - 4))
        ends = f.read(4)
    if starts != b"PAR1":
        raise DataError(f"{file.name}: not a Parquet file (it begins with {starts!r}); check format")
    if ends != b"PAR1":
        raise DataError(
            f"{file.name}: the Parquet file is cut off ({size:,} bytes, no footer); copy it again"
        )
    try:
        frame = pl.read_parquet(file.path, glob=False)
    except (pl.exceptions.PolarsError, OSError, pl.exceptions.PanicException):
        raise DataError(f"{file.name}: the Parquet file is damaged ({size:,} bytes); copy it again") from None
    if frame.is_empty():
        raise DataError(f"{file.name}: the Parquet file has no rows; ask for it again")
    yield Batch(frame.with_row_index(LINE, offset=1).with_columns(pl.col(LINE).cast(pl.Int64)))
