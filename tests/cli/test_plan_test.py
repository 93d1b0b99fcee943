"""``crmreport plan-test``: the two files of a planned test, and what is refused."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from crmreport.cli import main
from crmreport.config_file import load_client
from crmreport.errors import ConfigError, DataError
from crmreport.plan_test.draft import refuse_formulas
from crmreport.report import open_report

CLIENT = """\
client: shop
name: {ja: 店, en: Shop}
languages: [ja]
sources:
  order_lines:
    - {path: data/orders.csv, columns: {customer_id: id, order_id: order, ordered_at: day, revenue: yen}}
  customers:
    - {path: data/members.csv, columns: {customer_id: id, joined_at: joined, consent_mail: mail, rank: rank}}
policies: {gross_margin_rate: 0.5}
reports:
  monthly: {chapters: [sales]}
"""
N = 120
DRAW = ["plan-test", "--client", "shop", "--campaign", "m1"]
ARMS = [
    "--arms",
    "mail=0.75,rest=0.25",
    "--control",
    "rest",
    "--cost",
    "30",
    "--stratify",
    "none",
    "--window-days",
    "60",
]


def rows(header: str, lines: list[str]) -> str:
    return "\n".join([header, *lines, ""])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop of 120 members, of whom 100 agreed to mail, with four months of orders."""
    home = tmp_path_factory.mktemp("home")
    data = home / "clients" / "shop" / "data"
    data.mkdir(parents=True)
    (data.parent / "client.yml").write_text(CLIENT, encoding="utf-8")
    first = date(2026, 7, 1)
    orders = [
        f"{i * 7 % N:04d},o{i},{first + timedelta(days=i * 11 % 123)},{1000 + i * 37 % 900}"
        for i in range(400)
    ]
    members = [
        f"{i:04d},2026-0{1 + i % 9}-15,{'yes' if i % 6 else 'no'},{('gold', 'silver', '')[i % 3]}"
        for i in range(N)
    ]
    (data / "orders.csv").write_text(rows("id,order,day,yen", orders), encoding="utf-8")
    (data / "members.csv").write_text(rows("id,joined,mail,rank", members), encoding="utf-8")
    return home


@pytest.fixture
def home(made: Path, monkeypatch: pytest.MonkeyPatch):
    """That shop, its plans and settings put back afterwards."""
    monkeypatch.setenv("CRMREPORT_HOME", str(made))
    client = made / "clients" / "shop"
    yield made
    (client / "client.yml").write_text(CLIENT, encoding="utf-8")
    for path in (client / "tests").glob("*"):
        path.unlink()


def listed(home: Path, campaign: str = "m1") -> list[dict[str, str]]:
    text = (home / "clients" / "shop" / "tests" / f"{campaign}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def test_a_test_is_drawn_written_and_found_again(home, capsys):
    assert main([*DRAW, *ARMS, "--stratify", "rank"]) == 0
    said = capsys.readouterr().out
    people = listed(home)
    assert len(people) == 100
    assert all(int(p["customer_id"]) % 6 for p in people), "who has not agreed to mail is in no arm"
    by_arm = [sum(p["arm"] == arm for p in people) for arm in ("mail", "rest")]
    assert abs(by_arm[0] - 75) <= 2
    content = (home / "clients" / "shop" / "tests" / "m1.csv").read_bytes()
    assert hashlib.sha256(content).hexdigest() in said
    assert "m1: 100 of 120 customers known on 2026-10-31\n  20 have not agreed to mail (consent_mail)" in said
    assert main([*DRAW, "--check"]) == 0
    assert "the same 100 customers and arms" in capsys.readouterr().out


def test_the_entry_can_be_pasted_and_the_evaluation_knows_the_plan(home, capsys):
    assert main([*DRAW, *ARMS, "--primary", "conversion", "--window-days", "40"]) == 0
    said = capsys.readouterr().out
    entry = said[said.index("campaigns:") :]
    path = home / "clients" / "shop" / "client.yml"
    path.write_text(CLIENT + entry, encoding="utf-8")
    (told,) = load_client(path, reports=False).campaigns
    assert (told.plan, told.planned_customers, told.randomised, told.start) == (
        "tests/m1.yml",
        100,
        True,
        date(2026, 11, 1),
    )
    report = open_report("shop", "2026-10", "ja")
    (plan,) = report.campaigns
    assert (plan.planned_customers, plan.arms, plan.window_days) == (100, {"mail": 0.75, "rest": 0.25}, 40)
    assignment = report.planned_assignment("m1")
    assert assignment is not None
    assert assignment.to_dict("records") == listed(home)
    assert plan.drawn is not None
    assert plan.drawn.equals(assignment)
    assert report.planned_assignment("another") is None
    assert main([*DRAW, "--stratify", "none", "--force"]) == 0, "what client.yml says need not be said again"


def test_a_list_somebody_changed_is_not_taken_for_the_plan(home):
    assert main([*DRAW, *ARMS]) == 0
    folder = home / "clients" / "shop"
    entry = (folder / "tests" / "m1.yml").read_text(encoding="utf-8").partition("campaigns:\n")[2]
    (folder / "client.yml").write_text(f"{CLIENT}campaigns:\n{entry}", encoding="utf-8")
    path = folder / "tests" / "m1.csv"
    path.write_text(path.read_text().replace("mail", "rest", 1))
    with pytest.raises(DataError, match=r"tests/m1.csv: is not the list tests/m1.yml speaks of"):
        open_report("shop", "2026-10", "ja").planned_assignment("m1")
    (folder / "client.yml").write_text(
        f"{CLIENT}campaigns:\n{entry.replace('control: rest', 'control: mail')}"
    )
    with pytest.raises(ConfigError, match="which is not what client.yml says"):
        _ = open_report("shop", "2026-10", "ja").campaigns


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        pytest.param(
            "m1.csv", "mail", "rest", "plan: tests/m1.csv: is not the list tests/m1.yml speaks of", id="list"
        ),
        pytest.param(
            "client.yml",
            "id: m1",
            "id: m2",
            "plan: tests/m1.yml is the plan of 'm1', and this campaign is 'm2'; write id: m1",
            id="id",
        ),
        pytest.param(
            "client.yml",
            "control: rest",
            "control: mail",
            "control: tests/m1.yml drew the arms",
            id="control",
        ),
        pytest.param(
            "client.yml",
            "share: 0.25",
            "share: 0.5",
            "arms: shares mail 0.75, rest 0.5 here, but tests/m1.yml drew mail 0.75, rest 0.25;",
            id="shares",
        ),
    ],
)
def test_a_plan_and_a_client_file_that_disagree_are_found_by_check(home, capsys, file, old, new, fault):
    (home / "notebooks").mkdir(exist_ok=True)
    (home / "notebooks" / "sales.ipynb").touch()
    assert main([*DRAW, *ARMS]) == 0
    folder = home / "clients" / "shop"
    entry = (folder / "tests" / "m1.yml").read_text(encoding="utf-8").partition("campaigns:\n")[2]
    columns = "{campaign_id: c, customer_id: id, sent_at: at, arm: arm}"
    sends = f"  sends:\n    - {{path: data/log.csv, columns: {columns}}}\n"
    shop = CLIENT.replace("policies:", sends + "policies:", 1)
    (folder / "client.yml").write_text(f"{shop}campaigns:\n{entry}", encoding="utf-8")
    lines = [f"m1,{p['customer_id']},2026-11-01,{p['arm']}" for p in listed(home)]
    (folder / "data" / "log.csv").write_text(rows("c,id,at,arm", lines), encoding="utf-8")
    try:
        assert main(["check", "--client", "shop"]) == 0
        assert "not all sent so" not in capsys.readouterr().out
        (folder / "data" / "log.csv").write_text(rows("c,id,at,arm", lines[4:]), encoding="utf-8")
        assert main(["check", "--client", "shop"]) == 0
        assert "4 drawn and absent from the log (4.0%" in capsys.readouterr().out
        path = folder / ("tests" if file.endswith("csv") else ".") / file
        path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
        assert main(["check", "--client", "shop", "--dry-run"]) == 2
        assert fault in capsys.readouterr().err
    finally:
        (folder / "data" / "log.csv").unlink()


def test_changed_data_are_told_when_the_list_cannot_be_drawn_again(home, capsys):
    assert main([*DRAW, *ARMS]) == 0
    members = home / "clients" / "shop" / "data" / "members.csv"
    before = members.read_text(encoding="utf-8")
    members.write_text(before.replace("0001,2026-02-15,yes", "0001,2026-02-15,no"), encoding="utf-8")
    try:
        assert main([*DRAW, "--check"]) == 3
    finally:
        members.write_text(before, encoding="utf-8")
    assert "another SHA-256; since then data/members.csv changed" in capsys.readouterr().err


def test_nobody_need_have_ordered_on_the_day_of_the_draw(home, capsys):
    """Orders run to 31 October; the list is drawn, and drawn again, as of four days later."""
    assert main([*DRAW, *ARMS, "--as-of", "2026-11-04"]) == 0
    assert "customers known on 2026-11-04" in capsys.readouterr().out
    assert main([*DRAW, "--check"]) == 0
    assert "the same 100 customers and arms" in capsys.readouterr().out


def test_a_plan_is_not_drawn_twice_unless_forced(home, capsys):
    assert main([*DRAW, *ARMS]) == 0
    before = listed(home)
    assert main([*DRAW, *ARMS, "--seed", "2"]) == 2
    assert "tests/m1.yml is there already" in capsys.readouterr().err
    assert listed(home) == before
    assert main([*DRAW, *ARMS, "--seed", "2", "--force"]) == 0
    assert listed(home) != before


def test_a_dry_run_says_all_and_writes_nothing(home, capsys):
    assert main([*DRAW, *ARMS, "--dry-run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["customers"] == sum(told["arms"].values()) == 100
    assert told["recipe"]["as_of"] == "2026-10-31"
    assert [w["end"] for w in told["power"]["windows"]] == ["2026-10-31", "2026-09-01"]
    assert told["power"]["arms"]["mail"]["pays"] == 60
    assert not list((home / "clients" / "shop").glob("tests/*"))


def test_only_customers_of_a_segment_and_known_on_the_day_are_drawn(home, capsys):
    words = [
        "--as-of",
        "2026-09-20",
        "--segment",
        "hibernating",
        "--segment",
        "at_risk",
        "--dry-run",
        "--json",
    ]
    assert main([*DRAW, *ARMS, *words]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["strata"] == [{"stratum": "", "customers": told["customers"], **told["arms"]}]
    assert told["recipe"]["segments"] == ["hibernating", "at_risk"]
    assert 0 < told["customers"] < 60, "and not the 100 who agreed, or those who joined in the last days"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        pytest.param([], 2, "arms and control are not known; give --arms", id="no arms"),
        pytest.param(["--arms", "mail"], 2, "--arms: 'mail' is no arm with a share", id="no share"),
        pytest.param(
            [*ARMS, "--control", "res"], 2, "'res' is not an arm; did you mean 'rest'?", id="control"
        ),
        pytest.param(
            [*ARMS, "--segment", "champion"], 2, "no segment 'champion'; did you mean", id="segment"
        ),
        pytest.param([*ARMS, "--stratify", "ranks"], 2, "no such column; did you mean 'rank'?", id="stratum"),
        pytest.param(
            [*ARMS, "--period", "2026-10", "--as-of", "2026-10-31"], 2, "both name a day", id="two days"
        ),
        pytest.param([*ARMS, "--primary", "clicks"], 2, "primary: Input should be 'revenue'", id="metric"),
        pytest.param(
            [*ARMS, "--window-days", "200"], 3, "there is no whole window of 200 days", id="history"
        ),
        pytest.param([*ARMS, "--start", "2026-10-31"], 2, "give an earlier --as-of", id="sent already"),
        pytest.param(["--check"], 2, "no test was planned yet", id="nothing to check"),
        pytest.param(
            [*ARMS, "--arms", "mail=0.7,rest=0.2"],
            2,
            "shares add up to 0.9; give shares that add up to 1",
            id="sum",
        ),
        pytest.param(
            [*ARMS, "--channel", "e-mail"],
            2,
            "--channel 'e-mail' is not known; did you mean 'mail'?",
            id="channel",
        ),
        pytest.param(
            [*ARMS, "--margin", "60"], 2, "margin_rate: should be less than 1; write 0.6 for 60%", id="margin"
        ),
    ],
)
def test_what_cannot_be_planned_is_refused_in_one_line(home, capsys, words, code, message):
    assert main([*DRAW, *words]) == code
    err = capsys.readouterr().err
    assert message in err
    assert len(err.splitlines()) == 1
    assert not list((home / "clients" / "shop").glob("tests/*"))


def test_an_id_without_a_plan_is_answered_with_those_there_are(home, capsys):
    assert main([*DRAW, *ARMS]) == 0
    assert main(["plan-test", "--client", "shop", "--campaign", "m2", "--check"]) == 2
    assert "campaign 'm2' has no plan in clients/shop/tests/; known are m1" in capsys.readouterr().err


def test_what_is_not_known_is_said_in_words(home, capsys):
    """An arm nobody could judge, a campaign without a cost, customers who never bought."""
    words = ["--arms", "mail=0.9,rest=0.1", "--control", "rest", "--window-days", "5", "--dry-run"]
    assert main([*DRAW, *words, "--as-of", "2026-07-20"]) == 0
    said = capsys.readouterr().out
    assert "customers; with fewer than 30 in an arm nothing can be judged" in said
    assert "buyers; with fewer than 10 in an arm no profit can be told" in said
    assert "what pays is not known: give --cost and --margin" in said
    assert "pays from" not in said
    assert "(no purchase yet)" in said


def test_an_edited_plan_is_refused(home, capsys):
    assert main([*DRAW, *ARMS]) == 0
    path = home / "clients" / "shop" / "tests" / "m1.yml"
    path.write_text(path.read_text().replace("seed: 1", "seed: one"), encoding="utf-8")
    assert main([*DRAW, "--check"]) == 2
    assert "tests/m1.yml: recipe.seed: Input should be a valid integer" in capsys.readouterr().err


def test_a_channel_without_consent_on_file_says_so(home, capsys):
    assert main([*DRAW, *ARMS, "--channel", "line", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "m1: 120 of 120 customers" in said
    assert "consent to line is not on file: leave out who did not agree before arms are drawn" in said


def test_an_id_that_is_no_file_name_is_refused(home, capsys):
    assert main(["plan-test", "--client", "shop", "--campaign", "../x", *ARMS]) == 2
    assert "campaign '../x' cannot be a file's name" in capsys.readouterr().err


@pytest.mark.parametrize("customer", ["=1+1", "@SUM(A1)", "+A1", "-cmd|x", "＝１"])
def test_an_id_a_spreadsheet_would_run_is_in_no_list(customer):
    with pytest.raises(DataError, match="1 customer ids begin like a formula"):
        refuse_formulas(pd.Series(["0001", customer]))
