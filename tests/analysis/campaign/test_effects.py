"""Effects of whole tests: golden results, traps, properties, refusals, on every engine."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmreport.analysis.campaign.effects import compare_arms
from crmreport.analysis.campaign.metric import Metric
from crmreport.errors import ConfigError, DataError

BOUGHT = Metric("bought", "share", role="primary")


def people(arm: str, n: int, hits: int) -> pd.DataFrame:
    return pd.DataFrame({"arm": arm, "bought": np.arange(n) < hits})


def is_the_share(found, wanted):
    """A difference of shares as campaigns.json tells it."""
    e = found.estimate
    assert (found.value_treatment, found.value_control, e.difference, e.standard_error) == pytest.approx(
        (wanted["p_t"], wanted["p_c"], wanted["diff"], wanted["se_unpooled"]), rel=1e-6
    )
    assert (e.lower, e.upper) == pytest.approx(wanted["ci_newcombe"], rel=1e-6)
    # Below 1e-15 p-values agree in the absolute sense only (tolerance notes of the file).
    assert e.p_value == pytest.approx(wanted["p_z_unpooled"], rel=1e-6, abs=1e-15)
    if found.relative:
        assert 1 + found.relative.value == pytest.approx(wanted["rr"], rel=1e-6)


def is_the_mean(estimate, relative, wanted):
    assert (estimate.difference, estimate.standard_error, estimate.p_value) == pytest.approx(
        (wanted["diff"], wanted["se"], wanted["p"]), rel=1e-6
    )
    assert (estimate.lower, estimate.upper) == pytest.approx(wanted["ci"], rel=1e-6)
    assert (relative.value, relative.lower, relative.upper) == pytest.approx(
        (wanted["rel"], *wanted["rel_ci_fieller_z"]), rel=1e-6
    )


@pytest.mark.real
def test_cookie_cats(engine, shared_data: Path, golden):
    players = pd.read_csv(shared_data / "data" / "campaigns" / "cookie_cats.csv")
    rounds = Metric("rounds", "mean", "sum_gamerounds", cap=0.999)
    found = compare_arms(
        engine(players),
        arm="version",
        control="gate_30",
        metrics=[Metric("retention_1", "share"), Metric("retention_7", "share", role="primary"), rounds],
    )
    wanted = golden["cookie_cats"]
    for key in ("retention_1", "retention_7"):
        is_the_share(found.of(key), wanted[key])
    effect = found.of("rounds")
    is_the_mean(effect.estimate, effect.relative, wanted["sum_gamerounds_raw"])
    is_the_mean(
        effect.capped.estimate, effect.capped.relative, wanted["sum_gamerounds_winsor_p99.9_pooled_linear"]
    )
    assert effect.capped.cap == pytest.approx(
        wanted["sum_gamerounds_winsor_p99.9_pooled_linear"]["cap"], rel=1e-6
    )
    without = compare_arms(
        engine(players[players["sum_gamerounds"] < players["sum_gamerounds"].max()]),
        arm="version",
        control="gate_30",
        metrics=[rounds],
    ).of("rounds")
    is_the_mean(without.estimate, without.relative, wanted["sum_gamerounds_without_max_49854"])


@pytest.mark.real
def test_lenta_randomised_and_its_confounded_log(engine, shared_data: Path, golden):
    folder, wanted = shared_data / "data" / "campaigns", golden["lenta_ito"]
    for name, key in (("ito_lenta_dataset", "rct"), ("ito_ch2_logdata", "log_naive")):
        rows = pd.read_csv(folder / f"{name}.csv").assign(
            arm=lambda d: d["is_treatment"].map("arm {}".format)
        )
        found = compare_arms(
            engine(rows[["arm", "response_att"]]),
            metrics=[Metric("response", "share", "response_att")],
            control="arm 0",
        )
        is_the_share(found.of("response"), wanted[key])


@pytest.mark.real
def test_the_cluster_trial_by_users_and_by_rows(engine, shared_data: Path, golden):
    rows = pd.read_csv(shared_data / "data" / "campaigns" / "ito_ch3_cluster_trial.csv")
    rows["arm"] = np.where(rows["is_treatment"] == 1, "t", "c")
    rows["shown"] = 1
    clicks = [Metric("click", "share", "is_click"), Metric("ctr", "ratio", "is_click", denominator="shown")]
    wanted = golden["ito_cluster_trial"]
    by_user = compare_arms(engine(rows), metrics=clicks, control="c", cluster="uid")
    for name, key, method in (
        ("click", "ols_cluster_CR1", "cluster_robust"),
        ("ctr", "delta_method_ratio_user_unit", "delta"),
    ):
        found = by_user.of(name)
        assert found.estimate.standard_error == pytest.approx(wanted[key]["se"], rel=1e-6)
        assert (found.estimate.n_treatment, found.method, found.cautions) == (6202, method, ())
    is_the_share(
        compare_arms(engine(rows), metrics=clicks[:1], control="c").of("click"), wanted["naive_row_level"]
    )


def test_openers_against_the_control_are_a_trap():
    # campaigns.json T2: no true effect; counts of default_rng(2) as its recipe tells.
    everyone = pd.concat([people("mail", 99955, 6088), people("none", 100045, 6236)])
    as_assigned = compare_arms(everyone, metrics=[BOUGHT], control="none").of("bought").estimate
    assert as_assigned.lower < 0 < as_assigned.upper
    assert (as_assigned.lower, as_assigned.upper) == pytest.approx(
        (-0.0035325473051733857, 0.0006833151078467839), rel=1e-6
    )
    openers = pd.concat([people("openers", 34731, 3114), people("none", 100045, 6236)])
    by_opening = compare_arms(openers, metrics=[BOUGHT], control="none").of("bought").estimate
    assert by_opening.difference == pytest.approx(0.02732858319483105, rel=1e-6)
    assert by_opening.lower > 0.02


def test_clicks_per_open_reward_a_subject_line_that_fewer_open():
    # campaigns.json T3, its recipe: B's dull subject loses openers who never click; clicks are the same.
    rng, n = np.random.default_rng(3), 100_000
    sent = pd.DataFrame({"arm": rng.choice(["A", "B"], n)})
    keen = rng.random(n) < 0.2
    opened = rng.random(n) < np.where(keen, 0.5, np.where(sent["arm"] == "B", 0.15, 0.30))
    sent["opened"], sent["clicked"] = opened, opened & keen & (rng.random(n) < 0.3)
    metrics = [Metric("clicked", "share"), Metric("per open", "ratio", "clicked", denominator="opened")]
    found = compare_arms(sent, metrics=metrics, control="A")
    per_sent, per_open = found.of("clicked").estimate, found.of("per open")
    assert per_sent.lower < 0 < per_sent.upper
    assert per_open.estimate.lower > 0.03
    assert (per_open.value_control, per_open.value_treatment) == pytest.approx((0.088, 0.132), abs=0.01)


def test_sessions_of_the_same_users_are_no_sample():
    # campaigns.json T7: 1,000 A/A tests; row by row 29 % call a difference, by user 4.7 %. Here 300.
    rng = np.random.default_rng(7)
    alarms = {"rows": 0, "users": 0}
    sessions = Metric("bought", "ratio", denominator="sessions")
    for _ in range(300):
        n = 1 + rng.poisson(rng.gamma(0.5, 8, 2000))
        users = pd.DataFrame({"sessions": n, "bought": rng.binomial(n, rng.beta(0.4, 3.6, 2000))})
        users["arm"] = np.where(rng.random(2000) < 0.5, "a", "b")
        found = compare_arms(users, metrics=[sessions], control="a").of("bought")
        alarms["users"] += found.estimate.p_value < 0.05
        sums = users.groupby("arm")[["bought", "sessions"]].sum()
        rate = sums["bought"] / sums["sessions"]
        error = math.sqrt((rate * (1 - rate) / sums["sessions"]).sum())
        alarms["rows"] += abs(rate["b"] - rate["a"]) > 1.96 * error
    assert 0.02 < alarms["users"] / 300 < 0.08
    assert alarms["rows"] / 300 > 0.2


def test_three_arms_two_families_of_questions(engine):
    rng = np.random.default_rng(6)
    rows = pd.DataFrame({"arm": np.repeat(["line", "mail", "none"], 500)})
    rows["bought"] = rng.random(1500) < np.where(rows["arm"] == "none", 0.1, 0.17)
    rows["revenue"] = np.where(rows["bought"], rng.gamma(2, 3000, 1500), 0)
    metrics = [BOUGHT, Metric("revenue", "mean", cap=0.99)]
    found = compare_arms(engine(rows), metrics=metrics, control="none")
    assert found.customers == {"line": 500, "mail": 500, "none": 500}
    assert [(e.arm, e.metric.name) for e in found.effects] == [
        ("line", "bought"),
        ("line", "revenue"),
        ("mail", "bought"),
        ("mail", "revenue"),
    ]
    # Two primary questions: Holm doubles the smaller.
    raw = sorted(found.of("bought", arm=a).estimate.p_value for a in ("line", "mail"))
    adjusted = sorted(found.of("bought", arm=a).p_adjusted for a in ("line", "mail"))
    assert adjusted == pytest.approx([2 * raw[0], max(2 * raw[0], raw[1])])
    table = found.table
    assert table["difference"].tolist() == [e.estimate.difference for e in found.effects]
    assert table["capped_difference"].notna().tolist() == [False, True, False, True]


ARM = st.lists(st.integers(0, 10**5), min_size=3, max_size=20).filter(lambda v: len(set(v)) > 1)


@given(ARM, ARM, st.randoms(), st.floats(0.01, 200))
@settings(deadline=None, max_examples=30)
def test_signs_order_and_units(treated, rest, random, rate):
    rows = [("t", float(v)) for v in treated] + [("c", float(v)) for v in rest]
    revenue = Metric("revenue", "mean")

    def effect(pairs, control):
        frame = pd.DataFrame(pairs, columns=["arm", "revenue"])
        return compare_arms(frame, metrics=[revenue], control=control).of("revenue")

    one = effect(rows, "c").estimate
    swapped = effect(rows, "t").estimate
    assert (swapped.difference, swapped.lower, swapped.upper) == pytest.approx(
        (-one.difference, -one.upper, -one.lower)
    )
    assert swapped.p_value == pytest.approx(one.p_value)
    mixed = effect(random.sample(rows, len(rows)), "c").estimate
    assert (mixed.difference, mixed.standard_error) == pytest.approx((one.difference, one.standard_error))
    scaled = effect([(a, v * rate) for a, v in rows], "c").estimate
    assert (scaled.difference, scaled.lower, scaled.upper) == pytest.approx(
        (rate * one.difference, rate * one.lower, rate * one.upper), rel=1e-8, abs=1e-6 * rate
    )


@given(st.integers(1, 60), st.integers(1, 60), st.data())
@settings(deadline=None, max_examples=20)
def test_swapped_shares_change_the_sign_alone(n_t, n_c, data):
    hits, rest = data.draw(st.integers(0, n_t)), data.draw(st.integers(0, n_c))
    rows = pd.concat([people("t", n_t, hits), people("c", n_c, rest)])
    one, other = (compare_arms(rows, metrics=[BOUGHT], control=c).of("bought").estimate for c in ("c", "t"))
    assert (other.difference, other.lower, other.upper) == pytest.approx(
        (-one.difference, -one.upper, -one.lower), abs=1e-12
    )
    assert other.p_value == pytest.approx(one.p_value)


def test_a_few_big_buyers_that_make_the_effect_are_told():
    rng = np.random.default_rng(8)
    rows = pd.DataFrame({"arm": np.repeat(["t", "c"], 2000), "revenue": rng.gamma(1, 100, 4000)})
    rows.loc[:9, "revenue"] += 40_000.0
    found = compare_arms(rows, metrics=[Metric("revenue", "mean", cap=0.99)], control="c").of("revenue")
    assert found.estimate.lower > 0 > found.capped.estimate.lower
    assert found.cautions == ("cap_disagrees",)


@pytest.mark.parametrize(
    ("n", "hits", "method"),
    [pytest.param(200, 30, "newcombe_z", id="large"), pytest.param(40, 3, "newcombe_fisher", id="small")],
)
def test_the_method_is_told(n, hits, method):
    rows = pd.concat([people("t", n, hits), people("c", n, hits + 5)])
    assert compare_arms(rows, metrics=[BOUGHT], control="c").of("bought").method == method


def test_few_units_are_told():
    rows = pd.DataFrame({"arm": list("ttcc"), "shop": list("abcd"), "revenue": [1.0, 2.0, 3.0, 5.0]})
    revenue = [Metric("revenue", "mean")]
    assert compare_arms(rows, metrics=revenue, control="c").of("revenue").cautions == ("few_customers",)
    by_shop = compare_arms(rows, metrics=revenue, control="c", cluster="shop").of("revenue")
    assert by_shop.cautions == ("few_clusters",)


TWO = pd.concat([people("t", 10, 3), people("c", 10, 2)]).assign(revenue=2.0, shop="s")


@pytest.mark.parametrize(
    ("rows", "metrics", "options", "error", "message"),
    [
        pytest.param(TWO, [], {}, ConfigError, "one or more with distinct names", id="no metric"),
        pytest.param(TWO, [BOUGHT, BOUGHT], {}, ConfigError, "distinct names", id="one metric twice"),
        pytest.param(
            TWO, [BOUGHT], {"control": "x"}, ConfigError, "control 'x'; the arms are c, t", id="no control"
        ),
        pytest.param(TWO[:0:-1][:10], [BOUGHT], {}, DataError, "without a second arm", id="no treatment"),
        pytest.param(
            TWO, [Metric("revenue", "share")], {}, ConfigError, "not only 0 and 1", id="money is no share"
        ),
        pytest.param(
            TWO,
            [Metric("a", "mean", "revenue", cap=0.9), Metric("b", "mean", "revenue", cap=0.99)],
            {},
            ConfigError,
            "capped twice",
            id="two caps on a column",
        ),
        pytest.param(
            TWO,
            [Metric("revenue", "mean", cap=0.9)],
            {"cluster": "shop"},
            ConfigError,
            "leave them out when clusters",
            id="cap on clusters",
        ),
    ],
)
def test_refusals(rows, metrics, options, error, message):
    with pytest.raises(error, match=message):
        compare_arms(rows, metrics=metrics, **({"control": "c"} | options))


def test_an_effect_is_asked_for_by_metric_and_arm():
    rows = pd.concat([people("a", 10, 3), people("b", 10, 2), people("c", 10, 2)])
    found = compare_arms(rows, metrics=[BOUGHT], control="c")
    with pytest.raises(ConfigError, match="2 effects on 'bought'; .* bought/a, bought/b"):
        found.of("bought")
