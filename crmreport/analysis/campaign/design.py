"""The design check: whether a test was carried out so that its result means anything."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import narwhals as nw
import pandas as pd
from narwhals.typing import IntoFrame
from scipy.stats import chi2_contingency

from crmreport.analysis.campaign.arms import arm_statistics
from crmreport.analysis.campaign.as_planned import NOT_AS_PLANNED_LIMIT, AsPlanned
from crmreport.analysis.campaign.assignment import Assignment, assignment
from crmreport.analysis.campaign.balance import balance_table
from crmreport.analysis.campaign.sample_ratio import SRM_ALPHA, SampleRatio, sample_ratio, sample_ratio_by
from crmreport.analysis.ledger import settle, to_pandas
from crmreport.errors import ConfigError

Code = Literal[
    "sample_ratio",
    "sample_ratio_segment",
    "not_as_planned",
    "control_reached",
    "several_arms",
    "unbalanced",
    "repeated_rows",
    "overlap",
    "days_apart",
    "still_running",
    "stopped_early",
    "ran_longer",
    "machine_opens",
]
BLOCKING: frozenset[Code] = frozenset(
    {
        "sample_ratio",
        "sample_ratio_segment",
        "not_as_planned",
        "control_reached",
        "several_arms",
        "unbalanced",
    }
)

# Shares of customers or opens; below them the fault is too small to move an effect.
SEVERAL_ARMS_LIMIT, OVERLAP_LIMIT, MACHINE_LIMIT = 0.01, 0.05, 0.1
# Difference of shares from which the arms differ by another campaign so much that an effect is as well its.
OVERLAP_BLOCKS = 0.2
CONTROL_REACHED_LIMIT = SEVERAL_ARMS_LIMIT
# Shift of an arm's windows against the control's ÷ their length: told above one, blocking above the other.
DAYS_APART_LIMIT, DAYS_APART_BLOCKS = 0.1, 1 / 3


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing found wrong with a test.

    Attributes:
        code: What it is.
        where: Segment, covariate or arm it was found in; empty when it is the whole test.
        value: Its size: p-value (``sample_ratio``…), SMD (``unbalanced``), share of customers
            (``not_as_planned``, of the arm named in ``where``; ``several_arms``, ``repeated_rows``) or of
            the control (``control_reached``), difference of shares (``overlap``), shift ÷ length of the
            windows (``days_apart``), days (``still_running``, ``stopped_early``, ``ran_longer``), share of
            opens (``machine_opens``).
    """

    code: Code
    where: str
    value: float

    @property
    def blocks(self) -> bool:
        """Whether no effect of the test may be told."""
        limits = {"overlap": OVERLAP_BLOCKS, "days_apart": DAYS_APART_BLOCKS}
        return self.code in BLOCKING or abs(self.value) > limits.get(self.code, math.inf)


@dataclass(frozen=True, slots=True)
class Window:
    """Days in which a test was to count outcomes, and did.

    Attributes:
        planned_start: First planned day.
        planned_end: Last planned day.
        start: First day counted.
        end: Last day counted so far.
        as_of: Last visible day.
    """

    planned_start: date
    planned_end: date
    start: date
    end: date
    as_of: date

    def __post_init__(self) -> None:
        if self.planned_end < self.planned_start or self.end < self.start:
            raise ConfigError("a window ends before it starts; check the campaign's dates")

    @property
    def planned_days(self) -> int:
        """Days planned, both ends counted."""
        return (self.planned_end - self.planned_start).days + 1

    @property
    def days(self) -> int:
        """Days counted, both ends counted."""
        return (self.end - self.start).days + 1

    @property
    def reason(self) -> Reason | None:
        """How it departs from the plan; ``still_running`` asks for the always-valid interval."""
        missing = self.planned_days - self.days
        if self.as_of < self.planned_end:
            return Reason("still_running", "", float((self.planned_end - self.as_of).days))
        if missing > 0:
            return Reason("stopped_early", "", float(missing))
        return Reason("ran_longer", "", float(-missing)) if missing < 0 else None


@dataclass(frozen=True)
class DesignCheck:
    """What the design check found.

    Attributes:
        assigned: Customers by arm, repeated rows and customers of several arms.
        sample_ratio: Sizes of the arms against the plan.
        segments: The same by segment: ``column``, ``segment``, ``customers``, ``chi2``, ``p_value``,
            ``p_adjusted``, ``mismatch``.
        balance: Covariates before the campaign; see ``balance_table``.
        overlap: Customers also in other campaigns: ``arm``, ``customers``, ``in_others``, ``share``.
        window: Planned and actual days; None when not told.
        machine_open_share: Share of opens made by machines; nan when not told.
        control_reached: Share of the control to whom a message was delivered all the same; nan when not told.
        days_apart: Largest shift of an arm's windows against the control's ÷ their length; nan when not told.
        as_planned: The customers beside the list that was drawn; None where none is kept.
        sending: Whether a list is still being sent to, so that sizes of arms were not tested.
        reasons: What is wrong, the blocking first.
    """

    assigned: Assignment
    sample_ratio: SampleRatio
    segments: pd.DataFrame
    balance: pd.DataFrame
    overlap: pd.DataFrame
    window: Window | None
    machine_open_share: float
    control_reached: float
    days_apart: float
    as_planned: AsPlanned | None
    sending: bool
    reasons: tuple[Reason, ...]

    @property
    def blocks(self) -> bool:
        """Whether no effect may be told: the arms cannot be compared."""
        return any(reason.blocks for reason in self.reasons)

    @property
    def well_drawn(self) -> bool:
        """Whether nothing is wrong with the lot, though another campaign may hide what it showed."""
        return not any(reason.code in (*BLOCKING, "days_apart") and reason.blocks for reason in self.reasons)

    @property
    def interim(self) -> bool:
        """Whether the planned window has not run out, so that a fixed-horizon p-value would lie."""
        return any(reason.code in ("still_running", "stopped_early") for reason in self.reasons)


def check_design(
    assigned: IntoFrame,
    *,
    planned: Mapping[str, float],
    control: str,
    customer: str = "customer_id",
    arm: str = "arm",
    segments: Sequence[str] = (),
    covariates: Sequence[str] = (),
    others: IntoFrame | None = None,
    window: Window | None = None,
    opens: int = 0,
    machine_opens: int = 0,
    control_reached: float = math.nan,
    days_apart: Mapping[str, float] | None = None,
    as_planned: AsPlanned | None = None,
    sending: bool = False,
) -> DesignCheck:
    """Check a test's design before its results are looked at.

    Blocking: sizes of arms that refute the plan (χ², p < .001), in all or in a segment (Holm over
    the segments of a column); more than 1 % of the customers, or of an arm's, in another arm than was drawn
    for them, not drawn or absent; more than 1 % in several arms; more than 1 % of the control reached all
    the same; covariates unbalanced beyond chance; shares of customers met by other campaigns more than 20
    points apart between an arm and the control, beyond chance: what those did would be credited to this one;
    windows of an arm shifted against the control's by more than a third. The rest is told beside the result.

    Args:
        assigned: Rows of the assignment, the held-out control among them; with the columns named below.
        planned: Share or weight by arm.
        control: Name of the control arm.
        customer: Column with the customer's id.
        arm: Column that names the arm.
        segments: Columns with attributes from before the assignment, such as rank or mail provider.
        covariates: Columns with numbers from before the assignment, such as spend; no blanks.
        others: ``customer_id`` of whoever was sent another campaign within the window.
        window: Planned and actual days.
        opens: Opens counted, machines among them.
        machine_opens: Opens by machines that load every picture.
        control_reached: Share of the control to whom a message was delivered; nan where nobody knows.
        days_apart: Arm → days its windows begin after the control's, beyond chance, ÷ their length.
        as_planned: The customers beside the list that was drawn, where that is kept.
        sending: Whether a list is still being sent to: arms in the log do not have their sizes yet, as when a
            control is listed at once and the rest day by day, so these are told and refute nothing.

    Raises:
        ConfigError: A column or the control is missing, an arm was not planned, counts make no sense.
        DataError: The assignment is empty or has blanks.

    Examples:
        >>> rows = pd.DataFrame({"customer_id": range(900), "arm": ["mail"] * 600 + ["none"] * 300})
        >>> found = check_design(rows, planned={"mail": 1, "none": 1}, control="none")
        >>> found.blocks, [reason.code for reason in found.reasons]
        (True, ['sample_ratio'])
    """
    if control not in planned:
        raise ConfigError(f"the control {control!r} was not planned; the arms are {', '.join(planned)}")
    if not 0 <= machine_opens <= opens:
        raise ConfigError(f"{machine_opens} of {opens} opens are machines'; count both on the same sends")
    people = assignment(assigned, customer=customer, arm=arm, columns=[*segments, *covariates])
    whole = sample_ratio(people.customers, planned=planned)
    by_segment = [
        sample_ratio_by(people.by(column), planned=planned).assign(column=column) for column in segments
    ]
    table = pd.concat(by_segment, ignore_index=True) if by_segment else pd.DataFrame(columns=["mismatch"])
    balance = pd.DataFrame(columns=["unbalanced"])
    if covariates and control in people.customers:
        arms = arm_statistics(people.frame.to_native(), columns=covariates)
        balance = balance_table(arms, covariates=covariates, control=control)
    overlap = pd.DataFrame(columns=["arm", "customers", "in_others", "share"])
    if others is not None:
        overlap = overlap_by_arm(people, others)
    machines = machine_opens / opens if opens else math.nan
    reasons = [
        *([] if sending else _of_sizes(whole, table)),
        *_of_rows(people),
        *_of_plan(as_planned),
        *(
            Reason("unbalanced", str(row["covariate"]), float(row["smd"]))
            for row in balance[balance["unbalanced"].astype("bool")].to_dict("records")
        ),
        *_of_overlap(overlap, control),
        *(
            [Reason("control_reached", control, control_reached)]
            if control_reached > CONTROL_REACHED_LIMIT
            else []
        ),
        *(
            Reason("days_apart", name, shift)
            for name, shift in (days_apart or {}).items()
            if abs(shift) > DAYS_APART_LIMIT
        ),
        *([window.reason] if window is not None and window.reason is not None else []),
        *([Reason("machine_opens", "", machines)] if machines > MACHINE_LIMIT else []),
    ]
    reasons.sort(key=lambda reason: not reason.blocks)
    return DesignCheck(
        assigned=people,
        sample_ratio=whole,
        segments=table,
        balance=balance,
        overlap=overlap,
        window=window,
        machine_open_share=machines,
        control_reached=control_reached,
        days_apart=max((days_apart or {}).values(), key=abs, default=math.nan),
        as_planned=as_planned,
        sending=sending,
        reasons=tuple(reasons),
    )


def overlap_by_arm(people: Assignment, others: IntoFrame) -> pd.DataFrame:
    """Customers of each arm who were sent other campaigns in the window too.

    Args:
        people: The test's customers.
        others: Rows of other campaigns' sends in the window; ``customer_id`` is looked at.

    Returns:
        One row per arm: ``arm``, ``customers``, ``in_others``, ``share``.
    """
    reached = nw.from_native(others).lazy()
    # Settled as the assignment is: frames of two connections cannot be joined.
    reached = settle(reached.group_by("customer_id").agg(nw.len().alias("sends")).select("customer_id"))
    met = people.frame.select("customer_id", "arm").join(reached, on="customer_id", how="semi")
    counted = to_pandas(met.group_by("arm").agg(nw.len().alias("n")), sort_by="arm")
    found = dict(zip(counted["arm"], counted["n"], strict=True))
    table = pd.DataFrame({"arm": list(people.customers), "customers": list(people.customers.values())})
    table["in_others"] = [int(found.get(name, 0)) for name in table["arm"]]
    table["share"] = table["in_others"] / table["customers"]
    return table


def _of_sizes(whole: SampleRatio, segments: pd.DataFrame) -> list[Reason]:
    found: list[Reason] = []
    if whole.mismatch:
        found.append(Reason("sample_ratio", "", whole.p_value))
    for row in segments[segments["mismatch"].astype("bool")].to_dict("records"):
        found.append(Reason("sample_ratio_segment", f"{row['column']}={row['segment']}", row["p_adjusted"]))
    return found


def _of_rows(people: Assignment) -> list[Reason]:
    found: list[Reason] = []
    torn = people.n_several_arms / people.n_customers
    if torn > SEVERAL_ARMS_LIMIT:
        found.append(Reason("several_arms", "", torn))
    if people.n_repeated_rows:
        found.append(Reason("repeated_rows", "", people.n_repeated_rows / people.n_rows))
    return found


def _of_plan(found: AsPlanned | None) -> list[Reason]:
    if found is None or found.holds:
        return []
    arm, share = found.worst_arm
    if found.share > NOT_AS_PLANNED_LIMIT:
        return [Reason("not_as_planned", "", found.share)]
    return [Reason("not_as_planned", arm, share)]


def _of_overlap(overlap: pd.DataFrame, control: str) -> list[Reason]:
    """Arms whose customers met other campaigns more or less often than the control's, beyond chance."""
    rows = {row["arm"]: row for row in overlap.to_dict("records")}
    rest, found = rows.get(control), []
    for name, row in rows.items():
        if rest is None or name == control or abs(row["share"] - rest["share"]) <= OVERLAP_LIMIT:
            continue
        counts = [[r["in_others"], r["customers"] - r["in_others"]] for r in (row, rest)]
        if float(chi2_contingency(counts, correction=False)[1]) < SRM_ALPHA:  # type: ignore[arg-type]
            found.append(Reason("overlap", str(name), row["share"] - rest["share"]))
    return found
