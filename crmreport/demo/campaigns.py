"""The demo shop's campaigns, and what each of them truly does.

An effect is a chance to come once more within the window, given by the campaign and by nothing
else. docs/demo.md lists what follows from the numbers here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from crmreport.demo.calendar import day_of

Channel = Literal["mail", "line", "app", "dm"]
DAY_SECONDS = 86_400
OFTEN = 4
"""Days of purchase in the year before from which on a customer counts as coming often."""


@dataclass(frozen=True, slots=True)
class Chance:
    """Chance that a customer who got the message makes one more visit: the planted truth."""

    seldom: float
    often: float


NONE = Chance(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class DemoCampaign:
    """A campaign, as the shop ran it.

    Attributes:
        code: As written in the files.
        number: Of its random streams; for ever, as those of the parts are.
        channel: How it was sent.
        first: Day of the first sending.
        hour: Its hour.
        arms: Customers of each arm in ten; the first is sent to.
        window_days: Days in which a further visit comes, the day of sending the first.
        quiet_days: Least and most days since the last purchase of whom it is for.
        comes: The truth.
        coupon: Code of a coupon of 10 % taken on the further visit.
    """

    code: str
    number: int
    channel: Channel
    first: date
    hour: int
    arms: Mapping[str, int]
    window_days: int
    quiet_days: tuple[int, int]
    comes: Chance
    coupon: str = ""

    @property
    def day(self) -> int:
        """Days from the shop's first day to the first sending."""
        return day_of(self.first)

    @property
    def second(self) -> float:
        """Seconds from the shop's first day to the first sending."""
        return float(self.day * DAY_SECONDS + self.hour * 3600)

    @property
    def sent_arm(self) -> str:
        """The arm that is sent to."""
        return next(iter(self.arms))


REFILL_MAIL = DemoCampaign(
    "2026-08-refill-mail", 1, "mail", date(2026, 8, 3), 11, {"メール": 5, "対照": 5}, 30, (45, 365),
    Chance(0.085, 0.10),
)  # fmt: skip
"""Pays: the sending costs next to nothing."""

GIFT_DM = DemoCampaign(
    "2026-09-gift-dm", 2, "dm", date(2026, 9, 7), 10, {"DM": 5, "対照": 5}, 30, (60, 365),
    Chance(0.11, 0.11),
)  # fmt: skip
"""Sells more and loses money: each letter with its gift costs more than the margin it brings."""

WINBACK_DM = DemoCampaign(
    "2026-09-winback-dm", 4, "dm", date(2026, 9, 14), 10, {"DM": 5, "選外": 5}, 30, (181, 540), NONE
)
"""Does nothing: those who were chosen would have come back anyway."""

LINE_COUPON = DemoCampaign(
    "2026-09-line-coupon", 3, "line", date(2026, 9, 18), 18, {"LINE": 5, "対照": 5}, 30, (0, 365),
    Chance(0.02, 0.02), coupon="LINE2609",
)  # fmt: skip
"""Whatever it does cannot be seen: the accounts that block it were taken off the list sent to only."""

REFILL_APP = DemoCampaign(
    "2026-10-refill-app", 7, "app", date(2026, 10, 19), 12, {"アプリ": 5, "対照": 5}, 30, (45, 365),
    Chance(0.02, 0.02),
)  # fmt: skip
"""Not over when the data end."""

CART_MAIL = DemoCampaign(
    "2026-07-cart-mail", 6, "mail", date(2026, 7, 1), 0, {"メール": 8, "対照": 2}, 30, (0, 365),
    Chance(0.04, 0.04),
)  # fmt: skip
"""Works, and is too small to show it."""
CART_LAST = date(2026, 9, 30)

WELCOME_STEPS = DemoCampaign(
    "2026-05-welcome-steps", 5, "mail", date(2026, 5, 1), 10, {"メール": 10}, 30, (0, 0), NONE
)
"""Does nothing, and nobody was held out to show it."""
WELCOME_DAYS = (3, 14, 30)


@dataclass(frozen=True, slots=True)
class DemoEvent:
    """A campaign that ran in one store and was sent to nobody.

    Attributes:
        code: As in ``client.yml``.
        channel: How it was made known.
        store: Its name.
        first: First day.
        last: Last day.
        window_days: Days counted from the last, that day the first.
    """

    code: str
    channel: Literal["event"]
    store: str
    first: date
    last: date
    window_days: int


STORE_EVENT = DemoEvent("2026-09-nagoya-event", "event", "名古屋店", date(2026, 9, 5), date(2026, 9, 6), 27)
"""Does nothing: no line of the books is its doing, so it draws no random numbers."""

SINGLES = (REFILL_MAIL, GIFT_DM, WINBACK_DM, LINE_COUPON, REFILL_APP)
"""Campaigns sent on one day, in the order of their days."""
