"""Chapter definitions: what every number means, and the client's decisions behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Protocol

import pandas as pd

from crmreport.analysis.lifecycle import Thresholds
from crmreport.present.message import Message
from crmreport.present.table import Column, Table
from crmreport.present.text import Text

_SALES = ("sales", "customers", "decile", "rfm", "ctb", "lifecycle")
_CAMPAIGNS = ("campaigns", "campaign")
_EVERY = (*_SALES, "data_quality", *_CAMPAIGNS, "messages")
_STATES = ("customers", "decile", "rfm", "lifecycle")

# Name → chapters that use it, in the order a reader meets them; the words stand in the label files
# definitions and glossary.
NUMBERS: Mapping[str, tuple[str, ...]] = {
    "revenue": _EVERY,
    "purchase": _EVERY,
    "customer": (*_SALES, "data_quality"),
    "revenue_per_customer": ("sales", "customers", "decile", "rfm"),
    "revenue_tree": ("sales",),
    "new_repeat": ("sales", "rfm", "ctb", "lifecycle"),
    "group_excess": ("customers",),
    "usual_gap_share": ("customers",),
    "decile": ("decile",),
    "cumulative_share": ("decile",),
    "gini": ("decile",),
    "recency": ("rfm", "lifecycle", "campaign"),
    "frequency": ("rfm",),
    "monetary": ("rfm",),
    "rfm_score": ("rfm", "campaign"),
    "segment": ("rfm", "lifecycle", "campaign"),
    "migration": ("rfm",),
    "axis_share": ("ctb",),
    "lift": ("ctb",),
    "repeat_rate": ("ctb",),
    "coverage": ("ctb",),
    "state": _STATES,
    "churn": ("lifecycle",),
    "newly_lapsed": ("lifecycle",),
    "win_back": ("lifecycle",),
    "good_customer": ("rfm", "lifecycle"),
    "best_days": ("lifecycle",),
    "stayed": ("lifecycle",),
    "equal_purchases": ("lifecycle",),
    "response_rate": ("messages",),
    "cart_abandonment": ("messages",),
    "cart_recovery": ("messages",),
    "campaign_effect": _CAMPAIGNS,
    "campaign_profit": _CAMPAIGNS,
    "shrunk_profit": ("campaigns",),
    "profit_probability": _CAMPAIGNS,
    "interval": ("customers", "lifecycle", *_CAMPAIGNS, "messages"),
}
TERMS: Mapping[str, tuple[str, ...]] = {
    "as_of": _EVERY,
    "customer": _EVERY,
    "guest": (*_SALES, "data_quality"),
    "purchase": _EVERY,
    "revenue": _EVERY,
    "repeat": ("sales", "rfm", "ctb"),
    "f2": ("ctb", "lifecycle"),
    "rfm": ("rfm", "campaign"),
    "decile": ("decile",),
    "ctb": ("ctb",),
    "lifecycle": ("lifecycle",),
    "new": ("sales", "rfm", "ctb", "lifecycle"),
    "active": ("decile", "lifecycle"),
    "slipping": ("rfm", "lifecycle"),
    "dormant": (*_STATES, "campaign"),
    "lapsed": (*_STATES, "sales", "data_quality"),
    "win_back": ("customers", "rfm", "lifecycle"),
    "lift": ("ctb",),
    "share": (*_SALES, "data_quality", "campaigns"),
    "points": ("sales", "decile", "ctb", "lifecycle", "campaign", "messages"),
    "support": ("customers", "ctb", "lifecycle"),
    "noise": ("customers", "campaign", "messages"),
    "quarantine": ("data_quality",),
    "control_total": ("data_quality",),
    "action_list": ("customers", "decile", "rfm", "ctb", "lifecycle", "campaign", "messages"),
    "held_out": (*_CAMPAIGNS, "messages"),
    "extra": _CAMPAIGNS,
}
# Settings that not every chapter looks at.
_POLICIES: Mapping[str, tuple[str, ...]] = {
    "fiscal_year_start": (*_SALES, "data_quality"),
    "look_back_months": ("rfm", *_CAMPAIGNS),
    **dict.fromkeys(("slipping_days", "dormant_days", "lapsed_days", "thresholds"), _STATES),
    "minimum_support": ("customers", "ctb", "lifecycle"),
    "gross_margin_rate": _CAMPAIGNS,
    "quarantine_limit": ("data_quality",),
}
_WITHOUT_NUMBERS = {"definitions"}


def _used(entries: Mapping[str, tuple[str, ...]], chapters: Sequence[str]) -> list[str]:
    """Entries that one of the chapters uses; all of them where a chapter is not ours, or none is named."""
    named = set(chapters) - _WITHOUT_NUMBERS
    if not named or not named <= set(_EVERY):
        return list(entries)
    return [name for name, using in entries.items() if named & set(using)]


class Policies(Protocol):
    """The client's decisions that this chapter prints."""

    revenue: Any
    points: Any
    shipping: Any
    purchase_unit: Any
    look_back_months: Any
    zero_value_lines_count: Any
    gross_margin_rate: Any
    quarantine_limit: Any
    mask_small_cells: Any
    minimum_support: Any
    conflict_precedence: Any
    guest_ids: Any
    lifecycle: Any


def message() -> Message:
    """The chapter's heading."""
    return Message("definitions.message", Text("definitions.message"), Text("definitions.method"))


def numbers_table(chapters: Sequence[str] = ()) -> Table:
    """One definition per number.

    Args:
        chapters: Those of the report: only what they use is listed. All where none is named.
    """
    used = _used(NUMBERS, chapters)
    frame = pd.DataFrame({"number": used, "definition": used})
    return Table(
        "definitions.numbers",
        frame,
        (Column("number", "label:number"), Column("definition", "label:definition")),
        title=Text("definitions.numbers_title"),
        note=Text("definitions.numbers_note"),
        max_rows=len(frame),
    )


def policies_table(
    policies: Policies,
    *,
    as_of: date,
    currency: str,
    timezone: str,
    fiscal_year_start: int,
    thresholds: Thresholds | None,
    chapters: Sequence[str] = (),
) -> Table:
    """This client's decisions, as they were used.

    Args:
        policies: The client's decisions.
        as_of: Last visible day.
        currency: ISO code.
        timezone: Zone of the client's days.
        fiscal_year_start: Month.
        thresholds: Of the life cycle; None where they would come from purchase gaps and there is none.
        chapters: Those of the report: settings none of them looks at are left out. All where none is named.
    """
    settings: dict[str, Any] = {
        "as_of": as_of.isoformat(),
        "timezone": timezone,
        "fiscal_year_start": str(fiscal_year_start),
        "currency": currency,
        "revenue": policies.revenue,
        "points": f"points_{policies.points}",
        "shipping": f"shipping_{policies.shipping}",
        "returns": "returns_rule",
        "zero_value_lines": "counts" if policies.zero_value_lines_count else "does_not_count",
        "guest_ids": str(len(policies.guest_ids)),
        "purchase_unit": policies.purchase_unit,
        "look_back_months": "whole_history"
        if policies.look_back_months is None
        else str(policies.look_back_months),
        **_days(policies, thresholds),
        "minimum_support": str(policies.minimum_support),
        "mask_small_cells": "masked" if policies.mask_small_cells else "not_masked",
        "gross_margin_rate": "not_given"
        if policies.gross_margin_rate is None
        else f"{policies.gross_margin_rate:.1%}",
        "quarantine_limit": f"{policies.quarantine_limit:.1%}",
        "conflict_precedence": f"keep_{policies.conflict_precedence}",
    }
    unused = set(_POLICIES) - set(_used(_POLICIES, chapters))
    used = {name: setting for name, setting in settings.items() if name not in unused}
    frame = pd.DataFrame({"policy": list(used), "setting": list(used.values())})
    return Table(
        "definitions.policies",
        frame,
        (Column("policy", "label:policy"), Column("setting", "name:setting")),
        title=Text("definitions.policies_title"),
        note=Text("definitions.policies_note", as_of=as_of),
        max_rows=len(frame),
    )


def _days(policies: Policies, thresholds: Thresholds | None) -> dict[str, str]:
    if thresholds is None:
        given = policies.lifecycle.model_dump()
        return {name: "not_known" if days is None else str(days) for name, days in given.items()} | {
            "thresholds": "no_gaps"
        }
    return {
        "slipping_days": str(thresholds.slipping_days),
        "dormant_days": str(thresholds.dormant_days),
        "lapsed_days": str(thresholds.lapsed_days),
        "thresholds": {0: "from_client", 3: "from_gaps"}.get(len(thresholds.from_gaps), "mixed"),
    }


def glossary_table(chapters: Sequence[str] = ()) -> Table:
    """Terms, what they mean, and what they are called in the other language.

    Args:
        chapters: Those of the report: only what they use is listed. All where none is named.
    """
    used = _used(TERMS, chapters)
    frame = pd.DataFrame({"term": used, "meaning": used, "other_language": used})
    return Table(
        "definitions.glossary",
        frame,
        (
            Column("term", "label:glossary.term"),
            Column("meaning", "label:glossary.meaning"),
            Column("other_language", "label:glossary.other"),
        ),
        title=Text("definitions.glossary_title"),
        note=Text("definitions.glossary_note"),
        max_rows=len(frame),
    )
