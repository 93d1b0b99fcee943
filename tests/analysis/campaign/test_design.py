"""The design check: a sound test passes, each planted fault is found under its code and no other."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmreport.analysis.campaign.assignment import assignment
from crmreport.analysis.campaign.design import Window, check_design, overlap_by_arm
from crmreport.errors import ConfigError

PLAN = {"line": 0.45, "mail": 0.45, "none": 0.1}
OCTOBER = {"planned_start": date(2026, 10, 1), "planned_end": date(2026, 10, 28), "start": date(2026, 10, 1)}


@pytest.fixture(scope="module")
def sent() -> pd.DataFrame:
    rng = np.random.default_rng(9)
    n = 8000
    return pd.DataFrame(
        {
            "customer_id": [f"c{i:05d}" for i in range(n)],
            "arm": rng.choice(list(PLAN), n, p=list(PLAN.values())),
            "provider": rng.choice(["docomo", "gmail", "yahoo"], n),
            "before": rng.gamma(0.7, 9000, n),
        }
    )


def codes(found):
    return [(reason.code, reason.where) for reason in found.reasons]


def check(rows, **options):
    return check_design(
        rows, planned=PLAN, control="none", segments=["provider"], covariates=["before"], **options
    )


def test_a_sound_test_has_nothing_against_it(engine, sent):
    window = Window(**OCTOBER, end=date(2026, 10, 28), as_of=date(2026, 10, 31))
    found = check(engine(sent), window=window, opens=1000, machine_opens=50)
    assert codes(found) == []
    assert (found.blocks, found.interim) == (False, False)
    assert found.sample_ratio.df == 2
    assert sum(found.assigned.customers.values()) == len(sent)
    assert found.segments["customers"].sum() == len(sent)
    assert found.balance[["arm", "covariate"]].values.tolist() == [["line", "before"], ["mail", "before"]]


def test_a_provider_that_lost_its_treated_customers(engine, sent):
    lost = (sent["provider"] == "docomo") & (sent["arm"] == "mail") & (sent.index % 5 < 2)
    found = check(engine(sent[~lost]))
    assert ("sample_ratio_segment", "provider=docomo") in codes(found)
    assert found.blocks


def test_arms_drawn_by_spend_are_unbalanced(engine, sent):
    best = sent["before"] > sent["before"].quantile(0.7)
    drawn = sent.assign(before=sent["before"].where(~(best & (sent["arm"] == "mail")), sent["before"] * 2))
    found = check(engine(drawn))
    assert codes(found) == [("unbalanced", "before")]
    assert (found.blocks, found.well_drawn) == (True, False)


def test_customers_of_several_arms_and_repeated_rows(engine, sent):
    again = sent[:80]
    repeated = check(engine(pd.concat([sent, again])))
    assert codes(repeated) == [("repeated_rows", "")]
    assert repeated.reasons[0].value == pytest.approx(80 / 8080)
    assert not repeated.blocks
    other = sent[:400].assign(arm=sent["arm"].map({"line": "mail", "mail": "line", "none": "mail"}))
    torn = check(engine(pd.concat([sent, other])))
    assert ("several_arms", "") in codes(torn)
    assert torn.blocks
    assert torn.assigned.n_several_arms == 400


def test_another_campaign_for_one_arm(engine, sent):
    mail = sent.loc[sent["arm"] == "mail", ["customer_id"]]
    found = check(engine(sent), others=engine(pd.concat([mail[:500], mail[:50]])))
    assert codes(found) == [("overlap", "mail")]
    share = 500 / len(mail)
    assert found.reasons[0].value == pytest.approx(share)
    assert found.overlap["in_others"].tolist() == [0, 500, 0]
    assert not found.blocks


@pytest.mark.parametrize(
    ("arm", "share", "blocks"),
    [
        pytest.param("mail", 0.19, False, id="19 points: told beside the result"),
        pytest.param("mail", 0.21, True, id="21 points: whose effect it was nobody knows"),
        pytest.param("mail", 1.0, True, id="the same holdout in both"),
        pytest.param("none", 0.5, True, id="only the held-out met the other one"),
    ],
)
def test_another_campaign_in_one_arm_alone_blocks(sent, arm, share, blocks):
    people = sent.loc[sent["arm"] == arm, ["customer_id"]]
    found = check(sent, others=people[: round(share * len(people))])
    assert {reason.code for reason in found.reasons} == {"overlap"}
    assert (found.blocks, found.reasons[0].blocks) == (blocks, blocks)
    assert found.well_drawn


def test_another_campaign_that_met_every_arm_alike_is_nothing_against_a_test(sent):
    assert codes(check(sent, others=sent[["customer_id"]])) == []


@pytest.mark.parametrize(
    ("end", "as_of", "code", "days", "interim"),
    [
        pytest.param(20, 20, "still_running", 8, True, id="looked at while it runs"),
        pytest.param(20, 31, "stopped_early", 8, True, id="stopped early"),
        pytest.param(31, 31, "ran_longer", 3, False, id="ran longer"),
    ],
)
def test_a_window_that_departs_from_the_plan(sent, end, as_of, code, days, interim):
    window = Window(**OCTOBER, end=date(2026, 10, end), as_of=date(2026, 10, as_of))
    found = check(sent, window=window)
    assert codes(found) == [(code, "")]
    assert found.reasons[0].value == days
    assert (found.interim, found.blocks) == (interim, False)


def test_machines_that_open_mails(sent):
    found = check(sent, opens=2000, machine_opens=700)
    assert codes(found) == [("machine_opens", "")]
    assert found.machine_open_share == 0.35
    assert math.isnan(check(sent).machine_open_share)


def test_a_control_nobody_is_in_is_told_not_raised(sent):
    found = check(sent[sent["arm"] != "none"])
    assert ("sample_ratio", "") in codes(found)
    assert found.blocks


def test_the_blocking_reasons_come_first(sent):
    rows = pd.concat([sent[(sent["arm"] != "none") | (sent.index % 2 == 0)], sent[:3]])
    found = check(rows, opens=10, machine_opens=9)
    assert [reason.blocks for reason in found.reasons] == sorted(
        (reason.blocks for reason in found.reasons), reverse=True
    )
    assert found.reasons[0].code == "sample_ratio"


@pytest.mark.real
def test_campaign_18_of_complete_journey_overlaps(shared_data: Path, golden):
    folder = shared_data / "data" / "completejourney"
    sends = pd.read_parquet(folder / "campaigns.parquet").rename(columns={"household_id": "customer_id"})
    wanted = golden["complete_journey_campaign18"]
    households = pd.read_parquet(folder / "transactions.parquet", columns=["household_id"])["household_id"]
    sent_18 = set(sends.loc[sends["campaign_id"] == 18, "customer_id"])
    everyone = pd.DataFrame({"customer_id": np.unique(households)})
    everyone["arm"] = np.where(everyone["customer_id"].isin(sent_18), "t", "c")
    others = sends[sends["campaign_id"].isin(wanted["overlap"]["campaigns_overlapping_in_time"])]
    shares = overlap_by_arm(assignment(everyone), others).set_index("arm")["share"]
    assert (shares["t"], shares["c"]) == pytest.approx(
        (
            wanted["overlap"]["share_treated_in_other_overlapping"],
            wanted["overlap"]["share_control_in_other_overlapping"],
        ),
        rel=1e-6,
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"control": "nobody"}, "control 'nobody' was not planned", id="control"),
        pytest.param({"control": "none", "opens": 5, "machine_opens": 6}, "6 of 5 opens", id="opens"),
    ],
)
def test_refusals(sent, options, message):
    with pytest.raises(ConfigError, match=message):
        check_design(sent, planned=PLAN, **options)


def test_a_window_has_a_beginning_and_an_end():
    with pytest.raises(ConfigError, match="ends before it starts"):
        Window(**OCTOBER, end=date(2026, 9, 1), as_of=date(2026, 10, 31))
