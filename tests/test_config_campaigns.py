"""Campaigns of the client file: what is read, and what each mistake is answered with."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from crmreport.analysis.campaign.plan import Area
from crmreport.config import Client, Policies
from crmreport.config_file import load_client
from crmreport.errors import ConfigError
from crmreport.report import campaign_plan

SHOP = """\
client: shop
name: {ja: 店, en: Shop}
sources:
  order_lines:
    - {path: data/orders.csv, columns: {customer_id: 会員番号, ordered_at: 購入日, revenue: 金額}}
reports:
  assessment: {chapters: [sales]}
campaigns:
"""
MAIL = """\
  - id: 2026-08-mail
    name: {ja: 詰め替えのご案内, en: Refill}
    channel: mail
    start: 2026-08-03
    end: 2026-08-05
    randomised: true
    control: holdout
    arms:
      mail: {share: 0.9, name: {ja: メール送付, en: E-mailed}}
      holdout: {share: 0.1}
    guardrails: {unsubscribed: 0.005}
    cost: {send: 3, fixed: 50000}
    margin_rate: 0.6
"""
SECOND = "  - {id: again, name: {ja: 再, en: Again}, channel: line, start: 2026-09-01, end: 2026-09-01}\n"


@pytest.fixture
def load(tmp_path: Path):
    """Read a client file with these campaigns."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "sales.ipynb").touch()
    path = tmp_path / "clients" / "shop" / "client.yml"
    path.parent.mkdir(parents=True)

    def loader(campaigns: str, shop: str = SHOP) -> Client:
        path.write_text(shop + campaigns, encoding="utf-8")
        return load_client(path)

    return loader


def test_a_campaign_is_read_with_its_defaults(load):
    (mail, again) = load(MAIL + SECOND).campaigns
    assert (mail.start, mail.end, mail.window_days) == (date(2026, 8, 3), date(2026, 8, 5), 30)
    assert (mail.kind, mail.primary, mail.cost.coupon) == ("single", "revenue", 0)
    assert {name: arm.share for name, arm in mail.arms.items()} == {"mail": 0.9, "holdout": 0.1}
    assert (again.arms, again.control, again.randomised) == ({}, None, False)


def test_arms_made_by_a_response_are_said_to_be(load):
    assert load(MAIL + "    conditioned_on: opened\n").campaigns[0].conditioned_on == "opened"


def test_a_client_without_campaigns_has_none(load):
    assert load("", SHOP.removesuffix("campaigns:\n")).campaigns == []


def test_a_language_the_client_does_not_use_needs_no_name(load):
    only = MAIL.replace(", en: Refill", "").replace(", en: E-mailed", "")
    assert load(only, "languages: [ja]\n" + SHOP).campaigns[0].name == {"ja": "詰め替えのご案内"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param(
            "randomised:",
            "randomized:",
            "client.yml:14: campaigns[0].randomized: unknown key; did you mean 'randomised'?",
            id="unknown key",
        ),
        pytest.param(
            "{share: 0.1}",
            "{share: 0.1, shares: 1}",
            "campaigns[0].arms.holdout.shares: unknown key; did you mean 'share'?",
            id="unknown key of an arm",
        ),
        pytest.param("channel: mail", "", "campaigns[0].channel: is missing; add channel:", id="no channel"),
        pytest.param(
            "end: 2026-08-05",
            "end: 2026-08-02",
            "client.yml:9: campaigns[0]: end: 2026-08-02 lies before start: 2026-08-03; check both",
            id="dates reversed",
        ),
        pytest.param(
            "2026-08-05", "5 Aug", "campaigns[0].end: '5 Aug': should be a valid date", id="no date"
        ),
        pytest.param(
            "control: holdout",
            "control: hold",
            "campaigns[0]: control: 'hold' is not an arm; did you mean 'holdout'?",
            id="control is no arm",
        ),
        pytest.param(
            "    control: holdout\n",
            "",
            "campaigns[0]: randomised: true needs control: with the arm that was held out",
            id="randomised without control",
        ),
        pytest.param(
            "      mail: {share: 0.9, name: {ja: メール送付, en: E-mailed}}\n",
            "",
            "campaigns[0]: arms: 'holdout', the control, is the only arm; add the one sent to",
            id="only a control",
        ),
        pytest.param(
            "unsubscribed: 0.005",
            "unsubscribe: 0.005",
            "campaigns[0].guardrails.unsubscribe: 'unsubscribe' is not known; did you mean 'unsubscribed'?",
            id="unknown guardrail",
        ),
        pytest.param(
            "0.005", "0", "campaigns[0].guardrails.unsubscribed: 0: should be greater", id="no margin"
        ),
        pytest.param("0.9", "-1", "campaigns[0].arms.mail.share: -1: should be greater than 0", id="share"),
        pytest.param(
            "0.6",
            "60",
            "campaigns[0].margin_rate: 60: should be less than 1; write 0.6 for 60%",
            id="margin in per cent",
        ),
        pytest.param("0.6", "60%", "campaigns[0].margin_rate: '60%': write 0.6", id="margin with its sign"),
        pytest.param("0.6", "1", "campaigns[0].margin_rate: 1: should be less than 1", id="all is margin"),
        pytest.param(
            "unsubscribed: 0.005",
            "unsubscribed: 1",
            "campaigns[0]: guardrails: unsubscribed: 1 is 100% of the customers; write 0.01 for 1%",
            id="guardrail in per cent",
        ),
        pytest.param(
            "start: 2026-08-03",
            "start: 2026/8/03",
            "campaigns[0].start: '2026/8/03': write 2026-08-03",
            id="a date with slashes",
        ),
        pytest.param(
            "2026-08-mail",
            "'2026  08'",
            "campaigns[0].id: '2026  08': sends hold this as '2026 08'; write it so",
            id="an id intake would change",
        ),
        pytest.param(
            "control: holdout",
            "control: ｈoldout",
            "campaigns[0].control: 'ｈoldout': sends hold this as 'holdout'; write it so",
            id="control of full width",
        ),
        pytest.param(
            "      mail: {share",
            "      ｍail: {share",
            "sends hold this as 'mail'; write it so",
            id="arm of full width",
        ),
        pytest.param(
            ", en: Refill",
            "",
            "client.yml:10: campaigns[0].name: is not given in 'en'; add en: to it",
            id="no name in a language",
        ),
        pytest.param(
            ", en: E-mailed",
            "",
            "client.yml:17: campaigns[0].arms.mail.name: is not given in 'en'; add en: to it",
            id="an arm without a name in a language",
        ),
        pytest.param(
            "    margin_rate",
            "    follows: 2026-08-male\n    margin_rate",
            "campaigns[0].follows: no campaign '2026-08-male'; did you mean '2026-08-mail'?",
            id="follows nothing",
        ),
        pytest.param(
            "    margin_rate",
            "    plan: tests/m1.yml\n    margin_rate",
            "client.yml:21: campaigns[0].plan: 'tests/m1.yml' does not exist; draw it with crmreport",
            id="a plan that is not there",
        ),
        pytest.param(
            "randomised: true",
            "plan: tests/m1.yml",
            "campaigns[0]: plan: its customers were drawn by lot; write randomised: true, or take it out",
            id="a plan of a campaign that is not randomised",
        ),
        pytest.param(
            "    margin_rate",
            "    plan: ../m1.yml\n    margin_rate",
            "campaigns[0].plan: '../m1.yml' should be the file crmreport plan-test wrote",
            id="a plan elsewhere",
        ),
        pytest.param(
            "    margin_rate",
            "    follows: 2026-08-mail\n    margin_rate",
            "campaigns[0]: follows: '2026-08-mail' is this campaign itself; name an earlier one",
            id="follows itself",
        ),
    ],
)
def test_a_mistake_is_answered_in_one_line(load, old: str, new: str, message: str):
    assert old in MAIL
    with pytest.raises(ConfigError) as caught:
        load(MAIL.replace(old, new, 1))
    (line,) = str(caught.value).splitlines()
    assert message in line


def test_a_margin_of_the_whole_shop_in_per_cent_is_answered_like_a_campaigns(load):
    with pytest.raises(ConfigError, match=r"gross_margin_rate: 60: .* write 0\.6 for 60%"):
        load(MAIL, SHOP.replace("reports:", "policies: {gross_margin_rate: 60}\nreports:"))


SPOT = """\
  - id: 2026-08-spot
    name: {ja: 北海道のテレビCM, en: TV spot in Hokkaido}
    channel: tv
    kind: area
    where: {prefecture: [北海道]}
    donors: [宮城県, 東京都]
    start: 2026-08-03
    end: 2026-08-16
    cost: {fixed: 500000}
"""


def test_a_campaign_of_places_is_read(load):
    (spot,) = load(SPOT).campaigns
    assert (spot.kind, spot.where, spot.donors) == ("area", {"prefecture": ["北海道"]}, ["宮城県", "東京都"])
    assert load(SPOT).may_lack == {"sends"}
    assert load(MAIL).may_lack == set()
    both = load(MAIL + SPOT)
    assert ([c.kind for c in both.campaigns], both.may_lack) == (["single", "area"], set())
    (planned,) = [campaign_plan(spot, Policies(gross_margin_rate=0.4))]
    assert planned.area == Area("prefecture", ("北海道",), ("宮城県", "東京都"))
    assert (planned.margin_rate, planned.costs.fixed) == (0.4, 500000)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param(
            "    where: {prefecture: [北海道]}\n",
            "",
            "campaigns[0]: kind: area needs where: with the places of one kind, such as where: {store_id:",
            id="nowhere",
        ),
        pytest.param(
            "{prefecture: [北海道]}",
            "{prefecture: [北海道], store_id: [札幌店]}",
            "campaigns[0]: kind: area needs where: with the places of one kind",
            id="two kinds of places",
        ),
        pytest.param(
            "prefecture:",
            "prefectures:",
            "'prefectures' is not known; did you mean 'prefecture'?",
            id="no column",
        ),
        pytest.param("[北海道]", "[]", "campaigns[0].where.prefecture:", id="no place"),
        pytest.param("[宮城県, 東京都]", "[]", "campaigns[0].donors:", id="no donors"),
        pytest.param(
            "[宮城県, 東京都]",
            "[宮城県, 北海道]",
            "campaigns[0]: where: and donors: name '北海道' twice; a place is in one, once",
            id="compared with itself",
        ),
        pytest.param(
            "{fixed: 500000}",
            "{fixed: 500000, send: 3}",
            "campaigns[0]: cost.send goes with customers, and a campaign of kind: area is sent to nobody",
            id="a cost per customer",
        ),
        pytest.param(
            "kind: area",
            "kind: area\n    arms: {tv: {share: 1}}",
            "campaigns[0]: arms goes with customers",
            id="arms",
        ),
        pytest.param(
            "kind: area",
            "kind: area\n    randomised: true\n    control: none",
            "campaigns[0]: control goes with customers",
            id="a control",
        ),
        pytest.param(
            "kind: area",
            "kind: area\n    primary: conversion",
            "campaigns[0]: primary: conversion goes with customers",
            id="a rate of customers",
        ),
        pytest.param(
            "kind: area",
            "kind: single",
            "campaigns[0]: where: is for campaigns that were sent to nobody; write kind: area",
            id="places of a mailing",
        ),
    ],
)
def test_a_mistake_in_a_campaign_of_places_is_answered_in_one_line(load, old: str, new: str, message: str):
    assert old in SPOT
    with pytest.raises(ConfigError) as caught:
        load(SPOT.replace(old, new, 1))
    (line,) = str(caught.value).splitlines()
    assert message in line


def test_the_same_id_twice_is_refused(load):
    with pytest.raises(
        ConfigError, match=r"client.yml:22: campaigns\[1\].id: '2026-08-mail' is also campaigns"
    ):
        load(MAIL + SECOND.replace("again", "2026-08-mail"))


def test_a_guardrail_in_money_or_orders_may_be_above_one(load):
    (campaign,) = load(
        MAIL.replace("{unsubscribed: 0.005}", "{unsubscribed: 0.49, revenue: 60, orders: 1}")
    ).campaigns
    assert campaign.guardrails == {"unsubscribed": 0.49, "revenue": 60, "orders": 1}
