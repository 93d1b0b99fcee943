"""Life-cycle states, the flows between them, churn and win-back."""

from datetime import date, timedelta

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given, settings

from crmreport.analysis.ledger import to_pandas
from crmreport.analysis.lifecycle import (
    STATES,
    Thresholds,
    lifecycle_flows,
    lifecycle_states,
    lifecycle_thresholds,
)
from crmreport.analysis.purchase_gaps import purchase_gaps
from crmreport.errors import ConfigError

AS_OF = date(2026, 12, 31)
DAYS = Thresholds(30, 60, 90)


def lines(*rows: tuple[str, int] | tuple[str, int, float]) -> pd.DataFrame:
    """Order lines from (customer, days before as_of[, revenue])."""
    return pd.DataFrame(
        {
            "customer_id": [row[0] for row in rows],
            "order_id": [f"o{number}" for number in range(len(rows))],
            "order_date": pd.to_datetime([AS_OF - timedelta(days=row[1]) for row in rows]),
            "revenue": [float(row[2]) if len(row) > 2 else 100.0 for row in rows],
            "is_return": [len(row) > 2 and row[2] < 0 for row in rows],
        }
    )


def flows_since(frame, start: date):
    states = lifecycle_states(frame, as_of=AS_OF, thresholds=DAYS)
    return lifecycle_flows(frame, start=start, states=states)


def state_of(frame, **options) -> dict[str, str]:
    states = lifecycle_states(frame, as_of=AS_OF, thresholds=DAYS, **options)
    customers = to_pandas(states.customers, sort_by="customer_id")
    return dict(zip(customers["customer_id"], customers["state"], strict=True))


CASES = {
    "bought today for the first time: new": ([("a", 0)], "new"),
    "bought yesterday for the second time: active": ([("a", 1), ("a", 200)], "active"),
    "two orders today are one purchase: new": ([("a", 0), ("a", 0)], "new"),
    "a day before the threshold: still new": ([("a", 29)], "new"),
    "on the threshold: slipping": ([("a", 30)], "slipping"),
    "a day before dormant: slipping": ([("a", 59), ("a", 300)], "slipping"),
    "on the dormant threshold: dormant": ([("a", 60), ("a", 300)], "dormant"),
    "on the lapsed threshold: lapsed": ([("a", 90), ("a", 91)], "lapsed"),
}


def at_end(flows) -> pd.Series:
    """Customers per state at the end of the flows."""
    return flows.table.groupby("to_state")["customers"].sum().reindex(list(STATES), fill_value=0)


@pytest.mark.parametrize(("rows", "expected"), CASES.values(), ids=CASES)
def test_state(engine, rows, expected):
    assert state_of(engine(lines(*rows))) == {"a": expected}


def test_a_fully_returned_order_keeps_nobody_active():
    frame = lines(("a", 100), ("a", 3, 50.0), ("a", 2, -50.0))
    frame.loc[2, "order_id"] = frame.loc[1, "order_id"]
    assert state_of(frame) == {"a": "lapsed"}


def test_state_table_by_hand(engine):
    frame = lines(("a", 1, 300), ("a", 40, 200), ("b", 2, 100), ("c", 95, 400), (None, 1, 999))
    states = lifecycle_states(
        engine(frame), as_of=AS_OF, thresholds=DAYS, value_since=AS_OF - timedelta(days=50)
    )
    table = states.table.set_index("state")
    assert table["customers"].to_dict() == {"new": 1, "active": 1, "slipping": 0, "dormant": 0, "lapsed": 1}
    assert table["revenue"].to_dict() == {
        "new": 100.0,
        "active": 500.0,
        "slipping": 0.0,
        "dormant": 0.0,
        "lapsed": 0.0,
    }
    assert table.loc["new", "share"] == pytest.approx(1 / 3)
    assert table.loc["active", "revenue_share"] == pytest.approx(5 / 6)
    assert pd.isna(table.loc["dormant", "revenue_per_customer"])
    assert table["one_time"].sum() == 2


def test_flows_by_hand(engine):
    # Days before as_of; the start is 60 days before, so "65" was 5 days before the start.
    frame = lines(
        ("churned", 65),  # new at the start; 65 days late at the end: dormant, not yet lapsed
        ("gone", 89), ("gone", 120),  # active at the start, 89 days late: dormant
        ("stayed", 65), ("stayed", 10), ("stayed", 200),  # active both times
        ("slid", 100),  # slipping at the start, lapsed at the end
        ("won", 155), ("won", 5),  # lapsed at the start, bought since
        ("lost", 300),  # lapsed both times
        ("fresh", 7),  # not yet a customer at the start
    )  # fmt: skip
    flows = flows_since(engine(frame), AS_OF - timedelta(days=60))
    moved = flows.table[flows.table["customers"] > 0]
    assert moved[["from_state", "to_state", "customers"]].to_numpy().tolist() == [
        ["none", "new", 1],
        ["new", "dormant", 1],
        ["active", "active", 1],
        ["active", "dormant", 1],
        ["slipping", "lapsed", 1],
        ["lapsed", "active", 1],
        ["lapsed", "lapsed", 1],
    ]
    assert (flows.n_present_start, flows.n_newly_lapsed, flows.lapse_rate) == (4, 1, 0.25)
    assert (flows.n_lapsed_start, flows.n_won_back, flows.win_back_rate) == (2, 1, 0.5)
    # 60 days and 29 before the start make 89: nobody active then can be 90 days late now.
    assert flows.churn_rate is None


def test_churn_when_it_can_be_seen():
    frame = lines(("gone", 105), ("gone", 130), ("stayed", 105), ("stayed", 1))
    flows = flows_since(frame, AS_OF - timedelta(days=100))
    assert (flows.n_active_start, flows.n_churned, flows.churn_rate) == (2, 1, 0.5)


def test_who_came_back_and_lapsed_again_was_won_back():
    frame = lines(("a", 500), ("a", 100))
    flows = flows_since(frame, AS_OF - timedelta(days=365))
    assert (flows.n_won_back, at_end(flows)["lapsed"]) == (1, 1)


def test_rates_without_a_denominator_are_blank():
    flows = flows_since(lines(("a", 1)), AS_OF - timedelta(days=365))
    assert (flows.churn_rate, flows.lapse_rate, flows.win_back_rate) == (None, None, None)
    assert flows.table.loc[flows.table["from_state"] == "lapsed", "share_of_from"].isna().all()


rows_of = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 400)), min_size=1, max_size=25)


@settings(max_examples=6, deadline=None)
@given(rows_of, st.randoms(use_true_random=False), st.integers(1, 300))
def test_everyone_in_one_state_rows_in_any_order_and_flows_add_up(rows, random, days):
    frame = lines(*rows)
    shuffled = list(range(len(frame)))
    random.shuffle(shuffled)
    assert state_of(frame) == state_of(frame.iloc[shuffled].reset_index(drop=True))

    start = AS_OF - timedelta(days=days)
    flows = flows_since(frame, start)
    now = lifecycle_states(frame, as_of=AS_OF, thresholds=DAYS)
    then = lifecycle_states(frame, as_of=start, thresholds=DAYS)
    assert now.n_customers == frame["customer_id"].nunique()
    assert at_end(flows).tolist() == now.table["customers"].tolist()
    assert flows.at_start().tolist() == then.table["customers"].tolist()
    shares = flows.table.groupby("from_state")["share_of_from"].sum(min_count=1).dropna()
    assert shares.tolist() == pytest.approx([1.0] * len(shares))


def test_thresholds_come_from_the_gaps():
    gaps = purchase_gaps(lines(*[("a", sum(range(k + 1))) for k in range(21)]), as_of=AS_OF)
    found = lifecycle_thresholds(gaps)
    assert (found.slipping_days, found.dormant_days, found.lapsed_days) == (16, 18, 19)
    assert (len(found.from_gaps), found.n_gaps) == (3, 20)


def test_the_clients_own_threshold_wins():
    gaps = purchase_gaps(lines(("a", 0), ("a", 20)), as_of=AS_OF)
    found = lifecycle_thresholds(gaps, dormant_days=90, lapsed_days=180)
    assert (found.slipping_days, found.from_gaps) == (20, ("slipping_days",))


def test_all_thresholds_given_need_no_gap():
    gaps = purchase_gaps(lines(("a", 0)), as_of=AS_OF)
    assert lifecycle_thresholds(gaps, slipping_days=1, dormant_days=2, lapsed_days=3).n_gaps is None


def test_two_orders_on_a_day_make_no_threshold_of_zero():
    gaps = purchase_gaps(lines(("a", 0), ("a", 0)), as_of=AS_OF, unit="order")
    assert lifecycle_thresholds(gaps).slipping_days == 1


def test_thresholds_must_rise():
    with pytest.raises(ConfigError, match="90 / 60 / 180 days do not rise"):
        Thresholds(90, 60, 180)


def test_thresholds_of_the_client_need_no_gaps():
    given = {"slipping_days": 30, "dormant_days": 60, "lapsed_days": 90}
    assert lifecycle_thresholds(None, **given) == lifecycle_thresholds(
        purchase_gaps(lines(("a", 1)), as_of=AS_OF), **given
    )
    with pytest.raises(ValueError, match="dormant_days is not given"):
        lifecycle_thresholds(None, **(given | {"dormant_days": None}))


def test_start_must_come_first():
    with pytest.raises(ValueError, match="is not before as_of"):
        flows_since(lines(("a", 1)), AS_OF)


def test_states_in_order():
    assert STATES == ("new", "active", "slipping", "dormant", "lapsed")
