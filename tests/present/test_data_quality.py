"""The data-quality chapter on a hand-made intake report."""

from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pytest

from crmreport.intake.model import (
    Check,
    ColumnShare,
    ControlResult,
    DayCount,
    Guests,
    Normalised,
    SourceCount,
    TableCount,
)
from crmreport.present import data_quality as page
from crmreport.present.style import Style
from crmreport.present.words import Words

JA, EN = Words("ja"), Words("en")
AS_OF = date(2026, 10, 31)


def control(found: str, *, period: str = "2026-06", expected: str = "1000") -> ControlResult:
    gap = Decimal(found) - Decimal(expected)
    return ControlResult(
        period=period,
        expected=Decimal(expected),
        found=Decimal(found),
        difference=gap,
        tolerance=Decimal("0.5"),
        within=abs(gap) <= Decimal("0.5"),
    )


def intake(**changes):
    """A clean delivery of 100 lines, with what the test changes."""
    parts = {
        "sources": [
            SourceCount(
                table="order_lines",
                source=1,
                path="data/sales.csv",
                lines=110,
                stored=100,
                quarantined=0,
                excluded={"training": 10},
                repeated_lines=0,
            )
        ],
        "tables": {},
        "checks": [Check(id="quarantine", severity="ok", table="order_lines", count=0, of=110, share=0.0)],
        "control_totals": [],
        "guests": Guests(lines=0, orders=0, revenue=0.0, blank_id=0, guest_id=0),
        "missing": [ColumnShare(table="order_lines", column="coupon_id", missing=90, of=100, share=0.9)],
        "normalised": [Normalised(table="customers", column="sex", changed=5, by_kind={"form": 5})],
        "daily": [DayCount(day=d, lines=50, revenue=500.0) for d in (date(2026, 9, 1), AS_OF)],
        "quarantined": [],
        "revenue": Decimal("1000"),
        "first_day": date(2026, 9, 1),
        "last_day": AS_OF,
        "after": lambda as_of: (0, 0.0),
    }
    return SimpleNamespace(**(parts | changes))


GUESTS = Guests(lines=20, orders=15, revenue=200.0, blank_id=15, guest_id=5)
MESSAGES = {
    "a month differs from the books": (
        {"control_totals": [control("900"), control("1000", period="2026-07")]},
        "2026年6月の売上が貴社の集計値と100円異なり",
        "Revenue of June 2026 differs from your books by ¥100",
    ),
    "many unknown customers": (
        {"guests": GUESTS, "control_totals": [control("1000")]},
        "売上の20.0%は顧客を特定できない",
        "20.0% of revenue belongs to no known customer",
    ),
    "many unknown customers, and no books": (
        {"guests": GUESTS},
        "売上の20.0%は顧客を特定できず、貴社の集計値との突き合わせもまだ",
        "20.0% of revenue belongs to no known customer, and there are no books",
    ),
    "all agrees": (
        {"control_totals": [control("1000")]},
        "1か月分とすべて一致",
        "agrees with your books wherever you gave a total (1 month)",
    ),
    "no books": ({}, "突き合わせはまだ", "no books to check"),
}


@pytest.mark.parametrize(("changes", "ja", "en"), MESSAGES.values(), ids=MESSAGES)
def test_message(changes, ja, en):
    text = page.message(intake(**changes)).text
    assert ja in JA.say(text)
    assert en in EN.say(text)


def test_lines_add_up():
    totals = page.balance_table(intake()).totals
    assert totals["lines"] == totals["stored"] + totals["quarantined"] + totals["excluded"] == 110


CAVEATS = {
    "clean: none": ({}, []),
    "books differ": ({"control_totals": [control("900")]}, [("data_quality.control_total", "warning")]),
    "unknown customers over 5 %": ({"guests": GUESTS}, [("data_quality.guests", "info")]),
    "a month is missing": (
        {
            "checks": [
                Check(id="quarantine", severity="ok", table="order_lines", of=110),
                Check(
                    id="months_missing", severity="warning", table="order_lines", count=1, of=3, share=1 / 3
                ),
            ]
        },
        [("data_quality.months_missing", "warning")],
    ),
    "a coupon column is blank by nature": (
        {
            "checks": [
                Check(
                    id="missing_share",
                    severity="warning",
                    table="order_lines",
                    column="coupon_id",
                    count=90,
                    of=100,
                    share=0.9,
                )
            ]
        },
        [],
    ),
    "a few customers are not in the master": (
        {
            "checks": [
                Check(
                    id="orphan_customers",
                    severity="warning",
                    table="order_lines",
                    column="customer_id",
                    count=1,
                    of=100,
                    share=0.01,
                )
            ]
        },
        [("data_quality.orphan_customers", "info")],
    ),
}


@pytest.mark.parametrize(("changes", "expected"), CAVEATS.values(), ids=CAVEATS)
def test_caveats(changes, expected):
    found = page.findings(intake(**changes), as_of=AS_OF)
    assert [(finding.id, finding.severity) for finding in found] == expected
    for finding in found:
        assert all(finding.text(words)["what"] for words in (JA, EN))


ORPHANS = Check(
    id="orphan_customers",
    severity="warning",
    table="order_lines",
    column="customer_id",
    count=1,
    of=100,
    share=0.01,
)
MASTERS = {
    "with consent": (["customer_id", "consent_mail"], "リストからは外れます", "stay off lists"),
    "without a column of consent": (["customer_id", "sex"], "全員が入ります", "action lists hold everybody"),
}


@pytest.mark.parametrize(("columns", "ja", "en"), MASTERS.values(), ids=MASTERS)
def test_who_is_on_a_list_is_told_by_what_is_known_of_consent(columns, ja, en):
    tables = {"customers": TableCount(rows=5, columns=columns)}
    (finding,) = page.findings(intake(checks=[ORPHANS], tables=tables), as_of=AS_OF)
    assert ja in finding.text(JA)["so_what"]
    assert en in finding.text(EN)["so_what"]
    assert finding.text(EN)["what"] == "Customers of 1 order line (1.0%) are not in the master."
    asks = "consent" in finding.text(EN)["do_what"]
    assert asks == ("consent_mail" not in columns)


def conflict(column: str, keys: int) -> Check:
    return Check(
        id="conflict",
        severity="warning",
        table="customers",
        column=column,
        count=keys,
        of=200,
        share=keys / 200,
    )


CONFLICTS = {
    "one column": ([conflict("sex", 1)], "1 key stands with different values (Customers: Sex)."),
    "several columns": (
        [conflict("sex", 3), conflict("prefecture", 8), conflict("rank", 2)],
        "In several columns of the masters, keys stand with different values; the largest share is in "
        "Customers: Prefecture (8 keys).",
    ),
}


@pytest.mark.parametrize(("checks", "en"), CONFLICTS.values(), ids=CONFLICTS)
def test_conflicts_of_several_columns_are_not_told_as_one(checks, en):
    (finding,) = page.findings(intake(checks=checks), as_of=AS_OF)
    assert finding.text(EN)["what"] == en
    assert finding.text(JA)["what"]


def test_every_number_of_a_caveat_stands_in_its_table():
    report = intake(control_totals=[control("900")], guests=GUESTS)
    tables = {t.id: t for t in (page.control_table(report), page.attribution_table(report, as_of=AS_OF))}
    for finding in page.findings(report, as_of=AS_OF):
        for name, fact in finding.facts.items():
            if fact.cell is None:
                assert isinstance(fact.value, str), name
                continue
            table = tables[fact.cell.table]
            frame = table.frame.set_index(list(table.row_key))
            assert frame.loc[fact.cell.row, fact.cell.column].item() == fact.value, name


@pytest.mark.parametrize("words", [JA, EN], ids=["ja", "en"])
def test_everything_is_shown_in_both_languages(words):
    report = intake(control_totals=[control("900")], guests=GUESTS)
    tables = [
        page.balance_table(report),
        *page.excluded_tables(report),
        page.control_table(report),
        page.attribution_table(report, as_of=AS_OF),
        page.checks_table(report),
        page.missing_table(report),
        page.normalised_table(report),
    ]
    for table in tables:
        assert "<table>" in table.html(words)
    assert "<img" in page.months_chart(report, as_of=AS_OF).html(words, Style())


def test_a_missing_month_is_named_in_the_title():
    days = [DayCount(day=d, lines=9, revenue=9.0) for d in (date(2026, 8, 3), date(2026, 10, 3))]
    title = page.months_chart(intake(daily=days), as_of=AS_OF).title
    assert "1か月のデータが欠けている" in JA.say(title)


DROPS = [
    Check(
        id="sudden_drop",
        severity="warning",
        table="order_lines",
        column="channel",
        count=3,
        of=90,
        share=1 / 30,
        values={"channel": "ec", "month": month, "usual": 90},
        detail=month,
    )
    for month in ("2026-09", "2026-11")
]


def test_what_comes_after_as_of_is_in_no_chart_and_no_finding_and_is_counted():
    days = [date(2026, 9, 1), date(2026, 10, 31), date(2026, 11, 1), date(2027, 2, 1)]
    report = intake(
        daily=[DayCount(day=d, lines=50, revenue=5.0) for d in days],
        checks=[*intake().checks, *DROPS],
        after=lambda as_of: (sum(50 for d in days if d > as_of), 10.0),
    )
    chart = page.months_chart(report, as_of=AS_OF)
    assert "データのそろう2か月のうち、行数が急に減った月が1か月ある" in JA.say(chart.title)
    assert "基準日2026-10-31より後の100行は含めていない" in JA.say(chart.note)
    assert "100 lines after 2026-10-31 are left out" in EN.say(chart.note)
    (finding,) = page.findings(report, as_of=AS_OF)
    assert finding.facts["month"].value == "2026-09"
    (earlier,) = page.findings(report, as_of=date(2026, 9, 30))
    assert earlier.facts["month"].value == "2026-09"
    assert page.findings(report, as_of=date(2026, 8, 31)) == []
    whole = page.months_chart(intake(), as_of=AS_OF)
    assert "より後" not in JA.say(whole.note)
