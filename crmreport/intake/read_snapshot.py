"""The rows of a query's last answer: only what a column's type lacks is read from its text."""

from __future__ import annotations

import json
from collections.abc import Iterator

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from crmreport.errors import DataError
from crmreport.intake.batch import LINE, Batch
from crmreport.intake.fields import FieldKind, typed
from crmreport.intake.source_file import SourceFile

ROWS = 250_000
"""Rows that stand in memory at once, and rows of one group of the file."""
KINDS = b"crmreport.kinds"
"""Under this name the file says what kind of values each column had."""


def read_snapshot(file: SourceFile) -> Iterator[Batch]:
    """All rows of one answer; a row's line is its number in it.

    Raises:
        DataError: The file is damaged or gone.
    """
    try:
        with pq.ParquetFile(file.path) as rows:
            kinds: dict[str, FieldKind] = json.loads(rows.schema_arrow.metadata[KINDS])
            total, begins = rows.metadata.num_rows, 1
            for batch in rows.iter_batches(batch_size=ROWS):
                frame = pl.from_arrow(pa.Table.from_batches([batch]))
                assert isinstance(frame, pl.DataFrame)
                frame = frame.with_columns([typed(frame[c], kind) for c, kind in kinds.items()])
                lines = pl.int_range(begins, begins + frame.height, eager=True, dtype=pl.Int64)
                begins += frame.height
                yield Batch(frame.with_columns(lines.alias(LINE)), last=begins > total)
    except (pa.ArrowException, OSError):
        raise DataError(f"{file.name}: its last answer is damaged; crmreport check asks again") from None
