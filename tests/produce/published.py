"""Small published reports, made through the real plan, record and publishing, without a kernel."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat

from crmreport.config_file import load_client
from crmreport.intake import open_store
from crmreport.produce import ChapterRun, publish
from crmreport.produce.binding.tables import write_csv
from crmreport.produce.planning.ingredients import House
from crmreport.produce.planning.plan import Plan, make_plan, read_chapters
from crmreport.produce.records.record import make_provenance, make_record
from crmreport.workspace import Workspace
from tests.produce.chapters import MIME, finding, message, table

Items = Mapping[str, Sequence[dict[str, Any]]]
KPI_TABLE = "kpi,spec,value\nrevenue,money,3000\norders,count,2\n"
ITEMS: Items = {
    "sales": [message("sales", "売上は増えた", "Revenue rose"), table("sales.kpi", KPI_TABLE)],
    "decile": [
        table("decile.deciles", "decile,revenue\n1,2000\n2,1000\n"),
        finding("decile.lapsed_top", rows=3),
    ],
    "data_quality": [],
}


def plan_of(
    root: Path,
    period: str = "2026-10",
    *,
    languages: tuple[str, ...] = ("ja", "en"),
    house: House | None = None,
) -> Plan:
    """The plan of the shop's report."""
    workspace = Workspace(root)
    client = load_client(workspace.client_file("shop"))
    store = open_store(workspace, client)
    return make_plan(
        workspace,
        client,
        client.period(period),
        report="assessment",
        languages=languages,
        chapters=read_chapters(workspace, client, "assessment"),
        tables=store.tables,
        inputs=store.report.inputs,
        house=house,
    )


def publish_shop(
    root: Path,
    period: str = "2026-10",
    *,
    items: Items = ITEMS,
    kpis: Mapping[str, float] | None = None,
    failed: str = "",
    seconds: float = 1.0,
    languages: tuple[str, ...] = ("ja", "en"),
    house: House | None = None,
) -> Path:
    """Publish a report of the shop that shows these items; ``failed`` names a chapter that did not finish."""
    workspace = Workspace(root)
    plan = plan_of(root, period, languages=languages, house=house)
    store = open_store(workspace, plan.client)
    runs = [
        ChapterRun(s.name, "failed" if s.name == failed else "done", False, seconds, "") for s in plan.steps
    ]
    folder = publish.target(workspace, "shop", plan.period.name, "assessment")
    stage = workspace.reports / ".staging" / "new"
    stage.mkdir(parents=True)
    for chapter, shown in items.items():
        _notebook(stage / "notebooks" / f"{chapter}.ipynb", shown)
        for item in shown:
            if item["kind"] == "table":
                write_csv(stage / "tables" / f"{item['id']}.csv", item["csv"])
    for lang in languages:
        (stage / f"assessment.{lang}.html").write_text(f"<html lang={lang}>{items}", encoding="utf-8")
    record = make_record(
        plan,
        runs,
        {},
        make_provenance(plan, store.report),
        books=[_book(lang, kpis or {"revenue": 3000.0}) for lang in languages],
        lists={},
        store=store.path.name,
        timings={"total": seconds},
    )
    publish.write_record(stage, record)
    place = publish.partial_place(workspace, folder) if failed else folder
    publish.swap_in(workspace, stage, place)
    return place


def record_of(folder: Path) -> dict[str, Any]:
    """The record of the report published in a folder."""
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def rewrite(path: Path, old: str, new: str) -> None:
    """Put another text in place of one that is there."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def _notebook(path: Path, items: Sequence[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = nbformat.v4
    shown = new.new_output("display_data", data={MIME: {"items": list(items)}, "text/plain": "shown"})
    notebook = new.new_notebook(cells=[new.new_code_cell("report.show()", id="show", outputs=[shown])])
    nbformat.write(notebook, path)


def _book(lang: str, kpis: Mapping[str, float]) -> Any:
    tiles = [
        SimpleNamespace(id=name, raw=value, spec="money", value=f"{value:,.0f}")
        for name, value in kpis.items()
    ]
    return SimpleNamespace(
        lang=lang,
        client={"ja": "花田商店", "en": "Hanada Shop"}[lang],
        title={"ja": "顧客基盤分析", "en": "Assessment"}[lang],
        accent="#8a1c4a",
        summary=SimpleNamespace(kpis=tiles),
    )
