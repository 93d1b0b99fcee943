"""The page: one language, plain ids, nothing from outside, the same bytes every time."""

from __future__ import annotations

import gc
import re
from dataclasses import replace
from datetime import date
from html import unescape
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import pytest

from crmreport.config import Client
from crmreport.config_campaigns import Campaign
from crmreport.errors import RunError
from crmreport.period import Period
from crmreport.present.words import Words
from crmreport.produce.binding import html, pdf
from crmreport.produce.binding.bind import bind
from crmreport.produce.binding.book import Book, make_book
from crmreport.produce.binding.lists import ListCount
from crmreport.produce.binding.outputs import Executed
from crmreport.produce.planning.declare import Declaration
from crmreport.produce.records.provenance import InputFile, Provenance
from crmreport.report import client_words
from crmreport.segment_file import load_segments
from tests.produce.chapters import finding, message, table

MIME = "application/vnd.crmreport.v1+json"
TITLES = {"sales": ("売上", "Sales"), "decile": ("デシル分析", "Decile analysis")}
KPI = (
    "kpi,spec,value,previous,year_ago\nrevenue,money,12345678,12000000,\n"
    "orders,count,3210,3210,3000\nrepeat_rate,pct,0.41,0.40,0.45\n"
)


def executed(chapter: str, *items: dict[str, Any], prose: dict[str, str] | None = None) -> Executed:
    new = nbformat.v4
    cells = []
    for lang, text in (prose or {}).items():
        cells.append(new.new_markdown_cell(text, metadata={"tags": [f"lang-{lang}"]}))
    for item in items:
        output = new.new_output("execute_result", {MIME: {"items": [item]}, "text/html": "<b>screen</b>"})
        cells.append(new.new_code_cell("report.show(...)", outputs=[output]))
    ja, en = TITLES.get(chapter, (chapter, chapter))
    declaration = Declaration(chapter=chapter, title={"ja": ja, "en": en})
    return Executed(declaration, "done", new.new_notebook(cells=cells))


CHAPTERS = [
    executed(
        "sales",
        message("sales", "10月の売上は前年を3%上回った", "October revenue was 3% above last year"),
        table("sales.kpi", KPI, head=("指標", "書式", "値", "前", "年")),
        prose={"ja": "### 何を見るか\n本文です。\n\n### 読み方\n次です。", "en": "### What it is\nText."},
    ),
    executed(
        "decile",
        message("decile", "上位10%が売上の51%を占める", "The top 10% bring 51% of revenue"),
        finding("decile.lapsed_top", rows=900),
    ),
    executed("data_quality", finding("data_quality.gap", severity="warning", money=None, measure="data_fix")),
]
CLIENT = Client.model_validate(
    {
        "client": "shop",
        "name": {"ja": "花田<商店>", "en": "Hanada & Sons"},
        "sources": {"order_lines": [{"path": "x.csv", "columns": {}}]},
        "reports": {"assessment": {"chapters": ["sales"]}},
    }
)
PERIOD = Period.parse("2026-10")


def book(
    lang: str = "ja",
    chapters: list[Executed] | None = None,
    client: Client = CLIENT,
    lists: dict[str, ListCount] | None = None,
    words: Words | None = None,
) -> Book:
    return make_book(
        lang=lang,
        report="assessment",
        client=client,
        client_folder=Path(),
        period=PERIOD,
        chapters=CHAPTERS if chapters is None else chapters,
        provenance=Provenance(inputs=(InputFile("受注.csv", "ab" * 32, 12),)),
        lists=lists,
        words=words,
    )


@pytest.mark.parametrize(
    ("without", "ja", "en"),
    [
        pytest.param(0, "900人", "900 customers", id="all consented"),
        pytest.param(
            100,
            "900人。リストは800人（連絡の同意がない100人を除く）",
            "900 customers. 800 on the list (100 without consent left out)",
            id="some did not",
        ),
        pytest.param(
            None,
            "900人。配信同意の項目がないため、送付前に同意をご確認ください。",
            "900 customers. The files have no column of consent; check consent before sending.",
            id="nobody knows",
        ),
    ],
)
def test_an_action_says_what_is_known_of_consent(without: int | None, ja: str, en: str) -> None:
    lists = {"decile.lapsed_top": ListCount(900 - (without or 0), without)}
    for lang, who in (("ja", ja), ("en", en)):
        (action,) = [a for a in book(lang, lists=lists).actions if a.list_file]
        assert action.who == who


@pytest.mark.parametrize(
    ("without", "ja", "en"),
    [
        pytest.param(
            0,
            "900人。リストは850人（2026年11月17日まで検証中の施策の対象者50人を除く）",
            "850 on the list (50 in a test until 17 November 2026 left out)",
            id="all consented",
        ),
        pytest.param(
            100,
            "リストは750人（連絡の同意がない100人と、2026年11月17日まで検証中の施策の対象者50人を除く）",
            "750 on the list (100 without consent and 50 in a test until 17 November 2026 left out)",
            id="some did not",
        ),
        pytest.param(
            None,
            "検証中の施策の対象者50人を除く）。配信同意",
            "left out). The files",
            id="nobody knows",
        ),
    ],
)
def test_an_action_says_who_is_in_a_running_test(without: int | None, ja: str, en: str) -> None:
    lists = {"decile.lapsed_top": ListCount(850 - (without or 0), without, 50, "2026-11-17")}
    for lang, said in (("ja", ja), ("en", en)):
        (action,) = [a for a in book(lang, lists=lists).actions if a.list_file]
        assert said in action.who


@pytest.mark.parametrize(
    ("about", "said"),
    [
        pytest.param("sent", ["any", "sent"], id="of what was sent"),
        pytest.param("area", ["any", "area"], id="of places"),
        pytest.param("", ["any", "sent", "area"], id="a chapter that does not say"),
    ],
)
def test_prose_about_something_else_is_left_out(about: str, said: list[str]) -> None:
    new = nbformat.v4
    opening = executed("sales", message("sales", "見出し", "Heading") | {"about": about})
    for name in ("any", "sent", "area"):
        tags = ["lang-en"] if name == "any" else ["lang-en", f"about-{name}", "how-to-read"]
        cell = new.new_markdown_cell(f"### Read it\n\nProse for {name}.", metadata={"tags": tags})
        opening.notebook.cells.append(cell)
    page = html.render(book("en", [opening]))
    assert re.findall(r"Prose for (\w+)", page) == said


NAMED = CLIENT.model_copy(
    update={
        "campaigns": [
            Campaign(
                id=i,
                name={"ja": f"施策{i}", "en": f"Mail {i}"},
                channel="mail",
                start=date(2026, 9, 1),
                end=date(2026, 9, 1),
            )
            for i in "abcd"
        ]
    }
)
LOSING = finding(
    "campaigns.losing",
    severity="warning",
    money=700.0,
    measure="stop_campaign",
    campaigns={"a": 500.0, "b": 200.0},
)
BROKEN = finding(
    "campaigns.untested", severity="warning", money=None, measure="fix_assignment", campaigns={"c": None}
)
OPEN = finding(
    "campaigns.carried", severity="opportunity", money=None, measure="retest_campaign",
    campaigns={"c": None, "d": None},
)  # fmt: skip


def verdict(
    campaign: str,
    money: float | None = None,
    severity: str = "critical",
    measure: str = "stop_campaign",
) -> dict[str, Any]:
    return finding(
        "campaign.verdict",
        severity=severity,
        money=money,
        measure=measure,
        campaigns={campaign: money},
    )


@pytest.mark.parametrize(
    ("one", "actions"),
    [
        pytest.param(
            None,
            {"losing": ("施策a」「施策b", "700円"), "untested": ("施策c", ""), "carried": ("施策d", "")},
            id="the programme alone: the broken one is not tested again as well",
        ),
        pytest.param(
            verdict("a", 500.0),
            {
                "verdict": ("施策a", "500円"), "losing": ("施策b", "200円"),
                "untested": ("施策c", ""), "carried": ("施策d", ""),
            },
            id="a losing one in depth: its loss is told once",
        ),
        pytest.param(
            verdict("c"),
            {"verdict": ("施策c", ""), "losing": ("施策a」「施策b", "700円"), "carried": ("施策d", "")},
            id="the broken one in depth: nothing is left to the programme",
        ),
        pytest.param(
            verdict("a", severity="info"),
            {"losing": ("施策a」「施策b", "700円"), "untested": ("施策c", ""), "carried": ("施策d", "")},
            id="one that asks for nothing takes nothing",
        ),
    ],
)  # fmt: skip
def test_each_campaign_is_in_one_action(
    one: dict[str, Any] | None, actions: dict[str, tuple[str, str]]
) -> None:
    found = [executed("campaigns", LOSING, BROKEN, OPEN), *([executed("campaign", one)] if one else [])]
    words = client_words(NAMED, load_segments("standard", folder=Path()), "ja")
    made = book(chapters=found, client=NAMED, words=words)
    assert {a.anchor.rpartition("-")[2]: a for a in made.actions}.keys() == actions.keys()
    for action in made.actions:
        names, money = actions[action.anchor.rpartition("-")[2]]
        assert action.who == f"「{names}」。販促・CRMの担当"
        assert money in action.effect
    anchors = [light.anchor for light in made.summary.highlights]
    assert anchors == [action.anchor for action in made.actions][: len(anchors)]


CARTS = finding(
    "messages.cart_recovery",
    severity="opportunity",
    money=None,
    measure="message_review",
    rows=500,
    campaigns={"a": None},
)
TRIED = finding(
    "campaigns.carried",
    severity="opportunity",
    money=None,
    measure="retest_campaign",
    campaigns={"a": None},
)
HARMED = verdict("a")


@pytest.mark.parametrize(
    ("found", "actions"),
    [
        pytest.param(
            [LOSING, CARTS],
            {"losing": ("施策a」「施策b", "700円"), "recovery": ("施策a", "")},
            id="a list beside a loss: both stand, the loss is whole",
        ),
        pytest.param(
            [verdict("a", 500.0), CARTS],
            {"verdict": ("施策a", "500円"), "recovery": ("施策a", "")},
            id="a list beside a verdict of the same campaign",
        ),
        pytest.param(
            [LOSING, TRIED],
            {"losing": ("施策a」「施策b", "700円")},
            id="a finding on few without an amount takes none from one on many",
        ),
        pytest.param(
            [HARMED, LOSING],
            {"verdict": ("施策a", "500円"), "losing": ("施策b", "200円")},
            id="a verdict to stop, without an amount: the known loss of its campaign is told there",
        ),
        pytest.param(
            [verdict("a", measure="retest_campaign"), LOSING],
            {"verdict": ("施策a", ""), "losing": ("施策a」「施策b", "700円")},
            id="a verdict that is of no loss: the loss stays where it is known",
        ),
    ],
)
def test_no_list_and_no_money_is_lost_or_told_twice(
    found: list[dict[str, Any]], actions: dict[str, tuple[str, str]]
) -> None:
    words = client_words(NAMED, load_segments("standard", folder=Path()), "ja")
    lists = {"messages.cart_recovery": ListCount(500, 0)}
    chapters = [executed(item["id"].split(".")[0], item) for item in found]
    made = book(chapters=chapters, client=NAMED, words=words, lists=lists)
    said = {action.anchor.rpartition("-")[2]: action for action in made.actions}
    assert said.keys() == actions.keys()
    for name, (names, money) in actions.items():
        assert said[name].who.startswith(f"「{names}」。")
        assert (money or "見積もっていません") in said[name].effect
    listed = [action.list_file for action in made.actions if action.list_file]
    assert listed == ["lists/messages.cart_recovery.xlsx"] * (CARTS in found)
    on_page_1 = {light.anchor.rpartition("-")[2]: light.at_stake for light in made.summary.highlights}
    assert on_page_1 == {name: money and f"対象金額 {money}" for name, (_, money) in actions.items()}


@pytest.mark.parametrize(
    ("measure", "case", "ja", "en"),
    [
        pytest.param("win_back", "", "対象となる売上は", "Touches", id="sales"),
        pytest.param("data_fix", "", "関わる売上は", "Concerns", id="a correction"),
        pytest.param("roll_out_campaign", "profit_likely", "推定で、利益は", "A profit of", id="a profit"),
        pytest.param("stop_places", "area.profit_unlikely", "続ければ、同じ", "run again", id="a loss"),
        pytest.param("retest_places", "area.too_uncertain", "黒字か赤字かは", "which of the two", id="open"),
        pytest.param(
            "retest_campaign", "profit_likely_but_not_randomised",
            "と見込まれますが", "A likely profit of", id="likely, of chosen customers",
        ),
        pytest.param(
            "retest_places", "area.profit_likely_but_not_randomised",
            "と見込まれますが", "A likely profit of", id="likely, of places",
        ),
    ],
)  # fmt: skip
def test_the_money_of_an_action_is_called_what_it_is(measure: str, case: str, ja: str, en: str) -> None:
    found = [executed("campaign", finding("campaign.verdict", measure=measure, case=case))]
    for lang, said in (("ja", ja), ("en", en)):
        (action,) = book(lang, found).actions
        assert said in action.effect


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {lang: html.render(book(lang)) for lang in ("ja", "en")}


def test_one_language_only(pages: dict[str, str]) -> None:
    assert '<html lang="ja">' in pages["ja"]
    assert "本文です。" in pages["ja"]
    assert "What it is" not in pages["ja"]
    assert "What it is" in pages["en"]
    assert not re.search(r"[ぁ-んァ-ヶ]", html.visible_text(pages["en"]).replace("受注.csv", ""))


def test_notebooks_own_screen_html_and_code_are_left_out(pages: dict[str, str]) -> None:
    assert "<b>screen</b>" not in pages["ja"]
    assert "report.show" not in pages["ja"]


def test_names_are_escaped(pages: dict[str, str]) -> None:
    assert "花田&lt;商店&gt;" in pages["ja"]
    assert "Hanada &amp; Sons" in pages["en"]


def test_ids_are_plain_stable_and_unique(pages: dict[str, str]) -> None:
    for page in pages.values():
        ids = re.findall(r'\bid="([^"]*)"', page)
        assert len(ids) == len(set(ids))
        assert all(re.fullmatch(r"[a-z][a-z0-9-]*", i) for i in ids)
        assert {"sales", "sales-1", "chapter-decile", "finding-decile-lapsed-top", "actions"} <= set(ids)


def test_headings_are_in_order(pages: dict[str, str]) -> None:
    for page in pages.values():
        levels = [int(level) for level in re.findall(r"<h([1-6])\b", page)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))


def test_actions_stand_before_data_quality(pages: dict[str, str]) -> None:
    order = [pages["ja"].index(f'id="{i}"') for i in ("summary", "contents", "chapter-sales", "actions")]
    order += [pages["ja"].index(f'id="{i}"') for i in ("chapter-data-quality", "provenance")]
    assert order == sorted(order)


def test_nothing_is_asked_of_a_server(pages: dict[str, str]) -> None:
    for page in pages.values():
        html.check(page)
        assert "default-src 'none'" in unescape(page)
        assert "http://" not in page.replace("http://www.w3.org", "")
        assert "https://" not in page
        assert page.count("<script>") == page.count("<script") == 1


def test_script_hash_is_the_script_s(pages: dict[str, str]) -> None:
    script = re.search(r"<script>(.*?)</script>", pages["ja"], re.DOTALL)
    assert script
    assert html.policy(script[1]).split("sha256-")[1].split("'")[0] in unescape(pages["ja"])


def test_template_is_lean() -> None:
    assert sum(p.stat().st_size for p in html.TEMPLATE.iterdir()) <= 60_000


@pytest.mark.parametrize(
    ("inserted", "match"),
    [
        pytest.param('<img src="https://example.org/a.png">', "asks a server", id="image"),
        pytest.param("<img src=//example.org/a.png>", "asks a server", id="image without a scheme"),
        pytest.param("<style>@import url(http://example.org)</style>", "asks a server", id="style sheet"),
        pytest.param('<a href="#nowhere">x</a>', "leads nowhere", id="link into nothing"),
        pytest.param('<a href="lists/x.xlsx">x</a>', "not delivered", id="file that is not there"),
        pytest.param('<p id="summary"></p>', "share the id 'summary'", id="id twice"),
    ],
)
def test_check_refuses(pages: dict[str, str], inserted: str, match: str) -> None:
    with pytest.raises(RunError, match=match):
        html.check(pages["ja"].replace("</main>", inserted + "</main>"))


def test_missing_glyph_names_text_and_font() -> None:
    chapters = [executed("sales", message("sales", "売上は\U0001f600増えた", "Up"))]
    with pytest.raises(RunError, match=r"U\+1F600.*NotoSansCJKjp"):
        html.render(book("ja", chapters))


def test_same_input_same_bytes(pages: dict[str, str]) -> None:
    assert html.render(book("ja")) == pages["ja"]
    first, second = (pdf.print_pdf(pages["ja"], as_of=PERIOD.as_of).data for _ in range(2))
    assert first == second


def test_kpi_tiles_compare_rates_in_points_and_amounts_in_percent() -> None:
    tiles = book("ja").summary.kpis
    assert [t.value for t in tiles] == ["12.3百万円", "3,210", "41.0%"]
    assert [(c.text, c.direction) for c in tiles[0].changes] == [("+2.9%", "up"), ("–", "flat")]
    assert [(c.text, c.direction) for c in tiles[1].changes] == [("±0.0%", "flat"), ("+7.0%", "up")]
    assert [(c.text, c.direction) for c in tiles[2].changes] == [
        ("+1.0ポイント", "up"),
        ("−4.0ポイント", "down"),
    ]


@pytest.mark.parametrize(
    ("columns", "labels"),
    [
        pytest.param("previous,year_ago\nrevenue,money,3,,", [], id="no earlier period"),
        pytest.param("previous,year_ago\nrevenue,money,3,2,", ["前月比"], id="no year ago"),
        pytest.param(
            "previous,year_ago,change_previous,change_year_ago\nrevenue,money,3,2,2,,", [], id="not over yet"
        ),
    ],
)
def test_tiles_have_no_line_for_what_cannot_be_compared(columns: str, labels: list[str]) -> None:
    kpi = table("sales.kpi", f"kpi,spec,value,{columns}\n")
    (tile,) = book("ja", [executed("sales", kpi)]).summary.kpis
    assert [change.label for change in tile.changes] == labels


def test_tiles_come_from_every_chapter_that_has_key_figures_and_six_at_most() -> None:
    header = "kpi,spec,value,lower,upper,detail,detail_value,detail_spec\n"
    programme = table(
        "campaigns.kpi",
        header
        + "programme_profit,smoney,28030,-573807,629868,,,\n"
        + "campaigns_judged,count,4,,,campaigns_seen,7,count\n",
    )
    rows = "".join(f"messages_delivered,count,{n},,,,,\n" for n in range(9))
    chapters = [executed("campaigns", programme), executed("messages", table("messages.kpi", header + rows))]
    tiles = book("ja", chapters).summary.kpis
    assert [t.value for t in tiles] == ["+28,030円", "4", "0", "1", "2", "3"]
    assert [(c.label, c.text) for c in tiles[0].changes] == [("95%信頼区間", "−573,807円〜+629,868円")]
    assert [c.text for c in tiles[1].changes] == ["7"]
    assert tiles[2].changes == []
    assert {c.direction for t in tiles for c in t.changes} == {"flat"}, "no arrow on what is no comparison"


def test_findings_stand_by_severity_then_money_and_data_caveats_apart() -> None:
    items = [
        finding("decile.small", severity="warning", money=1e5),
        finding("decile.large", severity="warning", money=9e6),
        finding("decile.grave", severity="critical", money=None),
        finding("decile.chance", severity="opportunity", money=9e9),
        finding("decile.aside", severity="info", money=None),
    ]
    summary = book("ja", [executed("decile", *items), CHAPTERS[2]]).summary
    assert [h.anchor for h in summary.highlights] == [
        f"finding-decile-{name}" for name in ("grave", "large", "small", "chance")
    ]
    assert [c.anchor for c in summary.caveats] == ["finding-data-quality-gap"]


def test_page_1_stays_one_page_with_long_sentences() -> None:
    items = []
    for number in range(8):
        item = finding(f"decile.f{number}")
        for text in item["text"].values():
            text.update({part: text[part] * 9 for part in ("what", "so_what", "do_what")})
        items.append(item)
    bound = bind(book("ja", [*CHAPTERS[:1], executed("decile", *items)]), PERIOD.as_of, [])
    assert 'class="summary density-0"' not in bound.html
    assert bound.html.count('class="critical"') >= 3


def test_small_lists_are_not_sent_into_a_split_that_tells_nothing() -> None:
    actions = book(
        "ja", [executed("decile", finding("decile.a", rows=40), finding("decile.b", rows=4000))]
    ).actions
    assert "40人と少ない" in actions[0].test
    assert "1割を無作為に" in actions[1].test


@pytest.mark.parametrize(
    ("measure", "rows", "who"),
    [
        pytest.param("return_offer", 900, "900人", id="a list: its people"),
        pytest.param("second_purchase_offer", None, "販促・CRMの担当", id="letters without a list"),
        pytest.param("member_signup", None, "商品・店舗の担当", id="sign-up happens at the till"),
        pytest.param("data_fix", None, "社内のデータ担当", id="data"),
    ],
)
def test_an_action_names_who_can_do_it(measure: str, rows: int | None, who: str) -> None:
    item = finding("decile.a", rows=rows, measure=measure)
    (action,) = book("ja", [executed("decile", item)]).actions
    assert action.who == who


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        pytest.param("data_fix", "関わる売上は", id="data put right move the numbers, not the sales"),
        pytest.param("early_access", "どれだけ動くか", id="sales that may move"),
        pytest.param("roll_out_campaign", "利益は1.0百万円です", id="a profit"),
        pytest.param("stop_campaign", "赤字は1.0百万円です", id="a loss is called a loss"),
        pytest.param("stop_places", "赤字は1.0百万円です", id="a loss in some places, too"),
        pytest.param("retest_campaign", "黒字か赤字かは", id="nobody knows yet which"),
    ],
)
def test_money_is_called_what_it_is(measure: str, said: str) -> None:
    (action,) = book("ja", [executed("decile", finding("decile.a", measure=measure))]).actions
    assert said in action.effect


def test_no_space_between_japanese_sentences(pages: dict[str, str]) -> None:
    assert not re.search(r"。[ \u00a0]\S", pages["ja"])


def test_failed_chapter_marks_the_book_partial() -> None:
    failed = replace(CHAPTERS[1], status="failed", notebook=None, reason="cell 'x': ValueError: no")
    page = html.render(book("ja", [CHAPTERS[0], failed]))
    assert "未完成版" in page
    assert "ValueError: no" in page


def test_pdf_has_real_fonts_tags_and_right_page_numbers(pages: dict[str, str], tmp_path: Path) -> None:
    pypdf = pytest.importorskip("pypdf")
    printed = pdf.print_pdf(pages["ja"], as_of=date(2026, 10, 31))
    (tmp_path / "a.pdf").write_bytes(printed.data)
    reader = pypdf.PdfReader(tmp_path / "a.pdf")
    assert len(reader.pages) == printed.pages
    assert pdf.lay_out(pages["ja"]) == pdf.Sheets(printed.pages, printed.anchors)
    assert gc.isenabled()
    fonts = set()
    for page in reader.pages:
        for font in (page["/Resources"].get("/Font") or {}).values():
            fonts.add((font.get_object()["/Subtype"], str(font.get_object()["/BaseFont"])))
    assert fonts
    assert all(kind == "/Type0" and "Noto-Sans-CJK" in name for kind, name in fonts)
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert reader.trailer["/Root"]["/Lang"] == "ja"
    assert "花田<商店>" in reader.pages[0].extract_text()
    contents = reader.pages[printed.anchors["contents"] - 1].extract_text()
    assert re.search(rf"デシル分析.*?\D{printed.anchors['chapter-decile']}\b", contents, re.DOTALL)
    assert [entry["/Title"] for entry in reader.outline if not isinstance(entry, list)]
