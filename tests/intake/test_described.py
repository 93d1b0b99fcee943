"""The send log beside the campaigns of the client file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from crmreport.config_campaigns import Campaign, CampaignArm
from crmreport.intake.described import undescribed

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
    pl.DataFrame(rows, schema={"campaign_id": pl.String, "arm": pl.String}, orient="row").write_parquet(path)
    assert undescribed(path, campaigns) == said
