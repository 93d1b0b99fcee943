"""Many campaigns at once: the best ones were also lucky, and what they earned together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmreport.analysis.campaign.estimate import Estimate
from crmreport.analysis.campaign.money import Costs, campaign_profit, probability_positive
from crmreport.analysis.campaign.overlap import CountedOnce
from crmreport.analysis.campaign.shrinkage import shrink

Source = Literal["holdout", "campaigns"]


@dataclass(frozen=True)
class Programme:
    """The campaigns of a period together.

    Attributes:
        table: One row per campaign, most profit (shrunk) first, then by id: ``campaign_id``,
            ``n_treatment``, ``effect``, ``standard_error`` (per customer, as measured), ``shrunk``,
            ``shrunk_standard_error``, ``shrunk_lower``, ``shrunk_upper``, ``revenue``, ``cost``,
            ``profit`` (of the measured effect), ``shrunk_profit``, ``shrunk_profit_lower``,
            ``shrunk_profit_upper``, ``p_positive`` (of the shrunk profit).
        tau: Standard deviation of the true effects between campaigns.
        best_luck: Measured less shrunk effect of the campaign measured best: what its figure owes to
            having been picked; nan without campaigns.
        revenue: Incremental revenue of the programme.
        revenue_lower: Its lower bound.
        revenue_upper: Its upper bound.
        cost: Cost of all campaigns.
        profit: revenue × margin − cost, campaign by campaign.
        profit_lower: Its lower bound.
        profit_upper: Its upper bound.
        p_positive: Probability of profit above 0.
        source: ``holdout`` when customers held out of all campaigns say what they did together;
            ``campaigns`` when the shrunk effects were added up.
        inflation: Revenue in the campaigns' windows added up ÷ counted once; nan when not given.
    """

    table: pd.DataFrame
    tau: float
    best_luck: float
    revenue: float
    revenue_lower: float
    revenue_upper: float
    cost: float
    profit: float
    profit_lower: float
    profit_upper: float
    p_positive: float
    source: Source
    inflation: float


def programme(
    effects: Mapping[str, Estimate],
    costs: Mapping[str, Costs],
    *,
    margin_rate: float,
    holdout: Estimate | None = None,
    overlap: CountedOnce | None = None,
    confidence: float = 0.95,
) -> Programme:
    """Effects of many campaigns shrunk towards their mean, and the programme's total counted once.

    The campaign measured best is on average worse than measured: it was picked for its luck too.
    Shrunk effects (empirical Bayes) take that off. The total comes from a holdout kept out of all
    campaigns when there is one: whoever was reached twice is in it once. Without it shrunk effects
    are added up, which is right when the effects of overlapping campaigns add up; read it beside the
    inflation of the revenue in their windows.

    Args:
        effects: Campaign → effect on revenue per assigned customer, client currency; randomised or
            adjusted. One not known (nan) gets blanks and adds cost only.
        costs: Campaign → its cost.
        margin_rate: Margin before campaign cost ÷ revenue, 0 to 1.
        holdout: Effect of the whole programme on revenue per customer, those of no campaign held out.
        overlap: Revenue of the campaigns counted once.
        confidence: Coverage of the intervals, between 0 and 1.

    Returns:
        Campaigns and total.

    Raises:
        ValueError: The campaigns of effects and costs differ, or the margin rate is outside 0 to 1.

    Examples:
        >>> a, b = Estimate(30., 10., 10., 50., 1000, 1000), Estimate(5., 10., -15., 25., 1000, 1000)
        >>> found = programme({"a": a, "b": b}, {"a": Costs(send=2), "b": Costs(send=2)}, margin_rate=0.5)
        >>> found.table[["campaign_id", "effect", "shrunk"]].round(1).to_numpy().tolist()
        [['a', 30.0, 26.0], ['b', 5.0, 9.0]]
        >>> round(found.revenue), round(found.profit), found.source
        (35000, 13500, 'campaigns')
    """
    if set(effects) != set(costs):
        odd = sorted(set(effects) ^ set(costs))
        raise ValueError(f"{len(odd)} campaigns have an effect or a cost, not both; first: {odd[0]!r}")
    if not 0 <= margin_rate <= 1:
        raise ValueError(f"margin_rate is {margin_rate}; give a share from 0 to 1")
    names = sorted(effects)
    measured = np.array([effects[name].difference for name in names], dtype="float64")
    errors = np.array([effects[name].standard_error for name in names], dtype="float64")
    reached = np.array([effects[name].n_treatment for name in names], dtype="float64")
    spent = np.array([costs[name].total(effects[name].n_treatment) for name in names], dtype="float64")
    drawn = shrink(measured, errors, confidence=confidence)
    scale = reached * margin_rate
    table = pd.DataFrame(
        {
            "campaign_id": names,
            "n_treatment": reached.astype("int64"),
            "effect": measured,
            "standard_error": errors,
            "shrunk": drawn.effects,
            "shrunk_standard_error": drawn.standard_errors,
            "shrunk_lower": drawn.lower,
            "shrunk_upper": drawn.upper,
            "revenue": measured * reached,
            "cost": spent,
            "profit": measured * scale - spent,
            "shrunk_profit": drawn.effects * scale - spent,
            "shrunk_profit_lower": drawn.lower * scale - spent,
            "shrunk_profit_upper": drawn.upper * scale - spent,
        }
    )
    table["p_positive"] = [
        probability_positive(p, e)
        for p, e in zip(table["shrunk_profit"], drawn.standard_errors * scale, strict=True)
    ]
    best = int(np.nanargmax(measured)) if drawn.n_effects else -1
    revenue, error = _total(drawn.effects, errors, drawn.tau, reached)
    source: Source = "campaigns"
    if holdout is not None:
        # The programme's cost is the campaigns'; the holdout only says what they brought.
        whole = campaign_profit(holdout, margin_rate=margin_rate, costs=Costs())
        revenue, error, source = whole.revenue, holdout.standard_error * holdout.n_treatment, "holdout"
    reach = float(norm.ppf(0.5 + confidence / 2)) * error
    cost = float(spent.sum())
    return Programme(
        table=table.sort_values(["shrunk_profit", "campaign_id"], ascending=[False, True], ignore_index=True),
        tau=drawn.tau,
        best_luck=float(measured[best] - drawn.effects[best]) if best >= 0 else float("nan"),
        revenue=revenue,
        revenue_lower=revenue - reach,
        revenue_upper=revenue + reach,
        cost=cost,
        profit=revenue * margin_rate - cost,
        profit_lower=(revenue - reach) * margin_rate - cost,
        profit_upper=(revenue + reach) * margin_rate - cost,
        p_positive=probability_positive(revenue * margin_rate - cost, error * margin_rate),
        source=source,
        inflation=overlap.inflation if overlap is not None else float("nan"),
    )


def _total(shrunk: np.ndarray, errors: np.ndarray, tau: float, reached: np.ndarray) -> tuple[float, float]:
    """Sum over the customers reached, and its standard error.

    Shrunk effects lean on one mean, so their errors are not independent: that of the total is carried
    through the weights each measured effect has in it.
    """
    known = ~np.isnan(shrunk)
    if not known.any():
        return float("nan"), float("nan")
    n, variance = reached[known], errors[known] ** 2
    precision = 1 / (variance + tau**2)
    drawn = variance * precision
    # Weight of each effect in the total: its own part, and its part of the mean the others lean on.
    weight = n * (1 - drawn) + (n @ drawn) * precision / precision.sum()
    # Two sources of error: noise, and true effects that differ from the mean they were drawn to.
    noise = float(np.sqrt(weight**2 @ variance))
    drawn_off = float(np.sqrt(((n - weight) ** 2).sum()) * tau)
    return float(n @ shrunk[known]), float(np.hypot(noise, drawn_off))
