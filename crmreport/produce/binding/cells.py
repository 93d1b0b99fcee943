"""Cells that are safe to open: text is never a formula, in CSV as in Excel."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
# The full-width forms are formulas to a Japanese Excel.
_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_XML = re.compile(r"[\ud800-\udfff\ufffe\uffff]")


def clean(text: str) -> str:
    """Text without control characters and half characters; tabs and line ends become spaces.

    Examples:
        >>> clean("a\\x00b\\r\\nc")
        'ab c'
    """
    text = _XML.sub("", _CONTROL.sub("", text))
    return re.sub(r"[\t\r\n]+", " ", text)


def csv_text(text: str) -> str:
    """A CSV field that a spreadsheet shows and never computes.

    A text that begins like a formula gets an apostrophe in front; a number stays a number.

    Examples:
        >>> csv_text("=1+1"), csv_text("-12.5"), csv_text("東京都")
        ("'=1+1", '-12.5', '東京都')
    """
    # Judged as it will stand in the file: what is taken out must not uncover a formula.
    text = clean(text)
    risky = text.lstrip().startswith(_STARTS)
    return f"'{text}" if risky and not _NUMBER.fullmatch(text) else text


def sheet_name(wanted: str, taken: set[str]) -> str:
    """A sheet name Excel accepts: at most 31 characters, none of ``[]:*?/\\``, no other of that name.

    Examples:
        >>> sheet_name("rfm.segments[all]", set())
        'rfm.segments(all)'
        >>> sheet_name("a" * 40, {"a" * 31})
        'aaaaaaaaaaaaaaaaaaaaaaaaaaaaa~2'
    """
    name = clean(wanted).translate(str.maketrans("[]:*?/\\", "()-- --")).strip("' ") or "sheet"
    if name.casefold() == "history":
        name = "history-"
    candidate, number = name[:31], 1
    used = {t.casefold() for t in taken}
    while candidate.casefold() in used:
        number += 1
        end = f"~{number}"
        candidate = name[: 31 - len(end)] + end
    return candidate
