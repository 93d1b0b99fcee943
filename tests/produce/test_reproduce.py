"""A real report, made again: what explain foretold, verify confirms and diff tells is what happened."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from crmreport.produce import publish, run_report
from crmreport.produce.diff.compare import diff
from crmreport.produce.planning.explain import Reason, explain
from crmreport.produce.planning.plan import Cache
from crmreport.produce.records.verify import verify
from crmreport.workspace import Workspace
from tests.produce.published import plan_of, record_of

pytestmark = pytest.mark.slow


@pytest.fixture
def root(shop: Path, tmp_path: Path) -> Path:
    """The shop, and its report kept beside."""
    root = shutil.copytree(shop, tmp_path / "shop")
    shutil.copytree(root / "reports" / "shop" / "2026-10", root / "saved")
    return root


def _reasons(root: Path) -> dict[str, Reason]:
    workspace = Workspace(root)
    plan = plan_of(root)
    folder = publish.target(workspace, "shop", "2026-10", "assessment")
    record = record_of(folder)
    cache = Cache.of(workspace, plan)
    return {r.what: r for r in explain(plan, record, cache, folder=folder)}


def test_made_again_from_nothing_it_is_the_same_bytes(root: Path) -> None:
    saved = root / "saved"
    shutil.rmtree(root / "reports")
    made = run_report(Workspace(root), "shop", "2026-10")
    assert not any(chapter.reused for chapter in made.chapters)
    before, after = (
        {p.relative_to(f).as_posix(): p.read_bytes() for f in [folder] for p in f.rglob("*") if p.is_file()}
        for folder in (saved, made.path)
    )
    assert {name for name in before if before[name] != after.get(name)} == {"run.json"}
    assert diff(saved, made.path).same
    for folder in (saved, made.path):
        assert verify(folder, workspace=Workspace(root)).problems == ()


def test_a_parameter_is_foretold_made_and_told(root: Path) -> None:
    file = root / "clients" / "shop" / "client.yml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.rstrip() + "\n    parameters: {decile: {window_months: 24}}\n", encoding="utf-8")
    foretold = {what: str(reason) for what, reason in _reasons(root).items() if not reason.fresh}
    assert foretold == {
        "decile": "decile: parameter: window_months 12 → 24",
        "report": "report: parameter: window_months 12 → 24",
    }
    made = run_report(Workspace(root), "shop", "2026-10")
    assert [c.chapter for c in made.chapters if not c.reused] == ["decile"]
    assert all(reason.fresh for reason in _reasons(root).values())
    found = diff(root / "saved", made.path)
    assert [str(c) for c in found.causes] == ["parameter: window_months 12 → 24"]
