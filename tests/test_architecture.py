"""The rules of the house that hold for every file: who may import whom, what a notebook may hold."""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "crmreport"

# What each part may import. A part is the first name under crmreport.
GROUND = {"errors", "period", "workspace", "yaml_file", "whole_file"}
SETTINGS = GROUND | {"config", "config_campaigns", "config_query"}
ALLOWED = {
    "errors": set(),
    "period": {"errors"},
    "workspace": {"errors"},
    "yaml_file": {"errors"},
    "whole_file": set(),
    "config_campaigns": set(),
    "config_query": set(),
    "config": GROUND | {"config_campaigns", "config_query"},
    "config_file": SETTINGS | {"plan_file"},
    "analysis": {"errors", "period"},
    "segment_file": {"errors", "yaml_file", "analysis"},
    "intake": SETTINGS,
    "demo": {"errors"},
    "present": SETTINGS | {"analysis"},
    "plan_file": SETTINGS,
    "report": SETTINGS | {"config_file", "segment_file", "plan_file", "analysis", "intake", "present"},
    "plan_test": SETTINGS | {"plan_file", "analysis", "report"},
    "scaffold": SETTINGS | {"intake"},
    "produce": SETTINGS | {"config_file", "analysis", "intake", "present", "report"},
    "deliver": SETTINGS | {"config_file", "present", "produce"},
    "forget": SETTINGS | {"config_file", "plan_file", "intake", "present", "produce", "deliver"},
    "cli": SETTINGS
    | {"config_file", "intake", "demo", "scaffold", "produce", "deliver", "forget", "report", "plan_file"}
    | {"plan_test"},
    "__main__": {"cli"},
}
CLOCKS = re.compile(
    r"\b(datetime\.now|datetime\.utcnow|date\.today|time\.time|Timestamp\.now|now\(\)|today\(\))"
)
MODULES = sorted(PACKAGE.rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Full names of everything of this package a module imports, wherever in it; types only are left out."""
    found: set[str] = set()

    class Visitor(ast.NodeVisitor):
        def visit_If(self, node: ast.If) -> None:
            if "TYPE_CHECKING" not in ast.unparse(node.test):
                self.generic_visit(node)

        def visit_Import(self, node: ast.Import) -> None:
            found.update(alias.name for alias in node.names)

        def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
            assert node.level == 0, f"{name_of(path)}: imports are written in full"
            found.update(f"{node.module}.{alias.name}" for alias in node.names)

    Visitor().visit(ast.parse(path.read_text(encoding="utf-8")))
    return frozenset(found)


def part_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


@pytest.mark.parametrize("path", [m for m in MODULES if part_of(m) != "__init__"], ids=name_of)
def test_dependencies_run_one_way(path: Path):
    part = part_of(path)
    assert part in ALLOWED, f"say in {Path(__file__).name} what {part} may import"
    used = {n.split(".")[1] for n in imports_of(path) if n.startswith("crmreport.")}
    assert used <= ALLOWED[part] | {part}


def test_the_allowed_imports_have_no_circle():
    done: set[str] = set()
    while ready := {p for p, uses in ALLOWED.items() if p not in done and uses <= done}:
        done |= ready
    assert done == set(ALLOWED)


@pytest.mark.parametrize("path", [m for m in MODULES if part_of(m) == "analysis"], ids=name_of)
def test_analysis_knows_no_clock_path_language_or_plot(path: Path):
    source = path.read_text(encoding="utf-8")
    assert not CLOCKS.search(source)
    roots = {name.split(".")[0] for name in imports_of(path)}
    assert not roots & {"matplotlib", "seaborn", "duckdb", "polars", "zoneinfo", "locale"}
    assert not roots & {"time", "os", "io", "pathlib", "importlib"}, "reading is the loaders' work"


@pytest.mark.parametrize("path", [m for m in MODULES if part_of(m) in ("present", "report.py")], ids=name_of)
def test_what_is_shown_knows_no_clock(path: Path):
    assert not CLOCKS.search(path.read_text(encoding="utf-8"))


def test_there_is_no_cupboard_for_leftovers():
    names = {"utils", "util", "helpers", "misc", "common", "utilities"}
    assert not [name_of(m) for m in MODULES if m.stem in names]


# Notebooks


def cells_of(path: Path, kind: str) -> list[dict]:
    return [c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == kind]


def text_of(cell: dict) -> str:
    return "".join(cell["source"])


def tags_of(cell: dict) -> set[str]:
    return set(cell["metadata"].get("tags", []))


FORBIDDEN = {
    "def, class or lambda": r"^\s*(def|class|async def)\b|\blambda\b",
    "SQL": r"(?i)\b(select|from)\b.+\b(from|where|join|group by)\b|\.sql\(|\.execute\(",
    "colour": r"#[0-9a-fA-F]{3,8}\b|\bcolou?r\s*=",
    "path": r"\.(parquet|csv|xlsx|html|pdf|ipynb)\b|\bPath\(|\bopen\(|/\w+/",
    "clock": CLOCKS.pattern,
    "shell or magic": r"^\s*[%!]",
}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_a_notebook_only_calls(path: Path):
    for cell in cells_of(path, "code"):
        for what, pattern in FORBIDDEN.items():
            assert not re.search(pattern, text_of(cell), re.MULTILINE), f"{what} in cell {cell['id']}"
        allowed = 20 if "parameters" in tags_of(cell) else 6
        assert 1 <= sum(map(bool, map(str.strip, text_of(cell).splitlines()))) <= allowed, (
            f"cell {cell['id']} is too long or empty"
        )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_a_notebook_that_reads_campaigns_declares_it(path: Path):
    reads = any(re.search(r"\b(sends|web_events|campaigns)\b", text_of(c)) for c in cells_of(path, "code"))
    declared = path.with_suffix(".yml").read_text(encoding="utf-8")
    tables = " ".join(re.findall(r"(?m)^(?:needs|optional): (.*)", declared))
    assert not reads or re.search(r"\b(sends|web_events)\b", tables), "else its key does not know them"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_a_notebook_holds_no_results(path: Path):
    for cell in cells_of(path, "code"):
        assert cell["outputs"] == [], f"cell {cell['id']}: run make format"
        assert cell["execution_count"] is None, f"cell {cell['id']}: run make format"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_prose_comes_in_both_languages(path: Path):
    counts = {
        tag: sum(tag in tags_of(c) for c in cells_of(path, "markdown")) for tag in ("lang-ja", "lang-en")
    }
    assert counts["lang-ja"] == counts["lang-en"] > 0
    for cell in cells_of(path, "markdown"):
        assert tags_of(cell) & {"lang-ja", "lang-en"}, f"cell {cell['id']} has no language"
        assert not re.match(r"##?\s", text_of(cell)), (
            f"cell {cell['id']}: a chapter's own headings begin at ###"
        )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_a_notebook_has_readable_cell_ids_and_a_declaration(path: Path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9-]{0,40}", cell_id) for cell_id in ids), ids
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert path.with_suffix(".yml").is_file()
