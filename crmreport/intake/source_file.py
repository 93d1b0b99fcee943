"""From a source to its files, and the format of each."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from crmreport.config import Source
from crmreport.errors import DataError
from crmreport.intake.snapshot import read_snapshots
from crmreport.workspace import ANSWERS

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


def source_files(source: Source, folder: Path) -> list[SourceFile]:
    """The files of a source in order of their names; of a query the rows of its last answer.

    Args:
        source: The client file's entry.
        folder: The client's folder, which relative paths start from.

    Raises:
        DataError: Nothing is there; the message lists what is.
    """
    if source.path is None:
        return [_last_answer(source, folder)]
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
    home = folder.resolve()
    return [SourceFile(p, _shown(p, home)) for p in paths]


def _last_answer(source: Source, folder: Path) -> SourceFile:
    found = read_snapshots(folder).get(source.named)
    if found is None:
        raise DataError(
            f"{source.named}: the database was not asked yet; "
            f"set {source.variable} and run crmreport check --client {folder.name}"
        )
    return SourceFile(folder / ANSWERS / found.file, source.named)


def _shown(path: Path, home: Path) -> str:
    try:
        return path.resolve().relative_to(home).as_posix()
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
