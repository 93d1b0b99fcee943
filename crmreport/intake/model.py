"""What intake did, as typed records: kept beside the store as intake.json and shown on the data page."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict

from crmreport.errors import DataError
from crmreport.intake.tables import Table
from crmreport.period import Period

_OPEN_DAYS = 31
"""A period may end so many days after the last order: its last month is preliminary, not unknown."""

Severity = Literal["ok", "info", "warning", "critical"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class InputFile(_Record):
    """One file that was read. ``name`` is relative to the client's folder."""

    table: Table
    source: int
    name: str
    bytes: int
    sha256: str
    format: str
    lines: int
    blank_lines: int
    found: dict[str, str]
    """What the reader made out: encoding and delimiter, or sheet."""


class SourceCount(_Record):
    """Lines of one source: ``lines = stored + quarantined + excluded``."""

    table: Table
    source: int
    path: str
    lines: int
    stored: int
    quarantined: int
    excluded: dict[str, int]
    """Named rule → lines; ``totals row`` and ``same key`` are rules too."""
    repeated_lines: int
    """Lines equal in every column to an earlier line of the source; stored all the same."""

    @property
    def n_excluded(self) -> int:
        """Lines left out by rules."""
        return sum(self.excluded.values())


class Normalised(_Record):
    """How many lines of a column were brought to the canonical form, by kind of change."""

    table: Table
    column: str
    changed: int
    by_kind: dict[str, int]


class Quarantined(_Record):
    """Lines set aside for one reason."""

    table: Table
    file: str
    column: str
    reason: str
    lines: int


class Guests(_Record):
    """Order lines nobody can be asked about."""

    lines: int
    orders: int
    revenue: float
    blank_id: int
    guest_id: int


class Check(_Record):
    """One thing looked at.

    Args (fields):
        id: What was looked at; the data chapter has its words under this name.
        severity: ``ok`` where nothing was found.
        table, column: Where.
        count, of, share: How many lines, customers or months, out of how many.
        values: Further numbers and names for the sentence.
        detail: The sentence in English, for the command line.
    """

    id: str
    severity: Severity
    table: Table
    column: str | None = None
    count: int = 0
    of: int = 0
    share: float | None = None
    values: dict[str, str | int | float] = {}
    detail: str = ""


class ControlResult(_Record):
    """A total of the client's own books beside the sum of the stored lines."""

    period: str
    expected: Decimal
    found: Decimal
    difference: Decimal
    tolerance: Decimal
    within: bool


class MonthCount(_Record):
    """Lines of one month and channel (``""`` where no channel is known)."""

    month: str
    channel: str
    lines: int
    orders: int
    revenue: float


class DayCount(_Record):
    """Lines of one day."""

    day: date
    lines: int
    revenue: float


class ColumnShare(_Record):
    """How complete a stored column is."""

    table: Table
    column: str
    missing: int
    of: int
    share: float | None


class Conflicts(_Record):
    """Keys whose lines disagree in a column; the values are listed in conflicts.parquet."""

    table: Table
    column: str
    keys: int
    kept: Literal["first", "last"]


class TableCount(_Record):
    """One stored table."""

    rows: int
    columns: list[str]


class IntakeReport(_Record):
    """Everything intake counted, in one deterministic record.

    ``derived`` says which canonical columns were computed rather than read, and how.
    """

    client: str
    key: str
    timezone: str
    currency: str
    inputs: list[InputFile]
    sources: list[SourceCount]
    tables: dict[str, TableCount]
    derived: dict[str, str]
    normalised: list[Normalised]
    quarantined: list[Quarantined]
    guests: Guests
    conflicts: list[Conflicts]
    missing: list[ColumnShare]
    checks: list[Check]
    control_totals: list[ControlResult]
    first_day: date | None
    last_day: date | None
    revenue: Decimal
    monthly: list[MonthCount]
    daily: list[DayCount]

    def require(self, period: Period) -> None:
        """Refuse a period the order lines do not cover; what is not observed would be read as sales of 0.

        Raises:
            DataError: No day of the period lies between the first and the last order, or the orders
                stop more than a month before its end.
        """
        if self.first_day is None or self.last_day is None:
            raise DataError(f"client {self.client!r} has no order lines in use; see crmreport check")
        if period.as_of < self.first_day or period.start > self.last_day:
            where = "before" if period.as_of < self.first_day else "after"
            raise DataError(
                f"period {period.name} ({period.start} to {period.as_of}) lies {where} the order lines of "
                f"client {self.client!r}, which run from {self.first_day} to {self.last_day}; "
                "choose a period they reach, or add the files that are missing"
            )
        if period.as_of - self.last_day > timedelta(days=_OPEN_DAYS):
            raise DataError(
                f"period {period.name} ends on {period.as_of}, but the order lines of client "
                f"{self.client!r} stop on {self.last_day}; report on {period.start}..{self.last_day}, "
                "or add the files that are missing"
            )

    @property
    def lines(self) -> int:
        """Lines in, over all sources."""
        return sum(s.lines for s in self.sources)

    @property
    def n_stored(self) -> int:
        """Lines in the store."""
        return sum(s.stored for s in self.sources)

    @property
    def n_quarantined(self) -> int:
        """Lines set aside."""
        return sum(s.quarantined for s in self.sources)

    @property
    def n_excluded(self) -> int:
        """Lines left out by named rules."""
        return sum(s.n_excluded for s in self.sources)

    def after(self, as_of: date) -> tuple[int, float]:
        """Lines and revenue later than ``as_of``: stored, invisible to every analysis of that day."""
        later = [d for d in self.daily if d.day > as_of]
        return sum(d.lines for d in later), sum(d.revenue for d in later)

    def balance(self) -> str:
        """The line that is printed on every run.

        Examples:
            The text reads ``lines in 1,000 = stored 990 + quarantined 4 + excluded by rule 6``.
        """
        return (
            f"lines in {self.lines:,} = stored {self.n_stored:,} "
            f"+ quarantined {self.n_quarantined:,} + excluded by rule {self.n_excluded:,}"
        )
