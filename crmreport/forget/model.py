"""What was looked for and found, in counts and places; nothing here says who."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Where = Literal["store", "quarantine", "answers", "unfinished", "report", "cache", "outbox", "plan"]


@dataclass(frozen=True, slots=True)
class Place:
    """A file with something of theirs.

    Args:
        where: Of what it is a part.
        path: The file, relative to the workspace.
        rows: Rows of theirs in it; in the quarantine, lines set aside of whomever: nothing says whose.
        customers: Whose; for counting only, never shown.
    """

    where: Where
    path: str
    rows: int
    customers: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True, slots=True)
class Trace:
    """A file that is not edited, and may hold something of theirs all the same."""

    path: str
    what: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody a list with one of them was sent to.

    Args:
        report: Its folder under reports/.
        to: Address or service, as client.yml names it.
        at: When, as an ISO time.
    """

    report: str
    to: str
    at: str


@dataclass(frozen=True, slots=True)
class Forgetting:
    """What came of a request.

    Args:
        asked: Customers it named.
        known: Of these, customers who were on the list already.
        unseen: Of these, customers of whom nothing was found.
        listed: Customers on the list now; in a dry run, as many as there would be.
        dry_run: Nothing was written.
        places: What was found, and taken out unless it was a dry run.
        left: What is still there; empty unless something went wrong.
        traces: To be looked at by a person.
        recipients: Whom to ask to delete what they were sent.
    """

    client: str
    asked: int
    known: int
    unseen: int
    listed: int
    dry_run: bool
    places: tuple[Place, ...]
    left: tuple[Place, ...] = ()
    traces: tuple[Trace, ...] = ()
    recipients: tuple[Recipient, ...] = ()
