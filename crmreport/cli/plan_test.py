"""``crmreport plan-test``: draw a test's customers, say what it can see, and keep both for the evaluation."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crmreport.cli.files import refuse_missing_demo
from crmreport.cli.options import Client, DryRun, Json
from crmreport.cli.output import say, say_json
from crmreport.cli.planned import print_planned
from crmreport.errors import ConfigError, DataError
from crmreport.workspace import Workspace

if TYPE_CHECKING:
    from crmreport.config import Client as Settings
    from crmreport.config_campaigns import Campaign
    from crmreport.plan_file import PlannedTest, Recipe
    from crmreport.report import Report

_DEFAULT_ARMS = "mail=0.9,holdout=0.1"
_WHOLE = 1e-6
"""Shares such as 0.333, 0.333 and 0.334 add up to 1 but for rounding."""


def plan_test(
    client: Client,
    campaign: Annotated[str, typer.Option(help="The campaign's id, as its sends will have it.")],
    period: Annotated[str | None, typer.Option(help="Draw on the last day of this period.")] = None,
    as_of: Annotated[
        str | None, typer.Option(help="Or on this day; the last one with orders when neither is given.")
    ] = None,
    arms: Annotated[str | None, typer.Option(help=f"Arms and their shares, such as {_DEFAULT_ARMS}.")] = None,
    control: Annotated[str | None, typer.Option(help="The arm that is sent nothing.")] = None,
    channel: Annotated[
        str | None,
        typer.Option(
            help="mail, line, sms, dm …; who has not agreed to it is left out; mail when not given."
        ),
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="Day of sending; the day after the draw when not given.")
    ] = None,
    window_days: Annotated[
        int | None, typer.Option(min=1, max=366, help="Days purchases count; 30 when not given.")
    ] = None,
    primary: Annotated[
        str | None, typer.Option(help="What decides: revenue (when not given) or conversion.")
    ] = None,
    cost: Annotated[float | None, typer.Option(min=0, help="Cost of sending to one customer.")] = None,
    fixed: Annotated[float | None, typer.Option(min=0, help="Cost that does not depend on how many.")] = None,
    margin: Annotated[
        float | None, typer.Option(help="Margin ÷ revenue; policies.gross_margin_rate when not given.")
    ] = None,
    segment: Annotated[
        list[str] | None, typer.Option(help="Only customers of this RFM segment; may be repeated.")
    ] = None,
    stratify: Annotated[
        list[str] | None,
        typer.Option(help="segment, rank or another column of customers, or none; may be repeated."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Another number is another lot.")] = 1,
    check: Annotated[
        bool, typer.Option("--check", help="Draw the list of an existing plan again and compare.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing plan.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Plan a test: who is sent to, who is held out, and how small an effect it can see.

    Writes clients/CLIENT/tests/CAMPAIGN.csv, the list of customers with their arms, and
    CAMPAIGN.yml, the plan. Both can be made again from the client's data, and the list is
    known by its SHA-256. What client.yml says of the campaign need not be said again.

    \b
    Example:
      crmreport plan-test --client shop --campaign 2026-11-refill \\
        --arms mail=0.9,holdout=0.1 --control holdout --cost 3 --margin 0.6
      crmreport plan-test --client shop --campaign 2026-11-refill --check
    """
    from crmreport.config_campaigns import near
    from crmreport.config_file import load_client
    from crmreport.plan_file import load_planned, plan_path, refuse_to_replace, write_planned

    workspace = Workspace.find()
    settings = load_client(workspace.client_file(client), reports=False)
    refuse_missing_demo(workspace, settings)
    path = plan_path(workspace.client(client), campaign)
    if check:
        if not path.is_file():
            there = sorted(each.stem for each in path.parent.glob("*.yml"))
            raise ConfigError(
                f"campaign {campaign!r} has no plan in clients/{client}/tests/; "
                + (near(campaign, there) if there else "no test was planned yet")
            )
        _check(workspace, settings, load_planned(path), json=json)
        return
    if not dry_run:
        refuse_to_replace(path, overwrite=force)
    given = {
        "channel": _known_channel(settings, channel),
        "start": start,
        "window_days": window_days,
        "primary": primary,
        "margin_rate": margin,
        "control": control,
        "arms": None if arms is None else _arms(arms),
        "cost": {k: v for k, v in (("send", cost), ("fixed", fixed)) if v is not None} or None,
    }
    from crmreport.plan_test.draft import draft_test
    from crmreport.plan_test.eligible import consent_column

    report = _open(workspace, settings, period=period, as_of=as_of)
    told = _campaign(settings, campaign, {k: v for k, v in given.items() if v is not None}, report.as_of)
    recipe = _recipe(report, told, consent_column(report, told.channel), segment, stratify, seed)
    draft = draft_test(report, recipe, told)
    if not dry_run:
        write_planned(path, draft.planned, draft.rows, overwrite=force)
    if json:
        say_json(draft.planned.model_dump(mode="json"))
    else:
        print_planned(draft, report, f"clients/{client}/tests/{campaign}", written=not dry_run)


def _open(workspace: Workspace, settings: Settings, *, period: str | None, as_of: str | None) -> Report:
    from crmreport.intake import open_store
    from crmreport.report import open_report

    if period is not None and as_of is not None:
        raise ConfigError("--period and --as-of both name a day; give one of them")
    if period is None:
        ledger = open_store(workspace, settings).report
        day = as_of or str(ledger.last_day)
        # Nobody need have ordered on the day of the draw itself.
        period = f"{min(str(ledger.first_day), day)}..{day}"
    return open_report(settings.client, period, settings.languages[0])


def _arms(text: str) -> dict[str, dict[str, float]]:
    """``mail=0.9,holdout=0.1`` as the client file has it."""
    found: dict[str, dict[str, float]] = {}
    for part in text.split(","):
        name, _, share = part.partition("=")
        try:
            value = float(share)
        except ValueError:
            value = 0.0
        if not name.strip() or not value > 0 or name.strip() in found:
            raise ConfigError(f"--arms: {part!r} is no arm with a share; write {_DEFAULT_ARMS}")
        found[name.strip()] = {"share": value}
    whole = sum(arm["share"] for arm in found.values())
    if abs(whole - 1) > _WHOLE:
        raise ConfigError(
            f"--arms: the shares add up to {whole:g}; give shares that add up to 1, such as {_DEFAULT_ARMS}"
        )
    return found


def _known_channel(settings: Settings, channel: str | None) -> str | None:
    from crmreport.config_campaigns import near
    from crmreport.plan_test.eligible import CHANNELS

    known = dict.fromkeys([*CHANNELS, *(c.channel for c in settings.campaigns)])
    if channel is not None and channel not in known:
        raise ConfigError(f"--channel {channel!r} is not known; {near(channel, known)}")
    return channel


def _campaign(settings: Settings, campaign_id: str, given: dict[str, Any], as_of: date) -> Campaign:
    """The campaign as client.yml has it, where it does, with what the command says over it."""
    from pydantic import ValidationError

    from crmreport.config_campaigns import Campaign

    known = next((c for c in settings.campaigns if c.id == campaign_id), None)
    said = known.model_dump(exclude_unset=True) if known else {}
    if known is None:
        day = as_of + timedelta(days=1)
        names = dict.fromkeys(settings.languages, campaign_id)
        said = {"id": campaign_id, "name": names, "channel": "mail", "start": day, "end": day}
    if "start" in given:
        said["end"] = max(str(given["start"]), str(said["end"])) if known else given["start"]
    if "cost" in given:
        given["cost"] = {**said.get("cost", {}), **given["cost"]}
    said = {**said, **given, "randomised": True}
    if not said.get("arms") or not said.get("control"):
        raise ConfigError(
            f"campaign {campaign_id!r}: arms and control are not known; "
            f"give --arms {_DEFAULT_ARMS} --control holdout, or write them in client.yml"
        )
    try:
        campaign = Campaign.model_validate(said)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigError(
            f"campaign {campaign_id!r}: {where}: {first['msg']}".replace("Value error, ", "").replace(
                ": : ", ": "
            )
        ) from None
    if campaign.start <= as_of:
        raise ConfigError(
            f"campaign {campaign_id!r} is sent on {campaign.start}, but customers would be drawn by what "
            f"is known on {as_of}; give an earlier --as-of, or a later --start"
        )
    return campaign


def _recipe(
    report: Report,
    campaign: Campaign,
    consent: str | None,
    segments: list[str] | None,
    stratify: list[str] | None,
    seed: int,
) -> Recipe:
    from crmreport.plan_file import Recipe

    assert campaign.control is not None
    strata = ["segment"] if stratify is None else [s for s in stratify if s != "none"]
    return Recipe(
        campaign_id=campaign.id,
        as_of=report.as_of,
        channel=campaign.channel,
        consent=consent,
        segments=segments or [],
        stratify=strata,
        shares={name: arm.share for name, arm in campaign.arms.items()},
        control=campaign.control,
        seed=seed,
    )


def _check(workspace: Workspace, settings: Settings, planned: PlannedTest, *, json: bool) -> None:
    import hashlib

    from crmreport.plan_file import drawn_list, plan_path
    from crmreport.plan_test.draft import redraw

    if planned.forgotten:
        drawn_list(plan_path(workspace.client(settings.client), planned.recipe.campaign_id), planned)
        if json:
            said = {"agrees": None, "sha256": None, "planned": planned.assignment.sha256}
            say_json({**said, "forgotten": planned.forgotten})
        else:
            say(
                f"{planned.assignment.file}: {planned.forgotten:,} customers were forgotten since it was "
                "drawn, so that it cannot be drawn again; the list is the one the plan names"
            )
        return
    report = _open(workspace, settings, period=None, as_of=str(planned.recipe.as_of))
    again = hashlib.sha256(redraw(report, planned.recipe)).hexdigest()
    agrees = again == planned.assignment.sha256
    now = {each.name: each.sha256 for each in report.intake.inputs}
    changed = sorted(n for n in {*now, *planned.inputs} if now.get(n) != planned.inputs.get(n))
    if json:
        say_json(
            {"agrees": agrees, "sha256": again, "planned": planned.assignment.sha256, "changed": changed}
        )
    if not agrees:
        since = f"since then {', '.join(changed)} changed" if changed else "the client's data did not change"
        raise DataError(
            f"{planned.assignment.file}: drawn again the list has another SHA-256; {since}; "
            "the list that was drawn stands, keep it"
        )
    if not json:
        say(f"{planned.assignment.file}: drawn again, the same {planned.customers:,} customers and arms")
