"""The send log beside the campaigns of the client file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from crmreport.analysis.campaign import sent
from crmreport.config_campaigns import Campaign, CampaignArm
from crmreport.errors import DataError
from crmreport.intake import tables
from crmreport.intake.described import refuse_unjudged, undescribed, unjudged, unsold

DAY = date(2026, 10, 5)


def campaign(id: str, *arms: str, control: str | None = None, start: date = DAY) -> Campaign:
    return Campaign(
        id=id,
        name={"en": id},
        channel="mail",
        start=start,
        end=start,
        arms={arm: CampaignArm(share=1) for arm in arms},
        control=control,
    )


TEST = campaign("m1", "mail", "holdout", control="holdout")


def log(path: Path, rows: list[tuple[str, str, date]]) -> None:
    schema = {"campaign_id": pl.String, "arm": pl.String, "sent_on": pl.Date}
    pl.DataFrame(rows, schema=schema, orient="row").write_parquet(path)


@pytest.mark.parametrize(
    ("rows", "campaigns", "said"),
    [
        pytest.param([("m1", "mail"), ("m1", "holdout")], [TEST], [], id="all is described"),
        pytest.param(
            [("m-1", "mail")] * 2,
            [campaign("m1")],
            [
                "campaign 'm-1': 2 lines, but it is not described; did you mean 'm1'?",
                "campaign 'm1': no line in the send log yet",
            ],
            id="a slip in an id",
        ),
        pytest.param(
            [("m1", "sent")],
            [],
            ["campaign 'm1': 1 lines, but it is not described; add it to campaigns:"],
            id="nothing described",
        ),
        pytest.param(
            [("m1", "maill"), ("m1", "holdout")],
            [TEST],
            ["campaign 'm1': arm 'maill' (1 lines) is not described; did you mean 'mail'?"],
            id="a slip in an arm",
        ),
        pytest.param(
            [("m1", "mail")],
            [TEST],
            ["campaign 'm1': no line of the control 'holdout'; whoever was held out belongs into the log"],
            id="nobody held out",
        ),
        pytest.param([("m1", "sent")], [campaign("m1")], [], id="no arms"),
        pytest.param(
            [],
            [campaign("b"), campaign("c", start=date(2026, 9, 1))],
            ["campaign 'c': no line in the send log yet", "campaign 'b': no line in the send log yet"],
            id="an empty log",
        ),
    ],
)
def test_what_differs_is_said(
    tmp_path: Path, rows: list[tuple[str, str]], campaigns: list[Campaign], said: list[str]
) -> None:
    path = tmp_path / "sends.parquet"
    log(path, [(campaign, arm, DAY) for campaign, arm in rows])
    assert undescribed(path, campaigns) == said


@pytest.mark.parametrize(
    ("days", "said"),
    [
        pytest.param({"mail": [5, 6], "holdout": [5]}, [], id="as described"),
        pytest.param({"mail": [5], "holdout": [1]}, [], id="drawn before the start, sent on it"),
        pytest.param(
            {"mail": [2, 3, 5], "holdout": [2]},
            ["2 lines sent before its start 2026-10-05, the first on 2026-10-02; check start: and sent_at"],
            id="sent before the start",
        ),
    ],
)
def test_sends_before_the_described_start_are_said(
    tmp_path: Path, days: dict[str, list[int]], said: list[str]
) -> None:
    path = tmp_path / "sends.parquet"
    log(path, [("m1", arm, date(2026, 10, day)) for arm, each in days.items() for day in each])
    assert undescribed(path, [TEST]) == [f"campaign 'm1': {line}" for line in said]


def test_the_arm_of_a_log_without_arms_has_one_name_where_it_is_read_and_where_it_is_counted() -> None:
    # Neither part may import the other.
    assert tables.ALL_SENT == sent.ALL_SENT


def spot(*places: str, column: str = "store_id", donors: list[str] | None = None) -> Campaign:
    return Campaign(
        id="spot",
        name={"en": "Spot"},
        channel="tv",
        kind="area",
        start=DAY,
        end=DAY,
        where={column: list(places)},
        donors=donors,
    )


def test_a_campaign_of_places_is_in_no_send_log(tmp_path: Path):
    log(tmp_path / "sends.parquet", [])
    assert undescribed(tmp_path / "sends.parquet", [spot("札幌店")]) == []
    log(tmp_path / "sends.parquet", [("spot", "sent", DAY)] * 3)
    assert undescribed(tmp_path / "sends.parquet", [spot("札幌店")]) == [
        "campaign 'spot': 3 lines in the send log, but kind: area is sent to nobody; check its id or its kind"
    ]


@pytest.mark.parametrize(
    ("campaign", "said"),
    [
        pytest.param(spot("札幌店", donors=["仙台店"]), [], id="known"),
        pytest.param(
            spot("札幌"),
            ["campaign 'spot': store_id '札幌' is not in the data; did you mean '札幌店'?"],
            id="a slip",
        ),
        pytest.param(
            spot("札幌店", donors=["沖縄"]),
            ["campaign 'spot': store_id '沖縄' is not in the data; known are 仙台店, 札幌店"],
            id="an unknown donor",
        ),
        pytest.param(
            spot("北海道", column="prefecture"),
            ["campaign 'spot': prefecture '北海道' is not in the data; map prefecture under sources:"],
            id="nobody's home is known",
        ),
    ],
)
def test_places_nothing_was_sold_in(tmp_path: Path, campaign: Campaign, said: list[str]):
    pl.DataFrame({"store_id": ["札幌店", "仙台店", None]}).write_parquet(tmp_path / "order_lines.parquet")
    pl.DataFrame({"customer_id": ["1"]}).write_parquet(tmp_path / "customers.parquet")
    for customers in (tmp_path / "customers.parquet", None):
        assert unsold(tmp_path / "order_lines.parquet", customers, [campaign, TEST]) == said


@pytest.mark.parametrize(
    ("arms", "campaigns", "said"),
    [
        pytest.param(["mail", "holdout"], [TEST], [], id="as described"),
        pytest.param(["B"], [campaign("m1", "mail")], [], id="nothing is compared by arms"),
        pytest.param(
            ["B", "B", "holdout"],
            [TEST],
            [
                "campaign 'm1': the send log has the arm 'B' (2 lines), described are mail, holdout; "
                "map it with codes: arm: under sources.sends, or add it to arms:"
            ],
            id="an arm nobody described",
        ),
        pytest.param(
            ["sent"],
            [TEST],
            [
                "campaign 'm1': the send log has the arm 'sent' (1 lines), described are mail, holdout; "
                "map the column of arms under sources.sends.columns, and its values with codes: arm:"
            ],
            id="no column of arms",
        ),
    ],
)
def test_arms_an_evaluation_would_refuse(tmp_path, arms, campaigns, said):
    log(tmp_path / "sends.parquet", [("m1", arm, DAY) for arm in arms])
    assert unjudged(tmp_path / "sends.parquet", campaigns) == said
    if not said:
        refuse_unjudged(tmp_path / "sends.parquet", campaigns)
        return
    with pytest.raises(DataError) as refused:
        refuse_unjudged(tmp_path / "sends.parquet", campaigns)
    assert str(refused.value).splitlines() == said
