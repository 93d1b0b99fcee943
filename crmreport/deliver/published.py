"""The one report that may go out: complete, unchanged since it was published, and this client's."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crmreport.config import Attachment, Language
from crmreport.deliver.model import File, Recipient
from crmreport.errors import ConfigError, RunError
from crmreport.produce.attempts import last_attempt
from crmreport.produce.publish import partial_place, target
from crmreport.produce.records import RECORD
from crmreport.produce.records.verify import verify
from crmreport.workspace import Workspace


@dataclass(frozen=True)
class Report:
    """A published report that may be delivered."""

    folder: Path
    record: dict[str, Any]
    near: str
    """The folder as messages name it."""

    @property
    def key(self) -> str:
        """Content key: another one means other numbers, texts or files."""
        return self.record["key"]

    @property
    def languages(self) -> tuple[Language, ...]:
        """The languages it was made in."""
        return tuple(self.record["languages"])

    def read(self, path: str) -> tuple[bytes, str]:
        """A file of the report and its SHA-256.

        Raises:
            RunError: It is not the file run.json tells of.
        """
        expected = next((o["sha256"] for o in self.record["outputs"] if o["path"] == path), None)
        try:
            data = (self.folder / path).read_bytes() if expected else b""
        except OSError:
            data = b""
        if expected is None or hashlib.sha256(data).hexdigest() != expected:
            # Another run may have put a new report in place since run.json was read.
            raise RunError(f"{self.near}/{path}: is not the file {RECORD} tells of; run the report again")
        return data, expected

    def files(self, recipient: Recipient) -> tuple[File, ...]:
        """What a recipient gets attached.

        Raises:
            ConfigError: The report was not made in a language of the recipient.
            RunError: A file is missing or changed.
        """
        for lang in recipient.languages:
            if lang not in self.languages:
                raise ConfigError(
                    f"{self.near}: holds {', '.join(self.languages)} and {recipient.to} gets {lang}; "
                    "run it in all languages, or change languages: of this delivery"
                )
        wanted = [item for kind in recipient.attach for item in self._of(kind, recipient.languages)]
        prefix = "_".join(self.record[name] for name in ("client", "period", "report"))
        found: list[File] = []
        for path, kind, lang in wanted:
            data, sha256 = self.read(path)
            name = f"{prefix}_{Path(path).name}" if kind == "lists" else f"{prefix}.{lang}{Path(path).suffix}"
            about = Path(path).stem if kind == "lists" else ""
            found.append(File(name, kind, lang, data, sha256, about))
        return tuple(found)

    def _of(
        self, kind: Attachment, languages: tuple[Language, ...]
    ) -> list[tuple[str, Attachment, Language]]:
        if kind == "lists":
            # Made once, in the report's first language; the CSV beside each holds the same rows.
            names = [o["path"] for o in self.record["outputs"]]
            lists = sorted(n for n in names if n.startswith("lists/") and n.endswith(".xlsx"))
            return [(name, kind, self.languages[0]) for name in lists]
        stem = {"pdf": f"{self.record['report']}.{{}}.pdf", "html": f"{self.record['report']}.{{}}.html"}
        form = stem.get(kind, "tables.{}.xlsx")
        return [(form.format(lang), kind, lang) for lang in languages]


def open_published(workspace: Workspace, client: str, period: str, report: str) -> Report:
    """Find a report and make sure that it may go out.

    Raises:
        RunError: It is not there, incomplete, changed after it was published, or another client's.
    """
    folder = target(workspace, client, period, report)
    near = workspace.near(folder)
    again = f"crmreport run --client {client} --period {period} --report {report}"
    try:
        text = (folder / RECORD).read_text(encoding="utf-8")
    except OSError:
        if partial_place(workspace, folder).is_dir():
            raise RunError(
                f"{near}: there is only an incomplete report, which is never delivered; "
                f"mend the chapter that failed, then: {again}"
            ) from None
        raise RunError(f"{near}: there is no such report; make it: {again}") from None
    try:
        record = json.loads(text)
        found = {name: record[name] for name in ("client", "period", "report")}
        status, _, _ = record["status"], record["key"], [o["path"] for o in record["outputs"]]
    except (ValueError, KeyError, TypeError):
        raise RunError(f"{near}/{RECORD}: cannot be read; run the report again: {again}") from None
    for name, asked in (("client", client), ("period", period), ("report", report)):
        if found[name] != asked:
            raise RunError(
                f"{near}: its {RECORD} is of the {name} {found[name]!r}, not {asked!r}; nothing was sent; "
                "move the folder to where it belongs"
            )
    if status != "complete":
        raise RunError(f"{near}: is an incomplete report, which is never delivered; run it again: {again}")
    checked = verify(folder)
    if not checked.ok or checked.key != record["key"]:
        more = f" and {len(checked.problems) - 1} more" if len(checked.problems) > 1 else ""
        first = next(iter(checked.problems), f"{RECORD}: was replaced just now")
        raise RunError(
            f"{near}: is not as it was published ({first}{more}); nothing was sent; run it again: {again}"
        )
    last = last_attempt(workspace, client, period, report)
    if last and last.status in ("partial", "failed") and last.key != record["key"]:
        raise RunError(
            f"{near}: is out of date; the last run of it ended {last.status} ({last.error}); "
            f"mend that, then: {again}"
        )
    if not all(record.get(n, {}).get(lang) for n in ("client_name", "title") for lang in record["languages"]):
        raise RunError(f"{near}: was made by an earlier crmreport and lacks its title; run it again: {again}")
    return Report(folder, record, near)
