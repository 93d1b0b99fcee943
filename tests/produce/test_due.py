"""Which months are due: time zones, month ends, clocks that move, what is published, what is delivered."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmreport.config import Client
from crmreport.config_file import load_client
from crmreport.intake import open_store
from crmreport.period import Period
from crmreport.produce.attempts import Attempt
from crmreport.produce.due import Made, due_periods, last_complete_month, made_reports, undelivered
from crmreport.workspace import Workspace

ZONES = ("Asia/Tokyo", "America/New_York", "Pacific/Auckland", "UTC")
BOTH = frozenset({"ja", "en"})


def client(zone: str = "Asia/Tokyo", **schedule: object) -> Client:
    return Client.model_validate(
        {
            "client": "shop",
            "name": {"ja": "店", "en": "Shop"},
            "timezone": zone,
            "sources": {"order_lines": [{"path": "data/orders.csv", "columns": {}}]},
            "reports": {"assessment": {"chapters": ["sales"]}, "monthly": {"chapters": ["sales"]}},
            "schedule": schedule,
        }
    )


def made(*periods: str, report: str = "assessment", languages: frozenset[str] = BOTH) -> set[Made]:
    return {Made(period, report, languages) for period in periods}


def months(shop: Client, now: str, have: set[Made] | frozenset[Made] = frozenset(), **options) -> list[str]:
    due = due_periods(shop, now=datetime.fromisoformat(now), made=have, **options)
    return [d.period for d in due]


@pytest.mark.parametrize(
    ("zone", "last_second", "month"),
    [
        ("Asia/Tokyo", "2026-10-31T14:59:59+00:00", "2026-09"),
        ("America/New_York", "2026-11-01T03:59:59+00:00", "2026-09"),
        ("Pacific/Auckland", "2026-10-31T10:59:59+00:00", "2026-09"),
        ("UTC", "2026-10-31T23:59:59+00:00", "2026-09"),
        pytest.param("America/New_York", "2026-12-01T04:59:59+00:00", "2026-10", id="New York in winter"),
        pytest.param("Pacific/Auckland", "2026-08-31T11:59:59+00:00", "2026-07", id="Auckland in winter"),
        pytest.param("Asia/Tokyo", "2027-02-28T14:59:59+00:00", "2027-01", id="February"),
        pytest.param("Asia/Tokyo", "2028-02-29T14:59:59+00:00", "2028-01", id="February of a leap year"),
        pytest.param("Asia/Tokyo", "2026-12-31T14:59:59+00:00", "2026-11", id="New Year's Eve"),
        # The clocks went back on the 1st itself, at two in the morning.
        pytest.param("America/New_York", "2026-11-01T05:30:00+00:00", "2026-10", id="first 01:30"),
        pytest.param("America/New_York", "2026-11-01T06:30:00+00:00", "2026-10", id="second 01:30"),
    ],
)
def test_a_month_is_complete_from_midnight_of_the_client(zone, last_second, month):
    instant = datetime.fromisoformat(last_second)
    assert last_complete_month(ZoneInfo(zone), instant).name == month
    if instant.second == 59:
        after = instant + timedelta(seconds=1)
        assert last_complete_month(ZoneInfo(zone), after) == Period.parse(month)._shift(1)


@given(st.integers(946_800_000, 4_102_300_000), st.sampled_from(ZONES))
def test_the_last_month_ended_and_the_next_has_not(seconds, zone):
    instant = datetime.fromtimestamp(seconds, UTC)
    month = last_complete_month(ZoneInfo(zone), instant)
    today = instant.astimezone(ZoneInfo(zone)).date()
    assert month.end <= today < month._shift(1).end


def test_one_instant_is_two_months():
    now = "2026-10-31T20:00:00+00:00"
    assert {zone: months(client(zone), now) for zone in ZONES} == {
        "Asia/Tokyo": ["2026-10"],
        "Pacific/Auckland": ["2026-10"],
        "America/New_York": ["2026-09"],
        "UTC": ["2026-09"],
    }


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="now is 2026-11-02 .*, without a time zone"):
        months(client(), "2026-11-02T06:00:00")


NOW = "2026-11-02T06:00:00+09:00"


@pytest.mark.parametrize(
    ("schedule", "have", "wanted"),
    [
        pytest.param({}, set(), ["2026-10"], id="no since: the last month only"),
        pytest.param({}, made("2026-10"), [], id="it is there"),
        pytest.param({"since": "2026-08"}, set(), ["2026-08", "2026-09", "2026-10"], id="never run"),
        pytest.param({"since": "2026-08"}, made("2026-08", "2026-10"), ["2026-09"], id="one missed"),
        pytest.param({"since": "2026-08"}, made("2026-08", "2026-09", "2026-10"), [], id="all there"),
        pytest.param({"since": "2026-11"}, set(), [], id="begins this month"),
        pytest.param({"since": "2027-04"}, set(), [], id="begins next year"),
        pytest.param({"since": "2025-01", "catch_up": 2}, set(), ["2026-09", "2026-10"], id="looks two back"),
        pytest.param({"since": "2026-10", "catch_up": 9}, set(), ["2026-10"], id="no further than since"),
        pytest.param({"wait_days": 2}, set(), ["2026-10"], id="waits until the 2nd"),
        pytest.param({"wait_days": 3}, set(), ["2026-09"], id="waits until the 3rd: the month before"),
        pytest.param({"wait_days": 3}, made("2026-09"), [], id="waits until the 3rd: nothing yet"),
        pytest.param({"wait_days": 40}, set(), ["2026-08"], id="waits longer than a month"),
        pytest.param({"reports": []}, set(), [], id="left out of the schedule"),
        pytest.param({}, made("2026-10", report="monthly"), ["2026-10"], id="only another report is there"),
        pytest.param({}, made("2026-10", languages=frozenset({"ja"})), ["2026-10"], id="half its languages"),
        pytest.param({}, made("2026-11", "2030-01"), ["2026-10"], id="later months do not count"),
    ],
)
def test_what_is_due(schedule, have, wanted):
    assert months(client(**schedule), NOW, have) == wanted


def test_a_year_is_looked_back_unless_said_otherwise():
    due = months(client(since="2020-01"), NOW)
    assert (due[0], due[-1], len(due)) == ("2025-11", "2026-10", 12)
    assert months(client(since="2020-01"), NOW, limit=1) == ["2026-10"]
    assert months(client(), NOW, since="2026-09") == ["2026-09", "2026-10"]


def test_reports_of_one_month_come_together_in_the_order_of_the_schedule():
    shop = client(since="2026-09", reports=["monthly", "assessment"])
    due = due_periods(shop, now=datetime.fromisoformat(NOW), made=made("2026-09"))
    assert [(d.period, d.report) for d in due] == [
        ("2026-09", "monthly"),
        ("2026-10", "monthly"),
        ("2026-10", "assessment"),
    ]
    assert [d.due_since for d in due] == [date(2026, 10, 1), date(2026, 11, 1), date(2026, 11, 1)]


def test_asked_for_one_report_in_one_language():
    have = made("2026-10", report="monthly", languages=frozenset({"ja"}))
    assert months(client(), NOW, have, reports=["monthly"], languages=["ja"]) == []
    assert months(client(), NOW, have, reports=["monthly"]) == ["2026-10"]


@given(st.sets(st.integers(0, 11)), st.integers(1, 28), st.sampled_from(ZONES))
def test_what_has_been_made_is_not_due_again_the_same_day(gaps, day, zone):
    shop = client(zone, since="2025-11")
    now = datetime(2026, 11, day, 12, tzinfo=UTC)
    have = {m for i in range(12) if i not in gaps for m in made(Period.parse("2025-11")._shift(i).name)}
    due = due_periods(shop, now=now, made=have)
    assert len(due) == len(gaps)
    assert due == sorted(due, key=lambda d: d.period)
    have |= {Made(d.period, d.report, BOTH) for d in due}
    assert due_periods(shop, now=now + timedelta(hours=9), made=have) == []


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        pytest.param("1970-01-01T00:00:00+00:00", [], id="back to the beginning"),
        pytest.param("2026-07-15T00:00:00+00:00", [], id="back before since"),
        pytest.param("2026-09-15T00:00:00+00:00", [], id="back by two months: those are made"),
        pytest.param("2026-11-02T00:00:00+00:00", ["2026-10"], id="right again: goes on where it was"),
        pytest.param("2027-01-02T00:00:00+00:00", ["2026-10", "2026-11", "2026-12"], id="off for two months"),
    ],
)
def test_a_clock_that_moves_makes_nothing_twice_and_leaves_nothing_out(now, wanted):
    assert months(client(since="2026-08"), now, made("2026-08", "2026-09")) == wanted


def attempt(status: str, **change: object) -> Attempt:
    fields = {
        "client": "shop",
        "period": "2026-10",
        "report": "assessment",
        "languages": ("ja", "en"),
        "status": status,
        "exit_code": 4,
        "error": "decile: no deciles",
        "started_at": "2026-11-02T06:00:00+00:00",
        "seconds": 1.0,
        "key": "",
        "folder": "shop/2026-10",
    }
    return Attempt(**{**fields, **change})


@pytest.mark.parametrize("status", ["failed", "partial", "stopped", "complete"])
def test_an_attempt_decides_nothing_but_is_told(status):
    tried = [attempt(status), attempt("failed", client="other"), attempt("failed", report="monthly")]
    now = datetime.fromisoformat(NOW)
    (due,) = due_periods(client(), now=now, made=(), attempts=tried)
    assert due.last == tried[0]
    assert due_periods(client(), now=now, made=made("2026-10"), attempts=tried) == []


# What is published


def publish(root: Path, folder: str, **change: object) -> Path:
    record = {"client": "shop", "period": "2026-10", "report": "assessment", "status": "complete"}
    path = root / "reports" / folder / "run.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({**record, "languages": ["ja", "en"], **change}), encoding="utf-8")
    return path


def test_complete_reports_in_their_places_are_made(tmp_path):
    publish(tmp_path, "shop/2026-10")
    publish(tmp_path, "shop/2026-09-monthly", period="2026-09", report="monthly", languages=["ja"])
    publish(tmp_path, "other/2026-08", client="other", period="2026-08")
    assert made_reports(Workspace(tmp_path), "shop") == {
        Made("2026-10", "assessment", BOTH),
        Made("2026-09", "monthly", frozenset({"ja"})),
    }


@pytest.mark.parametrize(
    ("folder", "change", "text"),
    [
        pytest.param("shop/2026-10", {"status": "partial"}, None, id="marked partial"),
        pytest.param(".partial/shop/2026-10", {"status": "partial"}, None, id="partial, beside"),
        pytest.param("shop/2026-10 (copy)", {}, None, id="a copy by hand"),
        pytest.param("shop/2026-09", {}, None, id="put into another month's folder"),
        pytest.param("shop/2026-10", {"client": "other"}, None, id="another client's"),
        pytest.param("shop/2026-10", {}, "{", id="cut off"),
        pytest.param("shop/2026-10", {}, "[]", id="no record at all"),
    ],
)
def test_what_is_not_a_complete_report_leaves_the_month_due(tmp_path, folder, change, text):
    path = publish(tmp_path, folder, **change)
    if text is not None:
        path.write_text(text, encoding="utf-8")
    assert made_reports(Workspace(tmp_path), "shop") == frozenset()


# What is delivered

CLIENT = """\
client: shop
name: {ja: 店, en: Shop}
sources:
  order_lines:
    - path: data/orders.csv
      columns: {customer_id: 会員番号, order_id: 伝票番号, ordered_at: 購入日, revenue: 金額}
reports:
  assessment: {chapters: [sales]}
"""


def days(first: str, last: str, *, closed: tuple[int, ...] = ()) -> list[date]:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    span = (start + timedelta(days=i) for i in range((end - start).days + 1))
    return [day for day in span if day.weekday() not in closed]


EVERY_DAY = days("2026-08-03", "2026-10-31")
SUNDAYS_OFF = days("2026-08-03", "2026-10-31", closed=(6,))
FEW = [date(2026, 8, 5), date(2026, 8, 29), date(2026, 9, 20), date(2026, 10, 12)]


@pytest.mark.parametrize(
    ("orders", "period", "waits"),
    [
        pytest.param(EVERY_DAY, "2026-10", None, id="reaches the last day"),
        pytest.param(days("2026-08-03", "2026-11-05"), "2026-10", None, id="goes on after it"),
        pytest.param(EVERY_DAY, "2026-11", "lies after the order lines", id="nothing of the month"),
        pytest.param(EVERY_DAY[:-1], "2026-10", "stop on 2026-10-30, 1 days before", id="a day is missing"),
        pytest.param(EVERY_DAY[:-26], "2026-10", "stop on 2026-10-05, 26 days before", id="half delivered"),
        pytest.param(SUNDAYS_OFF, "2026-08", None, id="an earlier month"),
        pytest.param(SUNDAYS_OFF[:-1], "2026-10", None, id="ends as long before as a Sunday"),
        pytest.param(
            SUNDAYS_OFF[:-2],
            "2026-10",
            "the longest pause in the year before was 1",
            id="longer than a Sunday",
        ),
        pytest.param(FEW, "2026-10", None, id="few orders: 19 days without are usual"),
        pytest.param(
            [*FEW[:3], date(2026, 10, 1)], "2026-10", "30 days before", id="few orders, half a month"
        ),
        pytest.param([*EVERY_DAY, date(2062, 1, 1)], "2026-12", "2026-10-31, 61 days", id="a date mistyped"),
        pytest.param([*EVERY_DAY[:-9], date(2062, 1, 1)], "2026-10", "9 days before", id="cut and mistyped"),
        pytest.param(
            EVERY_DAY, "2026-06", "write since: 2026-08 under schedule", id="before the first order"
        ),
    ],
)
def test_a_month_waits_for_its_orders(tmp_path, orders, period, waits):
    home = tmp_path / "clients" / "shop"
    (home / "data").mkdir(parents=True)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "sales.ipynb").touch()
    (home / "client.yml").write_text(CLIENT, encoding="utf-8")
    lines = [f"c{i % 7},o{i},{day},1000" for i, day in enumerate(orders)]
    text = "\n".join(["会員番号,伝票番号,購入日,金額", *lines])
    (home / "data" / "orders.csv").write_text(text + "\n", encoding="utf-8")
    workspace = Workspace(tmp_path)
    intake = open_store(workspace, load_client(workspace.client_file("shop"))).report
    said = undelivered(intake, Period.parse(period))
    if waits is None:
        assert said is None
    else:
        assert waits in said
        assert "\n" not in said
