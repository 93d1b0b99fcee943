"""A letter with its files as one RFC 5322 message; the same bytes every time until it is sent."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from crmreport.config import Attachment
from crmreport.deliver.letter import Letter, size
from crmreport.deliver.model import File, Recipient
from crmreport.errors import ConfigError

UNSET_SENDER = Address(addr_spec="crmreport@sender-is-not-set.invalid")
_TYPES: dict[Attachment, tuple[str, str]] = {
    "pdf": ("application", "pdf"),
    "html": ("text", "html"),
    "workbook": ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "lists": ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


def digest_of(recipient: Recipient, key: str, letter: Letter, files: tuple[File, ...]) -> str:
    """One short name for what goes to whom."""
    parts = [recipient.via, recipient.to, key, letter.text(), *(f"{f.name} {f.sha256}" for f in files)]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:20]


def compose(
    recipient: Recipient,
    letter: Letter,
    files: tuple[File, ...],
    *,
    sender: Address,
    digest: str,
    number: int = 1,
) -> EmailMessage:
    """The message without its date, marked as a draft.

    Args:
        digest: From :func:`digest_of`; names the message and its parts.
        number: Counts the messages this recipient was sent; a try that failed does not count,
            so that a mailbox which got it all the same shows it once.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    if recipient.via == "email":
        message["To"] = recipient.to
    else:
        message["X-Delivery"] = f"{recipient.via} {recipient.to}"
    message["Subject"] = letter.subject
    message["Message-ID"] = f"<{digest}.{number}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    # Outlook opens such a file as a draft.
    message["X-Unsent"] = "1"
    # base64: a server that takes only seven bits takes it, too.
    message.set_content(letter.text(), cte="base64")
    message.add_alternative(letter.html(), subtype="html", cte="base64")
    for file in files:
        maintype, subtype = _TYPES[file.kind]
        parameters = {"charset": "utf-8"} if maintype == "text" else None
        message.add_attachment(
            file.data, maintype=maintype, subtype=subtype, filename=file.name, params=parameters
        )
    message["Content-Language"] = ", ".join(recipient.languages)
    for i, part in enumerate(p for p in message.walk() if p.is_multipart()):
        part.set_boundary(f"=-{digest}-{i}")
    return message


def dated(message: EmailMessage, at: datetime) -> bytes:
    """The message as it is sent."""
    del message["X-Unsent"]
    del message["Date"]
    message["Date"] = format_datetime(at)
    return message.as_bytes()


def refuse_too_large(recipient: Recipient, n_bytes: int, files: tuple[File, ...]) -> None:
    """Check a message against its recipient's limit.

    Raises:
        ConfigError: It is larger.
    """
    if n_bytes > recipient.max_bytes:
        largest = sorted(files, key=lambda f: len(f.data), reverse=True)[:3]
        said = ", ".join(f"{f.name} {size(len(f.data))}" for f in largest)
        raise ConfigError(
            f"the message to {recipient.to} would be {size(n_bytes)} ({said}), more than "
            f"{size(recipient.max_bytes)}; attach less, or raise max_mb: of this delivery"
        )
