"""Why a report, or a chapter of it, would be made again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from crmreport.intake.model import InputFile
from crmreport.produce.planning.causes import Cause, chapter_causes, lines_of, rendering_causes, shared_causes
from crmreport.produce.planning.ingredients import Ingredients
from crmreport.produce.planning.plan import Cache, Plan, Step
from crmreport.produce.records.stamps import altered

BOOK = "report"
"""Name of the bound report beside its chapters; no chapter may have it."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Whether one part of a report stays as it is, and if not, why.

    Args:
        what: A chapter's slug, or :data:`BOOK` for the pages, tables and lists bound from them.
        fresh: It is not made again.
        causes: Why it is; for a chapter left out, why that.
    """

    what: str
    fresh: bool
    causes: tuple[Cause, ...] = ()

    def __str__(self) -> str:
        """One line, such as ``rfm: parameter: top_n 10 → 20``."""
        said = "; ".join(map(str, self.causes)) or "unchanged"
        return f"{self.what}: {said}"


def explain(
    plan: Plan,
    record: Mapping[str, Any] | None,
    cache: Cache,
    *,
    folder: Path | None = None,
    inputs: Iterable[InputFile] | None = None,
) -> tuple[Reason, ...]:
    """Say what a run of this plan would make again, and why.

    Args:
        plan: What is to be made.
        record: run.json of the report that stands there, None when there is none.
        cache: Executed chapters of this client.
        folder: Where the report stands; its files are then looked at too.
        inputs: The data files as they are now; their lines are told where they changed.

    Returns:
        One reason per chapter in order, then one for the bound report.
    """
    first = Cause("state", "never")
    if record is not None and not _is_told(record):
        record, first = None, Cause("state", "older")
    touched = altered(folder, record, keep=False) if record is not None and folder is not None else ()
    if record is not None and record["key"] == plan.key and record["status"] == "complete" and not touched:
        return tuple(Reason(name, True) for name in (*(s.name for s in plan.steps), BOOK))

    before = {c["chapter"]: c for c in record["chapters"]} if record is not None else {}
    shared = _shared(plan, record, inputs) if record is not None else ()
    reasons = [_chapter(step, before.get(step.name), shared, first, cache) for step in plan.steps]
    if record is None:
        return (*reasons, Reason(BOOK, False, (first,)))
    causes = [*shared, *rendering_causes(record["digests"], plan.ingredients.record())]
    causes += [c for s in plan.steps if s.name in before for c in chapter_causes(before[s.name], _entry(s))]
    causes += [Cause("file", "by_hand", name) for name in touched]
    if record["status"] != "complete":
        causes.append(Cause("state", "partial"))
    return (*reasons, Reason(BOOK, False, tuple(causes)))


def _shared(plan: Plan, record: Mapping[str, Any], inputs: Iterable[InputFile] | None) -> tuple[Cause, ...]:
    lines = None
    if inputs is not None:
        before = lines_of((i["name"], i["sha256"], i["rows"]) for i in record.get("inputs", ()))
        lines = before, lines_of((i.name, i.sha256, i.lines) for i in inputs)
    return shared_causes(record["digests"], plan.ingredients.record(), lines=lines)


def told(reasons: tuple[Reason, ...]) -> list[str]:
    """The reasons as lines to print; chapters with the same reason share one.

    Examples:
        >>> never = (Cause("state", "never"),)
        >>> told((Reason("rfm", False, never), Reason("ctb", False, never), Reason(BOOK, True)))
        ['rfm, ctb: never made', 'report: unchanged']
    """
    groups: dict[tuple[bool, tuple[Cause, ...]], list[str]] = {}
    for reason in reasons:
        groups.setdefault((reason.fresh, reason.causes), []).append(reason.what)
    return [str(Reason(", ".join(names), fresh, causes)) for (fresh, causes), names in groups.items()]


def _is_told(record: Mapping[str, Any]) -> bool:
    """Whether a record names what it was made of, as this version does."""
    digests, chapters, outputs = (record.get(name) for name in ("digests", "chapters", "outputs"))
    return (
        isinstance(digests, dict)
        and all(isinstance(digests.get(f.name), dict) for f in fields(Ingredients))
        and isinstance(chapters, list)
        and all({"chapter", "digests", "parameters", "status", "reason"} <= set(c) for c in chapters)
        and isinstance(outputs, list)
        and {"key", "status"} <= set(record)
    )


def _chapter(
    step: Step, before: Mapping[str, Any] | None, shared: tuple[Cause, ...], first: Cause, cache: Cache
) -> Reason:
    if step.missing:
        return Reason(step.name, True, (Cause("state", "left_out", ", ".join(step.missing)),))
    if cache.has(step):
        return Reason(step.name, True)
    if before is None:
        return Reason(step.name, False, (first,))
    causes = (*shared, *chapter_causes(before, _entry(step)))
    if not causes and before["status"] == "failed":
        causes = (Cause("state", "failed", before["reason"]),)
    elif not causes and before["status"] == "withheld":
        causes = (Cause("state", "withheld", before["reason"]),)
    return Reason(step.name, False, causes or (Cause("state", "forgotten"),))


def _entry(step: Step) -> dict[str, Any]:
    return {"chapter": step.name, "digests": step.parts, "parameters": step.parameters}
