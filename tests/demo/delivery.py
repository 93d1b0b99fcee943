"""Reads the demo shop's files the plain way, without the package's intake: an independent check."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

AS_OF = pd.Timestamp("2026-10-31")
FEE, TRAINING, NO_CARD = "9000229", "999", "9999999999"


@dataclass(frozen=True)
class Delivery:
    """``raw``: every sales line as text; ``lines``: the readable ones without fees and training."""

    folder: Path
    raw: pd.DataFrame
    lines: pd.DataFrame
    members: pd.DataFrame
    member_rows: pd.DataFrame
    products: pd.DataFrame

    @property
    def sold(self) -> pd.DataFrame:
        """Purchases with money in them, returns left out."""
        return self.lines[(self.lines["amount"] > 0) & self.lines["member"].ne("")]

    def between(self, first: str, last: str) -> pd.DataFrame:
        """Readable lines of the days ``first`` to ``last``."""
        day = self.lines["day"]
        return self.lines[(day >= first) & (day <= last)]


def read_delivery(folder: Path) -> Delivery:
    """Read the files under ``folder``/data."""
    data = folder / "data"
    files = sorted(data.glob("売上明細_*.csv"))
    raw = pd.concat([_text(path).assign(file=path.name) for path in files], ignore_index=True)
    member_rows = _text(data / "会員マスタ_20261031.csv")
    member_rows["会員番号"] = member_rows["会員番号"].map(_narrow)
    products = pd.read_excel(data / "商品マスタ.xlsx", header=2, dtype=str).fillna("")
    products = products[products["商品コード"] != "合計"].copy()
    products["商品コード"] = products["商品コード"].map(_narrow)
    lines = pd.DataFrame(
        {
            "member": raw["会員番号"].map(_narrow).replace(NO_CARD, ""),
            "order": raw["伝票番号"],
            "day": pd.to_datetime(raw["購入日時"].str[:10], format="%Y/%m/%d", errors="coerce"),
            "product": raw["商品コード"].map(_narrow),
            "quantity": pd.to_numeric(raw["数量"].map(_number), errors="coerce"),
            "amount": pd.to_numeric(raw["金額（税込）"].map(_number), errors="coerce"),
            "store": raw["店舗コード"],
            "channel": raw["チャネル"],
            "is_return": raw["返品区分"] == "1",
            "returned_order": raw["元伝票番号"],
        }
    )
    fine = lines[["day", "quantity", "amount"]].notna().all(axis=1)
    lines = lines[fine & (lines["product"] != FEE) & (lines["store"] != TRAINING)]
    lines = lines.merge(
        products.rename(
            columns={
                "商品コード": "product",
                "商品名": "name",
                "中分類": "medium",
                "香り": "scent",
                "区分": "kind",
            }
        )[["product", "name", "medium", "scent", "kind"]],
        on="product",
        how="left",
    )
    members = member_rows.drop_duplicates("会員番号", keep="last").set_index("会員番号")
    return Delivery(folder, raw, lines, members, member_rows, products)


def _text(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, encoding="cp932", dtype=str, keep_default_na=False)


def _narrow(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _number(text: str) -> str:
    return re.sub("^▲", "-", text).replace(",", "")
