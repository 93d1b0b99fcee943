"""What the written files look like: form, faults, sizes, sameness."""

from __future__ import annotations

import re
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from crmreport.demo import write_demo
from tests.demo.delivery import Delivery


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path):
    once = write_demo(tmp_path / "a", scale=0.02)
    again = write_demo(tmp_path / "b", scale=0.02)
    other = write_demo(tmp_path / "c", scale=0.02, seed=1)
    assert [p.name for p in once] == [p.name for p in again]
    assert [p.read_bytes() for p in once] == [p.read_bytes() for p in again]
    # So small a shop may send nothing in some month: not every file need have its fellow.
    others = {path.name: path.read_bytes() for path in other}
    both = [path for path in once if path.name in others]
    assert len(both) >= 12
    assert all(path.read_bytes() != others[path.name] for path in both)


@pytest.mark.parametrize("scale", [0.0, 0.009, 5.1, -1.0])
def test_a_scale_out_of_bounds_is_refused(tmp_path: Path, scale: float):
    with pytest.raises(ValueError, match=r"scale .* out of bounds; give a share from 0.01 to 5"):
        write_demo(tmp_path, scale=scale)
    assert not (tmp_path / "data").exists()


def test_the_size_is_that_of_a_middling_shop(delivery: Delivery):
    assert len(delivery.raw) == pytest.approx(200_000, rel=0.03)
    assert len(delivery.members) == pytest.approx(20_000, rel=0.01)
    assert delivery.lines["day"].min() == pd.Timestamp("2023-11-01")
    assert delivery.lines["day"].max() == pd.Timestamp("2026-10-31")


def test_every_sales_file_holds_its_own_year(delivery: Delivery):
    spans = delivery.raw.assign(day=delivery.raw["購入日時"].str[:7]).query(
        "day.str.match(r'^20\\d\\d/\\d\\d$')"
    )
    broken = {"2024/13", "2025/02"}  # the unreadable dates stand wherever they stand
    spans = spans[~spans["day"].isin(broken)].groupby("file")["day"].agg(["min", "max"])
    assert spans["min"].to_list() == ["2023/11", "2024/11", "2025/11"]
    assert spans["max"].to_list() == ["2024/10", "2025/10", "2026/10"]


def test_files_are_cp932_with_windows_line_ends(delivery: Delivery):
    for path in delivery.folder.glob("data/*.csv"):
        data = path.read_bytes()
        assert data.decode("cp932").startswith(("会員番号,", "キャンペーンコード,会員番号,"))
        assert b"\r\n" in data
        assert b"\n" not in data.replace(b"\r\n", b"")
        with pytest.raises(UnicodeDecodeError):
            data.decode("utf-8")


def test_sales_have_the_faults_of_real_ones_and_few_unreadable_lines(delivery: Delivery):
    raw = delivery.raw
    readable = re.compile(r"\d{4}/(0[1-9]|1[0-2])/\d\d ([01]\d|2[0-3]):\d\d(:\d\d)?")
    no_date = ~raw["購入日時"].map(lambda text: bool(readable.fullmatch(text)))
    no_amount = raw["金額（税込）"] == ""
    no_quantity = ~raw["数量"].str.fullmatch(r"▲?\d+")
    unreadable = no_date | no_amount | no_quantity
    assert min(no_date.sum(), no_amount.sum(), no_quantity.sum()) >= 30
    assert 0.0003 < unreadable.mean() < 0.001
    assert raw["会員番号"].str.contains(r"[０-９]").sum() > 300
    assert raw["商品コード"].str.contains(r"[０-９]").sum() > 200
    assert (raw["会員番号"] == "9999999999").sum() > 4_000
    assert (raw["会員番号"] == "").sum() > 12_000
    assert (raw["店舗コード"] == "999").sum() > 50
    assert (raw["単価"] == "0").sum() > 2_000


def test_returns_are_negative_and_name_an_order_that_exists(delivery: Delivery):
    raw = delivery.raw
    back = raw[raw["返品区分"] == "1"]
    assert len(back) / len(raw) == pytest.approx(0.0125, abs=0.005)
    assert back["数量"].str.startswith("▲").mean() > 0.995
    linked = back[back["元伝票番号"] != ""]
    assert linked["元伝票番号"].isin(set(raw["伝票番号"])).mean() > 0.99
    assert 0.9 < len(linked) / len(back) < 0.99
    assert not raw.loc[raw["返品区分"] == "0", "数量"].str.startswith("▲").any()


def test_member_master_has_twins_and_three_ways_to_write_a_birthday(delivery: Delivery):
    rows = delivery.member_rows
    twins = rows[rows["会員番号"].duplicated(keep=False)]
    assert 130 <= len(twins) // 2 <= 190
    changed = twins.groupby("会員番号").nunique()
    assert (changed.gt(1).sum(axis=1) == 1).mean() > 0.98
    born = rows["生年月日"]
    forms = {r"\d{4}/\d\d/\d\d": 0.6, r"(昭和|平成)\d+年\d+月\d+日": 0.15, r"[SH]\d+\.\d+\.\d+": 0.07}
    for form, least in forms.items():
        assert born.str.fullmatch(form).mean() > least
    assert delivery.members.index.str.fullmatch(r"00\d{8}").all()


def test_product_master_has_a_title_above_and_totals_below(delivery: Delivery):
    sheet = openpyxl.load_workbook(delivery.folder / "data" / "商品マスタ.xlsx")["商品マスタ"]
    rows = list(sheet.values)
    assert str(rows[0][0]).startswith("商品マスタ（")
    assert rows[1] == (None,) * len(rows[1])
    assert rows[2][0] == "商品コード"
    assert rows[-1][0] == "合計"
    assert rows[-1][9] == sum(row[9] for row in rows[3:-1])
    assert delivery.products["商品コード"].is_unique
    assert set(delivery.lines["product"]) <= set(delivery.products["商品コード"])


def test_price_covers_cost(delivery: Delivery):
    for_sale = delivery.products[delivery.products["税込価格"].astype(int) > 0]
    for_sale = for_sale[for_sale["区分"] != "送料"]
    assert (for_sale["原価"].astype(int) < for_sale["税込価格"].astype(int) / 1.1).all()


def test_a_small_shop_has_the_same_kinds_of_faults(small_delivery: Delivery):
    assert len(small_delivery.members) == pytest.approx(1_000, rel=0.02)
    assert small_delivery.member_rows["会員番号"].duplicated().any()
    assert (small_delivery.raw["店舗コード"] == "999").any()
    assert len(small_delivery.raw) > len(small_delivery.lines)
