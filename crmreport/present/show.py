"""What a cell shows: every thing in every language of the report, from one computation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crmreport.present.chart import Chart
from crmreport.present.finding import Finding
from crmreport.present.message import Message, Note
from crmreport.present.style import Style
from crmreport.present.table import Table
from crmreport.present.words import Words

MIME = "application/vnd.crmreport.v1+json"
Thing = Message | Note | Chart | Table | Finding

# Enough to read a cell in JupyterLab; the report has its own theme.
_SCREEN = """<style>
.crm figure { margin: 1em 0; max-width: 52em }
.crm img { max-width: 100% }
.crm .title { font-weight: 700; display: block }
.crm .subtitle, .crm .note, .crm .method { color: #57606a; font-size: .85em }
.crm td.num, .crm th.num { text-align: right; font-variant-numeric: tabular-nums }
.crm caption { text-align: left; font-weight: 700 }
.crm aside { border-left: 4px solid #8c959f; padding: .2em 1em; margin: 1em 0 }
</style>"""


@dataclass(frozen=True)
class Shown:
    """The last value of a cell; Jupyter shows the first language, the book takes what it needs.

    Args:
        things: What to show, in order.
        words: One per language, the reader's first.
        style: The client's colours.
    """

    things: Sequence[Thing]
    words: Sequence[Words]
    style: Style

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        items = [self._item(thing) for thing in self.things]
        first = self.words[0].lang
        page = "".join(item["html"][first] for item in items)
        return {
            "text/html": f'{_SCREEN}<div class="crm" lang="{first}">{page}</div>',
            "text/plain": re.sub(r"<[^>]+>", " ", page)[:200],
            MIME: {"items": items},
        }

    def _item(self, thing: Thing) -> dict[str, Any]:
        kind = type(thing).__name__.lower()
        item: dict[str, Any] = {"kind": kind, "id": getattr(thing, "id", None)}
        match thing:
            case Chart():
                item["html"] = {w.lang: thing.html(w, self.style) for w in self.words}
                return item
            case Table():
                item["csv"] = thing.csv()
                item["key"] = list(thing.row_key)
                item["spec"] = {w.lang: thing.spec(w) for w in self.words}
            case Finding():
                item["finding"] = thing.record()
                item["text"] = {w.lang: thing.text(w) for w in self.words}
            case Message():
                item["text"] = {w.lang: w.say(thing.text) for w in self.words}
                item["about"] = thing.about
                item["method"] = {w.lang: w.say(thing.method) for w in self.words}
            case Note():
                item["text"] = {w.lang: w.say(thing.text) for w in self.words}
        item["html"] = {w.lang: thing.html(w) for w in self.words}
        return item
