"""A run's progress: a bar on a terminal, plain lines elsewhere, both on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from crmreport.cli.output import note

if TYPE_CHECKING:
    from crmreport.produce import Progress

_STAGES = {
    "intake": "reading the client's files",
    "chapters": "running chapters",
    "book": "binding HTML and PDF",
    "publish": "publishing",
}


@contextmanager
def shown(title: str, *, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """Show a run's progress while the block lasts."""
    if quiet:
        yield lambda _: None
    elif sys.stderr.isatty():
        with _bar(title) as tell:
            yield tell
    else:
        yield lambda step: _line(title, step)


def _line(title: str, step: Progress) -> None:
    if step.done or step.stage != "intake":
        detail = f" {step.detail}" if step.detail else ""
        note(f"{title}: {_STAGES[step.stage]} {step.done}/{step.total}{detail}")


@contextmanager
def _bar(title: str) -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(escape(title), total=None)

        def tell(step: Progress) -> None:
            text = f"{title}: {_STAGES[step.stage]} {step.detail}".rstrip()
            bars.update(task, description=escape(text), completed=step.done, total=step.total)

        yield tell
