"""Customers held out of everything: who is compared with whom, and when nobody can be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crmreport.analysis.campaign.estimate import cautious, mean_estimate, pooled_error
from crmreport.analysis.campaign.exposure import Exposure
from crmreport.analysis.campaign.money import probability_positive
from crmreport.analysis.campaign.programme_holdout import programme_holdout


def seen(roles: dict[str, list[int]], revenue) -> Exposure:
    return Exposure(pd.DataFrame(roles), pd.Series(np.asarray(revenue, dtype="float64")))


def test_one_campaign_is_its_own_programme():
    rng = np.random.default_rng(3)
    spent = rng.gamma(2.0, 50.0, 300)
    found = programme_holdout(seen({"a": [2] * 200 + [1] * 100}, spent))
    one, other = spent[:200], spent[200:]
    plain = mean_estimate(one.mean(), one.var(ddof=1), 200, other.mean(), other.var(ddof=1), 100)
    alone = cautious(plain, pooled_error(one.var(ddof=1), 200, other.var(ddof=1), 100))
    assert found is not None
    assert found.difference == pytest.approx(alone.difference)
    assert found.standard_error == pytest.approx(alone.standard_error)
    assert (found.n_treatment, found.n_control) == (200, 100)


def test_customers_of_many_campaigns_are_compared_among_themselves():
    # Nothing was ever done to anybody: those of both campaigns simply spend more, and are held out of
    # both less often. A plain comparison would say 27.
    both = [(2, 2)] * 300 + [(2, 1)] * 300 + [(1, 2)] * 300 + [(1, 1)] * 300
    only = [(2, 0)] * 600 + [(1, 0)] * 600
    roles = pd.DataFrame(both + only, columns=["a", "b"])
    rng = np.random.default_rng(5)
    revenue = np.where(roles["b"] > 0, 200.0, 100.0) + rng.normal(0, 20, len(roles))
    found = programme_holdout(Exposure(roles, pd.Series(revenue)))
    reached = (roles == 2).any(axis=1).to_numpy()
    assert revenue[reached].mean() - revenue[~reached].mean() > 20
    assert found is not None
    assert abs(found.difference) < 3 * found.standard_error < 5


def test_effects_are_weighted_by_customers_reached():
    # Of a alone 100 are reached and gain 10; of both 300, who gain 2. Held out are 50 and 150.
    roles = {
        "a": [2] * 100 + [1] * 50 + [2] * 300 + [1] * 150,
        "b": [0] * 150 + [1] * 300 + [1] * 150,
    }
    money = np.array([110.0] * 100 + [100.0] * 50 + [202.0] * 300 + [200.0] * 150)
    wobble = np.tile([-1.0, 1.0], len(money) // 2)
    found = programme_holdout(seen(roles, money + wobble))
    assert found is not None
    assert found.difference == pytest.approx((100 * 10 + 300 * 2) / 400)
    assert (found.n_treatment, found.n_control) == (400, 200)


def test_a_list_of_those_an_earlier_campaign_made_buy_leaves_no_equals():
    # The first campaign doubles buyers and gains 10 a customer; the second goes to buyers, and does nothing.
    # Among buyers, and among the others, everybody spends the same: told would be an effect of 0.
    arm, buys = [2] * 2000 + [1] * 2000, [1] * 400 + [0] * 1600 + [1] * 200 + [0] * 1800
    again = [0 if not bought else 1 + i % 2 for i, bought in enumerate(buys)]
    assert programme_holdout(seen({"a": arm, "b": again}, 100.0 * np.array(buys))) is None


def test_a_list_as_likely_to_hold_those_sent_to_as_those_held_out_is_compared():
    again = [i % 4 // 2 * (1 + i % 2) for i in range(4000)]
    rng = np.random.default_rng(2)
    roles = {"a": [2] * 2000 + [1] * 2000, "b": again}
    found = programme_holdout(seen(roles, 10.0 * (np.arange(4000) < 2000) + rng.normal(0, 1, 4000)))
    assert found is not None
    # Those reached by the second alone gained nothing: 500 of 2,500.
    assert found.difference == pytest.approx(8.0, abs=0.2)


def test_its_interval_covers_the_effect_of_all_campaigns_together():
    # Seed 11: effects 10 and 6 that do not add up for whoever is reached twice (13).
    rng = np.random.default_rng(11)
    inside = []
    for _ in range(120):
        roles = pd.DataFrame(rng.integers(1, 3, (1200, 2)), columns=["a", "b"])
        gain = np.select([(roles == 2).all(axis=1), roles["a"] == 2, roles["b"] == 2], [13.0, 10.0, 6.0], 0.0)
        truth = gain[gain > 0].mean()
        found = programme_holdout(Exposure(roles, pd.Series(gain + rng.normal(100, 40, 1200))))
        assert found is not None
        inside.append(found.lower <= truth <= found.upper)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.05)


def test_a_small_holdout_without_a_large_buyer_makes_nobody_sure():
    # Seed 21: nothing was done to anybody; 3 % buy, for lognormal amounts, 500 of 6,500 are held out.
    rng = np.random.default_rng(21)
    told, sure = 0, 0
    for _ in range(400):
        spent = (rng.random(6500) < 0.03) * rng.lognormal(8, 1, 6500)
        found = programme_holdout(seen({"a": [2] * 6000 + [1] * 500}, spent))
        if found is not None:
            told += 1
            sure += probability_positive(found.difference, found.standard_error) >= 0.95
    assert told > 380
    assert sure / told < 0.08


def bought(n: int, held: int, every: int) -> tuple[list[int], np.ndarray]:
    """Roles of a campaign, and spending: of both arms each so manieth customer bought for 900 to 1,100."""
    amounts = np.tile([900.0, 1100.0], n + held)[: n + held]
    return [2] * n + [1] * held, amounts * (np.arange(n + held) % every == 0)


def test_ten_buyers_are_to_be_expected_among_those_held_out():
    # One in 30 bought: among 299 held out fewer than ten are to be expected, among 330 eleven.
    for held, told in ((299, False), (330, True)):
        roles, spent = bought(3000, held, 30)
        assert (programme_holdout(seen({"a": roles}, spent)) is not None) == told


def test_buyers_of_a_large_holdout_do_not_stand_in_for_those_of_a_small_one():
    # Of a 40 are held out beside 6,000 reached; of b, 100 reached, thousands are: these say nothing of a.
    a, spent_a = bought(6000, 40, 30)
    b, spent_b = bought(100, 5000, 30)
    roles = {"a": a + [0] * len(b), "b": [0] * len(a) + b}
    assert programme_holdout(seen(roles, [*spent_a, *spent_b])) is None


@pytest.mark.parametrize(
    "roles",
    [
        pytest.param({"a": [2] * 100}, id="nobody was held out"),
        pytest.param({"a": [1] * 100}, id="nobody was sent to"),
        pytest.param({"a": [2] * 100 + [1] * 29}, id="29 held out: too few"),
        pytest.param(
            {"a": [2] * 100 + [1] * 50, "b": [1] * 90 + [2] * 60}, id="everybody got one of the two"
        ),
        pytest.param(
            {"a": [2] * 90 + [1] * 60 + [0] * 10, "b": [0] * 150 + [2] * 10},
            id="one in ten reached has no equal",
        ),
    ],
)
def test_nobody_can_say(roles):
    n = len(next(iter(roles.values())))
    assert programme_holdout(seen(roles, np.arange(n))) is None
