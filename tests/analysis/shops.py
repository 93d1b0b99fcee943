"""Small seeded shops for tests."""

from __future__ import annotations

import numpy as np
import pandas as pd


def shop(n_customers: int = 60, n_orders: int = 400, *, seed: int = 7) -> pd.DataFrame:
    """Two years of order lines in cents, with guests, linked full and partial returns and loose ones."""
    random = np.random.default_rng(seed)
    days = pd.Timestamp("2024-11-01") + pd.to_timedelta(random.integers(0, 740, n_orders), unit="D")
    owner = np.floor(n_customers * random.random(n_orders) ** 2).astype(int)
    lines = pd.DataFrame(
        {
            "customer_id": [f"c{i:03d}" for i in owner],
            "order_id": [f"o{i:04d}" for i in range(n_orders)],
            "order_date": days,
            "revenue": random.integers(100, 9000, n_orders) / 100,
            "is_return": False,
            "returned_order_id": None,
        }
    )
    back = lines.iloc[:40].copy()
    back["returned_order_id"] = back["order_id"].where(np.arange(40) < 30)
    back["order_id"] = "r" + back["order_id"]
    back["order_date"] = back["order_date"] + pd.Timedelta(days=9)
    back["revenue"] = -back["revenue"] * np.where(np.arange(40) % 2, 0.5, 1.0)
    back["is_return"] = True
    guests = lines.iloc[40:50].assign(customer_id=None, order_id=[f"g{i}" for i in range(10)])
    frame = pd.concat([lines, back, guests], ignore_index=True)
    return frame.astype({"customer_id": "str", "returned_order_id": "str", "is_return": "bool"})


def orders(*rows: tuple[str, str]) -> pd.DataFrame:
    """Orders of 100 each, by customer and day, numbered as they stand."""
    return pd.DataFrame(
        {
            "customer_id": [customer for customer, _ in rows],
            "order_id": [str(number) for number in range(len(rows))],
            "order_date": pd.to_datetime([day for _, day in rows]),
            "revenue": 100.0,
        }
    ).astype({"customer_id": "str", "order_id": "str"})
