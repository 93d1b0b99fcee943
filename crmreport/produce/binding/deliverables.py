"""The files of a report, made from its executed chapters; each step runs in a process of its own."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat

from crmreport.config import Language
from crmreport.produce import ChapterRun
from crmreport.produce.binding import tables
from crmreport.produce.binding.bind import bind
from crmreport.produce.binding.book import CONTACT, Book, make_book
from crmreport.produce.binding.contents import write_contents
from crmreport.produce.binding.lists import ListCount, write_list
from crmreport.produce.binding.outputs import Executed, findings
from crmreport.produce.binding.outputs import tables as table_items
from crmreport.produce.binding.tested import tested
from crmreport.produce.binding.trace import trace
from crmreport.produce.canary import refuse_foreign
from crmreport.produce.planning.plan import Plan
from crmreport.produce.records.provenance import Provenance
from crmreport.report import client_segments, client_words
from crmreport.workspace import Workspace


@dataclass(frozen=True)
class Material:
    """What the files are made of; travels to the processes that make them.

    Args:
        stage: The folder they are written to; the executed notebooks are there already.
        runs: What became of each chapter of the plan, in order.
        sends: The client's send log in the store; None without one.
    """

    workspace: Workspace
    plan: Plan
    stage: Path
    runs: tuple[ChapterRun, ...]
    provenance: Provenance
    sends: Path | None = None

    @property
    def partial(self) -> bool:
        """Whether a chapter failed."""
        return any(run.status == "failed" for run in self.runs)

    @property
    def stem(self) -> str:
        """What the names of the report's pages begin with."""
        return f"{self.plan.report}.partial" if self.partial else self.plan.report

    def executed(self) -> list[Executed]:
        """The chapters as they came out of the run."""
        found = []
        for step, run in zip(self.plan.steps, self.runs, strict=True):
            path = self.stage / "notebooks" / f"{step.name}.ipynb"
            notebook = nbformat.read(path, as_version=4) if path.is_file() else None
            found.append(Executed(step.chapter.declaration, run.status, notebook, run.reason, step.missing))
        return found

    def book(self, lang: Language, executed: list[Executed], lists: Mapping[str, ListCount]) -> Book:
        """The book of one language."""
        client = self.plan.client
        segments = client_segments(client, self.workspace)
        return make_book(
            lang=lang,
            report=self.plan.report,
            client=client,
            client_folder=self.workspace.client(client.client),
            period=self.plan.period,
            chapters=executed,
            provenance=self.provenance,
            lists=lists,
            words=client_words(client, segments, lang),
        )


@dataclass(frozen=True, slots=True)
class Pages:
    """How one language came out."""

    pages: int
    html_seconds: float
    pdf_seconds: float


def write_data(material: Material) -> dict[str, ListCount]:
    """Trace every number of the findings to its table, then write the tables and the action lists.

    Returns:
        Finding → how many customers are on its list.

    Raises:
        RunError: A finding's number does not stand in a table.
    """
    executed = material.executed()
    found, printed = findings(executed), table_items(executed)
    trace(found, printed)
    plan, stage = material.plan, material.stage
    lang = plan.languages[0]
    words = client_words(plan.client, client_segments(plan.client, material.workspace), lang)
    counts: dict[str, ListCount] = {}
    in_tests = tested(material.workspace, plan.client, material.sends, plan.period.as_of)
    for item in found:
        assert item.finding is not None
        source = stage / ".lists" / item.finding.chapter / f"{item.finding.id}.parquet"
        if source.is_file():
            counts[item.finding.id] = write_list(
                stage / "lists",
                item.finding.id,
                source,
                words=words,
                as_of=plan.period.as_of,
                title=item.text[lang]["title"],
                contact=item.finding.measure in CONTACT,
                tested=in_tests,
            )
    shutil.rmtree(stage / ".lists", ignore_errors=True)
    for item in printed:
        assert item.csv is not None
        tables.write_csv(stage / "tables" / f"{item.id}.csv", item.csv)
    return counts


def write_language(
    material: Material, lang: Language, lists: Mapping[str, ListCount], files: tuple[str, ...]
) -> Pages:
    """HTML, PDF and workbook of one language, checked.

    Args:
        files: Relative paths the page may link to.

    Raises:
        RunError: A check of :func:`crmreport.produce.binding.bind.bind` fails.
    """
    # The collector would look again and again at pages full of boxes that are all needed until this
    # process ends, for a tenth of its time.
    gc.disable()
    executed = material.executed()
    book = material.book(lang, executed, lists)
    as_of, stage, stem = material.plan.period.as_of, material.stage, material.stem
    bound = bind(book, as_of, files)
    (stage / f"{stem}.{lang}.html").write_text(bound.html, encoding="utf-8")
    (stage / f"{stem}.{lang}.pdf").write_bytes(bound.pdf)
    title = f"{book.client} {book.title} {book.period}"
    workbook = stage / f"tables.{lang}.xlsx"
    tables.write_workbook(workbook, table_items(executed), words=book.words, as_of=as_of, title=title)
    return Pages(bound.pages, bound.html_seconds, bound.pdf_seconds)


def write_front(
    material: Material, lists: Mapping[str, ListCount], pages: Mapping[str, int], canaries: Mapping[str, str]
) -> list[Book]:
    """The folder's front page, once every other file is there; then a last look at all of them.

    Args:
        canaries: Word → the other client it belongs to.

    Returns:
        The books without their chapters, for the record.

    Raises:
        RunError: A link leads nowhere, or a file holds another client's canary.
    """
    executed = material.executed()
    books = [material.book(lang, executed, lists) for lang in material.plan.languages]
    write_contents(material.stage, material.stem, books, executed, lists=lists, pages=pages)
    refuse_foreign(material.stage, canaries)
    return [replace(b, front=[], back=[], actions=[], provenance=Provenance()) for b in books]
