"""The plan of a test beside the client file: ``tests/<campaign>.yml`` and the list of customers it drew."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML

from crmreport.config_campaigns import Campaign, CampaignId
from crmreport.errors import ConfigError, DataError
from crmreport.whole_file import write_whole
from crmreport.yaml_file import read_yaml

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "tests"
COLUMNS = ("customer_id", "stratum", "arm")
_SHARES_AGREE = 1e-6
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HEAD = """\
# A test as it was planned, written by crmreport plan-test. Nothing here is to be edited: whoever evaluates
# the campaign compares it with this. `crmreport plan-test --check` draws the list again and compares.
"""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Recipe(_Strict):
    """All that decides who gets which arm, beside the client's data."""

    campaign_id: CampaignId
    as_of: date
    """Last day whose facts count."""
    channel: str
    consent: str | None = None
    """Column of customers that has to say yes; None where none is known."""
    segments: list[str] = []
    """RFM segments whose customers are eligible; all when empty."""
    stratify: list[str] = []
    shares: dict[str, float]
    control: str
    seed: int


class Past(_Strict):
    """A past window that was looked at."""

    start: date
    end: date
    customers: int
    conversion: float
    mean: float


class Seen(_Strict):
    """What one treated arm can show; in the unit of the primary metric, per customer."""

    mde: float | None
    mde_adjusted: float | None
    pays: float | None
    needed: int | None
    """Customers of this arm and the control together."""


class Power(_Strict):
    """Power of the test as planned."""

    power: float
    alpha: float
    conversion: float
    mean: float
    standard_deviation: float
    variance_reduction: float
    windows: list[Past]
    arms: dict[str, Seen]


class CustomerList(_Strict):
    """The file with the customers."""

    file: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    before: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """What it was before customers who asked to be forgotten were last taken off it."""


class PlannedTest(_Strict):
    """What ``tests/<campaign>.yml`` holds."""

    client: str
    recipe: Recipe
    customers: int
    arms: dict[str, int]
    strata: list[dict[str, str | int]]
    assignment: CustomerList
    inputs: dict[str, str]
    """SHA-256 of the files the client's data were read from."""
    forgotten: int = 0
    """Customers taken off the list since, on their request; all other numbers are as drawn."""
    power: Power
    campaigns: list[Campaign]
    """The entry for client.yml."""


def plan_path(folder: Path, campaign_id: str) -> Path:
    """Where the plan of a campaign lies.

    Raises:
        ConfigError: The id cannot be part of a file's name.
    """
    if len(campaign_id) > 80 or not _FILE_NAME.fullmatch(campaign_id):
        raise ConfigError(
            f"campaign {campaign_id!r} cannot be a file's name; use letters a-z, digits, '.', '_' and '-'"
        )
    return folder / FOLDER / f"{campaign_id}.yml"


def write_planned(path: Path, planned: PlannedTest, rows: bytes, *, overwrite: bool) -> None:
    """Write the list, then the plan that names it: a plan that is there is whole.

    Raises:
        ConfigError: There is a plan already.
    """
    refuse_to_replace(path, overwrite=overwrite)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path.with_name(planned.assignment.file), rows)
    write_whole(path, _text(planned))


def name_shorter_list(path: Path, rows: bytes, *, left: int) -> None:
    """Let a plan speak of its list without customers who asked to be forgotten, before that is written.

    Cut off between, the plan names a list that is not there yet; the same again finishes it. A plan whose
    list was not the one it speaks of is left to say so.

    Args:
        path: The plan's own file; the list lies beside it.
        rows: The list without them.
        left: Customers on it.

    Raises:
        ConfigError: The plan cannot be read.
    """
    planned = load_planned(path)
    named = planned.assignment
    there = hashlib.sha256(path.with_name(Path(named.file).name).read_bytes()).hexdigest()
    if there not in (named.sha256, named.before):
        return
    shorter = named.model_copy(update={"sha256": hashlib.sha256(rows).hexdigest(), "before": there})
    update = {"assignment": shorter, "forgotten": planned.customers - left}
    write_whole(path, _text(planned.model_copy(update=update)), lasting=True)


def _text(planned: PlannedTest) -> str:
    """The plan as its file holds it."""
    said = planned.model_dump(mode="json", exclude={"campaigns"})
    if not planned.forgotten:
        del said["forgotten"], said["assignment"]["before"]
    return _HEAD + as_yaml(said) + entry(planned)


def refuse_to_replace(path: Path, *, overwrite: bool) -> None:
    """Raise when there is a plan that may not be replaced.

    Raises:
        ConfigError: There is one, and ``overwrite`` is not set.
    """
    if path.exists() and not overwrite:
        raise ConfigError(
            f"{FOLDER}/{path.name} is there already; a plan is not changed once customers were drawn "
            "(--check compares it, --force replaces it)"
        )


def entry(planned: PlannedTest) -> str:
    """The lines to paste into client.yml."""
    said = [c.model_dump(mode="json", exclude_defaults=True) for c in planned.campaigns]
    return as_yaml({"campaigns": said})


def as_yaml(value: dict[str, Any]) -> str:
    """A plain value as YAML, mappings in their order."""
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 1000
    written = io.StringIO()
    yaml.dump(value, written)
    return written.getvalue()


def load_planned(path: Path) -> PlannedTest:
    """Read a plan.

    Raises:
        ConfigError: It is not there, or not as it was written.
    """
    name = f"{FOLDER}/{path.name}"
    value = read_yaml(path, name=name).value
    try:
        return PlannedTest.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise ConfigError(
            f"{name}: {key}: {first['msg']}; a plan is not edited by hand: take the one that was written"
        ) from None


def plan_faults(path: Path, campaign: Campaign) -> Iterator[tuple[str, str]]:
    """Where an entry of client.yml and the plan it names do not go together.

    Args:
        path: The plan's own file; the list lies beside it.
        campaign: The entry.

    Yields:
        The entry's key, and what is wrong with the way out.
    """
    try:
        planned = load_planned(path)
        drawn_list(path, planned)
    except (ConfigError, DataError) as error:
        yield "plan", str(error)
        return
    yield from disagreements(campaign, planned)


def disagreements(campaign: Campaign, planned: PlannedTest) -> Iterator[tuple[str, str]]:
    """Where an entry of client.yml says otherwise than the plan it names.

    Yields:
        The entry's key, and what is wrong with the way out.
    """
    recipe, plan = planned.recipe, campaign.plan
    if recipe.campaign_id != campaign.id:
        yield (
            "plan",
            f"{plan} is the plan of {recipe.campaign_id!r}, and this campaign is {campaign.id!r}; "
            f"write id: {recipe.campaign_id}, or name this campaign's own plan",
        )
        return
    if campaign.control != recipe.control or (campaign.arms and set(campaign.arms) != set(recipe.shares)):
        yield (
            "control" if campaign.control != recipe.control else "arms",
            f"{plan} drew the arms {', '.join(recipe.shares)} with the control {recipe.control!r}, "
            f"which is not what client.yml says; write arms and control as they were drawn",
        )
        return
    said = {name: arm.share for name, arm in campaign.arms.items()}
    if said and any(abs(_part(said, arm) - _part(recipe.shares, arm)) > _SHARES_AGREE for arm in said):
        yield (
            "arms",
            f"shares {_listed(said)} here, but {plan} drew {_listed(recipe.shares)}; "
            "write the shares that were drawn",
        )


def _part(shares: dict[str, float], arm: str) -> float:
    return shares[arm] / sum(shares.values())


def _listed(shares: dict[str, float]) -> str:
    return ", ".join(f"{arm} {share:g}" for arm, share in shares.items())


def drawn_list(path: Path, planned: PlannedTest) -> bytes:
    """The list of customers as its file holds it.

    Raises:
        DataError: The list is not there, or is not the one that was drawn.
    """
    name = f"{FOLDER}/{planned.assignment.file}"
    try:
        content = path.with_name(Path(planned.assignment.file).name).read_bytes()
    except OSError:
        raise DataError(f"{name}: is not there; put the list that was drawn back") from None
    if hashlib.sha256(content).hexdigest() != planned.assignment.sha256:
        raise DataError(
            f"{name}: is not the list {FOLDER}/{path.name} speaks of (its SHA-256 differs); "
            "put the one that was drawn back"
        )
    return content


def load_assignment(path: Path, planned: PlannedTest) -> pd.DataFrame:
    """The customers as they were drawn: ``customer_id``, ``stratum``, ``arm``, all text.

    Args:
        path: The plan's own file; the list lies beside it.
        planned: What it holds.

    Raises:
        DataError: The list is not there, or is not the one that was drawn.
    """
    import pandas as pd

    frame = pd.read_csv(io.BytesIO(drawn_list(path, planned)), dtype="str", keep_default_na=False)
    return frame[list(COLUMNS)]
