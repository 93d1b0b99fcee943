"""Asks a client's databases: every query's rows into a file of their own, all of them or none."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock

from crmreport.config import Client, Source
from crmreport.config_query import is_ordered, query_fault
from crmreport.errors import ConfigError, DataError
from crmreport.intake.database import Database, opened
from crmreport.intake.fields import FieldKind, written
from crmreport.intake.header_row import check_headers
from crmreport.intake.read_snapshot import KINDS, ROWS
from crmreport.intake.snapshot import LISTED, Snapshot, list_snapshots, queries_of, read_snapshots
from crmreport.whole_file import write_whole
from crmreport.workspace import Workspace

_SORT_MEMORY = "1GB"
_FIELD = pa.large_string()


def ask_databases(workspace: Workspace, client: Client, addresses: Mapping[str, str]) -> list[Snapshot]:
    """Ask every query of a client, and keep what they answer as the client's data from now on.

    The same rows make the same bytes: they are put in order by their columns, left to right, unless the
    query has an ORDER BY of its own. When one query fails, the last answers of all of them stay.

    Args:
        workspace: Where the answers are kept, beside the client's stores.
        client: The client file.
        addresses: Variable → address, see :func:`crmreport.intake.database.addresses`.

    Raises:
        ConfigError: An address is none, its driver is not installed, or a query is not one SELECT.
        DataError: A database cannot be reached, refuses a query, gives no row or what is no field.
    """
    if not (queries := queries_of(client)):
        return []
    home = workspace.client(client.client)
    folder = workspace.answers(client.client)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        for left in folder.glob(".asking-*"):  # by a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        with TemporaryDirectory(prefix=".asking-", dir=folder) as name:
            draft = Path(name)
            found = {
                source.named: snapshot
                for variable, address in addresses.items()
                for source, snapshot in _answers(variable, address, queries, draft)
            }
            before = read_snapshots(home)
            for snapshot in found.values():
                if not (folder / snapshot.file).exists():
                    (draft / snapshot.file).rename(folder / snapshot.file)
        asked = [found[source.named] for source in queries]
        write_whole(folder / LISTED, list_snapshots(asked))
        _drop_older(folder, {each.file for each in (*asked, *before.values())})
    return asked


def _answers(
    variable: str, address: str, queries: list[Source], draft: Path
) -> Iterator[tuple[Source, Snapshot]]:
    """Those of one database, as they were at one moment."""
    mine = [source for source in queries if source.variable == variable]
    with opened(variable, address) as database:
        asked_at = datetime.now(UTC).isoformat(timespec="seconds")
        for source in mine:
            file, rows = _answer(database, source, draft)
            yield source, Snapshot(source.named, file, rows, asked_at)


def _answer(database: Database, source: Source, draft: Path) -> tuple[str, int]:
    """Write the rows of one query into the draft; the name of their file, and how many there are."""
    assert source.query is not None
    if fault := query_fault(source.query, database.kind):
        raise ConfigError(f"{source.named}: as this database reads it, the query {fault}")
    raw, final = draft / "raw.parquet", draft / "final.parquet"
    headers, answer = database.ask(source.query, source.named)
    names = check_headers(headers, source.named)
    kinds: list[set[FieldKind]] = [set() for _ in names]
    rows = 0
    with pq.ParquetWriter(raw, _schema([f"c{i}" for i in range(len(names))]), compression="zstd") as out:
        for chunk in answer:
            columns = []
            for name, seen, values in zip(names, kinds, zip(*chunk, strict=True), strict=True):
                text, found = written(values, name, source.named)
                columns.append(pa.array(text, type=_FIELD))
                seen |= found
            out.write_table(pa.table(columns, schema=out.schema))
            rows += len(chunk)
    if not rows:
        raise DataError(f"{source.named}: the query gives no row; try it by hand, or take it out")
    told = {
        name: next(iter(seen)) if len(seen) == 1 else "text" for name, seen in zip(names, kinds, strict=True)
    }
    schema = _schema(names).with_metadata({KINDS: json.dumps(told, ensure_ascii=False)})
    in_order = _as_they_came(raw) if is_ordered(source.query, database.kind) else _by_their_columns(raw)
    with pq.ParquetWriter(final, schema, compression="zstd") as out:
        for table in _even(in_order):
            out.write_table(pa.table(table.columns, schema=schema))
    raw.unlink()
    with final.open("rb") as content:
        file = f"{hashlib.file_digest(content, 'sha256').hexdigest()[:20]}.parquet"
    final.rename(draft / file)
    return file, rows


def _schema(names: Iterable[str]) -> pa.Schema:
    return pa.schema([(name, _FIELD) for name in names])


def _as_they_came(raw: Path) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(raw) as file:
        yield from file.iter_batches(batch_size=ROWS)


def _by_their_columns(raw: Path) -> Iterator[pa.RecordBatch]:
    # DuckDB sorts on the disk what does not fit into memory.
    in_order = raw.with_name("in-order.parquet")
    limits: dict[str, Any] = {"memory_limit": _SORT_MEMORY, "temp_directory": str(raw.with_name("sorting"))}
    with duckdb.connect(config=limits) as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.read_parquet(str(raw)).order("ALL").write_parquet(str(in_order))
    yield from _as_they_came(in_order)
    in_order.unlink()


def _even(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The same rows in tables of :data:`ROWS`, in one piece each: however they came, the file is the same."""
    waiting: list[pa.RecordBatch] = []
    held = 0
    for batch in batches:
        waiting.append(batch)
        held += batch.num_rows
        while held >= ROWS:
            table = pa.Table.from_batches(waiting)
            yield _whole(table.slice(0, ROWS))
            waiting = table.slice(ROWS).to_batches()
            held -= ROWS
    if held:
        yield _whole(pa.Table.from_batches(waiting))


def _whole(table: pa.Table) -> pa.Table:
    return table.cast(_schema(table.column_names)).combine_chunks()


def _drop_older(folder: Path, kept: set[str]) -> None:
    for path in folder.glob("*.parquet"):
        if path.name not in kept:
            path.unlink(missing_ok=True)
