"""Which hypotheses of a month's campaigns are settled, and which are carried to the next month."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

from crmreport.analysis.campaign.evaluation import Evaluation
from crmreport.analysis.campaign.exposure import window_end
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.period import Period

Status = Literal["settled", "followed", "open", "carried", "running"]
# Of these the next month's log begins.
OPEN: tuple[Status, ...] = ("open", "carried", "running")


def followed_by(plan: CampaignPlan, plans: Sequence[CampaignPlan], *, as_of: date) -> str | None:
    """The first campaign begun by ``as_of`` that repeats this one or tests it again.

    Examples:
        >>> a = CampaignPlan("a", "mail", date(2026, 8, 1), date(2026, 8, 1))
        >>> b = CampaignPlan("b", "mail", date(2026, 10, 1), date(2026, 10, 1), follows="a")
        >>> followed_by(a, [a, b], as_of=date(2026, 10, 31)), followed_by(a, [a, b], as_of=date(2026, 9, 30))
        ('b', None)
    """
    later = sorted(
        (other.start, other.campaign_id)
        for other in plans
        if other.follows == plan.campaign_id and other.start <= as_of
    )
    return later[0][1] if later else None


def status_of(evaluation: Evaluation, *, plan: CampaignPlan, successor: str | None, period: Period) -> Status:
    """Where the campaign's hypothesis stands when the period ends.

    ``settled``: the verdict is to roll out or to stop; ``followed``: not settled, and a later campaign
    takes it up; ``running``: the windows are not over, and an answer may come; ``open``: judged in this
    period without an answer; ``carried``: judged in an earlier period without an answer, and still nobody
    has taken it up.

    Args:
        evaluation: The campaign.
        plan: The same with the days it was sent on; see ``as_sent``.
        successor: The campaign that follows it; None without one.
        period: The report's period.
    """
    if evaluation.judged.verdict not in ("keep_testing", "cannot_say"):
        return "settled"
    if successor is not None:
        return "followed"
    if evaluation.running and evaluation.judged.verdict == "keep_testing":
        return "running"
    is_older = window_end(plan, as_of=period.as_of) < period.start
    return "carried" if is_older else "open"
