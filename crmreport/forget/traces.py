"""Files that should hold no customer's id: is a text in them one all the same?"""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path

from crmreport.forget.whom import Whom
from crmreport.intake.forgotten import one_form

_SHORTEST = 5
"""A shorter id is like any number; a longer one may still be, and a person has to look."""
_TEXTS = (".html", ".ipynb", ".json", ".csv", ".tsv", ".txt", ".md", ".yml", ".svg")
_DATA = re.compile(r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=]*")
_WORD = re.compile(r"[\w@+-]+(?:\.[\w@+-]+)*")


def holds(path: Path, whom: Whom) -> bool:
    """Whether a word of a text file, or of a workbook's texts, is an id of theirs.

    A PDF is printed from the page beside it, whose words are the same: what the page holds, it holds.
    """
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        from crmreport.forget.rows import strings

        return any(_long(text) and text in whom for text in strings(path.read_bytes()))
    if suffix == ".pdf":
        page = path.with_suffix(".html")
        return page.is_file() and holds(page, whom)
    if suffix not in _TEXTS:
        return False
    text = path.read_text(encoding="utf-8", errors="replace")
    if suffix == ".ipynb":
        text = _spoken(text)
    words = set(_WORD.findall(_DATA.sub(" ", text)))
    return any(_long(word) and word in whom for word in words) or _spelled_out(text, whom)


def _spelled_out(text: str, whom: Whom) -> bool:
    """Ids that are no word, such as ``A/17 #3``; only those of the request are known as they are written."""
    odd = [each for each in whom.ids if _long(each) and not _WORD.fullmatch(each)]
    return any(form in text for each in odd for form in (each, escape(each)))


def _long(text: str) -> bool:
    # 120.0 may be the customer 120, and is a number on most pages.
    return len(text) >= _SHORTEST and len(one_form(text)) >= _SHORTEST


def _spoken(notebook: str) -> str:
    """A notebook's texts without its pictures, as they are read."""
    try:
        cells = json.loads(notebook)["cells"]
    except (ValueError, KeyError, TypeError):
        return notebook
    said: list[str] = []

    def walk(value: object) -> None:
        if isinstance(value, dict):
            for name, item in value.items():
                if not str(name).startswith("image/"):
                    walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)
        elif isinstance(value, str):
            said.append(value)

    walk(cells)
    return "\n".join(said)
