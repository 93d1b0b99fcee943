"""Other services (Slack, Teams, LINE WORKS, a webhook …) through apprise, an extra of this package."""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from crmreport.deliver.letter import Letter
from crmreport.deliver.model import File, NotTakenError, Recipient
from crmreport.errors import ConfigError

_SPEAKERS = ("apprise", "requests", "urllib3")
_NO_WAY_THERE = re.compile(r"NewConnectionError|ConnectTimeout|NameResolution|Connection refused|SSLError")


class Service:
    """One address of apprise's, taken from the environment.

    Raises:
        ConfigError: apprise is not installed, the variable is not set, or its value is no address.
    """

    def __init__(self, recipient: Recipient) -> None:
        name = recipient.to[2:-1]
        if find_spec("apprise") is None:
            raise ConfigError(
                f"{recipient.to}: apprise is not installed; install it with: pip install 'crmreport[deliver]'"
            )
        import apprise

        address = os.environ.get(name, "").strip()
        if not address:
            raise ConfigError(f"{name}: the environment variable is not set; set it to the service's address")
        asset = apprise.AppriseAsset(app_id="crmreport", app_desc="", async_mode=False)
        self._service: Any = apprise.Apprise(asset=asset)
        with _overheard():
            added = self._service.add(address)
        if not added or len(self._service) != 1:
            raise ConfigError(
                f"{name}: its value is not one address that apprise knows; write one such as slack://…"
            )

    @property
    def takes_files(self) -> bool:
        """Whether files can be sent along."""
        return bool(self._service[0].attachment_support)

    def send(self, letter: Letter, files: tuple[File, ...]) -> None:
        """Hand a letter to the service.

        Raises:
            NotTakenError: It was not taken, or nobody can know.
        """
        with TemporaryDirectory(prefix="crmreport-") as folder, _overheard() as heard:
            paths: list[str] = []
            for file in files if self.takes_files else ():
                path = Path(folder) / file.name
                path.write_bytes(file.data)
                paths.append(str(path))
            try:
                taken = self._service.notify(
                    body=letter.text(), title=letter.subject, body_format="text", attach=paths or None
                )
            except Exception as error:
                # A fault inside apprise may hold the address; only its kind is told.
                raise NotTakenError("perhaps_sent", f"apprise failed ({type(error).__name__})") from None
        if not taken:
            raise _why(heard)


def _why(heard: list[str]) -> NotTakenError:
    """What apprise's log says, without quoting it: it holds the address and its tokens."""
    said = "\n".join(heard)
    if any(line.startswith("Sent ") for line in heard):
        return NotTakenError("perhaps_sent", "the service took only a part of the message")
    if code := re.search(r"\berror=(\d{3})\b", said):
        state = "put_off" if code[1] in ("429", "503") else "refused"
        return NotTakenError(state, f"the service answered {code[1]}")
    if _NO_WAY_THERE.search(said):
        return NotTakenError("failed", "the service cannot be reached")
    return NotTakenError("perhaps_sent", "the service did not confirm the message")


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """What the libraries log, kept here and shown nowhere."""
    heard: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record.getMessage())

    ear, before = Ear(logging.DEBUG), []
    for logger in map(logging.getLogger, _SPEAKERS):
        before.append((logger, logger.level, logger.propagate, logger.handlers))
        logger.handlers, logger.propagate = [ear], False
        logger.setLevel(logging.DEBUG)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield heard
    finally:
        for logger, level, propagate, handlers in before:
            logger.setLevel(level)
            logger.propagate, logger.handlers = propagate, handlers
