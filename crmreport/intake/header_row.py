"""The headers of one file: none twice, and found however they are spelt."""

from __future__ import annotations

import difflib
import unicodedata

from crmreport.errors import DataError


def same_header(header: str) -> str:
    """What makes two headers the same: width, case and spaces around do not matter.

    Examples:
        >>> same_header(" 会員ＩＤ ") == same_header("会員ID")
        True
    """
    return unicodedata.normalize("NFKC", header).strip().lower()


def check_headers(headers: list[str], name: str) -> list[str]:
    """Headers as names of columns; empty ones get a number, doubled ones are refused.

    Raises:
        DataError: A header stands twice.
    """
    seen: dict[str, int] = {}
    for position, header in enumerate(headers, start=1):
        text = header.strip()
        if text in seen:
            raise DataError(
                f"{name}: header {text!r} stands twice (columns {seen[text]} and {position}); "
                "rename one of them"
            )
        if text:
            seen[text] = position
    return [header.strip() or f"(column {position})" for position, header in enumerate(headers, start=1)]


def find_header(wanted: str, headers: list[str], name: str) -> str:
    """The file's own spelling of a mapped header.

    Raises:
        DataError: It is not there; the message has the nearest one.
    """
    if wanted in headers:
        return wanted
    same = {same_header(h): h for h in headers}
    if found := same.get(same_header(wanted)):
        return found
    near = difflib.get_close_matches(same_header(wanted), list(same), n=1, cutoff=0.5)
    hint = (
        f"did you mean {same[near[0]]!r}?" if near else f"the file has {', '.join(map(repr, headers[:12]))}"
    )
    raise DataError(f"{name}: no column {wanted!r}; {hint}")
