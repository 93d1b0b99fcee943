"""One demo report, made once, in a workspace of its own."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Browser

from crmreport.demo import write_demo
from crmreport.present.show import MIME
from crmreport.produce import Published, run_report
from crmreport.workspace import Workspace
from tests.conftest import Once
from tests.end_to_end.browser import started

ROOT = Path(__file__).resolve().parents[2]
PERIOD = "2026-10"


@dataclass(frozen=True)
class DemoReport:
    """The published demo report and what its notebooks recorded."""

    workspace: Workspace
    published: Published

    @property
    def folder(self) -> Path:
        return self.published.path

    def items(self, kind: str) -> list[dict[str, Any]]:
        found = []
        for path in sorted((self.folder / "notebooks").glob("*.ipynb")):
            for cell in nbformat.read(path, as_version=4).cells:
                for output in cell.get("outputs", []):
                    items = output.get("data", {}).get(MIME, {}).get("items", [])
                    found += [item for item in items if item["kind"] == kind]
        return found

    def findings(self) -> dict[str, dict[str, Any]]:
        return {item["finding"]["id"]: item for item in self.items("finding")}

    def table(self, table_id: str) -> list[dict[str, str]]:
        text = (self.folder / "tables" / f"{table_id}.csv").read_text("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text)))

    def record(self) -> dict[str, Any]:
        return json.loads((self.folder / "run.json").read_text("utf-8"))


def make_workspace(root: Path, files: Path) -> Workspace:
    """A project folder with the demo client's files and the chapters in it."""
    client = root / "clients" / "demo"
    client.mkdir(parents=True)
    for name in ("client.yml", "logo.svg"):
        shutil.copy(ROOT / "clients" / "demo" / name, client / name)
    shutil.copytree(ROOT / "notebooks", root / "notebooks")
    shutil.copytree(files / "data", client / "data")
    return Workspace(root)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the pages of a module."""
    with started() as found:
        yield found


@pytest.fixture(scope="session")
def demo(once: Once) -> DemoReport:
    """The demo report, as a run finds it that has nothing to do."""
    files = once("demo-files", write_demo)
    home = once("demo", lambda root: run_report(make_workspace(root, files), "demo", PERIOD))
    return DemoReport(Workspace(home), run_report(Workspace(home), "demo", PERIOD))
