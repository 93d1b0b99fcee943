"""The campaigns let loose on the books: who got what, who came once more, what that sold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmreport.demo.audiences import audience, habits
from crmreport.demo.calendar import DAYS
from crmreport.demo.campaigns import (
    CART_MAIL,
    DAY_SECONDS,
    SINGLES,
    WELCOME_STEPS,
    DemoCampaign,
)
from crmreport.demo.carts import cart_audience, left_carts
from crmreport.demo.extra_visits import Baskets, days_later, number, visit_lines
from crmreport.demo.places import EC
from crmreport.demo.planted import lapsed_top_buyers
from crmreport.demo.seeds import stream
from crmreport.demo.sends import SENDS, deliver, react
from crmreport.demo.welcome import welcome_sends


@dataclass(frozen=True, slots=True)
class Programme:
    """What the campaigns added.

    ``lines``: sales lines that would not be there without them, as in the books, with ``campaign``.
    ``sends``: one row per campaign, member and step, the held out among them; times in seconds from
    the shop's first day, nan for what did not happen. ``carts``: carts left, see :mod:`.carts`.
    ``baskets``: where the carts' products stand.
    """

    lines: pd.DataFrame
    sends: pd.DataFrame
    carts: pd.DataFrame
    baskets: Baskets


def run_programme(seed: int, members: pd.DataFrame, products: pd.DataFrame, lines: pd.DataFrame) -> Programme:
    """Run all campaigns, each seeing the books with what the earlier ones added.

    Args:
        seed: Seed of the shop.
        members: All members.
        products: The catalogue.
        lines: The books without campaigns.
    """
    run = _Run(seed, members, products, lines)
    rng = stream(seed, "campaigns", CART_MAIL.number)
    carts = left_carts(rng, members, lines, run.baskets)
    run.cart_mails(rng, carts)
    for campaign in SINGLES:
        run.single(campaign)
    # The flow last, because it ends for whoever buys again, for whatever reason.
    sends = pd.concat([*run.sends, run.welcome()], ignore_index=True)[list(SENDS)]
    sends = sends.sort_values(["sent", "campaign", "member"], ignore_index=True)
    extra = number(pd.concat(run.extra, ignore_index=True), lines).drop(columns="visit")
    return Programme(extra, sends, carts, run.baskets)


class _Run:
    """The campaigns as they happen, one after the other."""

    def __init__(self, seed: int, members: pd.DataFrame, products: pd.DataFrame, lines: pd.DataFrame) -> None:
        self.seed, self.members, self.products = seed, members, products
        self.baskets = Baskets.of(lines, products)
        self.fond = members["rate"].rank(pct=True).to_numpy()
        self.sleeping = lapsed_top_buyers(lines)
        bought = (lines["member"] >= 0) & (lines["amount"] > 0)
        self.bought = [lines.loc[bought, ["member", "day", "amount"]]]
        self.extra: list[pd.DataFrame] = []
        self.sends: list[pd.DataFrame] = []
        self.n_visits = 0

    def purchases(self) -> pd.DataFrame:
        """What members bought so far, to the last day: member, day, amount."""
        return pd.concat(self.bought, ignore_index=True)

    def welcome(self) -> pd.DataFrame:
        """The welcome flow as the purchases so far make it."""
        rng = stream(self.seed, "sends", WELCOME_STEPS.number)
        return welcome_sends(rng, self.members, self.purchases(), self.fond)

    def cart_mails(self, rng: np.random.Generator, carts: pd.DataFrame) -> None:
        """The mail a day after a cart was left; who comes buys what is in it, online."""
        who = cart_audience(rng, self.members, carts)
        who = who[~self._has_left(CART_MAIL, who["member"], who["sent"])].reset_index(drop=True)
        state = habits(self.purchases(), day=CART_MAIL.day, n_members=len(self.members))
        who["often"] = state["often"].to_numpy()[who["member"]]
        self._send(CART_MAIL, who)

    def single(self, campaign: DemoCampaign) -> None:
        """A campaign sent on one day; who comes buys an earlier basket once more."""
        rng = stream(self.seed, "campaigns", campaign.number)
        state = habits(self.purchases(), day=campaign.day, n_members=len(self.members))
        everybody = pd.Series(range(len(self.members)))
        left = self._has_left(campaign, everybody, everybody * 0 + campaign.second)
        who = audience(rng, campaign, self.members, state, left)
        basket = self.baskets.pick(rng, who["member"].to_numpy(), np.full(len(who), campaign.day))
        self._send(campaign, who.assign(sent=campaign.second, basket=basket))

    def _has_left(self, campaign: DemoCampaign, member: pd.Series, at: pd.Series) -> np.ndarray:
        """Whether each member had unsubscribed from the channel by then."""
        answers = [sends for sends in self.sends if sends["channel"].iloc[0] == campaign.channel]
        if campaign.channel == WELCOME_STEPS.channel:
            answers.append(self.welcome())
        if not answers:
            return np.zeros(len(member), dtype=bool)
        left = pd.concat(answers).groupby("member")["unsubscribed"].min()
        return (member.map(left) < at).to_numpy()

    def _send(self, campaign: DemoCampaign, who: pd.DataFrame) -> None:
        rng = stream(self.seed, "sends", campaign.number)
        sent_to = (who["arm"] == campaign.sent_arm).to_numpy()
        delivered, bounced = deliver(rng, who["sent"].to_numpy(), sent_to, campaign.channel)
        sends = who[["member", "arm", "sent"]].assign(
            campaign=campaign.code, channel=campaign.channel, step=1, delivered=delivered, bounced=bounced
        )
        came = self._further_visits(campaign, who, delivered)
        fond = self.fond[sends["member"]]
        self.sends.append(react(rng, sends, channel=campaign.channel, fond=fond, came=came))

    def _further_visits(self, campaign: DemoCampaign, who: pd.DataFrame, delivered: np.ndarray) -> np.ndarray:
        """Let some come once more; second of the visit each message brought, nan for none."""
        rng = stream(self.seed, "campaign_visits", campaign.number)
        truth = campaign.comes
        chance = np.where(who["often"], truth.often, truth.seldom)
        comes = ~np.isnan(delivered) & (rng.random(len(who)) < chance) & (who["basket"] >= 0).to_numpy()
        comes &= ~who["member"].isin(self.sleeping).to_numpy()
        orders = self.baskets.orders.iloc[who["basket"]]
        day = np.floor(who["sent"].to_numpy() / DAY_SECONDS).astype(int)
        visits = pd.DataFrame(
            {
                "member": who["member"].to_numpy(),
                "day": day + days_later(rng, len(who), window_days=campaign.window_days),
                "second": orders["second"].to_numpy(),
                "channel": "EC" if campaign is CART_MAIL else orders["channel"].to_numpy(),
                "store": EC if campaign is CART_MAIL else orders["store"].to_numpy(),
                "basket": who["basket"].to_numpy(),
            }
        )
        at = (visits["day"] * DAY_SECONDS + visits["second"]).to_numpy(dtype=float)
        # A letter arrives days after it is sent; nobody comes before.
        comes &= (at > delivered) & (visits["day"] < DAYS).to_numpy()
        visits = visits[comes].reset_index(drop=True)
        lines = visit_lines(rng, visits, self.baskets, self.products, coupon=campaign.coupon)
        lines["visit"] += self.n_visits
        self.n_visits += len(visits)
        self.extra.append(lines.assign(campaign=campaign.code))
        self.bought.append(lines[["member", "day", "amount"]])
        return np.where(comes, at, np.nan)
