"""Periods: names, borders, and what they are compared with."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmreport.errors import ConfigError
from crmreport.period import Period, add_months

D = date.fromisoformat

CASES = {
    "a month": ("2026-10", 4, "2026-10-01", "2026-10-31", "2026-09", "2025-10"),
    "January looks back over the year's end": (
        "2026-01",
        4,
        "2026-01-01",
        "2026-01-31",
        "2025-12",
        "2025-01",
    ),
    "February of a leap year": ("2024-02", 4, "2024-02-01", "2024-02-29", "2024-01", "2023-02"),
    "a calendar quarter": ("2026-Q3", 4, "2026-07-01", "2026-09-30", "2026-Q2", "2025-Q3"),
    "the first quarter": ("2026-Q1", 4, "2026-01-01", "2026-03-31", "2025-Q4", "2025-Q1"),
    "a fiscal year from April": ("FY2026", 4, "2026-04-01", "2027-03-31", "FY2025", "FY2025"),
    "a fiscal year from January": ("FY2026", 1, "2026-01-01", "2026-12-31", "FY2025", "FY2025"),
    "a range, both days inside": (
        "2026-04-01..2026-09-30",
        4,
        "2026-04-01",
        "2026-09-30",
        "2025-09-30..2026-03-31",
        "2025-04-01..2025-09-30",
    ),
    "one day": (
        "2024-02-29..2024-02-29",
        4,
        "2024-02-29",
        "2024-02-29",
        "2024-02-28..2024-02-28",
        "2023-02-28..2023-02-28",
    ),
}


@pytest.mark.parametrize(
    ("name", "fiscal", "first", "last", "previous", "year_ago"), CASES.values(), ids=CASES
)
def test_a_period_and_what_it_is_compared_with(name, fiscal, first, last, previous, year_ago):
    period = Period.parse(name, fiscal_year_start=fiscal)
    assert (period.start, period.as_of) == (D(first), D(last))
    assert period.end == period.as_of + timedelta(days=1)
    assert period.previous().name == previous
    assert period.year_ago().name == year_ago


@pytest.mark.parametrize(
    "name",
    [
        "",
        "2026",
        "2026-13",
        "2026-00",
        "2026/10",
        "2026-1",
        "2026-Q5",
        "FY26",
        "fy2026",
        "2026-10\n",
        "../2026-10",
        "2026-09-30..2026-04-01",
        "2026-02-30..2026-03-01",
        "9999-12",
        "FY9999",
        "２０２６-10x",
        "0000-01",
    ],
)
def test_what_is_no_period_is_refused_with_the_forms_there_are(name):
    with pytest.raises(ConfigError, match="is not a period; write it as 2026-10, 2026-Q3, FY2026 or"):
        Period.parse(name)


def test_trailing_months_end_with_the_period():
    year = Period.parse("2026-10").trailing(12)
    assert (year.start, year.end) == (D("2025-11-01"), D("2026-11-01"))


months = st.builds("{:04d}-{:02d}".format, st.integers(1990, 2090), st.integers(1, 12))
quarters = st.builds("{:04d}-Q{}".format, st.integers(1990, 2090), st.integers(1, 4))
years = st.builds("FY{:04d}".format, st.integers(1990, 2090))


@given(st.one_of(months, quarters, years), st.integers(1, 12))
def test_a_period_follows_its_previous_one_without_gap(name, fiscal):
    period = Period.parse(name, fiscal_year_start=fiscal)
    previous = period.previous()
    assert previous.end == period.start
    assert Period.parse(previous.name, fiscal_year_start=fiscal) == previous
    assert add_months(period.year_ago().start, 12) == period.start


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(0, 800))
def test_a_range_is_compared_with_as_many_days_before_it(first, more):
    period = Period.parse(f"{first}..{first + timedelta(days=more)}")
    assert period.days == more + 1 == period.previous().days
    assert period.previous().end == period.start
