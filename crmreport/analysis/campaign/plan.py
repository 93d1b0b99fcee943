"""A campaign as it was planned: known before its results, and not moved after them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

import pandas as pd

from crmreport.analysis.campaign.money import Costs
from crmreport.errors import ConfigError

CampaignKind = Literal["single", "steps", "cart", "area"]
Primary = Literal["revenue", "conversion"]
PlaceColumn = Literal["store_id", "prefecture"]


@dataclass(frozen=True, slots=True)
class Area:
    """Where a campaign ran that was sent to nobody: a TV spot, a leaflet, an event.

    Attributes:
        column: ``store_id`` (where it was bought) or ``prefecture`` (where the customer lives).
        places: Where it ran.
        donors: Places to compare with; empty for all others.
    """

    column: PlaceColumn
    places: tuple[str, ...]
    donors: tuple[str, ...] = ()


@dataclass(frozen=True)
class CampaignPlan:
    """What was decided about a campaign before it began.

    Attributes:
        campaign_id: As in the sends.
        channel: mail, line, sms, app, dm …
        start: First planned day of sending.
        end: Last planned day of sending.
        arms: Planned share by arm, the control among them; shares are weights. Empty when nobody
            stated them.
        control: Arm that was sent nothing; None when nobody was held out.
        randomised: Whether a lot decided the arm.
        window_days: Days counted for each customer, the day of sending the first.
        primary: Metric that decides.
        guardrails: Metric → harm that would still be borne, in the metric's unit (0.002 is 0.2 points).
        costs: Cost per send, coupons in total, fixed cost; client currency.
        margin_rate: Margin before campaign cost ÷ revenue; None when not known: then no profit is.
        kind: ``single``, ``steps`` (step mail), ``cart`` (sent after a cart is left) or ``area`` (ran in
            some places, sent to nobody).
        planned_customers: Customers of all arms the test was planned for; None when not stated.
        follows: Campaign this one repeats or tests again.
        conditioned_on: What the arms were made by, where that is something customers did after the
            sending (``opened``, ``clicked``, ``redeemed``): such arms are never judged.
        area: Where it ran; None for a campaign that was sent.
        drawn: ``customer_id`` and ``arm`` of every customer as drawn before anything was sent; None where
            no such list is kept.
        permanent_holdout: Whether the control is held out of whatever the client sends, not of this campaign
            only.

    Raises:
        ConfigError: Dates, window or arms contradict each other.
    """

    campaign_id: str
    channel: str
    start: date
    end: date
    arms: Mapping[str, float] = field(default_factory=dict)
    control: str | None = None
    randomised: bool = False
    window_days: int = 30
    primary: Primary = "revenue"
    guardrails: Mapping[str, float] = field(default_factory=dict)
    costs: Costs = field(default_factory=Costs)
    margin_rate: float | None = None
    kind: CampaignKind = "single"
    planned_customers: int | None = None
    follows: str | None = None
    conditioned_on: str | None = None
    area: Area | None = None
    drawn: pd.DataFrame | None = field(default=None, compare=False, repr=False)
    permanent_holdout: bool = False

    def __post_init__(self) -> None:
        who = f"campaign {self.campaign_id!r}"
        if self.end < self.start:
            raise ConfigError(f"{who} ends {self.end}, before it starts {self.start}; check its dates")
        if self.window_days < 1:
            raise ConfigError(f"{who}: window_days is {self.window_days}; give 1 or more")
        if (self.kind == "area") != (self.area is not None):
            raise ConfigError(
                f"{who}: kind is {self.kind!r}; an area campaign, and no other, says where it ran"
            )
        if self.control is not None and self.arms and self.control not in self.arms:
            raise ConfigError(f"{who}: the control {self.control!r} is not an arm: {', '.join(self.arms)}")
        if self.randomised and self.control is None:
            raise ConfigError(f"{who}: randomised, but no control is named; name the arm that was held out")

    @property
    def last_day(self) -> date:
        """Last day counted of those who were sent to on the last planned day.

        Examples:
            >>> CampaignPlan("a", "mail", date(2026, 10, 1), date(2026, 10, 2), window_days=30).last_day
            datetime.date(2026, 10, 31)
        """
        return self.end + timedelta(days=self.window_days - 1)
