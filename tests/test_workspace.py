"""Where things lie, and names that must not become paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmreport.errors import ConfigError
from crmreport.workspace import Workspace, slug


@pytest.mark.parametrize("name", ["demo", "a", "shop_2", "a-b", "0" * 64])
def test_a_slug_is_kept_as_it_is(name):
    assert slug(name, "client") == name


@pytest.mark.parametrize(
    "name", ["", "..", "a/b", "a\\b", "A", "店", "a b", "a.b", "a\n", "0" * 65, "{0}", None, 7]
)
def test_what_is_not_safe_in_a_path_is_refused(name):
    with pytest.raises(ConfigError, match="client .* is not a safe name; use 1 to 64 of"):
        slug(name, "client")


def test_the_workspace_is_found_from_a_folder_inside_it(tmp_path: Path, monkeypatch):
    monkeypatch.delenv("CRMREPORT_HOME", raising=False)
    (tmp_path / "clients" / "demo" / "data").mkdir(parents=True)
    assert Workspace.find(tmp_path / "clients" / "demo" / "data").root == tmp_path


def test_the_variable_decides_over_the_folder(tmp_path: Path, monkeypatch):
    (tmp_path / "clients").mkdir()
    monkeypatch.setenv("CRMREPORT_HOME", str(tmp_path / "elsewhere"))
    assert Workspace.find(tmp_path).root == tmp_path / "elsewhere"


def test_outside_a_workspace_the_way_in_is_named(tmp_path: Path, monkeypatch):
    monkeypatch.delenv("CRMREPORT_HOME", raising=False)
    with pytest.raises(ConfigError, match="no clients/ folder in .*; run this from your project folder"):
        Workspace.find(tmp_path)


def test_no_client_name_leads_out_of_clients(tmp_path: Path):
    workspace = Workspace(tmp_path)
    for place in (workspace.client, workspace.store, workspace.answers, workspace.quarantine):
        assert place("demo").is_relative_to(tmp_path / "clients" / "demo")
        with pytest.raises(ConfigError):
            place("../demo")
