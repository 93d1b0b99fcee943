"""Lay out one language: HTML, then PDF, with page 1 on one page; runs in a process of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from time import monotonic

from crmreport.errors import RunError
from crmreport.produce import html, pdf
from crmreport.produce.book import Book


@dataclass(frozen=True, slots=True)
class Bound:
    """A language's report, checked."""

    lang: str
    html: str
    pdf: bytes
    pages: int
    html_seconds: float
    pdf_seconds: float


def bind(book: Book, as_of: date, files: Iterable[str]) -> Bound:
    """Render, print and check; page 1 is made tighter until it is one page.

    Args:
        files: Relative paths the page may link to.

    Raises:
        RunError: A check fails: a glyph is missing, a link leads nowhere, a chapter is missing,
            page 1 does not fit one page.
    """
    in_html = in_pdf = 0.0
    while True:
        began = monotonic()
        page = html.render(book)
        html.check(page, files=set(files))
        in_html, began = in_html + monotonic() - began, monotonic()
        printed = pdf.print_pdf(page, as_of=as_of)
        in_pdf += monotonic() - began
        if printed.pages_between("summary", "contents") == 1:
            break
        tighter = book.summary.tighter()
        if tighter is None:
            raise RunError("the executive summary does not fit one page; shorten the findings' sentences")
        book = replace(book, summary=tighter)
    for chapter in book.chapters:
        if chapter.anchor not in printed.anchors:
            raise RunError(f"chapter {chapter.name!r} is not in the PDF; run it again")
    return Bound(book.lang, page, printed.data, printed.pages, in_html, in_pdf)
