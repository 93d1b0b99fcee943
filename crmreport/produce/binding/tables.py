"""Everything printed is also data: CSV per table, one Excel workbook per language."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from pathlib import Path
from typing import Any

from crmreport.present.words import Words
from crmreport.produce.binding.cells import clean, csv_text, sheet_name
from crmreport.produce.binding.csv_file import write_rows
from crmreport.produce.binding.outputs import Item
from crmreport.produce.binding.workbook import Look, open_workbook, width


def write_csv(path: Path, text: str) -> None:
    """Write a table's CSV: UTF-8 with BOM, unrounded, no cell a formula."""
    rows = [[csv_text(cell) for cell in row] for row in csv.reader(io.StringIO(text))]
    write_rows(path, rows)


def write_workbook(path: Path, tables: list[Item], *, words: Words, as_of: date, title: str) -> None:
    """All tables of the report in one language, one sheet each, behind a sheet of contents."""
    with open_workbook(path, as_of, title) as book:
        look = Look(book, words.currency)
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


def _table_sheet(sheet: Any, item: Item, words: Words, look: Look) -> None:
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
        widest = max((width(row[column]) for row in body), default=0)
        sheet.set_column(column, column, min(max(width(label) * 0.9, min(widest, 24), 9), 44) + 2)
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
    sheet: Any, line: int, column: int, text: str, form: str, words: Words, area: str, look: Look
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
