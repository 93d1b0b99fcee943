"""The canonical tables: which columns they have and what kind of value each holds."""

from __future__ import annotations

from typing import Literal

Kind = Literal["code", "text", "money", "number", "instant", "day", "sex", "postal", "prefecture", "flag"]
Table = Literal["order_lines", "customers", "products"]

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

COLUMNS: dict[Table, dict[str, Kind]] = {
    "order_lines": ORDER_LINES,
    "customers": CUSTOMERS,
    "products": PRODUCTS,
}

KEY: dict[Table, str] = {"customers": "customer_id", "products": "product_id"}


def kind_of(table: Table, column: str) -> Kind:
    """What a canonical column holds; columns a client adds to customers or products are text.

    Examples:
        >>> kind_of("order_lines", "revenue"), kind_of("customers", "skin_type")
        ('money', 'text')
    """
    return COLUMNS[table].get(column, "text")


def accepts(table: Table, column: str) -> bool:
    """True where a mapping may name ``column``; only order lines have a closed set of columns."""
    return table != "order_lines" or column in ORDER_LINES
