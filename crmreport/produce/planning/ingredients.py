"""What a report is made of, by name: its keys are digests of these, and a change is told by them."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from email.message import Message
from email.parser import HeaderParser
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Protocol

from crmreport.config import Client
from crmreport.produce.planning.digests import PREFIX, digest, flat, sha256, tree

PACKAGE = Path(__file__).resolve().parents[2]
TEMPLATES = PACKAGE.parent / "templates" / "report"

Parts = Mapping[str, str]
"""Name → a short plain value, or ``sha256:`` and a hash."""

_SOURCES = (".py", ".yml", ".yaml")
# They make, show or compare reports and decide no byte of a chapter.
_NOT_IN_CHAPTERS = ("produce", "deliver", "demo", "cli", "cli.py", "forget", "scaffold.py", "__main__.py")
_NOT_IN_BOOKS = {
    "asking.py",
    "attempts.py",
    "batch.py",
    "causes.py",
    "diff",
    "due.py",
    "explain.py",
    "lock.py",
    "shelf",
    "stamps.py",
    "verify.py",
}
_BOOK_LABELS = "book.yml"
_NOT_IN_REPORTS = ("cause.yml", "delivery.yml", "diff.yml", "shelf.yml")
# Chapters and parameters stand in keys of their own; where a report goes, and when, changes no byte of it.
_NOT_IN_KEYS = {"reports", "delivery", "schedule", "canary"}
CAMPAIGN_TABLES = frozenset({"sends", "web_events"})
"""Only chapters that declare one of them read these tables, or what the client file says of campaigns."""

FORGOTTEN = "forgotten"
"""Of the settings: how many customers are forgotten, and a digest of who."""

_BESIDE = (".yml", ".yaml", ".png", ".jpg", ".jpeg", ".svg")


class Input(Protocol):
    """A file the client sent, as intake records it."""

    @property
    def table(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def sha256(self) -> str: ...


@dataclass(frozen=True, slots=True)
class House:
    """What is the same for all reports made by one installation.

    Args:
        code: Source and labels that decide what a chapter shows, per part of the package.
        environment: Python, the machine's kind, and every package a run needs with its version.
        rendering: Code, labels and template that bind chapters into a book.
    """

    code: Parts
    environment: Parts
    rendering: Parts


@dataclass(frozen=True, slots=True)
class Ingredients:
    """Everything of a report but its chapters' own files and parameters.

    Args:
        code, environment: See :class:`House`.
        settings: The client file by key, and the files beside it.
        data: Every input file.
        run: Period and languages.
        rendering: See :class:`House`; with the report's title and order of chapters.
    """

    code: Parts
    environment: Parts
    settings: Parts
    data: Parts
    run: Parts
    rendering: Parts

    def record(self) -> dict[str, dict[str, str]]:
        """As run.json keeps it, under ``digests``."""
        return {group.name: dict(getattr(self, group.name)) for group in fields(self)}


def without_campaigns(shared: Mapping[str, Parts], inputs: Iterable[Input]) -> dict[str, Parts]:
    """The groups as a chapter sees them that reads no campaign table: new sends do not make it again.

    Args:
        shared: Groups of :class:`Ingredients`.
        inputs: Every file the store was made of.
    """
    unread = ("campaigns", *(f"sources.{table}" for table in CAMPAIGN_TABLES))
    kept = {
        k: v
        for k, v in shared["settings"].items()
        if not any(k == u or k.startswith(f"{u}.") for u in unread)
    }
    read = {each.name for each in inputs if each.table not in CAMPAIGN_TABLES}
    files = {name: found for name, found in shared["data"].items() if name in read}
    return {**shared, "settings": kept, "data": files}


def chapter_key(
    shared: Mapping[str, Parts], chapter: str, own: Parts, parameters: Mapping[str, object]
) -> str:
    """Key of one executed chapter: everything but how it is bound.

    Args:
        shared: Groups of :class:`Ingredients`.
        own: Digests of its notebook and declaration.
    """
    groups = {name: dict(parts) for name, parts in shared.items() if name != "rendering"}
    return digest([groups, chapter, dict(own), dict(parameters)])


def report_key(shared: Mapping[str, Parts], chapter_keys: Iterable[str]) -> str:
    """Key of a whole report; equal keys make equal bytes."""
    return digest([{name: dict(parts) for name, parts in shared.items()}, list(chapter_keys)])


@cache
def installed() -> House:
    """This installation. Looked at once: a running process does not change its own code."""
    return house(PACKAGE, TEMPLATES)


def house(package: Path, templates: Path) -> House:
    """Look at a package and its report templates as they lie on disk now."""
    sources = [p for p in package.rglob("*") if p.suffix in _SOURCES and p.name not in _NOT_IN_REPORTS]
    chapters: dict[str, list[Path]] = {}
    book: list[Path] = []
    for path in sources:
        first = path.relative_to(package).parts[0]
        if path.name == _BOOK_LABELS or (first == "produce" and _binds(path)):
            book.append(path)
        elif first not in _NOT_IN_CHAPTERS:
            chapters.setdefault(first, []).append(path)
    shown = {f"templates/{name}": PREFIX + h for name, h in _files(templates).items()}
    return House(
        code={name: PREFIX + digest(tree(package, files)) for name, files in sorted(chapters.items())},
        environment=_interpreter() | needed_packages(),
        rendering={"code": PREFIX + digest(tree(package, book)), **shown},
    )


def _interpreter() -> dict[str, str]:
    # Two builds of one Python may round differently in the last digit.
    return {
        "python": platform.python_version(),
        "build": PREFIX + digest(sys.version),
        "machine": platform.machine(),
    }


def _binds(path: Path) -> bool:
    return not _NOT_IN_BOOKS & {path.name, path.parent.name}


def _files(folder: Path) -> dict[str, str]:
    return tree(folder, (p for p in folder.rglob("*") if p.is_file()))


def settings(folder: Path, client: Client) -> Parts:
    """The client file by key, without secrets, and the pictures and lists that lie beside it."""
    # A new password opens the same data; a hash of it would help to guess it.
    sources = {table: {"__all__": {"password"}} for table in client.sources}
    hidden = {**dict.fromkeys(_NOT_IN_KEYS & set(type(client).model_fields), True), "sources": sources}
    found: dict[str, str] = {}
    for name, value in client.model_dump(mode="json", exclude=hidden).items():
        found |= flat(name, value)
    beside = (
        p
        for p in folder.iterdir()
        if p.is_file() and p.suffix.lower() in _BESIDE and p.name not in ("client.yml", "forgotten.yml")
    )
    if forgotten := forgotten_part(folder):
        found[FORGOTTEN] = forgotten
    plans = [folder / c.plan for c in client.campaigns if c.plan is not None]
    drawn = (p for plan in plans for p in (plan, plan.with_suffix(".csv")) if p.is_file())
    found |= {f"campaigns.{name}": PREFIX + h for name, h in tree(folder, drawn).items()}
    return found | {f"./{name}": PREFIX + h for name, h in tree(folder, beside).items()}


def forgotten_part(folder: Path) -> str | None:
    """How many of a client's customers are forgotten, and who, as a digest; None when nobody is."""
    # Imported here: who verifies or compares reports waits for no reader of data.
    from crmreport.intake.forgotten import read_forgotten

    forgotten = read_forgotten(folder)
    return f"{len(forgotten)} {forgotten.digest}" if forgotten else None


def data(inputs: Iterable[Input]) -> Parts:
    """Every input file by name; files of one name in several folders stand together."""
    named: dict[str, set[str]] = {}
    for each in inputs:
        named.setdefault(each.name, set()).add(each.sha256)
    return {name: PREFIX + "+".join(sorted(hashes)) for name, hashes in sorted(named.items())}


def chapter_files(notebook: Path, declaration: Path) -> Parts:
    """A chapter's own two files."""
    return {"notebook": PREFIX + sha256(notebook), "declaration": PREFIX + sha256(declaration)}


@cache
def needed_packages() -> dict[str, str]:
    """Every package a run needs, at the version that is really there.

    JupyterLab or a test tool beside them changes no report.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    seen: dict[str, str] = {}
    queue = ["crmreport"]
    while queue:
        name = canonicalize_name(queue.pop())
        if name in seen:
            continue
        try:
            found = _head(metadata.distribution(name))
        except metadata.PackageNotFoundError:
            continue
        seen[name] = found["Version"]
        for line in found.get_all("Requires-Dist", []):
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                queue.append(needed.name)
    return dict(sorted(seen.items()))


def _head(package: metadata.Distribution) -> Message:
    """The fields of a package's metadata. ``.metadata`` would read its whole handbook, too, each time."""
    text = package.read_text("METADATA")
    if text is None:  # an old format, which says it elsewhere
        return package.metadata  # type: ignore[return-value]
    return HeaderParser().parsestr(text.partition("\n\n")[0])
