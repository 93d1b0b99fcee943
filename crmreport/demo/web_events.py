"""What happened in the online shop: products looked at, carts filled, left or paid for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from crmreport.demo.baskets import pick_anything
from crmreport.demo.calendar import DAYS, busyness
from crmreport.demo.campaigns import CART_MAIL, DAY_SECONDS
from crmreport.demo.carts import FIRST_DAY
from crmreport.demo.customers import MEMBERS
from crmreport.demo.orders import GUEST, Books
from crmreport.demo.seeds import stream
from crmreport.demo.send_files import clock_text, write_months
from crmreport.demo.sends import END

VIEW, CART, CHECKOUT, PURCHASE = "商品閲覧", "カート投入", "購入手続き", "購入"
_STRANGERS = 4_000
_STRANGERS_FILL_A_CART = 0.18
_NOTHING = -1


def write_web_events(folder: Path, books: Books, seed: int) -> list[Path]:
    """Write Webイベント_<year>年<month>月.csv, a file for each month from ``carts.FIRST_DAY`` on."""
    rng = stream(seed, "web_events")
    events = pd.concat([_orders(rng, books), _left(rng, books), _strangers(rng, books)], ignore_index=True)
    events = events[(events["at"] >= FIRST_DAY * DAY_SECONDS) & (events["at"] < END)]
    events = events.sort_values(["at", "visitor", "event", "product"], ignore_index=True)
    ids = np.append(books.members["member_id"].to_numpy(), "")
    codes = np.append(books.products["product_id"].to_numpy(), "")
    at = clock_text(np.floor(events["at"].to_numpy()))
    table = pd.DataFrame(
        {
            "会員番号": ids[events["member"]],
            "訪問者ID": [f"v{number:08d}" for number in events["visitor"]],
            "日時": at,
            "イベント": events["event"],
            "商品コード": codes[events["product"]],
        }
    )
    return write_months(folder, table, table["日時"], name="Webイベント_{year}年{month}月.csv")


def _orders(rng: np.random.Generator, books: Books) -> pd.DataFrame:
    """Every order a member placed online: one view, a cart line by line, checkout, purchase."""
    lines = books.lines
    goods = lines["product"].isin(np.flatnonzero(books.products["kind"] != "送料"))
    online = lines[
        (lines["day"] >= FIRST_DAY)
        & (lines["channel"] == "EC")
        & (lines["member"] != GUEST)
        & (lines["amount"] > 0)
        & goods
        & ~lines["subscription"].astype(bool)  # nobody clicks for those
    ]
    at = online["day"].to_numpy() * DAY_SECONDS + online["second"].to_numpy()
    lines = pd.DataFrame({"member": online["member"], "product": online["product"], "bought": at})
    # The cart of a customer who comes back to it is there already.
    fills = lines[(online["campaign"] != CART_MAIL.code).to_numpy()]
    fills = fills.assign(at=fills["bought"] - rng.uniform(300, 1800, size=len(fills)), event=CART)
    heads = lines[~online["order_id"].duplicated().to_numpy()]
    before = rng.uniform(40, 280, size=len(heads))
    checkout = heads.assign(at=heads["bought"] - before, event=CHECKOUT, product=_NOTHING)
    paid = heads.assign(at=heads["bought"], event=PURCHASE, product=_NOTHING)
    found = pd.concat([_views(rng, fills), fills, checkout, paid], ignore_index=True)
    return found.drop(columns="bought").assign(visitor=found["member"])


def _left(rng: np.random.Generator, books: Books) -> pd.DataFrame:
    """Carts filled and left."""
    content = books.baskets.lines_of(books.carts["basket"].to_numpy())
    about = books.carts.iloc[content["visit"]]
    fills = pd.DataFrame({"member": about["member"].to_numpy(), "product": content["product"].to_numpy()})
    # The last product goes in at the time the cart is left.
    early = np.where(content["visit"].duplicated(keep="last"), rng.uniform(20, 900, size=len(fills)), 0.0)
    fills = fills.assign(at=about["at"].to_numpy() - early, event=CART)
    found = pd.concat([_views(rng, fills), fills], ignore_index=True)
    return found.assign(visitor=found["member"])


def _views(rng: np.random.Generator, fills: pd.DataFrame) -> pd.DataFrame:
    """A third of what is put into a cart was looked at just before."""
    seen = fills[rng.random(len(fills)) < 1 / 3]
    return seen.assign(at=seen["at"] - rng.uniform(15, 200, size=len(seen)), event=VIEW)


def _strangers(rng: np.random.Generator, books: Books) -> pd.DataFrame:
    """Visitors who never say who they are: some fill a cart, none can be written to."""
    n = round(_STRANGERS * len(books.members) / MEMBERS)
    busy = busyness()[FIRST_DAY:]
    day = FIRST_DAY + rng.choice(DAYS - FIRST_DAY, size=n, p=busy / busy.sum())
    at = day * DAY_SECONDS + rng.normal(20.5, 3.5, size=n) % 24 * 3600
    views = pd.DataFrame(
        {
            "member": _NOTHING,
            "visitor": len(books.members) + np.arange(n),
            "product": pick_anything(rng, n, books.products),
            "at": at,
            "event": VIEW,
        }
    )
    fills = views[rng.random(n) < _STRANGERS_FILL_A_CART]
    fills = fills.assign(at=fills["at"] + rng.uniform(10, 300, size=len(fills)), event=CART)
    return pd.concat([views, fills], ignore_index=True)
