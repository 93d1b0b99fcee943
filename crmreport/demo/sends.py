"""What became of a message: delivered or not, opened, clicked, unsubscribed, opened by a machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmreport.demo.calendar import DAYS
from crmreport.demo.campaigns import DAY_SECONDS, Channel

END = float(DAYS * DAY_SECONDS)
"""The data end here: later answers are not known yet."""
SENDS = (
    "campaign", "channel", "member", "arm", "step", "sent", "delivered", "opened", "clicked",
    "unsubscribed", "bounced", "machine",
)  # fmt: skip
_OPENERS_AMONG_COMERS = 0.8


@dataclass(frozen=True, slots=True)
class Traits:
    """How a channel's messages fare; shares of the step before.

    Attributes:
        takes: Least and most seconds until delivery.
        bounces: Share of the sent.
        opens: Share of the delivered, by people.
        machines: Share of the delivered whose pictures a machine loads at once.
        clicks: Share of the people's opens.
        leaves: Share of the delivered that unsubscribe.
        opens_after: Median seconds to the opening.
    """

    takes: tuple[float, float]
    bounces: float
    opens: float = 0.0
    machines: float = 0.0
    clicks: float = 0.0
    leaves: float = 0.0
    opens_after: float = 3 * 3600.0


TRAITS: dict[Channel, Traits] = {
    "mail": Traits((2, 90), 0.012, opens=0.27, machines=0.06, clicks=0.13, leaves=0.0016),
    "line": Traits((1, 20), 0.003, opens=0.52, clicks=0.10, leaves=0.006, opens_after=1800),
    "app": Traits((1, 15), 0.03, opens=0.09, clicks=0.45, leaves=0.001, opens_after=1200),
    "dm": Traits((1.1 * DAY_SECONDS, 3.3 * DAY_SECONDS), 0.018),
}


def deliver(
    rng: np.random.Generator, sent: np.ndarray, sent_to: np.ndarray, channel: Channel
) -> tuple[np.ndarray, np.ndarray]:
    """Second of delivery (nan for the held out and the bounced), and who bounced."""
    traits = TRAITS[channel]
    bounced = sent_to & (rng.random(len(sent)) < traits.bounces)
    arrived = sent + rng.uniform(*traits.takes, size=len(sent))
    return np.where(sent_to & ~bounced, arrived, np.nan), bounced


def react(
    rng: np.random.Generator, sends: pd.DataFrame, *, channel: Channel, fond: np.ndarray, came: np.ndarray
) -> pd.DataFrame:
    """Add opened, clicked, unsubscribed and machine.

    Args:
        rng: Random numbers of answers.
        sends: With ``delivered``.
        channel: How they were sent.
        fond: 0 to 1 for each: frequent buyers open more, with or without a campaign's effect.
        came: Second of the visit the message brought; nan for none.
    """
    traits, n = TRAITS[channel], len(sends)
    delivered = sends["delivered"].to_numpy()
    there = ~np.isnan(delivered)
    chance = np.where(np.isnan(came), traits.opens * (0.6 + 0.8 * fond), _OPENERS_AMONG_COMERS)
    chance = chance if traits.opens else np.zeros(n)
    people = there & (rng.random(n) < chance)
    after = np.minimum(traits.opens_after * np.exp(1.2 * rng.normal(size=n)), 13.0 * DAY_SECONDS)
    # Whoever came because of it had read it by then.
    after = np.fmin(after, 0.9 * (came - delivered))
    machine = there & ~people & (rng.random(n) < traits.machines)
    at_once = rng.uniform(1, 40, size=n)
    opened = delivered + np.where(people, after, np.where(machine, at_once, np.nan))
    clicks = people & (rng.random(n) < np.where(np.isnan(came), traits.clicks, 0.5))
    clicked = np.where(clicks, opened + rng.uniform(3, 120, size=n), np.nan)
    # Only who has seen a message can leave because of it.
    per_open = traits.leaves / traits.opens if traits.opens else 0.0
    leaves = people & np.isnan(came) & (rng.random(n) < per_open)
    left = np.where(leaves, opened + rng.uniform(20, 400, size=n), np.nan)
    answers = {"opened": opened, "clicked": clicked, "unsubscribed": left}
    return sends.assign(
        machine=machine, **{name: np.where(at < END, at, np.nan) for name, at in answers.items()}
    )
