"""Rows of theirs in a table of any format: counted, and the same file without them."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html import unescape
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from crmreport.errors import CrmReportError
from crmreport.forget.whom import Whom
from crmreport.intake.columns import naming
from crmreport.present.words import LANGUAGES, labels

_ID = "customer_id"
_HEAD_ROWS = 10
"""A workbook's header stands below its title."""
_STRING = re.compile(rb"<t(?: [^>]*)?>([^<]*)</t>")
_TEXT_OR_NUMBER = re.compile(rb"<[tv](?: [^>]*)?>([^<]*)</[tv]>")
_FORMULA_MARK = "'"
_NO_COLUMN = "no column of customer ids is found in it"


TABLES = (".csv", ".xlsx", ".parquet")
"""Endings of files whose rows can be told."""


class UnreadableError(CrmReportError):
    """A file is not what its ending says, or not as it was written: nobody can tell whose rows are in it."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What is theirs in a table.

    Args:
        count: Rows.
        customers: Whose.
        without: The file's bytes without them; None when nothing was theirs, or nobody asked for it.
        left: Rows of others; known for CSV.
    """

    count: int = 0
    customers: frozenset[str] = frozenset()
    without: bytes | None = None
    left: int = 0


def rows_in(name: str, data: bytes, whom: Whom, *, take_out: bool = False) -> Rows:
    """Rows of theirs in a file by its ending; none where that is no table's, or in Parquet of something else.

    Args:
        name: The file's name.
        data: Its bytes.
        take_out: Make the file without them, too; Parquet is not edited.

    Raises:
        UnreadableError: It is not what its ending says, or has no column of customer ids.
    """
    match Path(name).suffix.lower():
        case ".csv":
            return _csv(data, whom)
        case ".xlsx":
            return _workbook(data, whom, take_out=take_out)
        case ".parquet":
            return _parquet(data, whom)
        case _:
            return Rows()


def _csv(data: bytes, whom: Whom) -> Rows:
    # Lines that stay keep their bytes, whatever encoding somebody gave them.
    text = data.decode("utf-8", "surrogateescape")
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    lines = io.StringIO(text.removeprefix(mark), newline="").readlines()
    reader = csv.reader(iter(lines))
    kept: list[str] = [mark]
    at: int | None = None
    theirs: list[str] = []
    begin = left = 0
    try:
        for number, cells in enumerate(reader):
            record = lines[begin : reader.line_num]
            begin = reader.line_num
            if number == 0:
                at = next((i for i, cell in enumerate(cells) if cell in _headings()), None)
                if at is None:
                    raise UnreadableError(_NO_COLUMN)
            elif at is not None and at < len(cells) and (who := _named(cells[at], whom)):
                theirs.append(who)
                continue
            else:
                left += 1
            kept += record
    except csv.Error as error:
        raise UnreadableError(f"is no CSV file ({error})") from None
    if not theirs:
        return Rows(left=left)
    without = "".join(kept).encode("utf-8", "surrogateescape")
    return Rows(len(theirs), whom.found(theirs), without, left)


def _named(cell: str, whom: Whom) -> str | None:
    """Their id as it stands in a cell, be it with the apostrophe that keeps it from being a formula."""
    return next((t for t in (cell, cell.removeprefix(_FORMULA_MARK)) if t in whom), None)


def _workbook(data: bytes, whom: Whom, *, take_out: bool) -> Rows:
    import openpyxl

    try:
        # Ids somebody retyped stand as numbers.
        if not any(text in whom for text in strings(data, numbers=True)):
            return Rows()
        book = openpyxl.load_workbook(io.BytesIO(data))
        theirs: list[str] = []
        has_column = False
        for sheet in book.worksheets:
            at = _id_column(sheet)
            if at is None:
                continue
            has_column = True
            found = list(_sheet_rows(sheet, *at, whom))
            theirs += [who for _, who in found]
            if not take_out:
                continue
            _delete(sheet, [row for row, _ in found])
            if found and sheet.auto_filter.ref:
                sheet.auto_filter.ref = _shorter(sheet.auto_filter.ref, len(found))
        if not has_column:
            raise UnreadableError(_NO_COLUMN)
        if not theirs:
            return Rows()
        without = None
        if take_out:
            written = io.BytesIO()
            book.save(written)
            without = written.getvalue()
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, OSError) as error:
        raise UnreadableError(f"is no workbook ({type(error).__name__})") from None
    return Rows(len(theirs), whom.found(theirs), without)


def _delete(sheet: Any, rows: list[int]) -> None:
    """Take rows out, given in order, moving every cell once: one deletion alone moves all that is below."""
    from openpyxl.utils import get_column_letter

    if not rows:
        return
    last, width = sheet.max_row, get_column_letter(sheet.max_column)
    for gone, (row, following) in enumerate(pairwise([*rows, last + 1]), start=1):
        if following > row + 1:
            sheet.move_range(f"A{row + 1}:{width}{following - 1}", rows=-gone)
    sheet.delete_rows(last - len(rows) + 1, len(rows))


def _shorter(area: str, rows: int) -> str:
    """``A3:F90`` with so many rows less; the header stays."""
    return re.sub(r"\d+$", lambda last: str(int(last[0]) - rows), area)


def strings(workbook: bytes, *, numbers: bool = False) -> Iterator[str]:
    """Every text of a workbook, and on demand every number, without making cells of them."""
    pattern = _TEXT_OR_NUMBER if numbers else _STRING
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        for part in archive.namelist():
            if part.endswith(".xml") and part.startswith("xl/"):
                for found in set(pattern.findall(archive.read(part))):
                    yield unescape(found.decode("utf-8", "replace"))


def _id_column(sheet: Any) -> tuple[int, int] | None:
    """Row of the header, from 1, and column of customer ids, from 0."""
    for number, cells in enumerate(sheet.iter_rows(values_only=True, max_row=_HEAD_ROWS), start=1):
        for i, cell in enumerate(cells):
            if cell in _headings():
                return number, i
    return None


def _sheet_rows(sheet: Any, header: int, at: int, whom: Whom) -> Iterator[tuple[int, str]]:
    """Number and id of each row of theirs, in order."""
    below = header + 1
    for number, cells in enumerate(sheet.iter_rows(values_only=True, min_row=below), start=below):
        if at < len(cells) and cells[at] is not None and str(cells[at]) in whom:
            yield number, str(cells[at])


def _parquet(data: bytes, whom: Whom) -> Rows:
    try:
        # What lines with the same key disagree on names the customer as "key".
        columns = [c for c in (_ID, "parent_id", "key") if c in pl.read_parquet_schema(io.BytesIO(data))]
        if not columns:
            return Rows()
        frame = pl.read_parquet(io.BytesIO(data), columns=columns)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UnreadableError(f"is no Parquet file ({type(error).__name__})") from None
    marks = {column: naming(frame[column], whom) for column in columns}
    theirs = frame.select(pl.any_horizontal([m.alias(c) for c, m in marks.items()])).to_series()
    named = {text for c, m in marks.items() for text in frame[c].filter(m).cast(pl.String).to_list()}
    return Rows(int(theirs.sum()), whom.found(named))


@cache
def _headings() -> frozenset[str]:
    """What a column of customer ids is called, in a CSV and in a workbook of either language."""
    said = {text for lang in LANGUAGES for key, text in labels(lang).items() if key.endswith(f".{_ID}")}
    return frozenset({_ID, *said})
