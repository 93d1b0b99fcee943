"""What a report is made of, in order, and the key that says whether any of it has to be made again."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from filelock import FileLock

from crmreport.config import Client, Language
from crmreport.errors import ConfigError
from crmreport.period import Period
from crmreport.produce.planning import ingredients
from crmreport.produce.planning.declare import Chapter, Scalar, load_chapter, resolve
from crmreport.produce.planning.digests import Stamp, part, stamp
from crmreport.produce.planning.ingredients import House, Ingredients, Input, Parts
from crmreport.whole_file import write_whole
from crmreport.workspace import Workspace

_KEPT = 4
"""Executed notebooks kept of a chapter and period: a change taken back, other languages, other parameters."""
_BESIDE_MONTHS = 12
"""Quarters, years and other spans kept beside the months a catch-up makes."""
CHAPTERS = "chapters"
"""A chapter that declares a parameter of this name is told the report's chapters, separated by commas."""


@dataclass(frozen=True, slots=True)
class Step:
    """One chapter with the parameters it will get."""

    chapter: Chapter
    parameters: dict[str, Scalar]
    key: str
    parts: Parts
    """Digests of its notebook and its declaration."""
    missing: tuple[str, ...]
    """Needed tables the client did not send; not empty means the chapter is left out."""

    @property
    def name(self) -> str:
        """The chapter's slug."""
        return self.chapter.name

    @property
    def reads_campaigns(self) -> bool:
        """Whether it reads what was sent to whom, or what was done on the web."""
        return not self.missing and _reads_campaigns(self.chapter)


@dataclass(frozen=True, slots=True)
class Plan:
    """A report before it is made."""

    report: str
    client: Client
    period: Period
    languages: tuple[Language, ...]
    steps: tuple[Step, ...]
    ingredients: Ingredients
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
    chapters = [_chapter(workspace.notebooks, name) for name in listed.chapters]
    beside = {CHAPTERS: ",".join(listed.chapters)}
    found = []
    for chapter in chapters:
        own = beside if CHAPTERS in chapter.declaration.parameters else {}
        given = own | listed.parameters.get(chapter.name, {})
        found.append((chapter, resolve(chapter.declaration, given, where=where)))
    return found


def _chapter(notebooks: Path, name: str) -> Chapter:
    try:
        stamps = tuple(stamp(notebooks / f"{name}{ending}") for ending in (".ipynb", ".yml"))
    except OSError:
        return load_chapter(notebooks, name)
    return _loaded(notebooks, name, stamps)


@lru_cache(maxsize=512)
def _loaded(notebooks: Path, name: str, _: tuple[Stamp, ...]) -> Chapter:
    # A night's reports share their chapters: each is read and checked once.
    return load_chapter(notebooks, name)


def make_plan(
    workspace: Workspace,
    client: Client,
    period: Period,
    *,
    report: str,
    languages: tuple[Language, ...],
    chapters: Sequence[tuple[Chapter, dict[str, Scalar]]],
    tables: Iterable[str],
    inputs: Iterable[Input],
    house: House | None = None,
) -> Plan:
    """Decide what runs and under which key.

    Args:
        tables: Canonical tables in the store.
        inputs: Every file the store was made of.
        house: Code, environment and template; those of this installation when not given.
    """
    there, inputs = {*tables, *client.may_lack}, list(inputs)
    house = house or ingredients.installed()
    listed = client.reports[report]
    titles = {f"title.{lang}": part(title) for lang, title in listed.title.items()}
    made_of = Ingredients(
        code=house.code,
        environment=house.environment,
        settings=ingredients.settings(workspace.client(client.client), client),
        data=ingredients.data(inputs),
        run={"period": period.name, "languages": ",".join(languages)},
        rendering={
            **house.rendering,
            **titles,
            "report": report,
            "chapters": ",".join(chapter.name for chapter, _ in chapters),
        },
    )
    shared = made_of.record()
    fewer = ingredients.without_campaigns(shared, inputs)
    steps = []
    for chapter, parameters in chapters:
        own = ingredients.chapter_files(chapter.notebook, chapter.file)
        groups = shared if _reads_campaigns(chapter) else fewer
        key = ingredients.chapter_key(groups, chapter.name, own, parameters)
        missing = tuple(t for t in chapter.declaration.needs if t not in there)
        steps.append(Step(chapter, parameters, key, own, missing))
    whole = ingredients.report_key(shared, [step.key for step in steps])
    return Plan(report, client, period, languages, tuple(steps), made_of, whole)


def _reads_campaigns(chapter: Chapter) -> bool:
    declared = chapter.declaration
    return bool({*declared.needs, *declared.optional} & ingredients.CAMPAIGN_TABLES)


@dataclass(frozen=True, slots=True)
class Cache:
    """Executed chapters of one client, by content key.

    ``reports/.cache/<client>/<chapter>/<period>+<key>.*``; of every chapter as many periods are kept as
    a catch-up may have to make again.
    """

    folder: Path
    period: str
    periods: int = _BESIDE_MONTHS

    @classmethod
    def of(cls, workspace: Workspace, plan: Plan) -> Cache:
        """That of a plan's client, for its period."""
        client = plan.client
        periods = client.schedule.catch_up + _BESIDE_MONTHS
        return cls(workspace.reports / ".cache" / client.client, plan.period.name, periods)

    def notebook(self, step: Step) -> Path:
        """Where the executed notebook is kept."""
        return self.folder / step.name / f"{self.period}+{step.key}.ipynb"

    def lists(self, step: Step) -> Path:
        """Where its action lists are kept."""
        return self.folder / step.name / f"{self.period}+{step.key}.lists"

    def has(self, step: Step) -> bool:
        """Whether this very chapter was executed before."""
        return self.notebook(step).is_file()

    def take(self, step: Step, notebook: Path, lists: Path) -> bool:
        """Copy an executed chapter out of the cache; False when it is not there."""
        if not self.has(step):
            return False
        with self._alone(step):
            if not self.has(step):
                return False
            notebook.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.notebook(step), notebook)
            shutil.copytree(self.lists(step), lists)
        return True

    def keep(self, step: Step, notebook: Path, lists: Path) -> None:
        """Put an executed chapter away; the notebook last, because it is what :meth:`has` looks for."""
        home = self.lists(step)
        home.parent.mkdir(parents=True, exist_ok=True)
        with self._alone(step):
            self.notebook(step).unlink(missing_ok=True)
            shutil.rmtree(home, ignore_errors=True)
            shutil.copytree(lists, home)
            write_whole(self.notebook(step), notebook.read_bytes())
            self._make_room(home.parent)

    def _make_room(self, chapter: Path) -> None:
        kept: dict[str, int] = {}
        newest_first = sorted(chapter.glob("*.ipynb"), key=lambda p: p.stat().st_mtime_ns, reverse=True)
        for path in newest_first:
            period = path.name.rpartition("+")[0]
            kept[period] = kept.get(period, 0) + 1
            if kept[period] > _KEPT or len(kept) > self.periods:
                path.unlink(missing_ok=True)
                shutil.rmtree(path.with_suffix(".lists"), ignore_errors=True)

    def _alone(self, step: Step) -> FileLock:
        # Two reports of a client may share a chapter, and be made at the same time.
        return FileLock(self.folder / step.name / ".lock")
