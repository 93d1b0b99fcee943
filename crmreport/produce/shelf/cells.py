"""The shelf in the words of one language: rows, cells, links."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import quote

from crmreport.config import Language
from crmreport.present.style import DEFAULT_ACCENT
from crmreport.present.text import Text
from crmreport.present.words import Words, labels
from crmreport.produce.binding.contents import contents_names
from crmreport.produce.binding.summary import kpi_label
from crmreport.produce.records import RECORD
from crmreport.produce.shelf.grid import Grid, Row, kind_of
from crmreport.produce.shelf.standing import Standing, Status

_LONGEST = 200
_COLOUR = re.compile("#[0-9a-f]{6}")
# A year and the month a year ago. With all of three years, a hundred clients' page would be 7 MB.
_COLUMNS_WITH_CARDS = 13


@dataclass(frozen=True, slots=True)
class Link:
    """A file, by the name it is offered under."""

    name: str
    href: str
    lang: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """The files of one language of a report."""

    title: str
    lang: Language
    links: list[Link]


@dataclass(frozen=True, slots=True)
class Cell:
    """One report.

    Args:
        face: The first key figure, as printed.
        value: The same, to sort by.
        label: All of it in one line, for who cannot see the row and the column.
        trouble: Why it is not simply complete; ``trouble_lang`` is the language of that line.
        ran_at: ISO time of the last attempt in UTC, or empty.
        front: The page of the report's folder.
        more: Everything else but the pages to read.
        has_card: Whether figures and files are shown here; an older report leads to its own page.
    """

    id: str
    client: str
    report: str
    period: str
    status: Status
    face: str
    value: float | None
    label: str
    trouble: str
    trouble_lang: Language
    reading: list[Reading]
    kpis: list[tuple[str, str]]
    as_of: str
    ran_at: str
    front: str
    more: list[Link]
    has_card: bool


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One client's reports of one name; ``searched`` is what the filter looks in."""

    client: str
    report: str
    searched: str
    accent: str
    ran_at: str
    cells: list[Cell | None]


@dataclass(frozen=True, slots=True)
class ShownGrid:
    """A grid with its headings; ``years`` are the headings over the months and their widths."""

    kind: str
    title: str
    years: list[tuple[str, int]]
    columns: list[str]
    rows: list[ShownRow]


class ShelfWords:
    """One language's words for everything on the shelf."""

    def __init__(self, lang: Language) -> None:
        self.lang: Language = lang
        self._words = Words(lang)
        self._labels = labels(lang)
        self._kpis: dict[str, str] = {}
        self._said: dict[tuple[str, str], str] = {}

    def say(self, key: str, **values: object) -> str:
        """A sentence of the shelf."""
        return self._words.say(Text(f"shelf.{key}", **values))

    def number(self, count: int) -> str:
        """A count of reports."""
        return self._words.format(count, "count")

    def grid(self, grid: Grid, number: int) -> ShownGrid:
        """One grid; its number makes the ids of its cells."""
        heads = [self._head(period) for period in grid.columns]
        years = [(year, len(list(same))) for year, same in groupby(year for year, _ in heads)]
        return ShownGrid(
            kind=grid.kind,
            title=self.say(f"kind.{grid.kind}"),
            years=years if grid.kind == "month" else [],
            columns=[short for _, short in heads],
            rows=[self._row(row, f"r{number}-{i}") for i, row in enumerate(grid.rows)],
        )

    def _row(self, row: Row, number: str) -> ShownRow:
        newest = next((s.record for s in row.cells if s and s.record), None)
        client = self._own(newest.client_name if newest else {}) or row.client
        title = self._own(newest.title if newest else {}) or self._report(row.report)
        accent = newest.accent if newest and _COLOUR.fullmatch(newest.accent) else DEFAULT_ACCENT
        return ShownRow(
            client=client,
            report=title,
            searched=f"{client} {row.client} {title}",
            accent=accent,
            ran_at=max((s.ran_at for s in row.cells if s), default=""),
            cells=[s and self._cell(s, i, f"{number}-{i}", client, title) for i, s in enumerate(row.cells)],
        )

    def _cell(self, stands: Standing, column: int, number: str, client: str, title: str) -> Cell:
        record, status = stands.record, self._labels[f"shelf.status.{stands.status}"]
        has_card = column < _COLUMNS_WITH_CARDS or stands.status != "complete"
        period = self._period(stands.period)
        figures = record.kpis[: None if has_card else 1] if record else []
        kpis = [(self._kpi(figure["id"]), self._own(figure["text"])) for figure in figures]
        # Half a report's figure beside whole ones would be compared with them.
        face = kpis[0][1] if kpis and stands.status != "partial" else ""
        told = self._labels.get(f"shelf.trouble.{stands.trouble}")
        return Cell(
            id=number,
            client=client,
            report=title,
            period=period,
            status=stands.status,
            face=face or (status if stands.status == "complete" else ""),
            value=record.kpis[0]["value"] if record and face and record.kpis else None,
            label=" ".join(filter(None, (client, title, period, face, status))),
            trouble=told or stands.trouble,
            trouble_lang=self.lang if told else "en",
            reading=self._reading(stands) if has_card else [],
            kpis=kpis,
            as_of=self._day(record.as_of.isoformat()) if record else "",
            ran_at=stands.ran_at,
            front=self._front(stands),
            more=self._more(stands) if has_card else [],
            has_card=has_card,
        )

    def _reading(self, stands: Standing) -> list[Reading]:
        record = stands.record
        if record is None:
            return []
        stem = stands.report + (".partial" if record.status == "partial" else "")
        home = quote(stands.folder)
        found: list[Reading] = []
        for lang in record.languages:
            files = (
                ("HTML", f"{stem}.{lang}.html"),
                ("PDF", f"{stem}.{lang}.pdf"),
                ("Excel", f"tables.{lang}.xlsx"),
            )
            links = [Link(name, f"{home}/{file}") for name, file in files if file in stands.files]
            found.append(Reading(labels(lang)["book.index.language"], lang, links))
        return found

    def _front(self, stands: Standing) -> str:
        home = quote(stands.folder)
        if stands.record is None:
            return f"{home}/" if stands.status == "unreadable" else ""
        own = contents_names(stands.record.languages).get(self.lang, "index.html")
        return f"{home}/{own if own in stands.files else 'index.html'}"

    def _more(self, stands: Standing) -> list[Link]:
        record, front = stands.record, self._front(stands)
        if record is None:
            return [Link(self._labels["shelf.card.folder"], front)] if front else []
        links = [Link(self._labels["shelf.card.files"], front)]
        if record.lists:
            links.append(Link(self._count("card.lists", len(record.lists)), f"{front}#lists"))
        if stands.partial:
            links.append(Link(self._labels["shelf.card.incomplete"], f"{quote(stands.partial)}/index.html"))
        links.append(Link(self._labels["shelf.card.record"], f"{quote(stands.folder)}/{RECORD}"))
        return links

    def _head(self, period: str) -> tuple[str, str]:
        if kind_of(period) != "month":
            return "", self._period(period)
        in_words = self._period(period)
        short = self.say("period.month", month=str(int(period[5:])) if self.lang == "ja" else in_words[:3])
        return self.say("period.year", year=period[:4]), short

    def _period(self, period: str) -> str:
        if (period, "period") not in self._said:
            self._said[period, "period"] = self._named(period)
        return self._said[period, "period"]

    def _named(self, period: str) -> str:
        kind = kind_of(period)
        if kind == "month":
            return self._words.format(period, "month")
        if kind == "year":
            return self.say("period.fiscal", year=period[2:])
        if kind == "quarter":
            return self.say("period.quarter", year=period[:4], quarter=period[-1])
        first, dots, last = period.partition("..")
        return self.say("period.range", first=first, last=last) if dots else period

    def _day(self, day: str) -> str:
        if (day, "day") not in self._said:
            self._said[day, "day"] = self._words.format(day, "longdate")
        return self._said[day, "day"]

    def _count(self, key: str, count: int) -> str:
        if (key, str(count)) not in self._said:
            self._said[key, str(count)] = self.say(key, n=count)
        return self._said[key, str(count)]

    def _report(self, report: str) -> str:
        return self._labels.get(f"book.title.{report}", report)

    def _own(self, said: Mapping[Language, str]) -> str:
        """What a record says, in this language when it can."""
        return (said.get(self.lang) or next(iter(said.values()), ""))[:_LONGEST]

    def _kpi(self, kpi: str) -> str:
        if kpi not in self._kpis:
            try:
                self._kpis[kpi] = kpi_label(kpi, self._words)
            except LookupError:
                self._kpis[kpi] = kpi
        return self._kpis[kpi]
