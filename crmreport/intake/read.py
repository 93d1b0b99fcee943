"""The records of a file, by the reader of its format."""

from __future__ import annotations

from collections.abc import Iterator

from crmreport.config import Source
from crmreport.errors import DataError
from crmreport.intake.batch import Batch
from crmreport.intake.source_file import SourceFile, format_of


def read_batches(file: SourceFile, source: Source) -> Iterator[Batch]:
    """The records of one file, or of a query's last answer, in order.

    Raises:
        DataError: The file cannot be read as what it should be; see the readers.
    """
    if source.query is not None:
        from crmreport.intake.read_snapshot import read_snapshot

        yield from read_snapshot(file)
        return
    if file.path.stat().st_size == 0:
        raise DataError(
            f"{file.name}: the file is empty (0 bytes); ask for it again, or take it out of sources"
        )
    # Imported where they are needed: openpyxl and msoffcrypto cost a start-up that CSV clients need not pay.
    match format_of(file, source.format):
        case "excel":
            from crmreport.intake.read_excel import read_excel

            yield from read_excel(file, source)
        case "parquet":
            from crmreport.intake.read_parquet import read_parquet

            yield from read_parquet(file)
        case _:
            from crmreport.intake.read_csv import read_csv

            yield from read_csv(file, source)
