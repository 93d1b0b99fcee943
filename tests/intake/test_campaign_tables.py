"""Send logs and web events: every line accounted for, days in the client's zone, order lines untouched."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from crmreport.errors import ConfigError, DataError
from crmreport.intake import IntakeReport
from crmreport.intake.recognise import guess_sources
from crmreport.scaffold import Answers, draft, from_guesses
from tests.intake.conftest import LINES, Shop, csv_text

LOG = "配信ID,会員番号,群,配信日時,ステップ,開封日時,配信停止日時,不達,機械開封"
COLUMNS = {
    "campaign_id": "配信ID",
    "customer_id": "会員番号",
    "arm": "群",
    "sent_at": "配信日時",
    "step": "ステップ",
    "opened_at": "開封日時",
    "unsubscribed_at": "配信停止日時",
    "bounced": "不達",
    "machine_open": "機械開封",
}
SENT = (
    "M1,0001,mail,2026/10/05 23:30,1,2026/10/06 00:10,,0,0",
    "M1,0002,holdout,2026/10/05 23:30,,,,,",
)


def log(*lines: str, header: str = LOG) -> str:
    return csv_text(*lines, header=header)


def sends(shop: Shop, *lines: str, header: str = LOG, **settings: Any) -> tuple[pl.DataFrame, IntakeReport]:
    shop.put("sales.csv", csv_text(*LINES))
    shop.put("sends.csv", log(*lines, header=header))
    policies = settings.pop("policies", {})
    headers = header.split(",")
    columns = {c: h for c, h in COLUMNS.items() if h in headers}
    source = {"path": "sends.csv", "columns": columns, **settings}
    store = shop.open(sends=[source], policies=policies)
    return pl.read_parquet(store.table("sends")), store.report


def test_a_send_log_is_stored_with_its_days_in_the_clients_zone(shop: Shop) -> None:
    frame, report = sends(shop, *SENT)
    assert frame.to_dicts()[0] == {
        "campaign_id": "M1",
        "customer_id": "0001",
        "arm": "mail",
        "sent_at": datetime(2026, 10, 5, 14, 30, tzinfo=UTC),
        "sent_on": date(2026, 10, 5),
        "step": 1.0,
        "opened_at": datetime(2026, 10, 5, 15, 10, tzinfo=UTC),
        "opened_on": date(2026, 10, 6),
        "unsubscribed_at": None,
        "unsubscribed_on": None,
        "bounced": False,
        "machine_open": False,
    }
    assert frame["step"].to_list() == [1.0, 1.0], "a step that is not given is the first"
    assert [c.id for c in report.checks if c.table == "sends" and c.severity != "ok"] == ["sent_after_orders"]


def test_a_log_without_arms_says_that_all_were_sent_to(shop: Shop) -> None:
    frame, report = sends(shop, "M1,0001,2026/10/05", header="配信ID,会員番号,配信日時")
    assert frame.select("arm", "step").row(0) == ("sent", 1.0)
    assert report.derived == {"sends.arm": "every line was sent: there is no column of arms"}


def test_a_blank_arm_is_left_out_where_the_campaign_has_arms(shop: Shop) -> None:
    frame, report = sends(shop, *SENT, "M1,0003,,2026/10/05,,,,,", "M2,0003,,2026/10/05,,,,,")
    assert frame.filter(customer_id="0003").select("campaign_id", "arm").rows() == [("M2", "sent")]
    assert (report.n_stored, report.n_excluded, report.lines) == (6, 1, 7)
    assert [s.excluded for s in report.sources if s.table == "sends"] == [{"no arm": 1}]


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        pytest.param(",0001,mail,2026/10/05,,,,,", "campaign_id", "is missing", id="no campaign"),
        pytest.param("M1,,mail,2026/10/05,,,,,", "customer_id", "is missing", id="no customer"),
        pytest.param("M1,0001,mail,,,,,,", "sent_at", "is missing", id="no time"),
        pytest.param("M1,0001,mail,soon,,,,,", "sent_at", "is not a date", id="no date"),
        pytest.param("M1,0001,mail,2026/10/05,two,,,,", "step", "is not a number", id="no step"),
        pytest.param(
            "M1,0001,mail,2026/10/05,,yes,,,", "opened_at", "is not a date", id="an open without time"
        ),
        pytest.param("M1,0001,mail,2026/10/05,,,,maybe,", "bounced", "is neither yes nor no", id="no flag"),
    ],
)
def test_a_line_that_tells_too_little_is_set_aside(shop: Shop, line: str, column: str, reason: str) -> None:
    frame, report = sends(shop, *SENT, line, policies={"quarantine_limit": 1})
    assert frame.height == 2
    (group,) = report.quarantined
    assert (group.table, group.column, group.lines) == ("sends", column, 1)
    assert group.reason.startswith(reason)


def test_more_unreadable_lines_than_borne_stop_the_run(shop: Shop) -> None:
    with pytest.raises(DataError, match=r"sends.csv: 1 of 3 lines of sends.csv could not be read"):
        sends(shop, *SENT, "M1,,mail,2026/10/05,,,,,")


def test_doubled_sends_are_kept_and_counted_and_so_are_crossed_arms(shop: Shop) -> None:
    crossed = "M1,0002,mail,2026/10/07 10:00,2,2026/10/01 10:00,,,"
    rule = {"name": "staff", "column": "会員番号", "exclude": ["9"]}
    frame, report = sends(shop, *SENT, SENT[0], crossed, "M1,9,mail,2026/10/05,,,,,", rules=[rule])
    (count,) = [s for s in report.sources if s.table == "sends"]
    assert (count.lines, count.stored, count.quarantined, count.excluded) == (
        5,
        4,
        0,
        {"no arm": 0, "staff": 1},
    )
    assert frame.height == 4
    found = {c.id: (c.count, c.of) for c in report.checks if c.table == "sends" and c.severity != "ok"}
    assert found == {
        "repeated_lines": (1, 5),
        "doubled_sends": (1, 4),
        "customer_in_many_arms": (1, 2),
        "reaction_before_sending": (1, 4),
        "sent_after_orders": (4, 4),
    }


@pytest.mark.parametrize(
    ("day", "found"),
    [
        ("2026/10/03", ("ok", 0)),
        ("2026/10/04", ("info", 1)),
        ("2026/11/03", ("info", 1)),
        ("2026/11/04", ("warning", 1)),
        ("2027/03/01", ("warning", 1)),
    ],
)
def test_sends_after_the_last_order_are_counted(shop: Shop, day: str, found: tuple[str, int]) -> None:
    """The last order is of 3 October."""
    _, report = sends(shop, f"M1,0001,mail,{day} 10:00,1,,,,")
    (check,) = [c for c in report.checks if c.id == "sent_after_orders"]
    assert (check.severity, check.count) == found


def test_unreadable_lines_are_said_of_the_table_they_are_in(shop: Shop) -> None:
    many = [f"M1,{i:04d},mail,2026/10/01 10:00,1,,,," for i in range(300)]
    _, report = sends(shop, *many, "M1,0001,mail,2026/13/05,1,,,,")
    (check,) = [c for c in report.checks if c.id == "quarantine"]
    assert (check.table, check.count) == ("sends", 1)
    assert check.detail == "1 lines could not be read and were set aside (sends 1)"


def test_recipients_who_are_in_no_master_are_counted(shop: Shop) -> None:
    shop.put("sales.csv", csv_text(*LINES))
    shop.put("sends.csv", log(*SENT))
    shop.put("members.csv", "id\n0001\n")
    report = shop.open(
        sends=[{"path": "sends.csv", "columns": COLUMNS}],
        customers=[{"path": "members.csv", "columns": {"customer_id": "id"}}],
    ).report
    found = {c.id: c.count for c in report.checks if c.id.endswith("orphan_customers")}
    assert found == {"orphan_customers": 3, "sends_orphan_customers": 1}


@pytest.mark.parametrize(
    ("table", "columns", "message"),
    [
        ("sends", {"campaign_id": "a", "customer_id": "b"}, "columns lacks sent_at; name its header there"),
        ("sends", {"campaign": "a"}, "no canonical column 'campaign'; did you mean campaign_id?"),
        ("web_events", {"at": "a", "event": "b"}, "columns has neither customer_id nor visitor_id; map one"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused(
    shop: Shop, table: str, columns: dict[str, str], message: str
) -> None:
    shop.put("sales.csv", csv_text(*LINES))
    shop.put("x.csv", "a,b,c\n1,2,3\n")
    with pytest.raises(ConfigError, match=rf"sources.{table}: x.csv: {message}"):
        shop.open(**{table: [{"path": "x.csv", "columns": columns}]})


def test_web_events_of_visitors_and_of_nobody(shop: Shop) -> None:
    shop.put("sales.csv", csv_text(*LINES))
    lines = (
        "0001,,2026-10-05T23:30:00+00:00,カート,P1",
        ",v9,2026-10-06T01:00:00+00:00,閲覧,",
        ",,2026-10-06T01:00:00+00:00,閲覧,",
    )
    shop.put("events.csv", csv_text(*lines, header="会員番号,訪問者ID,日時,行動,商品"))
    source = {
        "path": "events.csv",
        "columns": {
            "customer_id": "会員番号",
            "visitor_id": "訪問者ID",
            "at": "日時",
            "event": "行動",
            "product_id": "商品",
        },
        "codes": {"event": {"カート": "cart", "閲覧": "view"}},
    }
    store = shop.open(web_events=[source])
    frame = pl.read_parquet(store.table("web_events"))
    assert frame.columns == ["customer_id", "visitor_id", "at", "event_date", "event", "product_id"]
    assert frame["event"].to_list() == ["cart", "view", "view"]
    assert frame["event_date"].to_list() == [date(2026, 10, 6)] * 3
    assert {c.id: c.count for c in store.report.checks if c.table == "web_events" and c.count} == {
        "events_of_nobody": 1
    }


def test_order_lines_are_the_same_with_and_without_a_send_log(shop: Shop) -> None:
    shop.put("sales.csv", csv_text(*LINES))
    shop.put("sends.csv", log(*SENT))
    alone = shop.open()
    both = shop.open(sends=[{"path": "sends.csv", "columns": COLUMNS}])
    assert alone.table("order_lines").read_bytes() == both.table("order_lines").read_bytes()
    assert (alone.tables, both.tables) == (("order_lines",), ("order_lines", "sends"))


@pytest.mark.parametrize(
    ("header", "table", "columns"),
    [
        pytest.param(
            "キャンペーンID,会員番号,アーム,配信日時,開封日時,クリック日時,配信停止日時,機械開封,不達フラグ,メモ",
            "sends",
            {
                "campaign_id": "キャンペーンID",
                "customer_id": "会員番号",
                "arm": "アーム",
                "sent_at": "配信日時",
                "opened_at": "開封日時",
                "clicked_at": "クリック日時",
                "unsubscribed_at": "配信停止日時",
                "bounced": "不達フラグ",
                "machine_open": "機械開封",
            },
            id="Japanese log",
        ),
        pytest.param(
            "campaign_id,customer_id,variant,sent_at,opened_at,step",
            "sends",
            {
                "campaign_id": "campaign_id",
                "customer_id": "customer_id",
                "arm": "variant",
                "sent_at": "sent_at",
                "step": "step",
                "opened_at": "opened_at",
            },
            id="English log",
        ),
        pytest.param(
            "会員番号,クッキーID,アクセス日時,イベント,商品コード",
            "web_events",
            {
                "customer_id": "会員番号",
                "visitor_id": "クッキーID",
                "at": "アクセス日時",
                "event": "イベント",
                "product_id": "商品コード",
            },
            id="web events",
        ),
        pytest.param(
            "会員番号,購入日,金額,キャンペーンコード",
            "order_lines",
            {
                "customer_id": "会員番号",
                "ordered_at": "購入日",
                "revenue": "金額",
                "campaign_id": "キャンペーンコード",
            },
            id="orders with a campaign stay orders",
        ),
    ],
)
def test_the_usual_headers_are_recognised(
    tmp_path: Path, header: str, table: str, columns: dict[str, str]
) -> None:
    values = {
        "campaign_id": "M1",
        "sent_at": "2026/10/05 10:00",
        "at": "2026/10/05 10:00",
        "ordered_at": "2026/10/05",
    }
    by_header = {h: values.get(c, "") for c, h in columns.items()}
    line = ",".join(by_header.get(h, "") or "1" for h in header.split(","))
    (tmp_path / "a.csv").write_text(f"{header}\n{line}\n", encoding="utf-8")
    (guess,) = guess_sources(tmp_path)
    assert (guess.table, guess.columns) == (table, columns)


def test_events_in_words_of_the_shop_are_asked_about(tmp_path: Path) -> None:
    text = "訪問者ID,日時,イベント\nv1,2026/10/05 10:00,閲覧\nv1,2026/10/05 10:01,cart\n"
    (tmp_path / "web.csv").write_text(text, encoding="utf-8")
    (guess,) = guess_sources(tmp_path)
    assert guess.questions == ("codes.event: which of cart, checkout, purchase, view do 閲覧 mean?",)


def test_a_log_of_one_campaign_asks_which_and_leaves_a_mark(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("会員番号,配信日時\n1,2026/10/05\n", encoding="utf-8")
    (guess,) = guess_sources(tmp_path)
    assert guess.questions == (
        "campaign_id: which campaign is this? name its column, or write it under constants",
        "arm: no column of arms was found; every line will count as sent",
    )
    written = draft("shop", from_guesses([guess]), Answers()).text
    assert "        campaign_id: TODO\n" in written
