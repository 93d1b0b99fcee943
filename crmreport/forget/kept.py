"""What else is kept of a client: executed chapters, drafts of messages, lists of planned tests."""

from __future__ import annotations

import email
import email.policy
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from crmreport.deliver.journal import FILE as JOURNAL
from crmreport.errors import ConfigError
from crmreport.forget.model import Place, Trace
from crmreport.forget.rows import TABLES, Rows, UnreadableError, rows_in
from crmreport.forget.traces import holds
from crmreport.forget.whom import Whom
from crmreport.plan_file import FOLDER, name_shorter_list
from crmreport.whole_file import write_whole
from crmreport.workspace import Workspace


def look_in_cache(workspace: Workspace, client_id: str, whom: Whom) -> Iterator[Place]:
    """Rows of theirs among the lists of executed chapters, and notebooks that name them."""
    home = workspace.reports / ".cache" / client_id
    for path in sorted(p for p in home.rglob("*") if p.is_file()):
        rows = Rows()
        with suppress(UnreadableError):
            rows = rows_in(path.name, path.read_bytes(), whom)
        if rows.count or (path.suffix == ".ipynb" and holds(path, whom)):
            yield Place("cache", workspace.near(path), rows.count, rows.customers)


def drop_from_cache(workspace: Workspace, place: Place) -> None:
    """Remove an executed chapter; it was made of data nobody will read again."""
    path = workspace.root / place.path
    kept = path if path.suffix == ".ipynb" else path.parent
    kept.with_suffix(".ipynb").unlink(missing_ok=True)
    shutil.rmtree(kept.with_suffix(".lists"), ignore_errors=True)
    path.unlink(missing_ok=True)


def outboxes(workspace: Workspace, client_id: str) -> list[Path]:
    """Folders with drafts of messages to a client."""
    home = workspace.reports / ".outbox" / client_id
    return sorted(p for p in home.glob("*") if p.is_dir()) if home.is_dir() else []


def look_in_outbox(workspace: Workspace, folder: Path, whom: Whom) -> Iterator[Place]:
    """Drafts with a list they are on."""
    for path in sorted(p for p in folder.iterdir() if p.is_file() and p.name != JOURNAL):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        count, customers = 0, frozenset[str]()
        for part in message.walk():
            name, content = part.get_filename(), part.get_payload(decode=True)
            if name and isinstance(content, bytes):
                with suppress(UnreadableError):
                    rows = rows_in(name, content, whom)
                    count, customers = count + rows.count, customers | rows.customers
        if count:
            yield Place("outbox", workspace.near(path), count, customers)


def look_in_plans(workspace: Workspace, client_id: str, whom: Whom) -> tuple[list[Place], list[Trace]]:
    """Rows of theirs on the lists of planned tests, and lists nobody can read."""
    places: list[Place] = []
    traces: list[Trace] = []
    for path in _lists(workspace, client_id):
        near = workspace.near(path)
        try:
            rows = rows_in(path.name, path.read_bytes(), whom)
        except UnreadableError as error:
            traces.append(Trace(near, str(error)))
            continue
        if rows.count:
            places.append(Place("plan", near, rows.count, rows.customers))
        elif path.suffix.lower() not in TABLES and holds(path, whom):
            traces.append(Trace(near, "a text equal to the id stands in it"))
    return places, traces


def take_off_plan(workspace: Workspace, place: Place, whom: Whom) -> None:
    """Write the list of a planned test without them, and let its plan say so."""
    path = workspace.root / place.path
    rows = rows_in(path.name, path.read_bytes(), whom, take_out=True)
    if rows.without is None:
        return
    plan = path.with_suffix(".yml")
    if path.suffix == ".csv" and plan.is_file():
        # A plan nobody can read is refused wherever it is used, and does not keep anybody on the list.
        with suppress(ConfigError):
            name_shorter_list(plan, rows.without, left=rows.left)
    write_whole(path, rows.without, lasting=True)


def _lists(workspace: Workspace, client_id: str) -> list[Path]:
    home = workspace.client(client_id) / FOLDER
    return sorted(p for p in home.glob("*") if p.is_file()) if home.is_dir() else []
