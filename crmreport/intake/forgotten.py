"""Customers who asked to be forgotten: no line of theirs is read again, and the list of them names nobody.

Beside the client file lie ``forgotten.yml`` with a keyed hash (HMAC-SHA-256) per customer, and
``forgotten.key`` with the key. A customer number is guessed in seconds where only a hash hides it, even a
salted one: without the key, the list tells how many asked, and when.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from ruamel.yaml import YAML

from crmreport.errors import ConfigError
from crmreport.intake.normalise import read_code
from crmreport.whole_file import write_whole
from crmreport.yaml_file import read_yaml

LIST = "forgotten.yml"
KEY_FILE = "forgotten.key"
RULE = "forgotten"
"""Name of the rule their lines are left out by."""

_KEY_BYTES = 32
_TAG = r"^[0-9a-f]{32}$"
_THROUGH_FLOATS = re.compile(r"\d+\.0", re.ASCII)
_HEAD = """\
# Customers who asked to be forgotten, written by crmreport forget (docs/forget.md): a keyed hash of each id,
# by the time of the request. The key is in forgotten.key; neither file is of any use without the other.
"""


class _Listed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str = Field(pattern=_TAG)
    """What the key makes of a fixed word: tells another key, and nothing about the key."""
    forgotten: dict[str, list[str]]

    @field_validator("forgotten", mode="before")
    @classmethod
    def _taken_back(cls, found: object) -> object:
        """Whoever takes a request back deletes its line; where it was the only one, YAML reads null."""
        if found is None:
            return {}
        if not isinstance(found, dict):
            return found
        return {at: [] if tags is None else tags for at, tags in found.items()}


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Whom a client's files are read without.

    Args:
        key: Secret of this client's list.
        tags: Keyed hash of every customer on it.
    """

    key: bytes = b""
    tags: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.tags)

    def __contains__(self, customer_id: str) -> bool:
        return bool(self.tags) and _tag(self.key, customer_id) in self.tags

    @property
    def digest(self) -> str:
        """Changes whenever the list does; empty while nobody is on it."""
        return hashlib.sha256("".join(sorted(self.tags)).encode()).hexdigest()[:20] if self.tags else ""


def read_forgotten(folder: Path) -> Forgotten:
    """The list of a client; an empty one where nobody asked.

    Args:
        folder: The client's.

    Raises:
        ConfigError: The list or its key is not there, or not as it was written. Nothing is read then:
            whoever was forgotten would come back.
    """
    path, secret = folder / LIST, folder / KEY_FILE
    if not path.exists():
        if secret.exists():
            raise ConfigError(
                f"clients/{folder.name}/{LIST}: is not there, though its key {KEY_FILE} is: forgotten "
                "customers would come back; bring it from a backup, or, if nobody was ever forgotten, "
                "delete the key"
            )
        return Forgotten()
    return _kept(folder, tuple(_state(each) for each in (path, secret)))


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


@lru_cache(maxsize=256)
def _kept(folder: Path, _: tuple[tuple[int, int, int] | None, ...]) -> Forgotten:
    # Asked for several times in a run; the files are only ever replaced.
    listed = _listed(folder)
    if not listed.forgotten:
        # What a first request leaves that was cut off.
        return Forgotten()
    where = f"clients/{folder.name}/{KEY_FILE}"
    try:
        key = bytes.fromhex((folder / KEY_FILE).read_text(encoding="ascii").strip())
    except FileNotFoundError:
        raise ConfigError(
            f"{where}: is not there, and without it {LIST} cannot be read: forgotten customers would come "
            "back; bring it from where the client's folder was, or from a backup"
        ) from None
    except (OSError, ValueError):
        raise ConfigError(f"{where}: cannot be read; put back the one that was written") from None
    if _tag(key, LIST) != listed.key:
        raise ConfigError(f"{where}: is not the key of {LIST}; put back the one that was written with it")
    return Forgotten(key, frozenset(tag for tags in listed.forgotten.values() for tag in tags))


def add_forgotten(folder: Path, ids: Collection[str], *, at: datetime) -> int:
    """Put customers on the list; returns how many were not on it. Whoever calls this is alone in doing so.

    Args:
        folder: The client's.
        ids: In any written form.
        at: When they asked.

    Raises:
        ConfigError: See :func:`read_forgotten`.
        OSError: It cannot be written; the list is as it was.
    """
    known = read_forgotten(folder)
    key = known.key or _new_key(folder)
    new = sorted({_tag(key, each) for each in ids} - known.tags)
    if not new:
        return 0
    before = _listed(folder).forgotten
    asked = at.isoformat(timespec="seconds")
    _write(folder, key, {**before, asked: [*before.get(asked, []), *new]})
    return len(new)


def _new_key(folder: Path) -> bytes:
    # The list first, still empty: a key alone says that a list was lost.
    key = secrets.token_bytes(_KEY_BYTES)
    _write(folder, key, {})
    write_whole(folder / KEY_FILE, key.hex() + "\n", private=True, lasting=True)
    return key


def _write(folder: Path, key: bytes, forgotten: Mapping[str, list[str]]) -> None:
    text = io.StringIO()
    YAML().dump({"key": _tag(key, LIST), "forgotten": dict(forgotten)}, text)
    write_whole(folder / LIST, _HEAD + text.getvalue(), lasting=True)


def _listed(folder: Path) -> _Listed:
    name = f"clients/{folder.name}/{LIST}"
    value = read_yaml(folder / LIST, name=name).value
    try:
        listed = _Listed.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigError(f"{name}: {where}: {first['msg']}; put back the one that was written") from None
    return listed


def _tag(key: bytes, customer_id: str) -> str:
    return hmac.digest(key, one_form(customer_id).encode(), "sha256").hex()[:32]


def one_form(customer_id: str) -> str:
    """An id as it is looked for: :func:`read_code`, and ``17850.0`` as ``17850``.

    Whether a column of them went through floats is seen only where all of it is at hand; a single id is
    known either way.

    Examples:
        >>> one_form("１７８５０.0"), one_form("17850.5"), one_form("v1.0")
        ('17850', '17850.5', 'v1.0')
    """
    code = read_code(customer_id)
    return code.removesuffix(".0") if _THROUGH_FLOATS.fullmatch(code) else code
