"""What differs between two published reports in numbers, and why."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from crmreport.produce.causes import Cause, chapter_causes, rendering_causes, shared_causes
from crmreport.produce.diff_side import FindingData, RowKey, Said, Side, TableData, read_side

Fate = Literal["new", "gone", "changed"]
# The same sum in another order differs in the last digits; nobody is shown those.
_RELATIVE, _ABSOLUTE = 1e-9, 1e-12


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table that says something else.

    Args:
        before, after: As they stand in the CSVs; None where the row or the column is not there.
        weight: Share of its column's sum (of itself, where rows are measures) that it moved by, 0–1; 0
            for a text.
    """

    row: RowKey
    column: str
    before: str | None
    after: str | None
    weight: float

    @property
    def ratio(self) -> float | None:
        """Relative change of a number, ``after / before - 1``."""
        old, new = number(self.before), number(self.after)
        return None if old is None or new is None or old == 0 else new / old - 1


@dataclass(frozen=True, slots=True)
class TableChange:
    """A table that differs.

    Args:
        cells: Changed cells of rows that are in both: amounts, then shares, words, changes and what is
            not printed, the weightiest first.
        rows_new, rows_gone: Keys of rows in one report only.
        columns_new, columns_gone: Columns in one report only.
        weight: The largest share of an amount's sum that moved, 0–1.
        causes: What may have changed it; empty when nothing recorded did.
    """

    id: str
    chapter: str
    title: Said
    fate: Fate
    cells: tuple[Cell, ...]
    rows_new: tuple[RowKey, ...]
    rows_gone: tuple[RowKey, ...]
    columns_new: tuple[str, ...]
    columns_gone: tuple[str, ...]
    weight: float
    causes: tuple[Cause, ...]


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

    tables = sorted(_tables(old, new, causes_of), key=lambda t: (t.fate == "changed", -t.weight))
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


def number(text: str | None) -> float | None:
    """The finite number a cell holds, None when it holds none."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def equal(before: Any, after: Any) -> bool:
    """Whether two cells or facts say the same.

    Examples:
        >>> equal("0.1", "0.10000000000000002"), equal("1", "1.0"), equal("a", "b"), equal(None, 0)
        (True, True, False, False)
    """
    if before == after:
        return True
    if before is None or after is None:
        return False
    old, new = number(str(before)), number(str(after))
    if old is None or new is None:
        return str(before) == str(after)
    return math.isclose(old, new, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)


def _shared(old: Side, new: Side) -> tuple[Cause, ...]:
    clients = tuple(side.record["client"] for side in (old, new))
    other = (Cause("client", "to", "", *clients),) if clients[0] != clients[1] else ()
    return (*other, *shared_causes(old.record["digests"], new.record["digests"]))


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


def _tables(old: Side, new: Side, causes_of: Any) -> Iterator[TableChange]:
    for name in (*new.tables, *(t for t in old.tables if t not in new.tables)):
        before, after = old.tables.get(name), new.tables.get(name)
        if before is None or after is None:
            only = before or after
            assert only is not None
            fate: Fate = "gone" if after is None else "new"
            causes = causes_of(only.chapter)
            yield TableChange(name, only.chapter, only.title, fate, (), (), (), (), (), 1.0, causes)
        elif change := _table(before, after, causes_of(after.chapter)):
            yield change


def _table(before: TableData, after: TableData, causes: tuple[Cause, ...]) -> TableChange | None:
    columns = [c for c in after.columns if c in before.columns and c not in after.key]
    # Rows joined by other columns would be other rows.
    same_key = before.key == after.key
    both = [key for key in after.rows if key in before.rows] if same_key else []
    rows_new = tuple(key for key in after.rows if not same_key or key not in before.rows)
    rows_gone = tuple(key for key in before.rows if not same_key or key not in after.rows)
    cells: list[tuple[int, Cell]] = []
    moves: dict[bool, float] = {}
    for column in columns:
        sizes = [abs(number(row[column]) or 0.0) for t in (before, after) for row in t.rows.values()]
        whole = max(math.fsum(sizes) / 2, _ABSOLUTE)
        mixed = after.spec(column).startswith("row:")
        moved = 0.0
        for key in both:
            was, now = before.rows[key][column], after.rows[key][column]
            if equal(was, now):
                continue
            old, new = number(was) or 0.0, number(now) or 0.0
            # A column of several measures has no sum.
            size = max(abs(old), abs(new), _ABSOLUTE) if mixed else whole
            rank = _rank(after.spec(column, key))
            cells.append((rank, Cell(key, column, was, now, min(1.0, abs(new - old) / size))))
            moved = max(moved, abs(new - old) / size) if mixed else moved + abs(new - old) / size
        if not mixed:
            moved += math.fsum(abs(number(after.rows[key][column]) or 0.0) for key in rows_new) / whole
            moved += math.fsum(abs(number(before.rows[key][column]) or 0.0) for key in rows_gone) / whole
        amount = mixed or _rank(after.spec(column)) == 0
        moves[amount] = max(moves.get(amount, 0.0), min(1.0, moved))
    weight = moves.get(True, moves.get(False, 0.0))
    if not both and (rows_new or rows_gone):
        weight = 1.0
    columns_new = tuple(c for c in after.columns if c not in before.columns)
    columns_gone = tuple(c for c in before.columns if c not in after.columns)
    if not (cells or rows_new or rows_gone or columns_new or columns_gone):
        return None
    cells.sort(key=lambda ranked: (ranked[0], -ranked[1].weight))
    return TableChange(
        after.id,
        after.chapter,
        after.title,
        "changed",
        tuple(cell for _, cell in cells),
        rows_new,
        rows_gone,
        columns_new,
        columns_gone,
        weight,
        causes,
    )


def _rank(spec: str) -> int:
    """Amounts first, then shares, then words, then what is itself a change, then what no page shows."""
    kind = spec.partition(":")[0]
    if kind in ("count", "money", "num0", "num1", "num2", "days"):
        return 0
    if kind == "pct":
        return 1
    if kind == "":
        return 4
    return 3 if kind in ("spct", "scount", "smoney", "pt", "row") else 2


def _findings(old: Side, new: Side, causes_of: Any) -> Iterator[FindingChange]:
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
