"""Whom a campaign is for, and who is sent to: by lot, by a lot that was broken, or chosen."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmreport.demo.campaigns import LINE_COUPON, OFTEN, WINBACK_DM, DemoCampaign

_IN_TEN = 10
_BLOCKS_SELDOM, _BLOCKS_OFTEN = 0.30, 0.14
_CONSENT = {"mail": "mail", "line": "line", "dm": "dm"}
_HAS_APP = 0.45
"""Members who lean to the online shop more than this have its app."""


def habits(purchases: pd.DataFrame, *, day: int, n_members: int) -> pd.DataFrame:
    """What the shop knows of every member on the eve of a day.

    Returns:
        One row per member: quiet (days since the last purchase; nan for none), often (bought on
        ``OFTEN`` days or more in the year before), days (of purchase in that year), spent (JPY in the half
        year before).
    """
    known = purchases[purchases["day"] < day]
    at = pd.RangeIndex(n_members)
    year = known[known["day"] >= day - 365].drop_duplicates(["member", "day"])
    days = year.groupby("member").size().reindex(at, fill_value=0)
    half = known[known["day"] >= day - 180]
    return pd.DataFrame(
        {
            "quiet": day - known.groupby("member")["day"].max().reindex(at),
            "days": days,
            "often": days >= OFTEN,
            "spent": half.groupby("member")["amount"].sum().reindex(at, fill_value=0),
        }
    )


def audience(
    rng: np.random.Generator,
    campaign: DemoCampaign,
    members: pd.DataFrame,
    known: pd.DataFrame,
    left: np.ndarray,
) -> pd.DataFrame:
    """Members a campaign is for, with their arm.

    Args:
        rng: The campaign's random numbers.
        campaign: Which one.
        members: All members.
        known: What :func:`habits` says of them.
        left: Whether each member had unsubscribed from the channel.

    Returns:
        member, arm, often; in the order of members.
    """
    least, most = campaign.quiet_days
    fits = known["quiet"].between(least, most).to_numpy() & _reachable(campaign, members) & ~left
    who = np.flatnonzero(fits)
    arm = draw_arms(rng, known["spent"].to_numpy()[who], campaign)
    found = pd.DataFrame({"member": who, "arm": arm, "often": known["often"].to_numpy()[who]})
    if campaign is LINE_COUPON:
        found = found[~_blocked(rng, found, campaign)].reset_index(drop=True)
    if campaign is WINBACK_DM:
        found["arm"] = _chosen(rng, known.loc[who], members.loc[who], campaign)
    return found


def draw_arms(rng: np.random.Generator, spent: np.ndarray, campaign: DemoCampaign) -> np.ndarray:
    """A lot in strata: of every ten customers who spend alike, each arm gets its number."""
    n = len(spent)
    ten = np.repeat(list(campaign.arms), list(campaign.arms.values()))
    drawn = ten[rng.random((-(-n // _IN_TEN), _IN_TEN)).argsort(axis=1)].ravel()[:n]
    arm = np.empty(n, dtype=ten.dtype)
    arm[np.lexsort((rng.random(n), spent))] = drawn
    return arm


def _reachable(campaign: DemoCampaign, members: pd.DataFrame) -> np.ndarray:
    if campaign.channel == "app":
        return (members["leans_ec"] > _HAS_APP).to_numpy()
    return members[_CONSENT[campaign.channel]].to_numpy(dtype=bool)


def _blocked(rng: np.random.Generator, found: pd.DataFrame, campaign: DemoCampaign) -> np.ndarray:
    """Accounts that block the shop: taken off the list sent to, forgotten in the control."""
    chance = np.where(found["often"], _BLOCKS_OFTEN, _BLOCKS_SELDOM)
    return (rng.random(len(found)) < chance) & (found["arm"] == campaign.sent_arm).to_numpy()


def _chosen(
    rng: np.random.Generator, known: pd.DataFrame, members: pd.DataFrame, campaign: DemoCampaign
) -> np.ndarray:
    """Sent to: the more promising, by days since and purchases before, and a little by what staff know."""
    score = (
        1.1 * (300 - known["quiet"].to_numpy()) / 90
        + 0.9 * np.minimum(known["days"].to_numpy(), 3)
        - 0.35 * np.log(members["leaves"].to_numpy() / 0.06)
    )
    sent, rest = campaign.arms
    return np.where(rng.random(len(known)) < 1 / (1 + np.exp(1.6 - score)), sent, rest)
