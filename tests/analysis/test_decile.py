from __future__ import annotations

import json
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmreport.analysis.decile import decile_table, deciles_of, earlier_deciles
from crmreport.analysis.ledger import to_pandas
from crmreport.analysis.rfm import rfm_table
from crmreport.errors import ConfigError, TooFewError
from tests.analysis.shops import shop

AS_OF = date(2026, 10, 31)


def spenders(amounts: list[float], *, day: str = "2026-10-01") -> pd.DataFrame:
    ids = [f"c{i:03d}" for i in range(len(amounts))]
    return pd.DataFrame(
        {
            "customer_id": ids,
            "order_id": ids,
            "order_date": pd.to_datetime([day] * len(ids)),
            "revenue": amounts,
        }
    ).astype({"revenue": float})


def test_a_hand_computed_table(engine):
    result = decile_table(engine(spenders([100, 90, 80, 70, 60, 50, 40, 30, 20, 10, 5, 5])), as_of=AS_OF)
    table = result.table
    assert table["customers"].tolist() == [2, 2, 1, 1, 1, 1, 1, 1, 1, 1]
    assert table["revenue"].tolist() == [190, 150, 60, 50, 40, 30, 20, 10, 5, 5]
    assert table["min_revenue"].tolist() == [90, 70, 60, 50, 40, 30, 20, 10, 5, 5]
    assert table["max_revenue"].tolist() == [100, 80, 60, 50, 40, 30, 20, 10, 5, 5]
    assert table["revenue_share"].tolist() == pytest.approx([r / 560 for r in table["revenue"]])
    assert table["cumulative_share"].iloc[-1] == 1
    assert result.top_20_share == pytest.approx(340 / 560)
    assert result.ties.values.tolist() == [[9, 5, 2]]
    # Gini of 5 5 10 20 … 100: (2 Σ i·x − (n + 1) Σ x) ÷ (n Σ x), i from the least.
    amounts = [5, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
    weighted = sum(i * x for i, x in enumerate(amounts, 1))
    assert result.gini == pytest.approx((2 * weighted - 13 * 560) / (12 * 560))


SIZES = {
    "10: one each": (10, [1] * 10),
    "13: the first three get one more": (13, [2, 2, 2, 1, 1, 1, 1, 1, 1, 1]),
    "19": (19, [2] * 9 + [1]),
    "20: two each": (20, [2] * 10),
}


@pytest.mark.parametrize(("n", "sizes"), SIZES.values(), ids=SIZES.keys())
def test_head_counts(engine, n, sizes):
    assert (
        decile_table(engine(spenders(list(range(1, n + 1)))), as_of=AS_OF).table["customers"].tolist()
        == sizes
    )


def test_all_tie(engine):
    result = decile_table(engine(spenders([7.0] * 20)), as_of=AS_OF)
    assert result.gini == 0
    assert result.ties["after_decile"].tolist() == list(range(1, 10))
    assert result.ties["customers"].tolist() == [20] * 9
    assert to_pandas(result.members(1), sort_by="customer_id")["customer_id"].tolist() == ["c000", "c001"]


def test_of_equal_amounts_the_smaller_id_is_in_the_better_decile(engine):
    once = spenders([10.0] * 10)
    # The later ids spend the same in two purchases, and later: neither moves them up.
    often = spenders([5.0] * 10, day="2026-10-30").assign(
        customer_id=[f"d{i:03d}" for i in range(10)], order_id=[f"d{i:03d}" for i in range(10)]
    )
    again = often.assign(order_id="x" + often["order_id"], order_date=pd.Timestamp("2026-10-31"))
    result = decile_table(engine(pd.concat([again, often, once])), as_of=AS_OF)
    ranked = to_pandas(result.members(), sort_by=["decile", "customer_id"])["customer_id"].tolist()
    assert ranked == sorted(ranked)


def test_lapsed_are_those_from_the_day_on(engine):
    frame = pd.concat([spenders([100] * 5 + [50] * 5), spenders([9] * 10, day="2026-05-04").assign(
        customer_id=[f"d{i}" for i in range(10)], order_id=[f"d{i}" for i in range(10)])])  # fmt: skip
    earlier = decile_table(engine(frame), as_of=AS_OF, lapsed_days=181)
    assert earlier.table["lapsed_customers"].sum() == 0
    reached = decile_table(engine(frame), as_of=AS_OF, lapsed_days=180)
    assert reached.table["lapsed_customers"].tolist() == [0] * 5 + [2] * 5
    assert reached.table["lapsed_share"].tolist() == [0] * 5 + [1] * 5
    assert reached.table["active_customers"].tolist() == [2] * 5 + [0] * 5
    assert reached.table["lapsed_revenue"].sum() == 90
    assert reached.table["active_revenue"].sum() == 750
    assert to_pandas(reached.members(10, lapsed=True))["recency_days"].tolist() == [180, 180]
    assert len(to_pandas(reached.members(lapsed=False))) == 10


def test_net_revenue_of_zero_or_less_is_counted_apart(engine):
    lines = spenders(list(range(1, 11)))
    more = pd.DataFrame(
        [("z", "1", "2026-10-01", 5.0), ("z", "2", "2026-10-02", -9.0)],
        columns=["customer_id", "order_id", "order_date", "revenue"],
    ).assign(order_date=lambda f: pd.to_datetime(f["order_date"]))
    result = decile_table(engine(pd.concat([lines, more])), as_of=AS_OF)
    assert (result.n_customers, result.n_not_positive, result.not_positive_revenue) == (10, 1, -4.0)
    assert result.revenue == 55


def test_engines_agree(engine):
    reference = decile_table(shop(), as_of=AS_OF, lapsed_days=90)
    found = decile_table(engine(shop()), as_of=AS_OF, lapsed_days=90)
    pd.testing.assert_frame_equal(found.table, reference.table, check_dtype=False)
    pd.testing.assert_frame_equal(found.lorenz, reference.lorenz)
    assert found.gini == pytest.approx(reference.gini)
    assert found.left_out == reference.left_out


def test_of_a_table_already_made(engine):
    table = rfm_table(engine(shop()), as_of=AS_OF)
    pd.testing.assert_frame_equal(deciles_of(table).table, decile_table(engine(shop()), as_of=AS_OF).table)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(amounts=st.lists(st.integers(1, 200), min_size=10, max_size=60), factor=st.floats(1e-3, 1e4))
def test_parts_add_up_and_money_scales(amounts, factor):
    frame = spenders([a / 4 for a in amounts])
    result = decile_table(frame, as_of=AS_OF)
    table = result.table
    assert table["customers"].sum() == len(amounts)
    assert table["customers"].max() - table["customers"].min() <= 1
    assert table["revenue"].sum() == pytest.approx(sum(amounts) / 4)
    assert (table["min_revenue"].to_numpy()[:-1] >= table["max_revenue"].to_numpy()[1:]).all()
    assert (np.diff(result.lorenz["revenue_share"]) >= -1e-12).all()
    assert 0 <= result.gini < 1
    scaled = frame.sample(frac=1, random_state=1).assign(revenue=lambda f: f["revenue"] * factor)
    other = decile_table(scaled, as_of=AS_OF)
    members = (to_pandas(one.members(), sort_by="customer_id")["decile"].tolist() for one in (result, other))
    assert next(members) == next(members)
    assert other.gini == pytest.approx(result.gini, abs=1e-9)


def test_earlier_window(engine):
    frame = engine(shop())
    assert earlier_deciles(frame, as_of=date(2025, 10, 31), since=date(2024, 11, 1)) is not None
    assert earlier_deciles(frame, as_of=date(2025, 9, 30), since=date(2024, 10, 1)) is None
    # The data begin on 2024-11-03: within the window's first week, and a day after it.
    assert earlier_deciles(frame, as_of=date(2025, 10, 31), since=date(2024, 10, 28)) is not None
    assert earlier_deciles(frame, as_of=date(2025, 10, 31), since=date(2024, 10, 27)) is None
    assert earlier_deciles(engine(spenders([1, 2])), as_of=AS_OF, since=date(2026, 10, 1)) is None


def test_refusals(engine):
    with pytest.raises(
        TooFewError, match="too few paying customers: 9 found, 10 or more needed; look at a longer window"
    ):
        decile_table(engine(spenders([1.0] * 9)), as_of=AS_OF)
    with pytest.raises(ConfigError, match="lapsed_days is -1"):
        decile_table(engine(spenders([1.0] * 10)), as_of=AS_OF, lapsed_days=-1)


def _online_retail(data) -> pd.DataFrame:
    lines = pd.read_parquet(data / "online_retail" / "online_retail.parquet")
    lines = lines.assign(
        revenue=lines["Quantity"] * lines["UnitPrice"], order_id=lines["InvoiceNo"].astype("str")
    )
    sold = lines["CustomerID"].notna() & ~lines["order_id"].str.startswith("C") & (lines["revenue"] > 0)
    lines = lines[sold & (lines["Quantity"] > 0)]
    return lines.assign(
        customer_id=lines["CustomerID"].astype(int).astype("str"),
        order_date=lines["InvoiceDate"].dt.normalize(),
    )


def _completejourney(data) -> pd.DataFrame:
    lines = pd.read_parquet(
        data / "completejourney" / "transactions.parquet",
        columns=["household_id", "basket_id", "sales_value", "transaction_timestamp"],
    )
    shop_time = (
        lines["transaction_timestamp"].dt.tz_localize("UTC").dt.tz_convert(ZoneInfo("America/New_York"))
    )
    return lines.assign(
        customer_id=lines["household_id"].astype("str").str.zfill(6),
        order_id=lines["basket_id"].astype("str"),
        order_date=shop_time.dt.tz_localize(None).dt.normalize(),
        revenue=lines["sales_value"],
    )


def _rfm_r(data) -> pd.DataFrame:
    lines = pd.read_parquet(data / "rfm_r" / "rfm_data_orders.parquet")
    return lines.assign(
        order_id=[str(i) for i in range(len(lines))],
        order_date=pd.to_datetime(lines["order_date"]),
        revenue=lines["revenue"].astype(float),
    )


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "fact", "read", "as_of"),
    [
        ("online_retail", "or_sales.decile_table", _online_retail, date(2011, 12, 9)),
        ("completejourney", "cj.decile_table", _completejourney, date(2017, 12, 31)),
        ("rfm_r", "rfo.decile_table", _rfm_r, date(2006, 12, 31)),
    ],
    ids=["online_retail", "completejourney", "rfm_r"],
)
def test_golden_deciles(engine, shared_data, name, fact, read, as_of):
    facts = json.loads((shared_data / "golden" / "customers.json").read_text())[name]["facts"]
    golden = pd.DataFrame(next(f["result"] for f in facts if f["id"] == fact))
    lines = read(shared_data / "data")[["customer_id", "order_id", "order_date", "revenue"]]
    table = decile_table(engine(lines.reset_index(drop=True)), as_of=as_of).table
    assert table["customers"].tolist() == golden["customers"].tolist()
    assert table["revenue"].tolist() == pytest.approx(golden["sales"].tolist(), abs=0.0051)
    assert table["revenue_share"].tolist() == pytest.approx(golden["share"].tolist(), abs=1e-6)
    assert table["cumulative_share"].tolist() == pytest.approx(golden["cum_share"].tolist(), abs=1e-6)
