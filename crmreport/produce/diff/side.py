"""One published report as ``crmreport diff`` sees it: its record, and what its chapters showed as data."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crmreport.errors import RunError
from crmreport.present.show import MIME
from crmreport.produce.records import RECORD
from crmreport.produce.records.verify import verify

_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")

RowKey = tuple[str, ...]
Said = Mapping[str, str]
"""Language → text."""


@dataclass(frozen=True, slots=True)
class Column:
    """A printed column: its heading per language and its format."""

    label: Said
    spec: str


@dataclass(frozen=True, slots=True)
class TableData:
    """One delivered table.

    Args:
        key: Columns that tell a row from the others.
        columns: All columns of the CSV in order.
        printed: Those the page shows.
        rows: Cells as they stand in the CSV, by key, in order.
    """

    id: str
    chapter: str
    title: Said
    key: tuple[str, ...]
    columns: tuple[str, ...]
    printed: Mapping[str, Column]
    rows: Mapping[RowKey, Mapping[str, str]]

    def spec(self, column: str, row: RowKey = ()) -> str:
        """Format of a column, or of its cell in a row; empty when no page shows it."""
        found = self.printed[column].spec if column in self.printed else ""
        if row in self.rows and found.startswith("row:"):
            return self.rows[row].get(found.removeprefix("row:"), "")
        return found


@dataclass(frozen=True, slots=True)
class FindingData:
    """One finding with its facts."""

    id: str
    chapter: str
    severity: str
    money: float | None
    list_rows: int | None
    facts: Mapping[str, Any]
    text: Mapping[str, Said]
    """Language → title, what, so_what, do_what."""


@dataclass(frozen=True, slots=True)
class Side:
    """A report to compare.

    Args:
        touched: Outputs that are no longer what the record says.
        messages: Chapter → its headline.
    """

    folder: Path
    record: Mapping[str, Any]
    touched: tuple[str, ...]
    tables: Mapping[str, TableData]
    findings: Mapping[str, FindingData]
    messages: Mapping[str, Said]


def read_side(folder: Path) -> Side:
    """Read a published report.

    Raises:
        RunError: There is no report, or a file it needs is gone or not readable.
    """
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        chapters = [c["chapter"] for c in record["chapters"] if c["status"] == "done"]
        # Names become paths below.
        assert all(_NAME.fullmatch(name) for name in chapters)
        assert all(isinstance(record[name], kind) for name, kind in (("digests", dict), ("outputs", list)))
    except FileNotFoundError:
        raise RunError(f"{folder}: there is no report; crmreport run makes one") from None
    except OSError as error:
        raise RunError(f"{folder}: {RECORD} cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, AssertionError, RecursionError):
        raise RunError(
            f"{folder}: {RECORD} is not a record this version reads; crmreport verify says what is wrong, "
            "and running the report again makes it whole"
        ) from None
    tables: dict[str, TableData] = {}
    findings: dict[str, FindingData] = {}
    messages: dict[str, Said] = {}
    for chapter in chapters:
        for item in _items(folder / "notebooks" / f"{chapter}.ipynb"):
            match item["kind"]:
                case "table":
                    tables[item["id"]] = _table(folder, chapter, item)
                case "finding":
                    findings[item["id"]] = _finding(chapter, item)
                case "message":
                    messages[chapter] = item["text"]
    outputs = {o["path"] for o in record["outputs"]}
    touched = tuple(p.path for p in verify(folder).problems if p.path in outputs)
    return Side(folder, record, touched, tables, findings, messages)


def _items(notebook: Path) -> Iterator[dict[str, Any]]:
    # Plain JSON: nbformat's reader would check what papermill has written, and takes a second to load.
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        for cell in cells:
            for output in cell.get("outputs", ()):
                yield from output.get("data", {}).get(MIME, {}).get("items", ())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _unreadable(notebook) from None


def _unreadable(path: Path) -> RunError:
    return RunError(f"{path}: is gone or not readable; run the report again, then compare")


def _table(folder: Path, chapter: str, item: Mapping[str, Any]) -> TableData:
    if not _NAME.fullmatch(str(item["id"])):
        raise _unreadable(folder / "notebooks" / f"{chapter}.ipynb")
    path = folder / "tables" / f"{item['id']}.csv"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file))
        columns = tuple(lines[0])
        key = tuple(item["key"]) or columns[:1]
        rows = [dict(zip(columns, line, strict=True)) for line in lines[1:]]
        keyed = {tuple(row[c] for c in key): row for row in rows}
        spec = item["spec"]
        names = [c["name"] for c in next(iter(spec.values()))["columns"]]
        printed = {
            name: Column(
                {lang: said["columns"][i]["label"] for lang, said in spec.items()},
                next(iter(spec.values()))["columns"][i]["format"],
            )
            for i, name in enumerate(names)
        }
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        raise _unreadable(path) from None
    title = {lang: said["title"] for lang, said in spec.items()}
    return TableData(item["id"], chapter, title, key, columns, printed, keyed)


def _finding(chapter: str, item: Mapping[str, Any]) -> FindingData:
    record = item["finding"]
    facts = {name: fact.get("value") for name, fact in record["facts"].items()}
    return FindingData(
        item["id"], chapter, record["severity"], record["money"], record.get("list_rows"), facts, item["text"]
    )
