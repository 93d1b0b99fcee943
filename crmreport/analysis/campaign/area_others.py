"""Other campaigns that ran in places: where and when one of them touched what another is judged by."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from crmreport.analysis.campaign.plan import CampaignPlan


@dataclass(frozen=True, slots=True)
class Touched:
    """A place in which another campaign ran.

    Attributes:
        place: The place.
        first: The other campaign's first day.
        last: Last day its sales are counted.
    """

    place: str
    first: date
    last: date

    def within(self, first: date, last: date) -> bool:
        """Whether any of its days is one of these."""
        return self.first <= last and self.last >= first


def touched_places(plan: CampaignPlan, plans: Iterable[CampaignPlan]) -> tuple[Touched, ...]:
    """Places and days of the client's other area campaigns, of the same kind of place (stores, prefectures).

    Whether a store lies in a prefecture is on no file, so campaigns of the two kinds are not seen by each
    other.

    Args:
        plan: The campaign, of an area.
        plans: Campaigns of the client, this one and those that were sent among them.

    Examples:
        >>> from crmreport.analysis.campaign.plan import Area
        >>> day = date(2026, 10, 1)
        >>> spots = [CampaignPlan(name, "tv", day, day, kind="area", area=Area("store_id", ("N",)))
        ...          for name in ("tv", "flyer")]
        >>> [(found.place, str(found.last)) for found in touched_places(spots[0], spots)]
        [('N', '2026-10-30')]
    """
    assert plan.area is not None
    return tuple(
        Touched(place, other.start, other.last_day)
        for other in plans
        if other.area is not None
        and other.area.column == plan.area.column
        and other.campaign_id != plan.campaign_id
        for place in other.area.places
    )


def days_touched(
    found: Iterable[Touched], places: Collection[str], *, before: date
) -> tuple[tuple[date, date], ...]:
    """First and last days on which other campaigns counted in these places, of those over before a day."""
    return tuple((each.first, each.last) for each in found if each.place in places and each.last < before)
