"""From a source's path to its lines: which files, which format, and the lines with their numbers."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from crmreport.config import Source
from crmreport.errors import DataError

LINE = "__line"
"""Column of the line a record begins on (rows in Excel and Parquet), counted from 1."""

_FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".tab": "csv",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xls": "excel",
    ".parquet": "parquet",
    ".pq": "parquet",
}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a source and the name errors and reports call it by (relative to the client's folder)."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no record: too few or too many fields, or broken quotes."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Some records of one file, as text or typed, under the file's own headers, plus :data:`LINE`.

    Args:
        frame: The records.
        bad: Lines of this stretch that are no records.
        last: True where the file ends with this batch.
        found: What the reader made out: encoding, delimiter, sheet.
        blank: Lines with nothing in them so far; they are no lines.
    """

    frame: pl.DataFrame
    bad: tuple[BadLine, ...] = ()
    last: bool = True
    found: dict[str, str] = field(default_factory=dict)
    blank: int = 0


def source_files(source: Source, folder: Path) -> list[SourceFile]:
    """The files of a source in order of their names.

    Args:
        source: The client file's entry.
        folder: The client's folder, which relative paths start from.

    Raises:
        DataError: Nothing is there; the message lists what is.
    """
    pattern = source.path
    if any(c in pattern for c in "*?["):
        base = Path(Path(pattern).anchor) if Path(pattern).is_absolute() else folder
        relative = str(Path(pattern).relative_to(base)) if Path(pattern).is_absolute() else pattern
        paths = sorted(p for p in base.glob(relative) if p.is_file())
        if not paths:
            raise DataError(f"{pattern}: no file matches; {_there(folder / Path(pattern).parent)}")
    else:
        path = folder / pattern
        if not path.is_file():
            raise DataError(f"{pattern}: no such file; {_there(path.parent, like=path.name)}")
        paths = [path]
    return [SourceFile(p, _shown(p, folder)) for p in paths]


def _shown(path: Path, folder: Path) -> str:
    try:
        return path.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        return path.name


def _there(folder: Path, like: str | None = None) -> str:
    if not folder.is_dir():
        return "its folder does not exist either; check path in client.yml"
    names = sorted(p.name for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    near = difflib.get_close_matches(like, names, n=1) if like else []
    if near:
        return f"did you mean {near[0]}?"
    return f"the folder holds {', '.join(names[:5]) or 'no files'}; check path in client.yml"


def format_of(file: SourceFile, declared: str = "auto") -> str:
    """``csv``, ``excel`` or ``parquet``: as declared, else by ending, else by the first bytes."""
    if declared != "auto":
        return declared
    if known := _FORMATS.get(file.path.suffix.lower()):
        return known
    with file.path.open("rb") as f:
        head = f.read(4)
    return {b"PAR1": "parquet", b"PK\x03\x04": "excel", b"\xd0\xcf\x11\xe0": "excel"}.get(head, "csv")


def read_batches(file: SourceFile, source: Source) -> Iterator[Batch]:
    """The records of one file, in order.

    Raises:
        DataError: The file cannot be read as what it should be; see the readers.
    """
    if file.path.stat().st_size == 0:
        raise DataError(
            f"{file.name}: the file is empty (0 bytes); ask for it again, or take it out of sources"
        )
    # Imported where they are needed: openpyxl and msoffcrypto cost a start-up that CSV clients need not pay.
    match format_of(file, source.format):
        case "excel":
            from crmreport.intake.read_excel import read_excel

            yield from read_excel(file, source)
        case "parquet":
            from crmreport.intake.read_parquet import read_parquet

            yield from read_parquet(file)
        case _:
            from crmreport.intake.read_csv import read_csv

            yield from read_csv(file, source)


def same_header(header: str) -> str:
    """What makes two headers the same: width, case and spaces around do not matter.

    Examples:
        >>> same_header(" 会員ＩＤ ") == same_header("会員ID")
        True
    """
    return unicodedata.normalize("NFKC", header).strip().lower()


def check_headers(headers: list[str], name: str) -> list[str]:
    """Headers as names of columns; empty ones get a number, doubled ones are refused.

    Raises:
        DataError: A header stands twice.
    """
    seen: dict[str, int] = {}
    for position, header in enumerate(headers, start=1):
        text = header.strip()
        if text in seen:
            raise DataError(
                f"{name}: header {text!r} stands twice (columns {seen[text]} and {position}); "
                "rename one of them"
            )
        if text:
            seen[text] = position
    return [header.strip() or f"(column {position})" for position, header in enumerate(headers, start=1)]


def find_header(wanted: str, headers: list[str], name: str) -> str:
    """The file's own spelling of a mapped header.

    Raises:
        DataError: It is not there; the message has the nearest one.
    """
    if wanted in headers:
        return wanted
    same = {same_header(h): h for h in headers}
    if found := same.get(same_header(wanted)):
        return found
    near = difflib.get_close_matches(same_header(wanted), list(same), n=1, cutoff=0.5)
    hint = (
        f"did you mean {same[near[0]]!r}?" if near else f"the file has {', '.join(map(repr, headers[:12]))}"
    )
    raise DataError(f"{name}: no column {wanted!r}; {hint}")
