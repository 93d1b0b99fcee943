"""Carts left in the online shop, and the mail a day later that brings some of them back."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmreport.demo.calendar import DAYS, busyness, day_of
from crmreport.demo.campaigns import CART_LAST, CART_MAIL, DAY_SECONDS
from crmreport.demo.customers import MEMBERS
from crmreport.demo.extra_visits import Baskets
from crmreport.demo.sends import END

FIRST_DAY = CART_MAIL.day
"""Web events are kept from here on."""
WAIT = float(DAY_SECONDS)
"""A cart counts as left when nothing is bought online for so long."""
_LEFT = 5_200
_SPAN = 10**9  # above any second


def left_carts(
    rng: np.random.Generator, members: pd.DataFrame, lines: pd.DataFrame, baskets: Baskets
) -> pd.DataFrame:
    """Carts members filled and left, from ``FIRST_DAY`` on.

    Returns:
        member, at (second), basket (the products in it, as in an earlier basket); in order of time.
    """
    bought = lines[(lines["member"] >= 0) & (lines["amount"] > 0) & (lines["day"] < FIRST_DAY)]
    recent = bought.loc[bought["day"] >= FIRST_DAY - 365, "member"].unique()
    weight = np.zeros(len(members))
    weight[recent] = members["leans_ec"].to_numpy()[recent]
    n = round(_LEFT * len(members) / MEMBERS)
    busy = busyness()[FIRST_DAY:]
    member = rng.choice(len(members), size=n, p=weight / weight.sum())
    day = FIRST_DAY + rng.choice(DAYS - FIRST_DAY, size=n, p=busy / busy.sum())
    at = day * DAY_SECONDS + np.floor(rng.normal(21.3, 2.6, size=n) % 24 * 3600)
    found = pd.DataFrame({"member": member, "at": at, "basket": baskets.pick(rng, member, day)})
    found = found[(found["basket"] >= 0) & (found["at"] < END)]
    left = ~_bought_within(found, lines, seconds=WAIT)
    return found[left].sort_values(["at", "member"], ignore_index=True)


def _bought_within(carts: pd.DataFrame, lines: pd.DataFrame, *, seconds: float) -> np.ndarray:
    online = lines[(lines["member"] >= 0) & (lines["channel"] == "EC") & (lines["amount"] > 0)]
    keys = np.sort((online["member"] * _SPAN + online["day"] * DAY_SECONDS + online["second"]).to_numpy())
    at = (carts["member"] * _SPAN + carts["at"]).to_numpy()
    return np.searchsorted(keys, at) < np.searchsorted(keys, at + seconds, side="right")


def cart_audience(rng: np.random.Generator, members: pd.DataFrame, carts: pd.DataFrame) -> pd.DataFrame:
    """Each member's first left cart that has a mail, with the arm drawn for it.

    Returns:
        member, arm, sent (second), basket.
    """
    mailed = carts[members["mail"].to_numpy()[carts["member"]]]
    mailed = mailed.drop_duplicates("member").assign(sent=mailed["at"] + WAIT)
    mailed = mailed[mailed["sent"] < (day_of(CART_LAST) + 1) * DAY_SECONDS].reset_index(drop=True)
    held_out = rng.random(len(mailed)) < CART_MAIL.arms["対照"] / sum(CART_MAIL.arms.values())
    arm = np.where(held_out, "対照", CART_MAIL.sent_arm)
    return mailed.assign(arm=arm)[["member", "arm", "sent", "basket"]]
