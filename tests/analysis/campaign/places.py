"""Shops in several places, for campaigns that ran in some of them: revenue with a known effect."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from crmreport.analysis.campaign.money import Costs
from crmreport.analysis.campaign.plan import Area, CampaignPlan

START, END = date(2026, 8, 3), date(2026, 8, 16)
"""The campaign's days; with :func:`plan` 28 days are counted."""
AS_OF = date(2026, 10, 31)


def plan(*places: str, **given: Any) -> CampaignPlan:
    """Two weeks in some stores, 28 days counted, margin 50 %, 100 spent."""
    donors = given.pop("donors", ())
    column = given.pop("column", "store_id")
    settings: dict[str, Any] = {"kind": "area", "window_days": 15, "margin_rate": 0.5}
    settings |= {"costs": Costs(fixed=100.0), "area": Area(column, places or ("s00",), donors)}
    return CampaignPlan("spot", given.pop("channel", "tv"), START, END, **(settings | given))


def sold(
    seed: int = 1, *, effect: float = 0.0, n: int = 12, size: float = 40.0, days: int = 420
) -> tuple[pd.DataFrame, float]:
    """Sales of 1 each by day and store, and the sales ``s00`` owes to the campaign.

    Stores differ in size, share a week, a season and two wandering trends, and count like chance (Poisson).
    """
    rng = np.random.default_rng(seed)
    after = (date(2026, 8, 30) - START).days + 1
    span = days + after
    level = size * np.exp(rng.normal(0, 0.6, n))
    week = 1 + 0.3 * np.sin(np.arange(span) * 2 * np.pi / 7)[:, None]
    trends = rng.normal(0, 0.004, (span, 2)).cumsum(axis=0) @ rng.random((2, n))
    expected = level * week * np.exp(trends)
    more = effect * expected[days:, 0]
    expected[days:, 0] += more
    index = pd.date_range(START - timedelta(days=days), periods=span, name="order_date")
    counts = pd.DataFrame(rng.poisson(expected), index=index, columns=[f"s{i:02d}" for i in range(n)])
    return counts.astype("float64"), float(more.sum())


def lines_of(table: pd.DataFrame, *, until: date = AS_OF, other: str = "s01") -> pd.DataFrame:
    """Order lines, one per store and day that sold anything; orders of another place go on to ``until``."""
    rows = table.rename_axis(columns="store_id").stack().rename("revenue").reset_index()
    rows = rows[rows["revenue"] > 0]
    later = pd.date_range(table.index[-1] + timedelta(days=1), until)
    more = pd.DataFrame({"order_date": later, "store_id": other, "revenue": 1.0})
    rows = pd.concat([rows, more], ignore_index=True)
    rows["order_id"] = [f"o{i}" for i in range(len(rows))]
    rows["customer_id"] = "c" + rows["store_id"]
    return rows[["customer_id", "order_id", "order_date", "store_id", "revenue"]]
