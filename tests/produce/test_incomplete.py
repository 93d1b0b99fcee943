"""What is said of a run whose chapters failed."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from crmreport.produce import Limits
from crmreport.produce.kernels.chapters import _out_of_time
from crmreport.produce.kernels.execute import Outcome
from crmreport.produce.kernels.workshop import Workshop
from crmreport.produce.run import _incomplete


@pytest.mark.parametrize(
    ("reason", "way"),
    [
        (
            "cell 'a': ConfigError: campaign 'm': arm 'B' was not planned",
            "in client.yml or the data, not the",
        ),
        ("cell 'a': DataError: nothing was sent", "mend what it names in client.yml or the data"),
        ("cell 'a': TooFewError: an analysis of its own", "mend what it names in client.yml or the data"),
        ("cell 'a': ZeroDivisionError: division by zero", "mend the chapter and run again"),
        (
            "cell 'a': its kernel was killed from outside (signal 9), perhaps for want of memory",
            "ended it (at want of memory fewer --jobs help) and run again",
        ),
        (
            "cell 'a': took longer than 600 s; allow more with --cell-timeout",
            "allow more, or make the chapter lighter, and run again",
        ),
    ],
)
def test_what_has_to_be_mended_is_named(reason, way):
    runs = [SimpleNamespace(chapter="a", status="failed", reason=reason)]
    assert way in str(_incomplete(runs, Path("a.partial")))  # type: ignore[arg-type]


def outcome(chapter: str, error: str = "", out_of_time: str | None = None) -> Outcome:
    return Outcome(chapter, "failed" if error else "done", 1.0, error or None, out_of_time=out_of_time)


LATE = outcome("rfm", "its report's time was over", "chapter rfm, cell 'table'")
UNBEGUN = outcome("sales", "not begun", "")
BROKEN = outcome("decile", "cell 'a': ValueError: no deciles")


@pytest.mark.parametrize(
    ("outcomes", "where"),
    [
        pytest.param([outcome("ctb"), LATE], "in chapter rfm, cell 'table'", id="one was at work"),
        pytest.param(
            [LATE, outcome("ctb", "over", "chapter ctb"), UNBEGUN],
            "in chapter rfm, cell 'table' and chapter ctb",
            id="two were, one had not begun",
        ),
        pytest.param([outcome("ctb"), UNBEGUN], "before chapter sales", id="it waited for a place"),
        pytest.param([outcome("ctb")], "after its chapters", id="all were done"),
        pytest.param(
            [BROKEN, LATE],
            "in chapter rfm, cell 'table'; chapter decile had failed by itself: "
            "cell 'a': ValueError: no deciles",
            id="another had failed by itself",
        ),
    ],
)
def test_a_report_that_took_too_long_blames_its_time(outcomes, where):
    workshop = Workshop(Limits(timeout=600))
    said = str(_out_of_time(workshop, outcomes))
    assert said == (
        f"the report took longer than it may (10 min): its time ran out {where}; allow more with --timeout"
    )
