"""Campaigns that met the same customers, two by two: each one's effect at equal exposure to the other."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from itertools import combinations
from typing import Literal

import pandas as pd

from crmreport.analysis.campaign.estimate import Estimate
from crmreport.analysis.campaign.exposure import NOT_ASSIGNED, SENT_TO, Exposure, window_end
from crmreport.analysis.campaign.overlap import effects_together
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.campaign.programme_holdout import picked_by_an_earlier_one
from crmreport.errors import DataError

# Customers of both campaigns below which nothing is told apart.
LEAST_SHARED = 100
COLUMNS = [
    "campaign_id", "other_id", "customers", "both", "plain", "apart", "apart_lower", "apart_upper",
    "withheld",
]  # fmt: skip
Withheld = Literal["same_customers", "picked_by_other", "picks_other"]
_BLANK = float("nan")


def told_apart(
    exposure: Exposure, *, plans: Sequence[CampaignPlan], drawn: Collection[str], as_of: date
) -> pd.DataFrame:
    """Effects of campaigns whose windows and customers overlap, as they look and told apart.

    Looked at are the customers assigned to both campaigns of a pair, in both of which a lot decided
    the arm. ``plain`` compares sent to with held out and credits the campaign with what the other did
    where the other reached the two unequally; ``apart`` is the effect at equal exposure to the other
    (``effects_together``). Where the later campaign's customers were picked by the arm they had in the
    earlier one (:func:`picked_by_an_earlier_one`), those in both are no equals any more and nothing is
    told apart.

    Args:
        exposure: Who was assigned to what, and spending.
        plans: The campaigns.
        drawn: Ids of the campaigns sent to a list in which a lot decided the arm, and whose design check
            found nothing that blocks.
        as_of: Last visible day.

    Returns:
        Two rows per pair, most customers in both first: ``campaign_id``, ``other_id``, ``customers``
        (assigned to both), ``both`` (sent both), ``plain``, ``apart``, ``apart_lower``,
        ``apart_upper`` (revenue per customer; blank where the two cannot be told apart), ``withheld``:
        why they cannot: ``same_customers`` (sent to the same, or to everybody), ``picked_by_other`` (its
        customers depend on the other's arm), ``picks_other`` (the other's depend on its arm, so that
        ``plain`` is blank too); blank where they can.

    Examples:
        >>> a, b = (CampaignPlan(n, "mail", date(2026, 10, 1), date(2026, 10, 1)) for n in "ab")
        >>> roles = pd.DataFrame({"a": [1, 1, 2, 2] * 50, "b": [1, 2, 1, 2] * 50})
        >>> spent = pd.Series([1.0, 4.0, 3.0, 6.0] * 50)
        >>> told_apart(
        ...     Exposure(roles, spent), plans=[a, b], drawn={"a", "b"}, as_of=date(2026, 10, 31)
        ... )[["campaign_id", "other_id", "both", "apart"]].round(6).to_numpy().tolist()
        [['a', 'b', 50, 2.0], ['b', 'a', 50, 3.0]]
    """
    rows = []
    by_name = sorted((plan for plan in plans if plan.campaign_id in drawn), key=lambda p: p.campaign_id)
    for one, other in combinations(by_name, 2):
        if one.start > window_end(other, as_of=as_of) or other.start > window_end(one, as_of=as_of):
            continue
        names = [one.campaign_id, other.campaign_id]
        roles = exposure.roles[names]
        in_order = [p.campaign_id for p in sorted((one, other), key=lambda p: (p.start, p.campaign_id))]
        shared = (roles > NOT_ASSIGNED).all(axis=1)
        if shared.sum() < LEAST_SHARED:
            continue
        sent = (roles[shared] == SENT_TO).astype("float64").set_axis(["one", "other"], axis="columns")
        people = sent.assign(revenue=exposure.revenue[shared])
        found: dict[str, Estimate] = {}
        why: dict[str, Withheld | None] = dict.fromkeys(names)
        if picked_by_an_earlier_one(roles[in_order]):
            earlier, later = in_order
            why = {earlier: "picks_other", later: "picked_by_other"}
        else:
            try:
                found = effects_together(people, ["one", "other"], outcome="revenue")
            except DataError:  # reached the same customers, or everybody
                why = dict.fromkeys(names, "same_customers")
        for name, campaign, beside in (("one", *names), ("other", *reversed(names))):
            means = people.groupby(name)["revenue"].mean()
            plain = float(means.get(1.0, _BLANK) - means.get(0.0, _BLANK))
            effect, reason = found.get(name), why[campaign]
            apart = (effect.difference, effect.lower, effect.upper) if effect else (_BLANK,) * 3
            counted = (int(shared.sum()), int(sent.all(axis=1).sum()))
            plain = _BLANK if reason == "picks_other" else plain
            rows.append((campaign, beside, *counted, plain, *apart, reason))
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.sort_values(
        ["both", "campaign_id", "other_id"], ascending=[False, True, True], ignore_index=True
    )
