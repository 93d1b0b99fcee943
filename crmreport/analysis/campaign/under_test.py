"""Customers a running test is about: whatever else they are sent meanwhile would be counted as its effect."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import narwhals as nw
import pandas as pd
from narwhals.typing import IntoFrame

from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.campaign.sent import sent_rows
from crmreport.analysis.ledger import to_pandas

_SOON_DAYS = 31
"""A list is worked through within a month: tests that begin by then count as running."""


def under_test(sends: IntoFrame | None, *, plans: Iterable[CampaignPlan], as_of: date) -> pd.DataFrame:
    """Customers nothing else should be sent to for now, and until when.

    - Of a **test** (arms drawn by lot, a control among them): customers of *every* arm, until their own
      window is over. Were only the control left out, those sent to would get both messages and the control
      neither, and their difference would be that of two campaigns. Were nobody left out, a list of those
      who have not bought would hold more of the control than of the others.
    - Of a **permanent holdout**: its control, until the last day of the campaign; the others are sent
      whatever there is, that is what is tested.
    - Of customers **drawn** whom the log does not hold yet: until the campaign's last day, where it begins
      by 31 days after ``as_of``.

    Campaigns without a lot or a control, and those in some places, keep nobody back.

    Args:
        sends: Sends in canonical form; None for a client without a log.
        plans: The client's campaigns.
        as_of: Last visible day.

    Returns:
        ``customer_id`` and ``until`` (date, after ``as_of``), one row per customer, the last day of
        several tests, in order of the id.

    Examples:
        >>> sends = pd.DataFrame({"campaign_id": "c", "customer_id": ["1", "2"], "arm": ["mail", "none"],
        ...                       "sent_on": pd.to_datetime(["2026-10-19", "2026-10-19"])})
        >>> plan = CampaignPlan("c", "mail", date(2026, 10, 19), date(2026, 10, 19), control="none",
        ...                     randomised=True, window_days=30)
        >>> under_test(sends, plans=[plan], as_of=date(2026, 10, 31))
          customer_id       until
        0           1  2026-11-17
        1           2  2026-11-17
    """
    tests = {plan.campaign_id: plan for plan in plans if _may_run(plan, as_of)}
    found = [_sent(sends, tests, as_of)] if sends is not None and tests else []
    for name, plan in tests.items():
        if plan.drawn is not None:
            logged = set(found[0].loc[found[0]["campaign_id"] == name, "customer_id"]) if found else set()
            ahead = plan.drawn[~plan.drawn["customer_id"].isin(logged)]
            found.append(ahead[["customer_id", "arm"]].assign(campaign_id=name, until=plan.last_day))
    if not found:
        return pd.DataFrame({"customer_id": [], "until": []}, dtype="object")
    rows = pd.concat(found, ignore_index=True)
    told = zip(rows["campaign_id"], rows["arm"], rows["until"], strict=True)
    kept_back = [until > as_of and not _may_be_sent(tests[name], arm) for name, arm, until in told]
    rows = rows[pd.Series(kept_back, index=rows.index, dtype="bool")]
    return rows.groupby("customer_id")[["until"]].max().reset_index()


def _may_run(plan: CampaignPlan, as_of: date) -> bool:
    if not plan.randomised or plan.control is None or plan.area is not None:
        return False
    return plan.last_day > as_of and plan.start <= as_of + timedelta(days=_SOON_DAYS)


def _may_be_sent(plan: CampaignPlan, arm: object) -> bool:
    return plan.permanent_holdout and arm != plan.control


def _sent(sends: IntoFrame, tests: dict[str, CampaignPlan], as_of: date) -> pd.DataFrame:
    """Customers in the log: ``campaign_id``, ``customer_id``, ``arm`` and the last day of their window."""
    rows: nw.LazyFrame[Any] = sent_rows(sends, campaign_id=None, as_of=as_of)
    first = (
        rows.filter(nw.col("campaign_id").is_in(list(tests)))
        .group_by("campaign_id", "customer_id", "arm")
        .agg(nw.col("sent_on").min())
    )
    found = to_pandas(first, sort_by=["campaign_id", "customer_id", "arm"])
    last = [_last_day(tests[n], d) for n, d in zip(found["campaign_id"], found["sent_on"], strict=True)]
    return found.assign(until=last)[["campaign_id", "customer_id", "arm", "until"]]


def _last_day(plan: CampaignPlan, sent_on: Any) -> date:
    if plan.permanent_holdout:
        return plan.last_day
    return pd.Timestamp(sent_on).date() + timedelta(days=plan.window_days - 1)
