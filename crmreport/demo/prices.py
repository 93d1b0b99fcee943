"""What a line costs: list prices with their revision, discounts, coupons, points, shipping fees."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from crmreport.demo.calendar import day_of, months
from crmreport.demo.catalogue import SKIN

_REVISION_DAY = day_of(date(2025, 10, 1))
_FREE_SHIPPING_FROM = 3_300


def price(rng: np.random.Generator, lines: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """Unit price (revised in October 2025), discounts, amount, points used."""
    day, product = lines["day"].to_numpy(), lines["product"].to_numpy()
    now = products["price"].to_numpy()[product]
    raised = (products["category_major"] == SKIN).to_numpy()[product] & (day < _REVISION_DAY)
    unit = np.where(raised, np.round(now / 1.06 / 10) * 10, now).astype(int)
    odd = rng.random(len(lines)) < 0.012
    unit = np.where(odd & (unit > 1000), unit - rng.choice([50, 100, 300], size=len(lines)), unit)
    gross = unit * lines["quantity"].to_numpy()
    sale = np.isin(months()[day], (6, 12)) & (rng.random(len(lines)) < 0.22)
    coupon = ~sale & (rng.random(len(lines)) < 0.06)
    subscribed = lines["subscription"].to_numpy(dtype=bool)
    rate = np.where(sale, 0.15, np.where(coupon | subscribed, 0.10, 0.0))
    discount = (np.round(gross * rate / 10) * 10).astype(int)
    amount = gross - discount
    uses_points = rng.random(len(lines)) < 0.07
    points = np.where(uses_points, np.minimum(amount, rng.integers(1, 12, size=len(lines)) * 100), 0)
    codes = np.array([f"CP{m:02d}10" for m in range(13)])[months()[day]]
    return lines.assign(
        unit_price=unit, discount=discount, amount=amount, points=points, coupon=np.where(coupon, codes, "")
    )


def shipping_fees(lines: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """Small EC orders pay for shipping; the files carry it as a product line."""
    fee = products[products["kind"] == "送料"]
    total = lines.groupby("visit")["amount"].sum()
    small = total.index[total < _FREE_SHIPPING_FROM]
    orders = lines[(lines["channel"] == "EC") & lines["visit"].isin(small)].drop_duplicates("visit")
    yen = int(fee["price"].iloc[0])
    return orders.assign(
        product=int(fee.index[0]), quantity=1, unit_price=yen, discount=0, amount=yen,
        points=0, coupon="", subscription=False,
    )  # fmt: skip
