"""A real report, made again: what explain foretold, verify confirms and diff tells is what happened."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from crmreport.config_file import load_client
from crmreport.intake import open_store
from crmreport.produce import publish, run_report
from crmreport.produce.diff.compare import diff
from crmreport.produce.planning.explain import Reason, explain
from crmreport.produce.planning.plan import Cache, make_plan, read_chapters
from crmreport.produce.records.verify import verify
from crmreport.workspace import Workspace
from tests.produce.chapters import write_shop

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop's report, made once, and a copy of it."""
    root = write_shop(tmp_path_factory.mktemp("shop"))
    made = run_report(Workspace(root), "shop", "2026-10")
    shutil.copytree(made.path, root / "saved")
    return root


def _reasons(root: Path) -> dict[str, Reason]:
    workspace = Workspace(root)
    client = load_client(workspace.client_file("shop"))
    store = open_store(workspace, client)
    plan = make_plan(
        workspace,
        client,
        client.period("2026-10"),
        report="assessment",
        languages=("ja", "en"),
        chapters=read_chapters(workspace, client, "assessment"),
        tables=store.tables,
        inputs=store.report.inputs,
    )
    folder = publish.target(workspace, "shop", "2026-10", "assessment")
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    cache = Cache(workspace.reports / ".cache" / "shop")
    return {r.what: r for r in explain(plan, record, cache, folder=folder)}


def test_made_again_from_nothing_it_is_the_same_bytes(shop: Path) -> None:
    saved = shop / "saved"
    shutil.rmtree(shop / "reports")
    made = run_report(Workspace(shop), "shop", "2026-10")
    assert not any(chapter.reused for chapter in made.chapters)
    before, after = (
        {p.relative_to(f).as_posix(): p.read_bytes() for f in [folder] for p in f.rglob("*") if p.is_file()}
        for folder in (saved, made.path)
    )
    assert {name for name in before if before[name] != after.get(name)} == {"run.json"}
    assert diff(saved, made.path).same
    for folder in (saved, made.path):
        assert verify(folder, workspace=Workspace(shop)).problems == ()


def test_a_parameter_is_foretold_made_and_told(shop: Path) -> None:
    run_report(Workspace(shop), "shop", "2026-10")
    file = shop / "clients" / "shop" / "client.yml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.rstrip() + "\n    parameters: {decile: {window_months: 24}}\n", encoding="utf-8")
    foretold = {what: str(reason) for what, reason in _reasons(shop).items() if not reason.fresh}
    assert foretold == {
        "decile": "decile: parameter: window_months 12 → 24",
        "report": "report: parameter: window_months 12 → 24",
    }
    made = run_report(Workspace(shop), "shop", "2026-10")
    assert [c.chapter for c in made.chapters if not c.reused] == ["decile"]
    assert all(reason.fresh for reason in _reasons(shop).values())
    found = diff(shop / "saved", made.path)
    assert [str(c) for c in found.causes] == ["parameter: window_months 12 → 24"]
