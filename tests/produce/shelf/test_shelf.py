"""The shelf: how every report stands, told from what is on the disk."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

from crmreport.produce.batch import _shelf_is_behind
from crmreport.produce.shelf.grid import grids_of
from crmreport.produce.shelf.shelf import write_shelf
from crmreport.produce.shelf.standing import Standing, read_standings
from crmreport.workspace import Workspace
from tests.produce.shelves import HOSTILE, tried, write_report, write_shelf_of_all_kinds

PAGES = ("index.html", "index.en.html")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "clients").mkdir()
    return tmp_path


@pytest.fixture
def full(tmp_path: Path) -> Path:
    write_shelf_of_all_kinds(tmp_path)
    write_shelf(Workspace(tmp_path))
    return tmp_path


def stands(root: Path) -> Standing:
    (found,) = read_standings(Workspace(root))
    return found


def complete(root: Path) -> None:
    write_report(root, "shop", "2026-10")


def both(root: Path) -> None:
    complete(root)
    write_report(root, "shop", "2026-10", partial=True, beside=True)


def broken(text: bytes) -> Callable[[Path], None]:
    def write(root: Path) -> None:
        folder = root / "reports" / "shop" / "2026-10"
        folder.mkdir(parents=True)
        (folder / "run.json").write_bytes(text)

    return write


@pytest.mark.parametrize(
    ("made", "last", "status", "trouble"),
    [
        pytest.param(complete, None, "complete", "", id="made before attempts were kept"),
        pytest.param(complete, "complete", "complete", "", id="made, and nothing since"),
        pytest.param(
            complete, "failed", "outdated", "no such file", id="the last run failed, an older one stands"
        ),
        pytest.param(complete, "stopped", "outdated", "no such file", id="the last run was stopped"),
        pytest.param(
            both,
            None,
            "outdated",
            "decile: cell 'table': ValueError: no deciles",
            id="a partial one beside it",
        ),
        pytest.param(both, "complete", "complete", "", id="the partial one is of an earlier attempt"),
        pytest.param(
            lambda root: write_report(root, "shop", "2026-10", partial=True),
            None,
            "partial",
            "decile: cell 'table': ValueError: no deciles",
            id="only a partial one",
        ),
        pytest.param(lambda root: None, "failed", "failed", "no such file", id="never made"),
        pytest.param(lambda root: None, "complete", "missing", "", id="made, then removed by hand"),
        pytest.param(
            broken(b'{"schema": 1, "st'), None, "unreadable", "run.json: Invalid JSON", id="cut off"
        ),
        pytest.param(broken(b"\xff\xfe"), None, "unreadable", "run.json: Invalid JSON", id="not text"),
        pytest.param(broken(b"[]"), None, "unreadable", "run.json: Input should be", id="not a record"),
        pytest.param(
            broken(b'{"schema": 2}'), None, "unreadable", "run.json: schema", id="of another schema"
        ),
        pytest.param(
            lambda root: (root / "reports/shop/2026-10").mkdir(parents=True),
            None,
            "unreadable",
            "run.json: No such file",
            id="a folder without a record",
        ),
    ],
)
def test_how_a_report_stands(
    root: Path, made: Callable[[Path], object], last: str | None, status: str, trouble: str
) -> None:
    made(root)
    if last:
        tried(root, "shop", "2026-10", last, error="" if last == "complete" else "no such file")
    found = stands(root)
    assert (found.client, found.report, found.period, found.status) == (
        "shop",
        "assessment",
        "2026-10",
        status,
    )
    assert found.trouble.startswith(trouble)
    assert bool(found.trouble) == bool(trouble)


def test_the_partial_report_beside_a_complete_one_is_offered_until_a_run_completes(root: Path) -> None:
    both(root)
    assert stands(root).partial == ".partial/shop/2026-10"
    tried(root, "shop", "2026-10")
    assert stands(root).partial == ""


def test_other_reports_of_a_month_stand_in_rows_of_their_own(root: Path) -> None:
    write_report(root, "shop", "2026-10")
    write_report(root, "shop", "2026-10", report="monthly")
    (grid,) = grids_of(read_standings(Workspace(root)))
    assert [(row.client, row.report) for row in grid.rows] == [("shop", "assessment"), ("shop", "monthly")]


def test_folders_that_are_no_reports_are_passed_over(root: Path) -> None:
    complete(root)
    for name in (".cache/shop", ".staging/x", "shop/notes", "shop/2026-13", "empty"):
        (root / "reports" / name).mkdir(parents=True)
    (root / "reports" / "README.md").write_text("hello")
    assert stands(root).status == "complete"


def row(*periods: str, client: str = "a") -> list[Standing]:
    return [Standing(client, "assessment", period, "complete") for period in periods]


@pytest.mark.parametrize(
    ("standings", "columns", "missing"),
    [
        pytest.param(row("2026-08", "2026-10"), ["2026-10", "2026-09", "2026-08"], {"a 2026-09"}, id="a gap"),
        pytest.param(
            row("2025-12", "2026-01"), ["2026-01", "2025-12"], set(), id="the turn of the year is no gap"
        ),
        pytest.param(
            row("2026-08") + row("2026-10", client="b"),
            ["2026-10", "2026-09", "2026-08"],
            {"a 2026-09", "a 2026-10"},
            id="one client lags behind",
        ),
        pytest.param(
            row("2017-11") + row("2026-10", client="b"),
            ["2026-10", "2018-02", "2018-01", "2017-12", "2017-11"],
            {"a 2017-12", "a 2018-01", "a 2018-02"},
            id="an ended client is awaited three months",
        ),
        pytest.param(
            row("2026-09") + row("2026-08", "2026-09", client="b"),
            ["2026-09", "2026-08"],
            set(),
            id="nothing is awaited before a client's first report",
        ),
        pytest.param(row("2026-Q1", "2026-Q3"), ["2026-Q3", "2026-Q1"], set(), id="only months are awaited"),
    ],
)
def test_which_months_are_missing(standings: list[Standing], columns: list[str], missing: set[str]) -> None:
    (grid,) = grids_of(standings)
    assert grid.columns == columns
    cells = [cell for line in grid.rows for cell in line.cells if cell]
    assert {f"{c.client} {c.period}" for c in cells if c.status == "missing"} == missing


def test_each_kind_of_period_has_its_grid() -> None:
    kinds = row("FY2026", "2026-10", "2026-Q3", "2026-04-01..2026-09-30")
    assert [grid.kind for grid in grids_of(kinds)] == ["month", "quarter", "year", "range"]


class Seen(HTMLParser):
    """Elements, links and text of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.statuses: list[str] = []
        self.text = ""
        self.lang = ""
        self.html = path.read_text(encoding="utf-8")
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self.links += [given["href"] or ""] if "href" in given else []
        self.ids += [given["id"] or ""] if "id" in given else []
        self.statuses += [given["data-s"] or ""] if "data-s" in given else []
        self.lang = self.lang or given.get("lang") or ""

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(full: Path, name: str) -> None:
    page = Seen(full / "reports" / name)
    targets = [urldefrag(link) for link in page.links]
    assert len(targets) > 50
    assert [t.url for t in targets if t.url and not (full / "reports" / unquote(t.url)).exists()] == []
    assert [t.fragment for t in targets if not t.url and t.fragment not in page.ids] == []
    assert len(page.ids) == len(set(page.ids))


def test_both_languages_show_the_same_reports(full: Path) -> None:
    ja, en = (Seen(full / "reports" / name) for name in PAGES)
    assert (ja.lang, en.lang) == ("ja", "en")
    assert ja.statuses == en.statuses
    assert sorted(set(ja.statuses)) == ["complete", "failed", "missing", "outdated", "partial", "unreadable"]
    assert "5件の報告書に対応が必要です" in ja.text
    assert "5 reports need attention" in en.text


@pytest.mark.parametrize("name", PAGES)
def test_what_comes_from_outside_is_text(full: Path, name: str) -> None:
    page = Seen(full / "reports" / name)
    assert page.tags.count("script") == 1
    assert page.tags.count("style") == 1
    assert HOSTILE[:40] in page.text
    assert 'client.yml: <b>"sources"</b> & more' in page.text
    assert "red;}" not in page.html
    assert "script-src 'sha256-" in unescape(page.html)
    assert "http" not in re.sub(r"data:[^)]*|http-equiv", "", page.html)


def test_a_key_figure_of_another_version_stands_under_its_own_name(root: Path) -> None:
    new = {"id": "wallet_share", "value": 0.5, "spec": "pct", "text": {"ja": "50.0%", "en": "50.0%"}}
    write_report(root, "shop", "2026-10", kpis=[new])
    page = Seen(write_shelf(Workspace(root)))
    assert "wallet_share" in page.text
    assert "50.0%" in page.text


def test_half_a_report_shows_no_figure_in_its_cell(root: Path) -> None:
    write_report(root, "shop", "2026-10", partial=True)
    page = Seen(write_shelf(Workspace(root)))
    assert 'class="face"' not in page.html
    assert "各欄の数字は" not in page.text


def test_folders_with_odd_names_are_linked(root: Path) -> None:
    write_report(root, "a b#c%20?&", "2026-10")
    page = Seen(write_shelf(Workspace(root)))
    links = [unquote(urldefrag(link).url) for link in page.links if "2026-10" in link]
    assert links
    assert all((root / "reports" / link).is_file() for link in links)


def test_a_character_the_typeface_lacks_is_no_reason_to_stop(root: Path) -> None:
    write_report(root, "shop", "2026-10", client_name={"ja": "店🦄"})
    assert "店🦄" in Seen(write_shelf(Workspace(root))).text


def test_old_complete_reports_lead_to_their_own_page(root: Path) -> None:
    for month in range(24):
        write_report(root, "shop", f"{2025 + month // 12}-{month % 12 + 1:02d}")
    page = Seen(write_shelf(Workspace(root)))
    assert page.html.count("<div popover") == 13
    assert "shop/2025-01/index.html" in page.links
    assert "shop/2026-12/assessment.ja.pdf" in page.links
    assert "shop/2025-01/assessment.ja.pdf" not in page.links


def test_without_reports_the_page_says_how_to_make_one(root: Path) -> None:
    text = Seen(write_shelf(Workspace(root))).text
    assert "報告書はまだありません" in text
    assert "crmreport run --client <クライアント>" in text


@pytest.mark.parametrize(
    ("months", "ja", "en"),
    [
        pytest.param(
            ("2026-09", "2026-10"), "報告書はすべてそろっています", "Every report is in place", id="all"
        ),
        pytest.param(
            ("2026-07", "2026-10"),
            "まだ作成していない月が2件あります",
            "2 months have no report yet",
            id="some months are missing",
        ),
    ],
)
def test_the_headline_says_what_is_so(root: Path, months: tuple[str, ...], ja: str, en: str) -> None:
    for month in months:
        write_report(root, "shop", month)
    write_shelf(Workspace(root))
    assert [
        said in Seen(root / "reports" / name).text for said, name in zip((ja, en), PAGES, strict=True)
    ] == [
        True,
        True,
    ]


def test_a_client_whose_file_cannot_be_read_is_not_passed_over(root: Path) -> None:
    write_report(root, "shop", "2026-10")
    for client in ("shop", "new"):
        (root / "clients" / client).mkdir()
        (root / "clients" / client / "client.yml").write_text("name: a: <b>\n", encoding="utf-8")
    write_shelf(Workspace(root))
    for name, headline in zip(PAGES, ("2件の対応が必要です", "2 matters need attention"), strict=True):
        seen = Seen(root / "reports" / name)
        assert headline in seen.text
        assert "clients/new/client.yml:1: not YAML" in seen.text
        assert "clients/shop/client.yml:1: not YAML" in seen.text, "also where an older report stands"
        assert str(root) not in seen.text


def test_a_client_file_changed_since_brings_the_shelf_up_to_date(root: Path) -> None:
    workspace = Workspace(root)
    write_shelf(workspace)
    assert not _shelf_is_behind(workspace, [])
    file = root / "clients" / "shop" / "client.yml"
    file.parent.mkdir()
    file.write_text("name: [", encoding="utf-8")
    later = (root / "reports" / "index.html").stat().st_mtime_ns + 10**9
    os.utime(file, ns=(later, later))
    assert _shelf_is_behind(workspace, [])


def test_the_page_is_the_same_until_something_changes(full: Path) -> None:
    reports = full / "reports"
    before = {name: (reports / name).read_bytes() for name in PAGES}
    write_shelf(Workspace(full))
    assert {name: (reports / name).read_bytes() for name in PAGES} == before
    tried(full, "hanada", "2026-10", "failed", error="gone")
    write_shelf(Workspace(full))
    assert all((reports / name).read_bytes() != before[name] for name in PAGES)
    assert sorted(p.name for p in reports.iterdir() if p.is_file()) == sorted(PAGES)
