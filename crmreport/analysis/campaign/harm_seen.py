"""Guardrails where no control tells what a campaign did: harm as seen, which decides nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import narwhals as nw

from crmreport.analysis.campaign.outcomes import Outcomes
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.ledger import to_pandas
from crmreport.analysis.proportions import wilson_interval

Seen = Literal["beyond", "within", "open", "unmeasured", "not_comparable"]


@dataclass(frozen=True, slots=True)
class HarmSeen:
    """How often customers sent to did what a guardrail was stated against.

    Attributes:
        metric: The guardrail's metric.
        outcome: ``beyond``: their share lies above the margin beyond chance; ``within``: below it; ``open``:
            neither, or below it so far; ``unmeasured``: nobody of the campaign did it, so nobody knows
            whether it was recorded; ``not_comparable``: only a difference tells harm (purchases, opens).
        n: Customers sent to.
        count: How many of them did it.
        rate: count ÷ n; nan where not measured or not comparable.
        lower: One-sided 95 % bound of the rate (Wilson); nan as the rate.
        upper: The same above.
        margin: Harm that would still be borne, as stated.
    """

    metric: str
    outcome: Seen
    n: int
    count: int
    rate: float
    lower: float
    upper: float
    margin: float


def harm_seen(found: Outcomes, *, plan: CampaignPlan, running: bool) -> tuple[HarmSeen, ...]:
    """Stated guardrails of a campaign that cannot be compared with a control drawn by lot.

    Nobody unsubscribes from a message that was not sent, so the share of unsubscribes among those sent to is
    itself the difference to sending nothing, though of chosen customers only: it is held against the
    margin and shown. What customers buy or open has no such natural zero.

    Args:
        found: Customers as assigned.
        plan: The campaign.
        running: Whether some window is not over: then the share may still rise, and is never ``within``.

    Returns:
        One for each guardrail, in the plan's order.

    Examples:
        >>> import pandas as pd
        >>> from datetime import date
        >>> from crmreport.analysis.campaign.outcomes import outcomes
        >>> day = pd.Timestamp("2026-08-03")
        >>> sends = pd.DataFrame({"customer_id": [str(i) for i in range(100)], "sent_on": day})
        >>> sends["unsubscribed_on"] = sends["sent_on"].where(sends.index < 5)
        >>> lines = sends[["customer_id"]].assign(order_id="a", revenue=5.0, order_date=day)
        >>> plan = CampaignPlan("c", "mail", day.date(), day.date(), guardrails={"unsubscribed": 0.01})
        >>> people = outcomes(sends, lines, plan=plan, as_of=date(2026, 10, 31))
        >>> (seen,) = harm_seen(people, plan=plan, running=False)
        >>> seen.outcome, seen.rate
        ('beyond', 0.05)
    """
    if not plan.guardrails:
        return ()
    treated = to_pandas(
        found.frame.filter(nw.col("treated") == 1).select(n=nw.len(), count=nw.col("unsubscribed").sum())
    )
    n, count = (int(value) for value in treated.fillna(0).iloc[0])
    low, high = wilson_interval([count], [n], confidence=0.9)
    told = []
    for metric, margin in plan.guardrails.items():
        if metric != "unsubscribed" or metric not in found.measured or not n:
            outcome: Seen = "not_comparable" if metric != "unsubscribed" else "unmeasured"
            told.append(HarmSeen(metric, outcome, n, 0, math.nan, math.nan, math.nan, margin))
            continue
        outcome = "beyond" if low[0] > margin else "within" if high[0] < margin and not running else "open"
        told.append(HarmSeen(metric, outcome, n, count, count / n, float(low[0]), float(high[0]), margin))
    return tuple(told)
