"""From what was found of a campaign to the facts its verdict is made of."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Literal

from crmreport.analysis.campaign.design import DesignCheck
from crmreport.analysis.campaign.guardrail import Guardrail
from crmreport.analysis.campaign.heterogeneity import SegmentEffects
from crmreport.analysis.campaign.next_send import NextSend
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.campaign.verdict import Evidence, Judged, Verdict, judge

# Words by which arms and attributes tell that customers were sorted by what they did after the sending.
_RESPONSE = {
    "opened": "opened opener openers unopened",
    "clicked": "clicked clicker clickers",
    "redeemed": "redeemed redeemer redeemers",
    "converted": "converted converter converters",
    "unsubscribed": "unsubscribed unsubscriber unsubscribers",
}
# Japanese has no spaces to cut at: these stand anywhere in a name (未開封者 too). Not クリック alone:
# クリックポスト is a way to send a DM.
_RESPONSE_WITHIN = {
    "opened": ("開封",),
    "clicked": ("クリック者",),
    "redeemed": ("クーポン利用者", "クーポン使用者"),
}
_SEGMENTS_DIFFER = 0.05
FEW_BUYERS = 10
_DRAW_BROKEN = {"sample_ratio", "sample_ratio_segment", "control_reached", "days_apart"}
# Best first: of several arms the one is told whose verdict asks for most.
_ORDER: tuple[Verdict, ...] = ("roll_out", "roll_out_to_segments", "keep_testing", "stop", "cannot_say")


def conditioned_on(plan: CampaignPlan, names: Sequence[str] = ()) -> str | None:
    """What customers did after the sending and were then compared by; None when by nothing.

    As the plan says, or as the names of its arms do: one of their words (cut at spaces, hyphens and
    underscores) is opened, opener, clicked, clicker, redeemed, converted, unsubscribed …, or it holds
    開封, クリック者, クーポン利用者.

    Args:
        plan: The campaign.
        names: Names of the arms in the sends, which the plan need not state, and of attributes.

    Examples:
        >>> from datetime import date
        >>> day = date(2026, 8, 3)
        >>> conditioned_on(CampaignPlan("c", "mail", day, day, {"non-openers": 1, "openers": 1}))
        'opened'
        >>> conditioned_on(CampaignPlan("c", "mail", day, day, {"mail": 1, "none": 1})) is None
        True
    """
    if plan.conditioned_on is not None:
        return plan.conditioned_on
    for name in (*plan.arms, *names):
        words = set(re.split(r"[^a-z]+", name.lower()))
        for response, forms in _RESPONSE.items():
            if words & set(forms.split()):
                return response
        for response, parts in _RESPONSE_WITHIN.items():
            if any(part in unicodedata.normalize("NFKC", name) for part in parts):
                return response
    return None


def cannot_say(
    *, conditioned: str | None = None, compared: bool = True, design: DesignCheck | None = None
) -> Judged:
    """The verdict where no effect may be told: compared by response, with nobody, or by a broken draw.

    Args:
        conditioned: What was conditioned on.
        compared: Whether there is anybody to compare with.
        design: A design check that blocks.
    """
    codes = {reason.code for reason in design.reasons if reason.blocks} if design else set()
    return judge(
        Evidence(
            "observational" if design is None else "randomised",
            p_positive=math.nan,
            conditioned_on=conditioned,
            compared=compared,
            as_drawn="not_as_planned" not in codes,
            unique_customers="several_arms" not in codes,
            ratio_ok=not codes & _DRAW_BROKEN,
            balanced="unbalanced" not in codes,
            alone="overlap" not in codes,
        )
    )


def guardrail_state(
    stated: Mapping[str, float], found: Mapping[str, Guardrail]
) -> Literal["held", "harmed", "open", "none"]:
    """All guardrails in one word; one that was stated and not measured is open.

    Examples:
        >>> guardrail_state({}, {}), guardrail_state({"unsubscribed": 0.01}, {})
        ('none', 'open')
    """
    if not stated:
        return "none"
    outcomes = [found[name].outcome if name in found else "not_shown" for name in stated]
    if "broken" in outcomes:
        return "harmed"
    return "held" if set(outcomes) == {"held"} else "open"


def few_buyers(n_treatment: float, n_control: float, buyers: float) -> bool:
    """Whether too few bought for a probability of profit, at the rate of both groups together.

    Ten buyers are asked for in the smaller arm. Simulated with lognormal amounts and arms of one size, a
    campaign that exactly pays for itself would be stopped 17 to 27 times in a hundred instead of 5 with
    two to four, and some 8 times with 15.

    Args:
        n_treatment: Customers sent to.
        n_control: Customers not sent to.
        buyers: How many of both bought.

    Examples:
        >>> few_buyers(9_500, 500, 199), few_buyers(9_500, 500, 200)
        (True, False)
    """
    # Multiplied first: ten are ten.
    return buyers * min(n_treatment, n_control) < FEW_BUYERS * (n_treatment + n_control)


def segments_that_pay(
    effects: SegmentEffects | None, next_time: NextSend | None, *, arms: int = 1
) -> dict[str, object]:
    """The facts about segments: those that pay, whether they differ, whether they are all with an effect.

    None pays where all that do would not bring in the fixed cost.

    Args:
        effects: Effects by segment.
        next_time: Whom to send to next time.
        arms: Treated arms of the campaign: each looks for segments, so each is asked for more (Bonferroni).
    """
    if effects is None or next_time is None:
        return {}
    table = next_time.segments
    paying = tuple(sorted(table.loc[table["send"], "segment"].astype(str))) if next_time.profit > 0 else ()
    return {
        "segments": paying,
        "segments_differ": effects.q_p_value < _SEGMENTS_DIFFER / arms,
        "all_segments": len(paying) == len(table),
    }


def best_of(judged: Sequence[Judged], profits: Sequence[float]) -> int:
    """Number of the arm that is told: the verdict that asks for most, then the highest profit."""

    def key(i: int) -> tuple[int, float]:
        profit = profits[i]
        return _ORDER.index(judged[i].verdict), math.inf if math.isnan(profit) else -profit

    return min(range(len(judged)), key=key)
