"""The programme: what is in the table, what is in the total, what is carried on."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmreport.analysis.campaign.campaign_programme import campaign_programme
from crmreport.analysis.campaign.money import Costs
from tests.analysis.campaign.programmes import (
    PERIOD,
    evaluated,
    orders,
    plan,
    programme_of,
    sends_of,
)

EARNS = evaluated(plan("earns", "2026-08-03"), 10.0, verdict="roll_out", reason="profit_likely")
LOSES = evaluated(plan("loses", "2026-08-10"), 0.1, 0.2, verdict="stop", reason="profit_unlikely")
UNSURE = evaluated(plan("unsure", "2026-09-01"), 2.5, 1.0)
BLIND = evaluated(plan("blind", "2026-09-15"))
RUNS = evaluated(plan("runs", "2026-10-25"), 9.0, running=True, reason="still_running")
ALL = (EARNS, LOSES, UNSURE, BLIND, RUNS)


def test_by_hand():
    # 1,000 customers each, 1 a send, margin .5.
    found = programme_of(ALL)
    table = found.table.set_index("campaign_id")
    assert list(table.index) == ["earns", "loses", "unsure", "blind", "runs"]
    assert table["outcome"].to_dict() == {
        "earns": "earning", "loses": "losing", "unsure": "unclear", "blind": "untested", "runs": "running",
    }  # fmt: skip
    assert table.loc["earns", "profit"] == pytest.approx(10 * 1000 * 0.5 - 1000)
    assert table.loc["earns", "profit_upper"] == pytest.approx((10 + 1.959964) * 500 - 1000)
    assert table[["customers", "held_out"]].to_numpy().tolist() == [[1000, 1000]] * 5
    assert table.loc["earns", "window_end"] == date(2026, 8, 16)
    assert table.loc["runs", "window_end"] == PERIOD.as_of
    assert table.loc[["blind", "runs"], "profit"].isna().all()
    # Shrinking draws the best down and the worst up.
    assert table.loc["earns", "shrunk_profit"] < table.loc["earns", "profit"]
    assert table.loc["loses", "shrunk_profit"] > table.loc["loses", "profit"]


def test_groups_add_up_to_the_total():
    found = programme_of(ALL)
    groups = {row.pop("outcome"): row for row in found.groups.to_dict("records")}
    assert list(groups) == ["earning", "unclear", "losing", "untested", "total", "running"]
    parts, total = [groups[name] for name in list(groups)[:4]], groups["total"]
    assert total["campaigns"] == sum(part["campaigns"] for part in parts) == 4
    assert total["cost"] == sum(part["cost"] for part in parts) == 4000
    assert sum(part["cost_share"] for part in parts) == pytest.approx(1)
    assert total["margin"] == pytest.approx(sum(part["margin"] for part in parts[:3]))
    assert total["profit"] == pytest.approx(sum(part["profit"] for part in parts[:3]) - parts[3]["cost"])
    assert math.isnan(groups["untested"]["profit"])
    assert math.isnan(groups["running"]["cost_share"])


def test_the_order_of_campaigns_is_irrelevant():
    first = programme_of(ALL, sends=sends_of([e.plan for e in ALL]))
    for order in itertools.islice(itertools.permutations(ALL), 0, 120, 49):
        found = programme_of(order, sends=sends_of([e.plan for e in order]))
        pd.testing.assert_frame_equal(found.table, first.table)
        pd.testing.assert_frame_equal(found.groups, first.groups)
        assert found.total.profit == first.total.profit


def test_a_campaign_without_an_effect_adds_its_cost_only():
    without, found = programme_of([EARNS, UNSURE]), programme_of([EARNS, UNSURE, BLIND])
    assert found.total.cost == without.total.cost + 1000
    assert found.total.profit == pytest.approx(without.total.profit - 1000)
    assert found.total.revenue == pytest.approx(without.total.revenue)
    same = [name for name in found.table if name.startswith("shrunk")]
    pd.testing.assert_frame_equal(found.table[same].head(2), without.table[same])


def test_a_campaign_that_runs_adds_nothing_yet():
    without, found = programme_of([EARNS, UNSURE]), programme_of([EARNS, UNSURE, RUNS])
    assert (found.total.cost, found.total.profit) == (without.total.cost, without.total.profit)


def test_a_campaign_that_runs_without_a_control_will_never_be_judged():
    blind = evaluated(plan("blind", "2026-10-25"), running=True, verdict="cannot_say", reason="no_comparison")
    found = programme_of([EARNS, blind])
    assert found.table["outcome"].tolist() == ["earning", "untested"]
    assert found.total.cost == 2000


def test_campaigns_of_different_margins_are_added_in_margin():
    other = evaluated(plan("other", margin_rate=0.2, costs=Costs(fixed=100.0)), 10.0)
    found = programme_of([EARNS, other]).table.set_index("campaign_id")
    assert found.loc["other", "profit"] == pytest.approx(10 * 1000 * 0.2 - 100)


def test_without_a_margin_nothing_is_said_of_profit():
    blank = evaluated(plan("a", margin_rate=None), 10.0, verdict="cannot_say", reason="no_profit_known")
    found = programme_of([blank, EARNS]).table.set_index("campaign_id")
    assert found.loc["a", "outcome"] == "untested"
    assert math.isnan(found.loc["a", "profit"])


@pytest.mark.parametrize(
    ("difference", "grade", "outcome"),
    [
        pytest.param(10.0, "randomised", "earning", id="drawn by lot, surely above its cost"),
        pytest.param(10.0, "adjusted", "unclear", id="chosen customers never prove a profit"),
        pytest.param(-10.0, "adjusted", "losing", id="a loss is a loss, chosen or not"),
        pytest.param(2.0, "randomised", "unclear", id="on the cost"),
    ],
)
def test_outcome(difference, grade, outcome):
    found = programme_of([evaluated(plan("a"), difference, grade=grade)])
    assert found.table["outcome"].tolist() == [outcome]


def test_nothing_ran():
    found = programme_of([], plans=[plan("old", "2025-01-01"), plan("older", "2024-01-01")])
    assert found.table.empty
    assert found.groups.empty
    assert (found.total, found.counted, found.holdout) == (None, None, None)
    assert (found.n_plans, found.n_earlier) == (2, 2)
    assert found.pressure.n_customers == 0
    assert found.apart.empty


def test_only_running_campaigns_have_no_total():
    found = programme_of([RUNS])
    assert found.total is None
    assert found.groups["outcome"].tolist() == ["running"]


def lists(n: int, seed: int = 4) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sends of two campaigns to the same customers, lots drawn apart, and one order of each customer."""
    rng = np.random.default_rng(seed)
    arms = {name: np.where(rng.random(n) < 0.5, "mail", "none") for name in ("a", "b")}
    days = {"a": "2026-09-01", "b": "2026-09-03"}
    sends = pd.concat(
        pd.DataFrame(
            {
                "campaign_id": name,
                "customer_id": [f"c{i}" for i in range(n)],
                "arm": arms[name],
                "sent_on": pd.Timestamp(days[name]),
            }
        )
        for name in arms
    )
    reached = (arms["a"] == "mail") | (arms["b"] == "mail")
    money = 50 + 8 * reached + rng.normal(0, 5, n)
    lines = orders(*[(f"c{i}", "2026-09-05", money[i]) for i in range(n)])
    return sends, lines


def both(**given) -> list:
    return [
        evaluated(plan("a", "2026-09-01", **given), 8.0),
        evaluated(plan("b", "2026-09-03", **given), 8.0),
    ]


def test_customers_held_out_of_everything_give_the_total():
    sends, lines = lists(400)
    found = programme_of(both(), sends=sends, lines=lines)
    arms = sends.pivot(index="customer_id", columns="campaign_id", values="arm")
    reached = (arms == "mail").any(axis=1)
    spent = lines.set_index("customer_id")["revenue"].reindex(arms.index)
    effect = spent[reached].mean() - spent[~reached].mean()
    assert found.holdout is not None
    assert found.holdout.n_control == int((~reached).sum())
    assert found.total.source == "holdout"
    assert found.total.revenue == pytest.approx(effect * reached.sum() * 0.5)
    assert found.total.profit == pytest.approx(effect * reached.sum() * 0.5 - 2000)
    # Added up, whoever was reached twice would count twice: 8 × 2,000 customers of margin .5.
    assert found.table["shrunk_profit"].sum() > 2 * found.total.profit
    groups = found.groups.set_index("outcome")
    assert groups.loc["total", "profit"] == found.total.profit


def test_campaigns_with_one_holdout_in_the_same_days_have_no_effect_each_and_one_together():
    blocked = [
        replace(
            evaluated(one.plan, verdict="cannot_say", reason="other_campaign"),
            design=SimpleNamespace(blocks=True, well_drawn=True),
        )
        for one in both()
    ]
    sends, lines = lists(400)
    arms = sends.groupby("customer_id")["arm"].transform("first")
    found = programme_of(blocked, sends=sends.assign(arm=arms), lines=lines)
    assert found.table["profit"].isna().all()
    assert (found.total.source, found.total.cost) == ("holdout", 2000.0)
    assert math.isfinite(found.total.profit)


@pytest.mark.parametrize(
    "evaluations",
    [
        pytest.param(both(kind="steps"), id="a flow is set off by what customers do"),
        pytest.param([*both()[:1], evaluated(plan("b", "2026-09-03"))], id="the lot of one was not kept"),
        pytest.param(
            [*both()[:1], evaluated(plan("b", "2026-09-03", margin_rate=0.3), 8.0)], id="two margins"
        ),
        pytest.param(
            [*both()[:1], evaluated(plan("b", "2026-09-03"), 8.0, running=True)], id="one still runs"
        ),
        pytest.param(both()[:1], id="one campaign is no programme"),
    ],
)
def test_where_the_held_out_cannot_speak_the_campaigns_are_added_up(evaluations):
    sends, lines = lists(400)
    found = programme_of(evaluations, sends=sends, lines=lines)
    assert found.holdout is None
    assert found.total.source == "campaigns"


@pytest.mark.parametrize(
    ("second", "pairs"),
    [
        pytest.param({}, 2, id="two lists"),
        pytest.param({"kind": "cart"}, 0, id="who leaves a cart may do so because of the other"),
    ],
)
def test_only_lists_are_told_apart(second, pairs):
    sends, lines = lists(400)
    evaluations = [both()[0], evaluated(plan("b", "2026-09-03", **second), 8.0)]
    assert len(programme_of(evaluations, sends=sends, lines=lines).apart) == pairs


def test_revenue_of_overlapping_campaigns_is_counted_once(engine):
    plans = [plan("a", "2026-09-01"), plan("b", "2026-09-10")]
    rows = sends_of(plans, customers=2)
    # In both windows, in a's alone, and of the held-out customer.
    lines = orders(("c0", "2026-09-12", 100), ("c0", "2026-09-02", 50), ("c1", "2026-09-12", 1000))
    found = campaign_programme(
        [evaluated(one, 1.0) for one in plans], engine(rows), engine(lines), plans=plans, period=PERIOD
    )
    assert found.counted.table["revenue"].tolist() == [150.0, 100.0]
    assert (found.counted.sum_of_campaigns, found.counted.revenue) == (250.0, 150.0)
    assert found.total.inflation == pytest.approx(250 / 150)


def test_windows_open_with_the_first_send_where_the_described_start_is_later():
    described = plan("a", "2026-09-10")
    rows = sends_of([plan("a", "2026-09-01")], customers=2)
    found = programme_of([evaluated(described, 1.0)], sends=rows, lines=orders(("c0", "2026-09-02", 50)))
    assert found.counted.revenue == 50
    assert found.table["start"].tolist() == [date(2026, 9, 10)], "the table says what was described"


CARRIED = {
    "open for months": ("2026-08-01", "cannot_say", [], "carried"),
    "judged this month": ("2026-10-01", "keep_testing", [], "open"),
    "taken up": ("2026-08-01", "cannot_say", [plan("next", "2026-10-05", follows="a")], "followed"),
    "to be taken up next month": (
        "2026-08-01",
        "cannot_say",
        [plan("next", "2026-11-05", follows="a")],
        "carried",
    ),
    "answered": ("2026-08-01", "stop", [], "settled"),
}


@pytest.mark.parametrize(("start", "verdict", "later", "status"), CARRIED.values(), ids=CARRIED)
def test_what_is_carried_to_the_next_month(start, verdict, later, status):
    campaign = plan("a", start)
    found = programme_of([evaluated(campaign, 1.0, verdict=verdict)], plans=[campaign, *later])
    assert found.table["status"].tolist() == [status]
    assert found.table["followed_by"].tolist() == (["next"] if status == "followed" else [None])
