"""The verdict on a campaign: one of five, with its reason and the grade of the evidence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

Verdict = Literal["roll_out", "roll_out_to_segments", "keep_testing", "stop", "cannot_say"]
Grade = Literal["randomised", "adjusted", "observational"]
Reason = Literal[
    "conditioned_on_response",
    "sent_otherwise",
    "assignment_broken",
    "duplicate_customers",
    "groups_differ",
    "other_campaign",
    "no_comparison",
    "diagnostic_failed",
    "not_adjusted",
    "guardrail_harmed",
    "no_profit_known",
    "still_running",
    "profit_unlikely",
    "profit_unlikely_but_segments_pay",
    "segments_pay",
    "guardrail_open",
    "profit_likely_but_not_randomised",
    "profit_likely",
    "too_uncertain",
]

# Of a campaign that was not evaluated at all: no row of the decision table leads there.
NotEvaluable = Literal["not_evaluable"]

# Of a verdict withheld, beside the codes of the module that adjusts.
Withheld = Literal["too_few_buyers"]
_TOO_FEW_BUYERS: tuple[Withheld, ...] = ("too_few_buyers",)

# Profit is likely above the first, unlikely below the second.
LIKELY, UNLIKELY = 0.95, 0.05


def likely(arms: int = 1) -> float:
    """Probability from which a profit is likely: of several arms the best is told, so each is asked for more.

    With the same bar for each, five arms that just pay for themselves would be rolled out 17 times in a
    hundred. Bonferroni: 1 − 0.05 ÷ arms.

    Args:
        arms: Treated arms of the campaign.

    Examples:
        >>> [round(likely(n), 4) for n in (1, 2, 5)]
        [0.95, 0.975, 0.99]
    """
    return 1 - (1 - LIKELY) / arms if arms > 1 else LIKELY


@dataclass(frozen=True)
class Evidence:
    """What is known about a campaign when it is judged.

    Attributes:
        grade: ``randomised`` (arms drawn by lot), ``adjusted`` (chosen, differences adjusted for and
            the diagnostics passed), ``observational`` (chosen and compared as they are).
        p_positive: Probability of profit above 0; nan when profit is not known.
        conditioned_on: What the compared customers did after the sending (``opened``, ``clicked``,
            ``redeemed``); None when they are compared as assigned.
        compared: Whether there is an untreated group at all.
        as_drawn: Whether customers were sent what was drawn for them, where the list that was drawn is kept.
        ratio_ok: Whether arm sizes are as planned (sample-ratio mismatch p ≥ .001).
        unique_customers: Whether every customer is in one arm.
        balanced: Whether the arms were alike before the campaign, as far as chance makes them.
        alone: Whether no other campaign met one arm far oftener than the control.
        withheld: Why an effect was withheld (too few customers, or as the adjusting module says); empty
            when it was not.
        few_buyers: Whether too few bought to tell a profit.
        running: Whether the campaign or its window is not over yet.
        sequential_done: Whether the always-valid interval already excludes 0: then a running test
            may be judged.
        guardrail: ``held``, ``harmed`` (worse than the margin beyond doubt), ``open`` (not shown to be
            held) or ``none`` (not measured).
        segments: Segments whose expected profit is positive beyond the confidence asked of them.
        segments_differ: Whether segments differ by more than chance (Cochran Q).
        all_segments: Whether ``segments`` are all there are.
        arms: Treated arms of the campaign: the more, the more is asked of each (see :func:`likely`).
    """

    grade: Grade
    p_positive: float
    conditioned_on: str | None = None
    compared: bool = True
    as_drawn: bool = True
    ratio_ok: bool = True
    unique_customers: bool = True
    balanced: bool = True
    alone: bool = True
    withheld: tuple[str, ...] = ()
    few_buyers: bool = False
    running: bool = False
    sequential_done: bool = False
    guardrail: Literal["held", "harmed", "open", "none"] = "none"
    segments: tuple[str, ...] = ()
    segments_differ: bool = False
    all_segments: bool = False
    arms: int = 1

    def __post_init__(self) -> None:
        if not (math.isnan(self.p_positive) or 0 <= self.p_positive <= 1):
            raise ValueError(f"p_positive is {self.p_positive}; give a probability, or nan when not known")


@dataclass(frozen=True)
class Rule:
    """One row of the decision table.

    Attributes:
        when: Facts that must all hold, by name; see :func:`facts`.
        verdict: What follows.
        reason: Why.
    """

    when: Mapping[str, Any]
    verdict: Verdict
    reason: Reason


# Read from the top; the first row that fits decides. What makes an answer impossible comes before
# what the answer would be.
DECISIONS: tuple[Rule, ...] = (
    Rule({"conditioned": True}, "cannot_say", "conditioned_on_response"),
    Rule({"compared": False}, "cannot_say", "no_comparison"),
    Rule({"as_drawn": False}, "cannot_say", "sent_otherwise"),
    Rule({"unique_customers": False}, "cannot_say", "duplicate_customers"),
    Rule({"ratio_ok": False}, "cannot_say", "assignment_broken"),
    Rule({"balanced": False}, "cannot_say", "groups_differ"),
    Rule({"alone": False}, "cannot_say", "other_campaign"),
    Rule({"withheld": True}, "cannot_say", "diagnostic_failed"),
    Rule({"grade": "observational"}, "cannot_say", "not_adjusted"),
    # Harm needs no profit figure and no patience.
    Rule({"guardrail": "harmed"}, "stop", "guardrail_harmed"),
    Rule({"few_buyers": True}, "cannot_say", "diagnostic_failed"),
    Rule({"profit": "unknown"}, "cannot_say", "no_profit_known"),
    Rule({"waiting": True}, "keep_testing", "still_running"),
    Rule(
        {"profit": "unlikely", "choose_segments": True, "grade": "randomised", "guardrail_ok": True},
        "roll_out_to_segments",
        "profit_unlikely_but_segments_pay",
    ),
    Rule({"profit": "unlikely"}, "stop", "profit_unlikely"),
    Rule({"guardrail_ok": False}, "keep_testing", "guardrail_open"),
    Rule({"profit": "likely", "grade": "adjusted"}, "keep_testing", "profit_likely_but_not_randomised"),
    Rule({"choose_segments": True, "grade": "randomised"}, "roll_out_to_segments", "segments_pay"),
    Rule({"profit": "likely"}, "roll_out", "profit_likely"),
    Rule({}, "keep_testing", "too_uncertain"),
)


@dataclass(frozen=True)
class Judged:
    """A verdict.

    Attributes:
        verdict: What to do.
        reason: Why.
        grade: How good the evidence is.
        segments: Segments to roll out to; empty with any other verdict.
        details: Reason codes of the diagnostics that failed, what was conditioned on, or the arms the plan
            does not know (``not_evaluable``).
        rule: Row of the decision table, from 0; −1 where it was not asked.
    """

    verdict: Verdict
    reason: Reason | NotEvaluable
    grade: Grade
    segments: tuple[str, ...]
    details: tuple[str, ...]
    rule: int


def facts(evidence: Evidence) -> dict[str, Any]:
    """What the decision table asks about."""
    p = evidence.p_positive
    profit = "open"
    if math.isnan(p):
        profit = "unknown"
    elif p >= likely(evidence.arms):
        profit = "likely"
    elif p <= UNLIKELY:
        profit = "unlikely"
    given = {field.name: getattr(evidence, field.name) for field in fields(evidence)}
    return given | {
        "conditioned": evidence.conditioned_on is not None,
        "withheld": bool(evidence.withheld),
        "profit": profit,
        "waiting": evidence.running and not evidence.sequential_done,
        "choose_segments": evidence.segments_differ and bool(evidence.segments) and not evidence.all_segments,
        "guardrail_ok": evidence.guardrail in ("held", "none"),
    }


def judge(evidence: Evidence) -> Judged:
    """The verdict: the first row of :data:`DECISIONS` whose facts all hold.

    Customers compared by what they did after the sending (opened, clicked, redeemed) never get a
    verdict: openers buy more without any mail. An effect of customers chosen, not drawn, is never
    rolled out on: it asks for a test.

    Args:
        evidence: What is known.

    Returns:
        Verdict, reason and grade.

    Examples:
        >>> judge(Evidence("randomised", p_positive=0.99, guardrail="held")).verdict
        'roll_out'
        >>> found = judge(Evidence("randomised", p_positive=0.99, conditioned_on="opened"))
        >>> found.verdict, found.reason, found.details
        ('cannot_say', 'conditioned_on_response', ('opened',))
    """
    known = facts(evidence)
    number, rule = next(
        (i, rule)
        for i, rule in enumerate(DECISIONS)
        if all(known[name] == value for name, value in rule.when.items())
    )
    details = (evidence.withheld or _TOO_FEW_BUYERS) if rule.reason == "diagnostic_failed" else ()
    if rule.reason == "conditioned_on_response":
        details = (str(evidence.conditioned_on),)
    segments = evidence.segments if rule.verdict == "roll_out_to_segments" else ()
    return Judged(rule.verdict, rule.reason, evidence.grade, segments, details, number)
