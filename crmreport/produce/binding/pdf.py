"""The PDF: the same HTML laid out on A4 by WeasyPrint, tagged, with real fonts and nothing fetched."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from crmreport.errors import RunError

_EPOCH = "SOURCE_DATE_EPOCH"
_VARIANT = "pdf/ua-1"
_EMBEDDED = re.compile(r"data:([a-z]+/[a-z0-9.+-]+);base64,([A-Za-z0-9+/=]+)")
_CARRIED = "carried"
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
    with _dated(as_of):
        document = _document(page)
        data = document.write_pdf(pdf_variant=_VARIANT)
        sheets = _sheets(document)
    return Printed(sheets.pages, sheets.anchors, data)


def _document(page: str) -> Any:
    library = weasyprint()
    bare, carried = _unpacked(page)
    try:
        return library.HTML(string=bare, url_fetcher=_fetcher(carried), base_url=None).render(
            pdf_variant=_VARIANT, optimize_images=False, presentational_hints=False
        )
    except library.urls.FatalURLFetchingError as error:
        raise RunError(f"the page asks for something outside itself ({error}); embed it") from None


def _unpacked(page: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The page with a short name where a font or a picture is embedded, and those: media type, bytes.

    Fonts and pictures are nine tenths of a page, and the parsers of CSS and HTML read text letter by letter.
    """
    carried: list[tuple[str, bytes]] = []

    def take(found: re.Match[str]) -> str:
        carried.append((found[1], base64.b64decode(found[2])))
        return f"{_CARRIED}:{len(carried) - 1}"

    return _EMBEDDED.sub(take, page), carried


def _fetcher(carried: list[tuple[str, bytes]]) -> Any:
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class Carried(URLFetcher):
        """Gives out what the page carries, and nothing else."""

        def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
            scheme, _, number = url.partition(":")
            if scheme != _CARRIED:
                return super().fetch(url, headers)
            media, data = carried[int(number)]
            return URLFetcherResponse(url, data, {"Content-Type": media})

    return Carried(allowed_protocols=("data",), fail_on_errors=True)


def _sheets(document: Any) -> Sheets:
    anchors: dict[str, int] = {}
    for number, sheet in enumerate(document.pages, 1):
        for name in sheet.anchors:
            anchors.setdefault(name, number)
    return Sheets(len(document.pages), anchors)


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
