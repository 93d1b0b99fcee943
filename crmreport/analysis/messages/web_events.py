"""Web events as carts and purchases of users: whose they are, and what of them may be seen."""

from __future__ import annotations

from datetime import date
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrame

from crmreport.analysis.ledger import attributed, mend_dates, require_columns, to_pandas
from crmreport.errors import DataError

NEEDED = ("at", "event", "event_date")
ADDED = "cart"
_BOUGHT = "purchase"


def users(web_events: IntoFrame, as_of: date) -> tuple[nw.LazyFrame[Any], int]:
    """Visible events with ``user`` (and ``customer_id`` where known), and how many visitors were linked."""
    frame = nw.from_native(web_events)
    schema = frame.collect_schema()
    require_columns(schema, NEEDED, of="the web events", where="under sources.web_events in the client file")
    if not {"customer_id", "visitor_id"} & set(schema):
        raise DataError("the web events have neither customer_id nor visitor_id; map one in the client file")
    rows: nw.LazyFrame[Any] = nw.from_native(mend_dates(web_events, ["event_date"])).lazy()
    rows = rows.with_columns(nw.col("event_date").cast(nw.Date))
    frame = rows.filter(nw.col("event_date") <= nw.lit(as_of))
    if "visitor_id" not in schema:
        return frame.with_columns(user=nw.concat_str(nw.lit("c:"), nw.col("customer_id"))), 0
    if "customer_id" not in schema:
        visitor = nw.concat_str(nw.lit("v:"), nw.col("visitor_id"))
        return frame.with_columns(user=visitor, customer_id=nw.lit(None).cast(nw.String)), 0
    known = (
        frame.filter(~nw.col("visitor_id").is_null(), ~nw.col("customer_id").is_null())
        .group_by("visitor_id")
        .agg(owner=nw.col("customer_id").min(), other=nw.col("customer_id").max())
        .filter(nw.col("owner") == nw.col("other"))
        .select("visitor_id", "owner")
    )
    n_linked = int(to_pandas(known.select(n=nw.len()))["n"].iloc[0])
    frame = frame.join(known, on="visitor_id", how="left")
    frame = frame.with_columns(customer_id=nw.coalesce("customer_id", "owner")).drop("owner")
    # The two kinds of id may collide.
    user = nw.coalesce(
        nw.concat_str(nw.lit("c:"), nw.col("customer_id")), nw.concat_str(nw.lit("v:"), nw.col("visitor_id"))
    )
    return frame.with_columns(user=user), n_linked


def purchases_of(events: nw.LazyFrame[Any], order_lines: IntoFrame | None, as_of: date) -> nw.LazyFrame[Any]:
    """``user``, ``bought_at``, ``bought_on`` of every purchase known."""
    found = events.filter(nw.col("event") == _BOUGHT, ~nw.col("user").is_null()).select(
        "user", bought_at=nw.col("at"), bought_on=nw.col("event_date")
    )
    if order_lines is None:
        return found
    lines = attributed(order_lines, as_of=as_of).filter(nw.col("is_purchase"))
    if "ordered_at" not in names(lines):
        raise DataError(
            "the order lines lack ordered_at; without it nobody can say what came within 24 hours"
        )
    user = nw.concat_str(nw.lit("c:"), nw.col("customer_id"))
    orders = lines.select(user=user, bought_at=nw.col("ordered_at"), bought_on=nw.col("order_date"))
    return nw.concat([found, orders.unique()])


def goods_column(products: IntoFrame | None, column: str) -> nw.LazyFrame[Any] | None:
    """``product_id`` and one column of the products; None where they do not have it."""
    if products is None:
        return None
    frame = nw.from_native(products).lazy()
    return frame.select("product_id", column) if column in names(frame) else None


def names(frame: nw.LazyFrame[Any]) -> list[str]:
    """Names of a frame's columns."""
    return frame.collect_schema().names()
