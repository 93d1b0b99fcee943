"""Whether the send log and the campaigns of the client file speak of the same things."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from crmreport.config_campaigns import Campaign, near


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


def _of(campaign: Campaign, arms: dict[str, int]) -> Iterator[str]:
    if not arms:
        yield "no line in the send log yet"
        return
    if campaign.arms:
        for arm, n in arms.items():
            if arm not in campaign.arms:
                yield f"arm {arm!r} ({n:,} lines) is not described; {near(arm, campaign.arms)}"
    if campaign.control is not None and campaign.control not in arms:
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
