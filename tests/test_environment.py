"""One source for what is needed: environment.yml and the locked files agree with pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
# What conda-forge calls differently.
CONDA_NAMES = {
    "matplotlib-base": "matplotlib",
    "nbconvert-core": "nbconvert",
    "python-duckdb": "duckdb",
    "python-tzdata": "tzdata",
    "seaborn-base": "seaborn",
}
OUTSIDE_PYTHON = {"python", "pip", "pango", "harfbuzz", "fonts-conda-forge", "poppler", "make", "nodejs"}
LOCKED = {
    "requirements.txt": (),
    "requirements-dev.txt": ("lab", "deliver", "sqlite", "postgresql", "mysql", "test", "lock"),
    "requirements-completejourney.txt": ("completejourney",),
}


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def needed(project: dict, extras: tuple[str, ...]) -> dict[str, Requirement]:
    lines = [*project["dependencies"], *(r for e in extras for r in project["optional-dependencies"][e])]
    return {canonicalize_name(r.name): r for r in map(Requirement, lines)}


def locked(file: str) -> dict[str, list[Version]]:
    found: dict[str, list[Version]] = {}
    for name, version in re.findall(
        r"^([A-Za-z0-9._-]+)==([^ \\]+)", (ROOT / file).read_text(), re.MULTILINE
    ):
        found.setdefault(canonicalize_name(name), []).append(Version(version))
    return found


def test_conda_and_pip_ask_for_the_same_with_the_same_bounds(project):
    listed = YAML(typ="safe").load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    pip = next(item["pip"] for item in listed if isinstance(item, dict))
    conda = {}
    for requirement in map(Requirement, [item for item in listed if isinstance(item, str)] + pip):
        if requirement.name not in OUTSIDE_PYTHON:
            name = canonicalize_name(CONDA_NAMES.get(requirement.name, requirement.name))
            conda[name] = str(requirement.specifier)
    everything = needed(project, tuple(project["optional-dependencies"]))
    assert conda == {name: str(requirement.specifier) for name, requirement in everything.items()}


@pytest.mark.parametrize(("file", "extras"), LOCKED.items(), ids=LOCKED.keys())
def test_locked_versions_meet_the_bounds(project, file, extras):
    versions = locked(file)
    for name, requirement in needed(project, extras).items():
        assert name in versions, f"{name} is not in {file}; run make lock"
        assert all(v in requirement.specifier for v in versions[name]), name


def test_locked_files_agree_with_each_other():
    dev = locked("requirements-dev.txt")
    for file in LOCKED:
        for name, versions in locked(file).items():
            assert name not in dev or set(versions) <= set(dev[name]), f"{file}: {name}"


@pytest.mark.parametrize("file", LOCKED)
def test_every_locked_package_has_hashes_and_no_address(file):
    text = (ROOT / file).read_text()
    for block in re.split(r"\n(?=[A-Za-z0-9])", text.split("\n", 2)[2]):
        assert "--hash=sha256:" in block, block.splitlines()[0]
    assert not re.search(r"://|^-|file:| @ |\.whl", text, re.MULTILINE)


def test_the_runner_needs_no_jupyterlab(project):
    # It would add 0.8 s to every start of papermill and nbconvert.
    assert "jupyterlab" not in locked("requirements.txt")
    assert "rfc3987-syntax" not in locked("requirements.txt")
