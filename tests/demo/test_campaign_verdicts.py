"""What an evaluation says of each planted campaign, beside what it truly did."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

import crmreport as cr
from crmreport.analysis.campaign.estimate import Estimate
from crmreport.analysis.campaign.evaluation import Evaluation
from crmreport.demo.orders import Books
from crmreport.workspace import HOME_VARIABLE, Workspace
from tests.demo.delivery import Delivery

_CLIENT = Path(__file__).parents[2] / "clients" / "demo" / "client.yml"
_TABLES = ("order_lines", "products", "sends")
_YEARS = "data/売上明細_202[45]-11_*.csv"


@pytest.fixture(scope="module")
def evaluations(delivery: Delivery, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Evaluation]:
    """Every campaign evaluated on a store of sendings and the last two years' sales alone."""
    workspace = Workspace(tmp_path_factory.mktemp("verdicts"))
    folder = workspace.client("demo")
    folder.mkdir(parents=True)
    (folder / "data").symlink_to(delivery.folder / "data")
    yaml = YAML()
    settings = yaml.load(_CLIENT)
    settings["sources"] = {table: settings["sources"][table] for table in _TABLES}
    settings["sources"]["order_lines"][0]["path"] = _YEARS
    settings.pop("control_totals")
    settings["brand"].pop("logo")
    with workspace.client_file("demo").open("w", encoding="utf-8") as file:
        yaml.dump(settings, file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(HOME_VARIABLE, str(workspace.root))
        report = cr.open_report("demo", "2026-10", "ja")
    before = cr.segments_before(report.order_lines, segments=report.segments)
    return {
        plan.campaign_id: cr.evaluate_campaign(
            report.sends, report.order_lines, plan=plan, as_of=report.as_of, attributes=before(plan)
        )
        for plan in report.campaigns
    }


def effect(evaluation: Evaluation) -> Estimate | None:
    """The effect on revenue per customer sent to that a page would print."""
    if evaluation.not_randomised is not None:
        return evaluation.not_randomised.adjusted.doubly_robust
    if not evaluation.arms or evaluation.running:
        return None
    return evaluation.arms[0].effects["revenue"].estimate


def truth(books: Books, campaign: str) -> float:
    """What the campaign truly sold per customer sent to."""
    lines = books.lines[books.lines["campaign"] == campaign]
    goods = (books.products["kind"] != "送料").to_numpy()[lines["product"]]
    sends = books.sends[(books.sends["campaign"] == campaign) & (books.sends["step"] == 1)]
    return lines.loc[goods, "amount"].sum() / (~sends["arm"].isin(["対照", "選外"])).sum()


@pytest.mark.parametrize(
    ("campaign", "verdict", "reason"),
    [
        pytest.param("2026-08-refill-mail", "roll_out", "profit_likely", id="profitable"),
        pytest.param("2026-09-gift-dm", "stop", "profit_unlikely", id="sells more at a loss"),
        pytest.param("2026-09-line-coupon", "cannot_say", "assignment_broken", id="broken assignment"),
        pytest.param("2026-09-winback-dm", "keep_testing", "too_uncertain", id="chosen, not drawn"),
        pytest.param("2026-05-welcome-steps", "cannot_say", "no_comparison", id="nobody held out"),
        pytest.param("2026-07-cart-mail", "keep_testing", "too_uncertain", id="too small"),
        pytest.param("2026-09-nagoya-event", "stop", "profit_unlikely", id="did nothing in one store"),
        pytest.param("2026-10-refill-app", "keep_testing", "still_running", id="still running"),
    ],
)
def test_the_verdict_is_the_one_the_truth_deserves(
    evaluations: dict[str, Evaluation], campaign: str, verdict: str, reason: str
):
    judged = evaluations[campaign].judged
    assert (judged.verdict, judged.reason) == (verdict, reason)


@pytest.mark.parametrize(
    "campaign", ["2026-07-cart-mail", "2026-08-refill-mail", "2026-09-gift-dm", "2026-09-winback-dm"]
)
def test_the_truth_lies_in_the_printed_interval(
    evaluations: dict[str, Evaluation], books: Books, campaign: str
):
    printed = effect(evaluations[campaign])
    assert printed is not None
    assert printed.lower <= truth(books, campaign) <= printed.upper


def test_the_event_that_did_nothing_is_seen_to_pay_for_nothing(evaluations: dict[str, Evaluation]):
    found = evaluations["2026-09-nagoya-event"].area
    assert found is not None
    assert found.revenue is not None
    assert found.profit is not None
    # The truth is 0: no line of the books is its doing.
    assert found.revenue.lower <= 0 <= found.revenue.upper
    assert found.profit.upper < 0
    assert found.judged.grade == "adjusted"


@pytest.mark.parametrize("campaign", ["2026-05-welcome-steps", "2026-09-line-coupon", "2026-10-refill-app"])
def test_no_effect_is_told_where_none_can_be(evaluations: dict[str, Evaluation], campaign: str):
    assert effect(evaluations[campaign]) is None


def test_the_gift_sells_significantly_more_and_still_loses_money(evaluations: dict[str, Evaluation]):
    (arm,) = evaluations["2026-09-gift-dm"].arms
    assert arm.effects["revenue"].estimate.lower > 0
    assert arm.profit is not None
    assert arm.profit.upper < 0


def test_the_broken_lot_is_refuted_by_the_sizes_of_its_arms(evaluations: dict[str, Evaluation]):
    design = evaluations["2026-09-line-coupon"].design
    assert design is not None
    assert design.sample_ratio.p_value < 1e-6


def test_the_chosen_look_better_than_they_are(evaluations: dict[str, Evaluation]):
    found = evaluations["2026-09-winback-dm"].not_randomised
    assert found is not None
    assert found.adjusted.doubly_robust is not None
    assert found.adjusted.naive.difference > 2 * abs(found.adjusted.doubly_robust.difference)
    assert found.won_back is not None
    assert found.won_back.came_back > 0.05
