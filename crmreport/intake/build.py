"""From the files of all sources to the canonical tables of one store."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from crmreport.config import Client
from crmreport.intake.batch import LINE
from crmreport.intake.forgotten import RULE as FORGOTTEN
from crmreport.intake.forgotten import Forgotten
from crmreport.intake.inputs import REPORT, Input
from crmreport.intake.model import Conflicts
from crmreport.intake.quarantine import refuse_too_many, write_quarantine
from crmreport.intake.shape import FILE, NO_ARM, SAME_KEY, Shaped, shape_source
from crmreport.intake.source_file import SourceFile
from crmreport.intake.summary import summarise
from crmreport.intake.tables import ALL_SENT, COLUMNS, KEY, Table, stored_columns
from crmreport.intake.unify import SOURCE, unify
from crmreport.workspace import Workspace

_ROW_GROUP = 256 * 1024


def build(
    workspace: Workspace, client: Client, key: str, inputs: Sequence[Input], forgotten: Forgotten
) -> None:
    """Build the store of a content key; whoever calls this holds the lock of the client's stores.

    Args:
        inputs: Every file of every source.
        forgotten: Customers whose lines are left out.

    Raises:
        ConfigError: The mapping cannot work.
        DataError: A file cannot be read, or too many of its lines.
    """
    stores = workspace.store(client.client)
    building = Path(tempfile.mkdtemp(prefix=f".building-{key}-", dir=stores))
    try:
        shaped = [
            shape_source(client, table, position, source, _files(inputs, table, position), forgotten)
            for table, sources in client.sources.items()
            for position, source in enumerate(sources, start=1)
        ]
        set_aside = _quarantine(workspace, client, key, shaped)
        tables, conflicts, listed = _tables(client, shaped)
        sums: dict[tuple[Table, int, Path], str] = {
            (i.table, i.position, i.file.path): i.digest for i in inputs
        }
        report = summarise(client, key, shaped, tables, conflicts, set_aside, sums)
        for name, frame in tables.items():
            frame.write_parquet(building / f"{name}.parquet", compression="zstd", row_group_size=_ROW_GROUP)
        listed.write_parquet(building / "conflicts.parquet")
        (building / REPORT).write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
        building.chmod(0o755)
        _publish(building, stores / key)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _files(inputs: Sequence[Input], table: Table, position: int) -> list[SourceFile]:
    return [i.file for i in inputs if (i.table, i.position) == (table, position)]


def _publish(building: Path, final: Path) -> None:
    if final.is_dir() and not (final / REPORT).is_file():
        shutil.rmtree(final)
    try:
        building.rename(final)
    except OSError:
        # Another process built the same key meanwhile: its content is the same.
        if not (final / REPORT).is_file():
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
