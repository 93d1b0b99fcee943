"""Whether a published folder was touched since it was published, told without reading its files.

What ``git status`` does: beside the folder stands a small file with every output's size, times and
inode. Hashing a hundred reports takes seconds, looking at their stamps milliseconds. It only saves
time: ``crmreport verify`` reads every byte.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from crmreport.produce.planning.digests import hash_file, is_settled, stamp
from crmreport.produce.records import RECORD
from crmreport.whole_file import write_whole


def remember(folder: Path) -> None:
    """Note how the files of a report stand that was published this moment; an incomplete one is not kept."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        if record["status"] == "complete":
            _write(folder, record)
    except (OSError, ValueError, KeyError, TypeError):
        # It only costs time, and must not fail a finished report.
        return


def altered(folder: Path, record: Mapping[str, Any], *, keep: bool = True) -> tuple[str, ...]:
    """The outputs that are gone or no longer what the record says; a file is read only if it was touched.

    Args:
        folder: A published report.
        record: Its run.json.
        keep: Note the stamps of files that had to be read and are whole; else nothing is written.
    """
    known = _known(folder, record)
    found: list[str] = []
    hashed = False
    for entry in record["outputs"]:
        path = folder / entry["path"]
        try:
            if known.get(entry["path"]) == list(stamp(path)):
                continue
            hashed = True
            if path.stat().st_size != entry["bytes"] or hash_file(path) != entry["sha256"]:
                found.append(entry["path"])
        except OSError:
            found.append(entry["path"])
    if hashed and not found and keep:
        _write(folder, record)
    return tuple(found)


def _write(folder: Path, record: Mapping[str, Any]) -> None:
    # Losing it only costs time; a folder may be read-only.
    with suppress(OSError):
        seen = {entry["path"]: stamp(folder / entry["path"]) for entry in record["outputs"]}
        settled = {path: s for path, s in seen.items() if is_settled(s)}
        write_whole(_place(folder), json.dumps({"seal": record.get("seal"), "files": settled}))


def _known(folder: Path, record: Mapping[str, Any]) -> dict[str, list[int]]:
    try:
        kept = json.loads(_place(folder).read_text(encoding="utf-8"))
        return dict(kept["files"]) if kept["seal"] == record.get("seal") else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _place(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.stamps.json")
