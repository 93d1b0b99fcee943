"""Who was in which campaign, and over which days a customer's purchases count."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from crmreport.analysis.campaign.exposure import exposure
from tests.analysis.campaign.programmes import orders, plan

AS_OF = date(2026, 10, 31)
PLANS = [plan("a", "2026-09-01"), plan("b", "2026-09-20", end=date(2026, 9, 25))]


def sends(*rows: tuple[str, str, str]) -> pd.DataFrame:
    found = pd.DataFrame(rows, columns=["campaign_id", "customer_id", "arm"])
    return found.assign(sent_on=pd.Timestamp("2026-09-20"))


def test_roles_and_money_by_hand(engine):
    rows = sends(("a", "1", "mail"), ("b", "1", "none"), ("b", "2", "mail"), ("other", "3", "mail"))
    lines = orders(
        ("1", "2026-09-01", 1), ("1", "2026-10-08", 10), ("1", "2026-10-09", 100),
        ("2", "2026-09-19", 1000), ("2", "2026-09-20", 2), ("3", "2026-09-20", 5),
    )  # fmt: skip
    found = exposure(engine(rows), engine(lines), plans=PLANS, as_of=AS_OF)
    assert found.roles.to_dict("list") == {"a": [2, 0], "b": [1, 2]}
    # Customer 1 counts from a's first day to b's last; customer 2, of b alone, from b's first.
    assert found.revenue.tolist() == [11.0, 2.0]


def test_money_counts_from_the_first_send_where_the_described_start_is_later(engine):
    rows = sends(("late", "1", "mail"), ("late", "2", "none"))
    lines = orders(("1", "2026-09-19", 100), ("1", "2026-09-20", 10), ("1", "2026-09-25", 1))
    found = exposure(engine(rows), engine(lines), plans=[plan("late", "2026-09-24")], as_of=AS_OF)
    assert found.revenue.tolist() == [11.0, 0.0]


def test_the_window_ends_with_the_report():
    lines = orders(("1", "2026-09-25", 1), ("1", "2026-09-26", 10))
    found = exposure(sends(("b", "1", "mail")), lines, plans=PLANS, as_of=date(2026, 9, 25))
    assert found.revenue.tolist() == [1.0]


def test_a_row_drawn_after_the_report_is_not_seen():
    rows = pd.concat(
        [sends(("a", "1", "mail")), sends(("b", "1", "mail")).assign(sent_on=pd.Timestamp("2026-12-01"))]
    )
    found = exposure(rows, orders(), plans=PLANS, as_of=AS_OF)
    assert found.roles.to_dict("list") == {"a": [2], "b": [0]}


def test_money_does_not_depend_on_the_arm():
    lines = orders(("1", "2026-10-08", 10), ("2", "2026-10-08", 10))
    rows = sends(("a", "1", "mail"), ("b", "1", "mail"), ("a", "2", "none"), ("b", "2", "none"))
    assert exposure(rows, lines, plans=PLANS, as_of=AS_OF).revenue.tolist() == [10.0, 10.0]


@pytest.mark.parametrize("order", [[0, 1], [1, 0]], ids=["as they began", "the other way round"])
def test_the_order_of_plans_is_irrelevant(order):
    rows = sends(("a", "1", "mail"), ("b", "2", "none"))
    found = exposure(rows, orders(("1", "2026-09-05", 7)), plans=[PLANS[i] for i in order], as_of=AS_OF)
    assert list(found.roles) == ["a", "b"]
    assert found.revenue.tolist() == [7.0, 0.0]
