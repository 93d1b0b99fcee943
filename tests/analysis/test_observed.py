from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from crmreport.analysis.observed import observed_days
from crmreport.period import Period

AS_OF = date(2026, 10, 31)
OCTOBER = Period.parse("2026-10")


def daily(first: str, last: str, *, every: int = 1) -> pd.DataFrame:
    days = pd.date_range(first, last, freq=f"{every}D")
    ids = [f"o{i}" for i in range(len(days))]
    return pd.DataFrame({"customer_id": "a", "order_id": ids, "order_date": days, "revenue": 1.0})


CASES = {
    "to the last day": (daily("2026-01-01", "2026-10-31"), False, 0),
    "a usual pause at the end is no gap": (daily("2026-01-01", "2026-10-28"), False, 0),
    "stops on the 20th: 11 days nobody could see": (daily("2026-01-01", "2026-10-20"), True, 11),
    "a shop that opens every tenth day": (daily("2026-01-07", "2026-10-24", every=10), False, 0),
    "lines after as_of cannot be seen": (
        pd.concat([daily("2026-01-01", "2026-10-20"), daily("2026-11-01", "2026-11-30")]),
        True,
        11,
    ),
}


@pytest.mark.parametrize(("lines", "preliminary", "days"), CASES.values(), ids=CASES)
def test_the_days_nothing_is_known_of(engine, lines, preliminary, days):
    seen = observed_days(engine(lines.reset_index(drop=True)), as_of=AS_OF)
    assert (seen.is_preliminary, seen.unobserved_days) == (preliminary, days)
    assert seen.as_of == AS_OF


def test_no_line_at_all_is_preliminary_and_covers_nothing():
    seen = observed_days(daily("2026-11-01", "2026-11-02"), as_of=AS_OF)
    assert (seen.first_day, seen.last_day) == (None, None)
    assert seen.is_preliminary
    assert not seen.covers(OCTOBER)


@pytest.mark.parametrize(
    ("first", "covers"),
    [("2026-10-01", True), ("2026-10-07", True), ("2026-10-08", False)],
)
def test_a_period_is_covered_from_its_first_week_on(first, covers):
    assert observed_days(daily(first, "2026-10-31"), as_of=AS_OF).covers(OCTOBER) is covers
