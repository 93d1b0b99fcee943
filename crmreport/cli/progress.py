"""A run's progress, on stderr: a live table on a terminal, plain lines in a log, JSON lines for a machine."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

from crmreport.cli.clock import now
from crmreport.cli.output import note
from crmreport.errors import CrmReportError, NotDeliveredError
from crmreport.produce import Order, Progress, Result

if TYPE_CHECKING:
    from rich.table import Table

Told = tuple[Callable[[Order, Progress], None], Callable[[Result], None]]

_STAGES = {
    "waiting": "waiting for another run on it",
    "intake": "reading the client's files",
    "chapters": "running chapters",
    "book": "binding HTML and PDF",
    "publish": "publishing",
}
_MIB = 1024**2


@contextmanager
def shown(orders: Sequence[Order], *, quiet: bool, events: bool) -> Iterator[Told]:
    """Show a run's progress while the block lasts."""
    if events:
        yield _event_step, _event_done
    elif quiet:
        yield lambda _, __: None, lambda _: None
    elif sys.stderr.isatty():
        with _table(len(orders)) as told:
            yield told
    else:
        yield _line, lambda _: None


def _line(order: Order, step: Progress) -> None:
    if step.stage == "waiting":
        note(f"{order.label}: {_STAGES[step.stage]}: {step.detail}")
    elif step.done or step.stage not in ("intake", "publish"):
        detail = f" {step.detail}" if step.detail else ""
        note(f"{order.label}: {_STAGES[step.stage]} {step.done}/{step.total}{detail}")


def _event_step(order: Order, step: Progress) -> None:
    _event("progress", order, stage=step.stage, done=step.done, total=step.total, detail=step.detail,
           memory=step.memory)  # fmt: skip


def _event_done(result: Result) -> None:
    status, code = "made", 0
    if isinstance(result.error, NotDeliveredError):
        status = "waiting"
    elif result.error:
        status, code = "failed", getattr(result.error, "exit_code", CrmReportError.exit_code)
    elif result.published and result.published.reused:
        status = "unchanged"
    _event("done", result.order, status=status, seconds=result.seconds, exit_code=code,
           error=str(result.error or ""))  # fmt: skip


def _event(kind: str, order: Order, **values: Any) -> None:
    named = {
        "event": kind,
        "at": now().isoformat(timespec="milliseconds"),
        "pid": os.getpid(),
        "client": order.client,
        "period": order.period,
        "report": order.report,
    }
    note(json.dumps({**named, **values}, ensure_ascii=False))


class _Board:
    """The state the live table is drawn from; told by the reports' threads, drawn by rich's."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.begun = monotonic()
        self.ready = self.failed = self.memory = 0
        self.now: dict[Order, tuple[float, Progress]] = {}

    def step(self, order: Order, step: Progress) -> None:
        since = self.now.get(order, (monotonic(), step))[0]
        self.now[order] = (since, step)
        self.memory = max(self.memory, step.memory)

    def done(self, result: Result) -> None:
        self.now.pop(result.order, None)
        self.ready += 1
        self.failed += result.error is not None

    def __rich__(self) -> Table:
        from rich.markup import escape
        from rich.table import Table

        now = monotonic()
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for head, side in (("report", "left"), ("stage", "left"), ("done", "right"), ("last", "left"),
                           ("time", "right"), ("memory", "right")):  # fmt: skip
            table.add_column(head, justify=side)  # type: ignore[arg-type]
        for order, (since, step) in list(self.now.items()):
            table.add_row(
                escape(order.label),
                _STAGES[step.stage],
                f"{step.done}/{step.total}",
                escape(step.detail) if step.stage != "publish" else "",
                _clock(now - since),
                f"{step.memory // _MIB:,} MB" if step.memory else "",
            )
        elapsed = now - self.begun
        left = (
            f", about {_clock(elapsed / self.ready * (self.total - self.ready))} left" if self.ready else ""
        )
        failed = f", {self.failed} failed" if self.failed else ""
        table.caption = f"{self.ready} of {self.total} reports{failed}, {_clock(elapsed)}{left}"
        table.caption_justify = "left"
        return table


@contextmanager
def _table(total: int) -> Iterator[Told]:
    from rich.console import Console
    from rich.live import Live

    board = _Board(total)
    with Live(board, console=Console(stderr=True), transient=True, refresh_per_second=4):
        yield board.step, board.done


def _clock(seconds: float) -> str:
    """Minutes and seconds.

    Examples:
        >>> _clock(75)
        '1:15'
    """
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
