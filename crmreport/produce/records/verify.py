"""Whether a published report is what its run.json says, byte for byte."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from crmreport.errors import CrmReportError
from crmreport.produce.planning.digests import hash_file, seal, sha256
from crmreport.produce.planning.ingredients import PACKAGE, chapter_key, report_key, without_campaigns
from crmreport.produce.records import RECORD
from crmreport.produce.records.provenance import InputFile
from crmreport.workspace import Workspace

_SCHEMA = PACKAGE.parent / "templates" / "run.schema.json"
_LONGEST_RECORD = 16 * 2**20
_MOST_FAULTS = 5
_DESKTOP = re.compile(
    r"\.DS_Store|\._.*|Thumbs\.db|desktop\.ini|\.directory"  # views of macOS, Windows and KDE
    r"|~\$.*|\.~lock\..*#",  # who has a workbook open, by Excel and by LibreOffice
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as recorded.

    Args:
        path: The file, relative to the report's folder; an input by its own name.
        what: What is wrong with it, in a few words.
    """

    path: str
    what: str

    def __str__(self) -> str:
        """One line, such as ``tables/sales.kpi.csv: its bytes changed``."""
        return f"{self.path}: {self.what}"


@dataclass(frozen=True, slots=True)
class TakenOut:
    """What ``crmreport forget`` took out of a report after it was published.

    Args:
        at: ISO time.
        customers: How many; nothing says who.
        files: Path → rows.
    """

    at: str
    customers: int
    files: Mapping[str, int]

    def __str__(self) -> str:
        """One line, such as ``2 rows were taken out of 2 files by crmreport forget on 2026-11-22 …``."""
        rows, files = sum(self.files.values()), len(self.files)
        return (
            f"{rows:,} row{'s' * (rows != 1)} taken out of {files} file{'s' * (files != 1)} by crmreport "
            f"forget on {self.at[:10]}, of {self.customers:,} customer{'s' * (self.customers != 1)}"
        )


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found.

    Args:
        folder: The report.
        client, period, report, key: As recorded; empty when run.json is not readable.
        files: Outputs that were compared.
        problems: Reasons not to deliver it.
        remarks: Worth knowing: it was made from data that has changed since.
        strays: Files beside it that a desktop leaves where one looks into a folder: no part of the report,
            never delivered, gone with the next run.
        taken_out: Of customers who asked to be forgotten since, oldest first; the record holds without.
    """

    folder: Path
    client: str
    period: str
    report: str
    key: str
    files: int
    problems: tuple[Problem, ...]
    remarks: tuple[Problem, ...]
    strays: tuple[Problem, ...] = ()
    taken_out: tuple[TakenOut, ...] = ()

    @property
    def ok(self) -> bool:
        """Nothing is wrong with it."""
        return not self.problems


def verify(folder: Path, *, workspace: Workspace | None = None) -> Verification:
    """Compare every byte of a report with its record.

    Args:
        folder: A published report: the folder with run.json in it.
        workspace: Where it stands; then its place is compared with its record, and its inputs with the
            client's files as they are now.

    Returns:
        The problems; this function raises none.
    """
    record, problems = _read(folder)
    if record is None:
        return Verification(folder, "", "", "", "", 0, tuple(problems), ())
    problems += _consistent(record)
    if not any(p.path == RECORD for p in problems) and workspace is not None:
        problems += _place(folder, record, workspace)
    files = {entry["path"]: entry for entry in record["outputs"]}
    problems += [fault for path, entry in files.items() if (fault := _output(folder, path, entry))]
    strays: list[Problem] = []
    for path in _extra(folder, set(files) | {RECORD}):
        if _is_left_by_a_desktop(folder / path):
            strays.append(Problem(_readable(path), "is not part of the report, and is not delivered"))
        else:
            problems.append(Problem(_readable(path), f"is not in {RECORD}"))
    remarks = _inputs(record, workspace) if workspace is not None else []
    return Verification(
        folder,
        record["client"],
        record["period"],
        record["report"],
        record["key"],
        len(files),
        tuple(problems),
        tuple(remarks),
        tuple(strays),
        tuple(TakenOut(**each) for each in record.get("forgotten", ())),
    )


def _read(folder: Path) -> tuple[dict[str, Any] | None, list[Problem]]:
    """run.json when it follows its schema; else what is wrong with it."""

    def refused(what: str) -> tuple[None, list[Problem]]:
        return None, [Problem(RECORD, what)]

    path = folder / RECORD
    try:
        if not folder.is_dir():
            return refused(f"there is no report in {folder}")
        state = path.lstat()
        if not stat.S_ISREG(state.st_mode):
            return refused("is no plain file")
        if state.st_size > _LONGEST_RECORD:
            return refused(f"is {state.st_size:,} bytes long, which no record is")
        record = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_each_key_once)
    except FileNotFoundError:
        return refused("is missing")
    except OSError as error:
        return refused(f"cannot be read ({error.strerror})")
    except (ValueError, RecursionError) as error:
        return refused(f"is not JSON ({' '.join(str(error).split())[:100]})")
    # Not imported above: with JupyterLab beside it, it takes longer than all the rest.
    import jsonschema

    schema = json.loads(_SCHEMA.read_text(encoding="utf-8"))
    faults = jsonschema.Draft202012Validator(schema).iter_errors(record)
    named = [(".".join(map(str, fault.absolute_path)), fault.message[:160]) for fault in faults]
    # What is wrong says more than what is missing.
    named.sort(key=lambda fault: not fault[0])
    found = [Problem(RECORD, f"{place or 'record'}: {message}") for place, message in named[:_MOST_FAULTS]]
    return (None, found) if found else (record, [])


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands in it twice")
    return found


def _consistent(record: Mapping[str, Any]) -> list[Problem]:
    """What the record says of itself."""
    found: list[Problem] = []
    if record.get("seal") != seal(record):
        found.append(Problem(RECORD, "was edited: its seal does not fit"))
    shared = record["digests"]
    inputs = [InputFile(i["name"], i["sha256"], i["rows"], i.get("table", "")) for i in record["inputs"]]
    # What a chapter depends on is in its declaration, and only its digest is here.
    seen = (shared, without_campaigns(shared, inputs))
    for c in record["chapters"]:
        if c["key"] not in {chapter_key(s, c["chapter"], c["digests"], c["parameters"]) for s in seen}:
            found.append(Problem(RECORD, f"chapter {c['chapter']}: its key does not follow from its digests"))
    if report_key(shared, [c["key"] for c in record["chapters"]]) != record["key"]:
        found.append(Problem(RECORD, "key: does not follow from its digests"))
    if record["status"] != "complete":
        found.append(Problem(RECORD, f"the report is {record['status']}"))
    elif failed := [c["chapter"] for c in record["chapters"] if c["status"] == "failed"]:
        found.append(Problem(RECORD, f"chapter {failed[0]} failed"))
    paths = [entry["path"] for entry in record["outputs"]]
    if len(set(paths)) != len(paths):
        found.append(Problem(RECORD, "outputs: a file is listed twice"))
    return found


def _place(folder: Path, record: Mapping[str, Any], workspace: Workspace) -> list[Problem]:
    """A report in another client's folder would be sent to that client."""
    from crmreport.produce.publish import partial_place, target

    here, reports = folder.resolve(), workspace.reports.resolve()
    if not here.is_relative_to(reports):
        return []
    meant = target(workspace, record["client"], record["period"], record["report"])
    if record["status"] == "partial":
        meant = partial_place(workspace, meant)
    meant = meant.resolve().relative_to(reports)
    found = here.relative_to(reports)
    if found == meant:
        return []
    return [Problem(RECORD, f"is the record of {meant.as_posix()}, but stands in {found.as_posix()}")]


def _output(folder: Path, path: str, entry: Mapping[str, Any]) -> Problem | None:
    if not _is_inside(path):
        return Problem(path, "leads out of the report's folder; nothing there is read")
    place = folder
    try:
        for name in PurePosixPath(path).parts:
            place = place / name
            if place.is_symlink():
                return Problem(path, "is reached through a link, not a file of this report")
        state = place.lstat()
        if not stat.S_ISREG(state.st_mode):
            return Problem(path, "is no plain file")
        if state.st_size != entry["bytes"]:
            return Problem(path, f"has {state.st_size:,} bytes, recorded are {entry['bytes']:,}")
        if hash_file(place) != entry["sha256"]:
            return Problem(path, "its bytes changed")
    except (FileNotFoundError, NotADirectoryError):
        return Problem(path, "is missing")
    except OSError as error:
        return Problem(path, f"cannot be read ({error.strerror})")
    return None


def _is_inside(path: str) -> bool:
    """Whether a recorded path is plain: relative, forward slashes, no detours."""
    pure = PurePosixPath(path)
    plain = pure.as_posix() == path and not pure.is_absolute() and ".." not in pure.parts
    return plain and path not in ("", ".", RECORD) and not set(path) & set("\\\0:")


def _extra(folder: Path, known: set[str]) -> Iterator[Path]:
    """Files nobody recorded."""
    for root, folders, files in os.walk(folder):
        here = Path(root)
        links = [name for name in folders if (here / name).is_symlink()]
        for name in sorted((*files, *links)):
            path = (here / name).relative_to(folder)
            if _readable(path) not in known:
                yield path


def _is_left_by_a_desktop(path: Path) -> bool:
    """Whether a file is one that looking at a report leaves: a folder's view, or an open workbook's lock.

    Nothing of a report leads to it. A link by such a name leads somewhere, and is none of them.
    """
    return bool(_DESKTOP.fullmatch(path.name)) and path.is_file() and not path.is_symlink()


def _readable(path: Path) -> str:
    # A name that is not UTF-8 could not be printed.
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def _inputs(record: Mapping[str, Any], workspace: Workspace) -> list[Problem]:
    """Whether the client's files are still those the report was made of."""
    try:
        now = _files_now(workspace, record["client"])
    except CrmReportError as error:
        first = str(error).splitlines()[0]
        return [Problem("inputs", f"cannot be compared with the client's files: {first}")]
    recorded = {each["name"]: each["sha256"] for each in record["inputs"]}
    found: list[Problem] = []
    for name in sorted({*recorded, *now}):
        if name not in now:
            found.append(Problem(name, "was read for this report and is gone"))
        elif name not in recorded:
            found.append(Problem(name, "was not there when this report was made"))
        elif recorded[name] not in {sha256(path) for path in now[name]}:
            found.append(Problem(name, "has changed since this report was made"))
    return found


def _files_now(workspace: Workspace, client_id: str) -> dict[str, list[Path]]:
    # Imported here: reading the client's data is not what verifying outputs waits for.
    from crmreport.config_file import load_client
    from crmreport.intake.source_file import source_files

    client = load_client(workspace.client_file(client_id), reports=False)
    found: dict[str, list[Path]] = {}
    for source in (s for each in client.sources.values() for s in each):
        try:
            listed = source_files(source, workspace.client(client_id))
        except CrmReportError:
            # A source with no file at all: its recorded files are reported as gone.
            continue
        for file in listed:
            found.setdefault(file.name, []).append(file.path)
    return found
