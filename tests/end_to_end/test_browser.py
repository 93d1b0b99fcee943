"""The delivered HTML in a real browser: quiet, self-contained, usable by keyboard, narrow and wide."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.end_to_end.browser import Opened, needs_browser
from tests.end_to_end.conftest import DemoReport

pytestmark = [pytest.mark.slow, needs_browser]
REPORTS = ["assessment.ja.html", "assessment.en.html"]
PAGES = [*REPORTS, "index.html", "index.en.html"]


def _open(browser: Browser, demo: DemoReport, name: str, width: int) -> Iterator[Opened]:
    found = Opened(browser, (demo.folder / name).as_uri(), viewport={"width": width, "height": 900})
    yield found
    found.close()


@pytest.fixture
def opened(browser: Browser, demo: DemoReport, request: pytest.FixtureRequest) -> Iterator[Opened]:
    """A page to work with."""
    yield from _open(browser, demo, *request.param)


@pytest.fixture(scope="module")
def shown(browser: Browser, demo: DemoReport, request: pytest.FixtureRequest) -> Iterator[Opened]:
    """A page to look at only, opened once for all who look."""
    yield from _open(browser, demo, *request.param)


def at(names: list[str], *widths: int, page: str = "opened") -> Any:
    cases = [(name, width) for name in names for width in widths]
    return pytest.mark.parametrize(page, cases, ids=[f"{n} {w}px" for n, w in cases], indirect=True)


@at(PAGES, 360, 1440, page="shown")
def test_page_is_quiet_asks_nobody_and_never_scrolls_sideways(shown: Opened) -> None:
    shown.page.wait_for_load_state("load")
    assert shown.said == []
    assert [url for url in shown.asked if not url.startswith("data:")] == [shown.address]
    assert shown.run("document.documentElement.scrollWidth") <= shown.run("innerWidth")


@at(PAGES, 360, 1440, page="shown")
def test_accessibility_rules_hold(shown: Opened) -> None:
    assert shown.hindrances() == []


@at(REPORTS, 1440, page="shown")
def test_language_is_set_and_headings_are_in_order(shown: Opened) -> None:
    assert shown.run("document.documentElement.lang") == shown.address.split(".")[-2]
    levels = shown.run("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@at(REPORTS, 1440, page="shown")
def test_text_is_drawn_with_the_embedded_face(shown: Opened) -> None:
    # Faces of the machine would hide glyphs the page does not carry.
    session = shown.page.context.new_cdp_session(shown.page)
    session.send("DOM.enable")
    session.send("CSS.enable")
    root = session.send("DOM.getDocument", {"depth": 0})["root"]["nodeId"]
    marked = "h1, h2, h3, caption, td, th, .prose p, .what, .do-what, .note, .kpi-value, .toc-title"
    nodes = session.send("DOM.querySelectorAll", {"nodeId": root, "selector": marked})["nodeIds"]
    assert nodes
    for node in nodes:
        for font in session.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]:
            assert font["isCustomFont"], (font, session.send("DOM.getOuterHTML", {"nodeId": node}))


@at(REPORTS, 360, 1440)
def test_every_figure_enlarges_and_closes_by_keyboard(opened: Opened) -> None:
    figures = opened.page.locator("figure.chart button.zoom")
    assert figures.count() == opened.page.locator("figure.chart img").count() > 0
    for figure in figures.all():
        before = figure.locator("img").bounding_box()
        figure.focus()
        opened.page.keyboard.press("Enter")
        large = opened.page.locator("dialog[open] img")
        assert large.get_attribute("alt") == figure.locator("img").get_attribute("alt")
        box = large.bounding_box()
        assert before
        assert box
        assert box["width"] * box["height"] > before["width"] * before["height"] * 0.9
        opened.page.keyboard.press("Escape")
        assert opened.page.locator("dialog[open]").count() == 0


COLUMN = "(t, i) => [...t.tBodies[0].rows].map(r => r.cells[i].dataset.sort ?? r.cells[i].textContent)"


@at(REPORTS, 1440)
def test_tables_sort_by_keyboard_and_keep_their_totals(opened: Opened) -> None:
    table = opened.page.locator("#tab-decile-table table, figure.table table:has(tfoot)").first
    total = table.locator("tfoot").inner_text()
    numeric = table.locator("thead th").evaluate_all(
        "heads => heads.findIndex((h, i) => i && h.classList.contains('num'))"
    )
    for direction in ("ascending", "descending"):
        head = table.locator("thead th").nth(numeric)
        head.locator("button.sort").focus()
        opened.page.keyboard.press("Enter")
        assert head.get_attribute("aria-sort") == direction
        assert table.locator("th[aria-sort]").count() == 1
        values = [float(v) for v in table.evaluate(COLUMN, numeric) if v != "–"]
        assert values == sorted(values, reverse=direction == "descending")
    assert table.locator("tfoot").inner_text() == total


@at(REPORTS, 1440)
def test_text_columns_sort_by_keyboard(opened: Opened) -> None:
    lang = opened.address.split(".")[-2]
    head = opened.page.locator("figure.table thead th:first-child:not(.num):has(button.sort)").first
    head.locator("button").focus()
    opened.page.keyboard.press("Space")
    assert head.get_attribute("aria-sort") == "ascending"
    names = head.evaluate("h => [...h.closest('table').tBodies[0].rows].map(r => r.cells[0].textContent)")
    in_order = opened.run(
        "([names, lang]) => [...names].sort((a, b) => a.localeCompare(b, lang, {numeric: true}))",
        [names, lang],
    )
    assert names == in_order


@at(REPORTS, 360, 1440)
def test_long_tables_and_only_they_have_a_filter(opened: Opened) -> None:
    long = opened.run(
        "[...document.querySelectorAll('figure.table table')]."
        "filter(t => t.tBodies[0].rows.length > 8).length"
    )
    fields = opened.page.locator(".filter input")
    assert fields.count() == long > 0
    figure = opened.page.locator("figure.table:has(.filter)").first
    rows = figure.locator("tbody tr")
    wanted = rows.nth(2).locator("th").inner_text().strip()
    figure.locator(".filter input").focus()
    opened.page.keyboard.insert_text(wanted.upper())
    kept = [row.inner_text() for row in rows.all() if row.is_visible()]
    assert 0 < len(kept) < rows.count()
    assert all(wanted in text for text in kept)
    assert figure.locator("output").inner_text() == f"{len(kept)} / {rows.count()}"
    # Paper shows the whole table again.
    opened.page.emulate_media(media="print")
    assert all(row.is_visible() for row in rows.all())
    assert not figure.locator(".filter").is_visible()


@at(REPORTS, 1440)
def test_on_paper_how_to_read_stands_open(opened: Opened) -> None:
    folds = opened.page.locator("details.how")
    assert folds.count() > 0
    assert not any(f.locator("div").first.is_visible() for f in folds.all())
    opened.run("dispatchEvent(new Event('beforeprint'))")
    opened.page.emulate_media(media="print")
    assert all(f.locator("div").first.is_visible() for f in folds.all())
