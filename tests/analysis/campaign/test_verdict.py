"""The decision table: a case for every row, and what may never happen."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from crmreport.analysis.campaign.verdict import DECISIONS, Evidence, Grade, Reason, Verdict, judge, likely

GOLD = {"segments": ("gold",), "segments_differ": True}
# Row → evidence, verdict, reason.
CASES = [
    pytest.param(
        {"conditioned_on": "opened", "p_positive": 0.999},
        "cannot_say",
        "conditioned_on_response",
        id="openers against control",
    ),
    pytest.param({"compared": False}, "cannot_say", "no_comparison", id="everybody was sent to"),
    pytest.param(
        {"as_drawn": False, "ratio_ok": False, "p_positive": 0.99},
        "cannot_say",
        "sent_otherwise",
        id="sent otherwise than drawn",
    ),
    pytest.param(
        {"unique_customers": False, "p_positive": 0.99}, "cannot_say", "duplicate_customers", id="in two arms"
    ),
    pytest.param(
        {"ratio_ok": False, "p_positive": 0.99}, "cannot_say", "assignment_broken", id="arms of a wrong size"
    ),
    pytest.param(
        {"balanced": False, "p_positive": 0.99}, "cannot_say", "groups_differ", id="arms unlike before"
    ),
    pytest.param(
        {"alone": False, "p_positive": 0.99}, "cannot_say", "other_campaign", id="another one in one arm"
    ),
    pytest.param(
        {"grade": "adjusted", "withheld": ("no_overlap",), "p_positive": 0.99},
        "cannot_say",
        "diagnostic_failed",
        id="nobody alike to compare with",
    ),
    pytest.param(
        {"grade": "observational", "p_positive": 0.99},
        "cannot_say",
        "not_adjusted",
        id="compared as they are",
    ),
    pytest.param(
        {"guardrail": "harmed", "p_positive": 0.99},
        "stop",
        "guardrail_harmed",
        id="earns but drives people off",
    ),
    pytest.param(
        {"few_buyers": True, "p_positive": 0.99},
        "cannot_say",
        "diagnostic_failed",
        id="three customers bought",
    ),
    pytest.param({"p_positive": math.nan}, "cannot_say", "no_profit_known", id="no margin given"),
    pytest.param({"running": True, "p_positive": 0.99}, "keep_testing", "still_running", id="interim look"),
    pytest.param(
        {"p_positive": 0.01, **GOLD},
        "roll_out_to_segments",
        "profit_unlikely_but_segments_pay",
        id="loses on the whole, earns with gold",
    ),
    pytest.param({"p_positive": 0.01}, "stop", "profit_unlikely", id="significant revenue, no profit"),
    pytest.param(
        {"p_positive": 0.99, "guardrail": "open"}, "keep_testing", "guardrail_open", id="harm not excluded"
    ),
    pytest.param(
        {"p_positive": 0.99, "grade": "adjusted"},
        "keep_testing",
        "profit_likely_but_not_randomised",
        id="earns, as far as adjusting can tell",
    ),
    pytest.param(
        {"p_positive": 0.99, **GOLD}, "roll_out_to_segments", "segments_pay", id="only some segments earn"
    ),
    pytest.param({"p_positive": 0.99, "guardrail": "held"}, "roll_out", "profit_likely", id="earns"),
    pytest.param({"p_positive": 0.6}, "keep_testing", "too_uncertain", id="could be either"),
]


@pytest.mark.parametrize(("given_facts", "verdict", "reason"), CASES)
def test_every_row(given_facts, verdict, reason):
    found = judge(Evidence(**{"grade": "randomised", "p_positive": 0.5, **given_facts}))
    assert (found.verdict, found.reason) == (verdict, reason)
    assert found.segments == (("gold",) if verdict == "roll_out_to_segments" else ())


def test_every_row_has_its_case_and_every_word_its_row():
    given_facts = [dict(case.values[0]) for case in CASES]  # type: ignore[call-overload]
    reached = [judge(Evidence(**{"grade": "randomised", "p_positive": 0.5, **g})).rule for g in given_facts]
    assert reached == list(range(len(DECISIONS)))
    assert {rule.verdict for rule in DECISIONS} == set(get_args(Verdict))
    assert {rule.reason for rule in DECISIONS} == set(get_args(Reason))


@pytest.mark.parametrize(
    ("given_facts", "verdict"),
    [
        pytest.param({"p_positive": 0.95}, "roll_out", id="exactly likely"),
        pytest.param({"p_positive": 0.05}, "stop", id="exactly unlikely"),
        pytest.param({"p_positive": 0.974, "arms": 2}, "keep_testing", id="likely, were it the only arm"),
        pytest.param({"p_positive": 0.975, "arms": 2}, "roll_out", id="exactly likely for one of two arms"),
        pytest.param({"p_positive": 0.989, "arms": 5}, "keep_testing", id="not likely for one of five"),
        pytest.param(
            {"running": True, "sequential_done": True, "p_positive": 0.99}, "roll_out", id="settled early"
        ),
        pytest.param(
            {"p_positive": 0.99, "segments": ("gold",)},
            "roll_out",
            id="segments that do not differ are no reason",
        ),
        pytest.param(
            {"p_positive": 0.01, "guardrail": "open", **GOLD},
            "stop",
            id="segments do not pay for harm not excluded",
        ),
        pytest.param(
            {"p_positive": 0.01, "grade": "adjusted", **GOLD}, "stop", id="segments need a lot drawn"
        ),
    ],
)
def test_edges(given_facts, verdict):
    assert judge(Evidence(**{"grade": "randomised", **given_facts})).verdict == verdict


EVIDENCE = st.builds(
    Evidence,
    grade=st.sampled_from(get_args(Grade)),
    p_positive=st.one_of(st.floats(0, 1), st.just(math.nan)),
    conditioned_on=st.sampled_from([None, None, "opened", "clicked", "redeemed"]),
    compared=st.booleans(),
    ratio_ok=st.booleans(),
    unique_customers=st.booleans(),
    balanced=st.booleans(),
    alone=st.booleans(),
    arms=st.integers(1, 4),
    withheld=st.sampled_from([(), (), ("placebo_differs",)]),
    running=st.booleans(),
    sequential_done=st.booleans(),
    guardrail=st.sampled_from(["held", "harmed", "open", "none"]),
    segments=st.sampled_from([(), ("gold",)]),
    segments_differ=st.booleans(),
    all_segments=st.booleans(),
)


@given(EVIDENCE)
def test_what_may_never_happen(evidence):
    found = judge(evidence)
    if evidence.conditioned_on or not evidence.compared or not evidence.ratio_ok or evidence.withheld:
        assert found.verdict == "cannot_say"
    if not (evidence.balanced and evidence.alone):
        assert found.verdict == "cannot_say"
    if found.verdict in ("roll_out", "roll_out_to_segments"):
        assert evidence.grade == "randomised"
        assert evidence.guardrail in ("held", "none")
        assert evidence.sequential_done or not evidence.running
    if found.verdict == "roll_out":
        assert evidence.p_positive >= likely(evidence.arms) >= 0.95


def test_at_break_even_one_of_several_arms_is_rolled_out_as_seldom_as_one_alone():
    # Effects against one control are correlated by half; the campaign's verdict is that of the best arm.
    rng = np.random.default_rng(3)
    for arms in (1, 2, 3, 5):
        z = (rng.normal(size=(20_000, arms)) + rng.normal(size=(20_000, 1))) / math.sqrt(2)
        assert (ndtr(z).max(axis=1) >= likely(arms)).mean() < 0.055


def test_openers_never_get_a_verdict_however_large_their_effect():
    # T2: openers buy 2.7 points more than control (z = 16); the campaign did nothing.
    assert (
        judge(Evidence("randomised", p_positive=1.0, conditioned_on="opened", guardrail="held")).verdict
        == "cannot_say"
    )


def test_what_failed_is_handed_on():
    found = judge(Evidence("adjusted", p_positive=0.9, withheld=("no_overlap", "imbalance_after")))
    assert found.details == ("no_overlap", "imbalance_after")


def test_a_probability_beyond_one_is_refused():
    with pytest.raises(ValueError, match="p_positive is 95"):
        Evidence("randomised", p_positive=95)
