"""A mailing with a known lift, to be evaluated: sends, order lines and ranks of a shop made up for it."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import polars as pl

from crmreport.analysis.campaign.evaluate import evaluate_campaign
from crmreport.analysis.campaign.money import Costs
from crmreport.analysis.campaign.plan import CampaignPlan

START = date(2026, 8, 3)
AS_OF = date(2026, 10, 31)
PLAN = CampaignPlan(
    "refill",
    "mail",
    START,
    START,
    {"mail": 0.5, "none": 0.5},
    "none",
    randomised=True,
    costs=Costs(send=10, fixed=2000),
    margin_rate=0.6,
)


def shop(*, n=3000, lift=0.08, gold_only=False, unsubscribe=0.0, arms=("mail", "none"), days=1, seed=4):
    """Sends, order lines and ranks: buying in the window rises by ``lift`` in all arms but ``none``."""
    rng = np.random.default_rng(seed)
    people = [f"c{i:05d}" for i in range(n)]
    arm = rng.permutation(np.resize(arms, n))
    gold = rng.random(n) < 0.5
    sent = pd.Timestamp(START) + pd.to_timedelta(np.arange(n) % days, unit="D")
    reached = arm != "none"
    # Exactly so many, so that a case stands on its number and not on its seed.
    quits = reached & (np.cumsum(reached) <= round(unsubscribe * reached.sum()))
    sends = pd.DataFrame(
        {
            "campaign_id": "refill",
            "customer_id": people,
            "arm": arm,
            "sent_on": sent,
            "delivered_at": sent.where(reached),
            "opened_at": sent.where(reached & (rng.random(n) < 0.3)),
            "unsubscribed_at": sent.where(quits),
        }
    )
    buys = rng.random(n) < 0.1 + lift * reached * (gold if gold_only else 1)
    before = rng.random(n) < 0.8
    amount = np.round(rng.gamma(4, 1200, 2 * n), 0)
    lines = pd.DataFrame(
        {
            "customer_id": people * 2,
            "order_id": [f"o{i}" for i in range(2 * n)],
            "order_date": [
                *(sent + pd.to_timedelta(rng.integers(0, 30, n), unit="D")),
                *(sent - pd.to_timedelta(rng.integers(1, 300, n), unit="D")),
            ],
            "revenue": amount,
        }
    )[[*buys, *before]]
    ranks = pd.DataFrame({"customer_id": people, "rank": np.where(gold, "gold", "new")})
    return sends, lines.reset_index(drop=True), ranks


def evaluate(parts, plan=PLAN, as_of=AS_OF, engine=pl.from_pandas, **options):
    sends, lines, ranks = map(engine, parts)
    return evaluate_campaign(sends, lines, plan=plan, as_of=as_of, attributes=ranks, **options)


def without(parts, lost):
    return parts[0][~lost], *parts[1:]


def lost_treated(parts):
    return without(parts, (parts[0]["arm"] == "mail") & (parts[0].index % 4 == 0))


def in_both_arms(parts):
    again = parts[0].iloc[:60]
    other = again["arm"].map({"mail": "none", "none": "mail"})
    return pd.concat([parts[0], again.assign(arm=other)], ignore_index=True), *parts[1:]


def best_were_sent_to(parts):
    spent = parts[1].groupby("customer_id")["revenue"].sum().rank()
    order = parts[0]["customer_id"].map(spent).fillna(0) + np.arange(len(parts[0])) * 1e-6
    top = order.rank() > len(order) / 2
    sends = parts[0].assign(arm=np.where(top, "mail", "none"), opened_at=pd.NaT, unsubscribed_at=pd.NaT)
    return sends.assign(delivered_at=sends["sent_on"].where(top)), *parts[1:]
