"""What bad input gets: one line naming the file and what was found, with a way out; or quarantine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msoffcrypto
import polars as pl
import pytest

from crmreport.errors import ConfigError, DataError
from tests.intake.conftest import HEADER, LINES, SALES, Shop, csv_text

GOOD = csv_text(*LINES)
HOSTILE = [
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "../../x",
    "a\x00b",
    "\u202eabc",
    "x" * 10_000_000,
]

FILES: dict[str, tuple[bytes, str]] = {
    "unknown encoding": (
        HEADER.encode() + b"\nC1,A1,2026-10-01,\xff\xfe\xfd\n",
        r"sales.csv: unknown encoding",
    ),
    "Western accents": (
        csv_text("1,2,2026-10-01,café", "2,Größe,2026-10-01,naïve", header="id,name,day,amount").encode(
            "cp1252"
        ),
        r"unknown encoding, not UTF-8, UTF-16 or cp932 \(byte 0xe9",
    ),
    "bytes of no encoding": (b"id,day\n\xff\xfe\xfd,1\n", r"unknown encoding"),
    "EUC-JP": (csv_text(*LINES).encode("euc_jp"), r"it looks like EUC-JP\); save it as UTF-8"),
    "too few fields": (
        csv_text(*LINES, "C9,A9").encode(),
        r"sales.csv: line 5 has 2 fields, the header has 4 \(1 such",
    ),
    "too many fields": (csv_text(*LINES, "C9,A9,2026-10-01,1,000").encode(), r"line 5 has 5 fields"),
    "doubled header": (
        csv_text("1,2,3", header="会員番号,金額,金額").encode(),
        r"'金額' stands twice \(columns 2 and 3\)",
    ),
    "totals row": (
        csv_text(*LINES, "合計,,,600").encode(),
        r"line 5 looks like a totals row \('合計'\).*totals_row: drop",
    ),
    "empty file": (b"", r"sales.csv: the file is empty \(0 bytes\)"),
    "header and no line": (HEADER.encode() + b"\n", r"there is a header and no line under it"),
    "empty first line": (b"\n" + GOOD.encode(), r"line 1 should be the header and is empty; set header_row"),
    "quote never closed": (csv_text(*LINES, 'C9,"A9,2026-10-01,1').encode(), r"line 5 is never closed"),
    "misspelt header": (
        csv_text("C1,A1,2026-10-01,1", header="会員番号,伝票番号,購入日,金額（税込）").encode(),
        r"sales.csv: no column '金額'; did you mean '金額（税込）'\?",
    ),
    "nothing like the header": (
        csv_text("1,2", header="foo,bar").encode(),
        r"no column '会員番号'; the file has 'foo', 'bar'",
    ),
    "no line readable": (
        csv_text("C1,A1,x,1", "C1,A1,y,2").encode(),
        r"2 of 2 lines of sales.csv could not be read",
    ),
}


@pytest.mark.parametrize(("content", "message"), FILES.values(), ids=FILES.keys())
def test_a_csv_that_cannot_be_read_is_refused_by_name(shop: Shop, content: bytes, message: str) -> None:
    shop.put("sales.csv", content)
    with pytest.raises(DataError, match=message) as error:
        shop.open()
    assert "\n" not in str(error.value)
    assert str(shop.folder) not in str(error.value)


SOURCES: dict[str, tuple[dict[str, Any], str]] = {
    "missing file": ({"path": "sale.csv"}, r"sale.csv: no such file; did you mean sales.csv\?"),
    "missing folder": ({"path": "in/sale.csv"}, r"its folder does not exist either"),
    "glob without a match": ({"path": "*.tsv"}, r"\*.tsv: no file matches; the folder holds sales.csv"),
    "wrong delimiter": ({"delimiter": ";"}, r"';' does not occur in the header, comma does \(4 fields\)"),
    "delimiter of two characters": ({"delimiter": "::"}, r"'::' is not one character"),
    "no such codec": ({"encoding": "sjis-win"}, r"'sjis-win' is no encoding Python knows"),
    "wrong encoding declared": ({"encoding": "ascii"}, r"not ascii: byte 0xe4 does not belong there"),
    "csv taken for Parquet": ({"format": "parquet"}, r"not a Parquet file"),
    "csv taken for Excel": ({"format": "excel"}, r"not a readable Excel workbook"),
    "rule on an unknown column": (
        {"rules": [{"name": "test", "column": "店舗", "exclude": ["9"]}]},
        r"no column '店舗'; the file has",
    ),
}


@pytest.mark.parametrize(("source", "message"), SOURCES.values(), ids=SOURCES.keys())
def test_a_source_that_does_not_fit_its_file_is_refused(
    shop: Shop, source: dict[str, Any], message: str
) -> None:
    shop.put("sales.csv", GOOD)
    with pytest.raises(DataError, match=message):
        shop.open(source)


MAPPINGS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown canonical column": (
        {"columns": SALES | {"revenu": "x"}},
        r"no canonical column 'revenu'; did you mean revenue",
    ),
    "no customer": (
        {"columns": {k: v for k, v in SALES.items() if k != "customer_id"}},
        "columns lacks customer_id",
    ),
    "no amount": (
        {"columns": {k: v for k, v in SALES.items() if k != "revenue"}},
        "neither revenue nor quantity and unit_price",
    ),
    "mapped and constant": ({"constants": {"revenue": "1"}}, "revenue is mapped and constant"),
}


@pytest.mark.parametrize(("source", "message"), MAPPINGS.values(), ids=MAPPINGS.keys())
def test_a_mapping_that_cannot_work_is_refused_before_any_file_is_read(
    shop: Shop, source: dict[str, Any], message: str
) -> None:
    shop.put("sales.csv", GOOD)
    with pytest.raises(ConfigError, match=message):
        shop.open(source)


def test_a_truncated_parquet_is_refused(shop: Shop) -> None:
    path = shop.folder / "sales.parquet"
    pl.DataFrame({h: ["2026-10-01"] * 1000 for h in SALES.values()}).write_parquet(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        DataError, match=r"sales.parquet: the Parquet file is cut off \(.* bytes, no footer\); copy it again"
    ):
        shop.open({"path": "sales.parquet"})


def test_a_parquet_damaged_inside_is_refused(shop: Shop) -> None:
    path = shop.folder / "sales.parquet"
    pl.DataFrame({h: [f"{i}" for i in range(1000)] for h in SALES.values()}).write_parquet(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:4] + bytes(len(whole) - 8) + whole[-4:])
    with pytest.raises(DataError, match=r"sales.parquet: the Parquet file is damaged"):
        shop.open({"path": "sales.parquet"})


@pytest.fixture
def locked(shop: Shop, workbook: Callable[[Path, list[list[Any]]], Path]) -> Path:
    plain = workbook(shop.folder / "plain.xlsx", [list(SALES.values()), ["C1", "A1", "2026-10-01", 5]])
    path = shop.folder / "sales.xlsx"
    with plain.open("rb") as source, path.open("wb") as target:
        book = msoffcrypto.OfficeFile(source)
        book.encrypt("open sesame", target)  # type: ignore[attr-defined]
    plain.unlink()
    return path


def test_a_workbook_with_a_password_is_refused(shop: Shop, locked: Path) -> None:
    with pytest.raises(
        DataError, match=r"sales.xlsx: the workbook is protected by a password; save it without"
    ):
        shop.open({"path": "sales.xlsx"})


def test_a_wrong_password_is_refused_and_not_repeated(shop: Shop, locked: Path) -> None:
    with pytest.raises(DataError, match=r"password does not open the workbook") as error:
        shop.open({"path": "sales.xlsx", "password": "guess-17"})
    assert "guess-17" not in str(error.value)


def test_the_right_password_opens_the_workbook(shop: Shop, locked: Path) -> None:
    assert shop.orders({"path": "sales.xlsx", "password": "open sesame"})["revenue"].to_list() == [5.0]


def test_a_foreign_ole_file_is_refused(shop: Shop) -> None:
    shop.put("sales.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    with pytest.raises(DataError, match=r"sales.xls: .*save it as .xlsx"):
        shop.open({"path": "sales.xls"})


def test_a_workbook_cut_off_is_refused(shop: Shop, workbook: Callable[[Path, list[list[Any]]], Path]) -> None:
    path = workbook(shop.folder / "sales.xlsx", [list(SALES.values())])
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(DataError, match=r"sales.xlsx: not a readable Excel workbook"):
        shop.open({"path": "sales.xlsx"})


def test_a_sheet_that_is_not_there_is_refused(
    shop: Shop, workbook: Callable[[Path, list[list[Any]]], Path]
) -> None:
    workbook(shop.folder / "sales.xlsx", [list(SALES.values())])
    with pytest.raises(DataError, match=r"sales.xlsx: no sheet '明細'; it has 'Sheet'"):
        shop.open({"path": "sales.xlsx", "sheet": "明細"})


def test_hostile_strings_are_kept_as_text_and_never_become_a_path(shop: Shop) -> None:
    rows = [f'"{text}",A{i},2026-10-01,1' for i, text in enumerate(HOSTILE)]
    shop.put("sales.csv", csv_text(*rows))
    store = shop.open()
    ids = pl.read_parquet(store.table("order_lines"))["customer_id"].to_list()
    assert ids[:3] == HOSTILE[:3]
    assert ids[3:5] == ["a b", "abc"], "NUL and direction marks are no part of a code"
    assert len(ids[5]) == 10_000_000
    assert [c.id for c in store.report.checks if c.id == "long_text"] == ["long_text"]
    written = {p.relative_to(shop.folder).parts[0] for p in shop.folder.rglob("*")}
    assert written == {"sales.csv", ".store"}


def test_quarantine_for_people_holds_no_formula(shop: Shop) -> None:
    shop.put("sales.csv", csv_text("C1,A1,=1+1,1", *LINES))
    store = shop.open(policies={"quarantine_limit": 0.5})
    folder = shop.folder / "quarantine" / store.report.key
    assert "'=1+1" in (folder / "lines.csv").read_text(encoding="utf-8-sig")
    kept = pl.read_parquet(folder / "lines.parquet").row(0, named=True)
    assert (kept["file"], kept["line"], kept["column"], kept["header"], kept["value"]) == (
        "sales.csv",
        2,
        "ordered_at",
        "購入日",
        "=1+1",
    )


def test_unreadable_lines_below_the_limit_are_set_aside_and_counted(shop: Shop) -> None:
    lines = [f"C{i},A{i},2026-10-01,{i}" for i in range(199)]
    shop.put("sales.csv", csv_text(*lines, "C9,A9,2026-13-01,oops"))
    report = shop.open().report
    assert report.balance() == "lines in 200 = stored 199 + quarantined 1 + excluded by rule 0"
    assert {(q.column, q.lines) for q in report.quarantined} == {("ordered_at", 1), ("revenue", 1)}


@pytest.mark.parametrize("when", ["0001-01-01 00:00:00+09:00", "9999-12-31 23:59:59-05:00"])
def test_a_time_that_has_no_year_in_utc_is_set_aside(shop: Shop, when: str) -> None:
    shop.put("sales.csv", csv_text(f"C1,A1,{when},5", "C2,A2,2026-10-01 00:30:00+09:00,5"))
    store = shop.open(policies={"quarantine_limit": 1.0})
    assert (store.report.n_stored, store.report.n_quarantined) == (1, 1)


def test_unreadable_lines_above_the_limit_stop_the_run_and_are_kept_to_be_looked_at(shop: Shop) -> None:
    lines = [f"C{i},A{i},2026-10-01,{i}" for i in range(97)]
    shop.put("sales.csv", csv_text(*lines, *(f"C9,A9,秘密{i},1" for i in range(3))))
    with pytest.raises(
        DataError,
        match=r"3 of 100 lines of sales.csv .*\(3.0%, the limit is 1.0%\); first: line 99, ordered_at",
    ) as e:
        shop.open()
    assert "秘密" not in str(e.value), "an error names the place, never the value"
    assert len(list((shop.folder / "quarantine").glob("*/lines.csv"))) == 1
    assert not list((shop.folder / ".store").glob("*/intake.json"))


def test_exactly_the_limit_is_not_above_it(shop: Shop) -> None:
    shop.put("sales.csv", csv_text(*(f"C{i},A{i},2026-10-01,{i}" for i in range(99)), "C9,A9,x,1"))
    assert shop.open().report.n_quarantined == 1


def test_ragged_rows_can_be_set_aside_instead(shop: Shop) -> None:
    shop.put("sales.csv", csv_text(*LINES, "C9,A9", 'C9,"A"9,2026-10-01,1', "C9,A9,2026-10-01,1,,"))
    report = shop.open({"ragged_rows": "quarantine"}, policies={"quarantine_limit": 0.5}).report
    assert report.balance() == "lines in 6 = stored 4 + quarantined 2 + excluded by rule 0"
    assert sorted(q.reason for q in report.quarantined) == [
        "has 2 fields, the header has 4",
        "quotes are broken",
    ]


@pytest.mark.parametrize("row", ["総　計,,,600", ",,Grand Total,600", "小計：,,,600"])
def test_a_totals_row_can_be_dropped_by_name(shop: Shop, row: str) -> None:
    shop.put("sales.csv", csv_text(*LINES, row))
    report = shop.open({"totals_row": "drop"}).report
    assert report.sources[0].excluded == {"totals row": 1}
    assert report.revenue == 600


def test_a_last_line_that_only_holds_a_totals_word_is_a_line(shop: Shop) -> None:
    shop.put(
        "sales.csv",
        csv_text(*LINES, "C9,A9,2026-10-01,5,計", header=HEADER + ",商品名").replace("00\n", "00,品\n"),
    )
    assert shop.open().report.n_stored == 4


def test_sex_in_digits_that_may_mean_either_is_refused(shop: Shop) -> None:
    shop.put("sales.csv", GOOD)
    shop.put("members.csv", "id,sex\nC001,0\nC002,1\n")
    master = {"path": "members.csv", "columns": {"customer_id": "id", "sex": "sex"}}
    with pytest.raises(DataError, match=r"members.csv: sex: sex is coded as 0, 1, which may mean either"):
        shop.open(customers=[master])
    store = shop.open(customers=[master | {"codes": {"sex": {"0": "male", "1": "female"}}}])
    assert pl.read_parquet(store.table("customers"))["sex"].to_list() == ["male", "female"]


def test_customers_files_that_disagree_are_listed_and_the_client_says_which_counts(shop: Shop) -> None:
    shop.put("sales.csv", GOOD)
    shop.put("a.csv", "id,pref,rank\nC001,東京都,\nC002,大阪府,gold\n")
    shop.put("b.csv", "id,pref,rank\nC001,京都府,silver\nC003,千葉県,\n")
    columns = {"customer_id": "id", "prefecture": "pref", "rank": "rank"}
    masters = [{"path": p, "columns": columns} for p in ("a.csv", "b.csv")]
    for keep, prefecture in (("last", "京都府"), ("first", "東京都")):
        store = shop.open(customers=masters, policies={"conflict_precedence": keep})
        table = pl.read_parquet(store.table("customers"))
        assert table.rows() == [
            ("C001", prefecture, "silver"),
            ("C002", "大阪府", "gold"),
            ("C003", "千葉県", None),
        ]
        listed = pl.read_parquet(store.conflicts)
        assert listed.select("key", "value", "kept", "file", "line").rows() == [
            ("C001", "東京都", keep == "first", "a.csv", 2),
            ("C001", "京都府", keep == "last", "b.csv", 2),
        ]
        assert [(c.column, c.keys, c.kept) for c in store.report.conflicts] == [("prefecture", 1, keep)]
        assert sum(s.excluded.get("same key", 0) for s in store.report.sources) == 1


def test_a_changed_file_under_a_half_built_store_is_built_again(shop: Shop) -> None:
    shop.put("sales.csv", GOOD)
    store = shop.open()
    (store.path / "intake.json").unlink()
    assert shop.open().report.n_stored == 3


def test_ten_megabytes_do_not_change_the_csv_limit_of_the_process(shop: Shop) -> None:
    import csv

    before = csv.field_size_limit()
    shop.put("sales.csv", GOOD)
    shop.open()
    assert csv.field_size_limit() == before


def test_nul_and_line_breaks_inside_quotes_keep_line_numbers_right(shop: Shop) -> None:
    shop.put("sales.csv", csv_text('"C\n1\n2",A1,2026-10-01,1', "C\x002,A2,2026-10-01,2", "C3,A3,bad,3"))
    store = shop.open(policies={"quarantine_limit": 0.5})
    assert pl.read_parquet(store.table("order_lines"))["customer_id"].to_list() == ["C 1 2", "C 2"]
    aside = pl.read_parquet(shop.folder / "quarantine" / store.report.key / "lines.parquet")
    assert aside["line"].to_list() == [6]
