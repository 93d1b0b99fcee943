"""Customers who were chosen: how many must have bought, and whose consent is asked for."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import polars as pl
import pytest

from crmreport.analysis.campaign.evaluate import evaluate_campaign
from crmreport.analysis.campaign.evaluation import Evaluation
from crmreport.analysis.campaign.plan import CampaignPlan

START, AS_OF = date(2026, 8, 3), date(2026, 10, 31)
PLAN = CampaignPlan("letter", "mail", START, START, window_days=30, margin_rate=0.5)


def shop(treated: int, others: int, buyers: int, other_buyers: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sends and lines: everybody bought before at random, these many again after the start."""
    rng = np.random.default_rng(9)
    n = treated + others
    ids = np.array([f"c{i:05d}" for i in range(n)])
    ago = rng.integers(1, 300, (n, 2))
    before = pd.DataFrame(
        {
            "customer_id": np.repeat(ids, 2),
            "order_date": pd.Timestamp(START) - pd.to_timedelta(ago.ravel(), unit="D"),
            "revenue": rng.lognormal(8, 0.5, 2 * n),
        }
    )
    again = np.r_[ids[:buyers], ids[treated : treated + other_buyers]]
    after = pd.DataFrame({"customer_id": again, "order_date": pd.Timestamp("2026-08-10")})
    lines = pd.concat([before, after.assign(revenue=rng.lognormal(8, 0.5, len(after)))], ignore_index=True)
    # Orders go on to the end, so that the window is over.
    last = pd.DataFrame({"customer_id": ["z"], "order_date": [pd.Timestamp(AS_OF)], "revenue": [1.0]})
    lines = pd.concat([lines, last], ignore_index=True)
    sends = pd.DataFrame({"customer_id": ids[:treated], "sent_on": pd.Timestamp(START), "arm": "sent"})
    return sends, lines.assign(order_id=[f"o{i}" for i in range(len(lines))])


def compared(parts: tuple[pd.DataFrame, pd.DataFrame], customers: pd.DataFrame | None = None) -> Evaluation:
    sends, lines = (pl.from_pandas(part) for part in parts)
    people = None if customers is None else pl.from_pandas(customers)
    return evaluate_campaign(sends, lines, plan=PLAN, as_of=AS_OF, customers=people)


BUYERS = {
    "few of the many not sent to, enough on both sides": ((400, 6000, 100, 12), True),
    "ten on each side": ((400, 4000, 10, 10), True),
    "nine of those sent to beside many": ((400, 4000, 9, 2000), False),
    "nine of those not sent to": ((400, 4000, 100, 9), False),
}


@pytest.mark.parametrize(("sizes", "told"), BUYERS.values(), ids=BUYERS)
def test_ten_buyers_are_asked_of_either_side(sizes, told):
    found = compared(shop(*sizes))
    assert found.not_randomised is not None
    assert found.not_randomised.adjusted.reasons == ()
    assert (found.not_randomised.profit is not None) == told
    assert (found.judged.details == ("too_few_buyers",)) != told


@pytest.mark.parametrize(("agreed", "left_out"), [(0.96, 200), (0.9, 0)], ids=["asked for", "not asked for"])
def test_consent_sorts_out_equals_only_where_it_decided_who_was_sent_to(agreed, left_out):
    parts = shop(400, 4000, 100, 200)
    ids = sorted(set(parts[1]["customer_id"]) - {"z"})
    yes = [i < 400 * agreed or i >= 600 for i in range(len(ids))]
    found = compared(parts, pd.DataFrame({"customer_id": ids, "consent_mail": yes})).not_randomised
    assert found is not None
    assert found.n_no_consent == left_out
