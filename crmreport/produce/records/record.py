"""What is written down about a run: provenance for the reader, run.json for machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from crmreport.intake import IntakeReport
from crmreport.produce import ChapterRun
from crmreport.produce.binding.book import Book
from crmreport.produce.binding.lists import ListCount
from crmreport.produce.kernels.execute import Outcome
from crmreport.produce.planning.digests import sha256
from crmreport.produce.planning.plan import Plan
from crmreport.produce.records.provenance import (
    ChapterSource,
    Flow,
    InputFile,
    Provenance,
    package_versions,
)


def make_provenance(plan: Plan, intake: IntakeReport) -> Provenance:
    """Files, rows, notebooks, parameters and versions of a run."""
    flows: dict[str, Flow] = {}
    for s in intake.sources:
        before = flows.get(s.table, Flow(s.table, 0, 0, 0, 0))
        flows[s.table] = Flow(
            s.table,
            before.rows_in + s.lines,
            before.stored + s.stored,
            before.quarantined + s.quarantined,
            before.excluded + s.n_excluded,
        )
    return Provenance(
        inputs=tuple(InputFile(i.name, i.sha256, i.lines, i.table) for i in intake.inputs),
        flows=tuple(flows.values()),
        chapters=tuple(
            ChapterSource(
                {str(k): v for k, v in step.chapter.declaration.title.items()},
                sha256(step.chapter.notebook),
                dict(step.parameters),
            )
            for step in plan.steps
            if not step.missing
        ),
        packages=package_versions(),
        revenue=plan.client.policies.revenue,
    )


def make_record(
    plan: Plan,
    runs: list[ChapterRun],
    outcomes: dict[str, Outcome],
    provenance: Provenance,
    *,
    books: Sequence[Book],
    lists: dict[str, ListCount],
    store: str,
    timings: dict[str, float],
) -> dict[str, Any]:
    """run.json before the outputs are listed; see templates/run.schema.json."""
    partial = any(r.status == "failed" for r in runs)
    return {
        "schema": 1,
        "status": "partial" if partial else "complete",
        "report": plan.report,
        "client": plan.client.client,
        "client_name": {book.lang: book.client for book in books},
        "title": {book.lang: book.title for book in books},
        "accent": books[0].accent,
        "period": plan.period.name,
        "as_of": plan.period.as_of.isoformat(),
        "languages": list(plan.languages),
        "key": plan.key,
        "digests": plan.ingredients.record(),
        "store": store,
        "chapters": [
            {
                "chapter": r.chapter,
                "title": {str(lang): text for lang, text in step.chapter.declaration.title.items()},
                "status": r.status,
                "key": step.key,
                "digests": dict(step.parts),
                "reused": r.reused,
                "seconds": r.seconds,
                "parameters": dict(step.parameters),
                "reason": r.reason,
                "warnings": outcomes[r.chapter].warnings if r.chapter in outcomes else 0,
            }
            for r, step in zip(runs, plan.steps, strict=True)
        ],
        "inputs": [asdict(i) for i in provenance.inputs],
        "flows": [asdict(f) for f in provenance.flows],
        "kpis": _kpis(books),
        "lists": {name: asdict(count) for name, count in lists.items()},
        "versions": dict(provenance.packages),
        "timings": dict(timings),
    }


def _kpis(books: Sequence[Book]) -> list[dict[str, Any]]:
    """The key figures of page 1: raw, and as each language prints them."""
    return [
        {
            "id": tiles[0].id,
            "value": tiles[0].raw,
            "spec": tiles[0].spec,
            "text": {book.lang: tile.value for book, tile in zip(books, tiles, strict=True)},
        }
        for tiles in zip(*(book.summary.kpis for book in books), strict=True)
    ]
