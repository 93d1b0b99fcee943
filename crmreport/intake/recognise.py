"""What a client's files are, guessed from headers and first lines: for ``crmreport init``."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

from crmreport.errors import CrmReportError
from crmreport.intake import normalise
from crmreport.intake.headers import match_headers
from crmreport.intake.samples import HEADER_WITHIN, Sample, read_samples
from crmreport.intake.source_file import SourceFile, format_of
from crmreport.intake.tables import Table, kind_of
from crmreport.intake.vocabulary import FLAG_WORDS, SEX_WORDS

DateForm = Literal[
    "ISO", "slashes", "packed", "kanji", "era", "Excel serial", "day or month first", "typed", "unknown"
]

_TABLES: tuple[Table, ...] = ("order_lines", "customers", "products", "sends", "web_events")
_EVENTS = frozenset({"view", "cart", "checkout", "purchase"})
_SURE = 0.6
_ENDINGS = (".csv", ".tsv", ".txt", ".tab", ".xlsx", ".xlsm", ".xls", ".parquet", ".pq")


@dataclass(frozen=True, slots=True)
class SourceGuess:
    """One source as it could stand in the client file.

    Args:
        path: File, or a glob where several files are alike, relative to the folder looked at.
        table: What it feeds; None where the headers say nothing.
        confidence: 0 to 1: 0.6 where all needed columns were found, more as more headers are known.
        columns: Canonical column → header.
        unmapped: Headers that mean nothing to us.
        format: ``csv``, ``excel`` or ``parquet``.
        encoding: Codec of a text file.
        delimiter: Of a text file.
        sheet: Of a workbook.
        header_row: Line the headers stand on.
        date_form: How dates are written.
        totals_row: True where the last line is a sum of the others.
        questions: What cannot be known from the file and must be asked.
        problem: Why the file could not be read at all.
    """

    path: str
    table: Table | None = None
    confidence: float = 0.0
    columns: dict[str, str] | None = None
    unmapped: tuple[str, ...] = ()
    format: str = "csv"
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_row: int = 1
    date_form: DateForm | None = None
    totals_row: bool = False
    questions: tuple[str, ...] = ()
    problem: str | None = None


def guess_sources(folder: Path) -> list[SourceGuess]:
    """Look at every file below a folder and say what it seems to be.

    Args:
        folder: The client's folder (or any folder of files).

    Returns:
        One guess per source, order lines first; alike files of one table are put together as a glob.
        Files that cannot be read come last, with ``problem``.
    """
    paths = sorted(
        p
        for p in folder.rglob("*")
        if p.is_file()
        and p.suffix.lower() in _ENDINGS
        and not any(
            part.startswith((".", "~$")) or part == "quarantine" for part in p.relative_to(folder).parts
        )
    )
    guesses = [guess_source(p, p.relative_to(folder).as_posix()) for p in paths]
    names = [g.path for g in guesses]
    return sorted(
        _together(guesses, names),
        key=lambda g: (_TABLES.index(g.table) if g.table else len(_TABLES), bool(g.problem), g.path),
    )


def guess_source(path: Path, name: str) -> SourceGuess:
    """Look at one file; never raises for what is in it.

    Args:
        path: The file.
        name: How the guess calls it.
    """
    file = SourceFile(path, name)
    guess = SourceGuess(name, format=format_of(file))
    try:
        samples = read_samples(file)
    except CrmReportError as error:
        return replace(guess, problem=str(error))
    return max((_recognise(guess, s) for s in samples), key=lambda g: g.confidence)


def _recognise(guess: SourceGuess, sample: Sample) -> SourceGuess:
    best = replace(
        guess,
        sheet=sample.sheet,
        encoding=sample.encoding,
        delimiter=sample.delimiter,
        questions=("which table is this? no known header was found",),
    )
    for at, row in enumerate(sample.rows[:HEADER_WITHIN]):
        headers = [h.strip() for h in row]
        for table in _TABLES:
            columns, several = match_headers(table, headers)
            confidence = _confidence(table, columns, headers)
            if confidence > best.confidence:
                best = _described(guess, sample, at, table, columns, several, confidence)
    return best


def _has_amount(columns: Collection[str]) -> bool:
    """Whether the amount of a line can be made out from these canonical columns."""
    return "revenue" in columns or {"quantity", "unit_price"} <= set(columns)


def _confidence(table: Table, columns: dict[str, str], headers: list[str]) -> float:
    needed = {
        "order_lines": ["customer_id" in columns, "ordered_at" in columns, _has_amount(columns)],
        "customers": ["customer_id" in columns, len(columns) >= 2],
        "products": [
            "product_id" in columns,
            bool({"name", "category_major", "brand", "price"} & set(columns)),
        ],
        # The time tells a log from any other list of customers and campaigns.
        "sends": ["sent_at" in columns, "campaign_id" in columns, "customer_id" in columns],
        "web_events": [
            "at" in columns,
            "event" in columns,
            bool({"customer_id", "visitor_id"} & set(columns)),
        ],
    }[table]
    named = [h for h in headers if h]
    is_log = table in ("sends", "web_events")
    if not named or not any(needed) or (is_log and not needed[0]):
        return 0.0
    found = sum(needed) / len(needed)
    known = len(columns) / len(named)
    return round(_SURE * found + (1 - _SURE) * known, 2) if found == 1 else round(0.5 * found * known, 2)


def _described(
    guess: SourceGuess,
    sample: Sample,
    at: int,
    table: Table,
    columns: dict[str, str],
    several: dict[str, list[str]],
    confidence: float,
) -> SourceGuess:
    headers = [h.strip() for h in sample.rows[at]]
    values = {
        c: [row[i] for row in sample.rows[at + 1 :] if len(row) > i and row[i].strip()]
        for c, h in columns.items()
        for i in [headers.index(h)]
    }
    date_column = next((c for c in columns if kind_of(table, c) in ("instant", "day")), None)
    form: DateForm | None = None
    if date_column:
        typed = columns[date_column] in sample.typed_dates
        form = "typed" if typed else date_form(values[date_column])
    used = set(columns.values())
    unmapped = tuple(h for h in headers if h and h not in used)
    return replace(
        guess,
        sheet=sample.sheet,
        encoding=sample.encoding,
        delimiter=sample.delimiter,
        table=table,
        confidence=confidence,
        columns=columns,
        unmapped=unmapped,
        header_row=at + 1,
        date_form=form,
        totals_row=any(normalise.is_totals_word(v) for v in sample.last) and len(sample.rows) > at + 2,
        questions=tuple(_questions(table, columns, unmapped, several, values, form)),
    )


_FORMS: tuple[tuple[str, DateForm], ...] = (
    (r"\d{4}-\d{1,2}-\d{1,2}.*", "ISO"),
    (r"\d{4}[/.]\d{1,2}[/.]\d{1,2}.*", "slashes"),
    (r"\d{8}|\d{12}|\d{14}", "packed"),
    (r"\d{4}年.*", "kanji"),
    (r"([mtshr]|明治|大正|昭和|平成|令和).*", "era"),
    (r"\d{5}(\.\d+)?", "Excel serial"),
    (r"\d{1,2}[/.-]\d{1,2}[/.-]\d{4}.*", "day or month first"),
)


def date_form(values: list[str]) -> DateForm:
    """The form most values have.

    Examples:
        >>> date_form(["2026/10/31", "2026/11/1 10:00", "?"]), date_form(["R8.10.31"])
        ('slashes', 'era')
    """
    counts: dict[DateForm, int] = {}
    for value in values:
        text = normalise.read_text(value).lower()
        form = _form(text)
        counts[form] = counts.get(form, 0) + 1
    return max(counts, key=lambda f: counts[f]) if counts else "unknown"


def _form(text: str) -> DateForm:
    for pattern, name in _FORMS:
        if re.fullmatch(pattern, text):
            return name
    return "unknown"


def _questions(
    table: Table,
    columns: dict[str, str],
    unmapped: tuple[str, ...],
    several: dict[str, list[str]],
    values: dict[str, list[str]],
    form: DateForm | None,
) -> list[str]:
    asked = [f"{c}: which of {', '.join(hs)}? {hs[0]} was taken" for c, hs in several.items()]
    if table == "order_lines":
        wanted = {"customer_id": "the customer", "ordered_at": "the day of the purchase"}
        if not _has_amount(columns):
            wanted["revenue"] = "the amount of a line"
        left = f" one of {', '.join(unmapped)}?" if unmapped else " no header is left over"
        asked += [f"{c}: which column holds {what}?{left}" for c, what in wanted.items() if c not in columns]
        if "order_id" not in columns:
            asked.append("order_id: no order number was found; a customer's day will be one order")
        if "revenue" not in columns and _has_amount(columns):
            asked.append("revenue: no amount was found; quantity × unit price − discount will be used")
    if table == "sends":
        if "campaign_id" not in columns:
            asked.append("campaign_id: which campaign is this? name its column, or write it under constants")
        if "customer_id" not in columns:
            asked.append("customer_id: which column holds the customer?")
        if "arm" not in columns:
            asked.append("arm: no column of arms was found; every line will count as sent")
    if form == "day or month first":
        asked.append("date_order: is 03/04/2026 the 4th of March (mdy) or the 3rd of April (dmy)?")
    if form == "unknown":
        asked.append("dates: their form was not recognised")
    for column, given in values.items():
        words = {normalise.read_text(v).lower() for v in given}
        if column == "sex" and (
            strange := sorted(w for w in words if w not in SEX_WORDS and not ("2" in words and w in "0129"))
        ):
            asked.append(f"codes.sex: what do {', '.join(strange[:5])} mean?")
        if (table, column) == ("web_events", "event") and (strange := sorted(words - _EVENTS)):
            asked.append(
                f"codes.event: which of {', '.join(sorted(_EVENTS))} do {', '.join(strange[:8])} mean?"
            )
        if kind_of(table, column) == "flag" and (strange := sorted(words - set(FLAG_WORDS))):
            asked.append(f"codes.{column}: what do {', '.join(strange[:5])} mean?")
    return asked


def _together(guesses: list[SourceGuess], names: list[str]) -> list[SourceGuess]:
    """Alike files as one source with a glob, where the glob matches those files and no other."""
    groups: dict[tuple[object, ...], list[SourceGuess]] = {}
    for g in guesses:
        alike = (
            str(Path(g.path).parent),
            g.table,
            str(g.columns),
            g.unmapped,
            g.encoding,
            g.delimiter,
            g.sheet,
        )
        groups.setdefault((*alike, g.header_row, g.table is None and g.path), []).append(g)
    found = []
    for group in groups.values():
        paths = [g.path for g in group]
        ending = Path(paths[0]).suffix
        prefix = _common_start([p.removesuffix(ending) for p in paths]).rstrip("0123456789")
        glob = f"{prefix}*{ending}"
        matched = [n for n in names if fnmatch(n, glob) and Path(n).parent == Path(glob).parent]
        if len(group) > 1 and Path(prefix).name and sorted(matched) == sorted(paths):
            asked = tuple(dict.fromkeys(q for g in group for q in g.questions))
            found.append(
                replace(
                    group[0],
                    path=glob,
                    questions=asked,
                    totals_row=any(g.totals_row for g in group),
                    confidence=min(g.confidence for g in group),
                )
            )
        else:
            found.extend(group)
    return found


def _common_start(texts: list[str]) -> str:
    same = [a for a, *rest in zip(*texts, strict=False) if all(a == b for b in rest)]
    start = "".join(same)
    return next(start[:n] for n in range(len(start), -1, -1) if all(t.startswith(start[:n]) for t in texts))
