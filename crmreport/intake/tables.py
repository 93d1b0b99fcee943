"""The canonical tables: which columns they have and what kind of value each holds."""

from __future__ import annotations

from typing import Literal

Kind = Literal["code", "text", "money", "number", "instant", "day", "sex", "postal", "prefecture", "flag"]
Table = Literal["order_lines", "customers", "products", "sends", "web_events"]

ORDER_LINES: dict[str, Kind] = {
    "customer_id": "code",
    "order_id": "code",
    "ordered_at": "instant",
    "revenue": "money",
    "quantity": "number",
    "unit_price": "money",
    "discount": "money",
    "cost": "money",
    "product_id": "code",
    "channel": "text",
    "store_id": "code",
    "source": "text",
    "coupon_id": "code",
    "campaign_id": "code",
    "is_subscription": "flag",
    "is_return": "flag",
    "returned_order_id": "code",
}

CUSTOMERS: dict[str, Kind] = {
    "customer_id": "code",
    "sex": "sex",
    "birth_date": "day",
    "age_band": "text",
    "postal_code": "postal",
    "prefecture": "prefecture",
    "joined_at": "day",
    "acquisition_source": "text",
    "rank": "text",
    "is_member": "flag",
    "consent_mail": "flag",
    "consent_line": "flag",
    "consent_sms": "flag",
    "consent_dm": "flag",
    "parent_id": "code",
}

PRODUCTS: dict[str, Kind] = {
    "product_id": "code",
    "name": "text",
    "category_major": "text",
    "category_medium": "text",
    "category_small": "text",
    "brand": "text",
    "price": "money",
    "cost": "money",
    "kind": "text",
}

SENDS: dict[str, Kind] = {
    "campaign_id": "code",
    "customer_id": "code",
    "arm": "text",
    "sent_at": "instant",
    "step": "number",
    "delivered_at": "instant",
    "opened_at": "instant",
    "clicked_at": "instant",
    "unsubscribed_at": "instant",
    "bounced": "flag",
    "machine_open": "flag",
}

WEB_EVENTS: dict[str, Kind] = {
    "customer_id": "code",
    "visitor_id": "code",
    "at": "instant",
    "event": "text",
    "product_id": "code",
    "source": "text",
}

COLUMNS: dict[Table, dict[str, Kind]] = {
    "order_lines": ORDER_LINES,
    "customers": CUSTOMERS,
    "products": PRODUCTS,
    "sends": SENDS,
    "web_events": WEB_EVENTS,
}

KEY: dict[Table, str] = {"customers": "customer_id", "products": "product_id"}
"""Master tables have one line per key; of all others every line is kept."""

DAYS: dict[Table, dict[str, str]] = {
    "order_lines": {"ordered_at": "order_date"},
    "sends": {
        "sent_at": "sent_on",
        "delivered_at": "delivered_on",
        "opened_at": "opened_on",
        "clicked_at": "clicked_on",
        "unsubscribed_at": "unsubscribed_on",
    },
    "web_events": {"at": "event_date"},
}
"""Instant → the column stored beside it: its day in the client's zone."""

NEEDED: dict[Table, tuple[str, ...]] = {
    "order_lines": ("order_id", "ordered_at", "revenue"),
    "customers": ("customer_id",),
    "products": ("product_id",),
    "sends": ("campaign_id", "customer_id", "sent_at"),
    "web_events": ("at", "event"),
}
"""Columns without whose value a line is set aside."""

ALL_SENT = "sent"
"""Arm of every line of a campaign that has no arms."""

_FIRST: dict[Table, tuple[str, ...]] = {
    "order_lines": ("customer_id", "order_id", "ordered_at", "order_date", "revenue", "is_return"),
}


def kind_of(table: Table, column: str) -> Kind:
    """What a canonical column holds; columns a client adds to customers or products are text.

    Examples:
        >>> kind_of("order_lines", "revenue"), kind_of("customers", "skin_type")
        ('money', 'text')
    """
    return COLUMNS[table].get(column, "text")


def accepts(table: Table, column: str) -> bool:
    """True where a mapping may name ``column``; only master tables take columns of the client's own."""
    return table in KEY or column in COLUMNS[table]


def stored_columns(table: Table) -> list[str]:
    """All columns a table may have in the store, in order: each instant is followed by its day.

    Examples:
        >>> stored_columns("web_events")
        ['customer_id', 'visitor_id', 'at', 'event_date', 'event', 'product_id', 'source']
    """
    days = DAYS.get(table, {})
    every = [c for column in COLUMNS[table] for c in (column, days.get(column)) if c]
    return list(dict.fromkeys((*_FIRST.get(table, ()), *every)))
