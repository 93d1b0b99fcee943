"""Whom to send to next time: the customers of segments whose shrunk effect pays for the sending."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals as nw
import pandas as pd
from narwhals.typing import IntoFrame

from crmreport.analysis.campaign.heterogeneity import UNKNOWN, SegmentEffects
from crmreport.analysis.campaign.money import Costs, probability_positive
from crmreport.analysis.ledger import to_pandas


@dataclass(frozen=True)
class NextSend:
    """Whom to send to next time.

    Attributes:
        segments: One row per segment, most profit a customer first: ``segment``, ``customers``,
            ``effect`` (shrunk), ``profit_per_customer`` (expected), ``lower``, ``upper``,
            ``p_positive``, ``send`` (expected profit above 0 and p_positive at least ``confidence``),
            ``profit`` (expected, of all its customers).
        customers: ``customer_id``, ``segment``, ``expected_profit`` of those to send to, best first.
        profit: Expected profit of sending to them, fixed cost taken off.
        profit_of_all: Expected profit of sending to everybody.
        n_unknown: Customers of segments without an effect; not sent to.
    """

    segments: pd.DataFrame
    customers: nw.LazyFrame[Any]
    profit: float
    profit_of_all: float
    n_unknown: int


def next_send(
    effects: SegmentEffects,
    candidates: IntoFrame,
    *,
    segment: str,
    margin_rate: float,
    costs: Costs,
    confidence: float = 0.8,
) -> NextSend:
    """Customers worth sending to, by the shrunk effect of their segment.

    Expected profit per customer = shrunk effect × margin rate − cost of sending. A segment is chosen
    when that is above 0 with a probability of at least ``confidence``: the effect seen in the best
    segment is partly luck, which shrinking takes off.

    Args:
        effects: Effects on revenue per customer by segment (kind ``mean``).
        candidates: Customers next time: ``customer_id`` and the segment.
        segment: Column of the segment.
        margin_rate: Margin before campaign cost ÷ revenue, 0 to 1.
        costs: Cost of the next campaign; coupons as a total are not known beforehand and must be 0.
        confidence: Probability of profit a segment needs, 0.5 to 1.

    Returns:
        Segments judged and customers listed (lazy; sorted by expected profit, then customer id).

    Raises:
        ValueError: The effects are not money, or an option is out of bounds.

    Examples:
        >>> import numpy as np
        >>> rng = np.random.default_rng(1)
        >>> test = pd.DataFrame({"rank": np.repeat(["gold", "new"], 2000), "sent": np.tile([0, 1], 2000)})
        >>> test["revenue"] = rng.gamma(2, 50, 4000) + 40 * test["sent"] * (test["rank"] == "gold")
        >>> from crmreport.analysis.campaign.heterogeneity import segment_effects
        >>> effects = segment_effects(test, segment="rank", treated="sent", outcome="revenue", kind="mean")
        >>> who = pd.DataFrame({"customer_id": ["a", "b", "c"], "rank": ["new", "gold", "gold"]})
        >>> found = next_send(effects, who, segment="rank", margin_rate=0.5, costs=Costs(send=5))
        >>> to_pandas(found.customers)["customer_id"].tolist(), found.profit > found.profit_of_all
        (['b', 'c'], True)
    """
    if effects.kind != "mean":
        raise ValueError("effects are shares of customers; give effects on revenue per customer")
    if not 0 <= margin_rate <= 1 or not 0.5 <= confidence <= 1:
        raise ValueError(f"margin_rate is {margin_rate} (0 to 1), confidence is {confidence} (0.5 to 1)")
    if costs.coupon:
        raise ValueError(f"coupons cost {costs.coupon} in total; put them into the cost of sending to one")
    frame = nw.from_native(candidates).lazy().select("customer_id", segment=nw.col(segment).cast(nw.String))
    frame = frame.with_columns(nw.col("segment").fill_null(UNKNOWN))
    sizes = to_pandas(frame.with_columns(n=nw.lit(1)).group_by("segment").agg(nw.col("n").sum()))
    sizes = sizes.set_index("segment")["n"]
    table = effects.table[["segment", "shrunk", "shrunk_standard_error", "shrunk_lower", "shrunk_upper"]]
    table = table.rename(columns={"shrunk": "effect"}).dropna(subset="effect")
    table.insert(1, "customers", table["segment"].map(sizes).fillna(0).astype("int64"))
    table["profit_per_customer"] = table["effect"] * margin_rate - costs.send
    for bound in ("lower", "upper"):
        table[bound] = table.pop(f"shrunk_{bound}") * margin_rate - costs.send
    error = table.pop("shrunk_standard_error") * margin_rate
    table["p_positive"] = [
        probability_positive(p, e) for p, e in zip(table["profit_per_customer"], error, strict=True)
    ]
    table["send"] = (table["p_positive"] >= confidence) & (table["profit_per_customer"] > 0)
    table["profit"] = table["profit_per_customer"] * table["customers"]
    table = table.sort_values(["profit_per_customer", "segment"], ascending=[False, True], ignore_index=True)
    chosen = table[table["send"]]
    profit = nw.lit(0.0)
    for name, each in zip(chosen["segment"].tolist(), chosen["profit_per_customer"].tolist(), strict=True):
        profit = nw.when(nw.col("segment") == name).then(nw.lit(each)).otherwise(profit)
    listed = frame.filter(nw.col("segment").is_in(chosen["segment"].tolist()))
    listed = listed.with_columns(expected_profit=profit).sort(
        "expected_profit", "customer_id", descending=[True, False]
    )
    return NextSend(
        segments=table,
        customers=listed,
        profit=float(chosen["profit"].sum()) - (costs.fixed if len(chosen) else 0.0),
        profit_of_all=float(table["profit"].sum()) - costs.fixed,
        n_unknown=int(sizes[~sizes.index.isin(table["segment"])].sum()),
    )
