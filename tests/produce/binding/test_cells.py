"""Delivered cells are data, never formulas."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmreport.present.words import Words
from crmreport.produce.binding.cells import csv_text, sheet_name
from crmreport.produce.binding.lists import write_list
from crmreport.produce.binding.outputs import Item
from crmreport.produce.binding.tables import write_csv, write_workbook
from tests.produce.chapters import table

WORDS = Words("ja")
DAY = date(2026, 10, 31)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("=HYPERLINK(1)", "'=HYPERLINK(1)", id="formula"),
        pytest.param("+81 3", "'+81 3", id="phone number"),
        pytest.param("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0", id="DDE"),
        pytest.param("@SUM(A1)", "'@SUM(A1)", id="at sign"),
        pytest.param("\t=1", "' =1", id="tab first"),
        pytest.param("\r=1", "' =1", id="carriage return first"),
        pytest.param(" =1", "' =1", id="space first"),
        pytest.param("\u2003=1", "'\u2003=1", id="wide space first"),
        pytest.param("\x1f=1", "'=1", id="control character first"),
        pytest.param("＝1+1", "'＝1+1", id="full-width equals"),
        pytest.param("-12.5", "-12.5", id="negative number"),
        pytest.param("1e-05", "1e-05", id="small number"),
        pytest.param("東京都", "東京都", id="text"),
        pytest.param("a\x00\x1bb", "ab", id="control characters"),
        pytest.param("", "", id="empty"),
    ],
)
def test_csv_text(text: str, expected: str) -> None:
    assert csv_text(text) == expected


@given(st.text())
def test_no_text_is_a_formula_in_csv(text: str) -> None:
    safe = csv_text(text)
    if safe.lstrip().startswith(("=", "+", "-", "@")):
        assert float(safe) is not None
    assert not any(ord(c) < 32 for c in safe)


@given(st.lists(st.text(min_size=1), max_size=8))
def test_sheet_names_are_taken_by_excel(wanted: list[str]) -> None:
    taken: set[str] = set()
    for name in wanted:
        found = sheet_name(name, taken)
        assert 1 <= len(found) <= 31
        assert not set(found) & set("[]:*?/\\")
        assert found.casefold() not in {t.casefold() for t in taken}
        taken.add(found)


def test_csv_reads_back_unrounded_and_in_excels_encoding(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", "name,share\n=1+1,0.12345678901234\n東京,-0.5\n")
    raw = (tmp_path / "a.csv").read_bytes()
    assert raw.startswith("\ufeff".encode())
    frame = pd.read_csv(tmp_path / "a.csv", encoding="utf-8-sig")
    assert list(frame["name"]) == ["'=1+1", "東京"]
    assert list(frame["share"]) == [0.12345678901234, -0.5]


def test_workbook_has_numbers_as_numbers_and_no_formula(tmp_path: Path) -> None:
    items = [Item.model_validate(table("a.b", "name,revenue\n=1+1,10.5\n-x,-20\n"))]
    write_workbook(tmp_path / "t.xlsx", items, words=WORDS, as_of=DAY, title="=題")
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    assert book.sheetnames == ["目次", "a.b"]
    sheet = book["a.b"]
    assert [[c.value for c in row] for row in sheet.iter_rows(min_row=4)] == [
        ["NAME", "REVENUE"],
        ["=1+1", 10.5],
        ["-x", -20],
    ]
    assert all(c.data_type != "f" for page in book for row in page.iter_rows() for c in row)


def test_a_table_of_measures_has_each_rows_own_format(tmp_path: Path) -> None:
    made = table("a.b", "kpi,spec,value\nrevenue,money,1234567.8\nshare,pct,0.512\nchange,pt,0.012\n")
    made["spec"]["ja"]["columns"][2]["format"] = "row:spec"
    write_workbook(tmp_path / "t.xlsx", [Item.model_validate(made)], words=WORDS, as_of=DAY, title="t")
    sheet = openpyxl.load_workbook(tmp_path / "t.xlsx")["a.b"]
    cells = [row[2] for row in sheet.iter_rows(min_row=5)]
    assert [c.value for c in cells] == [1234567.8, 0.512, 0.012]
    assert [c.number_format for c in cells] == ["#,##0", "0.0%", "0.0%"]


def test_workbooks_have_the_same_bytes_twice(tmp_path: Path) -> None:
    items = [Item.model_validate(table("a.b", "name,revenue\nx,10.5\n"))]
    for name in ("1", "2"):
        write_workbook(tmp_path / f"{name}.xlsx", items, words=WORDS, as_of=DAY, title="t")
    assert (tmp_path / "1.xlsx").read_bytes() == (tmp_path / "2.xlsx").read_bytes()


def _customers(path: Path) -> Path:
    frame = pd.DataFrame(
        {
            "customer_id": ["0001", "=cmd", "0003"],
            "reason": ["lapsed"] * 3,
            "consent_mail": [True, False, False],
            "consent_line": [False, True, False],
        }
    )
    frame.to_parquet(path, index=False)
    return path


@pytest.mark.parametrize(
    ("contact", "ids", "left"),
    [
        pytest.param(True, ["0001", "'=cmd"], 1, id="writing to people: some consent is needed"),
        pytest.param(False, ["0001", "'=cmd", "0003"], 0, id="not writing: everyone"),
    ],
)
def test_action_list_honours_consent(tmp_path: Path, contact: bool, ids: list[str], left: int) -> None:
    source = _customers(tmp_path / "x.parquet")
    count = write_list(tmp_path, "decile.x", source, words=WORDS, as_of=DAY, title="一覧", contact=contact)
    assert (count.rows, count.without_consent) == (len(ids), left)
    frame = pd.read_csv(tmp_path / "decile.x.csv", encoding="utf-8-sig", dtype=str)
    assert list(frame["customer_id"]) == ids
    sheet = openpyxl.load_workbook(tmp_path / "decile.x.xlsx").worksheets[0]
    found = [row[0].value for row in sheet.iter_rows(min_row=4)]
    assert found == [i.removeprefix("'") for i in ids]


@pytest.mark.parametrize(
    ("contact", "ids", "tested"),
    [
        pytest.param(True, ["'=cmd"], 1, id="writing to people: who is in a test waits"),
        pytest.param(False, ["0001", "'=cmd", "0003"], 0, id="not writing: everyone"),
    ],
)
def test_action_list_leaves_out_who_is_in_a_running_test(
    tmp_path: Path, contact: bool, ids: list[str], tested: int
) -> None:
    source = _customers(tmp_path / "x.parquet")
    # The third has agreed to nothing: left out for that, and counted once.
    running = {"0001": date(2026, 11, 17), "0003": date(2026, 12, 24), "another": date(2027, 1, 1)}
    count = write_list(
        tmp_path, "decile.x", source, words=WORDS, as_of=DAY, title="一覧", contact=contact, tested=running
    )
    assert (count.rows, count.in_test) == (len(ids), tested)
    assert count.test_until == ("2026-11-17" if contact else None)
    frame = pd.read_csv(tmp_path / "decile.x.csv", encoding="utf-8-sig", dtype=str)
    assert list(frame["customer_id"]) == ids


@pytest.mark.parametrize(("contact", "left"), [(True, None), (False, 0)], ids=["writing", "not writing"])
def test_without_a_column_of_consent_a_list_holds_everybody(
    tmp_path: Path, contact: bool, left: int | None
) -> None:
    source = tmp_path / "x.parquet"
    pd.DataFrame({"customer_id": ["1", "2"], "reason": ["lapsed"] * 2}).to_parquet(source, index=False)
    count = write_list(tmp_path, "decile.x", source, words=WORDS, as_of=DAY, title="一覧", contact=contact)
    assert (count.rows, count.without_consent) == (2, left)
