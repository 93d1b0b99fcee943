"""Chapter definitions: what every number means, and the client's decisions behind it."""

from __future__ import annotations

from datetime import date
from typing import Any, Protocol

import pandas as pd

from crmreport.analysis.lifecycle import Thresholds
from crmreport.present.message import Message
from crmreport.present.table import Column, Table
from crmreport.present.text import Text

# In the order a reader meets them; the words stand in the label files definitions and glossary.
NUMBERS = (
    "revenue",
    "purchase",
    "customer",
    "revenue_per_customer",
    "revenue_tree",
    "new_repeat",
    "group_excess",
    "usual_gap_share",
    "decile",
    "cumulative_share",
    "gini",
    "recency",
    "frequency",
    "monetary",
    "rfm_score",
    "segment",
    "migration",
    "axis_share",
    "lift",
    "repeat_rate",
    "coverage",
    "state",
    "churn",
    "newly_lapsed",
    "win_back",
    "good_customer",
    "best_days",
    "stayed",
    "equal_purchases",
    "response_rate",
    "cart_abandonment",
    "cart_recovery",
    "campaign_effect",
    "campaign_profit",
    "profit_probability",
    "interval",
)
TERMS = (
    "as_of",
    "customer",
    "guest",
    "purchase",
    "revenue",
    "repeat",
    "f2",
    "rfm",
    "decile",
    "ctb",
    "lifecycle",
    "new",
    "active",
    "slipping",
    "dormant",
    "lapsed",
    "win_back",
    "lift",
    "share",
    "points",
    "support",
    "noise",
    "quarantine",
    "control_total",
    "action_list",
    "held_out",
    "extra",
)


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


def numbers_table() -> Table:
    """One definition per number."""
    frame = pd.DataFrame({"number": NUMBERS, "definition": NUMBERS})
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
) -> Table:
    """This client's decisions, as they were used.

    Args:
        policies: The client's decisions.
        as_of: Last visible day.
        currency: ISO code.
        timezone: Zone of the client's days.
        fiscal_year_start: Month.
        thresholds: Of the life cycle; None where they would come from purchase gaps and there is none.
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
    frame = pd.DataFrame({"policy": list(settings), "setting": list(settings.values())})
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


def glossary_table() -> Table:
    """Terms, what they mean, and what they are called in the other language."""
    frame = pd.DataFrame({"term": TERMS, "meaning": TERMS, "other_language": TERMS})
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
