"""What executed chapters recorded, as types: items, tables, findings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from crmreport.config import Language
from crmreport.errors import RunError
from crmreport.present.finding import SEVERITIES, Measure, Severity
from crmreport.present.show import MIME
from crmreport.produce.planning.declare import Declaration

Kind = Literal["message", "chart", "table", "note", "finding"]
Status = Literal["done", "failed", "skipped", "withheld"]


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class FindingRecord(_Read):
    """A finding as the notebook recorded it."""

    id: str
    chapter: str
    severity: Severity
    money: float | None = None
    measure: Measure
    case: str = ""
    facts: dict[str, dict[str, Any]] = {}
    list_rows: int | None = None
    campaigns: dict[str, float | None] = {}


class Item(_Read):
    """One thing a cell showed."""

    kind: Kind
    id: str | None = None
    html: dict[Language, str]
    text: dict[Language, Any] = {}
    method: dict[Language, str] = {}
    about: str = ""
    csv: str | None = None
    key: list[str] = []
    spec: dict[Language, dict[str, Any]] = {}
    finding: FindingRecord | None = None


@dataclass(frozen=True)
class Executed:
    """A chapter after the run, whatever came of it."""

    declaration: Declaration
    status: Status
    notebook: Any = None
    """The executed notebook; None when it was skipped."""
    reason: str = ""
    """Why it failed or is withheld, or which tables were missing."""
    missing: tuple[str, ...] = ()
    lists: Path | None = None

    @property
    def name(self) -> str:
        """The chapter's slug."""
        return self.declaration.chapter

    def items(self) -> list[Item]:
        """Everything the chapter showed, in order; nothing when it did not finish."""
        if self.status != "done" or self.notebook is None:
            return []
        return [item for cell in self.notebook.cells for item in cell_items(cell)]


def cell_items(cell: Any) -> list[Item]:
    """The items one code cell showed.

    Raises:
        RunError: The cell's output is not what :meth:`Report.show` gives.
    """
    found: list[Item] = []
    for output in cell.get("outputs", []):
        bundle = output.get("data", {}).get(MIME) if output.output_type != "stream" else None
        if bundle is not None:
            try:
                found += [Item.model_validate(item) for item in bundle["items"]]
            except (KeyError, TypeError, ValueError) as error:
                raise RunError(
                    f"cell {cell.get('id')!r}: its output is not readable ({str(error).splitlines()[0]}); "
                    "run the chapter again with this version of crmreport"
                ) from None
    return found


def tables(chapters: list[Executed]) -> list[Item]:
    """All tables of a report in reading order.

    Raises:
        RunError: Two tables share an id.
    """
    found = [item for chapter in chapters for item in chapter.items() if item.kind == "table"]
    seen: set[str] = set()
    for item in found:
        if item.id is None or item.id in seen:
            raise RunError(f"table {item.id!r} is shown twice; give every table an id of its own")
        seen.add(item.id)
    return found


def findings(chapters: list[Executed]) -> list[Item]:
    """All findings, gravest first, then by money at stake."""
    found = [i for chapter in chapters for i in chapter.items() if i.kind == "finding" and i.finding]

    def rank(item: Item) -> tuple[int, float, str]:
        assert item.finding is not None
        return SEVERITIES.index(item.finding.severity), -(item.finding.money or 0.0), item.finding.id

    return sorted(found, key=rank)


def anchor(prefix: str, name: str) -> str:
    """A plain ASCII id for links.

    Examples:
        >>> anchor("finding", "decile.lapsed_top")
        'finding-decile-lapsed-top'
    """
    return f"{prefix}-{name}".replace(".", "-").replace("_", "-")
