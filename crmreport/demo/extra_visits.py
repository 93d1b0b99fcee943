"""Visits that come from a campaign: of an earlier basket two products at most, priced like any other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmreport.demo.calendar import DAYS, date_of
from crmreport.demo.planted import FIX_CELL
from crmreport.demo.prices import price, shipping_fees

_KINDS = ("本体", "詰め替え", "セット")
_AT_MOST = 2
"""Products bought once more: a visit on a reminder is a small one."""
_DAYS = 8.0
_SPAN = 10_000  # above any number of days


@dataclass(frozen=True, slots=True)
class Baskets:
    """Baskets that may be bought once more.

    ``orders``: member, day, second, channel, store; sorted by member and day. ``lines``: basket (row of
    ``orders``), product, quantity.
    """

    orders: pd.DataFrame
    lines: pd.DataFrame
    keys: np.ndarray

    @classmethod
    def of(cls, lines: pd.DataFrame, products: pd.DataFrame) -> Baskets:
        """What members bought; not what nobody buys again (trial sets, the cell to fix)."""
        again = products["kind"].isin(_KINDS)
        again &= ~((products["category_medium"] == FIX_CELL[0]) & (products["scent"] == FIX_CELL[1]))
        bought = lines[(lines["member"] >= 0) & (lines["amount"] > 0)]
        bought = bought[again.to_numpy()[bought["product"]]]
        bought = bought.sort_values(["member", "day", "order_id", "line"], kind="stable")
        bought = bought[bought.groupby("order_id").cumcount() < _AT_MOST]
        first = ~bought["order_id"].duplicated()
        orders = bought.loc[first, ["member", "day", "second", "channel", "store"]].reset_index(drop=True)
        content = pd.DataFrame(
            {
                "basket": np.cumsum(first.to_numpy()) - 1,
                "product": bought["product"].to_numpy(),
                "quantity": bought["quantity"].to_numpy(),
            }
        )
        return cls(orders, content, (orders["member"] * _SPAN + orders["day"]).to_numpy())

    def pick(self, rng: np.random.Generator, member: np.ndarray, day: np.ndarray) -> np.ndarray:
        """One basket of each member from before a day; -1 where there is none."""
        low = np.searchsorted(self.keys, member * _SPAN)
        count = np.searchsorted(self.keys, member * _SPAN + day) - low
        return np.where(count > 0, low + np.floor(rng.random(len(member)) * count).astype(int), -1)

    def lines_of(self, basket: np.ndarray) -> pd.DataFrame:
        """Lines of baskets: visit (place in ``basket``), product, quantity."""
        start = np.searchsorted(self.lines["basket"].to_numpy(), basket)
        count = np.searchsorted(self.lines["basket"].to_numpy(), basket, side="right") - start
        visit = np.repeat(np.arange(len(basket)), count)
        row = np.arange(len(visit)) - np.repeat(np.cumsum(count) - count - start, count)
        found = self.lines.iloc[row][["product", "quantity"]].reset_index(drop=True)
        return found.assign(visit=visit)


def days_later(rng: np.random.Generator, n: int, *, window_days: int) -> np.ndarray:
    """Days from the sending to the visit: 1 to ``window_days`` − 1, most of them soon."""
    most = 1 - np.exp(-(window_days - 1) / _DAYS)
    return 1 + np.floor(-_DAYS * np.log1p(-rng.random(n) * most)).astype(int)


def visit_lines(
    rng: np.random.Generator, visits: pd.DataFrame, baskets: Baskets, products: pd.DataFrame, *, coupon: str
) -> pd.DataFrame:
    """Sales lines of visits.

    Args:
        rng: Random numbers of prices.
        visits: member, day, second, channel, store, basket; rows numbered from 0.
        baskets: Where ``basket`` points to.
        products: The catalogue.
        coupon: Code of a coupon of 10 % on every line; empty for none.

    Returns:
        Lines as the books have them, without numbers, with ``visit``.
    """
    content = baskets.lines_of(visits["basket"].to_numpy())
    about = visits.drop(columns="basket").iloc[content["visit"]].reset_index(drop=True)
    lines = pd.concat([content, about], axis=1).assign(subscription=False)
    lines = price(rng, lines, products)
    if coupon:
        gross = lines["unit_price"] * lines["quantity"]
        lines["discount"] = (gross / 100).round().astype(int) * 10
        lines["amount"] = gross - lines["discount"]
        lines["points"], lines["coupon"] = 0, coupon
    lines = pd.concat([lines, shipping_fees(lines, products)], ignore_index=True)
    return lines.assign(is_return=False, returned_order="")


def number(extra: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """Give visits their order numbers, after those of the day, and their line numbers.

    Args:
        extra: Lines with ``visit``, a number of its own for every visit.
        lines: The books so far.
    """
    sold = lines[~lines["is_return"].astype(bool)]
    last = sold["order_id"].str[8:].astype(int).groupby(sold["day"]).max().reindex(range(DAYS), fill_value=0)
    extra = extra.sort_values(["day", "second", "visit", "product"], ignore_index=True)
    heads = extra.drop_duplicates("visit")
    nth = heads.groupby("day").cumcount().to_numpy() + 1 + last.to_numpy()[heads["day"]]
    names = [f"{date_of(d):%Y%m%d}{k:05d}" for d, k in zip(heads["day"], nth, strict=True)]
    named = pd.Series(names, index=heads["visit"], dtype=object)
    return extra.assign(
        order_id=named.loc[extra["visit"]].to_numpy(), line=extra.groupby("visit").cumcount().to_numpy() + 1
    )
