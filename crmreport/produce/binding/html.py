"""One HTML per language: nbconvert binds the executed chapters with the template in templates/report."""

from __future__ import annotations

import base64
import hashlib
import html as escaping
import re
from functools import cache
from pathlib import Path
from typing import Any, cast

import jinja2
import mistune
import nbformat
from markupsafe import Markup
from nbconvert.exporters import TemplateExporter
from nbconvert.preprocessors import Preprocessor
from traitlets import Unicode
from traitlets.config import Config

from crmreport.config import Language
from crmreport.errors import RunError
from crmreport.present import fonts
from crmreport.produce.binding.book import Book, BookChapter
from crmreport.produce.binding.outputs import cell_items
from crmreport.produce.binding.phrases import mark_headings, signs_kept

TEMPLATES = Path(__file__).resolve().parents[3] / "templates"
TEMPLATE = TEMPLATES / "report"
_LANGUAGE_TAGS = {"lang-ja": "ja", "lang-en": "en"}
# Prose of a chapter for one kind of result.
_ABOUT = "about-"
# Page numbers and counters are made while laying out and are in no text of the page.
_ALWAYS = "0123456789/.,:–−%+±…·•()[]" + "".join(map(chr, range(0x20, 0x7F)))
_SVG = re.compile(r'data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)"')
_GONE = re.compile(r"<(style|script)\b.*?</\1>|<[^>]*>", re.DOTALL)
_SAID = re.compile(r'\b(?:alt|aria-label|content|title|data-[a-z]+)="([^"]*)"')


_FIRST_HEADING = re.compile(r"\s*#{1,6}\s+(.+)\n?")
_CELL = re.compile(r'<(td|th scope="row")>([^<>]{1,18})</(td|th)>')
_SHORT = 18
_ROWS_ON_ONE_PAGE = 16


class KeepLanguage(Preprocessor):
    """Leave what a reader of one language sees: its prose, and its rendering of every output."""

    lang = Unicode()

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        lang = cast("Language", self.lang)
        cells = []
        opening: Any = None
        for cell in nb.cells:
            if cell.metadata.get("opens") is not None:
                opening = cell
                opening.metadata["heading"] = ""
                cells.append(cell)
            elif cell.cell_type == "markdown":
                tags = set(cell.metadata.get("tags", []))
                of = {_LANGUAGE_TAGS[t] for t in tags if t in _LANGUAGE_TAGS}
                known = opening is not None and opening.metadata["about"]
                beside = known and f"{_ABOUT}{known}" not in tags and any(t.startswith(_ABOUT) for t in tags)
                if "papermill-error-cell-tag" not in tags and (not of or self.lang in of) and not beside:
                    cell.metadata["how_to_read"] = "how-to-read" in tags
                    cells.append(cell)
            elif cell.cell_type == "code":
                shown = []
                for item in cell_items(cell):
                    if item.kind == "message" and opening is not None and not opening.metadata["heading"]:
                        opening.metadata["heading"] = item.html[lang]
                    else:
                        shown.append(_table(item.html[lang]) if item.kind == "table" else item.html[lang])
                cell.outputs = [nbformat.v4.new_output("display_data", {"text/html": part}) for part in shown]
                if shown:
                    cells.append(cell)
        nb.cells = cells
        return nb, resources


def _table(page: str) -> str:
    # A short table stays on one page; a long one may break, its head repeated.
    if page.count("<tr>") > _ROWS_ON_ONE_PAGE:
        page = page.replace('class="table"', 'class="table long"', 1)
    return _CELL.sub(_keep_short, page)


def _keep_short(found: re.Match[str]) -> str:
    # Japanese breaks between any two characters: a short cell would end up one character wide.
    width = sum(1 if ord(c) < 0x2E80 else 2 for c in escaping.unescape(found[2]))
    kept = ' class="short"' if width <= _SHORT else ""
    return f"<{found[1]}{kept}>{found[2]}</{found[3]}>"


class PlainIds(Preprocessor):
    """Give every heading of the prose a plain id, equal in both languages: ``<chapter>-<n>``."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        chapter, count = "", 0
        for cell in nb.cells:
            if (opens := cell.metadata.get("opens")) is not None:
                chapter, count = opens, 0
            elif cell.cell_type == "markdown":
                if cell.metadata.get("how_to_read"):
                    # Its own heading becomes the handle of the fold.
                    found = _FIRST_HEADING.match(cell.source)
                    cell["heading"] = found[1].strip() if found else ""
                    cell.source = cell.source[found.end() :] if found else cell.source
                cell["html"], count = prose(cell.source, slug=chapter.replace("_", "-"), count=count)
        return nb, resources


class _Headings(mistune.HTMLRenderer):
    def __init__(self, slug: str, count: int) -> None:
        super().__init__(escape=True, allow_harmful_protocols=False)
        self.slug, self.count = slug, count

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        self.count += 1
        level = min(max(level, 3), 4)
        return f'<h{level} id="{self.slug}-{self.count}">{text}</h{level}>\n'


def prose(source: str, *, slug: str, count: int = 0) -> tuple[Markup, int]:
    """Markdown to HTML with plain heading ids; raw HTML is shown as text.

    Examples:
        >>> prose("### 読み方", slug="rfm")[0]
        Markup('<h3 id="rfm-1">読み方</h3>\\n')
    """
    renderer = _Headings(slug, count)
    markdown = mistune.create_markdown(renderer=renderer, plugins=["table", "strikethrough"])
    return Markup(str(markdown(source))), renderer.count


class BookExporter(TemplateExporter):
    """nbconvert on the report template; nothing from the network, nothing inline but ours.

    Not HTMLExporter: that one parses the finished page again and writes it anew, script and all.
    """

    template_name = "report"
    file_extension = ".html"
    output_mimetype = "text/html"
    exclude_input = True

    @property
    def default_config(self) -> Config:
        return Config({"TemplateExporter": {"extra_template_basedirs": [str(TEMPLATES)]}})

    def _create_environment(self) -> jinja2.Environment:
        environment = super()._create_environment()
        # Client names, labels and file names come from outside: escaped unless marked as HTML.
        environment.autoescape = True
        environment.filters["raw"] = Markup
        return environment


def render(book: Book) -> str:
    """The whole report of one language as one HTML file.

    Raises:
        RunError: A character has no glyph in the report's typeface, or the page would ask a server.
    """
    exporter = _exporter()
    for kept in (KeepLanguage(lang=book.lang), PlainIds()):
        exporter.register_preprocessor(kept, enabled=True)
    style, script = _asset("style.css"), _asset("script.js")
    resources = {"book": book, "style": Markup(style), "script": Markup(script), "csp": policy(script)}
    try:
        page, _ = exporter.from_notebook_node(_bind(book.chapters), resources=resources)
    finally:
        exporter._preprocessors.clear()
    if book.lang == "ja":
        page = mark_headings(page)
    else:
        page = signs_kept(page)
    return embed_fonts(_tidy(page))


def embed_fonts(page: str) -> str:
    """Put the glyphs the page and its pictures use into the page."""
    # Marks the style sheet puts in front of things, and the running footer, are in no element's text.
    style = _asset("style.css")
    text = visible_text(page) + "".join({c for c in style if ord(c) > 0x7F})
    fonts.require_glyphs(text)
    fonts.require_glyphs(text, 700)
    drawn = "".join(_drawn_text(m[1]) for m in _SVG.finditer(page))
    wanted = "".join(sorted(set(text + drawn + _ALWAYS)))
    rules = fonts.font_face_css(wanted, 400) + fonts.font_face_css(wanted, 700)
    return page.replace("/*fonts*/", rules, 1)


def visible_text(page: str) -> str:
    """What a reader or a screen reader meets: text and spoken attributes."""
    said = " ".join(_SAID.findall(page))
    return escaping.unescape(_GONE.sub(" ", page) + " " + said)


def policy(script: str) -> str:
    """The page's Content-Security-Policy: nothing but itself; the one script by its hash."""
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return (
        "default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


@cache
def _exporter() -> BookExporter:
    return BookExporter()


@cache
def _asset(name: str) -> str:
    return _tidy((TEMPLATE / name).read_text(encoding="utf-8")).strip()


def _bind(chapters: list[BookChapter]) -> Any:
    """One notebook of all chapters; a marker cell opens each."""
    bound = nbformat.v4.new_notebook()
    for chapter in chapters:
        marker = nbformat.v4.new_markdown_cell(
            "", id=chapter.anchor, metadata={"opens": chapter.name, "about": chapter.about}
        )
        bound.cells.append(marker)
        for number, cell in enumerate(chapter.notebook.cells if chapter.notebook is not None else []):
            # Cell ids are unique in a chapter, not in a book.
            bound.cells.append(nbformat.from_dict({**cell, "id": f"{chapter.name[:50]}-{number}"}))
    return bound


def _tidy(page: str) -> str:
    lines = (line.rstrip() for line in page.splitlines())
    return "\n".join(line for line in lines if line) + "\n"


def _drawn_text(encoded: str) -> str:
    svg = base64.b64decode(encoded).decode("utf-8", errors="replace")
    return "".join(set(escaping.unescape(_GONE.sub("", svg))))


_REMOTE = re.compile(
    r"""(?:src|href|action|poster|srcset)\s*=\s*["']?\s*(?:https?:)?//|url\(\s*["']?(?:https?:)?//""", re.I
)
_LINK = re.compile(r'<a\b[^>]*\bhref="([^"]*)"')
_ID = re.compile(r'\bid="([^"]*)"')


def check(page: str, *, files: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    """Refuse a page that would ask a server, or whose links lead nowhere.

    Args:
        page: The finished HTML.
        files: Relative paths that may be linked.

    Raises:
        RunError: Names the first offence.
    """
    bare = re.sub(r"data:[a-z/+]+;base64,[A-Za-z0-9+/=]+", "data:", page)
    if found := _REMOTE.search(bare):
        around = bare[max(0, found.start() - 20) : found.end() + 60]
        raise RunError(f"the page asks a server ({around!r}); embed it instead")
    ids = _ID.findall(bare)
    if twice := next((i for i in ids if ids.count(i) > 1), None):
        raise RunError(f"two elements of the page share the id {twice!r}; give one another name")
    for target in _LINK.findall(bare):
        target = escaping.unescape(target)
        if target.startswith("#") and target[1:] not in ids:
            raise RunError(f"the link {target!r} leads nowhere; its chapter or table is missing")
        if not target.startswith("#") and target not in files:
            raise RunError(f"the link {target!r} names a file that is not delivered")
