"""The member master (cp932 CSV) and the product master (Excel)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import xlsxwriter

from crmreport.demo.calendar import LAST, date_of, day_of
from crmreport.demo.mess import full_width
from crmreport.demo.orders import Books
from crmreport.demo.places import PREFECTURES
from crmreport.demo.seeds import stream
from crmreport.demo.wareki import wareki

RANKS = ("ブロンズ", "シルバー", "ゴールド", "プラチナ")
_RANK_FROM = (0, 15_000, 40_000, 80_000)
_RANK_YEAR = (day_of(LAST.replace(year=2025, month=4, day=1)), day_of(LAST.replace(month=3, day=31)))
_CONSENTS = {"メール配信": "mail", "LINE配信": "line", "SMS配信": "sms", "DM送付": "dm"}
_TWICE = 0.008
_WITHDRAWN = 0.002


def write_members(folder: Path, books: Books, seed: int) -> Path:
    """Write 会員マスタ_20261031.csv: some members twice, the later line being the valid one."""
    rng = stream(seed, "member_master")
    members = books.members
    table = _member_table(rng, members, ranks(books))
    agreed = consents(books)
    for header, column in _CONSENTS.items():
        table[header] = np.where(agreed[column], "可", "不可")
    table = table[rng.random(len(table)) >= _WITHDRAWN]
    table = pd.concat([_older_twins(rng, table), table]).sort_index(kind="stable")
    path = folder / f"会員マスタ_{LAST:%Y%m%d}.csv"
    path.write_bytes(table.to_csv(index=False, lineterminator="\r\n").encode("cp932"))
    return path


def ranks(books: Books) -> np.ndarray:
    """Rank of each member: set every April from the fiscal year before."""
    lines = books.lines
    inside = lines["day"].between(*_RANK_YEAR) & (lines["member"] >= 0)
    spent = lines[inside].groupby("member")["amount"].sum().reindex(range(len(books.members)), fill_value=0)
    return np.array(RANKS)[np.maximum(np.searchsorted(_RANK_FROM, spent.to_numpy(), side="right") - 1, 0)]


def consents(books: Books) -> pd.DataFrame:
    """Consents of each member today, one column per channel: unsubscribing ends them."""
    given = books.members[list(_CONSENTS.values())].copy()
    left = books.sends[books.sends["unsubscribed"].notna()]
    for channel in given:
        given.loc[left.loc[left["channel"] == channel, "member"], channel] = False
    return given


def _member_table(rng: np.random.Generator, members: pd.DataFrame, rank: np.ndarray) -> pd.DataFrame:
    n = len(members)
    style = rng.choice(3, size=n, p=[0.7, 0.2, 0.1])
    born = [
        (f"{d:%Y/%m/%d}", wareki(d), wareki(d, short=True))[s]
        for d, s in zip(members["birth_date"], style, strict=True)
    ]
    blank = rng.random(n) < 0.03
    return pd.DataFrame(
        {
            "会員番号": full_width(members["member_id"], rng.random(n) < 0.01),
            "性別": members["sex"],
            "生年月日": np.where(blank, "", born),
            "郵便番号": full_width(members["postal"], rng.random(n) < 0.05),
            "都道府県": members["prefecture"].mask(rng.random(n) < 0.012, ""),
            "入会日": [f"{date_of(d):%Y/%m/%d}" for d in members["joined"]],
            "入会経路": members["acquisition"],
            "会員ランク": rank,
        }
    )


def _older_twins(rng: np.random.Generator, table: pd.DataFrame) -> pd.DataFrame:
    """The same number once more, with one attribute as it was before: place, rank or consent."""
    twins = table[rng.random(len(table)) < _TWICE].copy()
    kind = np.arange(len(twins)) % 3
    before = [PREFECTURES[i].name for i in rng.integers(len(PREFECTURES), size=len(twins))]
    twins["都道府県"] = twins["都道府県"].mask(kind == 0, pd.Series(before, twins.index))
    lower = twins["会員ランク"].map(dict(zip(RANKS, (RANKS[1], *RANKS), strict=False)))
    twins["会員ランク"] = twins["会員ランク"].mask(kind == 1, lower)
    other = twins["メール配信"].map({"可": "不可", "不可": "可"})
    twins["メール配信"] = twins["メール配信"].mask(kind == 2, other)
    return twins


def write_products(folder: Path, books: Books, seed: int) -> Path:
    """Write 商品マスタ.xlsx: a title, an empty row, the header, the products, a totals row."""
    rng = stream(seed, "product_master")
    products = books.products
    codes = full_width(products["product_id"], rng.random(len(products)) < 0.04)
    headers = {
        "商品コード": codes,
        "商品名": products["name"],
        "大分類": products["category_major"],
        "中分類": products["category_medium"],
        "小分類": products["category_small"],
        "ブランド": products["brand"],
        "香り": products["scent"],
        "肌悩み・仕上がり": products["concern"],
        "区分": products["kind"],
        "税込価格": products["price"],
        "原価": products["cost"],
    }
    path = folder / "商品マスタ.xlsx"
    book = xlsxwriter.Workbook(str(path))
    book.set_properties({"title": "商品マスタ", "created": datetime(2026, 10, 31)})  # noqa: DTZ001
    sheet = book.add_worksheet("商品マスタ")
    bold, money = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0"})
    sheet.write_string(0, 0, "商品マスタ（2026年10月31日現在）", bold)
    for at, (header, values) in enumerate(headers.items()):
        sheet.write_string(2, at, header, bold)
        for row, value in enumerate(values, start=3):
            if isinstance(value, str):
                if value:
                    sheet.write_string(row, at, value)
            else:
                sheet.write_number(row, at, int(value), money)
    end = 3 + len(products)
    sheet.write_string(end, 0, "合計", bold)
    sheet.write_string(end, 1, f"{len(products)}品目", bold)
    for at, column in ((9, "price"), (10, "cost")):
        sheet.write_number(end, at, int(products[column].sum()), money)
    sheet.freeze_panes(3, 0)
    book.close()
    return path
