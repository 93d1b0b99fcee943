"""A planned test as ``crmreport plan-test`` prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmreport.cli.output import say, say_table

if TYPE_CHECKING:
    from crmreport.analysis.campaign.planned_test import ArmPower
    from crmreport.config_campaigns import Campaign
    from crmreport.plan_test.draft import Draft
    from crmreport.report import Report

_MANY_TESTS = 12
"""Repeats beyond which nobody plans."""


def print_planned(draft: Draft, report: Report, stem: str, *, written: bool) -> None:
    """Print who was drawn, what the test can see, and the entry for client.yml.

    Args:
        draft: The planned test.
        report: The client's data it was drawn from.
        stem: Its files, without their endings.
        written: Whether they were written.
    """
    from crmreport.plan_file import entry

    planned, people = draft.planned, draft.people
    recipe, currency = planned.recipe, report.client.currency
    told = planned.campaigns[0]
    say(f"{recipe.campaign_id}: {planned.customers:,} of {people.known:,} customers known on {recipe.as_of}")
    if recipe.consent:
        say(f"  {people.no_consent:,} have not agreed to {recipe.channel} ({recipe.consent})")
    else:
        say(
            f"  consent to {recipe.channel} is not on file: leave out who did not agree before arms are drawn"
        )
    if recipe.segments:
        say(f"  {people.other_segments:,} are not in {', '.join(recipe.segments)}")
    header = ["stratum", "customers", *planned.arms]
    blank = "(no purchase yet)" if recipe.stratify == ["segment"] else "(blank)" if recipe.stratify else "–"
    rows = [[row["stratum"] or blank, *(row[c] for c in header[1:])] for row in planned.strata]
    say_table(
        header, [*rows, ["all", planned.customers, *planned.arms.values()]], numbers=range(1, len(header))
    )
    for name, n in draft.too_small.items():
        say(
            f"warning: {name} has {n:,} customers; with fewer than {draft.fewest} in an arm nothing can be "
            "judged: give it a larger share"
        )
    power = planned.power
    say(
        f"in {len(power.windows)} windows of {told.window_days} days before: {power.conversion:.1%} bought, "
        f"{power.mean:,.1f} {currency} per customer (standard deviation {power.standard_deviation:,.0f})"
    )
    for name, buyers in draft.too_few_buyers.items():
        say(
            f"warning: {name} can expect {buyers:,.1f} buyers; with fewer than {draft.fewest_buyers} in an "
            "arm no profit can be told: give it a larger share, or a longer window"
        )
    for arm in draft.arms:
        say(f"{arm.arm} against {recipe.control}:")
        for line in _seen(arm, told, currency):
            say(f"  {line}")
    last = told.last_day
    say(f"sent {told.start} to {told.end}; purchases count until {last}: judge it after that day")
    if written:
        say(f"wrote {stem}.csv (SHA-256 {planned.assignment.sha256}) and {stem}.yml; for client.yml:")
    say(entry(planned).rstrip())


def _seen(arm: ArmPower, campaign: Campaign, currency: str) -> list[str]:
    def effect(value: float) -> str:
        if campaign.primary == "conversion":
            return f"{value * 100:.2f} points of conversion"
        return f"{value:,.1f} {currency} per customer"

    found = [f"finds {effect(arm.mde)} and more, with 80% power at 5%"]
    if arm.mde_adjusted < arm.mde:
        found.append(f"  ({effect(arm.mde_adjusted)} adjusted for what customers bought before)")
    if not arm.pays:
        # Nothing is sent for nothing: a cost of 0 is one that was not given.
        return [*found, "what pays is not known: give --cost and --margin"]
    found.append(
        f"pays from {effect(arm.pays)} on "
        f"(just there profit is 0 on average: {arm.alpha * 100:.2g}% of tests roll out)"
    )
    if arm.needed is None:
        return found
    there = arm.n_treatment + arm.n_control
    if arm.suffices:
        return [
            *found,
            f"enough to find just that: it takes {arm.needed.total:,} customers, {there:,} are there",
        ]
    found.append(
        f"an effect of just that takes {arm.needed.total:,} customers to be found, {there:,} are there"
    )
    tests = -(-arm.needed.total // there)
    if tests <= _MANY_TESTS:
        found.append(f"  ({tests} such tests taken together)")
    if arm.n_control < arm.n_treatment:
        found.append("  (a larger control finds smaller effects)")
    return found
