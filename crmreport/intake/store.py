"""The canonical store: built once per content key in a folder of its own, then only opened."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from filelock import FileLock

from crmreport.config import Client
from crmreport.errors import DataError
from crmreport.intake.batch import LINE
from crmreport.intake.digest import Digests, store_key
from crmreport.intake.forgotten import RULE as FORGOTTEN
from crmreport.intake.forgotten import Forgotten, read_forgotten
from crmreport.intake.model import Conflicts, IntakeReport
from crmreport.intake.quarantine import refuse_too_many, write_quarantine
from crmreport.intake.shape import FILE, NO_ARM, SAME_KEY, Shaped, shape_source
from crmreport.intake.source_file import SourceFile, source_files
from crmreport.intake.summary import summarise
from crmreport.intake.tables import ALL_SENT, COLUMNS, KEY, Table, stored_columns
from crmreport.intake.unify import SOURCE, unify
from crmreport.workspace import Workspace

_ROW_GROUP = 256 * 1024
_REPORT = "intake.json"


@dataclass(frozen=True, slots=True)
class Store:
    """A client's canonical tables on disk.

    Args:
        path: Folder of this content key.
        report: What intake did.
        tables: Names of the tables that are there.
    """

    path: Path
    report: IntakeReport
    tables: tuple[str, ...]

    def table(self, name: str) -> Path:
        """Parquet file of a table.

        Raises:
            DataError: The client gives no such table.
        """
        if name not in self.tables:
            raise DataError(
                f"{self.report.client}: there is no table {name!r}, only {', '.join(self.tables)}; "
                "add it under sources in client.yml"
            )
        return self.path / f"{name}.parquet"

    @property
    def conflicts(self) -> Path:
        """Values on which lines with the same key disagree."""
        return self.path / "conflicts.parquet"


def open_store(workspace: Workspace, client: Client) -> Store:
    """The client's store, built first if its inputs, mapping, policies or intake itself have changed.

    Forgotten customers are not in it. Of two that build at a time, one waits for the other.

    Args:
        workspace: Where clients/ lies.
        client: The client file.

    Raises:
        ConfigError: The mapping cannot work, or the list of forgotten customers cannot be read.
        DataError: A file cannot be read, or too many of its lines.
    """
    stores = workspace.store(client.client)
    digests = Digests(stores / "digests.json")
    forgotten = read_forgotten(workspace.client(client.client))
    inputs = _inputs(workspace, client, digests)
    key = _key(client, inputs, forgotten)
    if not _is_built(stores / key):
        stores.mkdir(parents=True, exist_ok=True)
        with FileLock(stores / ".lock"):
            if not _is_built(stores / key):
                _build(workspace, client, stores, key, inputs, forgotten)
            if read_forgotten(workspace.client(client.client)) != forgotten:
                shutil.rmtree(stores / key)
                shutil.rmtree(workspace.quarantine(client.client) / key, ignore_errors=True)
                raise DataError(f"{client.client}: a customer was forgotten meanwhile; run again")
        for each in inputs:
            if digests.of(each.file) != each.digest:
                shutil.rmtree(stores / key)
                raise DataError(f"{each.file.name}: the file was changed while it was read; run again")
    return _open(stores / key)


def built_store(workspace: Workspace, client: Client) -> Store | None:
    """The client's store when it is there already; None when :func:`open_store` would have to build it.

    Raises:
        DataError: A file is not there.
    """
    stores = workspace.store(client.client)
    inputs = _inputs(workspace, client, Digests(stores / "digests.json"))
    path = stores / _key(client, inputs, read_forgotten(workspace.client(client.client)))
    return _open(path) if _is_built(path) else None


@dataclass(frozen=True, slots=True)
class _Input:
    table: Table
    position: int
    file: SourceFile
    digest: str


def _inputs(workspace: Workspace, client: Client, digests: Digests) -> list[_Input]:
    folder = workspace.client(client.client)
    found = [
        _Input(table, position, file, digests.of(file))
        for table, sources in client.sources.items()
        for position, source in enumerate(sources, start=1)
        for file in source_files(source, folder)
    ]
    digests.save()
    return found


def _files(inputs: list[_Input], table: Table, position: int) -> list[SourceFile]:
    return [i.file for i in inputs if (i.table, i.position) == (table, position)]


def _sums(inputs: list[_Input]) -> dict[tuple[Table, int, Path], str]:
    return {(i.table, i.position, i.file.path): i.digest for i in inputs}


def _key(client: Client, inputs: list[_Input], forgotten: Forgotten) -> str:
    listed = [(i.table, i.position, i.file.name, i.digest) for i in inputs]
    return store_key(client, listed, forgotten.digest)


def _is_built(path: Path) -> bool:
    return (path / _REPORT).is_file()


def _open(path: Path) -> Store:
    report = IntakeReport.model_validate_json((path / _REPORT).read_bytes())
    return Store(path, report, tuple(report.tables))


def _build(
    workspace: Workspace,
    client: Client,
    stores: Path,
    key: str,
    inputs: list[_Input],
    forgotten: Forgotten,
) -> None:
    building = Path(tempfile.mkdtemp(prefix=f".building-{key}-", dir=stores))
    try:
        shaped = [
            shape_source(client, table, position, source, _files(inputs, table, position), forgotten)
            for table, sources in client.sources.items()
            for position, source in enumerate(sources, start=1)
        ]
        set_aside = _quarantine(workspace, client, key, shaped)
        tables, conflicts, listed = _tables(client, shaped)
        report = summarise(client, key, shaped, tables, conflicts, set_aside, _sums(inputs))
        for name, frame in tables.items():
            frame.write_parquet(building / f"{name}.parquet", compression="zstd", row_group_size=_ROW_GROUP)
        listed.write_parquet(building / "conflicts.parquet")
        (building / _REPORT).write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
        building.chmod(0o755)
        _publish(building, stores / key)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _publish(building: Path, final: Path) -> None:
    if final.is_dir() and not (final / _REPORT).is_file():
        shutil.rmtree(final)
    try:
        building.rename(final)
    except OSError:
        # Another process built the same key meanwhile: its content is the same.
        if not (final / _REPORT).is_file():
            raise


def _quarantine(workspace: Workspace, client: Client, key: str, shaped: list[Shaped]) -> pl.DataFrame:
    each = [s.failures.table(s.table, s.position) for s in shaped]
    every = pl.concat(each)
    folder = workspace.quarantine(client.client) / key
    if every.height:
        write_quarantine(every, folder)
    for source, failures in zip(shaped, each, strict=True):
        refuse_too_many(
            failures,
            lines=source.lines,
            limit=client.policies.quarantine_limit,
            path=source.source.named,
            kept_in=f"quarantine/{key}/",
        )
    return every


def _tables(
    client: Client, shaped: list[Shaped]
) -> tuple[dict[Table, pl.DataFrame], list[Conflicts], pl.DataFrame]:
    tables: dict[Table, pl.DataFrame] = {}
    conflicts: list[Conflicts] = []
    listed: list[pl.DataFrame] = []
    for table in COLUMNS:
        mine = [s for s in shaped if s.table == table]
        if not mine:
            continue
        lines = pl.concat(
            [f.with_columns(pl.lit(s.position).alias(SOURCE)) for s in mine for f in s.frames],
            how="diagonal_relaxed",
        )
        if table == "sends":
            lines = _with_arms(lines, mine)
        if table == "web_events":
            lines = _without_their_visits(lines, mine)
        if table not in KEY:
            tables[table] = lines.select([c for c in stored_columns(table) if c in lines.columns])
            continue
        known = [c for c in COLUMNS[table] if c in lines.columns]
        lines = lines.select(*known, pl.exclude(known))
        unified = unify(lines, table, keep=client.policies.conflict_precedence)
        for source in mine:
            source.stored -= unified.merged[source.position]
            source.excluded[SAME_KEY] += unified.merged[source.position]
        tables[table] = unified.frame
        conflicts.extend(unified.conflicts)
        listed.append(unified.listed)
    return tables, conflicts, pl.concat(listed) if listed else _no_conflicts()


def _with_arms(sends: pl.DataFrame, sources: list[Shaped]) -> pl.DataFrame:
    """Every line with its arm: a campaign without any has one; where there are arms, a blank is left out."""
    armed = pl.col("arm").is_not_null().any().over("campaign_id")
    unknown = sends.select(pl.col("arm").is_null() & armed)["arm"]
    return _leave_out(sends, unknown, sources, NO_ARM).with_columns(pl.col("arm").fill_null(ALL_SENT))


def _without_their_visits(events: pl.DataFrame, sources: list[Shaped]) -> pl.DataFrame:
    """Without what a forgotten customer did before logging in: the visitor is known by other lines.

    What another customer did on the same device stays.
    """
    visitors = set().union(*(s.their_visitors for s in sources))
    if not visitors:
        return events
    nobody = events["customer_id"].is_null() if "customer_id" in events.columns else pl.lit(True)
    theirs = events.select(pl.col("visitor_id").is_in(visitors).fill_null(False) & nobody).to_series()
    return _leave_out(events, theirs, sources, FORGOTTEN)


def _leave_out(lines: pl.DataFrame, out: pl.Series, sources: list[Shaped], rule: str) -> pl.DataFrame:
    lost = Counter(lines.filter(out)[SOURCE].to_list())
    for source in sources:
        source.stored -= lost[source.position]
        source.excluded[rule] += lost[source.position]
    return lines.filter(~out)


def _no_conflicts() -> pl.DataFrame:
    """The list of conflicts of a client without master tables."""
    empty = pl.DataFrame(schema={"customer_id": pl.String, SOURCE: pl.Int64, FILE: pl.String, LINE: pl.Int64})
    return unify(empty, "customers", keep="first").listed
