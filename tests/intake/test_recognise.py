from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crmreport.intake.headers import HEADERS, match_headers, plain
from crmreport.intake.normalise import read_flag
from crmreport.intake.recognise import guess_sources
from crmreport.intake.tables import Table

SALES = "会員番号,伝票番号,購入日時,商品コード,数量,金額（税込）,店舗コード,備考\n"
LINE = "0001,A1,2026/10/31 10:00,P1,1,100,01,\n"


def put(folder: Path, name: str, text: str, encoding: str = "utf-8") -> None:
    (folder / name).write_bytes(text.encode(encoding))


def test_a_japanese_sales_file(tmp_path: Path) -> None:
    put(tmp_path, "売上.csv", SALES + LINE, "cp932")
    (guess,) = guess_sources(tmp_path)
    assert guess.table == "order_lines"
    assert guess.columns == {
        "customer_id": "会員番号",
        "order_id": "伝票番号",
        "ordered_at": "購入日時",
        "revenue": "金額（税込）",
        "quantity": "数量",
        "product_id": "商品コード",
        "store_id": "店舗コード",
    }
    assert (guess.encoding, guess.delimiter, guess.date_form) == ("cp932", ",", "slashes")
    assert guess.unmapped == ("備考",)
    assert guess.confidence > 0.9


def test_english_headers_with_tabs(tmp_path: Path) -> None:
    put(
        tmp_path,
        "orders.tsv",
        "Customer ID\tOrder ID\tOrder Date\tSKU\tQty\tUnit Price\nC1\tO1\t10/31/2026\tS1\t1\t9.5\n",
    )
    (guess,) = guess_sources(tmp_path)
    assert guess.columns is not None
    assert set(guess.columns) == {
        "customer_id",
        "order_id",
        "ordered_at",
        "product_id",
        "quantity",
        "unit_price",
    }
    assert guess.delimiter == "\t"
    assert guess.questions == (
        "revenue: no amount was found; quantity × unit price − discount will be used",
        "date_order: is 03/04/2026 the 4th of March (mdy) or the 3rd of April (dmy)?",
    )


def test_a_members_file_whose_codes_must_be_asked_for(tmp_path: Path) -> None:
    put(tmp_path, "members.csv", "会員ID,性別,生年月日,メール配信\n1,0,S55.4.1,A\n2,1,H1.2.3,B\n")
    (guess,) = guess_sources(tmp_path)
    assert (guess.table, guess.date_form) == ("customers", "era")
    assert guess.questions == ("codes.sex: what do 0, 1 mean?", "codes.consent_mail: what do a, b mean?")


def test_a_product_workbook_with_a_title_and_a_totals_row(
    tmp_path: Path, workbook: Callable[[Path, list[list[Any]]], Path]
) -> None:
    rows = [
        ["商品マスタ"],
        [],
        ["商品コード", "商品名", "大分類", "税込価格"],
        ["P1", "化粧水", "スキンケア", 100],
    ]
    workbook(tmp_path / "商品.xlsx", [*rows, ["P2", "乳液", "スキンケア", 200], ["合計", None, None, 300]])
    (guess,) = guess_sources(tmp_path)
    assert (guess.table, guess.header_row, guess.totals_row, guess.sheet) == ("products", 3, True, "Sheet")


def test_alike_files_become_a_glob_and_unlike_ones_do_not(tmp_path: Path) -> None:
    for year in (2024, 2025):
        put(tmp_path, f"売上_{year}.csv", SALES + LINE)
    assert [g.path for g in guess_sources(tmp_path)] == ["売上_*.csv"]
    put(tmp_path, "売上_返品.csv", "会員番号,伝票番号,購入日,金額\n1,2,20261031,5\n")
    assert sorted(g.path for g in guess_sources(tmp_path)) == [
        "売上_2024.csv",
        "売上_2025.csv",
        "売上_返品.csv",
    ]


def test_two_amounts_are_asked_about(tmp_path: Path) -> None:
    put(tmp_path, "s.csv", "顧客ID,受注番号,受注日,金額（税込）,金額（税抜）\n1,1,令和8年10月31日,110,100\n")
    (guess,) = guess_sources(tmp_path)
    assert guess.questions == ("revenue: which of 金額（税込）, 金額（税抜）? 金額（税込） was taken",)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.csv", b"", "a.csv: the file is empty (0 bytes)"),
        ("b.parquet", b"PAR1 and no more", "b.parquet: not a complete Parquet file; copy it again"),
        ("c.csv", b"id,\xff\xfe\xfd\n", "c.csv: unknown encoding"),
    ],
)
def test_what_cannot_be_read_is_said_and_not_raised(
    tmp_path: Path, name: str, content: bytes, problem: str
) -> None:
    (tmp_path / name).write_bytes(content)
    (guess,) = guess_sources(tmp_path)
    assert guess.table is None
    assert str(guess.problem).startswith(problem)


def test_a_file_of_something_else_is_no_table(tmp_path: Path) -> None:
    put(tmp_path, "notes.txt", "Dear all,\nplease find the files attached.\n")
    (guess,) = guess_sources(tmp_path)
    assert (guess.table, guess.confidence) == (None, 0.0)


def test_no_header_means_two_columns_of_a_table() -> None:
    for table, columns in HEADERS.items():
        seen: dict[str, str] = {}
        for column, words in columns.items():
            for word in words:
                assert seen.setdefault(plain(word), column) == column, f"{table}: {word}"


@pytest.mark.parametrize(
    ("header", "table", "column"),
    [
        ("お買上金額", "order_lines", "revenue"),
        ("買上金額", "order_lines", "revenue"),
        ("お買上げ金額（税込）", "order_lines", "revenue"),
        ("購入金額（税込）", "order_lines", "revenue"),
        ("購入金額(税抜)", "order_lines", "revenue"),
        ("税込購入金額", "order_lines", "revenue"),
        ("レシートNo.", "order_lines", "order_id"),
        ("レシート番号", "order_lines", "order_id"),
        ("店舗名", "order_lines", "store_id"),
        ("メールマガジン", "customers", "consent_mail"),
        ("メルマガ", "customers", "consent_mail"),
    ],
)
def test_headers_of_tills_and_member_masters(header: str, table: Table, column: str) -> None:
    assert match_headers(table, [header]) == ({column: header}, {})


def test_a_shops_name_gives_way_to_its_code_without_a_question() -> None:
    assert match_headers("order_lines", ["店舗名", "店舗コード"]) == ({"store_id": "店舗コード"}, {})


def test_an_amount_that_was_not_found_is_asked_for_among_the_headers_left(tmp_path: Path) -> None:
    put(tmp_path, "s.csv", "会員番号,レシートNo,購入日,レジ計,担当者\n1,A,2026/10/31,500,佐\n")
    (guess,) = guess_sources(tmp_path)
    assert guess.questions == ("revenue: which column holds the amount of a line? one of レジ計, 担当者?",)


def test_wishes_for_a_newsletter_are_flags(tmp_path: Path) -> None:
    put(tmp_path, "m.csv", "会員番号,メールマガジン\n1,希望する\n2,希望しない\n")
    (guess,) = guess_sources(tmp_path)
    assert guess.columns == {"customer_id": "会員番号", "consent_mail": "メールマガジン"}
    assert not [q for q in guess.questions if q.startswith("codes.")]
    assert [read_flag(v) for v in ("希望する", "希望しない")] == [True, False]
