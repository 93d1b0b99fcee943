"""What a store is made of, as a hash: the bytes read, the settings that matter, and this code."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from crmreport.config import Client
from crmreport.intake.source_file import SourceFile
from crmreport.whole_file import write_whole

_KEY_LENGTH = 20


class Digests:
    """SHA-256 of files; a file whose size, times and inode are as before is not read again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._known: dict[str, list[Any]] = json.loads(path.read_text())
        except (OSError, ValueError):
            self._known = {}
        self._changed = False

    def of(self, file: SourceFile) -> str:
        """Digest of one file's bytes."""
        state = file.path.stat()
        stamp = [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]
        known = self._known.get(str(file.path))
        if known and known[:-1] == stamp:
            return known[-1]
        with file.path.open("rb") as f:
            digest = hashlib.file_digest(f, "sha256").hexdigest()
        self._known[str(file.path)] = [*stamp, digest]
        self._changed = True
        return digest

    def save(self) -> None:
        """Remember for the next run; losing this file only costs time."""
        if self._changed:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Two reports of one client may come here at the same moment, in one process or in two.
            write_whole(self._path, json.dumps(self._known, sort_keys=True))


@cache
def code_digest() -> str:
    """Digest of intake's own source: a changed rule makes a new store without anyone counting versions."""
    total = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


def store_key(client: Client, inputs: list[tuple[str, int, str, str]], forgotten: str) -> str:
    """Name of the store: equal for equal inputs, mapping, policies, forgotten customers and code.

    Args:
        client: Its mapping, zone, control totals and the policies intake follows.
        inputs: (table, source position, file name, SHA-256) of every file.
        forgotten: Digest of the list of forgotten customers.
    """
    policies = client.policies
    what = {
        "client": client.client,
        "timezone": client.timezone,
        "currency": client.currency,
        "fiscal_year_start": client.fiscal_year_start,
        "sources": {
            t: [s.model_dump(mode="json", exclude={"password"}) for s in ss]
            for t, ss in client.sources.items()
        },
        "policies": [policies.guest_ids, policies.quarantine_limit, policies.conflict_precedence],
        "control_totals": [c.model_dump(mode="json") for c in client.control_totals],
        "inputs": inputs,
        "forgotten": forgotten,
        "code": code_digest(),
    }
    text = json.dumps(what, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:_KEY_LENGTH]
