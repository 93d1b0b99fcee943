"""The front page of a report's folder: everything in it, named, and nothing that is not there."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from crmreport.errors import RunError
from crmreport.produce.binding.book import Book
from crmreport.produce.binding.contents import write_contents
from crmreport.produce.binding.lists import ListCount
from crmreport.produce.binding.outputs import Executed
from tests.produce.binding.test_html import CHAPTERS, book, executed

LISTS = {"decile.lapsed_top": ListCount(800, 100)}
FILES = [
    *(f"assessment.{lang}.{kind}" for lang in ("ja", "en") for kind in ("html", "pdf")),
    *(f"tables.{lang}.xlsx" for lang in ("ja", "en")),
    *(f"lists/decile.lapsed_top.{kind}" for kind in ("csv", "xlsx")),
    "tables/sales.kpi.csv",
    "notebooks/sales.ipynb",
]


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    for name in FILES:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * 1_234_567 if name.endswith(".pdf") else b"x" * 4321)
    return tmp_path


def write(
    stage: Path,
    *,
    chapters: list[Executed] | None = None,
    lists: dict[str, ListCount] | None = None,
    languages: tuple[str, ...] = ("ja", "en"),
) -> dict[str, str]:
    shown = CHAPTERS if chapters is None else chapters
    counts = LISTS if lists is None else lists
    books: list[Book] = [book(lang, shown, lists=counts) for lang in languages]
    write_contents(stage, "assessment", books, shown, lists=counts, pages={"ja": 38, "en": 1})
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(stage.glob("index*.html"))}


def text(page: str) -> str:
    bare = re.sub(r"<(style|script)\b.*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL)
    return " ".join(unescape(bare).split())


def links(page: str) -> list[str]:
    return [unescape(link) for link in re.findall(r'href="([^"]*)"', page)]


def test_every_file_is_linked_and_every_link_is_a_file(stage: Path) -> None:
    pages = write(stage)
    assert sorted(pages) == ["index.en.html", "index.html"]
    for name, page in pages.items():
        found = {link for link in links(page) if not link.startswith("#")}
        other = ({"index.html", "index.en.html"} - {name}).pop()
        assert found == {*FILES, "run.json", other}


def test_one_heading_says_the_report_and_the_next_its_answer(stage: Path) -> None:
    pages = write(stage)
    for name, title, answer in (
        ("index.html", "CRM分析報告書", "10月の売上は前年を3%上回った"),
        ("index.en.html", "CRM assessment", "October revenue was 3% above last year"),
    ):
        (heading,) = re.findall(r"<h1.*?</h1>", pages[name], re.DOTALL)
        assert text(heading).startswith(title)
        assert text(re.findall(r"<h2.*?</h2>", pages[name], re.DOTALL)[0]).replace(" ", "") == answer.replace(
            " ", ""
        )


def test_what_is_said_of_each_file(stage: Path) -> None:
    pages = {name: text(page) for name, page in write(stage).items()}
    for said in (
        "印刷・配布用 PDF, 38ページ, 1.2 MB",
        "休眠顧客の呼び戻し：優良顧客の離反",
        "800人、連絡の同意がない100人を除外済み",
        "すべての表（日本語） Excel, 4 kB",
        "sales.kpi 3行",
    ):
        assert said in pages["index.html"]
    for said in (
        "To print and pass on PDF, 1 page, 1.2 MB",
        "Win-back: Top customers lapse",
        "800 customers; 100 without consent already left out",
        "sales.kpi 3 rows",
    ):
        assert said in pages["index.en.html"]


@pytest.mark.parametrize(
    ("count", "ja", "en"),
    [
        pytest.param(ListCount(9, 0), "9人 CSV", "9 customers CSV", id="everybody consented"),
        pytest.param(
            ListCount(1, None),
            "1人、送付前に同意をご確認ください",
            "1 customer; check consent before sending",
            id="nobody was asked",
        ),
        pytest.param(
            ListCount(9, 2, 3, "2026-11-17"),
            "9人、連絡の同意がない2人を除外済み、検証中の施策の対象者3人を除外済み（2026年11月17日まで）",
            "9 customers; 2 without consent already left out; "
            "3 in a running test left out (until 17 November 2026)",
            id="a test runs",
        ),
    ],
)
def test_a_list_says_what_is_known_of_consent(stage: Path, count: ListCount, ja: str, en: str) -> None:
    pages = write(stage, lists={"decile.lapsed_top": count})
    assert ja in text(pages["index.html"])
    assert en in text(pages["index.en.html"])


def test_without_lists_it_says_so(stage: Path) -> None:
    assert "この報告書に施策リストはありません。" in text(write(stage, lists={})["index.html"])


def test_a_report_in_one_language_has_one_front_page(stage: Path) -> None:
    pages = write(stage, languages=("en",))
    assert list(pages) == ["index.html"]
    assert '<html lang="en">' in pages["index.html"]
    assert "assessment.ja.html" not in links(pages["index.html"])


def test_an_unfinished_report_says_so_and_names_the_chapter(stage: Path) -> None:
    failed = Executed(executed("decile").declaration, "failed", reason="cell 'x': ValueError: <no> deciles")
    page = write(stage, chapters=[CHAPTERS[0], failed], lists={})["index.html"]
    assert "未完成版：一部の章が作成できていません。社外へ提出しないでください。" in text(page)
    assert "デシル分析 この章は作成できませんでした（cell 'x': ValueError: <no> deciles）。" in text(page)


def test_names_from_outside_are_text_and_no_server_is_asked(stage: Path) -> None:
    for page in write(stage).values():
        assert "<商店>" not in page
        assert "script" not in re.findall(r"<(\w+)", page)
        assert "default-src 'none'" in unescape(page)
        assert not re.search(r"(src|href)=\"(https?:)?//", page)


def test_the_same_report_has_the_same_page(stage: Path) -> None:
    assert write(stage) == write(stage)


def test_a_list_that_was_not_written_is_refused(stage: Path) -> None:
    (stage / "lists" / "decile.lapsed_top.csv").unlink()
    with pytest.raises(RunError, match="names a file that is not delivered"):
        write(stage)
