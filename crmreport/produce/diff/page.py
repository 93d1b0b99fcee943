"""A difference as one HTML file that needs nothing from outside."""

from __future__ import annotations

from crmreport.config import Language
from crmreport.produce.binding import page
from crmreport.produce.diff.compare import Diff
from crmreport.produce.diff.words import view

_ACCENT = "#8a1c4a"
_CELLS = 12
"""Values shown per table; --json has all."""


def diff_page(diff: Diff, lang: Language) -> str:
    """The page, typeface included."""
    return page.embed(
        page.render(
            "diff/index.html.j2",
            style="diff/style.css",
            lang=lang,
            accent=diff.b.record.get("accent", _ACCENT),
            view=view(diff, lang, most_cells=_CELLS),
        )
    )
