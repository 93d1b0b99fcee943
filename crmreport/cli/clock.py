"""The one place that looks at the clock; everything else is told the time."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """This instant."""
    return datetime.now(UTC)
