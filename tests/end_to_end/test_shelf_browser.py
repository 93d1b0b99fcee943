"""The page of all reports in a real browser: from the disk, by keyboard, narrow, and without its script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from crmreport.produce.shelf.shelf import write_shelf
from crmreport.workspace import Workspace
from tests.end_to_end.browser import Opened, needs_browser
from tests.produce.shelves import write_report, write_shelf_of_all_kinds

pytestmark = needs_browser
PAGES = ("index.html", "index.en.html")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_shelf_of_all_kinds(tmp_path_factory.mktemp("shelf"))
    for number in range(20):
        for month in ("2026-08", "2026-09", "2026-10"):
            write_report(root, f"shop{number:02d}", month, revenue=1e6 * (number * 7 % 20 + 1))
    for month in range(1, 13):
        write_report(root, "shop00", f"2025-{month:02d}")
    return write_shelf(Workspace(root)).parent


class Shelf(Opened):
    """The page at one width."""

    def __init__(self, browser: Browser, path: Path, *, width: int = 1400, script: bool = True) -> None:
        super().__init__(
            browser,
            path.as_uri(),
            viewport={"width": width, "height": 900},
            java_script_enabled=script,
            timezone_id="Asia/Tokyo",
            reduced_motion="reduce",
        )

    @property
    def rows(self) -> list[str]:
        """Names of the rows in sight."""
        return [r.inner_text() for r in self.page.locator(".grid tbody tr:visible .name").all()]


@pytest.fixture
def opened(browser: Browser, reports: Path) -> Iterator[Shelf]:
    found = Shelf(browser, reports / "index.html")
    yield found
    found.close()


# Axe looks at the narrowest and the widest: it takes longer than all the rest.
@pytest.mark.parametrize(("width", "read"), [(360, True), (400, False), (1400, True)])
@pytest.mark.parametrize("name", PAGES)
def test_page_is_quiet_asks_nobody_never_scrolls_sideways_and_everybody_can_read_it(
    browser: Browser, reports: Path, name: str, width: int, read: bool
) -> None:
    opened = Shelf(browser, reports / name, width=width)
    page = opened.page
    page.wait_for_load_state("load")
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("innerWidth")
    for card in (False, True):
        if card:
            page.locator(".grid td[data-s=outdated] > button").first.click()
            box = page.locator(".card:popover-open").bounding_box()
            assert box
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        assert not read or opened.hindrances() == []
    assert opened.said == []
    assert [url for url in opened.asked if not url.startswith("data:")] == [opened.address]
    opened.close()


def test_a_report_opens_and_closes_by_keyboard(opened: Shelf) -> None:
    page = opened.page
    cell = page.get_by_role("button", name=re.compile("hanada商店 .*2026年10月")).first
    cell.focus()
    page.keyboard.press("Enter")
    card = page.locator(".card:popover-open")
    assert card.locator("dd").all_inner_texts() == ["10.0百万円", "2,389", "3,262", "9,766円", "370", "89.0%"]
    page.keyboard.press("Tab")
    focused = "document.activeElement.getAttribute('href')"
    assert page.evaluate(focused) == "hanada/2026-10/assessment.ja.html"
    page.keyboard.press("Escape")
    assert card.count() == 0
    expect(cell).to_be_focused()


def test_what_failed_says_why_and_what_stands(opened: Shelf) -> None:
    page = opened.page
    page.locator("table.attention").get_by_role("button", name=re.compile("aoba商店 .*2026年9月")).click()
    card = page.locator(".card:popover-open")
    assert "line 7 has 3 fields of 9; mend the file" in card.inner_text()
    card.get_by_role("link", name="HTML (English)").click()
    assert page.url.endswith("aoba/2026-09/assessment.en.html")


@pytest.mark.parametrize(
    ("typed", "rows"),
    [
        pytest.param("aoba", 2, id="by name"),
        pytest.param("ＳＨＯＰ１", 10, id="full-width letters"),
        pytest.param("四半期", 1, id="by title of the report"),
        pytest.param("nobody", 0, id="nothing found"),
    ],
)
def test_the_field_keeps_the_rows_of_a_client(opened: Shelf, typed: str, rows: int) -> None:
    opened.page.get_by_role("searchbox").focus()
    opened.page.keyboard.insert_text(typed)
    assert len(opened.rows) == rows
    total = opened.page.locator(".grid tbody tr").count()
    said = f"{rows} / {total}" if rows else "該当する報告書はありません"
    assert opened.page.locator(".controls output").inner_text() == said


def test_a_status_keeps_its_reports_by_keyboard(opened: Shelf) -> None:
    page = opened.page
    page.get_by_role("radio", name="すべて").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("radio", name="作成失敗 1").is_checked()
    assert opened.rows == ["newcomer"]
    page.get_by_role("radio", name="更新失敗 2").check()
    assert len(opened.rows) == 2
    assert page.locator(".grid td[data-s] > button:visible").count() == 2
    page.get_by_role("radio", name="すべて").check()
    assert len(opened.rows) > 20


def test_rows_sort_by_client_and_by_a_months_figure(opened: Shelf) -> None:
    page = opened.page
    table = page.locator(".grid table").first
    figures = "t => [...t.tBodies[0].rows].map(r => r.cells[2].dataset.v ?? null)"
    head = table.locator("thead th[data-by='0']")
    for order, sign in (("descending", -1), ("ascending", 1)):
        head.locator("button").focus()
        page.keyboard.press("Enter")
        assert head.get_attribute("aria-sort") == order
        seen = table.evaluate(figures)
        values = [float(v) for v in seen if v is not None]
        assert values == sorted(values, key=lambda v: sign * v)
        assert seen[len(values) :] == [None] * (len(seen) - len(values))
    client = table.locator("thead th[data-by='client']")
    client.locator("button").click()
    assert client.get_attribute("aria-sort") == "ascending"
    assert table.locator("th[aria-sort]").count() == 1


def test_the_client_and_the_month_stay_in_sight(browser: Browser, reports: Path) -> None:
    opened = Shelf(browser, reports / "index.html", width=400)
    grid = opened.page.locator(".grid").first
    name, month = grid.locator("tbody th").nth(8), grid.locator("thead th[data-by='5']")
    before = name.bounding_box()
    grid.evaluate("g => g.scrollTo(200, 200)")
    after, head, box = name.bounding_box(), month.bounding_box(), grid.bounding_box()
    assert before
    assert after
    assert head
    assert box
    assert (after["x"], after["y"]) == (before["x"], before["y"] - 200)
    assert head["y"] < box["y"] + 80
    opened.close()


def test_times_are_told_in_the_readers_zone_with_their_age(opened: Shelf) -> None:
    said = opened.page.locator("table.attention time").first.inner_text()
    assert re.fullmatch(r"2026-11-02 15:00（.+）", said)


def test_nothing_is_missing_without_the_script(browser: Browser, reports: Path) -> None:
    opened = Shelf(browser, reports / "index.html", script=False)
    page = opened.page
    assert not page.locator(".controls").is_visible()
    assert "2026-11-02 06:00 UTC" in page.locator("table.attention").inner_text()
    page.locator(".grid td > button:has(.face)").first.click()
    card = page.locator(".card:popover-open")
    assert card.locator("dd").count() == 6
    card.get_by_role("link", name="すべてのファイル").click()
    assert page.url.endswith("/index.html")
    assert page.url != opened.address
    opened.close()


def test_the_languages_lead_to_each_other(opened: Shelf) -> None:
    page = opened.page
    page.get_by_role("link", name="English", exact=True).click()
    assert page.url.endswith("/index.en.html")
    assert page.evaluate("document.documentElement.lang") == "en"
    page.get_by_role("link", name="日本語", exact=True).click()
    assert page.url == opened.address
