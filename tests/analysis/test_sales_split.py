from __future__ import annotations

import pandas as pd
import pytest

from crmreport.analysis.sales import sales_totals
from crmreport.analysis.sales_lines import sales_lines
from crmreport.analysis.sales_split import new_and_repeat, sales_by, sales_by_membership
from crmreport.errors import DataError
from tests.analysis.october import AS_OF, LINES, OCTOBER, UNFINISHED, order_lines


def test_new_repeat_and_guest_parts_sum_to_revenue(engine):
    split = new_and_repeat(sales_lines(engine(LINES), as_of=AS_OF), period=OCTOBER)
    table = split.table.set_index("order_kind")
    assert table["revenue"].to_dict() == pytest.approx({"new": 60, "repeat": 65, "guest": 15})
    assert table["revenue_share"].sum() == pytest.approx(1)
    assert table["orders"].to_dict() == {"new": 1, "repeat": 3, "guest": 1}


RETURNS = {
    "part of the first order, the next month": ("f", {"new": -10, "repeat": 70}),
    "part of a later order": ("g", {"new": 0, "repeat": 60}),
    "linked to no order: repeat, as nothing says otherwise": (None, {"new": 0, "repeat": 60}),
}


@pytest.mark.parametrize(("returned", "october"), RETURNS.values(), ids=RETURNS)
def test_a_return_lowers_the_revenue_of_the_purchase_it_belongs_to(engine, returned, october):
    lines = order_lines(
        ("a", "f", "2026-09-10", 100.0, "ec", False),
        ("a", "g", "2026-10-05", 70.0, "ec", False),
        ("b", "h", "2026-10-06", 30.0, "ec", False),
        ("b", "h", "2026-10-06", -30.0, "ec", True),
        ("a", "r", "2026-10-20", -10.0, "ec", True),
    ).assign(returned_order_id=pd.Series([None, None, None, "h", returned], dtype="str"))
    kinds = new_and_repeat(sales_lines(engine(lines), as_of=AS_OF), period=OCTOBER).table.set_index(
        "order_kind"
    )
    assert kinds["revenue"].reindex(["new", "repeat"]).fillna(0).to_dict() == pytest.approx(october)
    (t,) = sales_totals(sales_lines(engine(lines), as_of=AS_OF), periods=[OCTOBER])
    assert (t.first_revenue, t.repeat_revenue) == pytest.approx((october["new"], october["repeat"]))
    assert (t.buyers, t.new_customers) == (1, 0)


def test_channels_with_a_row_for_unknown(engine):
    table = sales_by(
        sales_lines(engine(LINES), as_of=AS_OF, keep=["channel"]), by="channel", period=OCTOBER
    ).table.set_index("channel")
    assert table["revenue"].to_dict() == pytest.approx({"store": 80, "ec": 45, "unknown": 15})
    assert table.loc["ec", "change_previous"] == pytest.approx(45 / 80 - 1)
    assert table.loc["ec", "change_year_ago"] != table.loc["ec", "change_year_ago"]


def test_channels_of_a_period_the_data_do_not_finish_are_compared_with_nothing():
    channels = sales_by(
        sales_lines(UNFINISHED, as_of=AS_OF, keep=["channel"]), by="channel", period=OCTOBER
    ).table
    assert channels[["revenue", "revenue_previous", "revenue_year_ago"]].values.tolist() == [[15, 30, 31]]
    assert channels[["change_previous", "change_year_ago"]].isna().all(axis=None)


def test_membership(engine):
    customers = pd.DataFrame({"customer_id": ["a", "b"], "is_member": [True, False]})
    split = sales_by_membership(sales_lines(engine(LINES), as_of=AS_OF), engine(customers), period=OCTOBER)
    assert split.table.set_index("membership")["revenue"].to_dict() == pytest.approx(
        {"member": 60, "non_member": -25, "unknown": 90, "guest": 15}
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(
            lambda: sales_by(sales_lines(LINES, as_of=AS_OF, keep=["shop"]), by="shop", period=OCTOBER),
            "no column 'shop'",
            id="cut by a column that is not there",
        ),
        pytest.param(
            lambda: sales_by(sales_lines(LINES, as_of=AS_OF), by="channel", period=OCTOBER),
            "without 'channel'; name it in keep",
            id="cut by a column that was not kept",
        ),
        pytest.param(
            lambda: sales_by_membership(
                sales_lines(LINES, as_of=AS_OF), pd.DataFrame({"customer_id": ["a"]}), period=OCTOBER
            ),
            "customers have no is_member",
            id="membership without the flag",
        ),
    ],
)
def test_refusals(call, message):
    with pytest.raises(DataError, match=message):
        call()
