"""sent.json: who got what. Written before and after every message, so that none goes out twice unseen."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from crmreport.deliver.model import Via
from crmreport.errors import RunError
from crmreport.whole_file import write_whole

FILE = "sent.json"
_SCHEMA = 1

Mark = Literal["sending", "sent", "refused", "put_off", "failed"]
"""``sending`` stays only when nobody knows how it ended."""

Standing = Literal["open", "sent", "perhaps", "older"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One try at one recipient.

    Args:
        key: Content key of the report.
        at: ISO time in UTC.
        files: Name → SHA-256 of what was attached.
    """

    to: str
    via: Via
    mark: Mark
    key: str
    message_id: str
    at: str
    files: dict[str, str]
    reason: str = ""


class Journal:
    """The tries of one report, oldest first.

    Args:
        folder: ``reports/.outbox/<client>/<period>-<report>/``.

    Raises:
        RunError: The file is there and cannot be read: better nothing is sent than something twice.
    """

    def __init__(self, folder: Path, *, client: str, period: str, report: str) -> None:
        self._path = folder / FILE
        self._about = {"schema": _SCHEMA, "client": client, "period": period, "report": report}
        self.entries: list[Entry] = []
        try:
            record = json.loads(self._path.read_text(encoding="utf-8"))
            self.entries = [_entry(line) for line in record["entries"]]
            about = {name: record[name] for name in self._about}
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError):
            raise RunError(
                f"{self._path}: cannot be read, and it says who has the report; "
                "put the file right, or move it away to send to everybody again"
            ) from None
        if about != self._about:
            raise RunError(f"{self._path}: is the journal of another report; move it to where it belongs")

    def of(self, to: str) -> list[Entry]:
        """The tries at one recipient."""
        return [entry for entry in self.entries if entry.to.casefold() == to.casefold()]

    def standing(self, to: str, key: str) -> tuple[Standing, Entry | None]:
        """Whether a recipient has the report made under ``key``, and the entry that says so."""
        known: tuple[tuple[Standing, Callable[[Entry], bool]], ...] = (
            ("sent", lambda e: e.mark == "sent" and e.key == key),
            ("perhaps", lambda e: e.mark == "sending" and e.key == key),
            ("older", lambda e: e.mark in ("sent", "sending")),
        )
        tries = self.of(to)
        for standing, fits in known:
            if found := next((entry for entry in reversed(tries) if fits(entry)), None):
                return standing, found
        return "open", None

    def begin(self, entry: Entry) -> None:
        """Write that a message is about to be handed over.

        Raises:
            RunError: It cannot be written; the message must not be sent then.
        """
        self.entries.append(entry)
        try:
            self._write()
        except OSError as error:
            self.entries.pop()
            raise RunError(
                f"{self._path}: cannot be written ({error.strerror}), so nothing more was sent; "
                "make room or give rights, then run again"
            ) from None

    def end(self, mark: Mark, reason: str = "") -> None:
        """Write how the message begun last ended.

        Raises:
            RunError: It cannot be written; the recipient then counts as perhaps reached.
        """
        self.entries[-1] = replace(self.entries[-1], mark=mark, reason=reason)
        try:
            self._write()
        except OSError as error:
            raise RunError(
                f"{self._path}: cannot be written ({error.strerror}); {self.entries[-1].to} "
                f"is {mark} in truth and stands there as perhaps sent; make room "
                "or give rights before the next --send"
            ) from None

    def _write(self) -> None:
        record = {**self._about, "entries": [asdict(entry) for entry in self.entries]}
        text = json.dumps(record, ensure_ascii=False, indent=1) + "\n"
        write_whole(self._path, text, private=True, lasting=True)


def _entry(line: dict[str, Any]) -> Entry:
    entry = Entry(**line)
    if entry.mark not in get_args(Mark) or not isinstance(entry.to, str) or not isinstance(entry.key, str):
        raise ValueError(entry.mark)
    return entry
