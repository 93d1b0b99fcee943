"""Many campaigns. T6 (winner's curse): campaigns.json."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from crmreport.analysis.campaign.estimate import Estimate, normal_estimate
from crmreport.analysis.campaign.money import Costs, campaign_profit
from crmreport.analysis.campaign.overlap import CountedOnce
from crmreport.analysis.campaign.shrinkage import shrink
from crmreport.analysis.campaign.winners_curse import programme


def campaigns(values, error=1.0, n=100) -> dict[str, Estimate]:
    return {f"c{i:02d}": normal_estimate(v, error, n, n) for i, v in enumerate(values)}


def free(effects) -> dict[str, Costs]:
    return {name: Costs() for name in effects}


def test_by_hand():
    # Errors 1, τ² = 18, mean 4: see the shrinkage by hand.
    effects = campaigns([1.0, 2.0, 9.0])
    costs = {name: Costs(send=1, fixed=10) for name in effects}
    found = programme(effects, costs, margin_rate=0.5)
    table = found.table.set_index("campaign_id")
    assert found.table["campaign_id"].tolist() == ["c02", "c01", "c00"]
    assert table.loc["c02", "shrunk"] == pytest.approx(4 + 5 * 18 / 19)
    assert table.loc["c02", "profit"] == pytest.approx(9 * 100 * 0.5 - 110)
    assert table.loc["c02", "shrunk_profit"] == pytest.approx((4 + 5 * 18 / 19) * 50 - 110)
    assert found.best_luck == pytest.approx(5 / 19)
    # Equal sizes and errors: shrinking moves nothing in total.
    assert found.revenue == pytest.approx(1200)
    assert found.cost == 330
    assert found.profit == pytest.approx(270)
    assert (found.revenue_upper - found.revenue) / 1.959964 == pytest.approx(100 * 3**0.5, rel=1e-6)
    assert found.source == "campaigns"


def test_the_best_of_ten_equal_arms_looks_better_than_it_is_until_shrunk():
    # T6: 5,000 runs, 10 arms, p = .02, n = 5,000: the best is .0031 above the truth, 15.5 %.
    rng = np.random.default_rng(6)
    share = rng.binomial(5000, 0.02, (5000, 10)) / 5000
    best = share.max(axis=1)
    assert best.mean() - 0.02 == pytest.approx(0.0031062, rel=0.02)
    drawn = []
    for row in share[:1500]:
        found = shrink(row, np.sqrt(row * (1 - row) / 5000))
        drawn.append(found.effects[row.argmax()])
    assert np.mean(drawn) - 0.02 < 0.0031062 / 3


def test_shrunk_effects_are_nearer_the_truth_and_the_picked_one_is_not_overstated():
    # Seed 20268: 25 campaigns, true effects N(10, 5), errors 5.
    rng = np.random.default_rng(20268)
    raw_error, drawn_error, raw_luck, drawn_luck = [], [], [], []
    for _ in range(200):
        truth = rng.normal(10, 5, 25)
        seen = truth + rng.normal(0, 5, 25)
        effects = campaigns(seen, error=5.0)
        table = programme(effects, free(effects), margin_rate=0.5).table.sort_values("campaign_id")
        drawn, best = table["shrunk"].to_numpy(), int(seen.argmax())
        raw_error.append(((seen - truth) ** 2).mean())
        drawn_error.append(((drawn - truth) ** 2).mean())
        raw_luck.append(seen[best] - truth[best])
        drawn_luck.append(drawn[best] - truth[best])
    assert np.mean(drawn_error) < 0.65 * np.mean(raw_error)
    assert np.mean(raw_luck) > 5
    assert abs(np.mean(drawn_luck)) < 1.2


def test_the_interval_of_the_total_covers():
    # Seed 20269: 12 campaigns of unequal size and error.
    rng = np.random.default_rng(20269)
    n, error = np.linspace(100, 2000, 12).astype(int), np.linspace(6, 2, 12)
    inside = []
    for _ in range(400):
        truth = rng.normal(3, 3, 12)
        effects = {
            f"c{i:02d}": normal_estimate(truth[i] + error[i] * rng.normal(), error[i], int(n[i]), 100)
            for i in range(12)
        }
        found = programme(effects, free(effects), margin_rate=1.0)
        inside.append(found.revenue_lower <= n @ truth <= found.revenue_upper)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.03)


def test_customers_held_out_of_everything_say_what_the_programme_did():
    effects = campaigns([5.0, 6.0, 7.0], n=1000)
    costs = {name: Costs(send=1) for name in effects}
    overlap = CountedOnce(pd.DataFrame(), 300.0, 200.0, 1.5)
    holdout = normal_estimate(8.0, 2.0, 1500, 200)
    found = programme(effects, costs, margin_rate=0.5, holdout=holdout, overlap=overlap)
    assert (found.source, found.inflation) == ("holdout", 1.5)
    assert (found.revenue, found.cost, found.profit) == (12_000, 3_000, 3_000)
    alone = campaign_profit(holdout, margin_rate=0.5, costs=Costs(fixed=3000))
    assert (found.profit_lower, found.profit_upper) == pytest.approx((alone.lower, alone.upper))
    assert found.p_positive == pytest.approx(alone.p_positive)


def test_a_campaign_without_an_effect_costs_all_the_same():
    effects = {**campaigns([5.0, 6.0]), "blind": Estimate(*[math.nan] * 4, 100, 0)}
    costs = {name: Costs(send=1) for name in effects}
    found = programme(effects, costs, margin_rate=1.0)
    blind = found.table.set_index("campaign_id").loc["blind"]
    assert math.isnan(blind["shrunk_profit"])
    assert found.cost == 300
    assert found.revenue == pytest.approx(1100)
    assert math.isnan(found.inflation)


def test_no_campaign_says_nothing():
    found = programme({}, {}, margin_rate=0.5)
    assert found.table.empty
    assert math.isnan(found.profit)
    assert math.isnan(found.best_luck)


@pytest.mark.parametrize(
    ("costs", "margin_rate", "message"),
    [
        pytest.param({"c00": Costs()}, 0.5, "1 campaigns have an effect or a cost.*'c01'", id="no cost"),
        pytest.param({"c00": Costs(), "c01": Costs()}, 50, "margin_rate is 50", id="50 for 50 %"),
    ],
)
def test_refusals(costs, margin_rate, message):
    with pytest.raises(ValueError, match=message):
        programme(campaigns([1.0, 2.0]), costs, margin_rate=margin_rate)
