"""Hashes: of files, each read once, and of everything a key is made of."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

PREFIX = "sha256:"
"""What stands before a part that is a hash; any other part is the value itself."""

Stamp = tuple[int, int, int, int]
_KEY_LENGTH = 20
# A file may be written twice within one tick of the disk's clock: a young stamp proves nothing.
# Ticks are a few milliseconds, or whole seconds on disks that keep no fractions.
_FINE_NS, _COARSE_NS = 50_000_000, 2_000_000_000
_read: dict[tuple[str, Stamp], str] = {}


def stamp(path: Path) -> Stamp:
    """What changes whenever a file does: size, both times, inode."""
    state = path.stat()
    return state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes as they are now."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256(path: Path) -> str:
    """SHA-256 of a file; one that stays as it is is read once in a process."""
    seen = stamp(path)
    key = (os.fspath(path), seen)
    if (known := _read.get(key)) is not None:
        return known
    found = hash_file(path)
    if is_settled(seen):
        _read[key] = found
    return found


def is_settled(seen: Stamp) -> bool:
    """Whether a file with this stamp cannot change any more without its stamp changing too."""
    last = max(seen[1], seen[2])
    tick = _FINE_NS if last % 1_000_000_000 else _COARSE_NS
    return last < time.time_ns() - tick


def digest(value: object) -> str:
    """One short key for lists, mappings and texts; the order of a mapping does not matter.

    Examples:
        >>> digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
        True
        >>> digest(["a", "b"]) == digest(["b", "a"])
        False
    """
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:_KEY_LENGTH]


def seal(record: Mapping[str, object]) -> str:
    """SHA-256 of a record without its own ``seal``: tells that somebody edited it, not who made it."""
    text = json.dumps(
        {name: value for name, value in record.items() if name != "seal"}, ensure_ascii=False, sort_keys=True
    )
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def tree(root: Path, files: Iterable[Path]) -> dict[str, str]:
    """Hash of every file by its path under ``root``."""
    named = sorted((path.relative_to(root).as_posix(), path) for path in files)
    return {name: sha256(path) for name, path in named}


def part(value: object) -> str:
    """A part of a key: short plain values as they are, so that a change can be told; a hash of the rest.

    Examples:
        >>> part(20), part("order"), part(None)
        ('20', 'order', 'none')
        >>> part({"ja": "店"}).startswith(PREFIX)
        True
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str) and len(value) <= 40 and value.isprintable() and not value.startswith(PREFIX):
        return value
    return PREFIX + digest(value)


def flat(name: str, value: object) -> dict[str, str]:
    """The parts of a setting: a mapping's own by ``name.key``, else one.

    Examples:
        >>> flat("policies", {"purchase_unit": "order", "points": "ignored"})
        {'policies.purchase_unit': 'order', 'policies.points': 'ignored'}
    """
    if isinstance(value, Mapping):
        return {k: v for key, item in value.items() for k, v in flat(f"{name}.{key}", item).items()}
    return {name: part(value)}
