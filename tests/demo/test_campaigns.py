"""The planted campaigns: what they add to the books, and to nothing else."""

from __future__ import annotations

import pandas as pd
import pytest

from crmreport.analysis.campaign.sample_ratio import sample_ratio
from crmreport.demo import orders
from crmreport.demo.campaigns import (
    CART_MAIL,
    DAY_SECONDS,
    GIFT_DM,
    LINE_COUPON,
    NONE,
    REFILL_APP,
    REFILL_MAIL,
    SINGLES,
    WELCOME_DAYS,
    WELCOME_STEPS,
    WINBACK_DM,
    DemoCampaign,
)
from crmreport.demo.carts import WAIT
from crmreport.demo.master_files import consents
from crmreport.demo.orders import Books, keep_books
from crmreport.demo.planted import lapsed_top_buyers
from crmreport.demo.programme import Programme

ALL = (*SINGLES, CART_MAIL, WELCOME_STEPS)
EFFECTIVE = tuple(c for c in ALL if c.comes != NONE)


def sends_of(books: Books, campaign: DemoCampaign) -> pd.DataFrame:
    return books.sends[books.sends["campaign"] == campaign.code]


def added(books: Books, campaign: DemoCampaign) -> pd.DataFrame:
    return books.lines[books.lines["campaign"] == campaign.code]


def test_without_the_campaigns_the_books_are_the_same_less_their_lines(monkeypatch: pytest.MonkeyPatch):
    def nothing(seed, members, products, lines):
        programme = real(seed, members, products, lines)
        return Programme(programme.lines.iloc[:0], programme.sends, programme.carts, programme.baskets)

    real = orders.run_programme
    with_them = keep_books(5, 0.05)
    monkeypatch.setattr(orders, "run_programme", nothing)
    without = keep_books(5, 0.05)
    rest = with_them.lines[with_them.lines["campaign"] == ""].reset_index(drop=True)
    pd.testing.assert_frame_equal(rest, without.lines, check_dtype=False)
    assert len(with_them.lines) > len(without.lines)


def test_campaigns_have_their_own_numbers_and_codes():
    assert sorted(c.number for c in ALL) == list(range(1, len(ALL) + 1))
    assert len({c.code for c in ALL}) == len(ALL)
    assert all(c.code.startswith(f"{c.first:%Y-%m}-") for c in ALL)
    assert [c.second for c in SINGLES] == sorted(c.second for c in SINGLES)


@pytest.mark.parametrize("campaign", EFFECTIVE, ids=lambda c: c.code)
def test_further_visits_are_the_planted_share_of_those_reached(books: Books, campaign: DemoCampaign):
    sends = sends_of(books, campaign)
    reached = sends["delivered"].notna().sum()
    came = added(books, campaign)["member"].nunique()
    low, high = sorted((campaign.comes.seldom, campaign.comes.often))
    seen = 0.55 if campaign is REFILL_APP else 0.9  # of a campaign still running, so many have come
    assert (
        seen * low * reached - 3 * reached**0.5 * low**0.5
        < came
        < high * reached + 3 * (high * reached) ** 0.5
    )


@pytest.mark.parametrize("campaign", EFFECTIVE, ids=lambda c: c.code)
def test_only_who_was_reached_comes_once_and_within_the_window(books: Books, campaign: DemoCampaign):
    sends = sends_of(books, campaign).set_index("member")
    lines = added(books, campaign)
    visits = lines.drop_duplicates("order_id").set_index("member")
    assert visits.index.is_unique
    sent = sends.loc[visits.index]
    assert set(sent["arm"]) == {campaign.sent_arm}
    assert not sent["bounced"].any()
    at = visits["day"] * DAY_SECONDS + visits["second"]
    assert (at > sent["delivered"]).all()
    assert (visits["day"] - sent["sent"] // DAY_SECONDS).between(1, campaign.window_days - 1).all()


@pytest.mark.parametrize("campaign", [WINBACK_DM, WELCOME_STEPS], ids=lambda c: c.code)
def test_a_campaign_without_effect_adds_nothing(books: Books, campaign: DemoCampaign):
    assert len(sends_of(books, campaign)) > 100
    assert added(books, campaign).empty


def test_a_further_visit_repeats_an_earlier_basket_at_prices_of_the_day(books: Books):
    lines = books.lines[books.lines["member"] >= 0]
    new = lines[lines["campaign"].ne("") & lines["amount"].gt(0)]
    goods = new[books.products["popularity"].gt(0).to_numpy()[new["product"]]]
    old = lines[lines["campaign"].eq("") & lines["amount"].gt(0)]
    known = set(zip(old["member"], old["product"], strict=True))
    assert set(zip(goods["member"], goods["product"], strict=True)) <= known
    assert (new["amount"] == new["unit_price"] * new["quantity"] - new["discount"]).all()
    assert set(added(books, LINE_COUPON)["coupon"]) <= {LINE_COUPON.coupon, ""}
    assert not (set(new["order_id"]) & set(lines.loc[lines["campaign"] == "", "order_id"]))


def test_campaigns_wake_none_of_the_lapsed_top_buyers(books: Books):
    before = books.lines[books.lines["campaign"] == ""]
    woken = set(books.lines.loc[books.lines["campaign"] != "", "member"])
    assert not woken & set(lapsed_top_buyers(before))


def test_campaigns_add_a_few_percent_to_a_month(books: Books):
    month = books.lines.assign(month=books.lines["day"].map(lambda d: f"{orders.date_of(d):%Y-%m}"))
    share = (
        month[month["campaign"] != ""].groupby("month")["amount"].sum()
        / month.groupby("month")["amount"].sum()
    )
    assert share.loc["2026-07":].max() < 0.06
    assert share.loc[:"2026-06"].isna().all()


@pytest.mark.parametrize("campaign", [REFILL_MAIL, GIFT_DM, REFILL_APP, CART_MAIL], ids=lambda c: c.code)
def test_a_lot_gives_each_arm_its_planned_share(books: Books, campaign: DemoCampaign):
    sizes = sends_of(books, campaign)["arm"].value_counts().to_dict()
    assert sample_ratio(sizes, planned=campaign.arms).p_value > 0.01


def test_the_broken_assignment_is_refuted_by_the_sizes_of_its_arms(books: Books):
    sizes = sends_of(books, LINE_COUPON)["arm"].value_counts().to_dict()
    assert sample_ratio(sizes, planned=LINE_COUPON.arms).p_value < 1e-6


def test_the_chosen_would_have_come_back_anyway(books: Books):
    sends = sends_of(books, WINBACK_DM).set_index("member")
    days = books.lines.loc[(books.lines["amount"] > 0) & (books.lines["campaign"] == "")]
    after = days.loc[days["day"].between(WINBACK_DM.day, WINBACK_DM.day + 29), "member"]
    back = sends.index.isin(after)
    share = pd.Series(back, sends["arm"].to_numpy()).groupby(level=0).mean()
    assert share["DM"] > 1.5 * share["選外"]


def test_the_held_out_are_in_the_log_and_got_nothing(books: Books):
    held = books.sends[books.sends["arm"].isin(["対照", "選外"])]
    assert len(held) > 1_000
    assert held[["delivered", "opened", "clicked", "unsubscribed"]].isna().all(axis=None)
    assert not held[["bounced", "machine"]].any(axis=None)


def test_answers_follow_each_other_in_time(books: Books):
    sends = books.sends
    for earlier, later in (("sent", "delivered"), ("delivered", "opened"), ("opened", "clicked")):
        both = sends[sends[later].notna()]
        assert (both[earlier] <= both[later]).all()
    assert sends.loc[sends["bounced"], ["delivered", "opened"]].isna().all(axis=None)
    assert sends.loc[sends["channel"] == "dm", "opened"].isna().all()


def test_a_tenth_to_a_fifth_of_the_mails_opens_are_machines(books: Books):
    mails = books.sends[books.sends["channel"] == "mail"]
    assert 0.1 < mails.loc[mails["opened"].notna(), "machine"].mean() < 0.2
    assert mails.loc[mails["machine"], "clicked"].isna().all()


def test_the_welcome_flow_ends_with_the_second_purchase(books: Books):
    steps = sends_of(books, WELCOME_STEPS)
    assert steps["step"].value_counts().sort_index(ascending=False).is_monotonic_increasing
    days = books.lines.loc[(books.lines["amount"] > 0) & (books.lines["member"] >= 0), ["member", "day"]]
    days = days.drop_duplicates().sort_values(["member", "day"])
    nth = days.groupby("member").cumcount()
    first = days[nth == 0].set_index("member")["day"]
    second = days[nth == 1].set_index("member")["day"]
    sent = steps["sent"] // DAY_SECONDS
    assert (sent - steps["member"].map(first) == steps["step"].map(dict(enumerate(WELCOME_DAYS, 1)))).all()
    assert (steps["member"].map(second).fillna(10_000) >= sent).all()


def test_whoever_unsubscribes_has_no_consent_any_more(books: Books):
    left = books.sends[books.sends["unsubscribed"].notna()]
    agreed = consents(books)
    assert not agreed.loc[left.loc[left["channel"] == "mail", "member"], "mail"].any()
    kept = books.members["mail"] & ~books.members.index.isin(left.loc[left["channel"] == "mail", "member"])
    assert agreed["mail"].equals(kept)


def test_september_campaigns_share_customers(books: Books):
    gift, line = (set(sends_of(books, c)["member"]) for c in (GIFT_DM, LINE_COUPON))
    assert len(gift & line) > 0.1 * len(gift)


def test_a_cart_mail_goes_out_a_day_after_a_cart_was_left_unpaid(books: Books):
    mails = sends_of(books, CART_MAIL)
    assert mails["member"].is_unique
    carts = set(zip(books.carts["member"], books.carts["at"] + WAIT, strict=True))
    assert set(zip(mails["member"], mails["sent"], strict=True)) <= carts
    online = books.lines[(books.lines["channel"] == "EC") & (books.lines["campaign"] == "")]
    online = online[(online["member"] >= 0) & (online["amount"] > 0)]
    bought = online.assign(at=online["day"] * DAY_SECONDS + online["second"])[["member", "at"]]
    met = mails[["member", "sent"]].merge(bought, on="member")
    assert not met["at"].between(met["sent"] - WAIT, met["sent"]).any()
