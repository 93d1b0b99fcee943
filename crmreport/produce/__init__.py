"""From clients and periods to published reports: plan, run, bind, check, publish."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from crmreport.workspace import Workspace

Stage = Literal["waiting", "intake", "chapters", "book", "publish"]


@dataclass(frozen=True, slots=True)
class Order:
    """A report that is wanted.

    Args:
        client: Folder under clients/.
        period: ``2026-10``, ``2026-Q3``, ``FY2026`` or a range of days.
        report: A report of client.yml.
        languages: ``ja``, ``en``; all of the client's when empty.
    """

    client: str
    period: str
    report: str = "assessment"
    languages: tuple[str, ...] = ()
    due: bool = False
    """It is made because its month is over: refused, without being a failure, while data are missing."""

    @property
    def label(self) -> str:
        """How it is called in progress and errors."""
        return f"{self.client} {self.period}" + ("" if self.report == "assessment" else f" {self.report}")


@dataclass(frozen=True, slots=True)
class Limits:
    """What the work on reports may take.

    Args:
        jobs: Processes that compute at a time.
        memory: Most bytes one of them may hold; its share of the machine's when None.
        timeout: Seconds for one report; no limit when None.
        cell_timeout: Seconds for one cell of a chapter.
    """

    jobs: int = 2
    memory: int | None = None
    timeout: float | None = None
    cell_timeout: int = 600


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a report is."""

    stage: Stage
    done: int
    total: int
    detail: str = ""
    """The chapter or language just finished."""
    memory: int = 0
    """Bytes all processes of the run hold."""


@dataclass(frozen=True, slots=True)
class ChapterRun:
    """What became of a chapter."""

    chapter: str
    status: Literal["done", "failed", "skipped", "withheld"]
    reused: bool
    seconds: float
    reason: str = ""
    memory: int = 0
    """Most bytes its kernel was seen to hold; 0 when it did not run."""
    slowest: tuple[tuple[str, float], ...] = ()
    """Its slowest cells: id and seconds."""


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
    pages: dict[str, int] = field(default_factory=dict)
    languages: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    """Languages of the client it was not made in."""
    key: str = ""
    """Content key it was made under."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an order: the report, or the error."""

    order: Order
    published: Published | None
    error: Exception | None
    seconds: float


def run_reports(
    workspace: Workspace,
    orders: Sequence[Order],
    *,
    limits: Limits | None = None,
    force: bool = False,
    progress: Callable[[Order, Progress], None] | None = None,
    done: Callable[[Result], None] | None = None,
) -> list[Result]:
    """Make reports side by side; one that fails leaves the others whole.

    Args:
        workspace: Where clients, notebooks and reports lie.
        orders: What is wanted; the results come in this order.
        limits: What the work may take.
        force: Make everything again, also what has not changed.
        progress: Told after every step of any of them.
        done: Told when one is ready or has failed.

    Raises:
        StoppedError: Ctrl-C or SIGTERM; every process is ended, what was published stays.
    """
    # Imported here: listing and help must not wait for pandas, nbconvert and a layout engine.
    from crmreport.produce.batch import run_batch

    return run_batch(
        workspace,
        orders,
        limits=limits or Limits(),
        force=force,
        progress=progress or (lambda _, __: None),
        done=done or (lambda _: None),
    )


def run_report(
    workspace: Workspace,
    client_id: str,
    period: str,
    *,
    report: str = "assessment",
    languages: Sequence[str] | None = None,
    limits: Limits | None = None,
    force: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Published:
    """Make one report and publish it, or leave the published one when nothing changed.

    Args:
        workspace: Where clients, notebooks and reports lie.
        client_id: Folder under clients/.
        period: ``2026-10``, ``2026-Q3``, ``FY2026`` or a range of days.
        report: A report of client.yml.
        languages: ``ja``, ``en``; the client's own when not given.
        limits: What the work may take.
        force: Make everything again, also what has not changed.
        progress: Told after every step.

    Raises:
        ConfigError: The client file, the period, a language or a chapter's parameter is not usable.
        DataError: The client's files cannot be read.
        RunError: A chapter failed (a partial report stands beside, marked as such, and a good one
            is never replaced by it), or a check did.
        StoppedError: Ctrl-C or SIGTERM.
    """
    order = Order(client_id, period, report, tuple(languages or ()))
    tell = progress or (lambda _: None)
    result = run_reports(workspace, [order], limits=limits, force=force, progress=lambda _, p: tell(p))[0]
    if result.published is None:
        assert result.error is not None
        raise result.error
    return result.published


__all__ = [
    "ChapterRun",
    "Limits",
    "Order",
    "Progress",
    "Published",
    "Result",
    "run_report",
    "run_reports",
]
