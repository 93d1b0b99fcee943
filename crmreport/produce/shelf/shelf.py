"""The shelf, reports/index.html: every report of every client, how it stands and where it is."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crmreport.config import Language
from crmreport.present.style import DEFAULT_ACCENT
from crmreport.present.words import LANGUAGES, labels
from crmreport.produce.binding import page
from crmreport.produce.binding.contents import contents_names
from crmreport.produce.shelf.cells import Link, ShelfWords
from crmreport.produce.shelf.grid import Grid, grids_of
from crmreport.produce.shelf.standing import STATUSES, read_standings
from crmreport.produce.shelf.unusable import Unusable, unusable_clients
from crmreport.whole_file import write_whole
from crmreport.workspace import Workspace

_MOST_ATTENTION = 20


def write_shelf(workspace: Workspace) -> Path:
    """Make reports/index.html anew, and index.<lang>.html beside it.

    What stands on it is read from the run.json of every report and from the last attempts; a folder
    whose record cannot be read stands on it as unreadable. Above them stand the clients whose client.yml
    is refused: nobody tried their reports, so nothing else tells.

    Returns:
        Path of index.html.
    """
    names = contents_names(LANGUAGES)
    unusable = unusable_clients(workspace)
    with _collector_at_rest():
        grids = grids_of(read_standings(workspace))
        texts: dict[Language, str] = {lang: _page(lang, grids, unusable, names) for lang in LANGUAGES}
    # One set of glyphs for both pages: cutting the face takes as long as writing one.
    rules = page.face_rules("".join(texts.values()))
    workspace.reports.mkdir(parents=True, exist_ok=True)
    for lang, text in texts.items():
        write_whole(workspace.reports / names[lang], text.replace("/*fonts*/", rules, 1))
    return workspace.reports / names[LANGUAGES[0]]


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    # Thousands of small objects that all stay: looking for cycles among them takes a third of the time.
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _page(
    lang: Language, grids: Sequence[Grid], unusable: Sequence[Unusable], names: Mapping[Language, str]
) -> str:
    words = ShelfWords(lang)
    shown = [words.grid(grid, number) for number, grid in enumerate(grids)]
    rows = [row for grid in shown for row in grid.rows]
    cells = [cell for row in rows for cell in row.cells if cell]
    urgent = [cell for cell in cells if cell.status not in ("complete", "missing")]
    urgent.sort(key=lambda cell: STATUSES.index(cell.status))
    tally = Counter(cell.status for cell in cells)
    made = sum(tally[status] for status in ("complete", "outdated", "partial", "unreadable"))
    clients = len({row.client for grid in grids for row in grid.rows})
    left = len(urgent) - _MOST_ATTENTION
    leading = {cell.kpis[0][0] for cell in cells if cell.kpis and cell.value is not None}
    accents = {row.accent for row in rows}
    case, n = "attention", len(urgent)
    if unusable:
        case, n = "clients", len(unusable) + len(urgent)
    elif not urgent:
        case, n = ("missing" if tally["missing"] else "good" if cells else "none"), tally["missing"]
    return page.render(
        "shelf/index.html.j2",
        style="shelf/style.css",
        script="shelf/script.js",
        lang=lang,
        L=_tree(lang),
        accent=accents.pop() if len(accents) == 1 else DEFAULT_ACCENT,
        headline=words.say(f"headline.{case}", n=n),
        counts=words.say("counts", clients=clients, reports=made) if cells else "",
        begin=words.say("how_to_begin"),
        other_languages=[
            Link(labels(other)["book.index.language"], names[other], other)
            for other in LANGUAGES
            if other != lang
        ],
        unusable=unusable[:_MOST_ATTENTION],
        unusable_left=words.say("more", n=len(unusable) - _MOST_ATTENTION)
        if len(unusable) > _MOST_ATTENTION
        else "",
        attention=urgent[:_MOST_ATTENTION],
        attention_left=words.say("more", n=left) if left > 0 else "",
        tally=[(status, words.number(tally[status])) for status in STATUSES if tally[status]],
        shows=words.say("shows", kpi=leading.pop()) if len(leading) == 1 else "",
        grids=shown,
    )


def _tree(lang: Language) -> dict[str, Any]:
    """The labels of the shelf, nested; a page has thousands of cells and looks them up plainly."""
    tree: dict[str, Any] = {}
    for key, text in labels(lang).items():
        area, *path = key.split(".")
        if area == "shelf":
            at = tree
            for part in path[:-1]:
                at = at.setdefault(part, {})
            at[path[-1]] = text
    return tree
