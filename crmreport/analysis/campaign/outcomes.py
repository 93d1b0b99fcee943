"""What every assigned customer did in a campaign's window: the one frame all effects come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals as nw


@dataclass(frozen=True)
class Outcomes:
    """Customers as assigned, with what they did.

    Attributes:
        frame: One row per assigned customer, lazily: ``customer_id``, ``arm``, ``treated`` (0/1),
            ``assigned_on``, ``opened``, ``clicked``, ``unsubscribed``, ``converted`` (0/1), ``revenue``,
            ``orders`` (in the window), ``revenue_before``, ``orders_before``, ``recency_days`` (before
            the day of sending), and the attributes asked for.
        n_customers: Rows.
        n_several_arms: Customers found in more than one arm, left out.
        n_incomplete: Customers whose window is not over.
        attributes: Columns known before the campaign to look at effects by.
    """

    frame: nw.LazyFrame[Any]
    n_customers: int
    n_several_arms: int
    n_incomplete: int
    attributes: tuple[str, ...]
