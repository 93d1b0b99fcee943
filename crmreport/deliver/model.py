"""What a delivery is made of: who gets it, what is said, what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from crmreport.config import Attachment, Language

Via = Literal["email", "apprise"]

State = Literal[
    "ready", "sent", "refused", "put_off", "failed", "perhaps_sent", "sent_before", "older_version_sent"
]
"""What became of one message.

``ready``: would go, but nothing was to be sent. ``refused``: the other side said no. ``put_off``: it said
later. ``failed``: it was not reached. ``perhaps_sent``: the line broke, or the program died, after the
message was handed over; it is not sent again by itself. ``sent_before``: this recipient has it.
``older_version_sent``: this recipient has the report as it was before its numbers or texts changed.
"""

MISSED: tuple[State, ...] = ("refused", "put_off", "failed")
"""States after which the next ``--send`` tries again."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One address of one client, and what it gets.

    Args:
        to: A mail address, or ``${ENV_NAME}`` that holds a service's address.
    """

    via: Via
    to: str
    languages: tuple[Language, ...]
    attach: tuple[Attachment, ...]
    max_bytes: int


@dataclass(frozen=True, slots=True)
class File:
    """One published file as it travels."""

    name: str
    """ASCII: Japanese file names arrive broken in some mail programs."""
    kind: Attachment
    lang: Language
    data: bytes
    sha256: str
    finding: str = ""
    """Id of the finding a list belongs to."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One message and what became of it.

    Args:
        files: Name and SHA-256 of what is attached.
        draft: Where the message can be looked at, relative to the workspace; empty once it is sent.
        at: When it was sent, or tried to be; ISO, UTC.
    """

    recipient: Recipient
    state: State
    subject: str
    files: tuple[File, ...]
    draft: str = ""
    message_id: str = ""
    at: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """Everything that was to go out for one report."""

    client: str
    period: str
    report: str
    sent: bool
    """False for a dry run."""
    outcomes: tuple[Outcome, ...]

    @property
    def missed(self) -> tuple[Outcome, ...]:
        """Messages that should have gone out in this run and did not for sure."""
        bad = (*MISSED, "perhaps_sent")
        return tuple(o for o in self.outcomes if self.sent and o.state in bad and o.at)


class NotTakenError(Exception):
    """The other side did not take a message; never leaves this package."""

    def __init__(self, state: State, reason: str) -> None:
        super().__init__(reason)
        self.state: State = state
        self.reason = reason
