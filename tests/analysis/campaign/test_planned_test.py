"""What a planned test can see, from past windows."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pandas as pd
import pytest

from crmreport.analysis.campaign.money import Costs
from crmreport.analysis.campaign.outcomes import outcomes
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.campaign.planned_test import PastWindow, baseline, past_window, power_of
from crmreport.analysis.campaign.power import customers_for_mean, customers_for_share, mde_mean, mde_share
from crmreport.analysis.ledger import to_pandas
from crmreport.errors import ConfigError, DataError

START = date(2026, 10, 2)


def lines(n: int = 60) -> pd.DataFrame:
    """Purchases and one return of some customers before, in and after the window."""
    rng = np.random.default_rng(5)
    days = pd.Timestamp("2026-07-01") + pd.to_timedelta(rng.integers(0, 130, n), unit="D")
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{i % 17}" for i in range(n)],
            "order_id": [f"o{i}" for i in range(n)],
            "order_date": days,
            "revenue": rng.integers(500, 9000, n).astype(float),
            "is_return": False,
        }
    )
    back = frame.iloc[[3]].assign(revenue=-frame["revenue"].iloc[3], is_return=True)
    return pd.concat([frame, back], ignore_index=True)


def window(eligible: list[str], frame: pd.DataFrame | None = None) -> PastWindow:
    return past_window(lines() if frame is None else frame, eligible, start=START, window_days=30)


EVERY = [f"c{i}" for i in range(20)]


def test_a_past_window_is_counted_as_a_campaign_would_count_it(engine):
    sends = pd.DataFrame({"customer_id": EVERY, "arm": "sent", "sent_date": pd.Timestamp(START)})
    sends = sends.rename(columns={"sent_date": "sent_on"}).assign(sent_on=pd.Timestamp(START))
    plan = CampaignPlan("c", "mail", START, START, window_days=30)
    did = to_pandas(
        outcomes(sends, lines(), plan=plan, as_of=date(2026, 11, 30)).frame, sort_by="customer_id"
    )
    found = past_window(engine(lines()), EVERY, start=START, window_days=30)
    assert (found.start, found.end, found.customers) == (START, date(2026, 10, 31), 20)
    assert found.buyers == did["converted"].sum() > 0
    assert found.mean == pytest.approx(did["revenue"].mean(), rel=1e-12)
    assert found.standard_deviation == pytest.approx(did["revenue"].std(ddof=1), rel=1e-12)
    both = did[["revenue", "revenue_before"]].to_numpy().T
    assert found.correlation == pytest.approx(np.corrcoef(both)[0, 1], rel=1e-9)


def test_only_eligible_customers_count_and_those_without_a_purchase_too():
    found = window(["c1", "never bought"])
    assert found.customers == 2
    assert found.buyers <= 1


def test_nobody_eligible_makes_an_empty_window():
    found = window([])
    assert (found.customers, found.buyers) == (0, 0)
    assert math.isnan(found.conversion)


def past(
    customers: int, buyers: int, mean: float, spread: float, correlation: float = math.nan
) -> PastWindow:
    return PastWindow(START, START, customers, buyers, mean, spread, correlation)


def test_windows_count_by_their_customers():
    base = baseline([past(100, 10, 50, 300, 0.5), past(300, 60, 90, 100, 0.1)])
    assert base.conversion == pytest.approx(70 / 400)
    assert base.mean == pytest.approx(80)
    assert base.standard_deviation == pytest.approx(math.sqrt((300**2 + 3 * 100**2) / 4))
    assert base.variance_reduction == pytest.approx((0.25 + 3 * 0.01) / 4)
    assert base.per_buyer == pytest.approx(80 / (70 / 400))


@pytest.mark.parametrize(
    "windows", [[], [past(1, 1, 5, 0)], [past(50, 0, 0, 0)]], ids=["none", "one", "no buyer"]
)
def test_a_history_without_purchases_is_refused(windows):
    with pytest.raises(DataError, match="nobody who would have been eligible bought anything"):
        baseline(windows)


BASE = baseline([past(10_000, 300, 120, 4000, 0.4)])


def powers(sizes: dict[str, int], *, primary="revenue", send=3.0, fixed=0.0, margin: float | None = 0.6):
    costs = Costs(send=send, fixed=fixed)
    return power_of(BASE, sizes=sizes, control="none", primary=primary, costs=costs, margin_rate=margin)


def test_revenue_is_planned_by_its_spread():
    (arm,) = powers({"mail": 9000, "none": 1000})
    assert arm.mde == pytest.approx(mde_mean(4000, n_treatment=9000, n_control=1000))
    assert arm.mde_adjusted == pytest.approx(arm.mde * math.sqrt(1 - 0.16))
    assert arm.pays == pytest.approx(5.0)
    assert arm.needed == customers_for_mean(4000, 5.0, control_share=0.1)
    assert arm.suffices is False


def test_conversion_is_planned_by_its_base_rate():
    (arm,) = powers({"mail": 9000, "none": 1000}, primary="conversion", send=240)
    assert arm.mde == arm.mde_adjusted == pytest.approx(mde_share(0.03, n_treatment=9000, n_control=1000))
    assert arm.pays == pytest.approx(240 / 0.6 / 4000), "400 of a buyer's 4,000"
    assert arm.needed == customers_for_share(0.03, 0.1, control_share=0.1)
    assert arm.suffices is True


def test_arms_share_the_level_and_the_fixed_cost():
    one, two = powers({"dm": 3000, "mail": 6000, "none": 1000}, fixed=9000)
    assert (one.arm, two.arm, one.alpha) == ("dm", "mail", 0.025)
    assert one.pays == two.pays == pytest.approx((3 + 1) / 0.6)
    assert two.mde == pytest.approx(mde_mean(4000, n_treatment=6000, n_control=1000, alpha=0.025))


def test_without_a_margin_nobody_knows_what_pays():
    (arm,) = powers({"mail": 500, "none": 500}, margin=None)
    assert (arm.pays, arm.needed, arm.suffices) == (None, None, None)


def test_what_costs_nothing_pays_from_nothing_on():
    (arm,) = powers({"mail": 500, "none": 500}, send=0)
    assert (arm.pays, arm.needed, arm.suffices) == (0.0, None, None)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"mail": 5}, "the control 'none' is not an arm"),
        ({"mail": 9, "none": 1}, "arm 'none' has 1 customers"),
    ],
)
def test_arms_that_cannot_be_compared_are_refused(sizes, message):
    with pytest.raises(ConfigError, match=message):
        powers(sizes)
