"""Life-cycle states: who is new, active, slipping, dormant or lapsed, and who moved between them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, get_args

import narwhals as nw
import pandas as pd

from crmreport.analysis.ledger import (
    PurchaseUnit,
    customer_totals,
    days_before,
    round_money,
    settle,
    settle_money,
    to_pandas,
    visible,
)
from crmreport.analysis.observed import ObservedDays, observed_days
from crmreport.analysis.purchase_gaps import PurchaseGaps
from crmreport.errors import ConfigError

State = Literal["new", "active", "slipping", "dormant", "lapsed"]
STATES: tuple[State, ...] = get_args(State)
NO_PURCHASE = "none"
"""Not a customer on that day: no purchase yet, or all of them returned since."""
PERCENTILES = {"slipping_days": 80, "dormant_days": 90, "lapsed_days": 95}

_CODES = {state: code for code, state in enumerate((NO_PURCHASE, *STATES))}
_NAMES = {code: state for state, code in _CODES.items()}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Days since the last purchase from which a customer counts as slipping, dormant, lapsed.

    Attributes:
        slipping_days: Longer than most gaps: late by the customers' own rhythm.
        dormant_days: 休眠.
        lapsed_days: 離反.
        from_gaps: Which of the three were read from the purchase gaps; the others are the client's own.
        n_gaps: Gaps they were read from; None when all three are the client's.
    """

    slipping_days: int
    dormant_days: int
    lapsed_days: int
    from_gaps: tuple[str, ...] = ()
    n_gaps: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.slipping_days <= self.dormant_days <= self.lapsed_days:
            raise ConfigError(
                f"life-cycle thresholds {self.slipping_days} / {self.dormant_days} / {self.lapsed_days} days "
                "do not rise from slipping over dormant to lapsed; "
                "set all three in client.yml (policies.lifecycle)"
            )


def lifecycle_thresholds(
    gaps: PurchaseGaps | None,
    *,
    slipping_days: int | None = None,
    dormant_days: int | None = None,
    lapsed_days: int | None = None,
) -> Thresholds:
    """The client's thresholds, and for those not given the percentiles of the purchase gaps.

    Slipping starts at the 80th and lapsed at the 95th percentile of the gaps (METRICS §6), dormant
    at the 90th: of the gaps that ended at all, 1 in 5, 1 in 10 and 1 in 20 lasted longer.

    Args:
        gaps: All finished gaps of the client's customers; None needs all three thresholds given.
        slipping_days: The client's own threshold, or None.
        dormant_days: The client's own threshold, or None.
        lapsed_days: The client's own threshold, or None.

    Raises:
        ConfigError: The three do not rise.
        TooFewError: A percentile is needed and nobody has bought twice.
        ValueError: A percentile is needed and there are no gaps to take it of.
    """
    given = {"slipping_days": slipping_days, "dormant_days": dormant_days, "lapsed_days": lapsed_days}
    from_gaps = tuple(name for name, days in given.items() if days is None)

    def threshold(name: str, days: int | None) -> int:
        if days is not None:
            return days
        if gaps is None:
            raise ValueError(f"{name} is not given; give it, or gaps to read it from")
        # Two purchases on one day (unit "order") are a gap of 0, and no customer is late on day 0.
        return max(1, gaps.percentile(PERCENTILES[name]))

    days = {name: threshold(name, value) for name, value in given.items()}
    return Thresholds(**days, from_gaps=from_gaps, n_gaps=gaps.n_gaps if gaps and from_gaps else None)


@dataclass(frozen=True)
class LifecycleStates:
    """Every customer's state on one day.

    Attributes:
        as_of: Last visible day.
        value_since: First day of the window the revenue is taken from.
        thresholds: Days the states begin at.
        n_customers: Customers with at least one purchase.
        table: One row per state, in order: state, customers, share, revenue, revenue_share,
            revenue_per_customer, one_time (customers with a single purchase so far).
        customers: Lazy frame customer_id, first_date, last_date, recency_days, frequency, revenue, state.
        observed: Days the order lines say something about.
    """

    as_of: date
    value_since: date | None
    thresholds: Thresholds
    n_customers: int
    table: pd.DataFrame
    customers: nw.LazyFrame[Any]
    observed: ObservedDays

    @property
    def n_late_unobserved(self) -> int:
        """Customers who became slipping, dormant or lapsed on a day without data: nobody could see
        whether they bought before it."""
        days, dark = nw.col("recency_days"), self.observed.unobserved_days
        passed = nw.lit(False)
        for name in PERCENTILES:
            threshold = getattr(self.thresholds, name)
            passed = passed | ((days >= threshold) & (days < threshold + dark))
        return int(to_pandas(self.customers.filter(passed).select(n=nw.len()))["n"].iloc[0])


def lifecycle_states(
    lines: Any,
    *,
    as_of: date,
    thresholds: Thresholds,
    value_since: date | None = None,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> LifecycleStates:
    """Put every customer with a purchase into exactly one state (METRICS §6).

    By days since the last purchase: from ``lapsed_days`` on lapsed; else from ``dormant_days`` on
    dormant; else from ``slipping_days`` on slipping; else active, or new when that one purchase is
    the only one so far.

    Args:
        lines: Order lines; any frame narwhals understands.
        as_of: Last visible day.
        thresholds: Days the states begin at.
        value_since: First day of the revenue shown beside the states; None for the whole history.
            States always use the whole history.
        unit: What one purchase is.
        zero_value_counts: Whether lines of value 0 make a purchase.

    Returns:
        The state of every customer (lazy) and the counts.

    Examples:
        >>> import pandas as pd
        >>> lines = pd.DataFrame({
        ...     "customer_id": ["a", "b", "b", "c"],
        ...     "order_id": ["1", "2", "3", "4"],
        ...     "order_date": pd.to_datetime(["2026-03-01", "2026-01-01", "2026-03-20", "2025-01-01"]),
        ...     "revenue": [100.0, 100.0, 100.0, 100.0],
        ...     "is_return": [False] * 4,
        ... })
        >>> states = lifecycle_states(lines, as_of=date(2026, 3, 31), thresholds=Thresholds(60, 120, 240))
        >>> dict(zip(states.table["state"], states.table["customers"], strict=True))
        {'new': 1, 'active': 1, 'slipping': 0, 'dormant': 0, 'lapsed': 1}
    """
    state = nw.lit(None, nw.String)
    for name, code in _CODES.items():
        state = nw.when(nw.col("code") == code).then(nw.lit(name)).otherwise(state)
    spent = (
        visible(lines, as_of=as_of, since=value_since).group_by("customer_id").agg(nw.col("revenue").sum())
    )
    stated = (
        _states(lines, as_of, thresholds, unit=unit, zero_value_counts=zero_value_counts)
        .drop("revenue")
        .join(spent, on="customer_id", how="left")
        .select(
            "customer_id",
            "first_date",
            "last_date",
            "recency_days",
            nw.col("n_purchases").alias("frequency"),
            nw.col("revenue").fill_null(0.0),
            state=state,
        )
    )
    customers = settle_money(stated, "revenue")
    once = nw.when(nw.col("frequency") == 1).then(nw.lit(1)).otherwise(nw.lit(0))
    by_state = customers.with_columns(once=once).group_by("state")
    counted = to_pandas(
        by_state.agg(customers=nw.len(), revenue=nw.col("revenue").sum(), one_time=nw.col("once").sum())
    )
    counted = counted.set_index("state").reindex(pd.Index(STATES, name="state"), fill_value=0).reset_index()
    counted = counted.astype({"customers": "int64", "one_time": "int64", "revenue": "float64"})
    counted = round_money(counted, "revenue")
    n_customers = int(counted["customers"].sum())
    total = float(counted["revenue"].sum())
    counted["share"] = counted["customers"] / n_customers if n_customers else float("nan")
    counted["revenue_share"] = counted["revenue"] / total if total > 0 else float("nan")
    counted["revenue_per_customer"] = (counted["revenue"] / counted["customers"]).where(
        counted["customers"] > 0
    )
    order = ["state", "customers", "share", "revenue", "revenue_share", "revenue_per_customer", "one_time"]
    seen = observed_days(lines, as_of=as_of)
    return LifecycleStates(as_of, value_since, thresholds, n_customers, counted[order], customers, seen)


@dataclass(frozen=True)
class LifecycleFlows:
    """Where the customers of one day had got to by a later day.

    Attributes:
        start: First day compared (states at its end).
        as_of: Second day compared.
        thresholds: The same for both days.
        history_days: Days from the first purchase of all to the start; None when there is none by then.
        table: One row per pair of states: from_state, to_state, customers, share_of_from. ``none`` is
            no customer on that day. Customers of a state on either day are the sum over its rows.
        n_active_start: New or active at the start.
        n_churned: Of these, lapsed at as_of.
        churn_rate: n_churned ÷ n_active_start; None without active customers, and None when the days
            between are too few for an active customer to lapse at all.
        n_present_start: New, active, slipping or dormant at the start.
        n_newly_lapsed: Of these, lapsed at as_of.
        lapse_rate: n_newly_lapsed ÷ n_present_start.
        n_lapsed_start: Lapsed at the start.
        n_won_back: Of these, bought after the start.
        win_back_rate: n_won_back ÷ n_lapsed_start.
    """

    start: date
    as_of: date
    thresholds: Thresholds
    history_days: int | None
    table: pd.DataFrame
    n_active_start: int
    n_churned: int
    churn_rate: float | None
    n_present_start: int
    n_newly_lapsed: int
    lapse_rate: float | None
    n_lapsed_start: int
    n_won_back: int
    win_back_rate: float | None

    @property
    def is_settled(self) -> bool:
        """Whether the history before the start is long enough for a customer to have lapsed by then."""
        return self.history_days is not None and self.history_days >= self.thresholds.lapsed_days

    def at_start(self) -> pd.Series:
        """Customers per state at the start, in the order of the states."""
        counted = self.table.groupby("from_state")["customers"].sum()
        return counted.reindex(list(STATES), fill_value=0)


def lifecycle_flows(
    lines: Any,
    *,
    start: date,
    states: LifecycleStates,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> LifecycleFlows:
    """Count the moves from an earlier day to the day of ``states`` (METRICS §6).

    Both days are judged by the same thresholds, so that who moves has really moved; the start is
    judged by what was visible then.

    Args:
        lines: Order lines the states were made of.
        start: Earlier day.
        states: States of the later day, by the same unit and rule.
        unit: What one purchase is.
        zero_value_counts: Whether lines of value 0 make a purchase.

    Raises:
        ValueError: start is not before the day of the states.
    """
    as_of, thresholds = states.as_of, states.thresholds
    if not start < as_of:
        raise ValueError(f"start {start} is not before as_of {as_of}; give the earlier day first")
    before = settle(_states(lines, start, thresholds, unit=unit, zero_value_counts=zero_value_counts))
    none = nw.lit(_CODES[NO_PURCHASE]).cast(nw.Int64)
    code = none
    for state in STATES:
        code = nw.when(nw.col("state") == state).then(nw.lit(_CODES[state]).cast(nw.Int64)).otherwise(code)
    bought = nw.when(nw.col("recency_days") < (as_of - start).days).then(nw.lit(1)).otherwise(nw.lit(0))
    bought = bought.cast(nw.Int64)
    # Union and sum instead of a full join: a customer of one day alone has code 0 on the other.
    both = nw.concat(
        [
            before.select("customer_id", from_code=nw.col("code"), to_code=none, bought=none),
            states.customers.select("customer_id", from_code=none, to_code=code, bought=bought),
        ]
    )
    moved = both.group_by("customer_id").agg(
        nw.col("from_code").sum(), nw.col("to_code").sum(), nw.col("bought").sum()
    )
    pairs = to_pandas(
        moved.group_by("from_code", "to_code").agg(customers=nw.len(), bought=nw.col("bought").sum())
    ).astype("int64")
    oldest = to_pandas(before.select(days=days_before(start, "first_date").max()))["days"].iloc[0]
    history_days = None if pd.isna(oldest) else int(oldest)
    return _flows(pairs, start=start, as_of=as_of, thresholds=thresholds, history_days=history_days)


def _states(
    lines: Any, as_of: date, thresholds: Thresholds, *, unit: PurchaseUnit, zero_value_counts: bool
) -> nw.LazyFrame[Any]:
    """customer_totals with recency_days and the state's code."""
    totals = customer_totals(lines, as_of=as_of, unit=unit, zero_value_counts=zero_value_counts)
    late = nw.col("recency_days")
    code = (
        nw.when(late >= thresholds.lapsed_days)
        .then(nw.lit(_CODES["lapsed"]))
        .otherwise(
            nw.when(late >= thresholds.dormant_days)
            .then(nw.lit(_CODES["dormant"]))
            .otherwise(
                nw.when(late >= thresholds.slipping_days)
                .then(nw.lit(_CODES["slipping"]))
                .otherwise(
                    nw.when(nw.col("n_purchases") == 1)
                    .then(nw.lit(_CODES["new"]))
                    .otherwise(nw.lit(_CODES["active"]))
                )
            )
        )
    )
    return totals.with_columns(recency_days=days_before(as_of, "last_date")).with_columns(
        code=code.cast(nw.Int64)
    )


def _flows(
    pairs: pd.DataFrame, *, start: date, as_of: date, thresholds: Thresholds, history_days: int | None
) -> LifecycleFlows:
    whole = pd.MultiIndex.from_product([_NAMES, _NAMES], names=["from_code", "to_code"])
    table = pairs.set_index(["from_code", "to_code"]).reindex(whole, fill_value=0).reset_index()
    # Nobody is "no customer" on both days.
    table = table[(table["from_code"] > 0) | (table["to_code"] > 0)].reset_index(drop=True)
    table.insert(0, "from_state", table["from_code"].map(_NAMES).astype("str"))
    table.insert(1, "to_state", table["to_code"].map(_NAMES).astype("str"))
    starting = table.groupby("from_code")["customers"].transform("sum")
    table["share_of_from"] = (table["customers"] / starting).where(starting > 0)

    def count(from_states: tuple[str, ...], *, lapsed: bool = False, column: str = "customers") -> int:
        rows = table["from_state"].isin(from_states)
        if lapsed:
            rows &= table["to_state"] == "lapsed"
        return int(table.loc[rows, column].sum())

    active, present = ("new", "active"), ("new", "active", "slipping", "dormant")
    # An active customer's last purchase is at most slipping_days - 1 before the start.
    can_lapse = (as_of - start).days + thresholds.slipping_days - 1 >= thresholds.lapsed_days
    return LifecycleFlows(
        start=start,
        as_of=as_of,
        thresholds=thresholds,
        history_days=history_days,
        n_active_start=count(active),
        n_churned=count(active, lapsed=True),
        churn_rate=_rate(count(active, lapsed=True), count(active)) if can_lapse else None,
        n_present_start=count(present),
        n_newly_lapsed=count(present, lapsed=True),
        lapse_rate=_rate(count(present, lapsed=True), count(present)),
        n_lapsed_start=count(("lapsed",)),
        n_won_back=count(("lapsed",), column="bought"),
        win_back_rate=_rate(count(("lapsed",), column="bought"), count(("lapsed",))),
        table=table[["from_state", "to_state", "customers", "share_of_from"]],
    )


def _rate(part: int, whole: int) -> float | None:
    return part / whole if whole else None
