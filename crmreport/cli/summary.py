"""How a run went: what was made, where the time went, what was slowest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from crmreport.cli.output import say
from crmreport.errors import NotDeliveredError
from crmreport.produce import Result

_STAGES = {"intake": "intake", "chapters": "chapters", "data": "tables and lists", "book": "HTML and PDF"}
_SLOWEST = 3
_MIB = 1024**2


def print_summary(results: Sequence[Result], *, not_usable: int = 0) -> None:
    """Print the run's totals when there is something to add up, and its slowest cells."""
    if len(results) + not_usable > 1:
        tally = {**_tally(results), "not usable": not_usable}
        say(", ".join(f"{n} {what}" for what, n in tally.items() if n))
    made = [r.published for r in results if r.published and not r.published.reused]
    if not made:
        return
    seconds: Counter[str] = Counter()
    for published in made:
        seconds.update({stage: published.timings.get(stage, 0.0) for stage in _STAGES})
    say("time: " + ", ".join(f"{told} {seconds[stage]:.1f} s" for stage, told in _STAGES.items()))
    ran = [(chapter, r.order) for r in results if r.published for chapter in r.published.chapters]
    cells = sorted(
        (
            (took, f"{chapter.chapter}/{cell}", order)
            for chapter, order in ran
            for cell, took in chapter.slowest
        ),
        key=lambda cell: -cell[0],
    )[:_SLOWEST]
    if cells:
        many = len(results) > 1
        told = [f"{name}{f' of {order.label}' if many else ''} {took:.1f} s" for took, name, order in cells]
        say(f"slowest cells: {', '.join(told)}")
    most, order = max(ran, key=lambda each: each[0].memory)
    if most.memory:
        say(f"most memory: {most.chapter} of {order.label} {most.memory // _MIB:,} MB")


def _tally(results: Sequence[Result]) -> dict[str, int]:
    waiting = sum(isinstance(r.error, NotDeliveredError) for r in results)
    return {
        "made": sum(bool(r.published and not r.published.reused) for r in results),
        "unchanged": sum(bool(r.published and r.published.reused) for r in results),
        "waiting for data": waiting,
        "failed": sum(r.error is not None for r in results) - waiting,
    }
