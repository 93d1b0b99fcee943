"""The sentence every chapter says alike when the data end before the period does (速報)."""

from __future__ import annotations

from crmreport.analysis.observed import ObservedDays
from crmreport.present.message import Note
from crmreport.present.text import Text


def unobserved(observed: ObservedDays, meaning: Text) -> list[Note]:
    """Up to which day the data go, how many days nobody could see, and what that means for the chapter.

    Args:
        observed: Days the order lines say something about.
        meaning: The chapter's own sentence: which of its numbers to read with care.

    Returns:
        One note; none when the data reach the period's end.
    """
    if not observed.unobserved_days:
        return []
    return [
        Note(
            Text(
                "observed.note",
                last=observed.last_day,
                as_of=observed.as_of,
                days=observed.unobserved_days,
                meaning=meaning,
            )
        )
    ]
