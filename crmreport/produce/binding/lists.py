"""Action lists: a finding's customers as CSV and Excel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from crmreport.present.numbers import is_blank
from crmreport.present.words import Words
from crmreport.produce.binding.cells import clean, csv_text, sheet_name
from crmreport.produce.binding.csv_file import write_rows
from crmreport.produce.binding.workbook import Look, open_workbook, width

_CONSENT = "consent_"


@dataclass(frozen=True, slots=True)
class ListCount:
    """How many customers an action list holds, and how many are left out, for what.

    ``without_consent`` is None for a list to write to whose customers were never asked, as far as the
    files say: the client gave no column of consent, and the list holds everybody. ``in_test`` are those of
    the others a running test is about, ``test_until`` the last day of the last of them (ISO).
    """

    rows: int
    without_consent: int | None
    in_test: int = 0
    test_until: str | None = None


def write_list(
    folder: Path,
    finding: str,
    source: Path,
    *,
    words: Words,
    as_of: date,
    title: str,
    contact: bool,
    tested: Mapping[str, date] | None = None,
) -> ListCount:
    """One finding's customers as CSV and Excel.

    Args:
        source: Parquet as the chapter recorded it, consents joined.
        contact: The measure writes to people: who consented to no channel at all is left out, and who is in
            a running test.
        tested: Customer of a running test → last day nothing else should be sent; see
            :func:`crmreport.analysis.campaign.under_test.under_test`.
    """
    frame = pd.read_parquet(source)
    consents = [c for c in frame.columns if c.startswith(_CONSENT)]
    kept = frame
    if contact and consents:
        kept = frame[frame[consents].eq(True).any(axis=1)]
    n_agreed, until = len(kept), []
    if contact and tested:
        ends = kept["customer_id"].astype("str").map(tested)
        kept, until = kept[ends.isna()], list(ends.dropna())
    columns = list(kept.columns)
    chapter = finding.split(".")[0]
    cells = [[_plain(value) for value in row] for row in kept.itertuples(index=False, name=None)]
    texts = [[csv_text("" if v is None else str(v)) for v in row] for row in cells]
    write_rows(folder / f"{finding}.csv", [columns, *texts])
    with open_workbook(folder / f"{finding}.xlsx", as_of, title) as book:
        look = Look(book, words.currency)
        sheet = book.add_worksheet(sheet_name(finding, set()))
        sheet.write_string(0, 0, clean(title), look.title)
        for column, name in enumerate(columns):
            label = _column_label(name, chapter, words)
            sheet.write_string(2, column, label, look.head)
            sheet.set_column(column, column, max(12, width(label) + 2))
        for line, row in enumerate(cells, 3):
            for column, value in enumerate(row):
                _write_plain(sheet, line, column, value, columns[column], chapter, words, look)
        sheet.freeze_panes(3, 1)
        if cells:
            sheet.autofilter(2, 0, 2 + len(cells), len(columns) - 1)
    return ListCount(
        rows=len(kept),
        without_consent=None if contact and not consents else len(frame) - n_agreed,
        in_test=len(until),
        test_until=max(until).isoformat() if until else None,
    )


def _write_plain(
    sheet: Any, line: int, column: int, value: Any, name: str, chapter: str, words: Words, look: Look
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
