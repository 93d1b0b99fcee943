"""Findings: what a chapter found, with every number traced to a table cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal

import pandas as pd

from crmreport.present.text import Text
from crmreport.present.words import Words

Severity = Literal["critical", "warning", "opportunity", "info"]
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "opportunity", "info")
Measure = Literal[
    "return_offer",
    "early_access",
    "step_mail",
    "refill_reminder",
    "win_back",
    "second_purchase_offer",
    "cross_sell",
    "fix_assortment",
    "push_assortment",
    "region_check",
    "data_fix",
    "member_signup",
    "cart_reminder",
    "message_review",
    "roll_out_campaign",
    "send_to_segments",
    "retest_campaign",
    "stop_campaign",
    "retest_places",
    "stop_places",
    "fix_assignment",
]
PARTS = ("title", "what", "so_what", "do_what")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a printed table.

    Args:
        table: Table id.
        row: Values of the table's key columns, in their order.
        column: Column name.
    """

    table: str
    row: tuple[Any, ...]
    column: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A number a finding's sentences use.

    Args:
        value: Raw value, equal to the cell's.
        cell: Where it stands; None only for words (a segment's or product's name).
    """

    value: Any
    cell: Cell | None = None


@dataclass(frozen=True)
class ActionList:
    """The customers a finding speaks of; delivered as a file, never printed.

    Args:
        customers: ``customer_id``, ``reason`` (a label key's last part) and facts, one row per customer.
    """

    customers: pd.DataFrame

    def __post_init__(self) -> None:
        for column in ("customer_id", "reason"):
            if column not in self.customers.columns:
                raise ValueError(f"an action list needs the column {column!r}")


@dataclass(frozen=True)
class Finding:
    """What → so what → do what.

    The sentences are the labels ``<chapter>.finding.<name>[.<case>].title/what/so_what/do_what``.

    Args:
        id: ``chapter.name``.
        severity: ``critical`` and ``warning`` lose money, ``opportunity`` could earn it, ``info`` explains.
        facts: Name in the label → value with its cell.
        measure: The recommended measure.
        money: Money at stake in the client's currency; orders the summary; None when unknown.
        case: Which wording applies.
        customers: Who to act on.
        campaigns: Campaigns it is about → money at stake in each, None where unknown. The action plan asks
            for one thing of each campaign, however many findings speak of it; a list of customers stays
            an action beside it.
    """

    id: str
    severity: Severity
    facts: dict[str, Fact]
    measure: Measure
    money: float | None = None
    case: str = ""
    customers: ActionList | None = field(default=None, compare=False)
    campaigns: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def chapter(self) -> str:
        """The chapter it was found in."""
        return self.id.split(".")[0]

    def text(self, words: Words) -> dict[str, str]:
        """The four sentences in one language."""
        chapter, name = self.id.split(".", 1)
        stem = ".".join(p for p in (chapter, "finding", name, self.case) if p)
        values = {key: fact.value for key, fact in self.facts.items()}
        return {part: words.say(Text(f"{stem}.{part}", **values)) for part in PARTS}

    def record(self) -> dict[str, Any]:
        """Plain JSON for the book; customers are counted, not named."""
        return {
            "id": self.id,
            "chapter": self.chapter,
            "severity": self.severity,
            "money": self.money,
            "measure": self.measure,
            "case": self.case,
            "facts": {name: _fact(fact) for name, fact in self.facts.items()},
            "list_rows": None if self.customers is None else len(self.customers.customers),
            "campaigns": {name: _plain(money) for name, money in self.campaigns.items()},
        }

    def html(self, words: Words) -> str:
        """A box in the chapter."""
        text = {part: escape(sentence) for part, sentence in self.text(words).items()}
        severity = escape(words.label(f"severity.{self.severity}"))
        anchor = "finding-" + self.id.replace(".", "-").replace("_", "-")
        return (
            f'<aside class="finding {self.severity}" id="{anchor}">'
            f'<p class="title"><span class="severity">{severity}</span>{text["title"]}</p>'
            f'<p class="what">{text["what"]}</p><p class="so-what">{text["so_what"]}</p>'
            f'<p class="do-what">{text["do_what"]}</p></aside>'
        )


def _fact(fact: Fact) -> dict[str, Any]:
    cell = fact.cell and {
        "table": fact.cell.table,
        "row": [_plain(part) for part in fact.cell.row],
        "column": fact.cell.column,
    }
    return {"value": _plain(fact.value), "cell": cell}


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):
        value = value.item()
    return value if isinstance(value, (int, float, str, bool, type(None))) else str(value)
