"""CSV and TSV: every record with the line it begins on, whatever is inside the quotes."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import polars as pl

from crmreport.config import Source
from crmreport.errors import DataError
from crmreport.intake.batch import LINE, BadLine, Batch
from crmreport.intake.encoding import detect_encoding
from crmreport.intake.header_row import check_headers, same_header
from crmreport.intake.source_file import SourceFile

BATCH_LINES = 250_000
_DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "pipe"}
_SPELT = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


def read_csv(file: SourceFile, source: Source) -> Iterator[Batch]:
    """Records of a delimited text file, as text.

    Raises:
        DataError: Unknown encoding or delimiter, doubled headers, no header, an open quote at the end.
    """
    encoding = detect_encoding(file.path, file.name, declared=source.encoding)
    with any_field_size(), file.path.open(encoding=encoding, newline="") as text:
        try:
            yield from _records(text, file, source, encoding)
        except UnicodeDecodeError as error:
            raise DataError(
                f"{file.name}: not {encoding}: byte 0x{error.object[error.start]:02x} does not belong there; "
                "set the source's encoding to auto, or to what the file is"
            ) from None


@contextmanager
def any_field_size() -> Iterator[None]:
    """Fields of any length while inside."""
    # The module's own limit of 128 kB is process-wide: raised for our reading only.
    before = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _records(text: Any, file: SourceFile, source: Source, encoding: str) -> Iterator[Batch]:
    before_header = source.header_row - 1
    for _ in range(before_header):
        text.readline()
    first = text.readline()
    # A mark may stand twice (a UTF-8 file with a mark, exported once more "with BOM").
    first = first.lstrip("\ufeff")
    if not first.strip():
        raise DataError(
            f"{file.name}: line {source.header_row} should be the header and is empty; set header_row"
        )
    delimiter = pick_delimiter(first, source, file.name)
    rows = csv.reader(chain([first], text), delimiter=delimiter, strict=True)
    try:
        headers = check_headers(next(rows), file.name)
    except csv.Error:
        raise DataError(
            f"{file.name}: the header has broken quotes; repair line {source.header_row}"
        ) from None
    found = {"encoding": encoding, "delimiter": _DELIMITERS.get(delimiter, delimiter)}
    width = len(headers)
    begins = before_header + rows.line_num + 1
    records: list[list[str]] = []
    lines: list[int] = []
    bad: list[BadLine] = []
    blank = 0
    any_record = False
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            if "unexpected end" in str(error):
                raise DataError(
                    f"{file.name}: the quote opened in the record at line {begins} is never closed; "
                    "repair that line"
                ) from None
            bad.append(BadLine(begins, "quotes are broken"))
            begins = before_header + rows.line_num + 1
            continue
        if row is None:
            break
        if len(row) == width:
            if any(row):
                records.append(row)
                lines.append(begins)
            else:
                blank += 1
        elif not any(row):
            blank += 1
        elif len(row) > width and not any(row[width:]):
            records.append(row[:width])
            lines.append(begins)
        else:
            bad.append(BadLine(begins, f"has {len(row)} fields, the header has {width}"))
        begins = before_header + rows.line_num + 1
        if len(records) >= BATCH_LINES:
            any_record = True
            # One record stays behind, so that the last batch always has the file's last line.
            yield Batch(_frame(headers, records[:-1], lines[:-1]), tuple(bad), False, found, blank)
            records, lines, bad, blank = records[-1:], lines[-1:], [], 0
    if not records and not bad and not any_record:
        raise DataError(f"{file.name}: there is a header and no line under it; ask for the file again")
    yield Batch(_frame(headers, records, lines), tuple(bad), True, found, blank)


def _frame(headers: list[str], records: list[list[str]], lines: list[int]) -> pl.DataFrame:
    columns = zip(*records, strict=True) if records else ([] for _ in headers)
    frame = pl.DataFrame(
        {h: pl.Series(h, values, dtype=pl.String) for h, values in zip(headers, columns, strict=True)}
    )
    return frame.with_columns(pl.Series(LINE, lines, dtype=pl.Int64))


def pick_delimiter(header: str, source: Source, name: str) -> str:
    """The declared delimiter, else the one under which most mapped headers (then most fields) appear.

    Raises:
        DataError: The declared delimiter leaves the header in one piece while another one splits it.
    """
    fields = {d: len(next(csv.reader([header], delimiter=d), [])) for d in _DELIMITERS}
    widest = max(fields, key=lambda d: fields[d])
    if source.delimiter != "auto":
        delimiter = _SPELT.get(source.delimiter, source.delimiter)
        if len(delimiter) != 1:
            raise DataError(
                f"{name}: delimiter {source.delimiter!r} is not one character; use ',', tab or auto"
            )
        if header.count(delimiter) == 0 and fields[widest] > 1:
            raise DataError(
                f"{name}: delimiter {source.delimiter!r} does not occur in the header, "
                f"{_DELIMITERS[widest]} does ({fields[widest]} fields); set delimiter to auto"
            )
        return delimiter
    wanted = {same_header(h) for h in source.columns.values()}

    def mapped(delimiter: str) -> int:
        return sum(same_header(h) in wanted for h in next(csv.reader([header], delimiter=delimiter), []))

    return max(_DELIMITERS, key=lambda d: (mapped(d), fields[d]))
