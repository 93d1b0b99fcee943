"""Everything printed is also data: CSV per table, one Excel workbook per language, action lists."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter

from crmreport.present.numbers import is_blank
from crmreport.present.words import Words
from crmreport.produce.binding.cells import clean, csv_text, sheet_name
from crmreport.produce.binding.outputs import Item
from crmreport.produce.records.record import ListCount

BOM = "\ufeff"
"""Without it Excel reads Japanese as cp932; every CSV reader worth the name skips it."""
_CONSENT = "consent_"
_OPTIONS = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "default_date_format": "yyyy-mm-dd",
}
_FORMATS = {
    "count": "#,##0",
    "scount": "#,##0",
    "pct": "0.0%",
    "spct": "0.0%",
    "pt": "0.0%",
    "num0": "#,##0",
    "num1": "#,##0.0",
    "num2": "#,##0.00",
    "snum2": "#,##0.00",
    "p": "0.000",
    "days": "#,##0",
    "date": "yyyy-mm-dd",
    "longdate": "yyyy-mm-dd",
    "month": "yyyy-mm",
}


def write_csv(path: Path, text: str) -> None:
    """Write a table's CSV: UTF-8 with BOM, unrounded, no cell a formula."""
    rows = [[csv_text(cell) for cell in row] for row in csv.reader(io.StringIO(text))]
    _write_rows(path, rows)


def _write_rows(path: Path, rows: Sequence[Sequence[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(BOM)
        csv.writer(file, lineterminator="\r\n").writerows(rows)


def write_workbook(path: Path, tables: list[Item], *, words: Words, as_of: date, title: str) -> None:
    """All tables of the report in one language, one sheet each, behind a sheet of contents."""
    with _workbook(path, as_of, title) as book:
        look = _Look(book, words.currency)
        front = book.add_worksheet(sheet_name(words.label("book.workbook.contents"), set()))
        front.set_column(0, 0, 30)
        front.set_column(1, 1, 60)
        front.write_string(0, 0, title, look.title)
        for column, key in enumerate(("sheet", "table")):
            front.write_string(2, column, words.label(f"book.workbook.{key}"), look.head)
        taken = {front.get_name()}
        for row, item in enumerate(tables, 3):
            assert item.id is not None
            name = sheet_name(item.id, taken)
            taken.add(name)
            front.write_url(row, 0, f"internal:'{name}'!A1", look.link, name)
            front.write_string(row, 1, clean(item.spec[words.lang]["title"]))
            _table_sheet(book.add_worksheet(name), item, words, look)


def _table_sheet(sheet: Any, item: Item, words: Words, look: _Look) -> None:
    spec = item.spec[words.lang]
    assert item.csv is not None
    rows = list(csv.reader(io.StringIO(item.csv)))
    names, body = rows[0], rows[1:]
    known = {c["name"]: c for c in spec["columns"]}
    area = (item.id or "").split(".")[0]
    sheet.write_string(0, 0, clean(spec["title"]), look.title)
    sheet.write_string(1, 0, clean(spec["note"]), look.note)
    for column, name in enumerate(names):
        label = clean(known[name]["label"] if name in known else name)
        form = known[name]["format"] if name in known else ""
        sheet.write_string(3, column, label, look.head)
        widest = max((_width(row[column]) for row in body), default=0)
        sheet.set_column(column, column, min(max(_width(label) * 0.9, min(widest, 24), 9), 44) + 2)
        # "row:<column>": the format stands in another column of the same row.
        by_row = names.index(form.removeprefix("row:")) if form.startswith("row:") else None
        for line, row in enumerate(body, 4):
            _write(
                sheet,
                line,
                column,
                row[column],
                row[by_row] if by_row is not None else form,
                words,
                area,
                look,
            )
    sheet.freeze_panes(4, 1)
    if body:
        sheet.autofilter(3, 0, 3 + len(body), len(names) - 1)


def _write(
    sheet: Any, line: int, column: int, text: str, form: str, words: Words, area: str, look: _Look
) -> None:
    if text == "":
        return
    kind = form.partition(":")[0]
    if kind in ("label", "name"):
        sheet.write_string(line, column, clean(words.format(text, form, area=area)))
    elif kind in ("date", "longdate", "month"):
        try:
            sheet.write_datetime(line, column, datetime.fromisoformat(text), look.number(kind))
        except ValueError:
            sheet.write_string(line, column, clean(text))
    elif kind == "text":
        sheet.write_string(line, column, clean(text))
    else:
        try:
            sheet.write_number(line, column, float(text), look.number(kind))
        except (ValueError, TypeError):
            sheet.write_string(line, column, clean(text))


def write_list(
    folder: Path, finding: str, source: Path, *, words: Words, as_of: date, title: str, contact: bool
) -> ListCount:
    """One finding's customers as CSV and Excel.

    Args:
        source: Parquet as the chapter recorded it, consents joined.
        contact: The measure writes to people: who consented to no channel at all is left out.
    """
    frame = pd.read_parquet(source)
    consents = [c for c in frame.columns if c.startswith(_CONSENT)]
    kept = frame
    if contact and consents:
        kept = frame[frame[consents].eq(True).any(axis=1)]
    columns = list(kept.columns)
    chapter = finding.split(".")[0]
    cells = [[_plain(value) for value in row] for row in kept.itertuples(index=False, name=None)]
    texts = [[csv_text("" if v is None else str(v)) for v in row] for row in cells]
    _write_rows(folder / f"{finding}.csv", [columns, *texts])
    with _workbook(folder / f"{finding}.xlsx", as_of, title) as book:
        look = _Look(book, words.currency)
        sheet = book.add_worksheet(sheet_name(finding, set()))
        sheet.write_string(0, 0, clean(title), look.title)
        for column, name in enumerate(columns):
            label = _column_label(name, chapter, words)
            sheet.write_string(2, column, label, look.head)
            sheet.set_column(column, column, max(12, _width(label) + 2))
        for line, row in enumerate(cells, 3):
            for column, value in enumerate(row):
                _write_plain(sheet, line, column, value, columns[column], chapter, words, look)
        sheet.freeze_panes(3, 1)
        if cells:
            sheet.autofilter(2, 0, 2 + len(cells), len(columns) - 1)
    return ListCount(len(kept), None if contact and not consents else len(frame) - len(kept))


def _write_plain(
    sheet: Any, line: int, column: int, value: Any, name: str, chapter: str, words: Words, look: _Look
) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(line, column, value)
    elif isinstance(value, (int, float)):
        kind = "count" if float(value).is_integer() else "num2"
        kind = "pct" if name.endswith(("_rate", "_share")) else kind
        sheet.write_number(line, column, value, look.number(kind))
    elif name == "reason":
        key = next((k for k in (f"{chapter}.reason.{value}", f"reason.{value}") if words.has(k)), None)
        sheet.write_string(line, column, clean(words.label(key) if key else value))
    else:
        sheet.write_string(line, column, clean(value))


def _column_label(name: str, chapter: str, words: Words) -> str:
    keys = (f"{chapter}.column.{name}", f"column.{name}", f"book.list.{name}")
    return next((words.label(k) for k in keys if words.has(k)), name)


def _plain(value: Any) -> Any:
    if is_blank(value):
        return None
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, (bool, int, float)) else str(value)


def _workbook(path: Path, as_of: date, title: str) -> Any:
    path.parent.mkdir(parents=True, exist_ok=True)
    book = xlsxwriter.Workbook(str(path), _OPTIONS)
    book.set_properties({"title": clean(title), "created": datetime.combine(as_of, time())})
    return book


class _Look:
    """The few formats of our workbooks."""

    def __init__(self, book: Any, currency: str) -> None:
        self.title = book.add_format({"bold": True, "font_size": 13})
        self.note = book.add_format({"font_color": "#57606a", "font_size": 9})
        self.head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "bottom"})
        self.link = book.add_format({"font_color": "#0550ae", "underline": 1})
        money = "#,##0" if currency == "JPY" else "#,##0.00"
        patterns = {**_FORMATS, "money": money, "smoney": money}
        self._numbers = {kind: book.add_format({"num_format": p}) for kind, p in patterns.items()}

    def number(self, kind: str) -> Any:
        """Format of a kind of number; Excel's own for the rest."""
        return self._numbers.get(kind)


def _width(text: str) -> float:
    """Columns of half-width characters."""
    return sum(1 if ord(c) < 0x2E80 else 2 for c in text)
