"""Whether the send log and the campaigns of the client file speak of the same things."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from crmreport.config_campaigns import Campaign, near
from crmreport.errors import DataError
from crmreport.intake.tables import ALL_SENT


def undescribed(sends: Path, campaigns: Sequence[Campaign]) -> list[str]:
    """Where the log and the descriptions differ, a line each: a slip of one letter is the usual reason.

    Args:
        sends: The stored table.
        campaigns: What the client file says.
    """
    log = pl.scan_parquet(sends)
    counted = log.group_by("campaign_id", "arm").len().sort("campaign_id", "arm").collect()
    lines: dict[str, dict[str, int]] = {}
    for campaign, arm, n in counted.iter_rows():
        lines.setdefault(campaign, {})[arm] = n
    known = {c.id: c for c in campaigns}
    found = [
        f"campaign {name!r}: {sum(arms.values()):,} lines, but it is not described; {near(name, known)}"
        if known
        else f"campaign {name!r}: {sum(arms.values()):,} lines, but it is not described; add it to campaigns:"
        for name, arms in lines.items()
        if name not in known
    ]
    for campaign in sorted(campaigns, key=lambda c: (c.start, c.id)):
        found.extend(
            f"campaign {campaign.id!r}: {said}" for said in _of(campaign, lines.get(campaign.id, {}))
        )
        found.extend(f"campaign {campaign.id!r}: {said}" for said in _early(campaign, log))
    return found


def unjudged(sends: Path, campaigns: Sequence[Campaign]) -> list[str]:
    """Campaigns whose arms the log names otherwise, a line each: an evaluation would refuse them.

    Without a control nothing is compared by arms, and other names do no harm.

    Args:
        sends: The stored table.
        campaigns: What the client file says.
    """
    counted = pl.scan_parquet(sends).group_by("campaign_id", "arm").len().sort("campaign_id", "arm").collect()
    found = []
    for campaign in campaigns:
        if campaign.control is None or not campaign.arms:
            continue
        lines = {
            arm: n
            for name, arm, n in counted.iter_rows()
            if name == campaign.id and arm is not None and arm not in campaign.arms
        }
        if lines:
            named = ", ".join(f"{arm!r} ({n:,} lines)" for arm, n in lines.items())
            way = (
                "map the column of arms under sources.sends.columns, and its values with codes: arm:"
                if set(lines) == {ALL_SENT}
                else "map it with codes: arm: under sources.sends, or add it to arms:"
            )
            found.append(
                f"campaign {campaign.id!r}: the send log has the arm {named}, "
                f"described are {', '.join(campaign.arms)}; {way}"
            )
    return found


def refuse_unjudged(sends: Path, campaigns: Sequence[Campaign]) -> None:
    """Refuse what :func:`unjudged` finds, before a chapter spends minutes on the way to it.

    Raises:
        DataError: One line per campaign.
    """
    if any(c.control is not None and c.arms for c in campaigns) and (found := unjudged(sends, campaigns)):
        raise DataError("\n".join(found))


def unsold(order_lines: Path, customers: Path | None, campaigns: Sequence[Campaign]) -> list[str]:
    """Places of campaigns of kind area in which no order was placed or no customer lives, a line each.

    Args:
        order_lines: The stored table.
        customers: The stored table; None where the client sends none.
        campaigns: What the client file says.
    """
    tables = {"store_id": order_lines, "prefecture": customers}
    known: dict[str, list[str]] = {}
    found = []
    for campaign in campaigns:
        for column, places in campaign.where.items():
            if column not in known:
                known[column] = _values(tables[column], column)
            found.extend(
                f"campaign {campaign.id!r}: {column} {place!r} is not in the data; "
                + (near(place, known[column]) if known[column] else f"map {column} under sources:")
                for place in (*places, *(campaign.donors or ()))
                if place not in known[column]
            )
    return found


def _values(table: Path | None, column: str) -> list[str]:
    if table is None:
        return []
    lines = pl.scan_parquet(table)
    if column not in lines.collect_schema().names():
        return []
    return lines.select(pl.col(column).drop_nulls().unique().sort()).collect().to_series().to_list()


def _of(campaign: Campaign, arms: dict[str, int]) -> Iterator[str]:
    if campaign.kind == "area":
        if n := sum(arms.values()):
            yield f"{n:,} lines in the send log, but kind: area is sent to nobody; check its id or its kind"
        return
    if not arms:
        yield "no line in the send log yet"
        return
    if campaign.arms:
        for arm, n in arms.items():
            if arm not in campaign.arms:
                yield f"arm {arm!r} ({n:,} lines) is not described; {near(arm, campaign.arms)}"
    if campaign.control is not None and campaign.control not in arms:
        if campaign.plan is not None:
            yield f"no line of the control {campaign.control!r}; it will be the one drawn in {campaign.plan}"
        else:
            yield f"no line of the control {campaign.control!r}; whoever was held out belongs into the log"


def _early(campaign: Campaign, log: pl.LazyFrame) -> Iterator[str]:
    early = log.filter(pl.col("campaign_id") == campaign.id, pl.col("sent_on") < campaign.start)
    if campaign.control is not None:
        # A control stands in the log with the time of the draw, which may well come before the sending.
        early = early.filter(pl.col("arm").ne_missing(campaign.control))
    n, first = early.select(pl.len(), pl.col("sent_on").min()).collect().row(0)
    if n:
        yield (
            f"{n:,} lines sent before its start {campaign.start}, the first on {first}; "
            "check start: and sent_at"
        )
