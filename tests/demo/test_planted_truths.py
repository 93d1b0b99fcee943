"""Each truth of docs/demo.md, found in the written files by plain pandas."""

from __future__ import annotations

import pandas as pd
import pytest

from crmreport.analysis.attributes import REGIONS
from tests.demo.delivery import AS_OF, Delivery

THIS_YEAR = ("2025-11-01", "2026-10-31")
LAST_YEAR = ("2024-11-01", "2025-10-31")


def top_decile(delivery: Delivery) -> tuple[pd.Series, pd.Series]:
    """Net sales per buyer of the last twelve months, and those of the first tenth."""
    year = delivery.between(*THIS_YEAR)
    year = year[year["member"] != ""]
    buyers = year.loc[year["amount"] > 0, "member"].unique()
    spent = year.groupby("member")["amount"].sum()[buyers].sort_values(ascending=False)
    return spent, spent.iloc[: -(-len(spent) // 10)]


def recency(delivery: Delivery) -> pd.Series:
    return (AS_OF - delivery.sold.groupby("member")["day"].max()).dt.days


@pytest.mark.parametrize("size", ["delivery", "small_delivery"])
def test_a_sixth_of_the_top_decile_has_lapsed(size: str, request: pytest.FixtureRequest):
    delivery = request.getfixturevalue(size)
    _, top = top_decile(delivery)
    assert (recency(delivery)[top.index] > 180).mean() == pytest.approx(1 / 6, abs=0.015)


def test_the_top_decile_has_half_of_the_members_sales(delivery: Delivery):
    spent, top = top_decile(delivery)
    assert 0.45 <= top.sum() / spent.sum() <= 0.55


@pytest.mark.parametrize("size", ["delivery", "small_delivery"])
def test_the_trial_set_brings_more_second_purchases_within_90_days(size: str, request: pytest.FixtureRequest):
    delivery = request.getfixturevalue(size)
    sold = delivery.sold
    days = sold.drop_duplicates(["member", "day"]).sort_values(["member", "day"])
    nth = days.groupby("member").cumcount()
    first = days[nth == 0].set_index("member")["day"]
    second = days[nth == 1].set_index("member")["day"].reindex(first.index)
    joined = pd.to_datetime(delivery.members["入会日"]).reindex(first.index)
    eligible = first.index[(first <= AS_OF - pd.Timedelta(days=90)) & (joined >= "2023-11-01")]
    converted = ((second - first).dt.days <= 90)[eligible]
    baskets = sold[sold["day"].eq(sold["member"].map(first))]
    entry = baskets.loc[baskets["name"] == "はじめてのトライアルセット", "member"].unique()
    by_entry = converted.groupby(converted.index.isin(entry)).mean()
    assert by_entry[True] > by_entry[False] + 0.15
    scented = baskets.loc[baskets["name"] == "香りのトライアルセット", "member"].unique()
    if size == "delivery":  # the other trial set is nothing special
        assert converted[converted.index.isin(scented)].mean() == pytest.approx(by_entry[False], abs=0.05)


def test_tohoku_slips_while_every_other_region_grows(delivery: Delivery):
    regions = {prefecture: region for region, inside in REGIONS.items() for prefecture in inside}
    region = delivery.members["都道府県"].map(regions)

    def sales(first: str, last: str) -> pd.Series:
        lines = delivery.between(first, last)
        return lines.groupby(lines["member"].map(region))["amount"].sum()

    change = sales(*THIS_YEAR) / sales(*LAST_YEAR) - 1
    assert len(change) == 8
    assert -0.32 <= change["tohoku"] <= -0.25
    assert change.drop("tohoku").between(0.02, 0.15).all()


def _cells(lines: pd.DataFrame) -> pd.DataFrame:
    lines = lines[lines["scent"] != ""]
    days = lines.groupby(["medium", "scent", "member"])["day"].nunique()
    cells = days.groupby(["medium", "scent"]).agg(customers="size", repeat=lambda d: (d >= 2).mean())
    cells["revenue"] = lines.groupby(["medium", "scent"])["amount"].sum()
    total = lines["amount"].sum()
    in_medium = cells["revenue"] / cells.groupby("medium")["revenue"].transform("sum")
    overall = lines.groupby("scent")["amount"].sum() / total
    cells["lift"] = in_medium / cells.index.get_level_values("scent").map(overall)
    return cells


def test_osmanthus_serum_is_the_cell_to_push(delivery: Delivery):
    sold = delivery.sold
    now = _cells(sold[sold["day"].between(*THIS_YEAR)])
    before = _cells(sold[sold["day"].between(*LAST_YEAR)])
    growth = now["revenue"] / before["revenue"] - 1
    cell = ("美容液", "金木犀")
    assert now.loc[cell, "lift"] > 2
    assert growth[cell] > 0.6
    assert growth[now["customers"] >= 100].idxmax() == cell


def test_musk_body_cream_is_the_cell_to_fix(delivery: Delivery):
    sold = delivery.sold
    cells = _cells(sold[sold["day"].between(*THIS_YEAR)])
    cells = cells[cells["customers"] >= 30]
    cell = ("ボディクリーム", "ムスク")
    assert cells.loc[cell, "repeat"] < 0.5 * cells["repeat"].mean()
    assert cells["repeat"].idxmin() == cell
    others = cells.drop(cell).query("medium == 'ボディクリーム'")
    assert others["repeat"].min() > cells.loc[cell, "repeat"] + 0.1


def test_guests_have_a_twelfth_of_the_sales(delivery: Delivery):
    year = delivery.between(*THIS_YEAR)
    share = year.loc[year["member"] == "", "amount"].sum() / year["amount"].sum()
    assert share == pytest.approx(1 / 12, abs=0.01)
    assert set(year.loc[year["member"] == "", "channel"]) == {"店舗"}


def test_platinum_members_have_slipped(delivery: Delivery):
    rank = delivery.members["会員ランク"]
    platinum = recency(delivery).reindex(rank.index[rank == "プラチナ"])
    assert len(platinum) > 400
    assert 0.2 <= (platinum >= 180).mean() <= 0.4
    days = delivery.sold.drop_duplicates(["member", "day"]).sort_values(["member", "day"])
    days = days[days["member"].isin(platinum.index)]
    assert days.groupby("member")["day"].diff().dt.days.median() < 30


def test_one_store_is_missing_for_one_month(delivery: Delivery):
    lines = delivery.lines[delivery.lines["channel"] == "店舗"]
    lines = lines[lines["store"].str.startswith("1")]
    counts = pd.crosstab(lines["store"], lines["day"].dt.strftime("%Y-%m"))
    empty = counts.stack().loc[lambda count: count.eq(0)]
    assert list(empty.index) == [("103", "2026-06")]
    assert counts.loc[["103"]].drop(columns="2026-06").to_numpy().min() > 150


def test_refill_buyers_come_back_more_often(delivery: Delivery):
    sold = delivery.sold
    before = sold[sold["day"].between(*LAST_YEAR)]
    before = before.assign(is_refill=before["kind"] == "詰め替え")
    habits = before.groupby("member").agg(days=("day", "nunique"), refill=("is_refill", "any"))
    again = habits.index.isin(sold.loc[sold["day"].between(*THIS_YEAR), "member"])
    back = pd.Series(again, habits.index)
    overall = back.groupby(habits["refill"]).mean()
    assert overall[True] > overall[False] + 0.1
    # Refill buyers buy more often anyway: it holds at equal numbers of purchases, too.
    matched = back.groupby([habits["days"].clip(upper=6), habits["refill"]]).mean().unstack()
    assert (matched[True] - matched[False]).loc[2:].mean() > 0.02
