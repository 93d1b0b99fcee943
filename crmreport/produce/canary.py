"""No other client's data: a word planted in a client's files must never turn up in someone else's report."""

from __future__ import annotations

import html
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from crmreport.errors import RunError


def refuse_foreign(folder: Path, canaries: Mapping[str, str]) -> None:
    """Look through every file of a report for other clients' canaries.

    Workbooks are unpacked. A PDF is not: it is printed from the HTML beside it, which is read.

    Args:
        canaries: Word → the client it was planted in.

    Raises:
        RunError: One is there; the report must not be published.
    """
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if client := foreign_in(path, canaries):
            raise RunError(
                f"{path.relative_to(folder).as_posix()}: holds the canary of client {client!r}; "
                "the report is not published. Look where that client's data came in before anything is sent"
            )


def foreign_in(path: Path, canaries: Mapping[str, str]) -> str | None:
    """The other client whose canary a file holds, None if it holds none."""
    if not canaries:
        return None
    for content in _contents(path):
        for word, client in canaries.items():
            if any(written.encode() in content for written in _ways_to_write(word)):
                return client
    return None


def _ways_to_write(word: str) -> set[str]:
    return {word, html.escape(word), json.dumps(word)[1:-1], json.dumps(word, ensure_ascii=False)[1:-1]}


def _contents(path: Path) -> Iterator[bytes]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            for name in packed.namelist():
                yield packed.read(name)
    else:
        yield path.read_bytes()
