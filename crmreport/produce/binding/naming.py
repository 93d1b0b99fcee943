"""What a period is called in a sentence."""

from __future__ import annotations

from crmreport.period import Period, add_months
from crmreport.present.text import Text
from crmreport.present.words import Words


def period_label(period: Period, words: Words) -> str:
    """The period as a reader says it: 2026年10月, 2026年度（…）, a range of days."""
    end = add_months(period.end, -1)
    kind = {1: "month", 3: "quarter", 12: "fiscal"}.get(period.months or 0, "range")
    if kind == "fiscal" and not period.name.startswith("FY"):
        kind = "quarter"
    if kind == "fiscal":
        return words.say(Text("book.period.fiscal", year=period.start.year, start=period.start, end=end))
    if kind == "month":
        return words.say(Text("book.period.month", start=period.start))
    if kind == "quarter":
        return words.say(Text("book.period.quarter", start=period.start, end=end))
    return words.say(Text("book.period.range", start=period.start, end=period.as_of))
