"""The chapter on messages and carts: sentences by case, tables that prove the findings, both languages."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import pandas as pd
import pytest

from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.messages.cart import cart_abandonment
from crmreport.analysis.messages.message_response import message_response
from crmreport.analysis.messages.open_carts import open_carts
from crmreport.analysis.messages.response_changes import leading_channel, response_changes
from crmreport.analysis.messages.step_funnel import step_funnel
from crmreport.period import Period
from crmreport.present import messages as page
from crmreport.present.style import Style
from crmreport.present.table import Table
from crmreport.present.words import Words

AS_OF = date(2026, 10, 31)
OCTOBER = Period.parse("2026-10")
NAMES = {"ja": {"campaign_name.welcome": "ようこそメール"}, "en": {"campaign_name.welcome": "Welcome mail"}}
JA, EN = (Words(lang, own=NAMES[lang]) for lang in ("ja", "en"))
PLANS = [
    CampaignPlan(name, channel, date(2026, 9, 1), date(2026, 10, 31), kind=kind)
    for name, channel, kind in (
        ("m", "mail", "single"),
        ("l", "line", "single"),
        ("welcome", "mail", "steps"),
    )
]


def batch(
    campaign: str, day: date, n: int, *, clicked: int = 0, left: int = 0, step: int = 1, opened: int = 0
) -> list[dict]:
    """n messages of a day; the first of them clicked, the last unsubscribed."""
    return [
        {
            "campaign_id": campaign,
            "customer_id": f"{campaign}{i}",
            "arm": "sent",
            "step": step,
            "sent_on": day,
            "delivered_on": day,
            "opened_on": day if i < opened else None,
            "clicked_on": day if i < clicked else None,
            "unsubscribed_on": day if i >= n - left else None,
            "machine_open": i % 2 == 0,
        }
        for i in range(n)
    ]


def sends(*batches: list[dict]) -> pd.DataFrame:
    frame = pd.DataFrame([row for each in batches for row in each])
    days = [c for c in frame if c.endswith("_on")]
    return frame.assign(**{day: pd.to_datetime(frame[day]) for day in days}).astype(
        {"campaign_id": "str", "customer_id": "str", "arm": "str"}
    )


ORDERS = pd.DataFrame(
    {
        "customer_id": [f"m{i}" for i in range(30)],
        "order_id": [str(i) for i in range(30)],
        "ordered_at": pd.Timestamp("2026-10-06", tz="UTC"),
        "order_date": pd.Timestamp("2026-10-06"),
        "revenue": 100.0,
    }
).astype({"customer_id": "str", "order_id": "str"})
SEP, OCT, LATE = date(2026, 9, 5), date(2026, 10, 5), date(2026, 10, 30)
FLOW = [
    batch("welcome", SEP, 60, clicked=40),
    batch("welcome", SEP + timedelta(days=3), 60, clicked=10, step=2),
]


def results(frame: pd.DataFrame):
    found = message_response(frame, ORDERS, as_of=AS_OF, campaigns=PLANS)
    changes = response_changes(found, now=OCTOBER, before=OCTOBER.previous())
    leaders = [leading_channel(found, rate=r, within=OCTOBER) for r in ("click_rate", "conversion_rate")]
    return found, changes, leaders


FULL = sends(
    batch("m", SEP, 400, clicked=40, left=1, opened=90),
    batch("m", OCT, 400, clicked=38, left=20, opened=90),
    batch("l", SEP, 300, clicked=60),
    batch("l", OCT, 300, clicked=66),
    batch("gone", OCT, 5),
    *FLOW,
)

MESSAGES = {
    "nothing was sent": (
        [batch("m", SEP, 10, clicked=1)], "直近6か月に配信したメッセージはない", "No message was sent",
    ),
    "clicks fell": (
        [batch("m", SEP, 400, clicked=60), batch("m", OCT, 400, clicked=20)],
        "メールのクリック率が5.0%に低下（前期から−10.0ポイント）",
        "E-mail: click rate fell to 5.0%, −10.0 pts",
    ),
    "a channel leads in clicks": (
        [batch("m", OCT, 400, clicked=20), batch("l", OCT, 400, clicked=60)],
        "クリック率はLINEが最も高い（直近6か月、15.0%）",
        "LINE has the highest click rate per message delivered (15.0% in",
    ),
    "a channel leads in both": (
        [batch("m", OCT, 400, clicked=80), batch("l", OCT, 400, clicked=20)],
        "クリックも購入もメールが最も多い（直近6か月、クリック率20.0%、購入率7.5%）",
        "clicked and followed by a purchase",
    ),
    "only one channel": (
        [batch("m", OCT, 400, clicked=20)], "メールのクリック率は5.0%", "click rate of 5.0%",
    ),
    "no clear difference": (
        [batch("m", LATE, 40, clicked=3), batch("l", LATE, 40, clicked=2)],
        "はっきりした差は認められない", "do not clearly differ between channels",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("batches", "ja", "en"), MESSAGES.values(), ids=MESSAGES)
def test_message(batches, ja, en):
    _, changes, leaders = results(sends(*batches))
    text = page.message(changes, *leaders, months=6).text
    assert ja in JA.say(text)
    assert en in EN.say(text)


def test_a_small_sure_fall_is_no_headline():
    """20.0 % to 19.0 % of 40,000 is beyond chance, but a twentieth of itself."""
    found, changes, leaders = results(
        sends(batch("m", SEP, 200, clicked=40), batch("m", OCT, 200, clicked=38))
    )
    daily = found.daily
    counts = daily.columns.drop(["campaign_id", "channel", "sent_on"])
    many = found.__class__(**{**vars(found), "daily": daily.assign(**{c: daily[c] * 200 for c in counts})})
    changes = response_changes(many, now=OCTOBER, before=OCTOBER.previous())
    assert changes.row("mail", "click_rate")["verdict"] == "lower"
    assert page.message(changes, *leaders, months=6).text.key == "messages.message.one"


def test_it_says_that_a_response_is_no_effect_and_what_is_left_out():
    found, *_ = results(FULL)
    said = [JA.say(note.text) for note in page.no_effect(found, OCTOBER)]
    assert said[0].startswith("反応率は効果ではありません。")
    assert "50.0%（45通）は、メールソフトなどによる自動の開封" in said[1]
    assert "登録のない配信が5通" in said[2]


CARTS = pd.DataFrame(
    [
        {"customer_id": f"m{i}", "visitor_id": f"v{i}", "at": day, "event": event, "product_id": "p"}
        for i in range(40)
        for day, event in (
            (pd.Timestamp("2026-09-01", tz="UTC"), "view"),
            (pd.Timestamp("2026-09-02", tz="UTC"), "cart"),
            *([(pd.Timestamp("2026-09-02 03:00", tz="UTC"), "purchase")] if i < 10 else []),
            *([(pd.Timestamp("2026-10-20", tz="UTC"), "cart")] if i >= 30 else []),
            (pd.Timestamp("2026-10-30", tz="UTC"), "view"),
        )
    ]
)
CARTS = CARTS.assign(event_date=CARTS["at"].dt.tz_localize(None).dt.normalize())
PRODUCTS = pd.DataFrame({"product_id": ["p"], "price": [2000.0]})


@cache
def carts(priced: bool = True):
    products = PRODUCTS if priced else None
    known = {"as_of": AS_OF, "order_lines": ORDERS, "products": products}
    return cart_abandonment(CARTS, **known), open_carts(CARTS, **known)


@cache
def everything():
    found, changes, leaders = results(FULL)
    funnel = step_funnel(FULL, ORDERS, as_of=AS_OF, campaigns=PLANS)
    left, waiting = carts()
    shown = [
        *page.channels(found, leaders[0], OCTOBER), *page.trend(found, OCTOBER.trailing(6)),
        *page.kpi(found, OCTOBER), *page.this_period(found, changes), *page.steps(funnel),
        *page.carts(left, waiting),
    ]  # fmt: skip
    return shown, page.findings(changes, funnel, left, waiting)


@pytest.mark.parametrize("words", [JA, EN], ids=["ja", "en"])
def test_everything_is_shown_in_both_languages(words):
    shown, found = everything()
    html = "".join(
        thing.html(words, Style()) if hasattr(thing, "picture") else thing.html(words) for thing in shown
    )
    assert html.count("<table>") == 9
    assert html.count("<img") == 4
    assert NAMES[words.lang]["campaign_name.welcome"] in html
    assert all(finding.html(words) for finding in found)


def test_every_number_of_a_finding_stands_in_its_table():
    shown, found = everything()
    tables = {thing.id: thing for thing in shown if isinstance(thing, Table)}
    assert [finding.id for finding in found] == [
        "messages.unsubscribe_rise", "messages.step_drop", "messages.cart_recovery",
    ]  # fmt: skip
    for finding in found:
        for name, fact in finding.facts.items():
            if fact.cell is not None:
                table = tables[fact.cell.table]
                found_row = (table.frame[list(table.row_key)] == list(fact.cell.row)).all(axis=1)
                assert table.frame.loc[found_row, fact.cell.column].tolist() == [fact.value], name


def test_key_figures_are_of_all_channels_and_leave_out_those_that_record_no_unsubscribe():
    """October: 400 mails of which 20 unsubscribed, 300 by LINE, 5 of no known campaign: LINE records none."""
    found, *_ = results(FULL)
    (table,) = page.kpi(found, OCTOBER)
    rows = table.frame.set_index("kpi")
    assert rows.loc["messages_delivered", ["value", "out_of", "detail_value"]].tolist() == [705, 705, 1]
    left = rows.to_dict("index")["unsubscribed_per"]
    assert (left["value"], left["out_of"]) == (50, 400)
    assert left["lower"] == pytest.approx(32.6, abs=0.1)
    assert left["upper"] == pytest.approx(76.0, abs=0.1)
    assert page.kpi(found, Period.parse("2025-01")) == []


def test_what_clearly_moved_is_named():
    found, changes, _ = results(FULL)
    said, *_ = page.this_period(found, changes)
    assert "メールの購入率（上昇）、メールの配信停止率（上昇）です（比べられたのは5件）。" in JA.say(
        said.text
    )
    assert "E-mail, unsubscribe rate (higher)" in EN.say(said.text)
    _, same, _ = results(sends(batch("m", SEP, 400, clicked=40), batch("m", LATE, 400, clicked=41)))
    assert "はっきり動いた指標はありません" in JA.say(page.this_period(found, same)[0].text)
    _, alone, _ = results(sends(batch("m", OCT, 400, clicked=41)))
    assert "前期とは比べていません" in JA.say(page.this_period(found, alone)[0].text)


def test_the_months_are_titled_by_what_the_largest_channel_did():
    chart, _ = page.trend(results(FULL)[0], OCTOBER.trailing(6))
    assert JA.say(chart.title) == "メールのクリック率は、月によって9.5%〜17.3%"


def test_the_list_names_whose_cart_waits():
    _, found = everything()
    listed = found[-1].customers.customers
    assert sorted(listed["customer_id"]) == [f"m{i}" for i in range(30, 40)]
    assert set(listed["reason"]) == {"open_cart"}
    assert found[-1].money == 20_000
    assert JA.label("messages.reason.open_cart") == "カートに商品が残っている"


@pytest.mark.parametrize(
    ("start", "end", "named"),
    [
        pytest.param(date(2026, 8, 1), date(2026, 9, 1), True, id="ended in the months looked at"),
        pytest.param(date(2026, 10, 31), date(2026, 12, 1), True, id="has begun"),
        pytest.param(date(2026, 11, 1), date(2026, 12, 1), False, id="begins later"),
        pytest.param(date(2026, 7, 1), date(2026, 8, 31), False, id="was over before"),
    ],
)
@pytest.mark.parametrize("priced", [True, False], ids=["priced", "without prices"])
def test_a_cart_campaign_that_runs_is_not_proposed_anew(start, end, named, priced):
    _, changes, _ = results(FULL)
    funnel = step_funnel(FULL, ORDERS, as_of=AS_OF, campaigns=PLANS)
    runs = CampaignPlan("welcome", "mail", start, end, kind="cart")
    other = CampaignPlan("mailing", "mail", start, end)
    finding = page.findings(changes, funnel, *carts(priced), campaigns=[runs, other])[-1]
    assert finding.measure == ("message_review" if named else "cart_reminder")
    assert (finding.money is None) == (named or not priced)
    for words in (JA, EN):
        said = finding.text(words)["do_what"]
        assert (NAMES[words.lang]["campaign_name.welcome"] in said) == named


def test_without_prices_no_money_is_told():
    _, changes, _ = results(FULL)
    left, waiting = carts(priced=False)
    funnel = step_funnel(FULL, ORDERS, as_of=AS_OF, campaigns=PLANS)
    finding = page.findings(changes, funnel, left, waiting)[-1]
    assert finding.money is None
    assert "value" not in finding.customers.customers
    assert "円" not in "".join(finding.text(JA).values())


def test_what_was_not_sent_is_said_in_a_sentence_and_not_drawn():
    found, changes, _ = results(sends(batch("m", SEP, 10, clicked=1)))
    for (nothing,) in (page.channels(found, None, OCTOBER), page.this_period(found, changes)):
        assert "配信したメッセージがないため" in JA.say(nothing.text)
    (no_log,) = page.carts(None, None)
    assert "web_events" in JA.say(no_log.text)
    assert page.trend(found, OCTOBER.trailing(6)) == []
    funnel = step_funnel(sends(*FLOW), ORDERS, as_of=date(2026, 9, 9), campaigns=PLANS)
    (underway,) = page.steps(funnel)
    assert "配信中の顧客60人" in JA.say(underway.text)
    assert page.findings(changes, funnel) == []


def test_months_not_over_are_hatched():
    left, _ = carts()
    media, data = page.carts(*carts())[0].picture(JA, Style())
    assert left.table["recovery_preliminary"].tolist() == [False, True]
    assert media == "image/svg+xml"
    assert b"<pattern" in data


@pytest.mark.parametrize(
    ("batches", "channels"),
    [
        pytest.param(
            [("m", SEP), ("m", OCT), ("l", OCT)], {"mail"}, id="LINE is new: nothing to compare it with"
        ),
        pytest.param([("m", OCT), ("l", OCT)], {"mail", "line"}, id="nothing can be compared: what was sent"),
    ],
)
def test_changes_are_of_channels_used_in_both_periods(batches, channels):
    found, changes, _ = results(sends(*(batch(name, day, 400, clicked=40) for name, day in batches)))
    _, table, _ = page.this_period(found, changes)
    assert set(table.frame["channel"]) == channels
