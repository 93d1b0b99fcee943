"""Complete Journey's campaign 18 by the package: keys as in campaigns.json."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmreport.analysis.campaign import observational
from crmreport.analysis.campaign.ancova import regression_adjusted
from crmreport.analysis.campaign.assignment import assignment
from crmreport.analysis.campaign.design import overlap_by_arm
from crmreport.analysis.campaign.did import difference_in_differences
from crmreport.analysis.campaign.effects import compare_arms
from crmreport.analysis.campaign.metric import Metric
from crmreport.analysis.campaign.overlap import counted_once
from crmreport.analysis.campaign.regression_to_mean import before_after, won_back
from tests.analysis.campaign.golden_blocks import Block, mean_block, of_estimate

EIGHT_WEEKS = ("pre2", "pre", "post"), ("2017-07-10", "2017-09-04", "2017-10-30", "2017-12-25")
# Active in 56 days, dormant (no spending) in the next 28, looked at in the 28 after.
DORMANT = ("base", "before", "after"), ("2017-01-01", "2017-02-26", "2017-03-26", "2017-04-23")


class Journey:
    """The tables, and what households spent in a list of periods."""

    def __init__(self, shared: Path) -> None:
        folder = shared / "data" / "completejourney"
        columns = ["household_id", "basket_id", "transaction_timestamp", "sales_value"]
        self.lines = pd.read_parquet(folder / "transactions.parquet", columns=columns)
        self.sends = pd.read_parquet(folder / "campaigns.parquet")
        self.campaigns = pd.read_parquet(folder / "campaign_descriptions.parquet")
        self.redeemed = pd.read_parquet(folder / "coupon_redemptions.parquet")

    def spend(self, names: tuple[str, ...], starts: tuple[str, ...]) -> pd.DataFrame:
        """One row per household with any purchase; one column per period, from a start to the next one."""
        found = pd.DataFrame(index=pd.Index(np.unique(self.lines["household_id"]), name="household_id"))
        for name, (start, end) in zip(names, pairwise(starts), strict=True):
            days = self.lines["transaction_timestamp"].between(start, end, inclusive="left")
            found[name] = self.lines[days].groupby("household_id")["sales_value"].sum()
        return found.fillna(0.0)

    def reached(self, *campaigns: int) -> pd.Series:
        return self.sends.loc[self.sends["campaign_id"].isin(campaigns), "household_id"]


def campaign_18(shared: Path) -> Block:
    journey = Journey(shared)
    people = journey.spend(*EIGHT_WEEKS)
    people["sent"] = people.index.isin(journey.reached(18)).astype(int)
    t, c = people[people["sent"] == 1], people[people["sent"] == 0]
    used = journey.redeemed.query("campaign_id == 18")["household_id"]
    redeemed = t.index.isin(used)
    return {
        "n_treated": len(t),
        "n_control": len(c),
        "naive_post_difference": mean_block(t["post"], c["post"]),
        "placebo_pre_difference": mean_block(t["pre"], c["pre"]),
        "did_household_changes_welch": mean_block(t["post"] - t["pre"], c["post"] - c["pre"]),
        "did_ols_cluster_household": _did(people),
        "placebo_did_pre_vs_pre2": mean_block(t["pre"] - t["pre2"], c["pre"] - c["pre2"]),
        "ancova_HC2": of_estimate(
            regression_adjusted(people, treated="sent", outcome="post", covariates=["pre", "pre2"]),
            interval=False,
        ),
        "ipw_att_logit_log1p": _weighted(people),
        "redeemers": {"n": int(redeemed.sum()), "rate": float(redeemed.mean())},
        "trap_redeemer_vs_nonredeemer_post": mean_block(t.loc[redeemed, "post"], t.loc[~redeemed, "post"]),
        "trap_redeemer_vs_nonredeemer_pre": mean_block(t.loc[redeemed, "pre"], t.loc[~redeemed, "pre"]),
        "overlap": _overlap(journey, people),
        "double_counting_all_campaigns": _counted(journey),
        "regression_to_mean": _regression(journey),
        "cuped_household_parity_aa": _parity(people, 1.0),
        "cuped_household_parity_plus10pct": _parity(people, 1.1),
    }


def _did(people: pd.DataFrame) -> Block:
    """The effect that the failing placebo withholds: read as the placebo of a campaign one period later."""
    panel = people.reset_index().melt(["household_id", "sent"], ["pre2", "pre", "post"], "period", "revenue")
    panel["period"] = panel["period"].map({"pre2": 0, "pre": 1, "post": 2})
    panel = panel.rename(columns={"household_id": "customer_id", "sent": "treated"})
    found = difference_in_differences(panel.replace({"period": {0: 3}}), start=3)
    assert found.placebo is not None
    return of_estimate(found.placebo, p="p_normal", interval=False)


def _weighted(people: pd.DataFrame) -> Block:
    """The effect that imbalance withholds, the diagnostic switched off."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(observational, "MAX_OUTSIDE", 1.0)
        patch.setattr(observational, "MAX_SMD", float("inf"))
        found = observational.adjusted_effect(
            people.assign(log_pre=np.log1p(people["pre"]), log_pre2=np.log1p(people["pre2"])),
            treated="sent",
            outcome="post",
            covariates=["log_pre", "log_pre2"],
            balance_on=["pre"],
            kind="mean",
            target="treated",
        )
    assert found.weighted is not None
    return {
        "att": found.weighted.difference,
        "ess_control": found.ess_control,
        "smd_pre_before": found.balance["smd_before"].iloc[0],
        "smd_pre_after": found.balance["smd_after"].iloc[0],
    }


def _overlap(journey: Journey, people: pd.DataFrame) -> Block:
    days = journey.campaigns.set_index("campaign_id")
    start, end = days.loc[18, ["start_date", "end_date"]]
    meet = days[(days["start_date"] <= end) & (days["end_date"] >= start)].index
    others = sorted(set(meet.astype(int)) - {18})
    sends = journey.sends.rename(columns={"household_id": "customer_id"})
    everyone = pd.DataFrame({"customer_id": people.index, "arm": people["sent"].map({1: "t", 0: "c"})})
    shares = overlap_by_arm(assignment(everyone), sends[sends["campaign_id"].isin(others)])
    shares = shares.set_index("arm")["share"]
    return {
        "campaigns_overlapping_in_time": others,
        "share_treated_in_other_overlapping": shares["t"],
        "share_control_in_other_overlapping": shares["c"],
    }


def _counted(journey: Journey) -> Block:
    # The day of a basket is that of its earliest line.
    baskets = journey.lines.groupby("basket_id", as_index=False).agg(
        customer_id=("household_id", "first"),
        order_date=("transaction_timestamp", "min"),
        revenue=("sales_value", "sum"),
    )
    baskets["order_date"] = baskets["order_date"].dt.normalize()
    reached = journey.sends.rename(columns={"household_id": "customer_id"})
    found = counted_once(baskets, reached, journey.campaigns)
    return {
        "sum_over_campaigns": found.sum_of_campaigns,
        "union": found.revenue,
        "inflation": found.inflation,
        "total_sales": float(journey.lines["sales_value"].sum()),
    }


def _regression(journey: Journey) -> Block:
    people = journey.spend(*DORMANT)
    active = people[people["base"] > 0].reset_index().rename(columns={"household_id": "customer_id"})
    dates = journey.campaigns
    running = dates.loc[
        (dates["start_date"] < DORMANT[1][-1]) & (dates["end_date"] >= DORMANT[1][1]), "campaign_id"
    ]
    dormant = active[active["before"] == 0].assign(
        sent=lambda t: t["customer_id"].isin(journey.reached(*running)).astype(int),
        back=lambda t: (t["after"] > 0).astype(int),
        band="all",
    )
    cell = won_back(dormant, treated="sent", came_back="back", match_on=["band"]).cells.iloc[0]
    sizes = cell[["n_treated", "n_untreated"]].to_numpy("float64")
    came = cell[["came_back_treated", "came_back_untreated"]].to_numpy("float64")
    deciles = before_after(active, before="before", after="after")
    return {
        "active_base": len(active),
        "dormant": int(sizes.sum()),
        "reactivated": round(float(sizes @ came)),
        "rate": float(sizes @ came / sizes.sum()),
        "dormant_not_in_any_campaign": int(cell["n_untreated"]),
        "rate_not_in_any_campaign": cell["came_back_untreated"],
        "mean_spend_after_of_dormant": before_after(dormant, before="before", after="after").mean_after,
        "top_decile_mean_before": deciles.table["mean_before"].iloc[0],
        "top_decile_mean_after": deciles.table["mean_after"].iloc[0],
        "overall_mean_before": deciles.mean_before,
        "overall_mean_after": deciles.mean_after,
    }


def _parity(people: pd.DataFrame, uplift: float) -> Block:
    """Households of odd numbers against even ones: nothing was done, or ten per cent added."""
    rows = people.assign(arm=np.where(people.index % 2 == 1, "t", "c"))
    rows.loc[rows["arm"] == "t", "post"] *= uplift
    found = compare_arms(rows, metrics=[Metric("post", "mean", covariate="pre")], control="c").of("post")
    assert found.cuped is not None
    assert found.relative is not None
    means = {"mean_t": found.cuped.value_treatment, "mean_c": found.cuped.value_control}
    return {
        "n_t": found.estimate.n_treatment,
        "n_c": found.estimate.n_control,
        "theta": found.cuped.theta,
        "corr": found.cuped.correlation,
        "raw": of_estimate(found.estimate) | {"rel": found.relative.value},
        "cuped": of_estimate(found.cuped.estimate) | means,
        "variance_reduction": found.cuped.variance_reduction,
    }
