"""A published report to its recipients: every message is written and checked before the first is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage

from crmreport.config import Client
from crmreport.config_file import load_client
from crmreport.deliver.journal import Entry, Journal, Mark, Standing
from crmreport.deliver.letter import Letter, Letters
from crmreport.deliver.mail import Mailer, MailServer, has_sender, sender
from crmreport.deliver.message import UNSET_SENDER, compose, dated, digest_of, refuse_too_large
from crmreport.deliver.model import Delivered, File, NotTakenError, Outcome, Recipient, State
from crmreport.deliver.outbox import Outbox
from crmreport.deliver.published import Report, open_published
from crmreport.deliver.service import Service
from crmreport.errors import ConfigError
from crmreport.workspace import Workspace

_KNOWN: dict[Standing, State] = {
    "open": "ready",
    "sent": "sent_before",
    "perhaps": "perhaps_sent",
    "older": "older_version_sent",
}


_MARKS: dict[State, Mark] = {
    "refused": "refused",
    "put_off": "put_off",
    "failed": "failed",
    "perhaps_sent": "sending",
}


@dataclass(frozen=True)
class _Ready:
    """A message that may be sent."""

    recipient: Recipient
    letter: Letter
    files: tuple[File, ...]
    message: EmailMessage
    digest: str

    def outcome(self, state: State) -> Outcome:
        return Outcome(
            self.recipient, state, self.letter.subject, self.files, message_id=self.message["Message-ID"]
        )


def deliver_report(
    workspace: Workspace,
    client_id: str,
    period: str,
    *,
    report: str = "assessment",
    send: bool = False,
    again: bool = False,
    only: Sequence[str] = (),
    now: Callable[[], datetime],
    tell: Callable[[Outcome], None] = lambda _: None,
) -> Delivered:
    """Write the messages of one report into the outbox, or send them.

    Nobody gets a report twice: who has it, or perhaps has it, is left out unless ``again`` is said.

    Args:
        client_id: Folder under clients/; only the recipients in its client.yml get anything.
        period: ``2026-10``, ``2026-Q3``, ``FY2026`` or a range of days.
        send: Really send.
        again: Also to those who have it already.
        only: Of the recipients, only these.
        now: The clock, with a zone; a message has a date.
        tell: Told of every message when it is done.

    Raises:
        ConfigError: The client file or the environment is not usable, nobody gets this report, or a
            message may not be sent as it is (language not made, too large, line break in a name).
        RunError: There is no complete and unchanged report, or the outbox cannot be written.
    """
    client = load_client(workspace.client_file(client_id), reports=False)
    name = client.period(period).name
    recipients = recipients_of(client, report, only)
    published = open_published(workspace, client_id, name, report)
    outbox = Outbox(workspace, client_id, name, report)
    outbox.make()
    about = {"client": client_id, "period": name, "report": report}
    if not send:
        ready = _compose(client, published, recipients, Journal(outbox.folder, **about), outbox, again=again)
        outcomes = [_drafted(item, state, outbox, tell) for item, state in ready]
        return Delivered(client_id, name, report, False, tuple(outcomes))
    # Asked for before the lock: a setting that is missing must not look like a delivery under way.
    server = MailServer.from_environment() if any(r.via == "email" for r in recipients) else None
    with outbox.only_sender():
        journal = Journal(outbox.folder, **about)
        services = {r.to: Service(r) for r in recipients if r.via == "apprise"}
        ready = _compose(client, published, recipients, journal, outbox, again=again, services=services)
        outcomes = list(_send(ready, published, journal, outbox, server, services, now, tell))
    return Delivered(client_id, name, report, True, tuple(outcomes))


def recipients_of(client: Client, report: str, only: Sequence[str] = ()) -> list[Recipient]:
    """Who gets a report of a client.

    Languages not said in the file stay empty here: they are the report's.

    Raises:
        ConfigError: The client has no such report, nobody gets it, or ``only`` names somebody else.
    """
    where = f"clients/{client.client}/client.yml"
    if report not in client.reports:
        raise ConfigError(f"{where}: reports: there is no {report!r}; there is {', '.join(client.reports)}")
    found = [
        Recipient(
            entry.via, address, tuple(entry.languages or ()), tuple(entry.attach), entry.max_mb * 1_000_000
        )
        for entry in client.delivery
        if report in (entry.reports or client.reports)
        for address in (entry.to or [entry.url or ""])
    ]
    if not found:
        raise ConfigError(f"{where}: delivery: nobody gets {report}; add a recipient (docs/deliver.md)")
    wanted = {address.casefold() for address in only}
    if unknown := wanted - {r.to.casefold() for r in found}:
        raise ConfigError(
            f"{where}: delivery: {min(unknown)} does not get {report}; "
            f"it goes to {', '.join(r.to for r in found)}"
        )
    return [r for r in found if not wanted or r.to.casefold() in wanted]


def _compose(
    client: Client,
    published: Report,
    recipients: list[Recipient],
    journal: Journal,
    outbox: Outbox,
    *,
    again: bool,
    services: dict[str, Service] | None = None,
) -> list[tuple[_Ready, State]]:
    """All messages, checked, with what the journal knows of each; drafts of earlier versions go."""
    letters = Letters(client, published)
    own = sender() if has_sender() else UNSET_SENDER
    found: list[tuple[_Ready, State]] = []
    for given in recipients:
        recipient = replace(given, languages=given.languages or published.languages)
        standing, _ = journal.standing(recipient.to, published.key)
        service = (services or {}).get(recipient.to)
        item = _message(letters, published, recipient, journal, own, service)
        found.append((item, "ready" if again else _KNOWN[standing]))
    outbox.keep_only({item.digest for item, state in found if state == "ready"})
    return found


def _message(
    letters: Letters,
    published: Report,
    recipient: Recipient,
    journal: Journal,
    own: Address,
    service: Service | None,
) -> _Ready:
    files = published.files(recipient)
    attachable = service is None or service.takes_files
    letter = letters.write(recipient.languages, files, attachable=attachable)
    if not attachable:
        files = ()
    digest = digest_of(recipient, published.key, letter, files)
    number = 1 + sum(entry.mark in ("sent", "sending") for entry in journal.of(recipient.to))
    message = compose(recipient, letter, files, sender=own, digest=digest, number=number)
    refuse_too_large(recipient, len(message.as_bytes()), files)
    return _Ready(recipient, letter, files, message, digest)


def _drafted(item: _Ready, state: State, outbox: Outbox, tell: Callable[[Outcome], None]) -> Outcome:
    outcome = item.outcome(state)
    if state == "ready":
        outcome = replace(outcome, draft=outbox.put(item.digest, item.message.as_bytes()))
    tell(outcome)
    return outcome


def _send(
    ready: list[tuple[_Ready, State]],
    published: Report,
    journal: Journal,
    outbox: Outbox,
    server: MailServer | None,
    services: dict[str, Service],
    now: Callable[[], datetime],
    tell: Callable[[Outcome], None],
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    mailer = Mailer(server) if server else None
    with closing(mailer) if mailer else nullcontext():
        for item, state in ready:
            outcome = item.outcome(state)
            if state == "ready":
                outcome = _send_one(item, published, journal, outbox, mailer, services, now())
            else:
                _, entry = journal.standing(item.recipient.to, published.key)
                outcome = replace(outcome, reason=f"since {entry.at}" if entry else "")
            tell(outcome)
            outcomes.append(outcome)
    return outcomes


def _send_one(
    item: _Ready,
    published: Report,
    journal: Journal,
    outbox: Outbox,
    mailer: Mailer | None,
    services: dict[str, Service],
    at: datetime,
) -> Outcome:
    """Send a message between two lines of the journal; what ends between them is perhaps sent."""
    recipient = item.recipient
    # The draft first: when the disk is full, that shows before anything is sent.
    draft = outbox.put(item.digest, item.message.as_bytes())
    outcome = replace(item.outcome("sent"), at=at.isoformat(timespec="seconds"), draft=draft)
    message = dated(item.message, at)
    files = {file.name: file.sha256 for file in item.files}
    journal.begin(
        Entry(recipient.to, recipient.via, "sending", published.key, outcome.message_id, outcome.at, files)
    )
    try:
        if mailer is not None and recipient.via == "email":
            mailer.send(message, recipient.to)
        else:
            services[recipient.to].send(item.letter, item.files)
    except NotTakenError as error:
        journal.end(_MARKS[error.state], error.reason)
        return replace(outcome, state=error.state, reason=error.reason)
    journal.end("sent")
    outbox.drop(item.digest)
    return replace(outcome, draft="")
