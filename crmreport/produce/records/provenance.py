"""Where the numbers come from: files, rows, notebooks, parameters, versions. No times, no machine."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import metadata

PACKAGES = (
    "crmreport",
    "duckdb",
    "narwhals",
    "pandas",
    "numpy",
    "scipy",
    "pyarrow",
    "matplotlib",
    "papermill",
    "nbconvert",
    "weasyprint",
)


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file the client sent."""

    name: str
    sha256: str
    rows: int | None = None
    table: str = ""
    """Which of the canonical tables it went into."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What became of a table's rows."""

    table: str
    rows_in: int
    stored: int
    quarantined: int
    excluded: int


@dataclass(frozen=True, slots=True)
class ChapterSource:
    """What made a chapter."""

    title: dict[str, str]
    sha256: str
    parameters: dict[str, object]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Enough to make the report again."""

    inputs: tuple[InputFile, ...] = ()
    flows: tuple[Flow, ...] = ()
    chapters: tuple[ChapterSource, ...] = ()
    packages: tuple[tuple[str, str], ...] = ()
    revenue: str = "tax_included"


def package_versions() -> tuple[tuple[str, str], ...]:
    """Python and the packages that decide what a number or a page looks like."""
    found = [("Python", ".".join(map(str, sys.version_info[:3])))]
    for name in PACKAGES:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return tuple(found)
