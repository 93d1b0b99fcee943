"""What databases answered, kept as it came: an answer with one of them is removed, and asked for again."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

import polars as pl
from filelock import FileLock, Timeout

from crmreport.config import Client
from crmreport.errors import DataError
from crmreport.forget.model import Place
from crmreport.forget.whom import Whom
from crmreport.intake.batch import LINE
from crmreport.intake.columns import naming, to_text
from crmreport.intake.read_snapshot import read_snapshot
from crmreport.intake.snapshot import LISTED, list_snapshots, queries_of, read_snapshots
from crmreport.intake.source_file import SourceFile
from crmreport.whole_file import write_whole
from crmreport.workspace import Workspace


@contextmanager
def held(workspace: Workspace, client_id: str, waiting: Callable[[str], None]) -> Iterator[None]:
    """Keep a client's databases from being asked while the block lasts.

    Args:
        waiting: Told when they are just being asked.
    """
    folder = workspace.answers(client_id)
    with ExitStack() as stack:
        if folder.is_dir():
            lock = FileLock(folder / ".lock")
            try:
                stack.enter_context(lock.acquire(timeout=0))
            except Timeout:
                waiting(f"{workspace.near(folder)}: its databases are being asked")
                stack.enter_context(lock)
        yield


def look(workspace: Workspace, client_id: str, whom: Whom, client: Client | None) -> Iterator[Place]:
    """Answers in which any column names one of them: which one holds ids, only the client file says.

    Also those nobody can read, and what was left of an asking that was killed, with no row.

    Args:
        client: Its codes say what an id is written as; None where the client file is not usable.
    """
    home = workspace.answers(client_id)
    written_as = _codes(client, whom)
    for path in sorted(home.glob("*.parquet")):
        rows, customers = 0, frozenset[str]()
        try:
            for batch in read_snapshot(SourceFile(path, path.name)):
                count, found = _theirs(batch.frame.drop(LINE), whom, written_as)
                rows, customers = rows + count, customers | found
        except (DataError, KeyError, TypeError, ValueError):
            if path.exists():
                yield Place("answers", workspace.near(path), 0)
            continue
        if rows:
            yield Place("answers", workspace.near(path), rows, customers)
    for left in sorted(home.glob(".asking-*")):
        yield Place("answers", workspace.near(left), 0)


def drop(workspace: Workspace, client_id: str, places: Iterable[Place]) -> None:
    """Remove answers that were found; whoever calls this holds them."""
    paths = [workspace.root / place.path for place in places if place.where == "answers"]
    if not paths:
        return
    gone = {path.name for path in paths}
    listed = read_snapshots(workspace.client(client_id)).values()
    # The list first: it never names an answer that is not there.
    kept = [each for each in listed if each.file not in gone]
    write_whole(workspace.answers(client_id) / LISTED, list_snapshots(kept))
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _theirs(rows: pl.DataFrame, whom: Whom, written_as: Mapping[str, str]) -> tuple[int, frozenset[str]]:
    # What is known of texts so far is not kept: a database has millions, and most are no ids.
    apart = Whom(whom.ids, whom.listed)
    marks: list[pl.Series] = []
    named: set[str] = set()
    for column in rows:
        text = to_text(column)
        mark = naming(text, apart) | text.is_in(list(written_as)).fill_null(False)
        marks.append(mark.alias(column.name))
        named |= {written_as.get(each, each) for each in text.filter(mark).unique().to_list()}
    theirs = pl.DataFrame(marks).select(pl.any_horizontal(pl.all())).to_series()
    return int(theirs.sum()), whom.found(named)


def _codes(client: Client | None, whom: Whom) -> dict[str, str]:
    """What stands for one of them where a query's ids are codes."""
    return {
        text: meant
        for source in (queries_of(client) if client else ())
        for text, meant in source.codes.get("customer_id", {}).items()
        if meant in whom
    }
