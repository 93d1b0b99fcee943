"""The PDF: the same HTML laid out on A4 by WeasyPrint, tagged, with real fonts and nothing fetched."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from crmreport.errors import RunError

_EPOCH = "SOURCE_DATE_EPOCH"
_NO_PANGO = (
    "WeasyPrint cannot load Pango, so no PDF can be made; install it: Debian/Ubuntu "
    "'apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0', macOS 'brew install pango', "
    "conda 'conda install -c conda-forge pango'"
)


@dataclass(frozen=True, slots=True)
class Printed:
    """A finished PDF.

    Args:
        data: The file.
        pages: Number of pages.
        anchors: Id of an element → page it begins on, from 1.
    """

    data: bytes
    pages: int
    anchors: dict[str, int]

    def pages_between(self, first: str, after: str) -> int:
        """Pages from the element ``first`` up to where ``after`` begins on a page of its own."""
        return self.anchors[after] - self.anchors[first]


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


def print_pdf(page: str, *, as_of: date) -> Printed:
    """Lay out and write the PDF.

    Args:
        page: The finished HTML, everything embedded.
        as_of: Stands in the PDF as its date unless SOURCE_DATE_EPOCH says another, so that equal
            input gives equal bytes.

    Raises:
        RunError: Pango is missing, or the page refers to something outside itself.
    """
    library = weasyprint()
    from weasyprint.urls import URLFetcher

    fetcher = URLFetcher(allowed_protocols=("data",), fail_on_errors=True)
    with _dated(as_of):
        try:
            document = library.HTML(string=page, url_fetcher=fetcher, base_url=None).render(
                pdf_variant="pdf/ua-1", optimize_images=False, presentational_hints=False
            )
            data = document.write_pdf(pdf_variant="pdf/ua-1")
        except library.urls.FatalURLFetchingError as error:
            raise RunError(f"the page asks for something outside itself ({error}); embed it") from None
    anchors: dict[str, int] = {}
    for number, sheet in enumerate(document.pages, 1):
        for name in sheet.anchors:
            anchors.setdefault(name, number)
    return Printed(data, len(document.pages), anchors)


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
