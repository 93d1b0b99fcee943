"""Excel workbooks of one look: no cell a formula, the same bytes every time."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import xlsxwriter

from crmreport.produce.binding.cells import clean

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
    "prob": "0.0%",
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


def open_workbook(path: Path, as_of: date, title: str) -> Any:
    """A new workbook, written when the block it is opened for ends; dated ``as_of``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    book = xlsxwriter.Workbook(str(path), _OPTIONS)
    book.set_properties({"title": clean(title), "created": datetime.combine(as_of, time())})
    return book


class Look:
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


def width(text: str) -> float:
    """Columns of half-width characters."""
    return sum(1 if ord(c) < 0x2E80 else 2 for c in text)
