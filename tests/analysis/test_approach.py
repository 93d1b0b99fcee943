"""Whom to approach now."""

from datetime import date, timedelta

import pandas as pd
import pytest

from crmreport.analysis.approach import second_purchase_window, valuable_at_risk
from crmreport.analysis.lifecycle import Thresholds, lifecycle_states

AS_OF = date(2026, 12, 31)


def lines(*rows: tuple[str, int, float]) -> pd.DataFrame:
    """Order lines from (customer, days before as_of, revenue)."""
    return pd.DataFrame(
        {
            "customer_id": [row[0] for row in rows],
            "order_id": [f"o{number}" for number in range(len(rows))],
            "order_date": pd.to_datetime([AS_OF - timedelta(days=row[1]) for row in rows]),
            "revenue": [float(row[2]) for row in rows],
            "is_return": False,
        }
    )


def test_the_best_fifth_who_are_late(engine):
    # Ten customers worth 100 to 1000: the cut at 80 % is 800; of 800, 900, 1000 two are late.
    days = {8: 40, 9: 5, 10: 70, 1: 40, 2: 70}
    frame = lines(*[(f"c{n:02}", days.get(n, 100), 100 * n) for n in range(1, 11)])
    states = lifecycle_states(engine(frame), as_of=AS_OF, thresholds=Thresholds(30, 60, 90))
    found = valuable_at_risk(states, top_percent=20)
    assert found.cut == 800.0
    assert found.customers["customer_id"].tolist() == ["c10", "c08"]
    assert found.table.to_dict("records") == [
        {
            "state": "slipping",
            "customers": 2,
            "valuable_customers": 1,
            "valuable_share": 0.5,
            "valuable_revenue": 800.0,
        },
        {
            "state": "dormant",
            "customers": 2,
            "valuable_customers": 1,
            "valuable_share": 0.5,
            "valuable_revenue": 1000.0,
        },
    ]


def test_nobody_late_nobody_listed(engine):
    states = lifecycle_states(engine(lines(("a", 1, 10))), as_of=AS_OF, thresholds=Thresholds(30, 60, 90))
    found = valuable_at_risk(states)
    assert (len(found.customers), found.table["valuable_revenue"].sum()) == (0, 0.0)
    assert found.table["valuable_share"].isna().all()


def test_top_percent_has_bounds():
    states = lifecycle_states(lines(("a", 1, 10)), as_of=AS_OF, thresholds=Thresholds(30, 60, 90))
    with pytest.raises(ValueError, match="top_percent is 100; give 1 to 99"):
        valuable_at_risk(states, top_percent=100)


def test_second_purchases_by_hand(engine):
    rows = []
    # Waits of 10, 20, 30, 40 days, all begun 200 days ago: quartiles 10, 20, 30.
    for customer, wait in {"a": 10, "b": 20, "c": 30, "d": 40}.items():
        rows += [(customer, 200, 50.0), (customer, 200 - wait, 400.0), (customer, 1, 9.0)]
    rows += [("early", 9, 1.0), ("now1", 10, 1.0), ("now2", 30, 1.0), ("late", 31, 1.0), ("never", 300, 1.0)]
    found = second_purchase_window(engine(lines(*rows)), as_of=AS_OF)
    assert found is not None
    assert (found.maybe_earlier, found.burn_in_days) == (0, 0)
    assert (found.from_day, found.median_day, found.to_day, found.n_second) == (10, 20, 30, 4)
    # Waiting on day 10 and seen until day 30: a, b, c, d, now2, late, never; came by then: a, b, c.
    assert (found.n_waiting, found.n_came, found.came_rate) == (7, 3, 3 / 7)
    assert found.mean_second_revenue == 400.0
    assert found.table["customers"].tolist() == [1, 2, 2]
    assert found.table["expected_revenue"].iloc[1] == pytest.approx(2 * 3 / 7 * 400)
    assert found.customers["customer_id"].tolist() == ["now2", "now1"]


def test_without_a_second_purchase_there_are_no_best_days():
    assert second_purchase_window(lines(("a", 3, 10.0)), as_of=AS_OF) is None


def test_who_may_have_bought_before_the_data_begin_is_in_no_wait_and_no_phase(engine):
    rows = []
    # The data begin 400 days ago; a first purchase less than 180 days later may not be the first.
    for customer, first, wait in (("old1", 400, 3), ("old2", 221, 3), ("new1", 220, 20), ("new2", 200, 40)):
        rows += [(customer, first, 50.0), (customer, first - wait, 400.0)]
    rows += [("oldonce", 300, 1.0), ("once", 30, 1.0)]
    found = second_purchase_window(engine(lines(*rows)), as_of=AS_OF, burn_in_days=180)
    assert found is not None
    assert (found.from_day, found.to_day, found.n_second, found.maybe_earlier) == (20, 40, 2, 3)
    assert found.table["customers"].tolist() == [0, 1, 0]
    assert found.customers["customer_id"].tolist() == ["once"]
    assert second_purchase_window(engine(lines(*rows)), as_of=AS_OF, burn_in_days=365) is None


def test_a_burn_in_is_never_negative():
    with pytest.raises(ValueError, match="burn_in_days is -1; give 0 or more"):
        second_purchase_window(lines(("a", 3, 10.0)), as_of=AS_OF, burn_in_days=-1)
