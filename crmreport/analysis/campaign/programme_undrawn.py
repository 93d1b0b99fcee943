"""Campaigns no lot decided within a programme's total: beside those a lot decided, not mixed with them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
from scipy.stats import norm

from crmreport.analysis.campaign.campaign_effect import (
    customers_sent_to,
    outcome_of,
    whole_costs,
    whole_profit,
)
from crmreport.analysis.campaign.evaluation import Evaluation
from crmreport.analysis.campaign.money import Profit, probability_positive
from crmreport.analysis.campaign.winners_curse import Programme, programme


def is_undrawn(evaluation: Evaluation) -> bool:
    """Whether no lot decided whom it met: it ran in some places, or its customers were chosen."""
    return evaluation.plan.area is not None or evaluation.not_randomised is not None


def with_undrawn(total: Programme | None, evaluations: Sequence[Evaluation]) -> Programme | None:
    """A programme's total, in margin, with the campaigns that are over and that no lot decided.

    Shrinking takes off luck; what choosing left in an adjusted effect is no luck, and would be carried
    into the mean the others are drawn to. A campaign that ran in some places has no effect per customer at
    all. So their profit is not shrunk, and is added as measured. Half widths of intervals add up as
    independent errors do (root of squares). One whose effect is not known adds its cost and nothing else.

    Args:
        total: Of the campaigns a lot decided; None where none is over.
        evaluations: All campaigns; those a lot decided are passed over.

    Returns:
        The total; None where no campaign at all is over.
    """
    over = [e for e in evaluations if is_undrawn(e) and outcome_of(e) != "running"]
    if not over:
        return total
    base = total if total is not None else programme({}, {}, margin_rate=1.0)
    profits = {e.plan.campaign_id: whole_profit(e) for e in over}
    costs = {e.plan.campaign_id: _cost(e, profits[e.plan.campaign_id]) for e in over}
    known = [profit for profit in profits.values() if profit is not None]
    margins = [profit.margin for profit in known]
    reaches = [(profit.upper - profit.lower) / 2 for profit in known]
    if not math.isnan(base.revenue):
        margins.append(base.revenue)
        reaches.append((base.revenue_upper - base.revenue_lower) / 2)
    margin = sum(margins) if margins else math.nan
    reach = math.hypot(*reaches) if reaches else math.nan
    cost = base.cost + sum(costs.values())
    rows = pd.DataFrame([_row(name, profit, costs[name]) for name, profit in profits.items()])
    table = rows if base.table.empty else pd.concat([base.table, rows], ignore_index=True)
    return replace(
        base,
        table=table.reindex(columns=base.table.columns),
        revenue=margin,
        revenue_lower=margin - reach,
        revenue_upper=margin + reach,
        cost=cost,
        profit=margin - cost,
        profit_lower=margin - reach - cost,
        profit_upper=margin + reach - cost,
        p_positive=probability_positive(margin - cost, reach / float(norm.ppf(0.975))),
    )


def _cost(evaluation: Evaluation, profit: Profit | None) -> float:
    return profit.cost if profit is not None else whole_costs(evaluation).total(customers_sent_to(evaluation))


def _row(name: str, profit: Profit | None, cost: float) -> dict[str, object]:
    row: dict[str, object] = {"campaign_id": name, "cost": cost}
    if profit is None:
        return row
    return row | {
        "revenue": profit.revenue,
        "profit": profit.profit,
        "shrunk_profit": profit.profit,
        "shrunk_profit_lower": profit.lower,
        "shrunk_profit_upper": profit.upper,
        "p_positive": profit.p_positive,
    }
