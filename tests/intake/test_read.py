from __future__ import annotations

import codecs
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from crmreport.intake import read_csv
from tests.intake.conftest import LINES, SALES, Shop, csv_text

TEXT = csv_text("会員1,Ａ－1,2026-10-01,100", "会員2,A-2,2026-10-02,200")
BOM = codecs.BOM_UTF8
ENCODED: dict[str, tuple[bytes, str]] = {
    "UTF-8": (TEXT.encode(), "utf-8"),
    "UTF-8 with a mark": (BOM + TEXT.encode(), "utf-8"),
    "two marks": (BOM + BOM + TEXT.encode(), "utf-8"),
    "two marks before a quote": (BOM + BOM + TEXT.replace("会員番号", '"会員番号"').encode(), "utf-8"),
    "cp932": (TEXT.encode("cp932"), "cp932"),
    "UTF-16 little endian": (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), "utf-16-le"),
    "UTF-16 big endian": (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "utf-16-be"),
    "UTF-16 without a mark": (TEXT.encode("utf-16-le"), "utf-16-le"),
    "Windows line ends": (TEXT.replace("\n", "\r\n").encode(), "utf-8"),
    "old Mac line ends": (TEXT.replace("\n", "\r").encode(), "utf-8"),
    "no line end at the end": (TEXT.strip().encode(), "utf-8"),
    "blank lines, rows of commas": (TEXT.replace("200", "200\n\n,,,\n").encode(), "utf-8"),
    "comma at every end": (TEXT.replace("100", "100,,").encode(), "utf-8"),
    "tabs": (TEXT.replace(",", "\t").encode(), "utf-8"),
    "semicolons": (TEXT.replace(",", ";").encode(), "utf-8"),
}


@pytest.mark.parametrize(("content", "encoding"), ENCODED.values(), ids=ENCODED.keys())
def test_the_same_lines_in_every_coat(shop: Shop, content: bytes, encoding: str) -> None:
    shop.put("sales.csv", content)
    store = shop.open()
    orders = pl.read_parquet(store.table("order_lines"))
    assert orders.select("customer_id", "order_id", "revenue").rows() == [
        ("会員1", "A-1", 100),
        ("会員2", "A-2", 200),
    ]
    assert store.report.inputs[0].found["encoding"] == encoding
    assert store.report.lines == 2


def test_cp932_far_into_a_file_that_begins_in_ascii(shop: Shop) -> None:
    lines = [f"C{i},A{i},2026-10-01,1" for i in range(120_000)]
    text = csv_text(*lines, "髙﨑,A,2026-10-01,1", header="id,order,day,amount")
    columns = dict(zip(SALES, ("id", "order", "day", "amount"), strict=True))
    shop.put("sales.csv", text, "cp932")
    orders = shop.orders({"columns": columns})
    assert orders["customer_id"][-1] == "髙﨑"


def test_lines_before_the_header_are_skipped(shop: Shop) -> None:
    shop.put("sales.csv", "売上明細\n出力日,2026-11-01\n" + csv_text("C1,A1,bad,1", *LINES))
    store = shop.open({"header_row": 3}, policies={"quarantine_limit": 0.5})
    aside = pl.read_parquet(shop.folder / "quarantine" / store.report.key / "lines.parquet")
    assert aside["line"].to_list() == [4]


def test_headers_match_whatever_their_width_and_case(shop: Shop) -> None:
    shop.put("sales.csv", csv_text(*LINES, header=" 会員番号,伝票番号 ,購入日,ＡＭＯＵＮＴ"))
    assert shop.open({"columns": SALES | {"revenue": "amount"}}).report.revenue == 600


def test_batches_do_not_show(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.put("sales.csv", csv_text(*LINES, "合計,,,600"))
    whole = shop.open({"totals_row": "drop"})
    for size in (1, 2, 3, 4, 5):
        monkeypatch.setattr(read_csv, "BATCH_LINES", size)
        (whole.path / "intake.json").unlink(missing_ok=True)
        again = shop.open({"totals_row": "drop"})
        assert again.report == whole.report


def test_a_glob_reads_its_files_in_order_of_name(shop: Shop) -> None:
    shop.put("sales_2.csv", csv_text(LINES[2]))
    shop.put("sales_1.csv", csv_text(*LINES[:2]))
    store = shop.open({"path": "sales_*.csv"})
    assert [f.name for f in store.report.inputs] == ["sales_1.csv", "sales_2.csv"]
    assert pl.read_parquet(store.table("order_lines"))["order_id"].to_list() == ["A1", "A2", "A3"]


def test_excel_cells_are_read_as_they_look(
    shop: Shop, workbook: Callable[[Path, list[list[Any]]], Path]
) -> None:
    rows = [
        ["明細", None, None, None],
        list(SALES.values()),
        [12, "A1", datetime(2026, 10, 31, 12, 30), 100.5],  # noqa: DTZ001
        ["0012", 7.0, date(2026, 10, 30), "1,000円"],
        [None, None, None, None],
        ["合計", None, None, 1100.5],
    ]
    workbook(shop.folder / "sales.xlsx", rows)
    store = shop.open({"path": "sales.xlsx", "header_row": 2, "totals_row": "drop"})
    orders = pl.read_parquet(store.table("order_lines"))
    assert orders.select("customer_id", "order_id", "order_date", "revenue").rows() == [
        ("12", "A1", date(2026, 10, 31), 100.5),
        ("0012", "7", date(2026, 10, 30), 1000.0),
    ]
    assert store.report.inputs[0].found == {"sheet": "Sheet"}


def test_parquet_keeps_its_types(shop: Shop) -> None:
    frame = pl.DataFrame(
        {
            "id": [1, None],
            "order": ["a", "b"],
            "at": [datetime(2026, 10, 31, 20), datetime(2026, 10, 31, 10)],  # noqa: DTZ001
            "amount": pl.Series([1.5, -2]).cast(pl.Decimal(10, 2)),
            "sub": [True, None],
        }
    )
    frame.write_parquet(shop.folder / "s.parquet")
    columns = dict(zip(SALES, ("id", "order", "at", "amount"), strict=True)) | {"is_subscription": "sub"}
    orders = shop.orders({"path": "s.parquet", "columns": columns, "timezone": "UTC"})
    assert orders["order_date"].to_list() == [date(2026, 11, 1), date(2026, 10, 31)]
    assert orders["revenue"].to_list() == [1.5, -2.0]
    assert orders["is_subscription"].to_list() == [True, None]
    assert orders["customer_id"].to_list() == ["1", None]


def test_columns_of_the_clients_own_keep_their_parquet_type(shop: Shop) -> None:
    shop.put("sales.csv", csv_text(*LINES))
    pl.DataFrame({"id": ["C001"], "kids": [2], "skin": ["ﾄﾞﾗｲ"]}).write_parquet(shop.folder / "m.parquet")
    columns = {"customer_id": "id", "kids": "kids", "skin": "skin"}
    store = shop.open(customers=[{"path": "m.parquet", "columns": columns}])
    assert pl.read_parquet(store.table("customers")).rows() == [("C001", 2, "ドライ")]
