"""Secrets out of everything that is said: error lines, the journal, JSON."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from urllib.parse import unquote

_SHORTEST = 4
"""Shorter parts of an address, such as a port, tell nothing and stand in every text."""


class Secrets:
    """Texts that must not be shown, in the forms in which a server may send them back.

    Examples:
        >>> Secrets(["hunter2"]).hide("535 hunter2 is wrong")
        '535 *** is wrong'
        >>> Secrets(["json://me:hunter2@host/token-1234"]).hide("no such path: token-1234 of me")
        'no such path: *** of me'
    """

    def __init__(self, values: Iterable[str]) -> None:
        forms: set[str] = set()
        for value in filter(None, values):
            parts = re.split(r"[/:@?&=]+", value) if "://" in value else [value]
            for part in (value, *parts, *map(unquote, parts)):
                if len(part) >= _SHORTEST or part == value:
                    forms |= {part, base64.b64encode(part.encode()).decode()}
        self._forms = sorted(forms, key=len, reverse=True)

    def hide(self, text: str) -> str:
        """The text without them, on one line of printable characters."""
        for form in self._forms:
            text = text.replace(form, "***")
        line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return line if len(line) <= 200 else line[:199] + "…"
