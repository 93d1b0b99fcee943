"""Lay out one language: HTML, then PDF, with page 1 on one page; runs in a process of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from time import monotonic

from crmreport.errors import RunError
from crmreport.produce.binding import html, pdf
from crmreport.produce.binding.book import Book
from crmreport.produce.records.provenance import Provenance

_TOO_LONG = "the executive summary does not fit one page; shorten the findings' sentences"


@dataclass(frozen=True, slots=True)
class Bound:
    """A language's report, checked."""

    lang: str
    html: str
    pdf: bytes
    pages: int
    html_seconds: float
    pdf_seconds: float


def fit(book: Book) -> Book:
    """Make page 1 tighter until it is one page; tried without the chapters, which take seconds.

    Raises:
        RunError: It does not fit even with the fewest findings in the smallest type.
    """
    while True:
        alone = replace(book, front=[], back=[], actions=[], provenance=Provenance())
        if pdf.lay_out(html.render(alone)).pages_between("summary", "contents") == 1:
            return book
        tighter = book.summary.tighter()
        if tighter is None:
            raise RunError(_TOO_LONG)
        book = replace(book, summary=tighter)


def bind(book: Book, as_of: date, files: Iterable[str]) -> Bound:
    """Render, print and check.

    Args:
        files: Relative paths the page may link to.

    Raises:
        RunError: A check fails: a glyph is missing, a link leads nowhere, a chapter is missing,
            page 1 does not fit one page.
    """
    book = fit(book)
    began = monotonic()
    page = html.render(book)
    html.check(page, files=set(files))
    rendered = monotonic()
    printed = pdf.print_pdf(page, as_of=as_of)
    finished = monotonic()
    if printed.pages_between("summary", "contents") != 1:
        raise RunError(_TOO_LONG)
    for chapter in book.chapters:
        if chapter.anchor not in printed.anchors:
            raise RunError(f"chapter {chapter.name!r} is not in the PDF; run it again")
    return Bound(book.lang, page, printed.data, printed.pages, rendered - began, finished - rendered)
