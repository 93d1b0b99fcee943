from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from crmreport.analysis.cpm import GROUPS, cpm_groups
from crmreport.analysis.ledger import to_pandas
from crmreport.analysis.rfm import rfm_table
from crmreport.errors import ConfigError
from tests.analysis.shops import shop

AS_OF = date(2026, 10, 31)
# Purchases as (days before as_of, revenue) → group, with 90 days, 100 money, 180 days.
CASES = {
    "one purchase, however large": ([(10, 500)], "first_time_active"),
    "one purchase long ago": ([(400, 5)], "first_time_lapsed"),
    "short and low": ([(10, 40), (99, 40)], "toddler_active"),
    "long and low": ([(10, 40), (100, 40)], "steady_active"),
    "short and high": ([(10, 50), (99, 50)], "trendy_active"),
    "long and high, a day to go": ([(179, 50), (269, 50)], "excellent_active"),
    "long and high, on the day": ([(180, 50), (270, 50)], "excellent_lapsed"),
}


@pytest.mark.parametrize(("purchases", "group"), CASES.values(), ids=CASES.keys())
def test_groups(engine, purchases, group):
    lines = pd.DataFrame(
        {
            "customer_id": "a",
            "order_id": [str(i) for i in range(len(purchases))],
            "order_date": [pd.Timestamp(AS_OF) - pd.Timedelta(days=days) for days, _ in purchases],
            "revenue": [float(money) for _, money in purchases],
        }
    )
    found = cpm_groups(rfm_table(engine(lines), as_of=AS_OF), high_value=100)
    assert to_pandas(found.customers)["segment"].tolist() == [group]


def test_parts_add_up(engine):
    table = rfm_table(engine(shop()), as_of=AS_OF)
    found = cpm_groups(table, high_value=200)
    assert found.table["segment"].tolist() == list(GROUPS)
    assert found.table["customers"].sum() == table.n_customers
    assert found.table["revenue_share"].sum() == pytest.approx(1)


def test_refusals():
    with pytest.raises(ConfigError, match="CPM needs the whole history"):
        cpm_groups(rfm_table(shop(), as_of=AS_OF, since=date(2026, 1, 1)), high_value=10)
    with pytest.raises(ConfigError, match="high_value is 0; give a number above 0"):
        cpm_groups(rfm_table(shop(), as_of=AS_OF), high_value=0)
