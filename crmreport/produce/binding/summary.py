"""Page 1: one sentence, the key figures, what was found and what to do, and what could change it."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from crmreport.config import Client
from crmreport.period import Period
from crmreport.present.finding import Severity
from crmreport.present.numbers import is_blank
from crmreport.present.text import Text
from crmreport.present.words import Words
from crmreport.produce.binding.naming import period_label
from crmreport.produce.binding.outputs import Executed, Item, anchor

KPI_AREAS = ("sales", "campaigns", "messages")
"""Chapters whose table ``<chapter>.kpi`` gives page 1 its tiles."""
_KPI_TABLES = tuple(f"{area}.kpi" for area in KPI_AREAS)
_MOST_KPIS = 6
_MOST_FINDINGS = 5
_MOST_CAVEATS = 3


@dataclass(frozen=True)
class Change:
    """A line under a tile's value: a comparison, its interval, or what it is a part of."""

    label: str
    text: str
    direction: str = "flat"
    """``up``, ``down`` or ``flat``; colour is not used to judge it."""


@dataclass(frozen=True)
class Kpi:
    """One tile, and the raw number it shows."""

    id: str
    raw: float | None
    spec: str
    label: str
    value: str
    changes: list[Change]


@dataclass(frozen=True)
class Highlight:
    """A finding on page 1 with the place of its proof."""

    title: str
    severity: Severity
    severity_label: str
    what: str
    so_what: str
    do_what: str
    at_stake: str
    anchor: str
    chapter: str


@dataclass(frozen=True)
class Summary:
    """What fits on page 1."""

    headline: str
    kpis: list[Kpi]
    kpi_anchor: str | None
    highlights: list[Highlight]
    caveats: list[Highlight]
    density: int = 0

    def tighter(self) -> Summary | None:
        """The same with less on it, or None when there is nothing left to leave out.

        First the type gets smaller, then the "so what" lines go, then the last findings.
        """
        if self.density < 2:
            return replace(self, density=self.density + 1)
        if len(self.highlights) > 3 or len(self.caveats) > 1:
            fewer = self.highlights[: max(3, len(self.highlights) - 1)]
            return replace(self, highlights=fewer, caveats=self.caveats[:1])
        return replace(self, density=3) if self.density == 2 else None


def summarise(
    chapters: list[Executed],
    found: list[Item],
    at_stake: Mapping[str, float | None],
    *,
    words: Words,
    period: Period,
    titles: dict[str, str],
    client: Client,
) -> Summary:
    """Choose what stands on page 1.

    Args:
        at_stake: Finding → the money told of it, as in the action plan; none of what is not in it.
    """
    messages = [i for c in chapters for i in c.items() if i.kind == "message"]
    headline = messages[0].text[words.lang] if messages else ""
    if not headline:
        headline = words.say(Text("book.summary.headline", period=period_label(period, words)))
    tables = [i for c in chapters for i in c.items() if i.kind == "table" and i.id in _KPI_TABLES]
    tiles = [
        tile
        for table in tables
        for tile in kpi_tiles(table, words=words, period=period, targets=client.targets)
    ]
    lights = [_highlight(item, at_stake, words, titles) for item in found if not _is_caveat(item)]
    urgent = [h for h in lights if h.severity != "info"] or lights
    return Summary(
        headline=headline,
        kpis=tiles[:_MOST_KPIS],
        kpi_anchor=anchor("tab", str(tables[0].id)) if tables else None,
        highlights=urgent[:_MOST_FINDINGS],
        caveats=[_highlight(item, at_stake, words, titles) for item in found if _is_caveat(item)][
            :_MOST_CAVEATS
        ],
    )


def _is_caveat(item: Item) -> bool:
    return item.finding is not None and item.finding.chapter == "data_quality"


def _highlight(
    item: Item, at_stake: Mapping[str, float | None], words: Words, titles: dict[str, str]
) -> Highlight:
    finding, text = item.finding, item.text[words.lang]
    assert finding is not None
    money = at_stake.get(finding.id)
    return Highlight(
        title=text["title"],
        severity=finding.severity,
        severity_label=words.label(f"severity.{finding.severity}"),
        what=text["what"],
        so_what=text["so_what"],
        do_what=text["do_what"],
        at_stake=words.say(Text("book.summary.at_stake", money=money)) if money else "",
        anchor=anchor("finding", finding.id),
        chapter=titles.get(finding.chapter, finding.chapter),
    )


def kpi_tiles(table: Item, *, words: Words, period: Period, targets: dict[str, float]) -> list[Kpi]:
    """The tiles of a table ``<chapter>.kpi``: its columns are kpi, spec, value, and what is known of them.

    ``previous``, ``year_ago`` and ``target`` are compared with: differences of rates are points; of
    everything else, a percentage of the earlier value. ``lower`` and ``upper`` are its 95 % interval.
    ``detail`` (a label), ``detail_value`` and ``detail_spec`` are one more number that belongs to it.
    """
    assert table.csv is not None
    rows = pd.read_csv(io.StringIO(table.csv))
    # Nothing to compare with, for any of them: better no line than a column of dashes.
    known = [column for column in ("previous", "year_ago") if _compares(rows, column)]
    if period.previous() == period.year_ago():
        known = [column for column in known if column != "previous"]
    month = "_month" if period.months == 1 else ""
    tiles: list[Kpi] = []
    for row in rows.to_dict("records"):
        kpi, spec, value = str(row["kpi"]), str(row.get("spec", "num0")), row["value"]
        changes: list[Change] = []
        for column in known:
            label = words.label(f"book.change.{column}{month}")
            changes.append(_change(label, value, row[column], spec, words))
        target = targets.get(kpi, row.get("target"))
        if not is_blank(target):
            changes.append(_change(words.label("book.change.target"), value, target, spec, words))
        changes += _beside(row, spec, words)
        raw = None if is_blank(value) else float(value)
        tiles.append(Kpi(kpi, raw, spec, kpi_label(kpi, words), words.format(value, spec), changes))
    return tiles


def _beside(row: dict[Any, Any], spec: str, words: Words) -> list[Change]:
    """The interval and the detail of a tile, where its row has them."""
    lines = []
    bounds = {end: row.get(end) for end in ("lower", "upper")}
    if not any(is_blank(bound) for bound in bounds.values()):
        said = {end: words.format(bound, spec) for end, bound in bounds.items()}
        lines.append(
            Change(words.label("book.change.interval"), words.say(Text("book.change.range", **said)))
        )
    if not is_blank(row.get("detail")):
        text = words.format(row["detail_value"], str(row["detail_spec"]))
        lines.append(
            Change(_first([f"{area}.kpi_detail.{row['detail']}" for area in KPI_AREAS], words), text)
        )
    return lines


def _compares(rows: pd.DataFrame, column: str) -> bool:
    # The chapter blanks its changes while the period is preliminary; page 1 must not undo that.
    shown = [name for name in (column, f"change_{column}") if name in rows]
    return bool(shown) and all(bool(rows[name].notna().any()) for name in shown)


def kpi_label(kpi: str, words: Words) -> str:
    """What a key figure is called."""
    own = (f"{area}.kpi.{kpi}" for area in KPI_AREAS)
    return _first((*own, f"book.kpi.{kpi}", f"sales.column.{kpi}", f"column.{kpi}"), words)


def _first(keys: Sequence[str], words: Words) -> str:
    return words.label(next((key for key in keys if words.has(key)), keys[0]))


def _change(label: str, value: object, base: object, spec: str, words: Words) -> Change:
    if is_blank(value) or is_blank(base) or (spec != "pct" and float(str(base)) == 0):
        return Change(label, words.format(None, "text"), "flat")
    now, then = float(str(value)), float(str(base))
    difference = now - then if spec == "pct" else now / then - 1
    text = words.format(difference, "pt" if spec == "pct" else "spct")
    shown = round(difference, 3)
    return Change(label, text, "up" if shown > 0 else "down" if shown < 0 else "flat")
