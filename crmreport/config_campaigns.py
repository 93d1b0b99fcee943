"""A campaign as the client file describes it: what was decided before its results were known."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Language = Literal["ja", "en"]
Words = dict[Language, str]
PLAN = r"^tests/[A-Za-z0-9][A-Za-z0-9._-]*\.yml$"
PlaceColumn = Literal["store_id", "prefecture"]
Places = Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]
_PER_CENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_SLASHED = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})")
_SHARES = frozenset({"unsubscribed", "opened", "clicked", "conversion"})
_HARM_IN_PER_CENT = 0.5
"""A harm of so many of the customers is none that would be borne: it was meant in per cent."""
GuardrailMetric = Literal["unsubscribed", "opened", "clicked", "conversion", "orders", "revenue"]


def _as_intake_keeps_it(name: str) -> str:
    kept = " ".join(unicodedata.normalize("NFKC", name).split())
    if kept != name:
        raise ValueError(f"sends hold this as {kept!r}; write it so")
    return name


def _no_per_cent(value: object) -> object:
    """Shares written in per cent are said to be that, with the share to write."""
    text = str(value).strip().replace("％", "%")
    number = _PER_CENT.fullmatch(text)
    if isinstance(value, str) and number is not None:
        raise ValueError(f"write {float(number[1]) / 100:g}")
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 1 < value <= 100:
        raise ValueError(f"should be less than 1; write {value / 100:g} for {value:g}%")
    return value


def _with_hyphens(value: object) -> object:
    if isinstance(value, str) and (found := _SLASHED.fullmatch(value.strip())):
        raise ValueError(f"write {found[1]}-{int(found[2]):02d}-{int(found[3]):02d}")
    return value


CampaignId = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_as_intake_keeps_it)]
ArmName = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_as_intake_keeps_it)]
Rate = Annotated[float, BeforeValidator(_no_per_cent), Field(gt=0, lt=1)]
Day = Annotated[date, BeforeValidator(_with_hyphens)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CampaignArm(_Strict):
    """One arm: its planned share of the customers, and what a reader calls it."""

    share: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """A weight: 0.9 and 0.1, or 9 and 1."""
    name: Words = {}
    """The value in the sends when not given."""


class CampaignCost(_Strict):
    """What a campaign costs, in the client's currency."""

    send: Amount = 0
    """Per customer sent to."""
    coupon: Amount = 0
    """All coupons together, as redeemed."""
    fixed: Amount = 0


class Campaign(_Strict):
    """One campaign of ``campaigns:``; ``id`` is the campaign_id of its sends."""

    id: CampaignId
    name: Words
    channel: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,64}$")]
    """mail, line, sms, app, dm, web, tv, flyer, event … or one of the client's own."""
    kind: Literal["single", "steps", "cart", "area"] = "single"
    """Sent once, in steps, or after a cart was left; area: it ran in some places and was sent to nobody."""
    start: Day
    end: Day
    """First and last planned day of sending; of an area campaign, its first and last day."""
    window_days: Annotated[int, Field(ge=1, le=366)] = 30
    """Purchases count from each customer's first send, so many days, that day the first; of an area
    campaign from its start to so many days from its end, that day the first."""
    where: dict[PlaceColumn, Places] = {}
    """Of an area campaign: the stores of the order lines, or the prefectures of the customers, it ran in."""
    donors: Annotated[list[str], Field(min_length=1)] | None = None
    """Of an area campaign: places to compare with; all others when not given."""
    randomised: bool = False
    """Whether a lot, and nobody's choice, decided the arm."""
    control: ArmName | None = None
    """Arm that was sent nothing; left out when nobody was held out."""
    permanent_holdout: bool = False
    """Whether the control is held out of whatever the client sends, not of this campaign only."""
    arms: dict[ArmName, CampaignArm] = {}
    primary: Literal["revenue", "conversion"] = "revenue"
    guardrails: dict[GuardrailMetric, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = {}
    """Metric → harm still borne, in the metric's unit: 0.005 is 0.5 points."""
    cost: CampaignCost = CampaignCost()
    margin_rate: Rate | None = None
    """Margin before campaign cost ÷ revenue; policies.gross_margin_rate when not given."""
    planned_customers: Annotated[int, Field(ge=1)] | None = None
    """Customers of all arms the test was planned for; looks before the end need it."""
    hypothesis: Words = {}
    next_action: Words = {}
    follows: CampaignId | None = None
    """The campaign this one repeats or tests again."""
    conditioned_on: Literal["opened", "clicked", "redeemed"] | None = None
    """Where arms were made by what customers did after the sending: such a campaign is never judged."""
    plan: Annotated[str, Field(pattern=PLAN)] | None = None
    """Written by ``crmreport plan-test``: who was drawn for which arm, before anything was sent."""

    @model_validator(mode="after")
    def _of_one_piece(self) -> Self:
        if self.end < self.start:
            raise ValueError(f"end: {self.end} lies before start: {self.start}; check both")
        if self.randomised and self.control is None:
            raise ValueError("randomised: true needs control: with the arm that was held out")
        if self.permanent_holdout and not self.randomised:
            raise ValueError("permanent_holdout: true needs randomised: true and control: with its arm")
        if self.control is not None and self.arms and self.control not in self.arms:
            raise ValueError(f"control: {self.control!r} is not an arm; {near(self.control, self.arms)}")
        if self.control is not None and set(self.arms) == {self.control}:
            raise ValueError(f"arms: {self.control!r}, the control, is the only arm; add the one sent to")
        if self.plan is not None and not self.randomised:
            raise ValueError("plan: its customers were drawn by lot; write randomised: true, or take it out")
        if self.kind == "area":
            self._of_an_area()
        elif self.where or self.donors is not None:
            given = "where" if self.where else "donors"
            raise ValueError(f"{given}: is for campaigns that were sent to nobody; write kind: area")
        for metric, harm in self.guardrails.items():
            if metric in _SHARES and harm >= _HARM_IN_PER_CENT:
                raise ValueError(
                    f"guardrails: {metric}: {harm:g} is {harm:.0%} of the customers; "
                    f"write {harm / 100:g} for {harm:g}%"
                )
        if self.follows == self.id:
            raise ValueError(f"follows: {self.id!r} is this campaign itself; name an earlier one")
        return self

    def _of_an_area(self) -> None:
        """It was sent to nobody: nothing that takes customers goes with it."""
        if len(self.where) != 1:
            raise ValueError(
                "kind: area needs where: with the places of one kind, such as where: {store_id: [札幌店]} "
                "or where: {prefecture: [北海道]}"
            )
        (places,) = self.where.values()
        named = [*places, *(self.donors or [])]
        if twice := [name for name in named if named.count(name) > 1]:
            raise ValueError(f"where: and donors: name {twice[0]!r} twice; a place is in one, once")
        of_customers = {
            "arms": bool(self.arms),
            "control": self.control is not None,
            "randomised": self.randomised,
            "guardrails": bool(self.guardrails),
            "planned_customers": self.planned_customers is not None,
            "conditioned_on": self.conditioned_on is not None,
            "plan": self.plan is not None,
            "cost.send": self.cost.send > 0,
            "primary: conversion": self.primary != "revenue",
        }
        if given := [key for key, there in of_customers.items() if there]:
            raise ValueError(
                f"{given[0]} goes with customers, and a campaign of kind: area is sent to nobody; "
                "take it out (its cost is cost.fixed)"
            )

    @property
    def last_day(self) -> date:
        """Last day counted of those who are sent to on the last planned day."""
        return self.end + timedelta(days=self.window_days - 1)

    def said(self) -> Iterator[tuple[tuple[str, ...], Words]]:
        """Every text with its place below the campaign."""
        yield ("name",), self.name
        yield ("hypothesis",), self.hypothesis
        yield ("next_action",), self.next_action
        for arm, settings in self.arms.items():
            yield ("arms", arm, "name"), settings.name

    def words(self, language: Language) -> dict[str, str]:
        """Labels a report needs to speak of this campaign; texts that are not given are not in it.

        Examples:
            >>> mail = Campaign(id="m1", name={"en": "Refill"}, channel="mail",
            ...                 start="2026-08-03", end="2026-08-03")
            >>> mail.words("en")
            {'campaign_name.m1': 'Refill'}
        """
        texts = {
            f"campaign_name.{self.id}": self.name,
            f"campaign_hypothesis.{self.id}": self.hypothesis,
            f"campaign_next.{self.id}": self.next_action,
            **{f"campaign_arm.{self.id}.{arm}": settings.name for arm, settings in self.arms.items()},
        }
        return {key: text[language] for key, text in texts.items() if language in text}


def campaign_faults(
    campaigns: Sequence[Campaign], languages: Sequence[Language]
) -> Iterator[tuple[int, tuple[str, ...], str]]:
    """What only shows when all campaigns of a client are seen together.

    Yields:
        Position in the list, keys below it, and what is wrong with the way out.
    """
    first: dict[str, int] = {}
    for i, campaign in enumerate(campaigns):
        if (other := first.setdefault(campaign.id, i)) != i:
            yield i, ("id",), f"{campaign.id!r} is also campaigns[{other}]; each id once"
    for i, campaign in enumerate(campaigns):
        if campaign.follows is not None and campaign.follows not in first:
            yield i, ("follows",), f"no campaign {campaign.follows!r}; {near(campaign.follows, first)}"
        for place, words in campaign.said():
            for language in languages if words or place == ("name",) else ():
                if not words.get(language, "").strip():
                    yield i, place, f"is not given in {language!r}; add {language}: to it"


def near(given: str, known: Iterable[str]) -> str:
    """The nearest known name, or all of them."""
    names = list(known)
    found = difflib.get_close_matches(given, names, n=1, cutoff=0.6)
    return f"did you mean {found[0]!r}?" if found else f"known are {', '.join(names)}"
