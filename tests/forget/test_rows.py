"""A table with their rows, and the same without: nothing else changes by a byte."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from pathlib import Path

import openpyxl
import pandas as pd
import polars as pl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from crmreport.errors import ConfigError
from crmreport.forget.rows import Rows, UnreadableError, rows_in
from crmreport.forget.traces import holds
from crmreport.forget.whom import Whom, read_ids
from crmreport.intake.forgotten import Forgotten
from crmreport.present.words import Words
from crmreport.produce.binding.lists import write_list

WHOM = Whom(frozenset({"007", "=1+1", "あ 1"}), Forgotten())


def taken(name: str, data: bytes) -> Rows:
    return rows_in(name, data, WHOM, take_out=True)


@pytest.mark.parametrize(
    ("before", "after", "count"),
    [
        pytest.param(
            "customer_id,x\r\n006,1\r\n007,2\r\n008,3\r\n", "customer_id,x\r\n006,1\r\n008,3\r\n", 1, id="one"
        ),
        pytest.param(
            "customer_id,x\n007,1\n006,1\n007,2", "customer_id,x\n006,1\n", 2, id="two, no line end"
        ),
        pytest.param(
            "\ufeffcustomer_id,x\r\n'=1+1,1\r\n6,1\r\n", "\ufeffcustomer_id,x\r\n6,1\r\n", 1, id="formula"
        ),
        pytest.param(
            'customer_id,x\n007,"a\nb"\n6,"c\nd"\n', 'customer_id,x\n6,"c\nd"\n', 1, id="cells of two lines"
        ),
        pytest.param("x,顧客ID\n1,あ　１\n2,あ2\n", "x,顧客ID\n2,あ2\n", 1, id="a heading in Japanese"),
        pytest.param("customer_id,x\n007,1\n", "customer_id,x\n", 1, id="the only one"),
        pytest.param("customer_id,x\n007.0,1\n6.0,2\n", "customer_id,x\n6.0,2\n", 1, id="through floats"),
    ],
)
def test_a_csv_without_them(before: str, after: str, count: int) -> None:
    rows = taken("a.csv", before.encode())
    assert (rows.without, rows.count) == (after.encode(), count)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("customer_id,x\n06,007\n0070,1\n7,1\n", id="other ids, and a cell of the same text"),
        pytest.param("", id="empty"),
    ],
)
def test_what_is_not_theirs_stays(text: str) -> None:
    rows = taken("a.csv", text.encode())
    assert (rows.count, rows.without) == (0, None)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"segment,customers\n007,12\n", id="no column of customers"),
        pytest.param(b"customer_id;x\n007;1\n", id="separated by semicolons"),
        pytest.param("customer_id,x\n007,1\n".encode("utf-16"), id="in UTF-16"),
        pytest.param("顧客ID,店\n007,渋谷\n".encode("cp932"), id="its heading in cp932"),
    ],
)
def test_a_csv_whose_customers_cannot_be_told_is_not_passed_over(data: bytes) -> None:
    with pytest.raises(UnreadableError, match="no column of customer ids is found"):
        taken("a.csv", data)


def test_lines_in_another_encoding_keep_their_bytes() -> None:
    data = "customer_id,店\n007,渋谷\n006,新宿\n".encode("cp932")
    assert taken("a.csv", data).without == "customer_id,店\n006,新宿\n".encode("cp932")


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_a_workbook_without_them_looks_as_before(tmp_path: Path, lang: str) -> None:
    rows = pd.DataFrame(
        {
            "customer_id": ["006", "007", "=1+1", "008"],
            "reason": ["lapsed"] * 4,
            "last_date": [date(2026, 10, d) for d in (1, 2, 3, 4)],
            "revenue": [1.5, 7.0, 8.0, 9.25],
            "consent_mail": [True, False, True, True],
        }
    )
    rows.to_parquet(tmp_path / "in.parquet", index=False)
    words = Words(lang, currency="JPY", own={})  # type: ignore[arg-type]
    where = (tmp_path, "decile.lapsed_top", tmp_path / "in.parquet")
    write_list(*where, words=words, as_of=date(2026, 10, 31), title="対象", contact=False)
    path = tmp_path / "decile.lapsed_top.xlsx"
    found = taken(path.name, path.read_bytes())
    assert (found.count, found.customers) == (2, {"007", "=1+1"})
    assert found.without is not None

    before = openpyxl.load_workbook(path).worksheets[0]
    after = openpyxl.load_workbook(io.BytesIO(found.without)).worksheets[0]
    kept = [row for n, row in enumerate(_cells(before)) if n not in (4, 5)]
    assert _cells(after) == kept
    assert (before.auto_filter.ref, after.auto_filter.ref) == ("A3:E7", "A3:E5")
    assert after.freeze_panes == before.freeze_panes
    assert {k: d.width for k, d in after.column_dimensions.items()} == {
        k: d.width for k, d in before.column_dimensions.items()
    }
    with zipfile.ZipFile(io.BytesIO(found.without)) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b">007<" not in everything
    assert b"2026-10-02" not in everything, "what else was known of them alone"


def _cells(sheet) -> list[list[tuple]]:
    return [[(c.value, c.number_format, c.font.b) for c in row] for row in sheet.iter_rows()]


def test_any_rows_of_a_long_workbook_go_and_the_others_keep_their_order() -> None:
    rows = [[f"{n:05}", n, None if n % 3 else f"note {n}"] for n in range(1, 3_001)]
    gone = {1, 2, 3, 700, 701, 1500, 2999, 3000, *range(10, 400, 7)}
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["Customer ID", "rank", "note"])
    for row in rows:
        book.active.append(row)
        book.active.cell(row[1] + 1, 2).number_format = f'0"{row[1]}"'
    data = io.BytesIO()
    book.save(data)
    found = rows_in(
        "a.xlsx", data.getvalue(), Whom(frozenset(f"{n:05}" for n in gone), Forgotten()), take_out=True
    )
    assert found.count == len(gone)
    assert found.without is not None
    sheet = openpyxl.load_workbook(io.BytesIO(found.without)).worksheets[0]
    assert [list(row) for row in sheet.iter_rows(min_row=2, values_only=True)] == [
        row for row in rows if row[1] not in gone
    ]
    assert all(
        b.number_format == f'0"{b.value}"' for (b,) in sheet.iter_rows(min_row=2, min_col=2, max_col=2)
    )


@pytest.mark.parametrize("gone", [1, 40])
def test_a_workbook_is_gone_through_a_fixed_number_of_times(
    monkeypatch: pytest.MonkeyPatch, gone: int
) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for who in ("Customer ID", *(f"{n:05}" for n in range(1, 101))):
        book.active.append([who, 1])
    data = io.BytesIO()
    book.save(data)
    moved: list[int] = []
    move = Worksheet._move_cell

    def counted(sheet: Worksheet, row: int, *how: object) -> None:
        moved.append(row)
        move(sheet, row, *how)  # type: ignore[arg-type]

    monkeypatch.setattr(Worksheet, "_move_cell", counted)
    whom = Whom(frozenset(f"{n:05}" for n in range(2, 2 * gone + 1, 2)), Forgotten())
    assert rows_in("a.xlsx", data.getvalue(), whom, take_out=True).count == gone
    assert len(moved) <= 2 * 100, "no cell is moved twice, however many rows go"


def test_a_workbook_of_others_is_not_written_anew(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (["Customer ID", "rank"], ["008", "007"]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    assert taken("a.xlsx", (tmp_path / "a.xlsx").read_bytes()) == Rows()


def _book(path: Path, *rows: list[object]) -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path.read_bytes()


@pytest.mark.parametrize("written", [1001, 1001.0], ids=["whole", "as a decimal"])
def test_ids_somebody_retyped_as_numbers_are_found(tmp_path: Path, written: float) -> None:
    data = _book(tmp_path / "a.xlsx", ["customer_id", "x"], [written, 1], [1002, 1001])
    whom = Whom(frozenset({"1001"}), Forgotten())
    rows = rows_in("a.xlsx", data, whom, take_out=True)
    assert rows.count == 1
    assert rows.without is not None
    left = openpyxl.load_workbook(io.BytesIO(rows.without)).worksheets[0]
    assert list(left.iter_rows(values_only=True)) == [("customer_id", "x"), (1002, 1001)]


def test_a_workbook_with_them_and_no_column_of_customers_is_not_passed_over(tmp_path: Path) -> None:
    data = _book(tmp_path / "a.xlsx", ["no", "x"], ["007", 1])
    with pytest.raises(UnreadableError, match="no column of customer ids"):
        taken("a.xlsx", data)


def test_parquet_is_counted() -> None:
    data = io.BytesIO()
    pl.DataFrame({"customer_id": ["007", None, "8"], "parent_id": [None, "=1+1", "9"]}).write_parquet(data)
    assert taken("a.parquet", data.getvalue()) == Rows(2, frozenset({"007", "=1+1"}))


@pytest.mark.parametrize("name", ["a.xlsx", "a.parquet"])
def test_what_is_not_what_it_says_is_refused(name: str) -> None:
    with pytest.raises(UnreadableError, match="is no "):
        taken(name, b"PK and nothing more")


@pytest.mark.parametrize(
    ("text", "there"),
    [
        pytest.param("<p>A/17 #3</p>", True, id="as it is"),
        pytest.param("<p>R&amp;D 001</p>", True, id="escaped"),
        pytest.param("<p>A/17</p><p>#3</p>", False, id="in two places"),
    ],
)
def test_ids_that_are_no_word_are_found_in_pages(tmp_path: Path, text: str, *, there: bool) -> None:
    (tmp_path / "a.html").write_text(text, encoding="utf-8")
    assert holds(tmp_path / "a.html", Whom(frozenset({"A/17 #3", "R&D 001"}), Forgotten())) is there


# Ids


def test_ids_are_read_as_intake_reads_them() -> None:
    assert read_ids([" ００7 ", "007", "A—1"], None) == {"007", "A-1"}
    assert read_ids(["17850.0", "17850", "１.0", "1.50", "v1.0"], None) == {"17850", "1", "1.50", "v1.0"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param(["1", " "], "id 2 of 2 is empty; nothing was done", id="blank"),
        pytest.param(["x" * 300], "id 1 of 1 is longer than 200", id="too long"),
    ],
)
def test_an_id_that_is_none_is_refused_by_its_number(given: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        read_ids(given, None)
    assert "xxx" not in str(refused.value)
