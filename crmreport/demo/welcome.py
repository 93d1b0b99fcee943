"""The welcome flow: three mails after the first purchase, until the customer buys again."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmreport.demo.calendar import DAYS
from crmreport.demo.campaigns import DAY_SECONDS, WELCOME_DAYS, WELCOME_STEPS
from crmreport.demo.sends import deliver, react


def welcome_sends(
    rng: np.random.Generator, members: pd.DataFrame, purchases: pd.DataFrame, fond: np.ndarray
) -> pd.DataFrame:
    """Mails of the flow; whoever buys again, leaves it or cannot be reached gets no further one.

    What a member does depends on that member's draws alone, so that a purchase more in the books
    changes nobody else's mails.
    """
    days = purchases[["member", "day"]].drop_duplicates().sort_values(["member", "day"])
    nth = days.groupby("member").cumcount().to_numpy()
    everybody = pd.RangeIndex(len(members))
    first, second = (
        days[nth == k].set_index("member")["day"].reindex(everybody, fill_value=DAYS) for k in (0, 1)
    )
    there = (first >= WELCOME_STEPS.day) & (members["joined"] >= 0) & members["mail"]
    steps = []
    for step, after in enumerate(WELCOME_DAYS, start=1):
        day = first + after
        there &= (day < DAYS) & (second >= day)
        sent = (day * DAY_SECONDS + WELCOME_STEPS.hour * 3600).to_numpy(dtype=float)
        delivered, bounced = deliver(rng, sent, there.to_numpy(), "mail")
        mails = pd.DataFrame(
            {
                "campaign": WELCOME_STEPS.code,
                "channel": WELCOME_STEPS.channel,
                "member": everybody,
                "arm": WELCOME_STEPS.sent_arm,
                "step": step,
                "sent": sent,
                "delivered": delivered,
                "bounced": bounced,
            }
        )
        mails = react(rng, mails, channel="mail", fond=fond, came=np.full(len(mails), np.nan))
        steps.append(mails[there.to_numpy()])
        there &= ~bounced & mails["unsubscribed"].isna()
    return pd.concat(steps, ignore_index=True)
