"""Who may be in a test on a given day: known by then, agreed to the channel, in the segments asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from crmreport.analysis.attributes import customer_groups
from crmreport.analysis.campaign.consent import CONSENTS, WITHOUT_CONSENT
from crmreport.analysis.ledger import customer_totals, to_pandas
from crmreport.analysis.rfm import rfm_table, score_rfm
from crmreport.analysis.segments import segment_table
from crmreport.config_campaigns import near
from crmreport.errors import ConfigError
from crmreport.plan_file import Recipe
from crmreport.report import Report

SEGMENT = "segment"
CHANNELS = (*CONSENTS, *WITHOUT_CONSENT)
"""Channels a test can name without the client file naming them first."""


@dataclass(frozen=True)
class Eligible:
    """Customers who may be in a test.

    Args:
        customers: ``customer_id`` and a column per stratum, by id.
        known: Customers known on the day.
        no_consent: Of these, who has not agreed to the channel.
        other_segments: Of the others, who is in none of the segments asked for.
    """

    customers: pd.DataFrame
    known: int
    no_consent: int
    other_segments: int


def consent_column(report: Report, channel: str) -> str | None:
    """The column of customers that says who agreed to a channel; None where the client keeps none."""
    column = CONSENTS.get(channel)
    return column if column and report.has("customers") and column in report.customers.columns else None


def eligible(report: Report, recipe: Recipe, *, day: date) -> Eligible:
    """Customers who may be in the test, as known at the end of ``day``.

    Consent is as the client keeps it now, also for days gone by: its history is not kept.

    Raises:
        ConfigError: A segment or a column to stratify by is not known.
    """
    people = _known(report, recipe.consent, day)
    known = len(people)
    if recipe.consent is not None:
        if recipe.consent not in people:
            raise ConfigError(f"customers have no {recipe.consent} any more; map it again, or plan anew")
        # A blank answer is none.
        people = people[people[recipe.consent].eq(True).fillna(False).astype("bool")]
    agreed = len(people)
    people = people[["customer_id"]]
    if SEGMENT in recipe.stratify or recipe.segments:
        people = people.merge(_segments(report, day), on="customer_id", how="left", validate="one_to_one")
    if recipe.segments:
        for segment in recipe.segments:
            if segment not in report.segments.segments:
                raise ConfigError(f"no segment {segment!r}; {near(segment, report.segments.segments)}")
        people = people[people[SEGMENT].isin(recipe.segments)]
    for column in recipe.stratify:
        if column != SEGMENT:
            people = people.merge(_attribute(report, column, day), on="customer_id", how="left")
    people = people.sort_values("customer_id", ignore_index=True)[["customer_id", *recipe.stratify]]
    return Eligible(people, known, known - agreed, agreed - len(people))


def _known(report: Report, consent: str | None, day: date) -> pd.DataFrame:
    if not report.has("customers"):
        buyers = customer_totals(
            report.order_lines,
            as_of=day,
            unit=report.policies.purchase_unit,
            zero_value_counts=report.policies.zero_value_lines_count,
        )
        return to_pandas(buyers.select("customer_id"), sort_by="customer_id")
    columns = [c for c in ("customer_id", "joined_at", consent) if c and c in report.customers.columns]
    people = report.customers.select(*columns).df().astype({"customer_id": "str"})
    if "joined_at" in columns:
        joined = pd.to_datetime(people["joined_at"])
        people = people[joined.isna() | (joined <= pd.Timestamp(day))]
    return people


def _segments(report: Report, day: date) -> pd.DataFrame:
    since = report.client.looks_back_from(report.client.period(f"{day}..{day}"))
    table = rfm_table(
        report.order_lines,
        as_of=day,
        since=since,
        unit=report.policies.purchase_unit,
        zero_value_counts=report.policies.zero_value_lines_count,
    )
    found = segment_table(score_rfm(table, bins=report.segments.bins), report.segments)
    return to_pandas(found.customers.select("customer_id", SEGMENT), sort_by="customer_id")


def _attribute(report: Report, column: str, day: date) -> pd.DataFrame:
    known = [SEGMENT, *(report.customers.columns if report.has("customers") else [])]
    if not report.has("customers"):
        raise ConfigError(f"--stratify {column}: there is no table of customers; {near(column, known)}")
    if column not in report.customers.columns and column not in ("age_band", "region", "join_year"):
        raise ConfigError(f"--stratify {column}: customers have no such column; {near(column, known)}")
    groups = customer_groups(report.customers, by=column, as_of=day).rename({"group": column})
    return to_pandas(groups, sort_by="customer_id")
