"""A difference in one language, ready to print or to fill a page with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from crmreport.config import Language
from crmreport.present import numbers
from crmreport.present.text import Text
from crmreport.present.words import Words, labels
from crmreport.produce.binding.summary import kpi_label
from crmreport.produce.diff.compare import Diff, FindingChange, Headline, Kpi
from crmreport.produce.diff.side import RowKey, Said, TableData
from crmreport.produce.diff.tables import Cell, TableChange, number
from crmreport.produce.planning.causes import LOOKS, Cause

_MOST_NAMES = 6
_FINEST = 6
"""Decimals at most, to show two numbers apart."""
_RATES = ("pct", "spct", "prob", "pt")

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A table that differs, as it is printed."""

    id: str
    title: str
    notes: tuple[str, ...]
    rows: tuple[Row, ...]
    """Row, column, before, after, change."""


@dataclass(frozen=True, slots=True)
class Story:
    """A finding that differs, as it is printed."""

    fate: str
    title: str
    before: str
    after: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class View:
    """What text and page show, in one language, most important first.

    Args:
        verdict: One sentence: the same, the same numbers, or how much differs.
        why: One line per cause.
        warnings: What to be careful about.
        kpis: Name, before, after, change.
        headlines: Chapter, before, after.
        counts: Name, before, after, change.
    """

    title: str
    between: str
    verdict: str
    why: tuple[str, ...]
    warnings: tuple[str, ...]
    kpis: tuple[Row, ...]
    headlines: tuple[Row, ...]
    findings: tuple[Story, ...]
    tables: tuple[Shown, ...]
    counts: tuple[Row, ...]
    files: tuple[str, ...]
    heads: Mapping[str, str]
    """Headings of sections and columns, such as ``section.why``."""


def view(diff: Diff, lang: Language, *, most_cells: int) -> View:
    """Put a difference into words.

    Args:
        lang: Language of the words; a report that has not got it is quoted in its own.
        most_cells: Values shown per table; the rest is counted.
    """
    return _Teller(diff, lang).view(most_cells)


class _Teller:
    def __init__(self, diff: Diff, lang: Language) -> None:
        self.diff = diff
        self.lang: Language = lang
        settings = diff.b.record["digests"]["settings"]
        self.words = Words(lang, currency=settings.get("currency", "JPY"))

    def view(self, most_cells: int) -> View:
        d = self.diff
        return View(
            title=self.label("title"),
            between=self.say("between", client=self._client(), before=self._name(0), after=self._name(1)),
            verdict=self._verdict(),
            why=tuple(dict.fromkeys(self._cause(c) for c in d.causes)),
            warnings=tuple(self._warnings()),
            kpis=tuple(self._kpi(k) for k in d.kpis),
            headlines=tuple(self._headline(h) for h in d.headlines),
            findings=tuple(self._finding(f) for f in d.findings),
            tables=tuple(self._table(t, most_cells) for t in d.tables),
            counts=tuple(self._count(c.name, c.before, c.after) for c in d.counts),
            files=d.files,
            heads={
                key.removeprefix("diff."): text
                for key, text in labels(self.lang).items()
                if key.startswith(("diff.section.", "diff.column."))
            },
        )

    def label(self, key: str) -> str:
        return self.words.label(f"diff.{key}")

    def say(self, key: str, **values: object) -> str:
        return self.words.say(Text(f"diff.{key}", **values))

    def _client(self) -> str:
        names: dict[str, str] = self.diff.b.record.get("client_name", {})
        return self._pick(names) or self.diff.b.record["client"]

    def _pick(self, said: Said | None) -> str:
        if not said:
            return ""
        return said.get(self.lang) or next(iter(said.values()))

    def _name(self, side: int) -> str:
        a, b = self.diff.a, self.diff.b
        mine, other = (a, b) if side == 0 else (b, a)
        name = self.words.format(mine.record["period"], "period")
        if mine.record["report"] != other.record["report"]:
            name = f"{name} {mine.record['report']}"
        if mine.record["client"] != other.record["client"]:
            name = f"{mine.record['client']} {name}"
        same = (mine.record[k] == other.record[k] for k in ("client", "period", "report"))
        return f"{name} ({mine.folder})" if all(same) else name

    def _verdict(self) -> str:
        d = self.diff
        if d.same:
            return self.label("same")
        if d.same_numbers:
            return self.label("same_numbers")
        return self.say("differ", kpis=len(d.kpis), findings=len(d.findings), tables=len(d.tables))

    def _warnings(self) -> Iterable[str]:
        d = self.diff
        if d.unexplained:
            between = "、" if self.lang == "ja" else ", "
            yield self.say("unexplained", chapters=between.join(map(self._chapter, d.unexplained)))
        if not d.same_numbers and len({c.kind for c in d.causes} - LOOKS) > 1:
            yield self.label("several")

    def _cause(self, cause: Cause) -> str:
        kind = self.words.label(f"cause.kind.{cause.kind}")
        said = self.words.say(
            Text(f"cause.change.{cause.change}", name=cause.name, before=cause.before, after=cause.after)
        )
        if (counted := cause.counted()) is not None:
            key, before, after = counted
            told = self.words.say(Text(f"cause.lines.{key}", before=before, after=after))
            said += f"（{told}）" if self.lang == "ja" else f" ({told})"
        if cause.chapter and cause.kind == "parameter":
            said = f"{cause.chapter}.{said}"
        return f"{kind}：{said}" if self.lang == "ja" else f"{kind}: {said}"

    def _kpi(self, kpi: Kpi) -> Row:
        try:
            name = kpi_label(kpi.id, self.words)
        except LookupError:
            name = kpi.id
        return name, *self._pair(kpi.before, kpi.after, kpi.spec, area="sales")

    def _headline(self, headline: Headline) -> Row:
        told = []
        for status, said in zip(headline.status, (headline.before, headline.after), strict=True):
            word = self.label(f"status.{status or 'none'}")
            told.append(self._pick(said) if status == "done" and said else word)
        return self._chapter(headline.chapter), *told

    def _chapter(self, name: str) -> str:
        for side in (self.diff.b, self.diff.a):
            for chapter in side.record["chapters"]:
                if chapter["chapter"] == name and (title := self._pick(chapter.get("title"))):
                    return title
        return name

    def _finding(self, change: FindingChange) -> Story:
        before, after = change.before, change.after
        shown = after or before
        assert shown is not None
        texts = [f.text.get(self.lang) or next(iter(f.text.values())) if f else {} for f in (before, after)]
        notes: list[str] = []
        if before and after:
            severities = [self.words.label(f"severity.{f.severity}") for f in (before, after)]
            if severities[0] != severities[1]:
                notes.append(self.say("severity", before=severities[0], after=severities[1]))
            if before.money != after.money:
                old, new, _ = self._pair(before.money, after.money, "money", area="")
                notes.append(self.say("stake", before=old, after=new))
            if before.list_rows != after.list_rows:
                old, new, _ = self._pair(before.list_rows, after.list_rows, "count", area="")
                notes.append(self.say("customers", before=old, after=new))
        title = (texts[1] or texts[0]).get("title", shown.id)
        whats = [text.get("what", "") for text in texts]
        return Story(self.label(f"fate.{change.fate}"), title, whats[0], whats[1], tuple(notes))

    def _table(self, change: TableChange, most_cells: int) -> Shown:
        before, after = self.diff.a.tables.get(change.id), self.diff.b.tables.get(change.id)
        table = after or before
        assert table is not None
        notes: list[str] = []
        if change.fate != "changed":
            notes.append(self.label(f"fate.{change.fate}"))
        if change.cells:
            notes.append(self.say("table.values", n=len(change.cells)))
        # A smallest move would be written 0.0%.
        if change.fate == "changed" and change.weight >= 0.0005:
            notes.append(self.say("moved", share=change.weight))
        for key, rows, of in (
            ("rows_new", change.rows_new, after),
            ("rows_gone", change.rows_gone, before),
        ):
            if rows and of is not None:
                notes.append(self._listed(key, [self._row(of, row) for row in rows]))
        if change.columns_new and after is not None:
            notes.append(self._listed("columns_new", [self._column(after, c) for c in change.columns_new]))
        if change.columns_gone and before is not None:
            notes.append(self._listed("columns_gone", [self._column(before, c) for c in change.columns_gone]))
        rows = tuple(self._cell(table, cell) for cell in change.cells[:most_cells])
        if (left := len(change.cells) - len(rows)) > 0 and rows:
            notes.append(self.say("table.more", n=left))
        return Shown(change.id, self._pick(change.title), tuple(notes), rows)

    def _listed(self, key: str, names: Sequence[str]) -> str:
        said = ("、" if self.lang == "ja" else ", ").join(names[:_MOST_NAMES])
        if len(names) > _MOST_NAMES:
            said = self.say("table.and_more", rows=said, n=len(names) - _MOST_NAMES)
        return self.say(f"table.{key}", rows=said)

    def _cell(self, table: TableData, cell: Cell) -> Row:
        spec = table.spec(cell.column, cell.row)
        told = self._pair(cell.before, cell.after, spec, area=table.chapter)
        return self._row(table, cell.row), self._column(table, cell.column), *told

    def _row(self, table: TableData, row: RowKey) -> str:
        parts = [
            self._written(value, table.spec(column, row), table.chapter)
            for column, value in zip(table.key, row, strict=True)
        ]
        return " / ".join(parts)

    def _column(self, table: TableData, column: str) -> str:
        return self._pick(table.printed[column].label) if column in table.printed else column

    def _count(self, name: str, before: int | None, after: int | None) -> Row:
        table, _, what = name.rpartition(".")
        if table and self.words.has(f"diff.flow.{what}"):
            name = self.say(f"flow.{what}", table=self.words.label(f"data_quality.source_table.{table}"))
        return name, *self._pair(before, after, "count", area="")

    def _pair(self, before: object, after: object, spec: str, *, area: str) -> tuple[str, str, str]:
        """Two values so written that they can be told apart, and the change between them."""
        old, new = (number(None if v is None else str(v)) for v in (before, after))
        kind = spec.partition(":")[0]
        if old is None or new is None or kind in ("label", "labels", "name", "date", "longdate", "month"):
            return self._written(before, spec, area), self._written(after, spec, area), ""
        rate = kind in _RATES
        scale, unit = (100, "%") if rate else (1, "")
        least = 1 if rate or kind == "num1" else 2 if kind in ("num2", "snum2") else 0
        whole = float(old).is_integer() and float(new).is_integer()
        least = max(least, 0 if whole or kind in ("money", "smoney", "count", "scount", "days") else 1)
        texts = ("", "")
        for decimals in range(least, _FINEST + 1):
            texts = tuple(numbers.plain(value * scale, decimals) + unit for value in (old, new))
            if texts[0] != texts[1]:
                break
        if rate:
            change = self.words.format(new - old, "pt")
        else:
            change = self.words.format(new / old - 1, "spct") if old else ""
        return texts[0], texts[1], change

    def _written(self, value: object, spec: str, area: str) -> str:
        if value is None or value == "":
            return numbers.BLANK
        as_number = number(str(value))
        kind = spec.partition(":")[0]
        if kind in ("money", "smoney") and as_number is not None:
            return numbers.plain(as_number, 0 if as_number.is_integer() else 2)
        plain = kind in ("count", "money", "smoney", "scount", "days") or kind in _RATES or "num" in kind
        try:
            return self.words.format(as_number if plain and as_number is not None else value, spec, area=area)
        except (LookupError, ValueError, TypeError):
            # The name of a client's own segment, or a cell that is no number: as it stands in the CSV.
            return self.words.format(str(value), "text")
