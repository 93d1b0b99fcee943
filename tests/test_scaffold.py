"""The first client file: what is recognised, what is left to a person."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmreport.config_file import load_client
from crmreport.errors import ConfigError
from crmreport.intake.recognise import SourceGuess
from crmreport.scaffold import Answers, Sources, draft, from_guesses

ANSWERS = Answers("店", "Shop", "JPY", "Asia/Tokyo", tax_included=True)
ORDERS = SourceGuess(
    path="data/売上.csv",
    table="order_lines",
    columns={"customer_id": "会員番号", "order_id": "伝票", "ordered_at": "日付", "revenue": "金額（税抜）"},
    unmapped=("メモ\nclient: other",),
    encoding="cp932",
)
PRODUCTS = SourceGuess(
    path="data/商品.xlsx",
    table="products",
    columns={"product_id": "コード", "category_major": "大分類", "taste_scent": "香り", "brand": "ブランド"},
    format="excel",
    sheet="一覧",
    header_row=3,
    totals_row=True,
)


@pytest.fixture
def read(tmp_path: Path):
    """Read a drafted client file as the client ``shop``."""

    def reader(text: str):
        path = tmp_path / "clients" / "shop" / "client.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return load_client(path, reports=False)

    return reader


def test_what_was_recognised_stands_in_the_file(read):
    client = read(draft("shop", from_guesses([ORDERS, PRODUCTS]), ANSWERS).text)
    orders, products = client.sources["order_lines"][0], client.sources["products"][0]
    assert (orders.path, orders.encoding) == ("data/売上.csv", "cp932")
    assert (products.sheet, products.header_row, products.totals_row) == ("一覧", 3, "drop")
    assert client.axes == {"category": ["category_major"], "taste": ["taste_scent"], "brand": ["brand"]}


def test_a_send_log_brings_a_report_on_campaigns(read):
    columns = {"campaign_id": "配信ID", "customer_id": "会員番号", "sent_at": "配信日時"}
    log = SourceGuess(path="data/配信.csv", table="sends", columns=columns)
    client = read(draft("shop", from_guesses([ORDERS, log]), ANSWERS).text)
    assert client.sources["sends"][0].columns == columns
    assert client.reports["campaigns"].chapters[:3] == ["campaigns", "campaign", "messages"]
    assert list(read(draft("shop", from_guesses([ORDERS]), ANSWERS).text).reports) == ["assessment"]


def test_when_all_is_known_nothing_is_left_to_do():
    scaffold = draft("shop", from_guesses([ORDERS]), ANSWERS)
    assert scaffold.todo == []
    assert "TODO" not in scaffold.text


def test_the_header_of_the_amount_says_whether_tax_is_included():
    assert from_guesses([ORDERS]).tax_included is False
    assert from_guesses([PRODUCTS]).tax_included is None


def test_a_header_with_line_breaks_cannot_write_settings(read):
    text = draft("shop", from_guesses([ORDERS]), ANSWERS).text
    assert "# data/売上.csv: not read: メモ client: other\n" in text
    assert read(text).client == "shop"


@pytest.mark.parametrize(
    "name", ["a: b", "# x", "'", '"', "yes", "12", "- a", "a\nb", "{x}", "山田 & 子", " x "]
)
def test_any_name_survives_the_file(read, name):
    answers = Answers(name, name, "JPY", "Asia/Tokyo", tax_included=False)
    assert read(draft("shop", from_guesses([ORDERS]), answers).text).name == {"ja": name, "en": name}


def test_files_that_cannot_be_read_or_placed_become_questions():
    broken = SourceGuess("data/x.csv", problem="data/x.csv: the file is empty (0 bytes)")
    unknown = SourceGuess("data/y.csv", questions=("which table is this?",))
    todo = draft("shop", from_guesses([broken, unknown]), ANSWERS).todo
    assert todo == [
        "sources: data/x.csv: the file is empty (0 bytes); mend or remove it",
        "sources: data/y.csv: which table is this?",
        "sources: no file of order lines was found in data/",
    ]


def test_an_amount_that_was_not_found_is_left_to_do_in_the_file():
    columns = {"customer_id": "会員番号", "ordered_at": "購入日"}
    question = "revenue: which column holds the amount of a line? one of レジ計?"
    guess = SourceGuess("data/s.csv", table="order_lines", columns=columns, questions=(question,))
    scaffold = draft("shop", from_guesses([guess]), ANSWERS)
    assert scaffold.todo == [f"sources: data/s.csv: {question}"]
    assert "        revenue: TODO\n" in scaffold.text


def test_quantity_and_unit_price_are_an_amount():
    columns = {"customer_id": "a", "ordered_at": "b", "quantity": "c", "unit_price": "d"}
    guess = SourceGuess("data/s.csv", table="order_lines", columns=columns)
    assert "TODO" not in draft("shop", from_guesses([guess]), ANSWERS).text


def test_a_draft_is_refused_until_what_it_leaves_is_written(read):
    text = draft("shop", Sources({}), Answers(name_ja="店")).text
    with pytest.raises(ConfigError) as refused:
        read(text)
    faults = str(refused.value).splitlines()
    at = {fault.split(":")[1]: fault for fault in faults}
    for line, fault in at.items():
        assert "TODO" in text.splitlines()[int(line) - 1], fault
    assert [fault.split(": ", 1)[1] for fault in faults] == [
        "name.en: still says TODO; write the client's name",
        "sources.order_lines[0].path: still says TODO; write the file's name",
        *(
            f"sources.order_lines[0].columns.{c}: still says TODO; "
            f"write the header of {c} in the client's file"
            for c in ("customer_id", "order_id", "ordered_at", "revenue")
        ),
    ]
