"""What differs between two published reports in numbers, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crmreport.produce.diff.side import FindingData, Said, Side, read_side
from crmreport.produce.diff.tables import CausesOf, Fate, TableChange, changed_tables, equal
from crmreport.produce.planning.causes import (
    Cause,
    Lines,
    chapter_causes,
    lines_of,
    rendering_causes,
    shared_causes,
)


@dataclass(frozen=True, slots=True)
class FindingChange:
    """A finding that appeared, went or says other numbers.

    Args:
        facts: Name → value before and after, of the facts that differ.
    """

    id: str
    chapter: str
    fate: Fate
    before: FindingData | None
    after: FindingData | None
    facts: Mapping[str, tuple[Any, Any]]
    causes: tuple[Cause, ...]


@dataclass(frozen=True, slots=True)
class Kpi:
    """A key figure of page 1 that differs; None where it is not shown."""

    id: str
    spec: str
    before: float | None
    after: float | None


@dataclass(frozen=True, slots=True)
class Count:
    """Rows of an input file, or of a table's way through intake, that differ."""

    name: str
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class Headline:
    """A chapter whose headline or fate differs."""

    chapter: str
    status: tuple[str | None, str | None]
    before: Said | None
    after: Said | None


@dataclass(frozen=True, slots=True)
class Diff:
    """The whole difference, most important first.

    Args:
        a, b: The two reports.
        causes: Everything recorded that differs, whether or not a number followed it.
        tables: The chapters' tables that differ, the most moved first.
        unexplained: Chapters whose numbers differ though nothing that makes them does.
        files: Pages, workbooks and lists with other bytes.
    """

    a: Side
    b: Side
    causes: tuple[Cause, ...]
    kpis: tuple[Kpi, ...]
    headlines: tuple[Headline, ...]
    findings: tuple[FindingChange, ...]
    tables: tuple[TableChange, ...]
    counts: tuple[Count, ...]
    unexplained: tuple[str, ...]
    files: tuple[str, ...]

    @property
    def same_numbers(self) -> bool:
        """No number, finding or headline differs."""
        return not (self.kpis or self.headlines or self.findings or self.tables or self.counts)

    @property
    def same(self) -> bool:
        """Nothing differs but when and how fast the reports were made."""
        return self.same_numbers and not self.causes and not self.files


def diff(a: Path, b: Path) -> Diff:
    """Compare two published reports.

    Args:
        a, b: Their folders, the earlier first.

    Raises:
        RunError: One of them is no report, or a file is gone.
    """
    old, new = read_side(a), read_side(b)
    shared = _shared(old, new)
    own = {name: tuple(causes) for name, causes in _own(old, new).items()}

    def causes_of(chapter: str) -> tuple[Cause, ...]:
        return (*shared, *own.get(chapter, ()))

    tables = sorted(changed_tables(old, new, causes_of), key=lambda t: (t.fate == "changed", -t.weight))
    findings = sorted(_findings(old, new, causes_of), key=_finding_rank)
    changed = {t.chapter for t in tables} | {f.chapter for f in findings}
    by_hand = tuple(
        Cause("file", "by_hand", f"{side.folder.name}/{path}") for side in (old, new) for path in side.touched
    )
    rendering = rendering_causes(old.record["digests"], new.record["digests"])
    every = (*shared, *(c for causes in own.values() for c in causes), *rendering, *by_hand)
    return Diff(
        old,
        new,
        every,
        tuple(_kpis(old.record, new.record)),
        tuple(_headlines(old, new)),
        tuple(findings),
        tuple(tables),
        tuple(_counts(old.record, new.record)),
        tuple(sorted(c for c in changed if not causes_of(c) and not by_hand)),
        tuple(_files(old.record, new.record)),
    )


def _shared(old: Side, new: Side) -> tuple[Cause, ...]:
    clients = tuple(side.record["client"] for side in (old, new))
    other = (Cause("client", "to", "", *clients),) if clients[0] != clients[1] else ()
    lines = _lines(old.record), _lines(new.record)
    return (*other, *shared_causes(old.record["digests"], new.record["digests"], lines=lines))


def _lines(record: Mapping[str, Any]) -> Lines:
    return lines_of((i["name"], i["sha256"], i["rows"]) for i in record["inputs"])


def _own(old: Side, new: Side) -> dict[str, list[Cause]]:
    before = {c["chapter"]: c for c in old.record["chapters"]}
    after = {c["chapter"]: c for c in new.record["chapters"]}
    found: dict[str, list[Cause]] = {}
    for name in (*before, *(n for n in after if n not in before)):
        if name not in after:
            found[name] = [Cause("chapter", "gone", name, chapter=name)]
        elif name not in before:
            found[name] = [Cause("chapter", "new", name, chapter=name)]
        elif causes := chapter_causes(before[name], after[name]):
            found[name] = list(causes)
    return found


def _findings(old: Side, new: Side, causes_of: CausesOf) -> Iterator[FindingChange]:
    for name in (*new.findings, *(f for f in old.findings if f not in new.findings)):
        before, after = old.findings.get(name), new.findings.get(name)
        if before is None or after is None:
            only = before or after
            assert only is not None
            fate: Fate = "gone" if after is None else "new"
            yield FindingChange(name, only.chapter, fate, before, after, {}, causes_of(only.chapter))
            continue
        facts = {
            fact: (before.facts.get(fact), after.facts.get(fact))
            for fact in {**before.facts, **after.facts}
            if not equal(before.facts.get(fact), after.facts.get(fact))
        }
        plain = before.severity == after.severity and before.list_rows == after.list_rows
        if facts or not plain or not equal(before.money, after.money):
            causes = causes_of(after.chapter)
            yield FindingChange(name, after.chapter, "changed", before, after, facts, causes)


def _finding_rank(change: FindingChange) -> tuple[int, int, float]:
    finding = change.after or change.before
    assert finding is not None
    severity = ("critical", "warning", "opportunity", "info").index(finding.severity)
    return ("new", "gone", "changed").index(change.fate), severity, -(finding.money or 0.0)


def _kpis(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Kpi]:
    before = {k["id"]: k for k in old.get("kpis", ())}
    after = {k["id"]: k for k in new.get("kpis", ())}
    for name in (*after, *(k for k in before if k not in after)):
        values = [side[name]["value"] if name in side else None for side in (before, after)]
        if not equal(*values) or (name in before) != (name in after):
            yield Kpi(name, (after.get(name) or before[name])["spec"], *values)


def _headlines(old: Side, new: Side) -> Iterator[Headline]:
    statuses = [{c["chapter"]: c["status"] for c in side.record["chapters"]} for side in (old, new)]
    for name in (*statuses[1], *(c for c in statuses[0] if c not in statuses[1])):
        status = statuses[0].get(name), statuses[1].get(name)
        before, after = old.messages.get(name), new.messages.get(name)
        common = set(before or ()) & set(after or ())
        told = before is not None and after is not None
        said = any((before or {})[lang] != (after or {})[lang] for lang in common)
        if status[0] != status[1] or (told and said):
            yield Headline(name, status, before, after)


def _counts(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Count]:
    def rows(record: Mapping[str, Any]) -> dict[str, int | None]:
        found = {i["name"]: i["rows"] for i in record["inputs"]}
        for flow in record["flows"]:
            found |= {f"{flow['table']}.{k}": v for k, v in flow.items() if k != "table"}
        return found

    before, after = rows(old), rows(new)
    for name in (*after, *(n for n in before if n not in after)):
        if before.get(name) != after.get(name):
            yield Count(name, before.get(name), after.get(name))


def _files(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    # What an executed notebook shows is compared above; its bytes hold the kernel's chatter, too.
    before, after = (
        {o["path"]: o["sha256"] for o in record["outputs"] if not o["path"].startswith("notebooks/")}
        for record in (old, new)
    )
    yield from sorted(path for path in {**before, **after} if before.get(path) != after.get(path))
