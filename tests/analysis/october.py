"""One October by hand, with a year before it, a guest, a return and an order of November."""

from __future__ import annotations

from datetime import date

import pandas as pd

from crmreport.period import Period

OCTOBER = Period.parse("2026-10")
AS_OF = date(2026, 10, 31)


def order_lines(*rows):
    columns = ["customer_id", "order_id", "order_date", "revenue", "channel", "is_return"]
    lines = pd.DataFrame(rows, columns=columns)
    return lines.assign(order_date=pd.to_datetime(lines["order_date"]))


def days(first: str, last: str) -> list[str]:
    return [f"{day:%Y-%m-%d}" for day in pd.date_range(first, last)]


LINES = order_lines(
    ("a", "1", "2025-10-02", 100.0, "store", False),
    ("b", "2", "2026-09-10", 80.0, "ec", False),
    ("a", "3", "2026-10-01", 50.0, "store", False),
    ("a", "4", "2026-10-01", 10.0, "ec", False),
    ("c", "5", "2026-10-05", 40.0, "ec", False),
    ("c", "5", "2026-10-05", 20.0, "ec", False),
    ("c", "6", "2026-10-20", 30.0, "store", False),
    (None, "7", "2026-10-21", 15.0, None, False),
    ("b", "8", "2026-10-22", -25.0, "ec", True),
    ("d", "9", "2026-11-01", 999.0, "ec", False),
)

UNFINISHED = order_lines(
    *(
        ("a", d, d, 1.0, "ec", False)
        for d in [*days("2025-10-01", "2025-10-31"), *days("2026-09-01", "2026-10-15")]
    )
)
"""Two years' Octobers; the data of the later one end in its middle."""
