"""What a report is made of, in order, and the key that says whether any of it has to be made again."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from crmreport.config import Client, Language
from crmreport.errors import ConfigError
from crmreport.period import Period
from crmreport.produce.declare import Chapter, Scalar, load_chapter, resolve
from crmreport.workspace import Workspace

PACKAGE = Path(__file__).resolve().parents[1]
TEMPLATES = PACKAGE.parent / "templates" / "report"
_KEPT = 4
"""Executed notebooks kept per chapter; older ones make room."""


@dataclass(frozen=True, slots=True)
class Step:
    """One chapter with the parameters it will get."""

    chapter: Chapter
    parameters: dict[str, Scalar]
    key: str
    missing: tuple[str, ...]
    """Needed tables the client did not send; not empty means the chapter is left out."""

    @property
    def name(self) -> str:
        """The chapter's slug."""
        return self.chapter.name


@dataclass(frozen=True, slots=True)
class Plan:
    """A report before it is made."""

    report: str
    client: Client
    period: Period
    languages: tuple[Language, ...]
    steps: tuple[Step, ...]
    key: str
    """Changes when any byte of the published report could change."""


def read_chapters(
    workspace: Workspace, client: Client, report: str
) -> list[tuple[Chapter, dict[str, Scalar]]]:
    """The chapters of a report with their parameters, all checked.

    Raises:
        ConfigError: No such report or chapter, or a parameter is refused.
    """
    if report not in client.reports:
        raise ConfigError(
            f"clients/{client.client}/client.yml: reports: there is no {report!r}; "
            f"there is {', '.join(client.reports)}"
        )
    listed = client.reports[report]
    where = f"clients/{client.client}/client.yml: reports.{report}.parameters"
    for chapter in listed.parameters:
        if chapter not in listed.chapters:
            raise ConfigError(
                f"{where}: {chapter}: is no chapter of this report; there is {', '.join(listed.chapters)}"
            )
    if twice := next((c for c in listed.chapters if listed.chapters.count(c) > 1), None):
        raise ConfigError(f"{where.rpartition('.')[0]}.chapters: {twice} is listed twice; take one out")
    chapters = [load_chapter(workspace.notebooks, name) for name in listed.chapters]
    return [(c, resolve(c.declaration, listed.parameters.get(c.name, {}), where=where)) for c in chapters]


def make_plan(
    workspace: Workspace,
    client: Client,
    period: Period,
    *,
    report: str,
    languages: tuple[Language, ...],
    chapters: Sequence[tuple[Chapter, dict[str, Scalar]]],
    tables: Iterable[str],
    store_key: str,
) -> Plan:
    """Decide what runs and under which key.

    Args:
        tables: Canonical tables in the store.
        store_key: Content key of the store: a digest of every input byte and of how it was read.
    """
    there = set(tables)
    shared = [
        source_digest(),
        environment_digest(),
        _settings_digest(workspace.client(client.client), client),
        store_key,
        period.name,
        ",".join(languages),
    ]
    steps = []
    for chapter, parameters in chapters:
        declaration = chapter.declaration
        key = digest(
            [*shared, sha256(chapter.notebook), sha256(chapter.file), json.dumps(parameters, sort_keys=True)]
        )
        missing = tuple(t for t in declaration.needs if t not in there)
        steps.append(Step(chapter, parameters, key, missing))
    listed = client.reports[report].model_dump_json()
    whole = digest([report, listed, *(s.key for s in steps), *shared, rendering_digest()])
    return Plan(report, client, period, languages, tuple(steps), whole)


@dataclass(frozen=True, slots=True)
class Cache:
    """Executed chapters of one client, by content key: reports/.cache/<client>/<chapter>/<key>.*"""

    folder: Path

    def notebook(self, step: Step) -> Path:
        """Where the executed notebook is kept."""
        return self.folder / step.name / f"{step.key}.ipynb"

    def lists(self, step: Step) -> Path:
        """Where its action lists are kept."""
        return self.folder / step.name / f"{step.key}.lists"

    def has(self, step: Step) -> bool:
        """Whether this very chapter was executed before."""
        return self.notebook(step).is_file()

    def keep(self, step: Step, notebook: Path, lists: Path) -> None:
        """Put an executed chapter away; the notebook last, because it is what :meth:`has` looks for."""
        home = self.lists(step)
        home.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(lists, home)
        draft = self.notebook(step).with_suffix(".draft")
        shutil.copyfile(notebook, draft)
        draft.replace(self.notebook(step))
        kept = sorted(home.parent.glob("*.ipynb"), key=lambda p: p.stat().st_mtime, reverse=True)
        for old in kept[_KEPT:]:
            old.unlink(missing_ok=True)
            shutil.rmtree(old.with_suffix(".lists"), ignore_errors=True)


def digest(parts: Iterable[str]) -> str:
    """One short key for many texts."""
    return hashlib.sha256(json.dumps(list(parts), ensure_ascii=False).encode("utf-8")).hexdigest()[:20]


def sha256(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def source_digest() -> str:
    """Digest of the code and labels that decide what a chapter shows."""
    return _files_digest(
        PACKAGE,
        (p for p in PACKAGE.rglob("*") if p.suffix in (".py", ".yml", ".yaml") and _decides(p)),
    )


def _decides(path: Path) -> bool:
    first = path.relative_to(PACKAGE).parts[0]
    return first not in ("produce", "demo", "cli", "cli.py") and path.name != "book.yml"


@cache
def rendering_digest() -> str:
    """Digest of the code, labels and template that bind chapters into a book."""
    own = [*(PACKAGE / "produce").rglob("*.py"), *(PACKAGE / "present" / "labels").rglob("book.yml")]
    return _files_digest(PACKAGE.parent, [*own, *(p for p in TEMPLATES.rglob("*") if p.is_file())])


@cache
def environment_digest() -> str:
    """Digest of Python and the packages a run needs, at the versions that are really there."""
    return digest([sys.version, platform.machine(), *_needed_packages()])


def _needed_packages() -> list[str]:
    # JupyterLab or a test tool beside them changes no report.
    seen: dict[str, str] = {}
    queue = ["crmreport"]
    while queue:
        name = canonicalize_name(queue.pop())
        if name in seen:
            continue
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        seen[name] = found.version
        for line in found.requires or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                queue.append(needed.name)
    return sorted(f"{name}=={version}" for name, version in seen.items())


def _settings_digest(folder: Path, client: Client) -> str:
    """Digest of the client file but for its lists of chapters, which stand in each chapter's key."""
    kinds = (".yml", ".yaml", ".png", ".jpg", ".jpeg", ".svg")
    beside = (
        p for p in folder.iterdir() if p.is_file() and p.suffix.lower() in kinds and p.name != "client.yml"
    )
    return digest([client.model_dump_json(exclude={"reports"}), _files_digest(folder, beside)])


def _files_digest(root: Path, files: Iterable[Path]) -> str:
    named: list[Any] = sorted((p.relative_to(root).as_posix(), p) for p in files)
    return digest([f"{name} {sha256(path)}" for name, path in named])
