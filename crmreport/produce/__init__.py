"""From a client and a period to a published report: plan, run, bind, check, publish."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from crmreport.workspace import Workspace

Stage = Literal["intake", "chapters", "book", "publish"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is."""

    stage: Stage
    done: int
    total: int
    detail: str = ""
    """The chapter or language just finished."""


@dataclass(frozen=True, slots=True)
class ChapterRun:
    """What became of a chapter."""

    chapter: str
    status: Literal["done", "failed", "skipped", "withheld"]
    reused: bool
    seconds: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """A report in place.

    Args:
        path: Folder of the report.
        chapters: In order.
        timings: Seconds per stage: intake, chapters, html.<lang>, pdf.<lang>, book, publish, total.
        reused: Nothing had changed, so the published report was left as it is.
        pages: Pages of the PDF per language; empty when reused.
    """

    path: Path
    chapters: tuple[ChapterRun, ...]
    timings: dict[str, float]
    reused: bool
    pages: dict[str, int]


def run_report(
    workspace: Workspace,
    client_id: str,
    period: str,
    *,
    report: str = "assessment",
    languages: Sequence[str] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Published:
    """Make one report and publish it, or leave the published one when nothing changed.

    Args:
        workspace: Where clients, notebooks and reports lie.
        client_id: Folder under clients/.
        period: ``2026-10``, ``2026-Q3``, ``FY2026`` or a range of days.
        report: A report of client.yml.
        languages: ``ja``, ``en``; the client's own when not given.
        progress: Told after every step.

    Raises:
        ConfigError: The client file, the period, a language or a chapter's parameter is not usable.
        DataError: The client's files cannot be read.
        RunError: A chapter failed (a partial report stands beside, marked as such, and a good one
            is never replaced by it), or a check did.
    """
    # Imported here: listing and help must not wait for pandas, nbconvert and a layout engine.
    from crmreport.produce.run import run

    return run(
        workspace,
        client_id,
        period,
        report=report,
        languages=languages,
        progress=progress or (lambda _: None),
    )


__all__ = ["ChapterRun", "Progress", "Published", "run_report"]
