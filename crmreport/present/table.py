"""A table before it has a language: the page shows some rows, the CSV holds all, unrounded."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import pandas as pd

from crmreport.present.numbers import MoneyUnit, is_blank
from crmreport.present.text import Text
from crmreport.present.words import Words

_RIGHT = (
    "count",
    "scount",
    "money",
    "smoney",
    "pct",
    "spct",
    "prob",
    "pt",
    "num0",
    "num1",
    "num2",
    "snum2",
    "p",
    "days",
    "row",
)
# Groups of fewer customers could tell who is in them.
FEWEST = 5
# Letters of a column's English name that stay on one line.
_ONE_LINE = 12
_SHORT_NAME = 24
_NULLABLE: dict[str, Any] = {"i": "Int64", "u": "UInt64", "f": "Float64", "b": "boolean"}
_UNITS = {
    "pct": {"ja": "%", "en": "%"},
    "spct": {"ja": "%", "en": "%"},
    "pt": {"ja": "ポイント", "en": "pts"},
    "days": {"ja": "日", "en": "days"},
}


@dataclass(frozen=True, slots=True)
class Column:
    """How one column of a table is named and written.

    Args:
        name: Column of the frame; the English name the CSV keeps.
        spec: Format as in :meth:`Words.format`; money gets one unit for the whole column. ``row:<column>``
            takes each row's own format from that column: for tables whose rows are measures.
        label: Label key; ``column.<name>`` when not given.
        bar: Draw the value as a bar behind the number; at most one column of a table.
        scale: Money columns of one name here share a unit: a value and its bounds read side by side.
        bare: The head leaves out the unit, as that of the column before says it.
    """

    name: str
    spec: str = "text"
    label: str | None = None
    bar: bool = False
    scale: str | None = None
    bare: bool = False

    @property
    def kind(self) -> str:
        """The spec without its detail."""
        return self.spec.partition(":")[0]

    @property
    def is_number(self) -> bool:
        """Whether it stands at the right."""
        return self.kind in _RIGHT


@dataclass(frozen=True)
class Table:
    """Rows with the words and formats to print them.

    Args:
        id: ``chapter.table``; also the name of its CSV.
        frame: One row per line; unrounded; all the columns named below and more if useful.
        columns: What is printed, left to right; the first is the row's heading.
        title: Caption.
        note: Formula, denominator, window, as-of date, who is left out.
        key: Columns that tell a row from the others; the first printed column when not given.
        totals: Values of a totals line, ruled off.
        max_rows: Rows on the page; the rest stands in the CSV and the workbook.
        masked_rows: Rows blanked by :meth:`masked`.
    """

    id: str
    frame: pd.DataFrame
    columns: tuple[Column, ...]
    title: Text
    note: Text
    key: tuple[str, ...] = ()
    totals: Mapping[str, Any] | None = None
    max_rows: int = 12
    masked_rows: int = 0

    def __post_init__(self) -> None:
        if missing := [c.name for c in self.columns if c.name not in self.frame.columns]:
            raise ValueError(f"table {self.id}: no column {missing[0]!r} in the frame")
        keys = self.frame.loc[:, list(self.row_key)]
        if keys.duplicated().any():
            first = tuple(keys[keys.duplicated()].iloc[0])
            raise ValueError(f"table {self.id}: {self.row_key} {first} stands in two rows")

    @property
    def row_key(self) -> tuple[str, ...]:
        """Columns that tell a row from the others."""
        return self.key or (self.columns[0].name,)

    @property
    def area(self) -> str:
        """The chapter; where labels are looked up first."""
        return self.id.split(".")[0]

    def masked(self, fewest: int = FEWEST) -> Table:
        """The table with the numbers of small groups blanked, on the page and in the CSV.

        A group is small when its ``customers`` or ``buyers`` are 1 to ``fewest`` − 1.
        """
        counts = [c for c in ("customers", "buyers") if c in self.frame.columns]
        small = pd.Series(False, index=self.frame.index)
        for column in counts:
            count = pd.to_numeric(self.frame[column], errors="coerce")
            small |= count.between(1, fewest - 1)
        if not small.any():
            return self
        numbers = [
            name
            for name in self.frame.columns
            if name not in self.row_key and pd.api.types.is_numeric_dtype(self.frame[name])
        ]
        # Nullable types: a blank must not turn the other rows' counts into 5.0.
        frame = self.frame.astype({name: _NULLABLE[self.frame[name].dtype.kind] for name in numbers})
        frame.loc[small, numbers] = pd.NA
        return replace(self, frame=frame, masked_rows=int(small.sum()))

    def csv(self) -> str:
        """All rows, stable English column names, unrounded."""
        out = io.StringIO()
        self.frame.to_csv(out, index=False, lineterminator="\n", date_format="%Y-%m-%d")
        return out.getvalue()

    def spec(self, words: Words) -> dict[str, Any]:
        """Title, note and column heads in one language, for the workbook."""
        return {
            "title": words.say(self.title),
            "note": words.say(self.note),
            "columns": [
                {"name": c.name, "label": self._heading(c, words, None), "format": c.spec}
                for c in self.columns
            ],
        }

    def html(self, words: Words) -> str:
        """The printed table."""
        units = {c.name: self._unit(c, words) for c in self.columns if c.kind in ("money", "smoney")}
        peaks = {c.name: self._peak(c) for c in self.columns if c.bar}
        head = "".join(self._head_cell(c, words, units) for c in self.columns)
        shown = self.frame.head(self.max_rows)
        body = "".join(
            "<tr>" + "".join(self._cell(c, row, words, units, peaks) for c in self.columns) + "</tr>"
            for row in shown.to_dict("records")
        )
        foot = ""
        if self.totals is not None:
            named = {self.columns[0].name: words.label("common.total"), **self.totals}
            cells = "".join(self._cell(c, named, words, units, {}) for c in self.columns)
            foot = f"<tfoot><tr>{cells}</tr></tfoot>"
        more = ""
        if len(self.frame) > len(shown):
            said = words.say(Text("common.more_rows", shown=len(shown), rows=len(self.frame), id=self.id))
            more = f'<p class="more">{escape(said)}</p>'
        if self.masked_rows:
            said = words.say(Text("common.masked_rows", rows=self.masked_rows, fewest=FEWEST))
            more += f'<p class="more">{escape(said)}</p>'
        return (
            f'<figure class="table" id="{_anchor(self.id)}"><div class="scroll" tabindex="0" role="region" '
            f'aria-label="{escape(words.say(self.title), quote=True)}"><table>'
            f"<caption>{escape(words.say(self.title))}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>{foot}</table></div>{more}"
            f'<p class="note">{escape(words.say(self.note))}</p></figure>'
        )

    def _unit(self, column: Column, words: Words) -> MoneyUnit:
        alike = [c.name for c in self.columns if c.scale == column.scale] if column.scale else [column.name]
        values = [value for name in alike for value in self.frame[name]]
        if self.totals is not None:
            values += [self.totals.get(name) for name in alike]
        return MoneyUnit.for_column(values, currency=words.currency)

    def _peak(self, column: Column) -> float:
        return max((abs(float(v)) for v in self.frame[column.name] if not is_blank(v)), default=0.0)

    def _heading(self, column: Column, words: Words, unit: MoneyUnit | None) -> str:
        label = words.label(column.label or f"column.{column.name}", area=self.area)
        if unit is not None:
            said = unit.header(words.lang)
        else:
            said = _UNITS.get(column.kind, {}).get(words.lang)
        if not said or column.bare:
            return label
        return f"{label}（{said}）" if words.lang == "ja" else f"{label} ({said})"

    def _head_cell(self, column: Column, words: Words, units: Mapping[str, MoneyUnit]) -> str:
        heading = escape(self._heading(column, words, units.get(column.name)))
        # The unit may move to a second line of the head, never a part of a word.
        heading = heading.replace("（", "<wbr><span class=unit>（").replace("）", "）</span>")
        if words.lang == "en" and heading.endswith(")"):
            name, _, unit = heading.rpartition(" (")
            heading = f'{_two_lines(name)} <span class="unit">({unit}</span>'
        elif words.lang == "en":
            heading = _two_lines(heading)
        kind = ' class="num"' if column.is_number else ""
        return f'<th scope="col"{kind}>{heading}</th>'

    def _cell(
        self,
        column: Column,
        row: Mapping[Any, Any],
        words: Words,
        units: Mapping[str, MoneyUnit],
        peaks: Mapping[str, float],
    ) -> str:
        value: Any = row.get(column.name)
        is_total = column is self.columns[0] and row.get(column.name) == words.label("common.total")
        unit = units.get(column.name)
        said = escape(str(value) if is_total else self._written(column, value, words, unit, row))
        if column is self.columns[0]:
            # A name that fits is not broken: a wrapped row makes the table uneven.
            is_short = words.lang == "en" and len(said) <= _SHORT_NAME
            kind = " class=num" if column.is_number else " class=short" if is_short else ""
            return f'<th scope="row"{kind}>{said}</th>'
        if not column.is_number:
            return f"<td>{said}</td>"
        raw = "" if is_blank(value) else f' data-sort="{float(value)!r}"'
        if peaks.get(column.name) and not is_blank(value):
            width = 100 * abs(float(value)) / peaks[column.name]
            return f'<td class="num bar"{raw} style="--w:{width:.1f}%">{said}</td>'
        return f'<td class="num"{raw}>{said}</td>'

    def _written(
        self, column: Column, value: Any, words: Words, unit: MoneyUnit | None, row: Mapping[Any, Any]
    ) -> str:
        if is_blank(value):
            return "" if column is self.columns[0] else words.format(None, "text")
        if column.kind == "row":
            return words.format(value, str(row[column.spec.partition(":")[2]]), area=self.area)
        if unit is not None:
            text = unit.write(float(value)).replace("-", "−")
            return "+" + text if column.kind == "smoney" and float(value) > 0 else text
        text = words.format(value, column.spec, area=self.area)
        # The unit stands in the head of the column.
        said = _UNITS.get(column.kind, {}).get(words.lang)
        return text.removesuffix(said).rstrip() if said else text


def _two_lines(name: str) -> str:
    """English words of a head, held together so that they fill one line or two, never a column of words."""
    parts = name.split(" ")
    if len(name) <= _ONE_LINE or len(parts) == 1:
        return "\N{NO-BREAK SPACE}".join(parts)
    halves = [(" ".join(parts[:i]), " ".join(parts[i:])) for i in range(1, len(parts))]
    best = min(halves, key=lambda half: max(map(len, half)))
    return " ".join(half.replace(" ", "\N{NO-BREAK SPACE}") for half in best)


def _anchor(table_id: str) -> str:
    return "tab-" + table_id.replace(".", "-").replace("_", "-")
