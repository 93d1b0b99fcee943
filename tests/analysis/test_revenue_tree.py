from __future__ import annotations

from math import isnan, prod

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmreport.analysis.revenue_tree import revenue_tree, shapley_product
from crmreport.analysis.sales_lines import sales_lines
from crmreport.period import Period

NUMBERS = st.floats(0, 1e4, allow_nan=False)


@pytest.mark.parametrize(
    ("before", "after", "parts"),
    [
        pytest.param([10, 2], [12, 3], [5.0, 11.0], id="two factors: half the joint step each"),
        pytest.param([10, 2], [10, 2], [0.0, 0.0], id="nothing moved: no part"),
        pytest.param([4], [7], [3.0], id="one factor takes all"),
        # By hand: 2*2*2=8 -> 4*4*4=64; by symmetry each takes a third of 56.
        pytest.param([2, 2, 2], [4, 4, 4], [56 / 3] * 3, id="three equal moves share equally"),
        pytest.param([100, 1.0], [50, 1.0], [-50.0, 0.0], id="half the buyers at the same spend"),
    ],
)
def test_shapley_by_hand(before, after, parts):
    assert shapley_product(before, after) == pytest.approx(parts)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=5))
def test_parts_add_up_to_the_change(pairs):
    before, after = zip(*pairs, strict=True)
    change = prod(after) - prod(before)
    scale = max(1.0, prod(max(pair) for pair in pairs))
    assert sum(shapley_product(before, after)) == pytest.approx(change, abs=1e-9 * scale)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=4))
def test_the_order_of_factors_does_not_matter(pairs):
    before, after = zip(*pairs, strict=True)
    forward = shapley_product(before, after)
    backward = shapley_product(before[::-1], after[::-1])[::-1]
    scale = max(1.0, prod(max(pair) for pair in pairs))
    assert forward == pytest.approx(backward, abs=1e-9 * scale)


def test_different_lengths_are_refused():
    with pytest.raises(ValueError, match="2 factors before, 1 after"):
        shapley_product([1, 2], [1])


def order_lines(*rows):
    lines = pd.DataFrame(rows, columns=["customer_id", "order_id", "order_date", "revenue"])
    return lines.assign(order_date=pd.to_datetime(lines["order_date"]))


LINES = order_lines(
    ("a", "1", "2025-10-03", 100.0),
    ("a", "1", "2025-10-03", 100.0),
    (None, "g1", "2025-10-04", 70.0),
    ("a", "2", "2026-10-01", 300.0),
    ("b", "3", "2026-10-02", 50.0),
    ("b", "4", "2026-10-05", 50.0),
    (None, "g2", "2026-10-06", 30.0),
)
OCTOBER = Period.parse("2026-10")


def test_factors_and_parts(engine):
    tree = revenue_tree(
        sales_lines(engine(LINES), as_of=OCTOBER.as_of), period=OCTOBER, baseline=OCTOBER.year_ago()
    )
    table = tree.table.set_index("part")
    assert table["before"].to_dict() == pytest.approx(
        {"buyers": 1, "frequency": 1, "items_per_purchase": 2, "unit_price": 100, "guests": 70}
    )
    assert table["after"].to_dict() == pytest.approx(
        {"buyers": 2, "frequency": 1.5, "items_per_purchase": 1, "unit_price": 400 / 3, "guests": 30}
    )
    assert tree.change == pytest.approx(430 - 270)
    assert table["effect"].sum() == pytest.approx(tree.change)
    assert table.loc["guests", "effect"] == pytest.approx(-40)
    assert table["effect_share"].sum() == pytest.approx(1)
    assert tree.reason is None


def test_nothing_is_split_where_the_data_do_not_reach(engine):
    later = LINES[LINES["order_date"] >= "2026-01-01"].reset_index(drop=True)
    tree = revenue_tree(
        sales_lines(engine(later), as_of=OCTOBER.as_of), period=OCTOBER, baseline=OCTOBER.year_ago()
    )
    assert tree.reason == "not_observed"
    assert tree.table["effect"].isna().all()
    assert isnan(tree.change)


def test_a_period_without_purchases_has_no_parts_but_a_change():
    tree = revenue_tree(sales_lines(LINES, as_of=OCTOBER.as_of), period=OCTOBER, baseline=OCTOBER.previous())
    assert tree.reason == "no_purchases"
    assert tree.change == pytest.approx(430)
    assert tree.table.set_index("part").loc["guests", "effect"] == pytest.approx(30)


def test_a_return_lowers_the_unit_price_only():
    back = order_lines(("b", "r", "2026-10-20", -40.0)).assign(is_return=True)
    lines = pd.concat([LINES.assign(is_return=False), back], ignore_index=True)
    tree = revenue_tree(sales_lines(lines, as_of=OCTOBER.as_of), period=OCTOBER, baseline=OCTOBER.year_ago())
    after = tree.table.set_index("part")["after"]
    assert after["buyers"] == 2
    assert after["frequency"] == 1.5
    assert after["items_per_purchase"] == 1
    assert after["unit_price"] == pytest.approx(360 / 3)
