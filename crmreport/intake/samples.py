"""The first lines of a file, whatever its format: what guesses are made from."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import polars as pl

from crmreport.config import Source
from crmreport.errors import DataError
from crmreport.intake.columns import to_text
from crmreport.intake.encoding import detect_encoding
from crmreport.intake.read_csv import any_field_size, pick_delimiter
from crmreport.intake.source_file import SourceFile, format_of

HEADER_WITHIN = 20
"""Lines in which a header is looked for; exports have titles and dates above it."""

_LINES = 500
_TAIL_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class Sample:
    """Some lines of a file (of one sheet of a workbook), the header somewhere among them.

    Args:
        rows: The first lines, cut into fields.
        last: The last line; empty for Parquet, which has no totals row.
        encoding: Codec of a text file.
        delimiter: Of a text file.
        sheet: Of a workbook.
        typed_dates: Columns that hold dates by type.
    """

    rows: list[list[str]]
    last: list[str]
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    typed_dates: frozenset[str] = frozenset()


def read_samples(file: SourceFile) -> list[Sample]:
    """One sample, or one per sheet.

    Raises:
        DataError: The file cannot be read at all.
    """
    if file.path.stat().st_size == 0:
        raise DataError(f"{file.name}: the file is empty (0 bytes)")
    match format_of(file):
        case "excel":
            return _of_workbook(file)
        case "parquet":
            return [_of_parquet(file)]
        case _:
            return [_of_csv(file)]


def _of_csv(file: SourceFile) -> Sample:
    encoding = detect_encoding(file.path, file.name)
    with file.path.open(encoding=encoding, newline="") as text:
        lines = list(islice(text, _LINES))
    lines[0] = lines[0].lstrip("\ufeff")
    fullest = max(lines[:HEADER_WITHIN], key=lambda line: sum(line.count(d) for d in ",\t;|"))
    delimiter = pick_delimiter(fullest, Source(path=file.name, columns={}), file.name)
    try:
        with any_field_size():
            rows = list(csv.reader(io.StringIO("".join(lines), newline=""), delimiter=delimiter))
            last = next(csv.reader([_last_line(file.path, encoding)], delimiter=delimiter), [])
    except csv.Error:
        raise DataError(f"{file.name}: its lines cannot be cut into fields; check quotes") from None
    return Sample(rows, last, encoding=encoding, delimiter=delimiter)


def _last_line(path: Path, encoding: str) -> str:
    with path.open("rb") as f:
        # An even place, so that UTF-16 is not cut in the middle of a character.
        f.seek(max(0, path.stat().st_size - _TAIL_BYTES) & ~1)
        lines = f.read().decode(encoding, errors="replace").splitlines()
    return next((line for line in reversed(lines) if line.strip()), "")


def _of_workbook(file: SourceFile) -> list[Sample]:
    # openpyxl costs a start-up that clients without workbooks need not pay.
    from crmreport.intake.read_excel import cell_text, open_book

    samples = []
    with open_book(file, None) as book:
        for sheet in book.worksheets:
            sheet.reset_dimensions()
            rows = [[cell_text(v) or "" for v in row] for row in sheet.iter_rows(values_only=True)]
            filled = [at for at, row in enumerate(rows) if any(row)]
            if filled:
                samples.append(
                    Sample(rows[: min(_LINES, filled[-1] + 1)], rows[filled[-1]], sheet=sheet.title)
                )
    if not samples:
        raise DataError(f"{file.name}: the workbook has no filled sheet")
    return samples


def _of_parquet(file: SourceFile) -> Sample:
    try:
        frame = pl.read_parquet(file.path, n_rows=_LINES, glob=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
        raise DataError(f"{file.name}: not a complete Parquet file; copy it again") from None
    texts = [to_text(s).fill_null("").to_list() for s in frame.get_columns()]
    dates = frozenset(c for c, kind in frame.schema.items() if kind.is_temporal())
    return Sample([frame.columns, *map(list, zip(*texts, strict=True))], [], typed_dates=dates)
