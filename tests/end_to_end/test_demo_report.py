"""The demo report, from a client's files to what the board gets."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from html.parser import HTMLParser

import openpyxl
import pandas as pd
import pytest

from crmreport.produce import run_report
from crmreport.produce.binding.html import TEMPLATES
from crmreport.produce.binding.pdf import weasyprint
from tests.end_to_end.conftest import PERIOD, DemoReport

pytestmark = pytest.mark.slow
LANGUAGES = ("ja", "en")


def pdf_text(demo: DemoReport, lang: str) -> str:
    if not shutil.which("pdftotext"):
        pytest.skip("poppler-utils is not installed")
    path = demo.folder / f"assessment.{lang}.pdf"
    return subprocess.run(["pdftotext", str(path), "-"], capture_output=True, text=True, check=True).stdout


def test_every_chapter_ran(demo):
    assert {c.chapter: c.status for c in demo.published.chapters} == dict.fromkeys(
        ["sales", "customers", "decile", "rfm", "ctb", "lifecycle", "data_quality", "definitions"], "done"
    )


@pytest.mark.parametrize("lang", LANGUAGES)
def test_html_and_pdf_are_there(demo, lang):
    assert (demo.folder / f"assessment.{lang}.html").stat().st_size > 100_000
    assert (demo.folder / f"assessment.{lang}.pdf").read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_table_is_wider_than_its_page(demo, lang):
    page = (demo.folder / f"assessment.{lang}.html").read_text("utf-8")
    wide = []
    for number, sheet in enumerate(weasyprint().HTML(string=page).render().pages, 1):
        paper = sheet._page_box
        edge = paper.content_box_x() + paper.width
        tables = [box for box in paper.descendants() if box.element_tag == "table"]
        # A hundredth of a millimetre is rounding.
        wide += [(number, box.width) for box in tables if box.position_x + box.width > edge + 0.04]
    assert wide == []


def test_a_reader_of_english_meets_no_value_in_japanese(demo):
    kept = ("definitions.glossary", "data_quality.balance")
    shown = [i["html"]["en"] for i in demo.items("table") + demo.items("finding") if i["id"] not in kept]
    assert shown
    assert {word for html in shown for word in re.findall(r"[ぁ-んァ-ヶ一-龠]+", html)} == set()


@pytest.mark.parametrize(
    "truth",
    [
        pytest.param("decile.lapsed_top", id="a lapsed group inside the top decile"),
        pytest.param("ctb.entry_product", id="an entry product with a higher second-purchase rate"),
        pytest.param("customers.region_slip", id="a region that slips"),
        pytest.param("ctb.push", id="a category and scent that gain"),
        pytest.param("ctb.fix", id="a category and scent that are not bought again"),
        pytest.param("sales.guests", id="sales without a name"),
        pytest.param("customers.rank_silent", id="a high rank that fell silent"),
        pytest.param("data_quality.store_missing", id="a store a delivery lacks"),
        pytest.param("lifecycle.kind_retention", id="refill buyers who stay"),
    ],
)
def test_the_report_finds_what_was_planted(demo, truth):
    assert truth in {found.rpartition("#")[0] or found for found in demo.findings()}


def test_the_finding_names_the_planted_entry_product(demo):
    from crmreport.demo.planted import ENTRY_PRODUCT

    assert ENTRY_PRODUCT in demo.findings()["ctb.entry_product"]["text"]["ja"]["what"]


def test_the_slipping_region_is_tohoku(demo):
    assert "東北" in demo.findings()["customers.region_slip"]["text"]["ja"]["what"]


def test_about_a_sixth_of_the_top_decile_has_lapsed(demo):
    top = demo.table("decile.status")[0]
    assert int(top["lapsed_customers"]) / int(top["customers"]) == pytest.approx(1 / 6, abs=0.03)


def facts(demo, found: str) -> dict[str, object]:
    return {name: fact["value"] for name, fact in demo.findings()[found]["finding"]["facts"].items()}


def test_a_third_of_the_platinum_members_are_silent_though_they_buy_often(demo):
    found = facts(demo, "customers.rank_silent")
    assert (found["rank"], found["customers"], found["gap"]) == ("プラチナ", 718, 17)
    assert found["share"] == pytest.approx(0.316, abs=0.0005)
    assert found["expected"] == pytest.approx(0.009, abs=0.0005)
    listed = pd.read_csv(demo.folder / "lists" / "customers.rank_silent.csv", dtype=str, encoding="utf-8-sig")
    assert 0 < len(listed) <= found["silent"]
    assert set(listed["rank"]) == {"プラチナ"}


def test_refill_buyers_stay_also_at_equal_numbers_of_purchases(demo):
    found = facts(demo, "lifecycle.kind_retention")
    assert (found["value"], found["customers"]) == ("refill", 2752)
    assert found["rate"] == pytest.approx(0.711, abs=0.0005)
    assert found["rest"] == pytest.approx(0.533, abs=0.0005)
    strata = [float(line["difference"]) for line in demo.table("lifecycle.kind_strata")]
    assert len(strata) == 6
    assert 0.04 < min(strata) <= found["gap"] <= max(strata) < 0.11
    said = demo.findings()["lifecycle.kind_retention"]["text"]
    assert "かもしれず" in said["ja"]["so_what"]
    assert "does not show" in said["en"]["so_what"]


def test_whom_to_remind_of_refills_has_never_bought_one(demo):
    listed = pd.read_csv(
        demo.folder / "lists" / "lifecycle.kind_retention.csv", dtype=str, encoding="utf-8-sig"
    )
    assert 0 < len(listed) <= facts(demo, "lifecycle.kind_retention")["due"]
    assert not listed["product"].str.contains("詰め替え").any()
    assert listed["recency_days"].astype(int).max() < 180


# Lengths of time the client or the analyst chose; everything else was found.
ASKED = {"days", "lapsed_days", "minimum_support"}


def test_every_number_of_a_finding_stands_in_a_table_cell(demo):
    keys = {item["id"]: item["key"] for item in demo.items("table")}
    wrong = []
    for found in demo.findings().values():
        for name, fact in found["finding"]["facts"].items():
            if fact["cell"] is None:
                is_number = isinstance(fact["value"], (int, float)) and not isinstance(fact["value"], bool)
                if is_number and name not in ASKED:
                    wrong.append((found["id"], name, "a number without a cell"))
                continue
            table, row, column = fact["cell"]["table"], fact["cell"]["row"], fact["cell"]["column"]
            lines = [
                line
                for line in demo.table(table)
                if [line[k] for k in keys[table]] == [str(part) for part in row]
            ]
            if len(lines) != 1 or not same(lines[0][column], fact["value"]):
                wrong.append((found["id"], name, fact, [line[column] for line in lines]))
    assert wrong == []


def same(written: str, value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return written == str(value)
    return float(written) == pytest.approx(value, rel=1e-12)


def test_shares_of_the_deciles_add_up_to_everything(demo):
    deciles = demo.table("decile.table")
    assert float(deciles[-1]["cumulative_share"]) == 1.0
    assert sum(float(line["revenue_share"]) for line in deciles) == pytest.approx(1)


def numbers(html: str) -> list[str]:
    """Numbers of the tables, in order, as sorting keys: raw, so no language in them."""
    return re.findall(r'<td[^>]* data-sort="([^"]*)"', html)


def test_both_languages_carry_the_same_numbers(demo):
    pages = [(demo.folder / f"assessment.{lang}.html").read_text("utf-8") for lang in LANGUAGES]
    assert numbers(pages[0]) == numbers(pages[1])
    assert len(numbers(pages[0])) > 200


class Outline(HTMLParser):
    """Headings, pictures and links of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.levels: list[int] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.without_alt = 0
        self.lang = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "html":
            self.lang = given.get("lang", "")
        if re.fullmatch(r"h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag == "img" and not given.get("alt"):
            self.without_alt += 1
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a" and given.get("href", "").startswith("#"):
            self.targets.append(given["href"][1:])


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_can_be_read_by_everybody(demo, lang):
    page = Outline((demo.folder / f"assessment.{lang}.html").read_text("utf-8"))
    assert page.lang == lang
    assert page.levels[0] == 1
    assert page.levels.count(1) == 1
    assert all(deeper - level <= 1 for level, deeper in zip(page.levels, page.levels[1:], strict=False))
    assert page.without_alt == 0
    assert len(page.ids) == len(set(page.ids))
    assert set(page.targets) <= set(page.ids)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_asks_no_server_for_anything(demo, lang):
    html = (demo.folder / f"assessment.{lang}.html").read_text("utf-8")
    # Links to the lists beside the page are files of the report, asked for by a click only.
    assert re.findall(r'src="(?!data:)([^"]+)"', html) == []
    assert re.findall(r'(?:src|href)="((?:[a-z]+:)?//[^"]+)"', html) == []
    assert "url(http" not in html
    assert "Content-Security-Policy" in html


def test_the_template_is_lean():
    size = sum(path.stat().st_size for path in (TEMPLATES / "report").rglob("*") if path.is_file())
    assert size <= 60_000


@pytest.mark.parametrize(
    ("lang", "name"), [("ja", "花雫コスメティクス"), ("en", "Hanashizuku Cosmetics")], ids=LANGUAGES
)
def test_the_pdf_says_the_clients_name_and_the_revenue(demo, lang, name):
    text = pdf_text(demo, lang)
    assert name in text
    revenue = float(next(k for k in demo.table("sales.kpi") if k["kpi"] == "revenue")["value"])
    assert f"{revenue / 1e6:,.1f}" in text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_pdf_fonts_are_embedded_and_none_is_type_3(demo, lang):
    if not shutil.which("pdffonts"):
        pytest.skip("poppler-utils is not installed")
    path = demo.folder / f"assessment.{lang}.pdf"
    lines = subprocess.run(["pdffonts", str(path)], capture_output=True, text=True, check=True).stdout
    fonts = lines.splitlines()[2:]
    assert fonts
    assert not [font for font in fonts if "Type 3" in font]
    assert all(re.search(r"yes (yes|no) +yes", font) for font in fonts)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_workbook_holds_every_table_and_no_formula(demo, lang):
    book = openpyxl.load_workbook(demo.folder / f"tables.{lang}.xlsx")
    assert len(book.sheetnames) == len(list((demo.folder / "tables").glob("*.csv"))) + 1
    assert not [
        cell.coordinate
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    ]


def test_action_lists_name_customers_who_agreed_and_the_report_names_nobody(demo):
    lists = sorted((demo.folder / "lists").glob("*.csv"))
    assert lists
    listed = pd.read_csv(lists[0], dtype=str, encoding="utf-8-sig")
    assert len(listed) > 0
    for lang in LANGUAGES:
        html = (demo.folder / f"assessment.{lang}.html").read_text("utf-8")
        text = re.sub(r"base64,[A-Za-z0-9+/=]+|data-sort=\"[^\"]*\"", "", html)
        assert not [c for c in listed["customer_id"].head(200) if c in text]


def test_run_json_names_every_file_with_its_hash(demo):
    outputs = demo.record()["outputs"]
    assert outputs
    for entry in outputs:
        data = (demo.folder / entry["path"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"]


def test_the_second_run_changes_nothing(demo):
    before = (demo.folder / "run.json").read_bytes()
    again = run_report(demo.workspace, "demo", PERIOD)
    assert again.reused
    assert (demo.folder / "run.json").read_bytes() == before
