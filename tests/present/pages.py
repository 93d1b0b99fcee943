"""What a page of charts, tables and notes says, as a reader meets it."""

from __future__ import annotations

import re
from typing import Any

from crmreport.present import Chart, Words


def written(things: list[Any], words: Words) -> str:
    """All words of a page, of its pictures those around them."""
    parts = []
    for thing in things:
        if isinstance(thing, Chart):
            parts += [words.say(t) for t in (thing.title, thing.subtitle, thing.note, thing.alt)]
        else:
            parts.append(re.sub(r"<[^>]+>", " ", thing.html(words)))
    return " ".join(parts)
