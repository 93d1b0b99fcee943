"""The campaigns of some months as one programme: a table, a total counted once, and what stays open."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import narwhals as nw
import pandas as pd
from narwhals.typing import IntoFrame

from crmreport.analysis.campaign.as_sent import as_sent
from crmreport.analysis.campaign.campaign_effect import (
    OUTCOMES,
    campaign_effect,
    customers_sent_to,
    in_margin,
    outcome_of,
    whole_costs,
    whole_profit,
)
from crmreport.analysis.campaign.carry_over import followed_by, status_of
from crmreport.analysis.campaign.contact_pressure import ContactPressure, contact_pressure
from crmreport.analysis.campaign.estimate import Estimate
from crmreport.analysis.campaign.evaluation import Evaluation
from crmreport.analysis.campaign.exposure import Exposure, drawn_by, exposure, window_end
from crmreport.analysis.campaign.overlap import CountedOnce, counted_once
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.campaign.programme_holdout import programme_holdout
from crmreport.analysis.campaign.programme_undrawn import is_undrawn, with_undrawn
from crmreport.analysis.campaign.told_apart import told_apart
from crmreport.analysis.campaign.winners_curse import Programme, programme
from crmreport.analysis.ledger import visible
from crmreport.analysis.observed import ObservedDays, observed_days
from crmreport.period import Period


@dataclass(frozen=True)
class CampaignProgramme:
    """All campaigns that touched the last months.

    Attributes:
        period: The report's period.
        months: Calendar months looked at, up to the period's end.
        since: First day of them.
        n_plans: Campaigns in the client's file, of any time.
        n_earlier: Of them, campaigns whose last window ended before ``since``: not looked at.
        evaluations: The campaigns, by first day of sending (described or seen, see ``as_sent``), then id.
        table: One row per campaign, same order: ``campaign_id``, ``channel``, ``start``, ``end``
            (as described), ``window_end`` (as sent), ``customers`` (sent to), ``held_out`` (both blank
            for a campaign that ran in some places and was sent to nobody), ``grade``, ``verdict``,
            ``reason``, ``outcome``, ``cost``, ``profit``, ``profit_lower``, ``profit_upper``,
            ``p_positive`` (as measured; blank when not known), ``shrunk_profit``,
            ``shrunk_profit_lower``, ``shrunk_profit_upper``, ``status``, ``followed_by``.
        groups: One row per outcome with a campaign in it: ``outcome``, ``campaigns``, ``cost``,
            ``cost_share`` (of the campaigns that are over), ``margin``, ``profit`` (shrunk). The row
            ``total`` stands for the campaigns that are over, with ``profit_lower`` and
            ``profit_upper``; ``running`` comes after it and is not in it.
        total: The campaigns that are over, in margin per customer; None when none is over.
        holdout: Revenue per customer reached by the programme beside those held out of all of it; None
            where nobody can say.
        counted: Revenue in the campaigns' windows, added up and counted once; None without campaigns.
        apart: Pairs of campaigns that met the same customers; see ``told_apart``.
        pressure: Messages per customer in the months.
        observed: Days the order lines say something about.
    """

    period: Period
    months: int
    since: date
    n_plans: int
    n_earlier: int
    evaluations: tuple[Evaluation, ...]
    table: pd.DataFrame
    groups: pd.DataFrame
    total: Programme | None
    holdout: Estimate | None
    counted: CountedOnce | None
    apart: pd.DataFrame
    pressure: ContactPressure
    observed: ObservedDays


def campaign_programme(
    evaluations: Sequence[Evaluation],
    sends: IntoFrame,
    lines: IntoFrame,
    *,
    plans: Sequence[CampaignPlan],
    period: Period,
    months: int = 3,
) -> CampaignProgramme:
    """Put evaluated campaigns together: effects shrunk, money counted once, open questions carried over.

    The total is of campaigns whose windows are over. One whose effect is not known adds its cost and
    nothing else. The profit of a campaign no lot decided is not shrunk, and stands in the total beside
    that of the others (see ``with_undrawn``).

    Effects are shrunk in margin per customer, so that campaigns of different margins stand beside each
    other. Customers held out of everything give the total where there are two campaigns or more, all of
    them over, of one margin rate, each sent once to a list whose arms a lot decided (see
    ``programme_holdout``); else the shrunk effects are added up.

    Args:
        evaluations: Campaigns that touched the months, evaluated; see ``evaluate_all``.
        sends: All rows of the sends, the held-out among them.
        lines: Order lines, on the same engine.
        plans: All campaigns of the client's file; who follows whom is looked up here.
        period: The report's period.
        months: Calendar months looked at, up to the period's end.

    Returns:
        The programme; tables without rows when nothing ran.
    """
    since, as_of = period.trailing(months).start, period.as_of
    # Windows open with the first send and end with the last one's, whatever days were described.
    plans = as_sent(plans, sends, as_of=as_of)
    evaluated = as_sent([evaluation.plan for evaluation in evaluations], sends, as_of=as_of)
    days = {plan.campaign_id: plan for plan in evaluated}
    ordered = tuple(sorted(evaluations, key=lambda e: (days[e.plan.campaign_id].start, e.plan.campaign_id)))
    sent = [evaluation for evaluation in ordered if evaluation.plan.area is None]
    run = [days[evaluation.plan.campaign_id] for evaluation in sent]
    met = exposure(sends, lines, plans=run, as_of=as_of) if run else None
    counted = _counted(sends, lines, run, as_of) if run else None
    drawn = [e.plan.campaign_id for e in ordered if _is_drawn_list(e)]
    holdout = _holdout(sent, met)
    total = with_undrawn(_total([e for e in sent if not is_undrawn(e)], holdout, counted), ordered)
    table = _table(ordered, total, plans, days, period)
    no_pairs = Exposure(pd.DataFrame(), pd.Series(dtype="float64"))
    return CampaignProgramme(
        period=period,
        months=months,
        since=since,
        n_plans=len(plans),
        n_earlier=sum(window_end(plan, as_of=as_of) < since for plan in plans),
        evaluations=ordered,
        table=table,
        groups=_groups(table, total),
        total=total,
        holdout=holdout,
        counted=counted,
        apart=told_apart(met or no_pairs, plans=run, drawn=drawn, as_of=as_of),
        pressure=contact_pressure(sends, plans=plans if run else [], since=since, as_of=as_of),
        observed=observed_days(lines, as_of=as_of),
    )


def _is_drawn_list(evaluation: Evaluation) -> bool:
    """Whether it was sent to a list whose arms a lot decided, and nothing is wrong with the lot.

    Another campaign in one arm alone forbids to tell this one's effect; several campaigns together may
    still be told from those held out of all of them.

    Step mails and cart mails are set off by what a customer does, so being in one may itself be the
    doing of another campaign: customers in both are no fair sample of the other's.
    """
    design, plan = evaluation.design, evaluation.plan
    return plan.kind == "single" and plan.randomised and design is not None and design.well_drawn


def _holdout(ordered: Sequence[Evaluation], met: Exposure | None) -> Estimate | None:
    rates = {e.plan.margin_rate for e in ordered}
    from_lists = all(_is_drawn_list(e) and not e.running for e in ordered)
    if met is None or len(ordered) < 2 or len(rates) > 1 or not all(rates) or not from_lists:
        return None
    return programme_holdout(met)


def _total(
    ordered: Sequence[Evaluation], holdout: Estimate | None, counted: CountedOnce | None
) -> Programme | None:
    effects, costs = {}, {}
    for evaluation in ordered:
        if outcome_of(evaluation) == "running":
            continue
        plan, known = evaluation.plan, campaign_effect(evaluation)
        blank = Estimate(math.nan, math.nan, math.nan, math.nan, customers_sent_to(evaluation), 0)
        effects[plan.campaign_id] = (
            in_margin(known, plan.margin_rate) if known and plan.margin_rate else blank
        )
        costs[plan.campaign_id] = whole_costs(evaluation)
    if not effects:
        return None
    rate = ordered[0].plan.margin_rate
    whole = in_margin(holdout, rate) if holdout is not None and rate else None
    return programme(effects, costs, margin_rate=1.0, holdout=whole, overlap=counted)


def _table(
    ordered: Sequence[Evaluation],
    total: Programme | None,
    plans: Sequence[CampaignPlan],
    days: Mapping[str, CampaignPlan],
    period: Period,
) -> pd.DataFrame:
    rows = []
    for evaluation in ordered:
        plan, judged, profit = days[evaluation.plan.campaign_id], evaluation.judged, whole_profit(evaluation)
        n, responses = customers_sent_to(evaluation), evaluation.responses
        successor = followed_by(plan, plans, as_of=period.as_of)
        rows.append(
            {
                "campaign_id": plan.campaign_id,
                "channel": plan.channel,
                "start": evaluation.plan.start,
                "end": evaluation.plan.end,
                "window_end": window_end(plan, as_of=period.as_of),
                "customers": n if plan.area is None else None,
                "held_out": int(responses["customers"].sum()) - n if plan.area is None else None,
                "grade": judged.grade,
                "verdict": judged.verdict,
                "reason": judged.reason,
                "outcome": outcome_of(evaluation),
                "cost": profit.cost if profit else plan.costs.total(n),
                "profit": profit.profit if profit else math.nan,
                "profit_lower": profit.lower if profit else math.nan,
                "profit_upper": profit.upper if profit else math.nan,
                "p_positive": profit.p_positive if profit else math.nan,
                "status": status_of(evaluation, plan=plan, successor=successor, period=period),
                "followed_by": successor,
            }
        )
    columns = [
        "campaign_id", "channel", "start", "end", "window_end", "customers", "held_out", "grade", "verdict",
        "reason", "outcome", "cost", "profit", "profit_lower", "profit_upper", "p_positive", "status",
        "followed_by",
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns).astype({"customers": "Int64", "held_out": "Int64"})
    shrunk = ["shrunk_profit", "shrunk_profit_lower", "shrunk_profit_upper"]
    if total is None:
        return table.assign(**dict.fromkeys(shrunk, math.nan))
    return table.merge(total.table[["campaign_id", *shrunk]], on="campaign_id", how="left")


def _groups(table: pd.DataFrame, total: Programme | None) -> pd.DataFrame:
    rows = []
    for outcome in OUTCOMES:
        group = table[table["outcome"] == outcome]
        if outcome == "running" and total is not None:
            rows.append(
                {
                    "outcome": "total",
                    "campaigns": len(total.table),
                    "cost": total.cost,
                    "margin": total.revenue,
                    "profit": total.profit,
                    "profit_lower": total.profit_lower,
                    "profit_upper": total.profit_upper,
                }
            )
        if group.empty:
            continue
        profit = float(group["shrunk_profit"].sum(min_count=1))
        cost = float(group["cost"].sum())
        rows.append(
            {
                "outcome": outcome,
                "campaigns": len(group),
                "cost": cost,
                "margin": profit + cost,
                "profit": profit,
                "profit_lower": math.nan,
                "profit_upper": math.nan,
            }
        )
    columns = ["outcome", "campaigns", "cost", "margin", "profit", "profit_lower", "profit_upper"]
    found = pd.DataFrame(rows, columns=columns)
    over = total.cost if total is not None else 0.0
    share = found["cost"] / over if over else pd.Series(math.nan, index=found.index)
    found.insert(3, "cost_share", share.where(found["outcome"] != "running"))
    return found


def _counted(sends: IntoFrame, lines: IntoFrame, run: Sequence[CampaignPlan], as_of: date) -> CountedOnce:
    """Revenue in the campaigns' windows: from the first day of sending to the last customers' last day."""
    treated, first, last = nw.lit(False), nw.lit(run[0].start), nw.lit(run[0].start)
    for plan in run:
        mine = nw.col("campaign_id") == plan.campaign_id
        treated = treated | (mine if plan.control is None else mine & (nw.col("arm") != plan.control))
        first = nw.when(mine).then(nw.lit(plan.start)).otherwise(first)
        last = nw.when(mine).then(nw.lit(window_end(plan, as_of=as_of))).otherwise(last)
    reached = drawn_by(sends, as_of=as_of).filter(treated)
    # From the sends, not from the plans: engines join only what lies in one place.
    windows = reached.select("campaign_id").unique().with_columns(start_date=first, end_date=last)
    spent = visible(lines, as_of=as_of, since=min(plan.start for plan in run))
    return counted_once(spent.to_native(), reached.to_native(), windows.to_native())
