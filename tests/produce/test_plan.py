"""Keys: what has to be made again, and only that."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from crmreport.config_file import load_client
from crmreport.produce.plan import Plan, environment_digest, make_plan, read_chapters
from crmreport.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    folder = tmp_path / "clients" / "demo"
    folder.mkdir(parents=True)
    for name in ("client.yml", "logo.svg"):
        shutil.copy(ROOT / "clients" / "demo" / name, folder / name)
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    return Workspace(tmp_path)


def plan(workspace: Workspace, **changes) -> Plan:
    client = load_client(workspace.client_file("demo")).model_copy(update=changes)
    return make_plan(
        workspace,
        client,
        client.period("2026-10"),
        report="assessment",
        languages=("ja", "en"),
        chapters=read_chapters(workspace, client, "assessment"),
        tables=("order_lines", "customers", "products"),
        store_key="store",
    )


def changed(before: Plan, after: Plan) -> set[str]:
    keys = {step.name: step.key for step in before.steps}
    return {step.name for step in after.steps if step.key != keys[step.name]}


def reports(workspace: Workspace, **changes):
    given = load_client(workspace.client_file("demo")).reports
    return given | {"assessment": given["assessment"].model_copy(update=changes)}


def test_the_same_again_changes_nothing(workspace):
    assert plan(workspace).key == plan(workspace).key


def test_a_chapters_parameter_makes_that_chapter_again(workspace):
    new = plan(workspace, reports=reports(workspace, parameters={"decile": {"window_months": 24}}))
    assert changed(plan(workspace), new) == {"decile"}


def test_a_title_makes_the_book_again_and_no_chapter(workspace):
    new = plan(workspace, reports=reports(workspace, title={"ja": "題", "en": "Title"}))
    assert changed(plan(workspace), new) == set()
    assert new.key != plan(workspace).key


def test_a_policy_makes_every_chapter_again(workspace):
    client = load_client(workspace.client_file("demo"))
    new = plan(workspace, policies=client.policies.model_copy(update={"purchase_unit": "order"}))
    assert changed(plan(workspace), new) == set(client.reports["assessment"].chapters)


def test_a_notebooks_text_makes_that_chapter_again(workspace):
    before = plan(workspace)
    notebook = workspace.notebooks / "rfm.ipynb"
    notebook.write_text(notebook.read_text("utf-8").replace('"nbformat_minor"', ' "nbformat_minor"'), "utf-8")
    assert changed(before, plan(workspace)) == {"rfm"}


def test_tools_beside_the_run_do_not_count(monkeypatch):
    from importlib import metadata

    from crmreport.produce import plan as module

    needed = module._needed_packages()
    assert [p for p in needed if p.startswith(("pytest==", "ruff==", "jupyterlab=="))] == []
    assert f"pandas=={metadata.version('pandas')}" in needed
    assert environment_digest() == environment_digest()
