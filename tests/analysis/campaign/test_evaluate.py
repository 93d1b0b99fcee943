"""A campaign from sends to verdict: every way to a verdict from a shop made up for it."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import polars as pl
import pytest

from crmreport.analysis.campaign.campaign_effect import whole_profit
from crmreport.analysis.campaign.evaluate import evaluate_campaign
from crmreport.analysis.campaign.evidence import best_of, conditioned_on, segments_that_pay
from crmreport.analysis.campaign.heterogeneity import segment_effects
from crmreport.analysis.campaign.money import Costs
from crmreport.analysis.campaign.next_send import next_send
from crmreport.analysis.campaign.verdict import Evidence, judge
from crmreport.analysis.ledger import to_pandas
from crmreport.errors import ConfigError
from tests.analysis.campaign.mailings import (
    AS_OF,
    PLAN,
    START,
    best_were_sent_to,
    evaluate,
    in_both_arms,
    lost_treated,
    shop,
    without,
)

CASES = [
    pytest.param({}, {}, ("roll_out", "profit_likely"), id="earns"),
    pytest.param({}, {"costs": Costs(send=500)}, ("stop", "profit_unlikely"), id="sells, and loses money"),
    pytest.param({"lift": 0.005}, {}, ("keep_testing", "too_uncertain"), id="could be either"),
    pytest.param({}, {"margin_rate": None}, ("cannot_say", "no_profit_known"), id="no margin known"),
    pytest.param(
        {"unsubscribe": 0.05},
        {"guardrails": {"unsubscribed": 0.01}},
        ("stop", "guardrail_harmed"),
        id="earns, and drives people off",
    ),
    pytest.param(
        {"unsubscribe": 0.008},
        {"guardrails": {"unsubscribed": 0.01}},
        ("keep_testing", "guardrail_open"),
        id="harm not excluded",
    ),
    pytest.param(
        {"unsubscribe": 0.003},
        {"guardrails": {"unsubscribed": 0.01}},
        ("roll_out", "profit_likely"),
        id="harm excluded",
    ),
    pytest.param(
        {},
        {"guardrails": {"clicked": 0.01}},
        ("keep_testing", "guardrail_open"),
        id="a guardrail nobody measured",
    ),
    pytest.param(
        {"gold_only": True, "lift": 0.12, "n": 4000},
        {"costs": Costs(send=150)},
        ("roll_out_to_segments", "segments_pay"),
        id="earns with gold only",
    ),
    pytest.param(
        {},
        {"arms": {"openers": 1, "none": 1}},
        ("cannot_say", "conditioned_on_response"),
        id="openers against the rest",
    ),
    pytest.param(
        {},
        {"conditioned_on": "redeemed"},
        ("cannot_say", "conditioned_on_response"),
        id="the plan says redeemers",
    ),
    pytest.param(
        {},
        {"arms": {"mail": 1, "held": 1}, "control": "held"},
        ("cannot_say", "no_comparison"),
        id="the control is not in the sends",
    ),
    pytest.param(
        {"arms": ("mail",)},
        {"randomised": False, "control": None, "arms": {}},
        ("cannot_say", "no_comparison"),
        id="everybody was sent to",
    ),
    pytest.param(
        {},
        {"randomised": False, "control": None, "kind": "cart"},
        ("cannot_say", "no_comparison"),
        id="a cart flow without a drawn control",
    ),
]


@pytest.mark.parametrize(
    ("arm", "expected"),
    [
        pytest.param("Coupon-Redeemed", "redeemed", id="English, cut at the hyphen"),
        pytest.param("開封者", "opened", id="openers"),
        pytest.param("メール未開封", "opened", id="who did not open was sorted by opening too"),
        pytest.param("ｸﾘｯｸ者", "clicked", id="half width"),
        pytest.param("クーポン利用者", "redeemed", id="coupon users"),
        pytest.param("クリックポスト", None, id="a way to send"),
        pytest.param("メールA", None, id="a mail"),
    ],
)
def test_arms_that_are_named_after_a_reaction(arm, expected):
    assert conditioned_on(replace(PLAN, arms={}), [arm, "none"]) == expected


@pytest.mark.parametrize("randomised", [True, False], ids=["said to be drawn by lot", "chosen"])
def test_openers_are_told_by_the_arms_of_the_sends_where_the_plan_names_none(randomised):
    sends, lines, ranks = shop()
    sends["arm"] = sends["arm"].map({"mail": "openers", "none": "non-openers"})
    plan = replace(PLAN, arms={}, control="non-openers", randomised=randomised)
    judged = evaluate((sends, lines, ranks), plan).judged
    assert (judged.verdict, judged.reason, judged.details) == (
        "cannot_say",
        "conditioned_on_response",
        ("opened",),
    )


@pytest.mark.parametrize(
    ("treated", "control", "told"),
    [
        pytest.param(300, 29, False, id="29 held out"),
        pytest.param(29, 300, False, id="29 sent to"),
        pytest.param(300, 1, False, id="one held out: no interval at all"),
        pytest.param(300, 30, True, id="30 held out"),
    ],
)
def test_a_handful_of_customers_makes_no_verdict(treated, control, told):
    # All who were sent to bought and nobody else: a normal probability would call it certain.
    people = [f"c{i:03d}" for i in range(treated + control)]
    arms = ["mail"] * treated + ["none"] * control
    sends = pd.DataFrame({"customer_id": people, "arm": arms, "sent_on": pd.Timestamp(START)})
    bought = {"customer_id": people[:treated], "order_id": people[:treated]}
    lines = pd.DataFrame({**bought, "order_date": pd.Timestamp(START), "revenue": 1000.0})
    lines.loc[::7, "revenue"] = 1700.0
    ranks = pd.DataFrame({"customer_id": people, "rank": np.resize(["gold", "new"], len(people))})
    plan = replace(PLAN, arms={"mail": treated, "none": control})
    found = evaluate((sends, lines, ranks), plan)
    (arm,) = found.arms
    expected = ("roll_out", ()) if told else ("cannot_say", ("too_few_customers",))
    assert (found.judged.verdict, found.judged.details) == expected
    assert [part is not None for part in (arm.profit, arm.next_send, found.holdout)] == [told] * 3


def control_reached(share, what="delivered_at"):
    def fault(parts):
        held = parts[0]["arm"] == "none"
        some = held & (held.cumsum() <= share * held.sum())
        return parts[0].assign(**{what: parts[0][what].mask(some, parts[0]["sent_on"])}), *parts[1:]

    return fault


def control_dated(days):
    def fault(parts):
        early = parts[0]["sent_on"] - pd.Timedelta(days=days)
        return parts[0].assign(sent_on=parts[0]["sent_on"].where(parts[0]["arm"] == "mail", early)), *parts[
            1:
        ]

    return fault


@pytest.mark.parametrize(
    ("fault", "codes", "blocks"),
    [
        pytest.param(control_reached(0.005), [], False, id="half a percent of the control were sent to"),
        pytest.param(control_reached(0.02), ["control_reached"], True, id="2 % of the control were sent to"),
        pytest.param(
            control_reached(0.02, "opened_at"), ["control_reached"], True, id="2 % of the control opened it"
        ),
        pytest.param(
            control_reached(0.05, "unsubscribed_at"), [], False, id="the control left other messages"
        ),
        pytest.param(control_dated(3), [], False, id="drawn three days before"),
        pytest.param(control_dated(8), ["days_apart"], False, id="drawn eight days before: told"),
        pytest.param(
            control_dated(11), ["days_apart"], True, id="drawn eleven days before: a third is other days"
        ),
    ],
)
def test_a_control_that_was_none_or_of_other_days_blocks(fault, codes, blocks):
    found = evaluate(fault(shop()))
    told = [reason.code for reason in found.design.reasons]
    assert [code for code in told if code in ("control_reached", "days_apart")] == codes
    assert found.judged.reason == ("assignment_broken" if blocks else "profit_likely")


def test_days_of_a_flow_differ_by_chance_alone():
    found = evaluate(shop(n=300, days=60, seed=5), replace(PLAN, kind="cart", end=START.replace(month=10)))
    assert "days_apart" not in [reason.code for reason in found.design.reasons]


def test_a_slip_in_the_controls_name_is_refused_of_chosen_customers_too():
    sends, lines, ranks = shop()
    sends["arm"] = sends["arm"].replace("none", "nobody")
    plan = replace(PLAN, randomised=False)
    with pytest.raises(ConfigError, match="campaign 'refill': arm 'nobody' was not planned"):
        evaluate((sends, lines, ranks), plan)


def test_another_campaign_is_looked_for_on_the_days_this_one_was_sent():
    sends, lines, ranks = shop()
    # Described for October and sent in August, where another campaign met the treated alone.
    other = sends[sends["arm"] == "mail"].assign(campaign_id="other")
    plan = replace(PLAN, start=date(2026, 10, 1), end=date(2026, 10, 1))
    found = evaluate((pd.concat([sends, other]), lines, ranks), plan)
    assert found.judged.reason == "other_campaign"


def bought(treated, control, buyers, held_buyers, amount=1000.0):
    """So many sent to and held out, of whom the first so many bought in the window."""
    people = [f"c{i:05d}" for i in range(treated + control)]
    arms = ["mail"] * treated + ["none"] * control
    sends = pd.DataFrame({"customer_id": people, "arm": arms, "sent_on": pd.Timestamp(START)})
    who = [*people[:buyers], *people[treated : treated + held_buyers], "stranger"]
    spent = amount * np.resize([0.5, 1.0, 1.5, 1.0], len(who))
    lines = pd.DataFrame({"customer_id": who, "order_id": who, "order_date": pd.Timestamp(START)})
    ranks = pd.DataFrame({"customer_id": people, "rank": np.resize(["gold", "new"], len(people))})
    return sends, lines.assign(revenue=spent), ranks


@pytest.mark.parametrize(
    ("made", "costs", "expected"),
    [
        pytest.param(
            (100, 100, 3, 0), Costs(send=100), "diagnostic_failed", id="three bought, and it cost much"
        ),
        pytest.param((1900, 100, 95, 1), Costs(), "diagnostic_failed", id="one of a hundred held out bought"),
        pytest.param((1900, 400, 95, 12), Costs(), "too_uncertain", id="Welch alone would be 97 % sure"),
        pytest.param((3000, 3000, 0, 0), Costs(send=10), "diagnostic_failed", id="nobody bought"),
        pytest.param((2000, 2000, 200, 100), Costs(), "profit_likely", id="enough bought"),
    ],
)
def test_a_handful_of_buyers_makes_no_verdict(made, costs, expected):
    treated, control = made[:2]
    plan = replace(PLAN, arms={"mail": treated, "none": control}, costs=costs)
    found = evaluate(bought(*made), plan)
    assert found.judged.reason == expected
    if expected == "diagnostic_failed":
        assert (found.judged.verdict, found.judged.details) == ("cannot_say", ("too_few_buyers",))
        assert (found.arms[0].profit, found.arms[0].next_send, found.holdout) == (None, None, None)


@pytest.mark.parametrize(("made", "planned", "expected"), CASES)
def test_every_way_to_a_verdict(made, planned, expected):
    sends, lines, ranks = shop(**made)
    plan = replace(PLAN, **planned)
    if set(plan.arms) - set(sends["arm"]) == {"openers"}:
        sends["arm"] = sends["arm"].replace("mail", "openers")
    if plan.arms and "held" in plan.arms:
        sends = sends[sends["arm"] == "mail"]
    found = evaluate((sends, lines, ranks), plan)
    assert (found.judged.verdict, found.judged.reason) == expected


@pytest.mark.parametrize(
    ("fault", "reason", "details"),
    [
        pytest.param(lost_treated, "assignment_broken", (), id="a quarter of the treated lost"),
        pytest.param(in_both_arms, "duplicate_customers", (), id="2 % in both arms"),
        pytest.param(best_were_sent_to, "groups_differ", (), id="the best were sent to"),
    ],
)
def test_a_broken_draw_tells_no_effect(fault, reason, details):
    found = evaluate(fault(shop(n=2000)))
    assert (found.judged.verdict, found.judged.reason, found.judged.details) == (
        "cannot_say",
        reason,
        details,
    )
    assert (found.arms, found.holdout, found.best, found.design.blocks) == ((), None, None, True)
    assert found.responses["customers"].sum() == found.outcomes.n_customers


def test_one_segment_that_lost_its_treated_customers_blocks():
    parts = shop(n=3000)
    gold = parts[0]["customer_id"].map(parts[2].set_index("customer_id")["rank"]) == "gold"
    found = evaluate(without(parts, gold & (parts[0]["arm"] == "mail") & (parts[0].index % 4 == 0)))
    assert ("sample_ratio_segment", "rank=gold") in [(r.code, r.where) for r in found.design.reasons]
    assert found.judged.reason == "assignment_broken"


def test_a_customer_of_unknown_rank_does_not_make_a_choice_of_segments():
    # Both ranks pay, gold far more: the one customer nobody knows the rank of is no segment to leave out.
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"rank": ["gold", "new"] * 200 + [None], "treated": [0, 0, 1, 1] * 100 + [1]})
    gain = frame["treated"] * frame["rank"].map({"gold": 90.0, "new": 30.0}).fillna(0)
    frame["revenue"] = gain + rng.normal(100, 10, len(frame))
    frame["customer_id"] = frame.index.astype(str)
    effects = segment_effects(frame, segment="rank", treated="treated", outcome="revenue", kind="mean")
    sent = next_send(effects, frame, segment="rank", margin_rate=0.5, costs=Costs(send=1))
    assert segments_that_pay(effects, sent) == {
        "segments": ("gold", "new"),
        "segments_differ": True,
        "all_segments": True,
    }


@pytest.mark.parametrize(
    ("fixed", "paying"),
    [
        pytest.param(15_000, ("gold",), id="brought in"),
        pytest.param(25_000, (), id="more than they bring in"),
    ],
)
def test_segments_pay_only_when_they_bring_in_the_fixed_cost(fixed, paying):
    # 400 customers are gold, each worth some 100 × 50 % − 10: 16,000 together.
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"rank": ["gold", "new"] * 400, "treated": [0, 0, 1, 1] * 200})
    frame["revenue"] = 100.0 * frame["treated"] * (frame["rank"] == "gold") + rng.normal(100, 5, len(frame))
    frame["customer_id"] = frame.index.astype(str)
    effects = segment_effects(frame, segment="rank", treated="treated", outcome="revenue", kind="mean")
    sent = next_send(effects, frame, segment="rank", margin_rate=0.5, costs=Costs(send=10, fixed=fixed))
    assert segments_that_pay(effects, sent)["segments"] == paying


def test_a_finished_test_by_plain_means():
    parts = shop()
    found = evaluate(parts)
    (arm,) = found.arms
    table = to_pandas(found.outcomes.frame)
    treated, control = (table[table["treated"] == side] for side in (1, 0))
    effect = arm.effects["revenue"].estimate
    assert effect.difference == pytest.approx(treated["revenue"].mean() - control["revenue"].mean())
    assert arm.effects["conversion"].value_control == pytest.approx(control["converted"].mean())
    assert arm.profit.profit == pytest.approx(effect.difference * 1500 * 0.6 - 10 * 1500 - 2000)
    assert arm.effects["revenue"].cuped is not None
    assert arm.effects["revenue"].capped.cap > 0
    # The primary metric is alone in its family; the reaction does not count among what was bought.
    assert arm.effects["revenue"].p_adjusted == effect.p_value
    assert arm.effects["opened"].p_adjusted == arm.effects["opened"].estimate.p_value
    assert "clicked" not in arm.effects
    assert arm.mde == pytest.approx(2.8 * effect.standard_error, rel=0.01)
    assert found.holdout.n_control == 1500
    assert found.holdout.forgone == pytest.approx((effect.difference * 0.6 - 10) * 1500)
    assert (found.running, arm.look, list(arm.segments)) == (False, None, ["rank"])
    assert arm.next_send.segments["customers"].sum() == 3000
    assert arm.qini.overall == pytest.approx(effect.difference)


def test_customers_needed_see_the_effect_that_just_pays():
    (arm,) = evaluate(shop(n=1000), replace(PLAN, costs=Costs(send=60))).arms
    error = arm.effects["revenue"].estimate.standard_error
    # 2.80 standard errors at the size asked for are the break-even effect of 60 ÷ 0.6.
    assert arm.needed.n_treatment == pytest.approx(500 * (2.80 * error / 100) ** 2, rel=0.02)
    assert evaluate(shop(n=1000), replace(PLAN, costs=Costs())).arms[0].needed is None


def test_arms_share_fixed_cost_by_customers_and_the_best_is_told():
    plan = replace(PLAN, arms={"line": 1, "mail": 1, "none": 1}, costs=Costs(send=10, fixed=3000, coupon=300))
    sends, lines, ranks = shop(arms=("line", "mail", "none"))
    line = lines["customer_id"].isin(sends.loc[sends["arm"] == "line", "customer_id"])
    weaker = line & (lines["order_date"] >= pd.Timestamp(START)) & (lines.index % 2 == 0)
    found = evaluate((sends, lines[~weaker], ranks), plan)
    assert [arm.arm for arm in found.arms] == ["line", "mail"]
    assert [arm.profit.cost for arm in found.arms] == [1000 * 10 + 1500 + 150] * 2
    assert found.arms[found.best].arm == "mail"
    assert found.judged == found.arms[1].judged
    # Holm over both arms' primary metrics.
    worst = max(arm.effects["revenue"].estimate.p_value for arm in found.arms)
    assert max(arm.effects["revenue"].p_adjusted for arm in found.arms) == pytest.approx(worst)


@pytest.mark.parametrize(
    ("options", "as_of", "expected"),
    [
        pytest.param({}, date(2026, 8, 20), ("keep_testing", "still_running"), id="no window is over"),
        pytest.param(
            {"lift": 0.0, "days": 20},
            date(2026, 9, 10),
            ("keep_testing", "still_running"),
            id="nothing to see",
        ),
        pytest.param(
            {"lift": 0.2, "days": 20},
            date(2026, 9, 15),
            ("roll_out", "profit_likely"),
            id="clear before the end",
        ),
        pytest.param(
            {"lift": -0.09, "days": 20}, date(2026, 9, 15), ("stop", "profit_unlikely"), id="clearly harmful"
        ),
    ],
)
def test_a_running_test_tells_only_what_holds_at_every_look(options, as_of, expected):
    plan = replace(PLAN, end=date(2026, 8, 22), planned_customers=3000)
    found = evaluate(shop(**options), plan, as_of=as_of)
    assert found.running
    assert (found.judged.verdict, found.judged.reason) == expected
    for arm in found.arms:
        assert (arm.segments, arm.next_send, arm.qini, found.holdout) == ({}, None, None, None)
        for effect in arm.effects.values():
            assert effect.method == "always_valid"
            assert (effect.capped, effect.cuped, effect.relative) == (None, None, None)
            reach = effect.estimate.upper - effect.estimate.difference
            assert reach > 1.96 * effect.estimate.standard_error
        if arm.profit is not None:
            assert math.isnan(arm.profit.p_positive)
        if arm.look is not None:
            assert arm.look.n_customers < 3000


def test_a_running_test_stops_for_harm_beyond_doubt():
    plan = replace(PLAN, end=date(2026, 8, 22), planned_customers=3000, guardrails={"unsubscribed": 0.01})
    found = evaluate(shop(unsubscribe=0.08, days=20), plan, as_of=date(2026, 9, 15))
    assert found.judged.reason == "guardrail_harmed"
    assert found.arms[0].guardrails["unsubscribed"].outcome == "broken"
    assert math.isnan(found.arms[0].guardrails["unsubscribed"].p_value)


def test_the_share_of_machines_among_opens_is_known_only_where_they_are_flagged():
    parts = shop()
    assert math.isnan(evaluate(parts).design.machine_open_share)
    flagged = parts[0].assign(machine_open=parts[0].index % 5 == 0)
    opened = flagged["opened_at"].notna()
    share = flagged.loc[opened, "machine_open"].mean()
    assert evaluate((flagged, *parts[1:])).design.machine_open_share == pytest.approx(share)
    assert evaluate((parts[0].assign(machine_open=False), *parts[1:])).design.machine_open_share == 0


def chosen(effect=0.0, n=4000, seed=8):
    """Half a shop was sent to, the likelier the more it had bought before; buying goes by the same habit."""
    rng = np.random.default_rng(seed)
    habit = rng.gamma(2, 1.2, n)
    past = 1 + rng.poisson(habit)
    probability = 1 / (1 + np.exp(-(past - 3.4) / 1.5))
    sent = rng.random(n) < probability
    orders = rng.poisson(np.maximum(0.25 * past / 6 + effect * sent, 0))
    people = np.array([f"c{i:05d}" for i in range(n)])
    ago, ahead = rng.integers(1, 170, past.sum()), rng.integers(0, 30, orders.sum())
    lines = pd.DataFrame({"customer_id": [*np.repeat(people, past), *np.repeat(people, orders)]})
    lines["order_id"] = [f"o{i}" for i in range(len(lines))]
    lines["order_date"] = pd.Timestamp(START) + pd.to_timedelta([*-ago, *ahead], unit="D")
    lines["revenue"] = rng.gamma(4, 1000, len(lines)).round()
    sends = pd.DataFrame({"customer_id": people[sent], "sent_on": pd.Timestamp(START), "arm": "sent"})
    return sends, lines


CHOSEN = replace(PLAN, randomised=False, control=None, arms={})


def compare(sends, lines, plan=CHOSEN, as_of=AS_OF, **options):
    parts = pl.from_pandas(sends), pl.from_pandas(lines)
    return evaluate_campaign(*parts, plan=plan, as_of=as_of, **options)


def test_chosen_customers_are_compared_at_equal_habits():
    sends, lines = chosen()
    found = compare(sends, lines)
    adjusted = found.not_randomised.adjusted
    assert adjusted.naive.lower > 200
    assert adjusted.doubly_robust.lower < 0 < adjusted.doubly_robust.upper
    assert found.judged.verdict in ("keep_testing", "stop")
    assert found.judged.grade == "adjusted"
    assert (found.design, found.arms) == (None, ())


def test_a_true_effect_on_chosen_customers_asks_for_a_test():
    sends, lines = chosen(effect=0.3)
    found = compare(sends, lines)
    assert (found.judged.verdict, found.judged.reason) == ("keep_testing", "profit_likely_but_not_randomised")
    assert (
        found.not_randomised.adjusted.doubly_robust.lower
        < 1200
        < found.not_randomised.adjusted.doubly_robust.upper
    )


def test_chosen_by_a_sharp_rule_there_is_nobody_alike():
    sends, lines = chosen()
    past = lines[lines["order_date"] < "2026-08-03"].groupby("customer_id").size()
    sends = sends[sends["customer_id"].isin(past.index[past > 4])]
    found = compare(sends, lines)
    assert (found.judged.verdict, found.judged.reason) == ("cannot_say", "diagnostic_failed")
    assert found.judged.details == found.not_randomised.adjusted.reasons != ()
    assert found.not_randomised.profit is None


def test_chosen_customers_wait_for_the_end_of_the_window():
    sends, lines = chosen()
    found = compare(sends, lines, as_of=date(2026, 8, 20))
    assert (found.judged.reason, found.not_randomised) == ("still_running", None)


def test_who_had_not_bought_for_two_years_is_left_out_of_the_comparison():
    sends, lines = chosen()
    lost = sends["customer_id"].iloc[:7]
    long_ago = pd.DataFrame(
        {"customer_id": lost, "order_id": [f"x{i}" for i in range(7)], "revenue": 5000.0}
    ).assign(order_date=pd.Timestamp(START) - pd.to_timedelta([730, *[731] * 6], unit="D"))
    lines = pd.concat([lines[~lines["customer_id"].isin(lost)], long_ago], ignore_index=True)
    evaluation = compare(sends, lines)
    found = evaluation.not_randomised
    assert (found.n_left_out, found.left_out_cost) == (6, 60.0)
    # The programme bears what sending to them cost; the chapter's own profit is of those compared.
    assert whole_profit(evaluation).profit == pytest.approx(found.profit.profit - 60)
    assert (found.first_day, found.last_day) == (START, date(2026, 9, 1))


def test_who_had_not_agreed_to_the_channel_could_not_have_been_sent_to_and_is_nobodys_equal():
    sends, lines = chosen()
    people = pd.DataFrame({"customer_id": sorted(lines["customer_id"].unique())})
    sent = people["customer_id"].isin(sends["customer_id"])
    # Of those sent to few have not agreed: consent decided who could be, and some withdrew since.
    refused = (people.index % 5 == 0) & (~sent | (people.index % 50 == 0))
    blank = (people.index % 7 == 0) & (~sent | (people.index % 70 == 0))
    people["consent_mail"] = pd.array(np.where(refused, False, True), dtype="boolean")
    people.loc[blank, "consent_mail"] = pd.NA
    # Who is not in the customers' table has not agreed either.
    people, stranger = people.iloc[:-1], not sent.iloc[-1]
    apart = int((~sent & (refused | blank))[:-1].sum()) + int(stranger)
    plain = compare(sends, lines).not_randomised
    found = compare(sends, lines, customers=pl.from_pandas(people)).not_randomised
    assert (plain.n_no_consent, found.n_no_consent) == (0, apart)
    one, other = found.adjusted.naive, plain.adjusted.naive
    # Whoever was sent to stays: those the campaign made unsubscribe belong to what it did.
    assert (one.n_treatment, one.n_control) == (other.n_treatment, other.n_control - apart)


@pytest.mark.parametrize(
    ("channel", "column"),
    [("app", "consent_mail"), ("line", "consent_mail"), ("mail", "prefecture")],
    ids=["a channel nobody agrees to", "consent to another channel only", "no consent on file"],
)
def test_without_consent_on_file_everybody_could_have_been_sent_to(channel, column):
    sends, lines = chosen(n=1500)
    people = pd.DataFrame({"customer_id": lines["customer_id"].unique(), column: False})
    found = compare(sends, lines, replace(CHOSEN, channel=channel), customers=pl.from_pandas(people))
    assert found.not_randomised.n_no_consent == 0


def test_both_sides_are_looked_at_over_the_same_days():
    sends, lines = chosen(n=1500)
    sends.loc[sends.index[::2], "sent_on"] += pd.Timedelta(days=4)
    late = pd.Timestamp(START) + pd.to_timedelta([33, 34] * 40, unit="D")
    late = pd.DataFrame({"customer_id": sends["customer_id"].iloc[:80], "order_date": late})
    late = late.assign(order_id=[f"x{i}" for i in range(80)], revenue=7000.0)
    lines = pd.concat([lines, late], ignore_index=True)
    found = compare(sends, lines).not_randomised
    inside = lines["order_date"].between("2026-08-03", "2026-09-05")
    known = lines.loc[lines["order_date"] < "2026-08-03", "customer_id"].unique()
    spent = lines[inside].groupby("customer_id")["revenue"].sum().reindex(known, fill_value=0)
    treated = spent.index.isin(sends["customer_id"])
    assert found.adjusted.naive.difference == pytest.approx(spent[treated].mean() - spent[~treated].mean())


def test_a_named_control_that_was_not_drawn_is_the_only_comparison():
    sends, lines = chosen()
    rest = sorted(set(lines["customer_id"]) - set(sends["customer_id"]))[:800]
    control = pd.DataFrame({"customer_id": rest, "sent_on": pd.Timestamp(START), "arm": "none"})
    plan = replace(PLAN, randomised=False, arms={"sent": 1, "none": 1})
    found = compare(pd.concat([sends, control]), lines, plan)
    assert found.not_randomised.adjusted.naive.n_control == 800


def test_dormant_customers_beside_equal_ones():
    rng = np.random.default_rng(2)
    n = 1200
    people = np.array([f"c{i:04d}" for i in range(n)])
    first = pd.DataFrame({"customer_id": people, "ago": rng.integers(200, 600, n)})
    back = pd.DataFrame({"customer_id": people[rng.random(n) < 0.15]}).assign(ago=-5)
    lines = pd.concat([first, back], ignore_index=True)
    lines["order_date"] = pd.Timestamp(START) - pd.to_timedelta(lines.pop("ago"), unit="D")
    lines = lines.assign(order_id=[f"o{i}" for i in range(len(lines))], revenue=1000.0)
    sends = pd.DataFrame({"customer_id": people[::2], "sent_on": pd.Timestamp(START), "arm": "sent"})
    found = compare(sends, lines).not_randomised
    assert (found.did, found.no_did) == (None, "nothing_before")
    assert found.won_back.n_treated == 600
    assert found.won_back.difference.lower < 0 < found.won_back.difference.upper
    assert found.won_back.came_back == pytest.approx(0.15, abs=0.03)


def test_periods_before_and_after_a_choice():
    sends, lines = chosen()
    compared = compare(sends, lines).not_randomised
    found = compared.did
    assert (found.n_before, found.n_after, compared.no_did) == (6, 1, "")
    # Who buys more before buys more after: the naive difference is theirs, not the campaign's.
    assert found.naive.lower > 200
    assert (
        found.means.loc[found.means["period"] == -1, "mean_treatment"].item()
        > found.means["mean_control"].max()
    )


def told(found):
    arm = found.arms[0]
    return {
        "judged": found.judged,
        "effects": [(n, e.estimate, e.p_adjusted) for n, e in arm.effects.items()],
        "profit": arm.profit,
        "needed": arm.needed,
        "qini": (arm.qini.coefficient, arm.qini.lower, arm.qini.upper),
        "segments": arm.segments["rank"].table.round(6).to_dict("list"),
        "next": arm.next_send.segments.round(6).to_dict("list"),
        "codes": [r.code for r in found.design.reasons],
    }


def test_engines_agree(engine):
    parts = shop(n=600)
    expected, found = told(evaluate(parts)), told(evaluate(parts, engine=engine))
    assert found["judged"] == expected["judged"]
    assert found["segments"] == expected["segments"]
    assert found["next"] == expected["next"]
    assert found["qini"] == pytest.approx(expected["qini"], rel=1e-9)
    for (name, one, p_one), (other_name, other, p_other) in zip(
        found["effects"], expected["effects"], strict=True
    ):
        assert name == other_name
        assert (one.difference, one.lower, p_one) == pytest.approx(
            (other.difference, other.lower, p_other), rel=1e-9
        )


def test_engines_agree_on_chosen_customers(engine):
    sends, lines = chosen(n=1500)
    expected = compare(sends, lines).not_randomised
    found = evaluate_campaign(engine(sends), engine(lines), plan=CHOSEN, as_of=AS_OF).not_randomised
    assert found.judged == expected.judged
    assert found.adjusted.doubly_robust.difference == pytest.approx(
        expected.adjusted.doubly_robust.difference, rel=1e-6
    )
    assert found.did.naive.difference == pytest.approx(expected.did.naive.difference)


def test_row_order_and_names_of_customers_are_irrelevant():
    parts = shop(n=800)
    shuffled = [part.sample(frac=1, random_state=1, ignore_index=True) for part in parts]
    renamed = [part.assign(customer_id=part["customer_id"].str[::-1]) for part in shuffled]
    expected = told(evaluate(parts))
    assert [told(evaluate(other)) == expected for other in (shuffled, renamed)] == [True, True]


@pytest.mark.parametrize("randomised", [True, False])
def test_scaling_money_scales_money(randomised):
    if randomised:
        sends, lines, _ = shop(n=1200)
        plan = PLAN
    else:
        (sends, lines), plan = chosen(), CHOSEN
    one = compare(sends, lines, plan)
    scaled = replace(plan, costs=Costs(send=10 / 128, fixed=2000 / 128))
    other = compare(sends, lines.assign(revenue=lines["revenue"] / 128), scaled)
    of_one, of_other = (
        found.arms[0].profit if randomised else found.not_randomised.profit for found in (one, other)
    )
    assert of_other.profit * 128 == pytest.approx(of_one.profit, rel=1e-6)
    assert of_other.p_positive == pytest.approx(of_one.p_positive, rel=1e-6)
    assert other.judged == one.judged


def test_a_share_of_arms_nobody_planned_is_refused_with_the_campaigns_name():
    sends, lines, _ = shop(n=300, arms=("mail", "none", "sms"))
    with pytest.raises(ConfigError, match="campaign 'refill': arm 'sms' was not planned"):
        evaluate_campaign(sends, lines, plan=PLAN, as_of=AS_OF)


def test_what_it_refuses():
    sends, lines, ranks = shop(n=300)
    for options, message in (
        ({"plan": replace(PLAN, guardrails={"complaints": 0.1})}, "'complaints' can be no guardrail"),
        ({"covariates": ["age"]}, "covariate 'age' is neither of"),
    ):
        with pytest.raises(ConfigError, match=message):
            evaluate_campaign(sends, lines, **{"plan": PLAN, "as_of": AS_OF, "attributes": ranks} | options)


@pytest.mark.parametrize(
    ("profits", "best"),
    [
        pytest.param([10.0, 90.0, 500.0], 1, id="of two to roll out the one that earns more"),
        pytest.param([math.nan, 90.0, 500.0], 1, id="a profit nobody knows comes last"),
        pytest.param([10.0, 10.0, 500.0], 0, id="of equals the first"),
    ],
)
def test_the_arm_that_is_told(profits, best):
    roll_out, stop = (judge(Evidence("randomised", p_positive=p)) for p in (0.99, 0.01))
    assert best_of([roll_out, roll_out, stop], profits) == best


def test_a_campaign_without_records_of_delivery_reached_all_of_its_rows():
    sends, lines, _ = shop(n=400)
    letter = sends.assign(campaign_id="letter", arm="dm", delivered_at=pd.NaT)
    found = evaluate_campaign(pd.concat([sends, letter]), lines, plan=PLAN, as_of=AS_OF)
    assert found.design.overlap["in_others"].tolist() == [200, 200]


def test_other_campaigns_in_the_same_days_are_told_by_arm():
    sends, lines, _ = shop(n=2000)
    mail = sends["arm"] == "mail"
    other = sends[mail & (sends.index % 6 == 0)].assign(campaign_id="sale", arm="sms")
    held = sends[~mail].assign(campaign_id="sale", arm="none")
    late = sends[~mail].assign(campaign_id="late", arm="sms", sent_on=pd.Timestamp("2026-09-02"))
    late["delivered_at"] = late["sent_on"]
    found = evaluate_campaign(
        pd.concat([sends, other, held, late], ignore_index=True), lines, plan=PLAN, as_of=AS_OF
    )
    assert [reason.code for reason in found.design.reasons] == ["overlap"]
    assert found.design.overlap["in_others"].tolist() == [len(other), 0]
    assert found.judged.verdict != "cannot_say"


def test_two_campaigns_with_one_holdout_cannot_be_told_apart():
    parts = shop(n=2000)
    both = pd.concat([parts[0], parts[0].assign(campaign_id="sale")], ignore_index=True)
    found = evaluate((both, *parts[1:]))
    assert (found.judged.verdict, found.judged.reason) == ("cannot_say", "other_campaign")
    assert (found.arms, found.design.blocks, found.design.well_drawn) == ((), True, True)


@pytest.mark.parametrize(
    ("controls", "reason"),
    [
        pytest.param(None, "profit_likely", id="taken for reached, the held-out seem to be in it too"),
        pytest.param({"letter": "kept"}, "other_campaign", id="its control is named"),
        pytest.param({"refill": "none", "other": "kept"}, "profit_likely", id="another one's control"),
    ],
)
def test_held_out_rows_of_a_campaign_without_records_of_delivery(engine, controls, reason):
    sends, lines, _ = shop(n=2000)
    arms = sends["arm"].map({"mail": "dm", "none": "kept"})
    letter = sends.assign(campaign_id="letter", arm=arms, delivered_at=pd.NaT)
    both = pd.concat([sends, letter], ignore_index=True)
    found = evaluate_campaign(engine(both), engine(lines), plan=PLAN, as_of=AS_OF, controls=controls)
    assert found.judged.reason == reason


@pytest.mark.parametrize("randomised", [True, False], ids=["drawn by lot", "chosen"])
def test_no_final_verdict_where_the_orders_on_file_end_within_the_windows(randomised):
    (sends, lines), plan = (shop()[:2], PLAN) if randomised else (chosen(effect=0.3), CHOSEN)
    cut = lines[lines["order_date"] <= "2026-08-20"]
    found = compare(sends, cut, plan)
    assert (found.judged.verdict, found.judged.reason) == ("keep_testing", "still_running")
    assert (found.running, found.not_randomised) == (True, None)


def test_customers_of_several_arms_are_not_among_those_not_sent_to():
    sends, lines = chosen(n=1500)
    torn = sends.iloc[:100].assign(arm="other")
    found = compare(pd.concat([sends, torn], ignore_index=True), lines).not_randomised.adjusted.naive
    alone = compare(sends, lines).not_randomised.adjusted.naive
    assert (found.n_treatment, found.n_control) == (alone.n_treatment - 100, alone.n_control)
