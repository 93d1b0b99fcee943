"""The shop's books: member and guest lines with place, price, time and number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from crmreport.demo.baskets import baskets, pick_anything
from crmreport.demo.calendar import DAYS, busyness, date_of, day_of
from crmreport.demo.catalogue import catalogue
from crmreport.demo.customers import members as draw_members
from crmreport.demo.extra_visits import Baskets
from crmreport.demo.places import EC, PHONE, STORES
from crmreport.demo.planted import lapse_top_buyers, slip_region
from crmreport.demo.prices import price, shipping_fees
from crmreport.demo.programme import run_programme
from crmreport.demo.seeds import stream
from crmreport.demo.visits import visits as draw_visits

GUEST = -1
_GUEST_LINES = 20_500


@dataclass(frozen=True, slots=True)
class Books:
    """Everything that was sold, before it is written as the client's files.

    ``lines``: member (row of ``members``, -1 for a guest), day, second (of the day), order_id,
    line, product (row of ``products``), quantity, unit_price, discount, amount (JPY, tax
    included), points, store, channel, subscription, coupon, is_return, returned_order, campaign
    (whose effect the line is; empty when it would be there anyway). ``sends``, ``carts`` and
    ``baskets`` as :class:`~crmreport.demo.programme.Programme` has them.
    """

    members: pd.DataFrame
    products: pd.DataFrame
    lines: pd.DataFrame
    sends: pd.DataFrame
    carts: pd.DataFrame
    baskets: Baskets

    def net_sales(self, start: date, end: date) -> int:
        """Net sales in JPY (tax in, returns and shipping fees off) from ``start`` to before ``end``."""
        inside = (self.lines["day"] >= day_of(start)) & (self.lines["day"] < day_of(end))
        goods = (self.products["kind"] != "送料").to_numpy()[self.lines["product"]]
        return int(self.lines.loc[inside & goods, "amount"].sum())


def keep_books(seed: int, scale: float) -> Books:
    """Let the shop trade for 36 months, and run its campaigns in the last six of them."""
    members, products = draw_members(seed, scale), catalogue()
    visits = draw_visits(seed, members)
    lines = _place(seed, baskets(seed, visits, members, products), members)
    lines = price(stream(seed, "prices"), lines, products)
    lines = slip_region(seed, lines, members)
    lines = lapse_top_buyers(seed, lines, members)
    guests = _guests(seed, scale, products)
    guests["visit"] += lines["visit"].max() + 1
    lines = pd.concat([lines, guests], ignore_index=True)
    lines = pd.concat(
        [lines, _samples(seed, lines, products), shipping_fees(lines, products)], ignore_index=True
    )
    lines = _number(seed, lines)
    lines = pd.concat([lines, _returns(seed, lines)], ignore_index=True)
    lines = lines.drop(columns=["visit", "nth"]).assign(campaign="")
    lines = lines.sort_values(["day", "second", "order_id", "line"], ignore_index=True)
    programme = run_programme(seed, members, products, lines)
    lines = pd.concat([lines, programme.lines], ignore_index=True)
    lines = lines.sort_values(["day", "second", "order_id", "line"], ignore_index=True)
    return Books(members, products, lines, programme.sends, programme.carts, programme.baskets)


def _place(seed: int, lines: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """Give every visit a channel and a store."""
    rng = stream(seed, "places")
    n = int(lines["visit"].max()) + 1
    member = np.zeros(n, dtype=int)
    day = np.zeros(n, dtype=int)
    member[lines["visit"]], day[lines["visit"]] = lines["member"], lines["day"]
    phone = rng.random(n) < members["leans_phone"].to_numpy()[member]
    drift = 0.86 + 0.2 * day / DAYS  # the shop slowly moves to EC
    ec = rng.random(n) < members["leans_ec"].to_numpy()[member] * drift
    channel = np.where(phone, "電話", np.where(ec, "EC", "店舗"))
    away = rng.random(n) < 0.06
    home = members["home_store"].to_numpy()[member]
    store = np.where(away, rng.choice(list(STORES), size=n), home)
    store = np.where(channel == "EC", EC, np.where(channel == "電話", PHONE, store))
    placed = lines.assign(channel=channel[lines["visit"]], store=store[lines["visit"]])
    steady = (members["refills"] & (members["leans_ec"] > 0.7)).to_numpy()[lines["member"]]
    placed["subscription"] = steady & (placed["channel"] == "EC") & (placed["nth"] >= 2)
    return placed


def _guests(seed: int, scale: float, products: pd.DataFrame) -> pd.DataFrame:
    """Store customers without a card: no habits, one basket each."""
    rng = stream(seed, "guests")
    n = round(_GUEST_LINES * scale / 1.45)
    busy = busyness()
    day = np.sort(rng.choice(DAYS, size=n, p=busy / busy.sum()))
    stores = np.array(list(STORES))
    store = rng.choice(stores, size=n, p=np.array([16, 15, 11, 9, 6, 5, 9, 6, 10, 5, 4, 4]) / 100)
    count = 1 + rng.poisson(0.45, size=n)
    visit = np.repeat(np.arange(n), count)
    lines = pd.DataFrame({"visit": visit, "member": GUEST, "day": day[visit], "nth": 0})
    lines["store"] = store[visit]
    lines["product"] = pick_anything(rng, len(lines), products)
    lines["quantity"] = 1 + (rng.random(len(lines)) < 0.06)
    lines = lines.drop_duplicates(["visit", "product"], ignore_index=True)
    lines = lines.assign(channel="店舗", subscription=False)
    return price(rng, lines, products).assign(points=0, coupon="")


def _samples(seed: int, lines: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """Free samples put into one order in thirty."""
    rng = stream(seed, "samples")
    orders = lines.drop_duplicates("visit")
    orders = orders[rng.random(len(orders)) < 1 / 30]
    sample = np.flatnonzero((products["kind"] == "サンプル").to_numpy())
    return orders.assign(
        product=rng.choice(sample, size=len(orders)), quantity=1, unit_price=0, discount=0, amount=0,
        points=0, coupon="", subscription=False,
    )  # fmt: skip


def _number(seed: int, lines: pd.DataFrame) -> pd.DataFrame:
    """Time of day, order numbers in the order of time, line numbers."""
    rng = stream(seed, "clock")
    n = int(lines["visit"].max()) + 1
    store_hours = rng.beta(2.2, 1.8, size=n) * 9.5 + 10.2
    phone_hours = rng.beta(1.6, 2.0, size=n) * 8 + 9
    ec_hours = (rng.normal(21.3, 2.6, size=n)) % 24
    lines = lines.sort_values(["visit", "product"], ignore_index=True)
    at, visit = lines["channel"].to_numpy(), lines["visit"].to_numpy()
    hours = np.where(
        at == "EC", ec_hours[visit], np.where(at == "電話", phone_hours[visit], store_hours[visit])
    )
    lines = lines.assign(second=np.minimum(hours * 3600, 86_399).astype(int))
    heads = lines.drop_duplicates("visit").sort_values(["day", "second", "visit"])
    nth = heads.groupby("day").cumcount().to_numpy() + 1
    names = pd.Series(
        [f"{date_of(d):%Y%m%d}{k:05d}" for d, k in zip(heads["day"], nth, strict=True)], index=heads["visit"]
    )
    return lines.assign(
        order_id=names.loc[lines["visit"]].to_numpy(),
        line=lines.groupby("visit").cumcount().to_numpy() + 1,
        is_return=False,
        returned_order="",
    )


def _returns(seed: int, lines: pd.DataFrame) -> pd.DataFrame:
    """About one line in ninety comes back within two weeks, mostly as a whole order."""
    rng = stream(seed, "returns")
    sold = lines[lines["amount"] > 0]
    heads = sold.drop_duplicates("visit")
    back = heads[rng.random(len(heads)) < 0.012]
    whole = pd.Series(rng.random(len(back)) < 0.6, index=back["visit"])
    later = pd.Series(rng.integers(1, 15, size=len(back)), index=back["visit"])
    at = pd.Series(rng.integers(39_600, 68_400, size=len(back)), index=back["visit"])
    unlinked = pd.Series(rng.random(len(back)) < 0.05, index=back["visit"])
    lines = sold[sold["visit"].isin(back["visit"])]
    lines = lines[whole.loc[lines["visit"]].to_numpy() | ~lines["visit"].duplicated().to_numpy()]
    visit = lines["visit"]
    lines = lines.assign(
        day=lines["day"] + later.loc[visit].to_numpy(),
        second=at.loc[visit].to_numpy(),
        returned_order=np.where(unlinked.loc[visit], "", lines["order_id"]),
        quantity=-lines["quantity"],
        discount=-lines["discount"],
        amount=-lines["amount"],
        points=0,
        is_return=True,
    )
    lines["order_id"] = "R" + lines["order_id"]
    return lines[lines["day"] < DAYS]
