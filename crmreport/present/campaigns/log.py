"""The PDCA log: hypothesis, result and next action of each campaign, and what is carried to next month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pandas as pd

from crmreport.analysis.campaign.campaign_programme import CampaignProgramme
from crmreport.analysis.campaign.evaluation import Evaluation
from crmreport.present import Column, Note, Table, Text
from crmreport.present.campaign.reading import too_few

PDCA, STATUSES = "campaigns.pdca", "campaigns.statuses"
# In the order a reader follows them; the row "next" adds up what the next month begins with.
_STATUSES = ("settled", "followed", "running", "open", "carried")
CARRIED = ("open", "carried")
# Reasons that call for something else than their verdict does.
_SPECIAL = (
    "still_running",
    "no_profit_known",
    "sent_otherwise",
    "assignment_broken",
    "duplicate_customers",
    "not_evaluable",
)


class Described(Protocol):
    """What the client file says of a campaign in words."""

    @property
    def id(self) -> str:
        """As in the sends."""
        ...

    @property
    def hypothesis(self) -> Mapping[Any, str]:
        """Language → what was expected; empty when nobody wrote it down."""
        ...

    @property
    def next_action(self) -> Mapping[Any, str]:
        """Language → what is to be done next; empty to leave it to the verdict."""
        ...


def log(found: CampaignProgramme, described: Sequence[Described]) -> list[Note | Table]:
    """How many hypotheses stand where, and the log; nothing without campaigns."""
    if found.table.empty:
        return []
    return [_note(found), statuses_table(found), log_table(found, described)]


def log_table(found: CampaignProgramme, described: Sequence[Described]) -> Table:
    """One row per campaign, in order of their start; its CSV opens the next month's log."""
    frame = found.table[
        ["campaign_id", "start", "window_end", "verdict", "reason", "profit", "status", "followed_by"]
    ].copy()
    known = {campaign.id: campaign for campaign in described}
    said = [known.get(name) for name in frame["campaign_id"]]
    stated = [bool(one and one.hypothesis) for one in said]
    frame["hypothesis_key"] = frame["campaign_id"].where(pd.Series(stated, index=frame.index))
    own = pd.Series([bool(one and one.next_action) for one in said], index=frame.index)
    # A key of the labels: the client's own words by id, else those for the reason or the verdict.
    by_verdict = frame["reason"].where(frame["reason"].isin(_SPECIAL), frame["verdict"] + _endings(found))
    frame["next_action_key"] = frame["campaign_id"].where(own, by_verdict)
    for what in ("hypothesis", "next_action"):
        for lang in sorted({lang for one in said if one for lang in getattr(one, what)}):
            frame[f"{what}_{lang}"] = [getattr(one, what).get(lang) if one else None for one in said]
    return Table(
        PDCA,
        frame,
        (
            Column("campaign_id", "name:campaign_name"),
            Column("hypothesis_key", "name:campaign_hypothesis", label="campaigns.column.hypothesis"),
            Column("verdict", "label:campaign_terms.verdict", label="campaigns.column.result"),
            Column("next_action_key", "name:campaign_next", label="campaigns.column.next_action"),
            Column("status", "label:status"),
        ),
        title=Text("campaigns.pdca.title"),
        note=Text(
            "campaigns.pdca.note", since=found.since, as_of=found.period.as_of, earlier=_earlier(found)
        ),
    )


def _endings(found: CampaignProgramme) -> list[str]:
    """What follows the verdict in a key of the labels."""
    return [_ending(each) for each in found.evaluations]


def _ending(each: Evaluation) -> str:
    """Without a lot more customers prove nothing; with one they may be all it takes; places are drawn."""
    open_, blind = (each.judged.verdict == name for name in ("keep_testing", "cannot_say"))
    if each.plan.area is not None:
        return "_area" if open_ or blind else ""
    if too_few(each):
        return "_few"
    return "_chosen" if open_ and not each.plan.randomised else ""


def _earlier(found: CampaignProgramme) -> Text:
    case = "some" if found.n_earlier else "none"
    return Text(f"campaigns.pdca.earlier.{case}", n=found.n_earlier)


def statuses(found: CampaignProgramme) -> pd.DataFrame:
    """Campaigns and cost by where the hypothesis stands; ``next`` is carried to the next month."""
    rows = []
    for name in (*_STATUSES, "next"):
        group = found.table[found.table["status"].isin(CARRIED if name == "next" else (name,))]
        if len(group) or name == "next":
            rows.append((name, len(group), float(group["cost"].sum())))
    return pd.DataFrame(rows, columns=["status", "campaigns", "cost"])


def statuses_table(found: CampaignProgramme) -> Table:
    """How many hypotheses stand where."""
    return Table(
        STATUSES,
        statuses(found),
        (
            Column("status", "label:standing"),
            Column("campaigns", "count"),
            Column("cost", "money"),
        ),
        title=Text("campaigns.statuses.title"),
        note=Text("campaigns.statuses.note", start=found.period.start, as_of=found.period.as_of),
    )


def _note(found: CampaignProgramme) -> Note:
    now = statuses(found).set_index("status")["campaigns"]
    carried, older = int(now["next"]), int(now.get("carried", 0))
    case = "none" if not carried else "older" if older else "new"
    return Note(Text(f"campaigns.pdca.{case}", n=carried, older=older))
