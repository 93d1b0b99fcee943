"""The front page of a report's folder: what it says, what is in it, and where to begin."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from crmreport.config import Language
from crmreport.produce.binding import html, page
from crmreport.produce.binding.book import Book, BookChapter
from crmreport.produce.binding.lists import ListCount
from crmreport.produce.binding.outputs import Executed, Item, findings
from crmreport.produce.binding.phrases import mark_headings
from crmreport.produce.records import RECORD


@dataclass(frozen=True)
class Entry:
    """A link, with what the reader should know before following it."""

    title: str
    path: str
    note: str = ""
    lang: str = ""
    """When the title is not in the page's language."""
    csv: str = ""
    """The same as CSV."""


@dataclass(frozen=True)
class Group:
    """Links under one heading."""

    title: str
    entries: list[Entry]
    lang: str = ""


@dataclass(frozen=True)
class Contents:
    """What the front page of one language shows."""

    book: Book
    other_languages: list[Entry]
    reading: list[Group]
    """Per language of the report."""
    lists: list[Entry]
    workbooks: list[Entry]
    tables: list[Group]
    """Per chapter, in reading order."""
    notebooks: list[Entry]
    empty: list[BookChapter]
    """Chapters without numbers; each says why."""


def write_contents(
    stage: Path,
    stem: str,
    books: Sequence[Book],
    executed: Sequence[Executed],
    *,
    lists: Mapping[str, ListCount],
    pages: Mapping[str, int],
) -> None:
    """Write index.html in the report's first language, and index.<lang>.html in each other.

    Args:
        stage: The folder with every other file of the report already in it, but run.json.
        stem: What the names of the report's pages begin with.
        lists: Customers on each action list.
        pages: Pages of each language's PDF.

    Raises:
        RunError: A link would lead nowhere.
    """
    names = contents_names([book.lang for book in books])
    files = {p.relative_to(stage).as_posix() for p in stage.rglob("*") if p.is_file()}
    files |= {RECORD, *names.values()}
    for book in books:
        contents = Contents(
            book=book,
            other_languages=[
                Entry(b.t("index.language"), names[b.lang], lang=b.lang) for b in books if b is not book
            ],
            reading=[
                Group(b.t("index.language"), _reading(stage, stem, b.lang, book, pages), lang=b.lang)
                for b in books
            ],
            lists=[_list(item, book, lists) for item in findings(list(executed)) if _name(item) in lists],
            workbooks=[_workbook(stage, b, book) for b in books],
            tables=[group for group in (_tables(c, executed, book) for c in book.chapters) if group.entries],
            notebooks=[
                Entry(c.title, path) for c in book.chapters if (path := f"notebooks/{c.name}.ipynb") in files
            ],
            empty=[c for c in book.chapters if c.notice],
        )
        text = page.render(
            "report/contents.html.j2", style="report/contents.css", contents=contents, book=book
        )
        if book.lang == "ja":
            text = mark_headings(text)
        html.check(text, files=files)
        (stage / names[book.lang]).write_text(page.embed(text), encoding="utf-8")


def contents_names(languages: Sequence[Language]) -> dict[Language, str]:
    """File name of the front page per language of a report.

    Examples:
        >>> contents_names(["ja", "en"])
        {'ja': 'index.html', 'en': 'index.en.html'}
    """
    return {lang: f"index.{lang}.html" if i else "index.html" for i, lang in enumerate(languages)}


def _reading(stage: Path, stem: str, lang: Language, book: Book, pages: Mapping[str, int]) -> list[Entry]:
    screen, paper = f"{stem}.{lang}.html", f"{stem}.{lang}.pdf"
    printed = book.t("index.pages", pages=pages[lang])
    return [
        Entry(book.t("index.html"), screen, f"HTML, {_size(stage / screen)}"),
        Entry(book.t("index.pdf"), paper, f"PDF, {printed}, {_size(stage / paper)}"),
    ]


def _name(item: Item) -> str:
    assert item.finding is not None
    return item.finding.id


def _list(item: Item, book: Book, lists: Mapping[str, ListCount]) -> Entry:
    assert item.finding is not None
    name, count = _name(item), lists[_name(item)]
    said = [book.t("index.people", n=count.rows)]
    if count.without_consent:
        said.append(book.t("index.without_consent", n=count.without_consent))
    elif count.without_consent is None:
        said.append(book.t("index.consent_unknown"))
    if count.in_test and count.test_until:
        said.append(book.t("index.in_test", n=count.in_test, until=date.fromisoformat(count.test_until)))
    colon = {"ja": "：", "en": ": "}[book.lang]
    measure = book.words.label(f"book.measure.{item.finding.measure}")
    title = f"{measure}{colon}{item.text[book.lang]['title']}"
    between = {"ja": "、", "en": "; "}[book.lang]
    return Entry(title, f"lists/{name}.xlsx", between.join(said), csv=f"lists/{name}.csv")


def _workbook(stage: Path, of: Book, book: Book) -> Entry:
    path = f"tables.{of.lang}.xlsx"
    title = book.t("index.workbook", language=of.t("index.language"))
    return Entry(title, path, f"Excel, {_size(stage / path)}")


def _tables(chapter: BookChapter, executed: Sequence[Executed], book: Book) -> Group:
    items = [i for e in executed if e.name == chapter.name for i in e.items() if i.kind == "table"]
    entries = [
        Entry(
            item.spec[book.lang]["title"],
            f"tables/{item.id}.csv",
            book.t("index.rows", n=_rows(item.csv or "")),
        )
        for item in items
    ]
    return Group(chapter.title, entries)


def _rows(text: str) -> int:
    return max(0, sum(1 for _ in csv.reader(io.StringIO(text))) - 1)


def _size(path: Path) -> str:
    size = path.stat().st_size
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(1, round(size / 1e3))} kB"
