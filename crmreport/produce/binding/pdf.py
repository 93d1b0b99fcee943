"""The PDF: the same HTML laid out on A4 by WeasyPrint, tagged, with real fonts and nothing fetched."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from crmreport.errors import RunError

_EPOCH = "SOURCE_DATE_EPOCH"
_VARIANT = "pdf/ua-1"
_NO_PANGO = (
    "WeasyPrint cannot load Pango, so no PDF can be made; install it: Debian/Ubuntu "
    "'apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0', macOS 'brew install pango', "
    "conda 'conda install -c conda-forge pango'"
)


@dataclass(frozen=True, slots=True)
class Sheets:
    """A page laid out on A4.

    Args:
        pages: Number of pages.
        anchors: Id of an element → page it begins on, from 1.
    """

    pages: int
    anchors: dict[str, int]

    def pages_between(self, first: str, after: str) -> int:
        """Pages from the element ``first`` up to where ``after`` begins on a page of its own."""
        return self.anchors[after] - self.anchors[first]


@dataclass(frozen=True, slots=True)
class Printed(Sheets):
    """A finished PDF.

    Args:
        data: The file.
    """

    data: bytes


def weasyprint() -> Any:
    """The library, or the way to get what it stands on.

    Raises:
        RunError: Pango or a sister library is not on this machine.
    """
    try:
        import weasyprint as library
    except OSError as error:
        raise RunError(f"{_NO_PANGO} ({str(error).splitlines()[0]:.80})") from None
    return library


def lay_out(page: str) -> Sheets:
    """See where everything would stand, without writing a file.

    Args:
        page: The finished HTML, everything embedded.

    Raises:
        RunError: Pango is missing, or the page refers to something outside itself.
    """
    with _uncollected():
        return _sheets(_document(page))


def print_pdf(page: str, *, as_of: date) -> Printed:
    """Lay out and write the PDF.

    Args:
        page: The finished HTML, everything embedded.
        as_of: Stands in the PDF as its date unless SOURCE_DATE_EPOCH says another, so that equal
            input gives equal bytes.

    Raises:
        RunError: Pango is missing, or the page refers to something outside itself.
    """
    with _dated(as_of), _uncollected():
        document = _document(page)
        data = document.write_pdf(pdf_variant=_VARIANT)
        sheets = _sheets(document)
    return Printed(sheets.pages, sheets.anchors, data)


def _document(page: str) -> Any:
    library = weasyprint()
    from weasyprint.urls import URLFetcher

    fetcher = URLFetcher(allowed_protocols=("data",), fail_on_errors=True)
    try:
        return library.HTML(string=page, url_fetcher=fetcher, base_url=None).render(
            pdf_variant=_VARIANT, optimize_images=False, presentational_hints=False
        )
    except library.urls.FatalURLFetchingError as error:
        raise RunError(f"the page asks for something outside itself ({error}); embed it") from None


def _sheets(document: Any) -> Sheets:
    anchors: dict[str, int] = {}
    for number, sheet in enumerate(document.pages, 1):
        for name in sheet.anchors:
            anchors.setdefault(name, number)
    return Sheets(len(document.pages), anchors)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the cycle collector: it would look again and again at boxes that are all still needed."""
    # An eighth of the time, for a few MB.
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@contextmanager
def _dated(as_of: date) -> Iterator[None]:
    given = os.environ.get(_EPOCH)
    if given is None:
        os.environ[_EPOCH] = str(int(datetime(as_of.year, as_of.month, as_of.day, tzinfo=UTC).timestamp()))
    try:
        yield
    finally:
        if given is None:
            del os.environ[_EPOCH]
