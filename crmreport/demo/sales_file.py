"""The sales detail as the shop's till system exports it: cp932 CSV, one file a year."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from crmreport.demo.calendar import DAYS, date_of, day_of
from crmreport.demo.mess import break_lines, full_width, training_lines
from crmreport.demo.orders import GUEST, Books
from crmreport.demo.planted import in_missing_delivery
from crmreport.demo.seeds import stream

NO_CARD = "9999999999"
_YEARS = (date(2023, 11, 1), date(2024, 11, 1), date(2025, 11, 1), date(2026, 11, 1))


def write_sales(folder: Path, books: Books, seed: int) -> list[Path]:
    """Write 売上明細_<from>_<to>.csv, three files."""
    sent = books.lines[~in_missing_delivery(books.lines)]
    # What campaigns added is written as it is, so that it moves nobody else's faults.
    is_added = (sent["campaign"] != "").to_numpy()
    table = _table(sent, books)
    added, added_day = table[is_added], sent["day"].to_numpy()[is_added]
    sent = sent[~is_added]
    table = _faulty(seed, table[~is_added], sent)
    day = sent["day"].to_numpy()
    table = break_lines(seed, table, day)
    fake, fake_day = training_lines(seed, table, day)
    day = np.concatenate([day, fake_day, added_day])
    order = np.argsort(day, kind="stable")
    table = pd.concat([table, fake, added], ignore_index=True).iloc[order]
    day = day[order]
    paths = []
    for first, end in pairwise(_YEARS):
        path = folder / f"売上明細_{first:%Y-%m}_{end - timedelta(days=1):%Y-%m}.csv"
        inside = (day >= day_of(first)) & (day < day_of(end))
        text = table[inside].to_csv(index=False, lineterminator="\r\n")
        path.write_bytes(text.encode("cp932"))
        paths.append(path)
    return paths


def _table(lines: pd.DataFrame, books: Books) -> pd.DataFrame:
    member = lines["member"].to_numpy()
    ids = books.members["member_id"].to_numpy()[np.maximum(member, 0)]
    names = np.array([f"{date_of(d):%Y/%m/%d}" for d in range(DAYS)])
    second = lines["second"].to_numpy()
    clock = np.array([f"{s // 3600:02d}:{s % 3600 // 60:02d}:{s % 60:02d}" for s in range(86_400)])
    # The till system was renewed in November 2024: before, it wrote no seconds.
    times = clock[second]
    times = np.where(lines["day"] < day_of(date(2024, 11, 1)), times.astype("U5"), times)
    amount = lines["amount"]
    return pd.DataFrame(
        {
            "会員番号": np.where(member == GUEST, "", ids),
            "伝票番号": lines["order_id"].to_numpy(),
            "行番号": lines["line"].astype(str).to_numpy(),
            "購入日時": np.char.add(np.char.add(names[lines["day"]], " "), times.astype("U8")),
            "商品コード": books.products["product_id"].to_numpy()[lines["product"]],
            "数量": _negative(lines["quantity"]),
            "単価": lines["unit_price"].astype(str).to_numpy(),
            "値引額": _negative(lines["discount"]),
            "金額（税込）": _negative(amount),
            "利用ポイント": lines["points"].astype(str).to_numpy(),
            "店舗コード": lines["store"].to_numpy(),
            "チャネル": lines["channel"].to_numpy(),
            "定期区分": np.where(lines["subscription"].astype(bool), "1", "0"),
            "返品区分": np.where(lines["is_return"].astype(bool), "1", "0"),
            "元伝票番号": lines["returned_order"].to_numpy(),
            "クーポンコード": lines["coupon"].to_numpy(),
        }
    )


def _faulty(seed: int, table: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """A number for no card in some shops, and digits in full width here and there."""
    rng = stream(seed, "sales_form")
    n = len(table)
    no_card = (lines["member"] == GUEST).to_numpy() & (rng.random(n) < 0.3)
    store_line = (lines["channel"] == "店舗").to_numpy()
    faulty = table.copy()
    faulty.loc[no_card, "会員番号"] = NO_CARD
    faulty["会員番号"] = full_width(faulty["会員番号"], store_line & (rng.random(n) < 0.004))
    faulty["商品コード"] = full_width(faulty["商品コード"], store_line & (rng.random(n) < 0.003))
    return faulty


def _negative(numbers: pd.Series) -> np.ndarray:
    """Plain digits, and ▲1,320 for what is below zero."""
    plain = numbers.astype(str).to_numpy(dtype=object)
    below = np.flatnonzero((numbers < 0).to_numpy())
    plain[below] = [f"▲{-int(numbers.iloc[i]):,}" for i in below]
    return plain
