"""How long customers wait between purchases."""

from datetime import date, timedelta

import pandas as pd
import pytest

from crmreport.analysis.purchase_gaps import purchase_gaps
from crmreport.errors import TooFewError

DAY0 = date(2026, 1, 1)
AS_OF = date(2026, 12, 31)


def lines(*rows: tuple[str, int]) -> pd.DataFrame:
    """Order lines worth 100 from (customer, days after 1 January)."""
    return pd.DataFrame(
        {
            "customer_id": [customer for customer, _ in rows],
            "order_id": [str(number) for number in range(len(rows))],
            "order_date": pd.to_datetime([DAY0 + timedelta(days=day) for _, day in rows]),
            "revenue": 100.0,
            "is_return": False,
        }
    )


CASES = {
    "one purchase each: no gap": ([("a", 0), ("b", 5)], "all", {}),
    "three purchases: two gaps": ([("a", 0), ("a", 10), ("a", 40)], "all", {10: 1, 30: 1}),
    "only the first gap": ([("a", 0), ("a", 10), ("a", 40), ("b", 3), ("b", 13)], "first", {10: 2}),
    "two orders on a day are one purchase": ([("a", 0), ("a", 0), ("a", 7)], "all", {7: 1}),
    "gaps never cross customers": ([("a", 0), ("b", 10), ("a", 20)], "all", {20: 1}),
    "purchases after as_of are invisible": ([("a", 0), ("a", 10), ("a", 400)], "all", {10: 1}),
}


@pytest.mark.parametrize(("rows", "which", "expected"), CASES.values(), ids=CASES)
def test_gaps(engine, rows, which, expected):
    gaps = purchase_gaps(engine(lines(*rows)), as_of=AS_OF, which=which)
    assert dict(zip(gaps.table["gap_days"], gaps.table["gaps"], strict=True)) == expected
    assert gaps.n_gaps == sum(expected.values())


def test_by_order_the_same_day_is_a_gap_of_zero(engine):
    gaps = purchase_gaps(engine(lines(("a", 0), ("a", 0), ("a", 7))), as_of=AS_OF, unit="order")
    assert gaps.table["gap_days"].tolist() == [0, 7]


def test_by_order_the_first_gap_is_the_one_to_the_second_order(engine):
    rows = engine(lines(("a", 0), ("a", 0), ("a", 7)))
    assert purchase_gaps(rows, as_of=AS_OF, which="first", unit="order").table["gap_days"].tolist() == [0]


def test_percentiles_are_observed_gaps():
    gaps = purchase_gaps(lines(*[("a", sum(range(k + 1))) for k in range(11)]), as_of=AS_OF)
    assert gaps.table["gap_days"].tolist() == list(range(1, 11))
    assert [gaps.percentile(p) for p in (10, 80, 81, 95, 100)] == [1, 8, 9, 10, 10]
    assert gaps.table["cumulative_share"].iloc[-1] == 1.0


def test_no_gap_has_no_percentile():
    with pytest.raises(TooFewError, match="too few repeat customers: 0 found, .*; give the life-cycle"):
        purchase_gaps(lines(("a", 0)), as_of=AS_OF).percentile(80)


def test_percent_outside_bounds():
    with pytest.raises(ValueError, match="percent is 0; give 1 to 100"):
        purchase_gaps(lines(("a", 0), ("a", 1)), as_of=AS_OF).percentile(0)
