"""No other client's data: a word planted in a client's files must never turn up in someone else's report."""

from __future__ import annotations

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
    wanted = {word.encode(): client for word, client in canaries.items()}
    if not wanted:
        return
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        for content in _contents(path):
            for word, client in wanted.items():
                if word in content:
                    name = path.relative_to(folder).as_posix()
                    raise RunError(
                        f"{name}: holds the canary of client {client!r}; the report is not published. "
                        "Look where that client's data came in before anything is sent"
                    )


def _contents(path: Path) -> Iterator[bytes]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            for name in packed.namelist():
                yield packed.read(name)
    else:
        yield path.read_bytes()
