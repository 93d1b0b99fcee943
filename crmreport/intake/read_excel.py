"""Excel workbooks: cells as the text a person would have typed, dates in ISO form."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
from openpyxl.utils.exceptions import InvalidFileException

from crmreport.config import Source
from crmreport.errors import DataError
from crmreport.intake.batch import LINE, Batch
from crmreport.intake.header_row import check_headers
from crmreport.intake.source_file import SourceFile

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ERRORS = frozenset(["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"])


def read_excel(file: SourceFile, source: Source) -> Iterator[Batch]:
    """Rows of one sheet.

    Raises:
        DataError: Password-protected, old .xls, damaged, no such sheet, doubled headers, no rows.
    """
    with open_book(file, source.password) as book:
        sheet = _sheet(book, source.sheet, file.name)
        # Written by other programs, the stated size of a sheet is often wrong.
        sheet.reset_dimensions()
        yield _rows(sheet, file, source)


@contextmanager
def open_book(file: SourceFile, password: str | None) -> Iterator[Any]:
    """A workbook open for reading; what breaks inside is the workbook's damage.

    Raises:
        DataError: Password-protected, old .xls, or damaged.
    """
    content = _unlocked(file, password)
    try:
        book = openpyxl.load_workbook(content, read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError, EOFError):
        raise DataError(
            f"{file.name}: not a readable Excel workbook; open it in Excel and save it again"
        ) from None
    try:
        yield book
    except (zipfile.BadZipFile, zlib.error, SyntaxError, KeyError, EOFError):
        raise DataError(f"{file.name}: the workbook is damaged; open it in Excel and save it again") from None
    finally:
        book.close()


def _unlocked(file: SourceFile, password: str | None) -> Path | io.BytesIO:
    with file.path.open("rb") as f:
        if f.read(8) != _OLE:
            return file.path
    import msoffcrypto
    from msoffcrypto.exceptions import DecryptionError, FileFormatError, InvalidKeyError

    with file.path.open("rb") as f:
        try:
            book = msoffcrypto.OfficeFile(f)
            locked = book.is_encrypted()
        except (FileFormatError, OSError, ValueError, TypeError):
            raise DataError(
                f"{file.name}: neither an .xlsx nor a workbook with a password; save it as .xlsx"
            ) from None
        if not locked:
            raise DataError(f"{file.name}: the workbook is in the old .xls form; save it as .xlsx")
        if password is None:
            raise DataError(
                f"{file.name}: the workbook is protected by a password; "
                "save it without one, or give the source a password: ${ENV_NAME}"
            )
        content = io.BytesIO()
        try:
            book.load_key(password=password)
            book.decrypt(content)
        except (DecryptionError, InvalidKeyError):
            raise DataError(
                f"{file.name}: the source's password does not open the workbook; check it"
            ) from None
        return content


def _sheet(book: Any, wanted: str | int, name: str) -> Any:
    titles = [s.title for s in book.worksheets]
    if isinstance(wanted, int):
        if wanted < len(titles):
            return book.worksheets[wanted]
    elif wanted in titles:
        return book.worksheets[titles.index(wanted)]
    raise DataError(f"{name}: no sheet {wanted!r}; it has {', '.join(map(repr, titles))}")


def _rows(sheet: Any, file: SourceFile, source: Source) -> Batch:
    rows = sheet.iter_rows(min_row=source.header_row, values_only=True)
    top = [cell_text(v) or "" for v in next(rows, ())]
    while top and not top[-1].strip():
        top.pop()
    if not top:
        raise DataError(
            f"{file.name}: row {source.header_row} should be the header and is empty; set header_row"
        )
    headers = check_headers(top, file.name)
    records: list[list[str | None]] = []
    numbers: list[int] = []
    blank = pending = 0
    for number, row in enumerate(rows, start=source.header_row + 1):
        cells = [cell_text(v) for v in row[: len(headers)]]
        if not any(cells):
            pending += 1
            continue
        blank, pending = blank + pending, 0
        cells.extend([None] * (len(headers) - len(cells)))
        records.append(cells)
        numbers.append(number)
    if not records:
        raise DataError(f"{file.name}: sheet {sheet.title!r} has a header and no row under it; check sheet")
    frame = pl.DataFrame(
        {
            h: pl.Series(h, v, dtype=pl.String)
            for h, v in zip(headers, zip(*records, strict=True), strict=True)
        }
    ).with_columns(pl.Series(LINE, numbers, dtype=pl.Int64))
    return Batch(frame, found={"sheet": sheet.title}, blank=blank)


def cell_text(value: Any) -> str | None:
    """A cell as text: whole numbers without ``.0``, dates in ISO form, error values as nothing.

    Examples:
        >>> cell_text(12.0), cell_text(datetime(2026, 10, 31)), cell_text("#N/A")
        ('12', '2026-10-31', None)
    """
    if value is None or value in _ERRORS:
        return None
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, datetime):
        whole_day = value.time() == time()
        return value.date().isoformat() if whole_day else value.isoformat(sep=" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value)
